"""What a stack says about a GKE cluster, and the rules it must keep. Pure: Google's SDK is not needed here."""

import re
from collections.abc import Mapping
from enum import StrEnum
from ipaddress import IPv4Network, collapse_addresses
from typing import NotRequired

from typing_extensions import TypedDict

from components import versions
from components.cluster import ClusterArgs
from components.managed.node_pools import NodePool, node_pool_faults
from components.network import cidr_faults
from components.spec import Fault

NODE_CIDR = "10.0.0.0/20"
POD_CIDR = "10.4.0.0/14"
SERVICE_CIDR = "10.8.0.0/20"

SURGE_NODES = 1
"""Nodes that an upgrade adds to each pool for a while."""

RESERVED_ADDRESSES = 4
"""Addresses of a subnet that Google keeps: https://cloud.google.com/vpc/docs/subnets#unusable-ip-addresses-in-every-subnet."""

NODE_POD_PREFIX = 24
"""A node's share of the pods' addresses, for the 110 pods that GKE lets it run:
https://cloud.google.com/kubernetes-engine/docs/how-to/flexible-pod-cidr."""

SERVICE_PREFIXES = (16, 28)
"""https://cloud.google.com/kubernetes-engine/docs/concepts/alias-ips#cluster_sizing_secondary_range_svcs."""

MOST_NODES = 65000
"""https://cloud.google.com/kubernetes-engine/quotas."""

LONGEST_ACCOUNT = 30
LONGEST_POOL = 40
RANDOM_SUFFIX = len("-1234567")
"""What Pulumi adds to a name to make it unique."""


class ReleaseChannel(StrEnum):
    """How soon GKE brings new versions to the control plane and the nodes."""

    RAPID = "rapid"
    REGULAR = "regular"
    STABLE = "stable"
    EXTENDED = "extended"


class ApiAccess(TypedDict):
    """Who may reach the Kubernetes API by its address."""

    authorized_cidrs: list[str]
    """The only networks that reach the API, at a public address. 0.0.0.0/0 is refused."""


class GkeArgs(ClusterArgs):
    """A regional GKE cluster with private nodes."""

    region: str
    """Region of the control plane and the nodes, e.g. `europe-west1`."""

    node_pools: list[NodePool]
    """The nodes, at least one pool. Most changes go node by node; for `spot`, a new pool comes before the old goes."""

    node_cidr: NotRequired[str]
    """Addresses of nodes. Default: 10.0.0.0/20."""

    pod_cidr: NotRequired[str]
    """Addresses of pods, 256 for each node. Default: 10.4.0.0/14."""

    service_cidr: NotRequired[str]
    """Addresses of Services. Default: 10.8.0.0/20."""

    api_access: NotRequired[ApiAccess]
    """Who may reach the API. Default: only callers that IAM allows, by a DNS name, and no address at all."""

    release_channel: NotRequired[ReleaseChannel]
    """How soon new versions come; upgrades happen by themselves. Default: regular."""

    labels: NotRequired[dict[str, str]]
    """Google Cloud labels of everything that can bear them, e.g. for billing."""


def faults_of(args: GkeArgs) -> list[Fault]:
    """What is wrong with `args`, as far as it can be known without asking Google."""
    name = args.get("name", "")
    name_faults = _name_faults(name)
    room = LONGEST_POOL if name_faults else LONGEST_POOL - len(f"{name}-") - RANDOM_SUFFIX
    return [
        *_version_faults(args["version"]),
        *name_faults,
        *_region_faults(args["region"]),
        *node_pool_faults(args["node_pools"], longest_name=room),
        *_network_faults(args),
        *_access_faults(args),
        *_label_faults(args.get("labels", {})),
    ]


def account_id(name: str) -> str:
    """The id of the service account of the nodes of the cluster `name`."""
    return f"{name}-nodes"


def authorized_cidrs(args: GkeArgs) -> list[str]:
    """The networks that reach the API by a public address; none where it has a DNS name only."""
    return args["api_access"]["authorized_cidrs"] if "api_access" in args else []


def _version_faults(version: str) -> list[Fault]:
    if build := re.fullmatch(r"v?((\d+\.\d+)\.\d+)-gke\.\d+", version):
        return [
            Fault(
                "version",
                f"{version!r} is one build of GKE's, which is gone in weeks; "
                f'write the minor "{build[2]}", or the patch "{build[1]}"',
            )
        ]
    return versions.syntax_faults(version)


def _name_faults(name: str) -> list[Fault]:
    if name and not re.fullmatch(r"[a-z]([a-z0-9-]*[a-z0-9])?", name):
        return [Fault("name", f"{name!r} cannot name a GKE cluster; use small letters, digits and hyphens inside")]
    if (spare := LONGEST_ACCOUNT - len(account_id(name))) < 0:
        return [
            Fault(
                "name",
                f"{name!r} has {len(name)} letters, and the nodes' service account is named after it; "
                f"use {len(name) + spare} at most",
            )
        ]
    return []


def _region_faults(region: str) -> list[Fault]:
    if zone := re.fullmatch(r"([a-z]+-[a-z]+[0-9]+)-[a-z]", region):
        return [Fault("region", f"{region!r} is a zone, whose failure would take the cluster along; write {zone[1]}")]
    if not re.fullmatch(r"[a-z]+-[a-z]+[0-9]+", region):
        return [Fault("region", f"{region!r} is no region of Google Cloud; write one like europe-west1")]
    return []


def _network_faults(args: GkeArgs) -> list[Fault]:
    nodes = args.get("node_cidr", NODE_CIDR)
    pods = args.get("pod_cidr", POD_CIDR)
    networks = {"nodeCidr": nodes, "podCidr": pods, "serviceCidr": args.get("service_cidr", SERVICE_CIDR)}
    if faults := cidr_faults(networks):
        return faults
    services = IPv4Network(networks["serviceCidr"])
    if not SERVICE_PREFIXES[0] <= services.prefixlen <= SERVICE_PREFIXES[1]:
        largest, smallest = SERVICE_PREFIXES
        return [Fault("serviceCidr", f"GKE takes no such size as {services}; write one from /{largest} to /{smallest}")]
    wanted = sum(pool["max_nodes"] + SURGE_NODES for pool in args["node_pools"])
    if wanted > MOST_NODES:
        return [
            Fault("nodePools", f"may grow to {wanted} nodes, and GKE allows {MOST_NODES} in a cluster; lower maxNodes")
        ]
    sizes = {
        "nodeCidr": (IPv4Network(nodes).num_addresses - RESERVED_ADDRESSES, _prefix_for(wanted + RESERVED_ADDRESSES)),
        "podCidr": (
            IPv4Network(pods).num_addresses >> (32 - NODE_POD_PREFIX),
            _prefix_for(wanted << (32 - NODE_POD_PREFIX)),
        ),
    }
    return [
        Fault(
            key,
            f"{networks[key]} has room for {max(room, 0)} nodes, and the pools may grow to {wanted} during an upgrade; "
            f"write a /{prefix} or larger, or lower maxNodes",
        )
        for key, (room, prefix) in sizes.items()
        if room < wanted
    ]


def _prefix_for(addresses: int) -> int:
    """The length of the prefix of the smallest network that holds so many addresses."""
    return 32 - (addresses - 1).bit_length()


def _access_faults(args: GkeArgs) -> list[Fault]:
    if "api_access" not in args:
        return []
    key = "apiAccess.authorizedCidrs"
    texts = args["api_access"]["authorized_cidrs"]
    if not texts:
        return [Fault(key, "lets nobody in; list your networks, or drop apiAccess to reach the API by its DNS name")]
    faults = [fault for i, text in enumerate(texts) for fault in cidr_faults({f"{key}[{i}]": text})]
    if not faults and any(network.prefixlen == 0 for network in collapse_addresses(map(IPv4Network, texts))):
        faults.append(Fault(key, "lets the whole internet in; list your own networks only, e.g. 203.0.113.0/24"))
    return faults


def _label_faults(labels: Mapping[str, str]) -> list[Fault]:
    """https://cloud.google.com/resource-manager/docs/labels-overview#requirements."""
    return [
        Fault(
            f"labels.{key}",
            f"{f'{key}: {value}'!r} is no label of Google Cloud; use small letters, digits, _ and - only",
        )
        for key, value in labels.items()
        if not (re.fullmatch(r"[a-z][a-z0-9_-]{0,62}", key) and re.fullmatch(r"[a-z0-9_-]{0,63}", value))
    ]
