"""What a stack says about a GKE cluster, and the rules it must keep. Pure: Google's SDK is not needed here."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NotRequired

import pulumi
from typing_extensions import TypedDict

from components.managed.gke.controls import CONTROLS
from components.managed.managed_args import (
    NODE_CIDR,
    POD_CIDR,
    RANDOM_SUFFIX,
    SERVICE_CIDR,
    Freeze,
    ManagedArgs,
    authorized_cidrs,
    given_network_faults,
    growth_faults,
    is_auto,
    managed_faults,
    most_nodes,
    name_faults,
    version_faults,
    whose_network,
)
from components.managed.node_pools import Machines, NodePool
from components.network import cidr_faults, room_faults, size_faults
from components.spec import Fault

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

MOST_FREEZES = 3
"""https://cloud.google.com/kubernetes-engine/docs/concepts/maintenance-windows-and-exclusions#limitations."""

MOST_GPUS = 16
"""Of a machine, the `a2-megagpu-16g`: https://cloud.google.com/compute/docs/gpus."""

LONGEST_ACCOUNT = 30
LONGEST_POOL = 40

MACHINES = Machines(
    kind="machine of Google Cloud",
    # https://cloud.google.com/compute/docs/machine-resource#naming-convention
    pattern=r"([a-z]{1,3}[0-9]+[a-z]*|custom)(-[a-z0-9]+)+",
    example="e2-standard-4",
    # https://cloud.google.com/compute/docs/gpus: the series A and G are made for GPUs, N1 takes some.
    with_gpus=r"(a[2-9]|g[2-9])[a-z]*-.+",
    takes_gpus=r"(n1|custom)-.+",
    gpu_example="g2-standard-4",
    gpu="{type: nvidia-l4}",
    without_choice=False,
)


class GkeNetwork(TypedDict):
    """A network that is there already, with NAT for machines that have no public address."""

    id: pulumi.Input[str]
    """Id of the VPC, e.g. `projects/my-project/global/networks/shared`."""

    subnet_id: pulumi.Input[str]
    """Id of the subnet in the cluster's region, with private Google access."""

    pod_range: str
    """Name of the subnet's secondary range for pods."""

    service_range: str
    """Name of the subnet's secondary range for Services."""


class GkeOwn(TypedDict):
    """What only GKE has."""

    security_group: NotRequired[str]
    """The Google group `gke-security-groups@<your domain>`, whose member groups RBAC may name. Default: none."""

    binary_authorization: NotRequired[bool]
    """Whether the project's policy decides which images may run. Default: false."""

    service_account_tokens: NotRequired[bool]
    """Whether the API takes tokens of service accounts at its DNS name too, as `credential: token` of `slipway:access`
    shows them. Default: false; with `authorizedCidrs` nobody comes by that name, and it makes no difference."""


class GkeArgs(ManagedArgs):
    """A private GKE cluster."""

    network: NotRequired[GkeNetwork]
    """The network that the cluster lives in. Default: one is made."""

    gke: NotRequired[GkeOwn]
    """What only GKE has."""


def faults_of(args: GkeArgs) -> list[Fault]:
    """What is wrong with `args`, as far as it can be known without asking Google."""
    name = args.get("name", "")
    name_faults = _name_faults(name)
    room = LONGEST_POOL if name_faults else LONGEST_POOL - len(f"{name}-") - RANDOM_SUFFIX
    faults = [
        *version_faults(args["version"], r"-gke\.\d+", "GKE's"),
        *name_faults,
        *_region_faults(args["region"]),
        *managed_faults("gke", args, longest_pool_name=room, machines=MACHINES, controls=CONTROLS),
        *_pool_faults(args.get("node_pools", [])),
        *(_auto_faults(args) if is_auto("gke", args) else []),
        *_freeze_faults(args.get("freezes", [])),
        *_own_faults(args),
        *_tag_faults(args.get("tags", {})),
    ]
    return faults or _network_faults(args)


def pinned(args: GkeArgs) -> dict[str, Any]:
    """Key of the stack file → value or default, where a change makes GKE replace the cluster.

    https://github.com/hashicorp/terraform-provider-google/blob/main/google/services/container/resource_container_cluster.go
    """
    cidrs = {"podCidr": args.get("pod_cidr", POD_CIDR), "serviceCidr": args.get("service_cidr", SERVICE_CIDR)}
    return {
        "region": args["region"],
        "highlyAvailable": args.get("highly_available", True),
        "compute": str(args.get("compute", "pools")),
        "network": whose_network(args),
        **({} if "network" in args else {"nodeCidr": args.get("node_cidr", NODE_CIDR), **cidrs}),
    }


def location(args: GkeArgs) -> str:
    """The region, or for a cluster that need not survive a zone the zone `b` of it, which every region has.

    Google makes clusters that look after all nodes in a whole region only.

    https://cloud.google.com/compute/docs/regions-zones#available
    """
    whole = args.get("highly_available", True) or is_auto("gke", args)
    return args["region"] if whole else f"{args['region']}-b"


def account_id(name: str) -> str:
    """The id of the service account of the nodes of the cluster `name`."""
    return f"{name}-nodes"


def _name_faults(name: str) -> list[Fault]:
    if faults := name_faults(name, "a GKE cluster"):
        return faults
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


def _pool_faults(pools: Sequence[NodePool]) -> list[Fault]:
    faults = []
    for index, pool in enumerate(pools):
        key, gpu = f"nodePools[{index}].gpu", pool.get("gpu")
        if gpu is None or MACHINES.gpu_faults("", pool):
            continue
        if not gpu.get("type"):
            faults.append(Fault(f"{key}.type", "is required on GKE: the kind of GPU, e.g. nvidia-l4"))
        count = gpu.get("count", 1)
        if count < 1:
            faults.append(Fault(f"{key}.count", f"{count} is no GPU at all; write 1 or more, or drop gpu"))
        elif count > MOST_GPUS:
            faults.append(Fault(f"{key}.count", f"{count} are more than any machine has; write {MOST_GPUS} at most"))
    return faults


def _auto_faults(args: GkeArgs) -> list[Fault]:
    """https://cloud.google.com/kubernetes-engine/docs/concepts/autopilot-overview."""
    if args.get("highly_available", True):
        return []
    return [Fault("highlyAvailable", "is always true with `compute: auto`: Autopilot is over a whole region; drop it")]


def _freeze_faults(freezes: Sequence[Freeze]) -> list[Fault]:
    """https://cloud.google.com/kubernetes-engine/docs/concepts/maintenance-windows-and-exclusions#exclusions."""
    if len(freezes) > MOST_FREEZES:
        return [Fault("freezes", f"are {len(freezes)}, and GKE takes {MOST_FREEZES} at once; drop those that are over")]
    return []


def access_faults(args: GkeArgs, credentials: Collection[str]) -> list[Fault]:
    """Google takes identities alone at a DNS name unless `enableK8sTokensViaDns` of DNSEndpointConfig is true.

    https://cloud.google.com/kubernetes-engine/docs/reference/rest/v1/projects.locations.clusters.
    """
    if "token" not in credentials or authorized_cidrs(args) or args.get("gke", {}).get("service_account_tokens"):
        return []
    message = (
        "is false, and at its DNS name the API then takes no `credential: token`, which somebody under slipway:access "
        "has; write true, or let them have an identity of Google's"
    )
    return [Fault("gke.serviceAccountTokens", message)]


def _own_faults(args: GkeArgs) -> list[Fault]:
    """https://cloud.google.com/kubernetes-engine/docs/how-to/google-groups-rbac#setup-group."""
    group = args.get("gke", {}).get("security_group")
    if group is None or re.fullmatch(r"gke-security-groups@[^@\s]+", group):
        return []
    return [Fault("gke.securityGroup", f"{group!r} will not do; GKE takes gke-security-groups@<your domain> only")]


def _tag_faults(tags: Mapping[str, str]) -> list[Fault]:
    """https://cloud.google.com/resource-manager/docs/labels-overview#requirements."""
    return [
        Fault(
            f"tags.{key}",
            f"{f'{key}: {value}'!r} is no label of Google Cloud; use small letters, digits, _ and - only",
        )
        for key, value in tags.items()
        if not (re.fullmatch(r"[a-z][a-z0-9_-]{0,62}", key) and re.fullmatch(r"[a-z0-9_-]{0,63}", value))
    ]


def _network_faults(args: GkeArgs) -> list[Fault]:
    keys = {"nodeCidr": "node_cidr", "podCidr": "pod_cidr", "serviceCidr": "service_cidr"}
    if "network" in args:
        return given_network_faults({key: name in args for key, name in keys.items()})
    networks = {
        "nodeCidr": args.get("node_cidr", NODE_CIDR),
        "podCidr": args.get("pod_cidr", POD_CIDR),
        "serviceCidr": args.get("service_cidr", SERVICE_CIDR),
    }
    if faults := cidr_faults(networks):
        return faults
    if faults := size_faults("serviceCidr", networks["serviceCidr"], SERVICE_PREFIXES, "GKE"):
        return faults
    return [] if is_auto("gke", args) else _room_faults(args, networks)


def _room_faults(args: GkeArgs, networks: Mapping[str, str]) -> list[Fault]:
    wanted = most_nodes(args, SURGE_NODES)
    return growth_faults(wanted, MOST_NODES, "a GKE cluster") or room_faults(
        networks, wanted, pod_prefix=NODE_POD_PREFIX, reserved=RESERVED_ADDRESSES
    )
