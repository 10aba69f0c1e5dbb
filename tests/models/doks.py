"""What DigitalOcean's API would say of a request: its own description, from its client library for Python.

`pydo` is generated from DigitalOcean's OpenAPI document and checks nothing: what that document says of a request's body
stands in the methods' docstrings only, as a template with a comment a field. From there come fields, types, what is
required and the words that a field knows, and two rules that the comments tell in prose: the sizes of a VPC and the
form of a time. It has no pattern and no other range: names, tags, counts of nodes and CIDRs of pods and Services are
rung 3 only.

The provider turns a resource into such a body; the functions here do the same with what Slipway passes, and what they
do not know is no field of the API, and told.

https://github.com/digitalocean/terraform-provider-digitalocean/tree/main/digitalocean
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from ipaddress import ip_network
from pathlib import Path
from typing import Any

Inputs = Mapping[str, Any]


def cluster_faults(name: str, inputs: Inputs) -> list[str]:
    """Why the API would refuse to make a cluster of these inputs."""
    body = _snake_case(inputs, leaving=CLUSTERS_OWN)
    # https://github.com/digitalocean/terraform-provider-digitalocean/blob/main/digitalocean/kubernetes/kubernetes.go
    pool = body.pop("node_pool")
    pool["count"] = pool.pop("node_count")
    body["node_pools"] = [pool]
    if "ssos" in body:
        (body["sso"],) = body.pop("ssos")
    return _faults("KubernetesOperations", "create_cluster", {"name": name, **body})


def node_pool_faults(name: str, inputs: Inputs) -> list[str]:
    """Why the API would refuse to make a node pool of these inputs."""
    body = _snake_case(inputs, leaving=NODE_POOLS_OWN)
    return _faults("KubernetesOperations", "add_node_pool", {"name": name, **body})


def vpc_faults(name: str, inputs: Inputs) -> list[str]:
    """Why the API would refuse to make a VPC of these inputs."""
    return _faults("VpcsOperations", "create", {"name": name, **_snake_case(inputs)})


def gateway_faults(name: str, inputs: Inputs) -> list[str]:
    """Why the API would refuse to make a NAT gateway of these inputs."""
    return _faults("VpcnatgatewaysOperations", "create", {"name": name, **_snake_case(inputs)})


CLUSTERS_OWN = frozenset({"kubeconfigExpireSeconds", "destroyAllAssociatedResources", "registryIntegration"})
"""What the provider says in other requests: for a kubeconfig, at the end, and to the registry."""

NODE_POOLS_OWN = frozenset({"clusterId"})
"""What the provider says in the request's path."""


def _snake_case(value: Any, leaving: frozenset[str] = frozenset()) -> Any:
    if isinstance(value, Mapping):
        return {
            # Labels are the user's own words.
            re.sub(r"(?=[A-Z])", "_", key).lower(): inner if key == "labels" else _snake_case(inner)
            for key, inner in value.items()
            if key not in leaving
        }
    return [_snake_case(item) for item in value] if isinstance(value, list) else value


# The model


@dataclass
class Field:
    """What the API says of a value."""

    kind: str
    """`text`, `number`, `truth`, `object`, `list`, or `map` for an object of any keys."""

    comment: str = ""
    parts: dict[str, "Field"] = field(default_factory=dict)
    """Of an object, by key; of a list, what its items are, under an empty key."""

    @property
    def required(self) -> bool:
        return "Required." in self.comment and not self.comment.startswith("Optional.")

    @property
    def words(self) -> list[str]:
        """The only values, where it has such."""
        _, known, words = self.comment.partition("Known values are:")
        if not known:
            # A word alone stands at the end.
            words = alone[0] if (alone := re.search(r'Required\. "\w+"$', self.comment)) else ""
        return re.findall(r'"([^"]+)"', words)

    @property
    def prefixes(self) -> tuple[int, int] | None:
        """The largest and the smallest network, where it has such."""
        sizes = re.search(r"smaller than ``/(\d+)`` nor larger than ``/(\d+)``", self.comment)
        return (int(sizes[2]), int(sizes[1])) if sizes else None

    @property
    def is_time(self) -> bool:
        return "HH:MM" in self.comment


@cache
def model(operations: str, method: str) -> Field:
    """What the API says of the body of a request, by the client library's class and method."""
    source = _source()
    start = source.index(f"    def {method}(", source.index(f"class {operations}"))
    start = source.index("body = {", start) + len("body = ")
    template = source[start : source.index("# response body", start)]
    return _read(_tokens(template))


@cache
def _source() -> str:
    # Not imported: the module has 365,000 lines.
    spec = find_spec("pydo")
    assert spec and spec.origin
    return Path(spec.origin).with_name("operations").joinpath("_operations.py").read_text()


_LINE = re.compile(
    r'(?:"(?P<key>\w+)": )?(?P<value>\{\}|[\[\]{}]|"[^"]*"|0\.0|0|bool|True|False),?(?:  # ?(?P<comment>.*))?'
)
_KINDS = {"{}": "map", "{": "object", "[": "list", "0": "number", "0.0": "number"}


def _tokens(template: str) -> list[list[str]]:
    """Key, value and comment of each line; a comment goes on in lines that are nothing else."""
    tokens: list[list[str]] = []
    for line in filter(None, map(str.strip, template.splitlines())):
        if match := _LINE.fullmatch(line):
            tokens.append([match["key"] or "", match["value"], match["comment"] or ""])
        else:
            tokens[-1][2] += f" {line}"
    tokens.reverse()
    return tokens


def _read(tokens: list[list[str]]) -> Field:
    _, value, comment = tokens.pop()
    kind = _KINDS.get(value) or ("text" if value.startswith('"') else "truth")
    found = Field(kind, comment.strip())
    while kind in ("object", "list") and tokens[-1][1] not in ("}", "]"):
        key = tokens[-1][0]
        found.parts[key] = _read(tokens)
    if kind in ("object", "list"):
        tokens.pop()
    return found


# The check


def _faults(operations: str, method: str, body: Inputs) -> list[str]:
    return list(_check(model(operations, method), body, "body"))


def _check(wanted: Field, value: Any, place: str) -> Iterator[str]:
    if not _is_a(wanted.kind, value):
        yield f"{place}: {value!r} is no {wanted.kind}"
    elif wanted.kind == "object":
        yield from (f"{place}.{key}: the API has no such field" for key in value.keys() - wanted.parts.keys())
        for key, part in wanted.parts.items():
            if key in value:
                yield from _check(part, value[key], f"{place}.{key}")
            elif part.required:
                yield f"{place}.{key}: the API requires it"
    elif wanted.kind == "list":
        for index, item in enumerate(value):
            yield from _check(wanted.parts[""], item, f"{place}[{index}]")
    elif wanted.words and value not in wanted.words:
        yield f"{place}: {value!r} is none of {', '.join(wanted.words)}"
    elif wanted.is_time and not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
        yield f"{place}: {value!r} is no time"
    elif wanted.prefixes and not wanted.prefixes[0] <= ip_network(value).prefixlen <= wanted.prefixes[1]:
        yield f"{place}: {value!r} is not from /{wanted.prefixes[0]} to /{wanted.prefixes[1]}"


def _is_a(kind: str, value: Any) -> bool:
    kinds: dict[str, Any] = {"text": str, "truth": bool, "list": list, "object": Mapping, "map": Mapping}
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, kinds[kind])
