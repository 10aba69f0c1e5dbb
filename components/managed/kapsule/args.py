"""What a stack says about a Kapsule cluster, and the rules it must keep. Pure: Scaleway's SDK is not needed here."""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from ipaddress import IPv4Network
from typing import Any, NotRequired

import pulumi
from typing_extensions import TypedDict

from components import versions
from components.managed.kapsule.controls import CONTROLS
from components.managed.managed_args import (
    POD_CIDR,
    RANDOM_SUFFIX,
    SERVICE_CIDR,
    ApiAccess,
    ManagedArgs,
    ReleaseChannel,
    given_network_faults,
    growth_faults,
    is_exact,
    managed_faults,
    most_nodes,
    name_faults,
    required_access_faults,
    whose_network,
)
from components.managed.node_pools import Machines, NodePool
from components.network import cidr_faults, room_faults, size_faults
from components.spec import Fault

NODE_CIDR = "10.0.0.0/20"

NODE_PREFIXES = (20, 28)
"""https://www.scaleway.com/en/docs/vpc/how-to/create-private-network/#defining-a-custom-cidr-block."""

RESERVED_ADDRESSES = 5
"""Four that Scaleway keeps of every Private Network (the same page), and one that the gateway has in it."""

RESERVED_NETWORK = IPv4Network("100.64.0.0/10")
"""No Private Network may be there: https://www.scaleway.com/en/docs/vpc/reference-content/private-networks-reserved-prefixes/."""

NODE_POD_PREFIX = 24
"""A node's share of the pods' addresses, which is Kubernetes' own; Scaleway's default, a /15, has one for 500 nodes."""

SURGE_NODES = 1
"""Nodes that an upgrade adds to each pool for a while."""

CHANNELS = (ReleaseChannel.REGULAR,)
"""Patches come as they are ready, to everybody alike."""

LONGEST_POOL = 63
"""Nodes have their pool's name as the value of the label k8s.scaleway.com/pool-name, and such a value has 63 letters:
https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set."""

LONGEST_NAME = 40
"""Leaves a pool's own name 14 letters."""

TOO_SMALL = ("DEV1-S", "PLAY2-PICO", "STARDUST1-S")
"""https://www.scaleway.com/en/developers/api/kubernetes/#path-pools-create-a-new-pool-in-a-cluster, `node_type`."""

MACHINES = Machines(
    kind="Instance of Scaleway",
    pattern=r"[A-Z][A-Z0-9]*(-[A-Z0-9]+)+",
    example="POP2-4C-16G",
    # https://www.scaleway.com/en/docs/gpu/reference-content/choosing-gpu-instance-type/
    with_gpus=r"(B300|H100|L4|L40S|GPU|RENDER)-.+",
    gpu_example="L4-1-24G",
    # https://github.com/scaleway/terraform-provider-scaleway/blob/master/internal/services/k8s/pool.go
    largest_disk_gb=10_000,
)


class ControlPlaneOffer(StrEnum):
    """What Scaleway sells as a control plane; each has the memory that its name says, in GB."""

    SHARED = "kapsule"
    DEDICATED_4 = "kapsule-dedicated-4"
    DEDICATED_8 = "kapsule-dedicated-8"
    DEDICATED_16 = "kapsule-dedicated-16"


MOST_NODES = {
    ControlPlaneOffer.SHARED: 150,
    ControlPlaneOffer.DEDICATED_4: 250,
    ControlPlaneOffer.DEDICATED_8: 500,
    ControlPlaneOffer.DEDICATED_16: 500,
}
"""https://www.scaleway.com/en/docs/kubernetes/reference-content/kubernetes-control-plane-offers/."""


class OpenIdConnect(TypedDict):
    """An identity provider of your own, whose tokens the API takes beside Scaleway's."""

    issuer_url: str
    """Where the provider publishes its keys; begins with https://."""

    client_id: str
    """Who the tokens must be issued for."""

    username_claim: NotRequired[str]
    """The claim that is the user's name. Default: sub."""

    username_prefix: NotRequired[str]
    """What stands before a user's name, so that nobody becomes somebody else. Default: the issuer's URL and `#`."""

    groups_claims: NotRequired[list[str]]
    """The claims that are the user's groups. Default: none."""

    groups_prefix: NotRequired[str]
    """What stands before a group's name. Default: nothing."""

    required_claims: NotRequired[list[str]]
    """What a token must hold, each as `key=value`. Default: nothing more."""


class KapsuleNetwork(TypedDict):
    """A Private Network that is there already, with a Public Gateway that advertises the default route."""

    private_network_id: pulumi.Input[str]
    """Scaleway's id of the Private Network, in the cluster's region. It outlives the cluster."""

    gateway_address: pulumi.Input[str]
    """The gateway's public address. Nodes reach the API through it, so the API lets it in."""


class KapsuleOwn(TypedDict):
    """What only Kapsule has."""

    control_plane: NotRequired[ControlPlaneOffer]
    """Which control plane. Default: kapsule-dedicated-4; kapsule, which is free, with `highlyAvailable: false`."""

    open_id_connect: NotRequired[OpenIdConnect]
    """An identity provider of your own. Default: none; Scaleway's IAM decides."""

    zones: NotRequired[dict[str, str]]
    """Name of a pool → the zone of its nodes, e.g. `fr-par-2`. Default: the region's first."""

    gateway_type: NotRequired[str]
    """What Scaleway calls the gateway that nodes reach the internet through. Default: VPC-GW-S, with 100 Mbit/s."""

    keep_volumes_and_load_balancers: NotRequired[bool]
    """Whether what pods asked Scaleway for stays, and is billed, once the cluster is destroyed. Default: false."""


class KapsuleArgs(ManagedArgs):
    """A Kapsule cluster with private nodes."""

    api_access: NotRequired[ApiAccess]
    """Who may reach the API by its public address. Required: Scaleway lets the whole internet in until it is told."""

    node_cidr: NotRequired[str]
    """Addresses of nodes, a /20 to /28. Default: 10.0.0.0/20."""

    network: NotRequired[KapsuleNetwork]
    """The network that the cluster lives in. Default: one is made."""

    kapsule: NotRequired[KapsuleOwn]
    """What only Kapsule has."""


OPEN_API = "Kapsule's API has a public address, open to 0.0.0.0/0 until it is told whom to let in"
"""Why there is no cluster without `apiAccess`."""


def faults_of(args: KapsuleArgs) -> list[Fault]:
    """What is wrong with `args`, as far as it can be known without asking Scaleway."""
    name = args.get("name", "")
    name_faults = _name_faults(name)
    room = LONGEST_POOL if name_faults else LONGEST_POOL - len(f"{name}-") - RANDOM_SUFFIX
    faults = [
        *_version_faults(args),
        *name_faults,
        *_region_faults(args["region"]),
        *managed_faults(
            "kapsule", args, longest_pool_name=room, machines=MACHINES, controls=CONTROLS, channels=CHANNELS
        ),
        *required_access_faults(args, OPEN_API),
        *_pool_faults(args.get("node_pools", [])),
        *_own_faults(args),
        *_tag_faults(args.get("tags", {})),
    ]
    return faults or [*_first_node_faults(args), *_network_faults(args)]


def pinned(args: KapsuleArgs) -> dict[str, Any]:
    """Key of the stack file → value or default, where a change makes Scaleway's provider replace the cluster.

    A smaller control plane is not among them: Scaleway takes the change after 30 days, and until then the provider
    replaces the cluster, which `protect` refuses.
    https://github.com/scaleway/terraform-provider-scaleway/blob/master/internal/services/k8s/cluster.go
    """
    return {
        "region": args["region"],
        "network": whose_network(args),
        "podCidr": args.get("pod_cidr", POD_CIDR),
        "serviceCidr": args.get("service_cidr", SERVICE_CIDR),
        **({} if "network" in args else {"nodeCidr": args.get("node_cidr", NODE_CIDR)}),
    }


def control_plane_offer(args: KapsuleArgs) -> ControlPlaneOffer:
    """The control plane to buy."""
    usual = ControlPlaneOffer.DEDICATED_4 if args.get("highly_available", True) else ControlPlaneOffer.SHARED
    return ControlPlaneOffer(args.get("kapsule", {}).get("control_plane", usual))


def zone_of(pool: NodePool, args: KapsuleArgs) -> str:
    """The zone of the nodes of `pool`."""
    return args.get("kapsule", {}).get("zones", {}).get(pool["name"], first_zone(args))


def first_zone(args: KapsuleArgs) -> str:
    """The first zone of the region, which every region has."""
    return f"{args['region']}-1"


def tags_of(args: KapsuleArgs) -> list[str]:
    """Tags as Scaleway has them, which are words."""
    return [f"{key}={value}" for key, value in args.get("tags", {}).items()]


def _version_faults(args: KapsuleArgs) -> list[Fault]:
    version = args["version"]
    if faults := versions.syntax_faults(version):
        return faults
    if not is_exact(version):
        return []
    return [
        Fault(
            key,
            f"says how patches come, and none come to version {version}, which names one; "
            f'drop {key}, or write the minor, "{versions.minor_of(version)}"',
        )
        for name, key in {"release_channel": "releaseChannel", "maintenance": "maintenance"}.items()
        if name in args
    ]


def _name_faults(name: str) -> list[Fault]:
    # The Private Network is named after it, and answers DNS by that name.
    if faults := name_faults(name, "a Kapsule cluster"):
        return faults
    if len(name) > LONGEST_NAME:
        return [Fault("name", f"{name!r} has {len(name)} letters, and pools are named after it; use {LONGEST_NAME}")]
    return []


def _region_faults(region: str) -> list[Fault]:
    """https://www.scaleway.com/en/docs/account/reference-content/products-availability/."""
    if zone := re.fullmatch(r"([a-z]{2}-[a-z]{3})-[0-9]", region):
        return [Fault("region", f"{region!r} is a zone; write its region, {zone[1]}")]
    if not re.fullmatch(r"[a-z]{2}-[a-z]{3}", region):
        return [Fault("region", f"{region!r} is no region of Scaleway; write one like fr-par")]
    return []


def _pool_faults(pools: Sequence[NodePool]) -> list[Fault]:
    return [
        Fault(
            f"nodePools[{index}].machineType",
            f"{pool['machine_type']} has too little memory for a node; write a larger one, e.g. DEV1-M",
        )
        for index, pool in enumerate(pools)
        if pool["machine_type"] in TOO_SMALL
    ]


def _own_faults(args: KapsuleArgs) -> list[Fault]:
    own, faults = args.get("kapsule", {}), []
    names = [pool["name"] for pool in args.get("node_pools", [])]
    for name, zone in own.get("zones", {}).items():
        place = f"kapsule.zones.{name}"
        if name not in names:
            faults.append(Fault(place, f"there is no pool {name!r}; name one of {', '.join(names)}"))
        elif not re.fullmatch(rf"{re.escape(args['region'])}-[0-9]", zone):
            faults.append(Fault(place, f"{zone!r} is no zone of {args['region']}; write one like {first_zone(args)}"))
    if "open_id_connect" in own and not own["open_id_connect"]["issuer_url"].startswith("https://"):
        url = own["open_id_connect"]["issuer_url"]
        faults.append(Fault("kapsule.openIdConnect.issuerUrl", f"{url!r} is not encrypted; write https://…"))
    offer, wanted = own.get("control_plane"), args.get("highly_available", True)
    if offer is not None and wanted is (offer == ControlPlaneOffer.SHARED):
        answer = "false" if wanted else "true"
        faults.append(Fault("kapsule.controlPlane", f"{offer} says otherwise; write `highlyAvailable: {answer}` too"))
    return faults


def _tag_faults(tags: Mapping[str, str]) -> list[Fault]:
    """A pool's tags are labels of its nodes, and two of them more: https://www.scaleway.com/en/docs/kubernetes/api-cli/managing-tags/."""
    if "" in tags:
        return [Fault("tags", "has a tag without a name; write one before the colon")]
    return [
        Fault(f"tags.{key}", f"{key!r} has a meaning of its own to Kapsule; use `labels` and `taints` of a pool for it")
        for key in tags
        if key in ("taint", "noprefix")
    ]


def _first_node_faults(args: KapsuleArgs) -> list[Fault]:
    """https://github.com/scaleway/terraform-provider-scaleway/blob/master/internal/services/k8s/pool.go."""
    is_shared = control_plane_offer(args) is ControlPlaneOffer.SHARED
    if is_shared and not any(pool["min_nodes"] for pool in args.get("node_pools", [])):
        return [
            Fault("nodePools[0].minNodes", "0 leaves a shared control plane without any node; write 1 for one pool")
        ]
    return []


def _network_faults(args: KapsuleArgs) -> list[Fault]:
    networks = {"podCidr": args.get("pod_cidr", POD_CIDR), "serviceCidr": args.get("service_cidr", SERVICE_CIDR)}
    if "network" in args:
        if faults := _given_faults(args, args["network"]):
            return faults
    else:
        networks = {"nodeCidr": args.get("node_cidr", NODE_CIDR), **networks}
    if faults := cidr_faults(networks):
        return faults
    if nodes := networks.get("nodeCidr"):
        if faults := size_faults("nodeCidr", nodes, NODE_PREFIXES, "Scaleway"):
            return faults
        if IPv4Network(nodes).overlaps(RESERVED_NETWORK) or not IPv4Network(nodes).is_private:
            return [Fault("nodeCidr", f"a Private Network cannot have {nodes}; choose one below 10.0.0.0/8")]
    return _room_faults(args, networks)


def _given_faults(args: KapsuleArgs, given: KapsuleNetwork) -> list[Fault]:
    """What is wrong with a given network, where a stack file says it and not another resource."""
    has_gateway_type = "gateway_type" in args.get("kapsule", {})
    faults = given_network_faults({"nodeCidr": "node_cidr" in args, "kapsule.gatewayType": has_gateway_type})
    identity, address = given["private_network_id"], given["gateway_address"]
    if isinstance(identity, str) and not re.fullmatch(rf"({re.escape(args['region'])}/)?{_UUID}", identity):
        fault = (
            f"{identity!r} is no id of a Private Network in {args['region']}; write it like {args['region']}/{_ZERO}"
        )
        faults.append(Fault("network.privateNetworkId", fault))
    if isinstance(address, str) and not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,3}){3}", address):
        faults.append(Fault("network.gatewayAddress", f"{address!r} is no address; write it like 198.51.100.7"))
    return faults


_UUID = "[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}"
_ZERO = "00000000-0000-0000-0000-000000000000"


def _room_faults(args: KapsuleArgs, networks: Mapping[str, str]) -> list[Fault]:
    offer, wanted = control_plane_offer(args), most_nodes(args, SURGE_NODES)
    advice = "lower maxNodes, or choose a larger kapsule.controlPlane"
    return growth_faults(wanted, MOST_NODES[offer], offer.value, advice) or room_faults(
        networks, wanted, pod_prefix=NODE_POD_PREFIX, reserved=RESERVED_ADDRESSES
    )
