"""What a stack says about a DOKS cluster, and the rules it must keep. Pure: DigitalOcean's SDK is not needed here."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NotRequired

import pulumi
from typing_extensions import TypedDict

from components.managed.doks.controls import CONTROLS
from components.managed.managed_args import (
    NODE_CIDR,
    RANDOM_SUFFIX,
    SERVICE_CIDR,
    ApiAccess,
    ManagedArgs,
    ReleaseChannel,
    given_network_faults,
    growth_faults,
    managed_faults,
    most_nodes,
    name_faults,
    required_access_faults,
    version_faults,
    whose_network,
)
from components.managed.node_pools import Machines, NodePool
from components.network import cidr_faults, private_faults, room_faults, size_faults
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

NODE_PREFIXES = (16, 28)
"""https://docs.digitalocean.com/reference/api/reference/vpcs/#vpcs_create."""

MOST_RESOURCES = 10000
"""In a VPC: https://docs.digitalocean.com/products/networking/vpc/details/limits/."""

CHANNELS = (ReleaseChannel.REGULAR,)

LONGEST_POOL = 63 - len("-abcde")
"""A node is a Droplet, called like its pool and five letters; Kubernetes has 63 letters for the name of a host:
https://kubernetes.io/docs/reference/labels-annotations-taints/#kubernetesiohostname."""

LONGEST_TAG = 255

MACHINES = Machines(
    kind="Droplet size",
    # https://docs.digitalocean.com/products/droplets/concepts/choosing-a-plan/
    pattern=r"(s|c|c2|g|gd|m|m3|m6|so|so1_5|gpu)(-[a-z0-9_.]+)+",
    example="s-4vcpu-8gb",
    with_gpus=r"gpu-.+",
    gpu_example="gpu-h100x1-80gb",
)


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

    api_access: NotRequired[ApiAccess]
    """Who may reach the API by its public address. Required: without a firewall the whole internet reaches it."""

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
        *managed_faults("doks", args, longest_pool_name=room, machines=MACHINES, controls=CONTROLS, channels=CHANNELS),
        *required_access_faults(args, OPEN_API),
        *_pool_faults(args.get("node_pools", [])),
        *_own_faults(args),
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
        "network": whose_network(args),
        **({} if "network" in args else {"nodeCidr": args.get("node_cidr", NODE_CIDR)}),
    }


def tags_of(args: DoksArgs) -> list[str]:
    """Tags as DigitalOcean has them, which are words."""
    return [f"{key}:{value}" for key, value in args.get("tags", {}).items()]


def has_public_nodes(args: DoksArgs) -> bool:
    """Whether nodes have public addresses."""
    return args.get("doks", {}).get("public_nodes", False)


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


def _pool_faults(pools: Sequence[NodePool]) -> list[Fault]:
    """https://github.com/digitalocean/doctl/issues/1516."""
    return [
        Fault(f"nodePools[{index}].minNodes", "0 is too few for DigitalOcean, which keeps a node of each; write 1")
        for index, pool in enumerate(pools)
        if pool["min_nodes"] == 0 and pool["max_nodes"] > 0
    ]


def _own_faults(args: DoksArgs) -> list[Fault]:
    """OpenID Connect knows no other scheme: https://openid.net/specs/openid-connect-discovery-1_0.html#IssuerDiscovery."""
    sso = args.get("doks", {}).get("sso")
    if sso is None or re.fullmatch(r"https://[^\s?#]+", sso["issuer_url"]):
        return []
    return [
        Fault("doks.sso.issuerUrl", f"{sso['issuer_url']!r} is no issuer; write a URL like https://login.example.com")
    ]


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


def _network_faults(args: DoksArgs) -> list[Fault]:
    networks = {"podCidr": args.get("pod_cidr", POD_CIDR), "serviceCidr": args.get("service_cidr", SERVICE_CIDR)}
    if "network" in args:
        if faults := given_network_faults({"nodeCidr": "node_cidr" in args}):
            return faults
    else:
        networks = {"nodeCidr": args.get("node_cidr", NODE_CIDR), **networks}
    if faults := cidr_faults(networks):
        return faults
    # https://docs.digitalocean.com/reference/api/reference/vpcs/#vpcs_create
    if (vpc := networks.get("nodeCidr")) and (
        faults := size_faults("nodeCidr", vpc, NODE_PREFIXES, "DigitalOcean") or private_faults("nodeCidr", vpc)
    ):
        return faults
    return _room_faults(args, networks)


def _room_faults(args: DoksArgs, networks: Mapping[str, str]) -> list[Fault]:
    wanted = most_nodes(args, surge=0) + SYSTEM_NODES + SURGE_NODES
    return growth_faults(wanted, MOST_RESOURCES, "a VPC of DigitalOcean's") or room_faults(
        networks, wanted, pod_prefix=NODE_POD_PREFIX, reserved=RESERVED_ADDRESSES
    )
