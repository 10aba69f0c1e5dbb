"""What a stack says about an AKS cluster, and the rules it must keep. Pure: Azure's SDK is not needed here."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from ipaddress import IPv4Network
from typing import Any, NotRequired

import pulumi
from typing_extensions import TypedDict

from components import versions
from components.managed.aks.controls import CONTROLS
from components.managed.managed_args import (
    NODE_CIDR,
    POD_CIDR,
    SERVICE_CIDR,
    ManagedArgs,
    ReleaseChannel,
    given_key,
    given_network_faults,
    growth_faults,
    is_auto,
    managed_faults,
    most_nodes,
    name_faults,
    whose_network,
)
from components.managed.node_pools import Machines, NodePool
from components.network import cidr_faults, room_faults, size_faults
from components.spec import Fault

SURGE_NODES = 1
"""Nodes that an upgrade adds to each pool for a while."""

CHANNELS = (ReleaseChannel.REGULAR, ReleaseChannel.EXTENDED)
"""Both bring patches. AKS has channels that raise the minor too, but then the next `pulumi up` would send the older one
that the stack still names, and AKS refuses to go back."""

RESERVED_ADDRESSES = 5
"""Addresses of a subnet that Azure keeps: https://learn.microsoft.com/azure/virtual-network/virtual-networks-faq."""

API_PREFIX = 28
"""The least that AKS takes for its API server, of which it uses 9 addresses or more:
https://learn.microsoft.com/azure/aks/api-server-vnet-integration."""

NODE_POD_PREFIX = 24
"""A node's share of the pods' addresses: https://learn.microsoft.com/azure/aks/azure-cni-overlay."""

SERVICE_PREFIXES = (13, 28)
"""Smaller than a /12, with room for the cluster's DNS at the tenth address:
https://learn.microsoft.com/azure/aks/azure-cni-overlay."""

FORBIDDEN = ("169.254.0.0/16", "172.30.0.0/16", "172.31.0.0/16", "192.0.2.0/24")
"""https://learn.microsoft.com/azure/aks/concepts-network-legacy-cni#prerequisites."""

MOST_NODES = 5000
MOST_POOL_NODES = 1000
"""https://learn.microsoft.com/azure/aks/quotas-skus-regions#service-quotas-and-limits."""

LONGEST_NAME = 47
"""AKS allows 63 letters, of which `-cluster` and what Pulumi adds to make it unique take 16."""

LONGEST_POOL = 12
"""https://learn.microsoft.com/azure/aks/use-system-pools#limitations."""

POOL_SUFFIX = 4
"""Letters that tell a pool from the one it replaces, see `pool_id`."""

ZONES = ("1", "2", "3")

SYSTEM_MACHINE = "Standard_D4s_v5"
"""Four CPUs are the least that AKS takes for its own pods: https://learn.microsoft.com/azure/aks/use-system-pools."""

MACHINES = Machines(
    kind="machine of Azure",
    # https://learn.microsoft.com/azure/virtual-machines/vm-naming-conventions
    pattern=r"Standard_[A-Z]+[0-9][A-Za-z0-9._-]*",
    example=SYSTEM_MACHINE,
    # https://learn.microsoft.com/azure/virtual-machines/sizes/overview#gpu-accelerated
    with_gpus=r"Standard_N[CDGV].+",
    gpu_example="Standard_NC4as_T4_v3",
    # `osDiskSizeGB`: https://github.com/Azure/bicep-types-az/tree/main/generated/containerservice
    largest_disk_gb=2048,
)


class AksOutbound(StrEnum):
    """How nodes reach the internet."""

    NAT_GATEWAY = "natGateway"
    ROUTES = "routes"


class AksNetwork(TypedDict):
    """A network that is there already."""

    node_subnet_id: pulumi.Input[str]
    """Id of the subnet for nodes."""

    api_subnet_id: pulumi.Input[str]
    """Id of the API server's subnet, a /28 or larger, delegated to `Microsoft.ContainerService/managedClusters`."""

    outbound: NotRequired[AksOutbound]
    """How nodes reach the internet: the subnet's NAT gateway, or its routes to a firewall. Default: natGateway."""


class AksSystemNodes(TypedDict):
    """The nodes that run what AKS itself needs in the cluster, and no pods of yours."""

    machine_type: NotRequired[str]
    """What Azure calls the machine, with 4 CPUs or more. A change replaces the cluster. Default: Standard_D4s_v5."""

    min_nodes: NotRequired[int]
    """The fewest. Default: 3, or 1 where the cluster need not be highly available."""

    max_nodes: NotRequired[int]
    """The most. Default: two more than the fewest."""


class AksOwn(TypedDict):
    """What only AKS has."""

    system_nodes: NotRequired[AksSystemNodes]
    """The nodes that run what AKS itself needs."""

    zones: NotRequired[list[str]]
    """The region's zones that nodes are in; an empty list in a region that has none. Default: 1, 2 and 3."""

    registries: NotRequired[list[pulumi.Input[str]]]
    """Ids of the container registries that nodes may pull from. Default: none."""

    public_dns_name: NotRequired[bool]
    """Whether the private API's name is known to everybody's DNS, so that peered networks and VPNs need no zone of
    AKS's. Its address stays private. Default: false."""


class AksArgs(ManagedArgs):
    """A private AKS cluster."""

    admins: NotRequired[list[str]]
    """Object ids of the groups of Entra ID that administer the cluster. Required: there is no local account."""

    network: NotRequired[AksNetwork]
    """The network that the cluster lives in. Default: one is made."""

    aks: NotRequired[AksOwn]
    """What only AKS has."""


def faults_of(args: AksArgs) -> list[Fault]:
    """What is wrong with `args`, as far as it can be known without asking Azure."""
    room = LONGEST_POOL - POOL_SUFFIX
    faults = [
        *versions.syntax_faults(args["version"]),
        *_name_faults(args.get("name", "")),
        *_region_faults(args["region"]),
        *managed_faults("aks", args, longest_pool_name=room, machines=MACHINES, controls=CONTROLS, channels=CHANNELS),
        *_pool_faults(args.get("node_pools", [])),
        *_admin_faults(args),
        *_key_faults(args),
        *(_auto_faults(args) if is_auto("aks", args) else _own_faults(args)),
        *_tag_faults(args.get("tags", {})),
    ]
    return faults or _network_faults(args)


def pinned(args: AksArgs) -> dict[str, Any]:
    """Key of the stack file → value or default, where a change makes the cluster anew.

    https://github.com/pulumi/pulumi-azure-native/blob/master/provider/pkg/gen/replacement.go, and what AKS refuses to
    change in a pool that is part of the cluster.
    """
    own = args.get("aks", {})
    return {
        "region": args["region"],
        "compute": str(args.get("compute", "pools")),
        "podCidr": args.get("pod_cidr", POD_CIDR),
        "serviceCidr": args.get("service_cidr", SERVICE_CIDR),
        "network": whose_network(args),
        **({} if "network" in args or is_auto("aks", args) else {"nodeCidr": args.get("node_cidr", NODE_CIDR)}),
        "aks.systemNodes.machineType": own.get("system_nodes", {}).get("machine_type", SYSTEM_MACHINE),
        "aks.zones": ", ".join(zones_of(args) or ["none"]),
    }


def subnets(node_cidr: str) -> tuple[IPv4Network, IPv4Network]:
    """The subnets for nodes, the first half of the network, and for the API server, its last 16 addresses."""
    network = IPv4Network(node_cidr)
    nodes = next(network.subnets())
    return nodes, IPv4Network((int(network.broadcast_address) - 15, API_PREFIX))


def dns_address(service_cidr: str) -> str:
    """The address of the cluster's DNS: the tenth of the Services', where Kubernetes usually has it."""
    return str(IPv4Network(service_cidr)[10])


def zones_of(args: AksArgs) -> list[str] | None:
    """The zones that nodes are in; None in a region that has none."""
    return list(args.get("aks", {}).get("zones", ZONES)) or None


def system_nodes(args: AksArgs) -> tuple[str, int, int]:
    """The machine, the fewest and the most of the nodes that run what AKS itself needs."""
    asked = args.get("aks", {}).get("system_nodes", {})
    least = asked.get("min_nodes", 3 if args.get("highly_available", True) else 1)
    return asked.get("machine_type", SYSTEM_MACHINE), least, asked.get("max_nodes", least + 2)


def pool_id(name: str, made_from: Mapping[str, Any]) -> str:
    """What a pool is called at AKS, which gives it no name of its own and 12 letters: `general3f2a`.

    The last four follow from all that AKS cannot change in a pool, so that one which must be made anew can stand before
    the one that it replaces goes.
    """
    digest = hashlib.sha256(json.dumps([name, made_from], sort_keys=True).encode()).hexdigest()
    return name + digest[:POOL_SUFFIX]


def vault_id(name: str, group_id: str) -> str:
    """What a cluster's key vault is called: 24 letters at most, and unique in all of Azure, even among deleted ones.

    A deleted vault keeps its name for as long as its keys can be brought back; a new resource group gives a new name.
    https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates#vault-name-and-object-name
    """
    return name.replace("-", "")[:13] + hashlib.sha256(group_id.encode()).hexdigest()[:11]


KEY_ID = re.compile(
    r"(?P<vault>/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.KeyVault/vaults/(?P<name>[^/]+))"
    r"/keys/(?P<key>[^/]+)/versions/(?P<version>[^/]+)",
    re.IGNORECASE,
)


def _name_faults(name: str) -> list[Fault]:
    if faults := name_faults(name, "an AKS cluster"):
        return faults
    if len(name) > LONGEST_NAME:
        return [Fault("name", f"{name!r} has {len(name)} letters; use {LONGEST_NAME} at most")]
    return []


def _region_faults(region: str) -> list[Fault]:
    if re.fullmatch(r"[a-z]{4,}[0-9]?", region):
        return []
    meant = re.sub(r"[ -]", "", region).lower()
    example = meant if re.fullmatch(r"(north|south|east|west|central)[a-z]+[0-9]?", meant) else "westeurope"
    return [Fault("region", f"{region!r} is no region of Azure as its API names them; write one like {example}")]


def _pool_faults(pools: Sequence[NodePool]) -> list[Fault]:
    faults: list[Fault] = []
    for index, pool in enumerate(pools):
        key = f"nodePools[{index}]"
        if "-" in pool["name"]:
            faults.append(Fault(f"{key}.name", f"{pool['name']!r} has a hyphen, which AKS does not take; leave it out"))
        if (most := pool["max_nodes"]) > MOST_POOL_NODES:
            limit = f"{MOST_POOL_NODES} at most, and more pools"
            faults.append(Fault(f"{key}.maxNodes", f"{most} are more than a pool has; write {limit}"))
        faults += _arm_faults(f"{key}.machineType", pool["machine_type"])
    return faults


def _arm_faults(key: str, machine: str) -> list[Fault]:
    """https://learn.microsoft.com/azure/virtual-machines/vm-naming-conventions."""
    if re.match(r"Standard_[A-Z]+[0-9]+[a-oq-z]*p[a-z]*(_|$)", machine):
        return [Fault(key, f"{machine!r} has an Arm CPU, and AKS boots none securely; write one like {SYSTEM_MACHINE}")]
    return []


def _admin_faults(args: AksArgs) -> list[Fault]:
    admins = args.get("admins", [])
    if not admins:
        return [
            Fault("admins", "is required: object ids of the groups of Entra ID that administer it; nobody else gets in")
        ]
    return [
        Fault(f"admins[{i}]", f"{admin!r} is no object id; `az ad group show --group <name> --query id` tells it")
        for i, admin in enumerate(admins)
        if not re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", admin)
    ]


def _key_faults(args: AksArgs) -> list[Fault]:
    key = given_key(args)
    if not isinstance(key, str) or KEY_ID.fullmatch(key):
        return []
    return [
        Fault(
            "secretsEncryption.key",
            f"{key!r} is no id of a key's version; write it like /subscriptions/…/resourceGroups/…/providers/"
            "Microsoft.KeyVault/vaults/…/keys/…/versions/…",
        )
    ]


def _auto_faults(args: AksArgs) -> list[Fault]:
    """What AKS Automatic decides by itself: https://learn.microsoft.com/azure/aks/intro-aks-automatic."""
    asked: Mapping[str, Any] = args
    faults = [
        Fault(key, f"is AKS's own to decide with `compute: auto`: {why}; drop it")
        for key, name, why in (
            ("network", "network", "it keeps a network of its own"),
            ("nodeCidr", "node_cidr", "it keeps a network of its own"),
            ("releaseChannel", "release_channel", "it follows the minor before the newest"),
            ("highlyAvailable", "highly_available", "it spreads its control plane over zones, always"),
        )
        if name in asked
    ]
    own: Mapping[str, Any] = args.get("aks", {})
    faults += [
        Fault(f"aks.{key}", "is AKS's own to decide with `compute: auto`, which looks after all nodes; drop it")
        for key, name in (("systemNodes", "system_nodes"), ("zones", "zones"), ("publicDnsName", "public_dns_name"))
        if name in own
    ]
    if "api_access" not in args:
        faults.append(
            Fault(
                "apiAccess",
                "is required with `compute: auto`: AKS locks the network that it makes, so that a private API could be "
                "reached from nowhere; list your networks",
            )
        )
    return faults


def _own_faults(args: AksArgs) -> list[Fault]:
    own = args.get("aks", {})
    system = own.get("system_nodes", {})
    key = "aks.systemNodes"
    machine = system.get("machine_type", SYSTEM_MACHINE)
    faults = MACHINES.faults(f"{key}.machineType", machine) + _arm_faults(f"{key}.machineType", machine)
    if machine.startswith("Standard_B"):
        faults.append(Fault(f"{key}.machineType", "of the B series will not do; AKS wants 4 steady CPUs, e.g. D4s_v5"))
    if re.fullmatch(MACHINES.with_gpus, machine):
        faults.append(Fault(f"{key}.machineType", f"{machine} has GPUs, which AKS itself has no use for; drop it"))
    least, most = system.get("min_nodes", 1), system.get("max_nodes", MOST_POOL_NODES)
    if least < 1:
        faults.append(Fault(f"{key}.minNodes", f"{least} is too few, AKS runs pods of its own there; write 1 or more"))
    elif least > most:
        faults.append(Fault(f"{key}.minNodes", f"{least} is more than maxNodes {most}; write {most} or fewer"))
    if most > MOST_POOL_NODES:
        faults.append(Fault(f"{key}.maxNodes", f"{most} are more than a pool has; write {MOST_POOL_NODES} at most"))
    zones = own.get("zones", ZONES)
    if not set(zones) <= set(ZONES) or len(set(zones)) < len(zones):
        faults.append(Fault("aks.zones", f"{', '.join(zones)} will not do; a region has zones 1, 2 and 3, or none"))
    return faults


def _tag_faults(tags: Mapping[str, str]) -> list[Fault]:
    """https://learn.microsoft.com/azure/azure-resource-manager/management/tag-resources#limitations."""
    return [
        Fault(f"tags.{key}", f"{f'{key}: {value}'!r} is no tag of Azure; leave out < > % & \\ ? and / of its name")
        for key, value in tags.items()
        if not re.fullmatch(r"[^<>%&\\?/]{1,512}", key) or len(value) > 256
    ]


def _network_faults(args: AksArgs) -> list[Fault]:
    if "network" in args and (faults := given_network_faults({"nodeCidr": "node_cidr" in args})):
        return faults
    networks = {
        "podCidr": args.get("pod_cidr", POD_CIDR),
        "serviceCidr": args.get("service_cidr", SERVICE_CIDR),
    }
    if "network" not in args and not is_auto("aks", args):
        networks = {"nodeCidr": args.get("node_cidr", NODE_CIDR), **networks}
    if faults := cidr_faults(networks):
        return faults
    for key, text in networks.items():
        if taken := next((each for each in FORBIDDEN if IPv4Network(text).overlaps(IPv4Network(each))), None):
            return [Fault(key, f"{text} overlaps {taken}, which AKS keeps for itself; choose another network")]
    if faults := size_faults("serviceCidr", networks["serviceCidr"], SERVICE_PREFIXES, "AKS"):
        return faults
    return [] if is_auto("aks", args) else _room_faults(args, networks)


def _room_faults(args: AksArgs, networks: Mapping[str, str]) -> list[Fault]:
    # Nodes have the first half of their network.
    wanted = most_nodes(args, SURGE_NODES) + system_nodes(args)[2] + SURGE_NODES
    return growth_faults(wanted, MOST_NODES, "an AKS cluster") or room_faults(
        networks, wanted, pod_prefix=NODE_POD_PREFIX, reserved=RESERVED_ADDRESSES, parts=2
    )
