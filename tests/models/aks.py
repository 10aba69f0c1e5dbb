"""What AKS's API would say of a request: its own types, from Microsoft's client library for Python.

pulumi-azure-native sends what it gets, with what belongs to the resource's path taken out and nearly all the rest put
below `properties`; `cluster_faults` and its siblings do the same, and know no other key of the path. The types know
every field, which ones are required, and every enum. Ranges and closed sets that are no enums stand in their
documentation, and are read out of it. They know no pattern: names are rung 3 only, as are networks, vaults, roles,
locks and workspaces, whose APIs are not in this library.

The library speaks a newer version of the API than the provider does (`2025-09-01`), whose fields are rung 1.
https://github.com/pulumi/pulumi-azure-native/blob/master/provider/pkg/convert/sdkInputsToRequestBody.go
"""

import re
from collections.abc import Iterator, Mapping
from enum import Enum
from functools import cache
from typing import Any, Required, Union, get_args, get_origin, get_type_hints

from azure.mgmt.containerservice import models, types
from typing_extensions import is_typeddict

from components.declared import documentation

Inputs = Mapping[str, Any]

PATH = {"resourceGroupName", "resourceName", "agentPoolName", "configName"}
"""Inputs that are parts of a resource's path."""

OUTSIDE = {"location", "tags", "identity", "sku"}
"""Keys of a request that stand beside `properties`."""


def cluster_faults(inputs: Inputs) -> list[str]:
    """What the API would have against a cluster of these inputs."""
    return list(_faults(types.ManagedCluster, _request(inputs), "cluster"))


def node_pool_faults(inputs: Inputs) -> list[str]:
    """What the API would have against a node pool of these inputs."""
    # Here the tags are the nodes', which the API has below `properties`.
    return list(_faults(types.AgentPool, _request(inputs, outside=set()), "pool"))


def maintenance_faults(inputs: Inputs) -> list[str]:
    """What the API would have against a maintenance window of these inputs."""
    return list(_faults(types.MaintenanceConfiguration, _request(inputs), "maintenance"))


def _request(inputs: Inputs, outside: set[str] = OUTSIDE) -> dict[str, Any]:
    request = {key: value for key, value in inputs.items() if key in outside}
    request["properties"] = {key: value for key, value in inputs.items() if key not in outside | PATH}
    if identity := request.get("identity"):
        # A list for the provider, a mapping for the API.
        identities = {name: {} for name in identity["userAssignedIdentities"]}
        request["identity"] = {**identity, "userAssignedIdentities": identities}
    return request


def _faults(kind: Any, value: Any, place: str, text: str = "") -> Iterator[str]:
    """What `value` has wrong as a `kind`, whose documentation is `text`."""
    origin, parts = get_origin(kind), get_args(kind)
    if value is None or kind is Any:
        return
    if origin is Required:
        yield from _faults(parts[0], value, place, text)
    elif is_typeddict(kind):
        yield from _object_faults(kind, value, place)
    elif origin is Union:
        words = [member.value for part in parts if _is_enum(part) for member in part]
        if value not in words:
            yield f"{place}: {value!r} is none of {words}"
    elif origin is list:
        for index, item in enumerate(value):
            yield from _faults(parts[0], item, f"{place}[{index}]")
    elif origin is dict:
        for key, item in value.items():
            yield from _faults(parts[1], item, f"{place}.{key}")
    elif not _is_plain(kind, value):
        yield f"{place}: {value!r} is no {kind.__name__}"
    else:
        yield from _text_faults(value, place, text)


def _object_faults(kind: type, value: Any, place: str) -> Iterator[str]:
    hints, texts = _hints(kind), documentation(kind)
    if not isinstance(value, Mapping):
        yield f"{place}: {value!r} is no {kind.__name__}"
        return
    for key, item in value.items():
        if key in hints:
            yield from _faults(hints[key], item, f"{place}.{key}", " ".join(texts.get(key, "").split()))
        else:
            yield f"{place}.{key}: {kind.__name__} has no such field"
    for key, hint in hints.items():
        if get_origin(hint) is Required and value.get(key) is None:
            yield f"{place}.{key}: {kind.__name__} requires it"


def _text_faults(value: Any, place: str, text: str) -> Iterator[str]:
    """What the documentation of a field says against its value, where it names a range or a closed set."""
    if isinstance(value, str):
        if allowed := re.search(r"Allowed values are '(\w+)' and '(\w+)'", text):
            if value not in allowed.groups():
                yield f"{place}: {value!r} is none of {allowed.groups()}"
        elif accepted := re.search(r"Accepted values are from '([\d:]+)' to '([\d:]+)'", text):
            least, most = accepted.groups()
            if len(value) != len(least) or not least <= value <= most:
                yield f"{place}: {value!r} is not from {least} to {most}"
    elif not isinstance(value, bool) and (numbers := re.search(r"range (?:from|of) (\d+) to (\d+)", text)):
        least, most = map(int, numbers.groups())
        if not least <= value <= most:
            yield f"{place}: {value} is not from {least} to {most}"


@cache
def _hints(kind: type) -> dict[str, Any]:
    # The enums are named in the types, and live beside the models.
    enums = {name: each for name, each in vars(models).items() if _is_enum(each)}
    return get_type_hints(kind, localns=enums, include_extras=True)


def _is_enum(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Enum)


def _is_plain(kind: type, value: Any) -> bool:
    if kind is bool or isinstance(value, bool):
        return kind is bool and isinstance(value, bool)
    if kind in (int, float):
        # Every number travels as a float.
        return isinstance(value, int | float) and (kind is float or value == int(value))
    return isinstance(value, kind)
