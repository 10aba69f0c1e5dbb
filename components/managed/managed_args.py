"""What a stack says about a cluster in any cloud, and the rules that hold in all of them. Pure: no SDK is needed."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum
from ipaddress import IPv4Network, collapse_addresses
from typing import NotRequired

import pulumi
from typing_extensions import TypedDict

from components import parity, versions
from components.cluster import ClusterArgs
from components.managed.controls import Control
from components.managed.node_pools import Machines, NodePool, node_pool_faults
from components.network import cidr_faults
from components.spec import Fault, nearest


class Compute(StrEnum):
    """Who looks after the nodes."""

    POOLS = "pools"
    AUTO = "auto"


class ReleaseChannel(StrEnum):
    """How soon new versions come by themselves."""

    RAPID = "rapid"
    REGULAR = "regular"
    STABLE = "stable"
    EXTENDED = "extended"


class Day(StrEnum):
    """A day of the week, or any of them."""

    ANY = "any"
    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


class Maintenance(TypedDict):
    """When the cloud may upgrade and repair."""

    hour: int
    """Hour of the day in UTC, 0 to 23, at which the window opens, for two hours or more."""

    day: NotRequired[Day]
    """Day of the week. Default: any."""


class Freeze(TypedDict):
    """Days on which no version comes by itself, such as those of a sale."""

    first: str
    """The first of them in UTC, in quotes, e.g. "2026-12-20"."""

    last: str
    """The last of them, which is free of upgrades too."""


class ApiAccess(TypedDict):
    """Who may reach the Kubernetes API by a public address."""

    authorized_cidrs: list[str]
    """The only networks that reach the API, at a public address. 0.0.0.0/0 is refused."""


class SecretsEncryption(TypedDict):
    """The key that Secrets are encrypted with in etcd."""

    key: pulumi.Input[str]
    """The cloud's id of a key that is there already, in the cluster's region."""


class ControlPlaneLog(StrEnum):
    """A log of the control plane."""

    API = "api"
    AUDIT = "audit"
    AUTHENTICATOR = "authenticator"
    CONTROLLER_MANAGER = "controllerManager"
    SCHEDULER = "scheduler"


NODE_CIDR = "10.0.0.0/16"
POD_CIDR = "10.4.0.0/14"
SERVICE_CIDR = "10.8.0.0/20"

DEFAULT_LOGS = (ControlPlaneLog.API, ControlPlaneLog.AUDIT, ControlPlaneLog.AUTHENTICATOR)

DEFAULT_MAINTENANCE: Maintenance = {"hour": 3}


class ManagedArgs(ClusterArgs):
    """A cluster that a cloud manages."""

    region: str
    """The cloud's region for the control plane and the nodes."""

    node_pools: NotRequired[list[NodePool]]
    """The nodes, at least one pool; none with `compute: auto`."""

    compute: NotRequired[Compute]
    """Who looks after the nodes: you with `pools`, or with `auto` the cloud, as pods need them. Default: pools."""

    node_cidr: NotRequired[str]
    """Addresses of nodes, and of what else stands in the network that is made. Default: 10.0.0.0/16."""

    pod_cidr: NotRequired[str]
    """Addresses of pods. Default: 10.4.0.0/14, where the cloud lets one choose."""

    service_cidr: NotRequired[str]
    """Addresses of Services. Default: 10.8.0.0/20."""

    highly_available: NotRequired[bool]
    """Whether the control plane survives the loss of a machine, where the cloud lets one choose. Default: true."""

    api_access: NotRequired[ApiAccess]
    """Who may reach the API by a public address. Default: nobody, where the cloud has such a thing."""

    admins: NotRequired[list[str]]
    """Who administers the cluster, as the cloud calls them; nobody else gets in, whoever made it."""

    release_channel: NotRequired[ReleaseChannel]
    """How soon new versions come by themselves, as far as the cloud brings them. Default: regular."""

    maintenance: NotRequired[Maintenance]
    """When the cloud may upgrade and repair. Default: any day at 3:00 UTC."""

    freezes: NotRequired[list[Freeze]]
    """Days on which the cloud upgrades nothing by itself. Default: none."""

    secrets_encryption: NotRequired[SecretsEncryption]
    """The key for Secrets. Default: a key made for this cluster, where the cloud has such a thing."""

    logs: NotRequired[list[ControlPlaneLog]]
    """The control plane's logs that are kept. Default: api, audit and authenticator, where the cloud has them."""

    tags: NotRequired[dict[str, str]]
    """Tags or labels of the cloud on everything that can bear them, e.g. for billing."""

    waivers: NotRequired[dict[str, str]]
    """What the cluster may do without, and why: name of a feature that the target lacks, or id of a rule → a reason."""


RANDOM_SUFFIX = len("-1234567")
"""What Pulumi adds to a name to make it unique."""


def is_auto(target: str, args: ManagedArgs) -> bool:
    """Whether the cloud looks after the nodes: asked for, and not merely waived."""
    has = parity.FEATURES["fully-managed-nodes"].support[target].means is not parity.Means.LACKING
    return has and args.get("compute") == Compute.AUTO


def authorized_cidrs(args: ManagedArgs) -> list[str]:
    """The networks that reach the API by a public address; none where nobody does."""
    return args["api_access"]["authorized_cidrs"] if "api_access" in args else []


def given_key(args: ManagedArgs) -> pulumi.Input[str] | None:
    """The key for Secrets that is there already, if any."""
    return args["secrets_encryption"]["key"] if "secrets_encryption" in args else None


def is_exact(version: str) -> bool:
    """Whether a stack asks for one patch and no other, so that the cloud must not bring the next one."""
    return version.count(".") > 1


def is_extended(args: ManagedArgs) -> bool:
    """Whether a minor may stay after its usual support ends, for more money."""
    return args.get("release_channel") == ReleaseChannel.EXTENDED


def most_nodes(args: ManagedArgs, surge: int) -> int:
    """How many nodes there may be at once, when every pool has grown and an upgrade adds `surge` to each."""
    return sum(pool["max_nodes"] + surge for pool in args.get("node_pools", []))


def name_faults(name: str, what: str) -> list[Fault]:
    """Whether `name` reads as one of `what`, e.g. `a GKE cluster`: most clouds take what is a label of DNS."""
    if not name or re.fullmatch(r"[a-z]([a-z0-9-]*[a-z0-9])?", name):
        return []
    return [Fault("name", f"{name!r} cannot name {what}; use small letters, digits and hyphens inside")]


def version_faults(version: str, build: str, whose: str) -> list[Fault]:
    """Whether `version` is one of Kubernetes.

    Args:
        version: What the stack says.
        build: The pattern of what the cloud adds for builds of its own, e.g. `-do[.][0-9]+`.
        whose: The cloud's possessive, e.g. `GKE's`.
    """
    if match := re.fullmatch(rf"v?((\d+\.\d+)\.\d+){build}", version):
        return [
            Fault(
                "version",
                f"{version!r} is one build of {whose}, which is gone in weeks; "
                f'write the minor "{match[2]}", or the patch "{match[1]}"',
            )
        ]
    return versions.syntax_faults(version)


def required_access_faults(args: ManagedArgs, why: str) -> list[Fault]:
    """Whether the stack says who reaches an API that has a public address whatever one does."""
    if "api_access" in args:
        return []
    return [Fault("apiAccess.authorizedCidrs", f"is required: {why}; list your own networks, e.g. 203.0.113.0/24")]


def whose_network(args: ManagedArgs) -> str:
    """Whether a cluster lives in a network that the stack gives, in words: between the two no cluster moves."""
    return "a given one" if "network" in args else "one of its own"


def given_network_faults(said: Mapping[str, bool]) -> list[Fault]:
    """What a stack says of a network that is made, while it gives one: key of the stack file → whether it does."""
    return [Fault(key, "is for a network that is made, and `network` gives one; drop it") for key in said if said[key]]


def growth_faults(wanted: int, most: int, place: str, advice: str = "lower maxNodes") -> list[Fault]:
    """Whether the cluster may grow to more nodes than find a place.

    Args:
        wanted: How many nodes there may be during an upgrade.
        most: How many the cloud allows.
        place: Where it allows them, e.g. `a GKE cluster`.
        advice: What to do about it.
    """
    if wanted <= most:
        return []
    fault = f"may grow to {wanted} nodes during an upgrade, and {place} has room for {most}"
    return [Fault("nodePools", f"{fault}; {advice}")]


def managed_faults(
    target: str,
    args: ManagedArgs,
    *,
    longest_pool_name: int,
    machines: Machines,
    controls: Sequence[Control],
    channels: Sequence[ReleaseChannel] = tuple(ReleaseChannel),
) -> list[Fault]:
    """What is wrong with `args` in any cloud.

    Args:
        target: Name of the target.
        args: What a stack asks for.
        longest_pool_name: How many letters the cloud leaves for the name of a pool.
        machines: What the target calls machines.
        controls: The rules that the target keeps, whose ids a waiver may name.
        channels: The release channels that the target has.
    """
    waivers = args.get("waivers", {})
    return [
        *parity.lacking_faults(target, args, waivers),
        *_waiver_faults(target, waivers, {*parity.FEATURES, *(control.id for control in controls)}),
        *_compute_faults(target, args, longest_pool_name, machines),
        *_access_faults(args),
        *_maintenance_faults(args.get("maintenance", DEFAULT_MAINTENANCE)),
        *_freeze_faults(args.get("freezes", [])),
        *_channel_faults(target, args, channels),
    ]


def _waiver_faults(target: str, waivers: dict[str, str], known: set[str]) -> list[Fault]:
    faults = []
    for name, reason in waivers.items():
        if name not in known:
            faults.append(Fault(f"waivers.{name}", f"is neither a feature nor a rule; {nearest(name, known)}"))
        elif name in parity.FEATURES and parity.FEATURES[name].support[target].means is not parity.Means.LACKING:
            faults.append(Fault(f"waivers.{name}", f"{target} has {name}, so that nothing is to be waived; drop it"))
        elif not reason.strip():
            faults.append(Fault(f"waivers.{name}", "gives no reason; write why the cluster may do without"))
    return faults


def _compute_faults(target: str, args: ManagedArgs, longest_pool_name: int, machines: Machines) -> list[Fault]:
    if is_auto(target, args):
        if "node_pools" in args:
            return [Fault("nodePools", "says what nodes there are, and so does `compute: auto`; drop one of them")]
        return []
    if "node_pools" not in args:
        return [Fault("nodePools", "is required: the nodes, at least one pool")]
    return node_pool_faults(args["node_pools"], longest_name=longest_pool_name, machines=machines)


def _access_faults(args: ManagedArgs) -> list[Fault]:
    if "api_access" not in args:
        return []
    key = "apiAccess.authorizedCidrs"
    texts = args["api_access"]["authorized_cidrs"]
    if not texts:
        return [Fault(key, "lets nobody in; list your networks, or drop apiAccess where the API can be private")]
    faults = [fault for i, text in enumerate(texts) for fault in cidr_faults({f"{key}[{i}]": text})]
    if not faults and any(network.prefixlen == 0 for network in collapse_addresses(map(IPv4Network, texts))):
        faults.append(Fault(key, "lets the whole internet in; list your own networks only, e.g. 203.0.113.0/24"))
    return faults


def _maintenance_faults(maintenance: Maintenance) -> list[Fault]:
    if not 0 <= maintenance["hour"] <= LAST_HOUR:
        return [Fault("maintenance.hour", f"{maintenance['hour']} is no hour of a day; write 0 to {LAST_HOUR}, in UTC")]
    return []


LAST_HOUR = 23


def _freeze_faults(freezes: Sequence[Freeze]) -> list[Fault]:
    faults = []
    for index, freeze in enumerate(freezes):
        key = f"freezes[{index}]"
        days = {f"{key}.first": freeze["first"], f"{key}.last": freeze["last"]}
        if wrong := [
            Fault(key, f'{day!r} is no day; write one like "2026-12-20"')
            for key, day in days.items()
            if not _is_day(day)
        ]:
            faults += wrong
        elif freeze["last"] < freeze["first"]:
            faults.append(Fault(f"{key}.last", f"{freeze['last']} is before {freeze['first']}; swap the two"))
    return faults


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _channel_faults(target: str, args: ManagedArgs, channels: Sequence[ReleaseChannel]) -> list[Fault]:
    channel = ReleaseChannel(args.get("release_channel", ReleaseChannel.REGULAR))
    if channel in channels:
        return []
    has = " and ".join(channels)
    return [Fault("releaseChannel", f"{target} has no channel {channel.value}; it has {has}: choose one of them")]
