"""What a stack says about a DOKS cluster, and the rules it must keep. Pure: DigitalOcean's SDK is not needed here."""

import re
from collections.abc import Mapping
from ipaddress import IPv4Network
from typing import Any, NotRequired

import pulumi
from typing_extensions import TypedDict

from components.managed.doks.controls import CONTROLS
from components.managed.managed_args import (
    NODE_CIDR,
    RANDOM_SUFFIX,
    SERVICE_CIDR,
    ManagedArgs,
    ReleaseChannel,
    managed_faults,
    most_nodes,
    name_faults,
    required_access_faults,
    version_faults,
)
from components.managed.node_pools import NodePool
from components.network import cidr_faults, prefix_for, room_faults, size_faults
from components.spec import Fault

POD_CIDR = "10.4.0.0/16"
"""As large as the range that DigitalOcean takes by itself."""

SYSTEM_NODES = 1
"""The nodes of the pool that DigitalOcean insists on."""

SURGE_NODES = 10
"""Nodes that an upgrade adds to the cluster for a while: https://docs.digitalocean.com/glossary/surge-upgrades/."""

RESERVED_ADDRESSES = 3
"""Addresses of a VPC that no node has: its first and its last, and that of the NAT gateway."""

NODE_POD_PREFIX = 25
"""The smallest share of the pods' addresses that holds the 110 pods which Kubernetes lets a node run:
https://kubernetes.io/docs/setup/best-practices/cluster-large/."""

VPC_PREFIXES = (16, 28)
"""https://docs.digitalocean.com/reference/api/reference/vpcs/#vpcs_create."""

PRIVATE = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
"""RFC 1918, which a VPC must be in: https://docs.digitalocean.com/reference/api/reference/vpcs/#vpcs_create."""

MOST_RESOURCES = 10000
"""In a VPC: https://docs.digitalocean.com/products/networking/vpc/details/limits/."""

LONGEST_POOL = 63 - len("-abcde")
"""A node is a Droplet, called like its pool and five letters; Kubernetes has 63 letters for the name of a host:
https://kubernetes.io/docs/reference/labels-annotations-taints/#kubernetesiohostname."""

LONGEST_TAG = 255
FAMILIES = ("s", "c", "c2", "g", "gd", "m", "m3", "m6", "so", "so1_5", "gpu")
"""What a Droplet's size begins with: https://docs.digitalocean.com/products/droplets/concepts/choosing-a-plan/."""


class DoksNetwork(TypedDict):
    """A VPC that is there already, with a NAT gateway as its default gateway unless nodes are public."""

    vpc_id: pulumi.Input[str]
    """Id of the VPC, in the cluster's region."""

    subnet_id: NotRequired[pulumi.Input[str]]
    """Id of the VPC's subnet for nodes. Default: the VPC's own default."""


class DoksSso(TypedDict):
    """An identity provider that people sign in with, by OpenID Connect."""

    issuer_url: str
    """URL of the provider, e.g. `https://login.example.com`."""

    client_id: str
    """The id that the provider knows the cluster by."""

    required: NotRequired[bool]
    """Whether it is the only way in, so that tokens of the team do not work any more. Default: false."""


class DoksOwn(TypedDict):
    """What only DOKS has."""

    sso: NotRequired[DoksSso]
    """Who people are is for an identity provider to say. Default: for DigitalOcean."""

    public_nodes: NotRequired[bool]
    """Whether nodes have public addresses, which saves the NAT gateway. Default: false."""

    registry: NotRequired[bool]
    """Whether pods may pull from the team's container registry, which must be there already. Default: false."""


class DoksArgs(ManagedArgs):
    """A DOKS cluster whose API listed networks reach."""

    pod_cidr: NotRequired[str]
    """Addresses of pods. Default: 10.4.0.0/16."""

    network: NotRequired[DoksNetwork]
    """The network that the cluster lives in. Default: one is made."""

    doks: NotRequired[DoksOwn]
    """What only DOKS has."""


OPEN_API = (
    "DigitalOcean's API server has a public address, which the whole internet reaches unless a firewall lets only your "
    "networks in"
)
"""Why there is no cluster without `apiAccess`."""


def faults_of(args: DoksArgs) -> list[Fault]:
    """What is wrong with `args`, as far as it can be known without asking DigitalOcean."""
    name = args.get("name", "")
    name_faults = _name_faults(name)
    room = LONGEST_POOL if name_faults else LONGEST_POOL - len(f"{name}-") - RANDOM_SUFFIX
    faults = [
        *version_faults(args["version"], r"-do\.\d+", "DigitalOcean's"),
        *name_faults,
        *_region_faults(args["region"]),
        *managed_faults("doks", args, longest_pool_name=room, controls=CONTROLS, channels=(ReleaseChannel.REGULAR,)),
        *required_access_faults(args, OPEN_API),
        *_pool_faults(args.get("node_pools", [])),
        *_sso_faults(args.get("doks", {}).get("sso")),
        *_tag_faults(args.get("tags", {})),
    ]
    return faults or _network_faults(args)


def pinned(args: DoksArgs) -> dict[str, Any]:
    """Key of the stack file → value or default, where a change makes DigitalOcean's provider replace the cluster.

    https://github.com/digitalocean/terraform-provider-digitalocean/blob/main/digitalocean/kubernetes/resource_kubernetes_cluster.go
    """
    return {
        "region": args["region"],
        "podCidr": args.get("pod_cidr", POD_CIDR),
        "serviceCidr": args.get("service_cidr", SERVICE_CIDR),
        "doks.publicNodes": has_public_nodes(args),
        **({} if "network" in args else {"nodeCidr": args.get("node_cidr", NODE_CIDR)}),
    }


def has_public_nodes(args: DoksArgs) -> bool:
    """Whether nodes have public addresses."""
    return args.get("doks", {}).get("public_nodes", False)


def is_exact(version: str) -> bool:
    """Whether a stack asks for one patch and no other, so that DigitalOcean must not bring the next one."""
    return version.count(".") > 1


def _name_faults(name: str) -> list[Fault]:
    """A pool, and so a node, is called after the cluster, and a node's name is one of DNS."""
    if faults := name_faults(name, "a DOKS cluster"):
        return faults
    most = LONGEST_POOL - RANDOM_SUFFIX - len("-a")
    if len(name) > most:
        return [Fault("name", f"{name!r} has {len(name)} letters, and nodes are named after it; use {most} at most")]
    return []


def _region_faults(region: str) -> list[Fault]:
    """https://docs.digitalocean.com/platform/regional-availability/."""
    if not re.fullmatch(r"[a-z]{3}[0-9]", region):
        return [Fault("region", f"{region!r} is no region of DigitalOcean; write one like fra1")]
    return []


def _pool_faults(pools: list[NodePool]) -> list[Fault]:
    faults = []
    for index, pool in enumerate(pools):
        key, size, gpu = f"nodePools[{index}]", pool["machine_type"], pool.get("gpu")
        if not re.fullmatch(r"[a-z0-9_]+(-[a-z0-9_.]+)+", size) or size.partition("-")[0] not in FAMILIES:
            faults.append(Fault(f"{key}.machineType", f"{size!r} is no Droplet size; write one like s-4vcpu-8gb"))
        elif gpu is not None and not size.startswith("gpu-"):
            faults.append(
                Fault(f"{key}.machineType", f"{size!r} has no GPU; write a size like gpu-h100x1-80gb, or drop gpu")
            )
        faults += [
            Fault(f"{key}.gpu.{part}", f"says nothing on DOKS, where {size} says all of its GPUs; write `gpu: {{}}`")
            for part in gpu or {}
        ]
        # https://github.com/digitalocean/doctl/issues/1516
        if pool["min_nodes"] == 0 and pool["max_nodes"] > 0:
            faults.append(
                Fault(f"{key}.minNodes", "0 is too few for DigitalOcean, which keeps a node of each; write 1")
            )
    return faults


def _sso_faults(sso: DoksSso | None) -> list[Fault]:
    """OpenID Connect knows no other scheme: https://openid.net/specs/openid-connect-discovery-1_0.html#IssuerDiscovery."""
    if sso is None or re.fullmatch(r"https://[^\s?#]+", sso["issuer_url"]):
        return []
    return [
        Fault("doks.sso.issuerUrl", f"{sso['issuer_url']!r} is no issuer; write a URL like https://login.example.com")
    ]


def _network_faults(args: DoksArgs) -> list[Fault]:
    networks = {"podCidr": args.get("pod_cidr", POD_CIDR), "serviceCidr": args.get("service_cidr", SERVICE_CIDR)}
    if "network" in args:
        if "node_cidr" in args:
            return [
                Fault("nodeCidr", "says nothing in a network that is there already, whose range is its own; drop it")
            ]
    else:
        networks = {"nodeCidr": args.get("node_cidr", NODE_CIDR), **networks}
    if faults := cidr_faults(networks):
        return faults
    if "nodeCidr" in networks and (faults := _vpc_faults(IPv4Network(networks["nodeCidr"]))):
        return faults
    return _room_faults(networks, most_nodes(args, surge=0) + SYSTEM_NODES + SURGE_NODES)


def _vpc_faults(vpc: IPv4Network) -> list[Fault]:
    if faults := size_faults("nodeCidr", str(vpc), VPC_PREFIXES, "DigitalOcean"):
        return faults
    if not any(vpc.subnet_of(private) for private in PRIVATE):
        return [Fault("nodeCidr", f"{vpc} is not private; write a network within {', '.join(map(str, PRIVATE))}")]
    return []


def _room_faults(networks: Mapping[str, str], wanted: int) -> list[Fault]:
    if wanted > MOST_RESOURCES:
        return [
            Fault(
                "nodePools",
                f"may grow to {wanted} nodes, and a VPC of DigitalOcean's holds {MOST_RESOURCES}; lower maxNodes",
            )
        ]
    pods = IPv4Network(networks["podCidr"])
    rooms = {"podCidr": (pods.num_addresses >> (32 - NODE_POD_PREFIX), prefix_for(wanted << (32 - NODE_POD_PREFIX)))}
    if "nodeCidr" in networks:
        room = IPv4Network(networks["nodeCidr"]).num_addresses - RESERVED_ADDRESSES
        rooms["nodeCidr"] = (room, prefix_for(wanted + RESERVED_ADDRESSES))
    return room_faults(networks, rooms, wanted)


def _tag_faults(tags: Mapping[str, str]) -> list[Fault]:
    """https://docs.digitalocean.com/reference/api/reference/tags/#tags_create; the provider hides its own tags."""
    faults = []
    for key, value in tags.items():
        tag = f"{key}:{value}"
        if not key:
            faults.append(Fault("tags", "has a tag without a name; write one before the colon"))
        elif not re.fullmatch(r"[A-Za-z0-9:_-]+", tag) or len(tag) > LONGEST_TAG:
            faults.append(
                Fault(
                    f"tags.{key}",
                    f"{tag!r} is no tag of DigitalOcean; use {LONGEST_TAG} letters, digits, `:`, `-` and `_` at most",
                )
            )
        elif key in ("k8s", "terraform"):
            faults.append(Fault(f"tags.{key}", f"{key} is DigitalOcean's own; choose another key"))
    return faults
