"""What the SDKs' own types say about a resource's inputs.

Mocks take any nested key and any type; a cloud's provider does not. Each SDK declares its inputs as classes, whose
properties know their wire names, so a misspelt key or a wrong type can be told without the provider. The names that
begin with an underscore are private to Pulumi's SDK, and used nowhere else.
"""

import importlib
import inspect
import json
import re
import sys
import warnings
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from enum import Enum
from functools import cache
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from types import ModuleType
from typing import Any, ForwardRef, Literal, Union, get_args, get_origin

import pulumi
from pulumi import _types
from pulumi.runtime import rpc

from tests.engine.stand_in.cloud import UNKNOWN

OUTSIDE = ("pulumi-python:dynamic", "pulumi:")
"""Begin the types that no cloud's SDK knows: of resources whose provider is a class of ours, or the engine itself."""


def misfits(token: str, inputs: Mapping[str, Any]) -> list[str]:
    """What the SDK's types have against `inputs` of a resource of type `token`, one sentence each.

    Args:
        token: Its type, e.g. `gcp:container/cluster:Cluster`.
        inputs: Its inputs as they go to the provider, with names in camelCase.
    """
    if token.startswith(OUTSIDE):
        return []
    return list(_misfits(token, json.dumps(inputs, sort_keys=True)))


@cache
def _misfits(token: str, inputs: str) -> tuple[str, ...]:
    """The same, of inputs as text: most resources are alike in most tests."""
    return tuple(_object(_arguments(token), json.loads(inputs), token.rpartition(":")[2]))


@cache
def _arguments(token: str) -> type:
    package, module, name = token.split(":")
    with warnings.catch_warnings():
        # SDKs say at import which of all their types are deprecated.
        warnings.simplefilter("ignore", DeprecationWarning)
        found = rpc.get_resource_module(package, module, "")
        sdk = f"pulumi_{package.replace('-', '_')}"
        if found is None and not module.startswith("index/"):
            # An SDK registers its types when it is imported.
            importlib.import_module(sdk)
            found = rpc.get_resource_module(package, module, "")
            if found is None:
                raise LookupError(f"no SDK here declares the type {token}")
        info: Any = getattr(found, "mod_info", {"fqn": sdk, "classes": {token: name}})
        if token not in info["classes"]:
            raise LookupError(f"no SDK here declares the type {token}")
        name = info["classes"][token]
        declaring = _declaring(info["fqn"], re.sub("(?<=[a-z0-9])(?=[A-Z])", "_", name).lower())
        # So called where nested arguments have taken the name already: Azure's `SubnetArgs`.
        return getattr(declaring, f"{name}InitArgs", None) or getattr(declaring, f"{name}Args")


def _declaring(package: str, module: str) -> ModuleType:
    """The module of an SDK's `package` that declares a resource, without the hundreds beside it where it can be had.

    What a program has loaded is taken as it is. Else the package itself is not run, nor are the types of outputs read:
    both take seconds in the largest ones, and nobody here asks for them.
    """
    loaded = sys.modules.get(package)
    if type(loaded) is ModuleType:
        return importlib.import_module(package)
    root, _, _ = package.rpartition(".")
    spec = PathFinder.find_spec(package, sys.modules[root].__path__ if root else None)
    if spec is None or PathFinder.find_spec(module, spec.submodule_search_locations) is None:
        return importlib.import_module(package)
    outputs = f"{package}.outputs"
    sys.modules[package], sys.modules[outputs] = module_from_spec(spec), ModuleType(outputs)
    try:
        return importlib.import_module(f"{package}.{module}")
    finally:
        del sys.modules[package], sys.modules[outputs]
        if loaded is not None:
            sys.modules[package] = loaded


def _object(declared: type, value: Mapping[str, Any], place: str) -> Iterator[str]:
    types = _types.input_type_types(declared)
    for key in value.keys() - types.keys():
        yield f"{place}.{key}: {declared.__name__} has no such property"
    for key in _required(declared) - value.keys():
        yield f"{place}.{key}: {declared.__name__} requires it"
    for key in value.keys() & types.keys():
        yield from _value(types[key], value[key], f"{place}.{key}")


def _required(declared: type) -> set[str]:
    names = _types.input_type_py_to_pulumi_names(declared)
    return {
        names.get(name, name)
        for name, parameter in inspect.signature(declared).parameters.items()
        if parameter.default is inspect.Parameter.empty
    }


def _value(declared: Any, value: Any, place: str) -> Iterator[str]:
    if value is None or value == UNKNOWN or declared is Any:
        return
    origin, parts = get_origin(declared), get_args(declared)
    if origin is Union:
        yield from _any_of([part for part in parts if not _is_plumbing(part)], value, place)
    elif origin is Literal:
        if value not in parts:
            yield f"{place}: {value!r} is not one of {parts}"
    elif isinstance(declared, type) and _types.is_input_type(declared):
        yield from _object(declared, value, place) if isinstance(value, Mapping) else _wrong(declared, value, place)
    elif origin in (Sequence, list):
        if not isinstance(value, list):
            yield from _wrong(declared, value, place)
            return
        for index, item in enumerate(value):
            yield from _value(parts[0], item, f"{place}[{index}]")
    elif origin in (Mapping, dict):
        if not isinstance(value, Mapping):
            yield from _wrong(declared, value, place)
            return
        for key, item in value.items():
            yield from _value(parts[1], item, f"{place}.{key}")
    elif not _is_scalar(declared, value):
        yield from _wrong(declared, value, place)


def _any_of(choices: list[Any], value: Any, place: str) -> Iterator[str]:
    complaints = [list(_value(choice, value, place)) for choice in choices]
    if all(complaints):
        yield from min(complaints, key=len)


def _is_plumbing(part: Any) -> bool:
    return part is type(None) or isinstance(part, ForwardRef) or get_origin(part) in (Awaitable, pulumi.Output)


def _is_scalar(declared: Any, value: Any) -> bool:
    if declared is bool or isinstance(value, bool):
        return declared is bool and isinstance(value, bool)
    if declared is int:
        # Every number travels as a float.
        return isinstance(value, int | float) and value == int(value)
    if declared is float:
        return isinstance(value, int | float)
    if isinstance(declared, type) and issubclass(declared, Enum):
        return value in [member.value for member in declared]
    return isinstance(declared, type) and isinstance(value, declared)


def _wrong(declared: Any, value: Any, place: str) -> Iterator[str]:
    yield f"{place}: {value!r} is no {getattr(declared, '__name__', declared)}"
