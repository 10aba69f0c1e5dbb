"""What a stack says about an EKS cluster, and the rules it must keep. Pure: Amazon's SDK is not needed here."""

import math
import re
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network
from typing import Any, NotRequired

import pulumi
from typing_extensions import TypedDict

from components import versions
from components.managed.eks.controls import CONTROLS
from components.managed.managed_args import (
    NODE_CIDR,
    RANDOM_SUFFIX,
    SERVICE_CIDR,
    ManagedArgs,
    ReleaseChannel,
    authorized_cidrs,
    given_key,
    given_network_faults,
    is_auto,
    managed_faults,
    whose_network,
)
from components.managed.node_pools import Machines, NodePool
from components.network import PRIVATE_NETWORKS, cidr_faults, prefix_for, private_faults, size_faults
from components.nodes import Effect
from components.spec import Fault, nearest

ZONES = 3
"""Over how many zones the nodes are spread, as far as the region has them."""

ADDRESSES_PER_NODE = 128
"""A node's share of its subnet: 110 pods in prefixes of 16 addresses, one prefix to spare. That many pods is what EKS
lets a node of up to 30 vCPUs run: https://docs.aws.amazon.com/eks/latest/userguide/choosing-instance-type.html, and
https://docs.aws.amazon.com/eks/latest/best-practices/prefix-mode-linux.html."""

ADDRESSES_PER_IDLE_NODE = 32
"""Of one that has hardly any pods: a prefix in use, and the one to spare."""

NODE_PREFIXES = (16, 23)
"""A VPC is a /16 at most (https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html); a load balancer wants
a /27 (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html), which is
what the public subnets of a /23 are."""

SERVICE_PREFIXES = (12, 24)
"""https://docs.aws.amazon.com/eks/latest/APIReference/API_KubernetesNetworkConfigRequest.html."""

UNAVAILABLE_PERCENT = 33
"""How much of a pool an upgrade takes at a time."""

MOST_AUTHORIZED = 40
"""https://docs.aws.amazon.com/eks/latest/userguide/service-quotas.html."""

RETENTIONS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
"""https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html."""

ADDONS_BEFORE_NODES = ("eks-pod-identity-agent", "kube-proxy", "vpc-cni")
"""What a node needs to become ready."""

ADDONS_AFTER_NODES = ("aws-ebs-csi-driver", "coredns", "metrics-server")
"""What needs nodes to become ready."""

CHANNELS = (ReleaseChannel.REGULAR, ReleaseChannel.EXTENDED)

LONGEST_ROLE_SUFFIX = "-ebs-csi-driver-pods"
"""What the longest name of the roles in IAM adds to the cluster's."""

LONGEST_ROLE = 64
"""https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html."""

LONGEST_TAINT = 63
"""https://docs.aws.amazon.com/eks/latest/APIReference/API_Taint.html."""

LONGEST_POOL = 63
"""https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateNodegroup.html."""

MACHINES = Machines(
    kind="type of EC2 instance",
    # https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html
    pattern=r"[a-z][a-z0-9-]*\.[a-z0-9-]+",
    example="m7i.large",
    # Those that the image with NVIDIA's driver is for; those of the series g4ad have GPUs of AMD's, and EKS no driver:
    # https://docs.aws.amazon.com/eks/latest/userguide/ml-eks-optimized-ami.html
    with_gpus=r"(g(?!4ad)|gr|p)\d.*",
    gpu_example="g6.xlarge",
)


class EksNetwork(TypedDict):
    """A network that is there already."""

    subnet_ids: list[pulumi.Input[str]]
    """Ids of private subnets with a way out, in two zones or more. Nodes, pods and the API's addresses live there."""


class EksOwn(TypedDict):
    """What only EKS has."""

    log_retention_days: NotRequired[int]
    """How long the control plane's logs are kept: one of CloudWatch's numbers of days. Default: 90."""

    addon_versions: NotRequired[dict[str, str]]
    """Add-on → its exact version, e.g. `coredns: v1.12.4-eksbuild.1`. Default: the one that EKS had for the cluster's
    minor when that was first asked for."""


class EksArgs(ManagedArgs):
    """A private EKS cluster."""

    admins: NotRequired[list[str]]
    """ARNs of roles and users of IAM that administer the cluster. Required: nobody else gets in, whoever made it."""

    network: NotRequired[EksNetwork]
    """The network that the cluster lives in. Default: one is made."""

    eks: NotRequired[EksOwn]
    """What only EKS has."""


def faults_of(args: EksArgs) -> list[Fault]:
    """What is wrong with `args`, as far as it can be known without asking Amazon."""
    name = args.get("name", "")
    name_faults = _name_faults(name)
    room = LONGEST_POOL if name_faults else LONGEST_POOL - len(f"{name}-") - RANDOM_SUFFIX
    faults = [
        *_version_faults(args["version"]),
        *name_faults,
        *_region_faults(args["region"]),
        *managed_faults("eks", args, longest_pool_name=room, machines=MACHINES, controls=CONTROLS, channels=CHANNELS),
        *_pool_faults(args.get("node_pools", [])),
        *_admin_faults(args),
        *_key_faults(args),
        *_own_faults(args),
        *_tag_faults(args.get("tags", {})),
    ]
    return faults or [
        *_first_node_faults(args.get("node_pools", [])),
        *_access_faults(args),
        *_network_faults(args),
    ]


def pinned(args: EksArgs) -> dict[str, Any]:
    """Key of the stack file → value or default, where a change makes EKS replace the cluster.

    A cluster never moves to another VPC, nor takes another key for Secrets:
    https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/eks/cluster.go
    """
    key = "a key of its own" if "secrets_encryption" not in args else args["secrets_encryption"]["key"]
    return {
        "region": args["region"],
        "serviceCidr": args.get("service_cidr", SERVICE_CIDR),
        "network": whose_network(args),
        **({} if "network" in args else {"nodeCidr": args.get("node_cidr", NODE_CIDR)}),
        **({"secretsEncryption": key} if isinstance(key, str) else {}),
    }


def partition(region: str) -> str:
    """The part of Amazon's world that `region` belongs to, as ARNs name it.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
    """
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


def is_arm(machine_type: str) -> bool:
    """Whether a machine has an ARM processor of Amazon's or NVIDIA's: a `g` after the generation says so.

    https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html
    """
    return bool(re.match(r"a1\.|[a-z]+\d+[a-z]*g[a-z]*[.-]|p\d+e-gb\d+\.", machine_type))


def most_addresses(pool: NodePool) -> int:
    """The most addresses that a pool takes with its pods, while an upgrade adds nodes and moves pods there.

    https://docs.aws.amazon.com/eks/latest/userguide/managed-node-update-behavior.html#managed-node-update-scale-up
    """
    at_a_time = math.ceil(pool["max_nodes"] * UNAVAILABLE_PERCENT / 100)
    idle = max(2 * ZONES - at_a_time, 0)
    return (pool["max_nodes"] + at_a_time) * ADDRESSES_PER_NODE + idle * ADDRESSES_PER_IDLE_NODE


def subnets(node_cidr: str) -> tuple[list[str], list[str]]:
    """How a VPC is divided: a quarter of its addresses is private in each zone, a sixteenth is public."""
    *private, last = map(str, IPv4Network(node_cidr).subnets(prefixlen_diff=2))
    public = [str(part) for part in IPv4Network(last).subnets(prefixlen_diff=2)]
    return private, public[:ZONES]


def addon_names(args: EksArgs) -> tuple[str, ...]:
    """The add-ons of the cluster. Auto Mode has the others built in, as processes of each node or out of sight.

    https://docs.aws.amazon.com/eks/latest/userguide/eks-add-ons.html#addon-consider-auto
    """
    return ("metrics-server",) if is_auto("eks", args) else (*ADDONS_BEFORE_NODES, *ADDONS_AFTER_NODES)


def _version_faults(version: str) -> list[Fault]:
    if faults := versions.syntax_faults(version):
        return faults
    minor = versions.minor_of(version)
    if minor != version:
        return [
            Fault("version", f'{version!r} is too exact: EKS chooses the patch by itself; write the minor, "{minor}"')
        ]
    return []


def _name_faults(name: str) -> list[Fault]:
    """https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateCluster.html."""
    if name and not re.fullmatch(r"[0-9A-Za-z][A-Za-z0-9_-]*", name):
        return [Fault("name", f"{name!r} cannot name an EKS cluster; use letters, digits, and inside them `-` and `_`")]
    if (spare := LONGEST_ROLE - RANDOM_SUFFIX - len(name) - len(LONGEST_ROLE_SUFFIX)) < 0:
        return [
            Fault(
                "name",
                f"{name!r} has {len(name)} letters, and the roles in IAM are named after it; "
                f"use {len(name) + spare} at most",
            )
        ]
    return []


def _region_faults(region: str) -> list[Fault]:
    """https://github.com/boto/botocore/blob/develop/botocore/data/partitions.json."""
    if zone := re.fullmatch(r"([a-z-]+-\d+)[a-z]", region):
        return [Fault("region", f"{region!r} is a zone, and a cluster is spread over several; write {zone[1]}")]
    if region.startswith(("cn-", "eusc-", "us-iso", "eu-iso")):
        return [Fault("region", f"{region!r} is in a part of AWS with rules of its own, which Slipway does not know")]
    if not re.fullmatch(r"(us|us-gov|eu|ap|sa|ca|me|af|il|mx)-[a-z]+-\d+", region):
        return [Fault("region", f"{region!r} is no region of AWS; write one like eu-central-1")]
    return []


def _pool_faults(pools: Sequence[NodePool]) -> list[Fault]:
    return [
        Fault(f"nodePools[{index}].taints[{i}].key", f"{taint['key']} is too long; EKS takes {LONGEST_TAINT} letters")
        for index, pool in enumerate(pools)
        for i, taint in enumerate(pool.get("taints", []))
        if len(taint["key"]) > LONGEST_TAINT
    ]


def _admin_faults(args: EksArgs) -> list[Fault]:
    """https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html."""
    admins = args.get("admins", [])
    if not admins:
        return [
            Fault(
                "admins",
                "is required: roles or users of IAM, e.g. arn:aws:iam::123456789012:role/Admin. "
                "Whoever makes the cluster is no administrator of it, so nobody would be",
            )
        ]
    faults = []
    for index, arn in enumerate(admins):
        key = f"admins[{index}]"
        if session := re.fullmatch(r"arn:([\w-]+):sts::(\d{12}):assumed-role/([^/]+)/.+", arn):
            role = f"arn:{session[1]}:iam::{session[2]}:role/{session[3]}"
            faults.append(Fault(key, f"{arn} is one session of a role; write the role, {role}"))
        elif not re.fullmatch(rf"arn:{partition(args['region'])}:iam::\d{{12}}:(role|user)/[\w+=,.@/-]+", arn):
            faults.append(
                Fault(key, f"{arn!r} is no role or user of IAM; write one like arn:aws:iam::123456789012:role/Admin")
            )
        elif arn in admins[:index]:
            faults.append(Fault(key, f"{arn} is there twice; drop one"))
    return faults


def _key_faults(args: EksArgs) -> list[Fault]:
    """https://docs.aws.amazon.com/eks/latest/APIReference/API_Provider.html."""
    key, region = given_key(args), args["region"]
    if not isinstance(key, str) or re.fullmatch(rf"arn:{partition(region)}:kms:{region}:\d{{12}}:(key|alias)/.+", key):
        return []
    example = f"arn:{partition(region)}:kms:{region}:123456789012:key/…"
    return [Fault("secretsEncryption.key", f"{key!r} is no key of KMS in {region}; write its ARN, like {example}")]


def _own_faults(args: EksArgs) -> list[Fault]:
    own, faults = args.get("eks", {}), []
    days = own.get("log_retention_days", RETENTIONS[-1])
    if days not in RETENTIONS:
        choices = ", ".join(map(str, RETENTIONS))
        faults.append(Fault("eks.logRetentionDays", f"CloudWatch does not offer {days} days; choose one of {choices}"))
    known = addon_names(args)
    for addon, version in own.get("addon_versions", {}).items():
        key = f"eks.addonVersions.{addon}"
        if addon not in known:
            faults.append(Fault(key, f"is no add-on of this cluster; {nearest(addon, known)}"))
        elif not re.fullmatch(r"v\d+\.\d+\.\d+-eksbuild\.\d+", version):
            faults.append(Fault(key, f"{version!r} is no version of an add-on; write one like v1.12.4-eksbuild.1"))
    return faults


def _tag_faults(tags: Mapping[str, str]) -> list[Fault]:
    """https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html#id_tags_naming_best_practices."""
    return [
        Fault(f"tags.{key}", f"{f'{key}: {value}'!r} is no tag of AWS; use letters, digits, spaces and _ . : / = + - @")
        for key, value in tags.items()
        if key.lower().startswith("aws:")
        or not (re.fullmatch(r"[\w .:/=+@-]{1,128}", key) and re.fullmatch(r"[\w .:/=+@-]{0,256}", value))
    ]


def _first_node_faults(pools: Sequence[NodePool]) -> list[Fault]:
    """The add-ons wait for a node that takes them, and before they stand nothing adds one."""
    takes_any = [
        pool for pool in pools if all(taint["effect"] == Effect.PREFER_NO_SCHEDULE for taint in pool.get("taints", []))
    ]
    if not pools or any(pool["min_nodes"] > 0 for pool in takes_any):
        return []
    advice = "give a pool without taints a minNodes of 1 or more"
    return [Fault("nodePools", f"have no node at first for pods that tolerate nothing, so DNS cannot start; {advice}")]


def _access_faults(args: EksArgs) -> list[Fault]:
    key, cidrs = "apiAccess.authorizedCidrs", authorized_cidrs(args)
    if len(cidrs) > MOST_AUTHORIZED:
        return [Fault(key, f"lists {len(cidrs)} networks, and EKS takes {MOST_AUTHORIZED}; write fewer, larger ones")]
    return [
        Fault(key, f"{cidr} is private, and nobody comes to the public address from there; drop it")
        for cidr in cidrs
        if any(IPv4Network(cidr).subnet_of(private) for private in PRIVATE_NETWORKS)
    ]


def _network_faults(args: EksArgs) -> list[Fault]:
    networks = {"serviceCidr": args.get("service_cidr", SERVICE_CIDR)}
    if "network" in args:
        # That it is highly available is about the NAT gateways.
        faults = given_network_faults({"nodeCidr": "node_cidr" in args, "highlyAvailable": "highly_available" in args})
        if len(args["network"]["subnet_ids"]) < 2:
            faults.append(Fault("network.subnetIds", "are too few; EKS wants two or more, in different zones"))
        if faults:
            return faults
    else:
        networks = {"nodeCidr": args.get("node_cidr", NODE_CIDR), **networks}
    if faults := cidr_faults(networks):
        return faults
    services = networks["serviceCidr"]
    faults = size_faults("serviceCidr", services, SERVICE_PREFIXES, "EKS") or private_faults("serviceCidr", services)
    if faults or "network" in args:
        return faults
    return size_faults("nodeCidr", networks["nodeCidr"], NODE_PREFIXES, "EKS") or _room_faults(
        IPv4Network(networks["nodeCidr"]), args.get("node_pools", [])
    )


def _room_faults(nodes: IPv4Network, pools: Sequence[NodePool]) -> list[Fault]:
    wanted, room = sum(map(most_addresses, pools)), nodes.num_addresses // 4 * ZONES
    if wanted <= room:
        return []
    prefix = prefix_for(math.ceil(wanted / ZONES * 4))
    advice = f"write a /{prefix} or larger, or lower maxNodes" if prefix >= NODE_PREFIXES[0] else "lower maxNodes"
    return [
        Fault(
            "nodeCidr",
            f"{nodes} has {room} private addresses, and the pools with their pods may take {wanted} during an upgrade; "
            f"{advice}",
        )
    ]
