"""What Scaleway's APIs would say of a request: the requests of its client library for Python, which checks nothing.

The provider turns a resource into one request; `fault` does the same with what Slipway passes, and knows no other key.
The library knows every field, its type and every enum, and no pattern, range or length: names, CIDRs, sizes, types of
machines, gateways and control planes are rung 3 only.

https://github.com/scaleway/terraform-provider-scaleway/tree/master/internal/services
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from scaleway.ipam.v1.types import BookIPRequest
from scaleway.k8s.v1.types import CoreV1TaintEffect, CreateClusterRequest, CreatePoolRequest, SetClusterACLRulesRequest
from scaleway.vpc.v2.types import CreatePrivateNetworkRequest, CreateVPCRequest
from scaleway.vpcgw.v2.types import CreateGatewayNetworkRequest, CreateGatewayRequest, CreateIPRequest

Inputs = Mapping[str, Any]
Turn = Callable[[Any], Inputs]


@dataclasses.dataclass(frozen=True)
class Request:
    """How the provider turns the inputs of a resource into a request."""

    model: type
    turned: Mapping[str, Turn]
    """Key of the provider's → the fields that its value becomes."""

    always: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """Fields that the provider fills where a program says nothing."""


def fault(kind: str, inputs: Inputs) -> str | None:
    """Why the API would refuse to make a resource of this kind with these inputs."""
    request = REQUESTS[kind]
    fields = dict(request.always)
    for key, value in inputs.items():
        if key not in request.turned:
            raise KeyError(f"no rule says what becomes of {kind}.{key}")
        fields.update(request.turned[key](value))
    return next(_complaints(request.model, fields, kind), None)


def _complaints(declared: Any, value: Any, place: str) -> Iterator[str]:
    if get_origin(declared) in (Union, UnionType):
        declared = next(part for part in get_args(declared) if part is not type(None))
    origin, parts = get_origin(declared), get_args(declared)
    if dataclasses.is_dataclass(declared):
        yield from _of_fields(declared, value, place)
    elif origin is list:
        for index, item in enumerate(value if isinstance(value, list) else ()):
            yield from _complaints(parts[0], item, f"{place}[{index}]")
        if not isinstance(value, list):
            yield f"{place}: {value!r} is no list"
    elif origin is dict:
        if not isinstance(value, Mapping) or not all(isinstance(each, parts[1]) for each in value.values()):
            yield f"{place}: {value!r} maps to something else than {parts[1].__name__}"
    elif issubclass(declared, Enum):
        if value not in _words(declared):
            yield f"{place}: {value!r} is none of {', '.join(_words(declared))}"
    elif not isinstance(value, declared) or isinstance(value, bool) is not (declared is bool):
        yield f"{place}: {value!r} is no {declared.__name__}"


def _of_fields(declared: Any, value: Any, place: str) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"{place}: {value!r} has no fields"
        return
    types = get_type_hints(declared)
    for name in value.keys() - types.keys():
        yield f"{place}.{name}: {declared.__name__} has no such field"
    for field in dataclasses.fields(declared):
        is_required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if is_required and field.name not in value:
            yield f"{place}.{field.name}: {declared.__name__} requires it"
        elif field.name in value:
            yield from _complaints(types[field.name], value[field.name], f"{place}.{field.name}")


def _words(declared: type[Enum]) -> list[str]:
    if declared is CoreV1TaintEffect:
        # The library writes `no_schedule`, the API answers and is asked as Kubernetes writes it:
        # https://github.com/scaleway/scaleway-cli/blob/master/internal/namespaces/k8s/v1/testdata/test-pool-set-taint-set-empty.golden
        return ["".join(word.capitalize() for word in effect.name.split("_")) for effect in declared]
    # The first of them stands for an enum that says nothing.
    return [word.value for word in declared if not word.value.startswith("unknown_")]


def _as(name: str) -> Turn:
    return lambda value: {name: value}


def _whole(name: str) -> Turn:
    """Every number travels as a float."""
    return lambda value: {name: _int(value)}


def _int(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _nested(name: str, turned: Mapping[str, Turn], always: Inputs | None = None) -> Turn:
    def turn(value: Inputs) -> Inputs:
        fields = dict(always or {})
        for key, inner in value.items():
            if key not in turned:
                raise KeyError(f"no rule says what becomes of {name}.{key}")
            fields.update(turned[key](inner))
        return {name: fields}

    return turn


def _list_of(name: str, turned: Mapping[str, Turn], always: Inputs | None = None) -> Turn:
    one = _nested(name, turned, always)
    return lambda values: {name: [one(value)[name] for value in values]}


def _nothing(value: Any) -> Inputs:
    """What the provider itself does."""
    return {}


_PLACE = {"region": _as("region"), "zone": _as("zone"), "tags": _as("tags")}

_AUTO_UPGRADE: dict[str, Turn] = {
    "enable": _as("enable"),
    "maintenanceWindowDay": _as("day"),
    "maintenanceWindowStartHour": _whole("start_hour"),
}


def _auto_upgrade(value: Inputs) -> Inputs:
    fields = dict(_nested("flat", _AUTO_UPGRADE)(value)["flat"])
    return {"auto_upgrade": {"enable": fields.pop("enable"), "maintenance_window": fields}}


_OPEN_ID_CONNECT = {
    "issuerUrl": _as("issuer_url"),
    "clientId": _as("client_id"),
    "usernameClaim": _as("username_claim"),
    "usernamePrefix": _as("username_prefix"),
    "groupsClaims": _as("groups_claim"),
    "groupsPrefix": _as("groups_prefix"),
    "requiredClaims": _as("required_claim"),
}

_AUTOSCALER = {
    "maxGracefulTerminationSec": _whole("max_graceful_termination_sec"),
    "expendablePodsPriorityCutoff": _whole("expendable_pods_priority_cutoff"),
    "skipNodesWithLocalStorage": _as("skip_nodes_with_local_storage"),
    "logLevel": _whole("log_level"),
}

REQUESTS = {
    "Cluster": Request(
        CreateClusterRequest,
        {
            **_PLACE,
            "type": _as("type_"),
            "version": _as("version"),
            "cni": _as("cni"),
            "autoUpgrade": _auto_upgrade,
            "privateNetworkId": _as("private_network_id"),
            "podCidr": _as("pod_cidr"),
            "serviceCidr": _as("service_cidr"),
            "autoscalerConfig": _nested(
                "autoscaler_config", _AUTOSCALER, {"estimator": "binpacking", "expander": "random"}
            ),
            "openIdConnectConfig": _nested("open_id_connect_config", _OPEN_ID_CONNECT),
            # When the version changes, and when the cluster goes.
            "upgradePools": _nothing,
            "deleteAdditionalResources": _nothing,
        },
        always={"description": ""},
    ),
    "Pool": Request(
        CreatePoolRequest,
        {
            **_PLACE,
            "clusterId": _as("cluster_id"),
            "nodeType": _as("node_type"),
            "size": _whole("size"),
            "autoscaling": _as("autoscaling"),
            "minSize": _whole("min_size"),
            "maxSize": _whole("max_size"),
            "autohealing": _as("autohealing"),
            "publicIpDisabled": _as("public_ip_disabled"),
            "upgradePolicy": _nested(
                "upgrade_policy", {"maxSurge": _whole("max_surge"), "maxUnavailable": _whole("max_unavailable")}
            ),
            "rootVolumeType": _as("root_volume_type"),
            "rootVolumeSizeInGb": lambda value: {"root_volume_size": _int(value * 10**9)},
            "labels": _as("labels"),
            "taints": _list_of("taints", {"key": _as("key"), "value": _as("value"), "effect": _as("effect")}),
        },
    ),
    "Acl": Request(
        SetClusterACLRulesRequest,
        {
            "region": _as("region"),
            "clusterId": _as("cluster_id"),
            "aclRules": _list_of("acls", {"ip": _as("ip"), "description": _as("description")}),
        },
    ),
    "Vpc": Request(CreateVPCRequest, _PLACE, always={"enable_routing": False, "enable_transitivity": False}),
    "PrivateNetwork": Request(
        CreatePrivateNetworkRequest,
        {**_PLACE, "vpcId": _as("vpc_id"), "ipv4Subnet": lambda value: {"subnets": [value["subnet"]]}},
        always={"default_route_propagation_enabled": False},
    ),
    "PublicGatewayIp": Request(CreateIPRequest, _PLACE),
    "PublicGateway": Request(
        CreateGatewayRequest,
        {**_PLACE, "type": _as("type_"), "ipId": _as("ip_id"), "bastionEnabled": _as("enable_bastion")},
        always={"enable_smtp": False},
    ),
    "GatewayNetwork": Request(
        CreateGatewayNetworkRequest,
        {
            **_PLACE,
            "gatewayId": _as("gateway_id"),
            "privateNetworkId": _as("private_network_id"),
            "enableMasquerade": _as("enable_masquerade"),
            # The provider takes a list of one.
            "ipamConfigs": lambda value: {"push_default_route": value[0]["pushDefaultRoute"]},
        },
    ),
    "Ip": Request(
        BookIPRequest,
        {
            **_PLACE,
            # The provider takes a list of one.
            "sources": lambda value: _nested("source", {"privateNetworkId": _as("private_network_id")})(value[0]),
        },
        always={"is_ipv6": False},
    ),
}
