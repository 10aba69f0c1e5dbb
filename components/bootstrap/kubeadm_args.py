"""What a stack says about a cluster on own machines, and the rules it must keep. Pure: no machine is asked."""

import re
from ipaddress import IPv4Network
from typing import NotRequired

from components import versions
from components.bootstrap.plan import PodNetwork
from components.cluster import ClusterArgs
from components.local.kind_config import POD_CIDR, SERVICE_CIDR
from components.machines import container
from components.machines.machine_args import Machines
from components.network import cidr_faults, size_faults
from components.nodes import count_faults
from components.spec import Fault

LONGEST_NAME = 40
"""The longest machine is NAME-control-plane-9, and a host name has 63 letters at most."""

MOST_CONTROL_PLANES = 7
BOOTSTRAP_MINUTES = 15

NODE_POD_PREFIX = 24
"""A node's share of the pods' addresses, which kubeadm leaves at its default."""

POD_PREFIXES = (NODE_POD_PREFIX - 16, NODE_POD_PREFIX)
SERVICE_PREFIXES = (12, 28)


class KubeadmArgs(ClusterArgs):
    """A cluster on machines of your own, made by cloud-init and kubeadm."""

    machines: Machines
    """Where the machines come from."""

    control_planes: NotRequired[int]
    """How many control planes, an odd number. Default: 1."""

    workers: NotRequired[int]
    """How many workers. Default: 1."""

    pod_cidr: NotRequired[str]
    """Addresses of pods. Default: 10.244.0.0/16."""

    service_cidr: NotRequired[str]
    """Addresses of Services. Default: 10.96.0.0/16."""

    cni: NotRequired[PodNetwork]
    """The pod network; with `none`, nodes are Ready once you install one. Default: flannel."""

    api_port: NotRequired[int]
    """Port of the API on 127.0.0.1, with `driver: container`. Default: a free one."""

    bootstrap_minutes: NotRequired[int]
    """How long a machine may take to become a node. Default: 15."""


def faults_of(args: KubeadmArgs) -> list[Fault]:
    """What is wrong with `args`, as far as it can be known without asking anybody."""
    return [
        *versions.syntax_faults(args["version"]),
        *_name_faults(args.get("name")),
        *count_faults(args.get("control_planes", 1), args.get("workers", 1), MOST_CONTROL_PLANES),
        *_network_faults(args),
        *_limit_faults(args),
    ]


def _name_faults(name: str | None) -> list[Fault]:
    if name is None:
        return []
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", name):
        return [Fault("name", f"{name!r} cannot name a machine; use small letters, digits and hyphens inside")]
    if len(name) > LONGEST_NAME:
        return [Fault("name", f"{name!r} has {len(name)} letters; {LONGEST_NAME} at most, or host names grow too long")]
    return []


def _network_faults(args: KubeadmArgs) -> list[Fault]:
    """The sizes are those that kubeadm takes: `cmd/kubeadm/app/apis/kubeadm/validation` of Kubernetes."""
    pods, services = args.get("pod_cidr", POD_CIDR), args.get("service_cidr", SERVICE_CIDR)
    machines = args["machines"].get("cidr", container.CIDR)
    if faults := cidr_faults({"podCidr": pods, "serviceCidr": services, "machines.cidr": machines}):
        return faults
    sizes = [
        *size_faults("podCidr", pods, POD_PREFIXES, "kubeadm"),
        *size_faults("serviceCidr", services, SERVICE_PREFIXES, "kubeadm"),
    ]
    if sizes:
        return sizes
    nodes, workers = args.get("control_planes", 1) + args.get("workers", 1), args.get("workers", 1)
    if nodes > (room := 1 << (NODE_POD_PREFIX - IPv4Network(pods).prefixlen)):
        faults.append(
            Fault("podCidr", f"{pods} has room for {room} nodes, and {nodes} are asked for; write a larger one")
        )
    for role, wanted, places in (
        ("control planes", args.get("control_planes", 1), container.room_for_control_planes(machines)),
        ("workers", workers, container.room_for_workers(machines)),
    ):
        if wanted > places:
            message = f"{machines} has room for {places} {role}, and {wanted} are asked for; write a larger one"
            faults.append(Fault("machines.cidr", message))
    return faults


def _limit_faults(args: KubeadmArgs) -> list[Fault]:
    faults = []
    if not 1 <= (minutes := args.get("bootstrap_minutes", BOOTSTRAP_MINUTES)) <= 240:
        faults.append(Fault("bootstrapMinutes", f"{minutes} is no such time; write minutes from 1 to 240"))
    if not 1 <= (port := args.get("api_port", 1)) <= 65535:
        faults.append(Fault("apiPort", f"{port} is no port; write one from 1 to 65535"))
    return faults
