"""What a stack says about a minikube cluster, and the rules it must keep. Pure: nobody is asked."""

import re
from enum import StrEnum
from typing import NotRequired

from components import versions
from components.cluster import ClusterArgs
from components.local import minikube_config
from components.local.minikube_config import HIGHLY_AVAILABLE, IN_CONTAINERS, ONLY_PROFILE
from components.local.node_containers import network_faults
from components.nodes import gate_faults
from components.spec import Fault

LONGEST_NAME = 40

LEAST = {"cpus": 2, "memoryMb": 1800, "diskGb": 2}
"""What a node needs: minikube's `minimumCPUS`, `minUsableMem` and `minimumDiskSize`, in its cmd/minikube/cmd."""


class MinikubeDriver(StrEnum):
    """What the nodes are."""

    DOCKER = "docker"
    PODMAN = "podman"
    KVM2 = "kvm2"
    QEMU2 = "qemu2"
    NONE = "none"


class ContainerRuntime(StrEnum):
    """What runs containers in the nodes."""

    CONTAINERD = "containerd"
    CRI_O = "cri-o"
    DOCKER = "docker"


class MinikubeCni(StrEnum):
    """Which pod network minikube brings."""

    DEFAULT = "default"
    CALICO = "calico"
    CILIUM = "cilium"
    FLANNEL = "flannel"
    NONE = "none"


class MinikubeArgs(ClusterArgs):
    """A cluster of minikube on this machine."""

    driver: NotRequired[MinikubeDriver]
    """What the nodes are: containers of `docker` or `podman`, virtual machines of `kvm2` or `qemu2` (the latter one
    only), or, with `none` and `name: minikube`, this machine itself, which is then changed. Default: docker."""

    control_planes: NotRequired[int]
    """How many control planes: 1 or 3. Default: 1. They run pods too."""

    workers: NotRequired[int]
    """How many workers. Default: 0."""

    cpus: NotRequired[int]
    """Processors of each node. Default: 2."""

    memory_mb: NotRequired[int]
    """Memory of each node, in MiB. Default: minikube chooses, by what this machine has."""

    disk_gb: NotRequired[int]
    """Disk of each virtual machine, in GiB. Default: 20."""

    container_runtime: NotRequired[ContainerRuntime]
    """What runs containers in the nodes. Default: containerd."""

    cni: NotRequired[MinikubeCni]
    """Which pod network minikube brings; with `none`, nodes are Ready once you install one. Default: default, which is
    one that suits the driver."""

    pod_cidr: NotRequired[str]
    """Addresses of pods. Default: 10.244.0.0/16."""

    service_cidr: NotRequired[str]
    """Addresses of Services. Default: 10.96.0.0/12."""

    feature_gates: NotRequired[dict[str, bool]]
    """Kubernetes feature gates, for all components."""


def faults_of(args: MinikubeArgs) -> list[Fault]:
    """What is wrong with `args`, as far as it can be known without asking anybody."""
    return [
        *versions.syntax_faults(args["version"]),
        *_name_faults(args.get("name")),
        *_count_faults(args),
        *_driver_faults(args),
        *_network_faults(args),
        *gate_faults(args.get("feature_gates", {})),
    ]


def _name_faults(name: str | None) -> list[Fault]:
    if name is None:
        return []
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*[a-z0-9]", name):
        fault = f"{name!r} cannot name a machine; use small letters, digits and hyphens inside, two at least"
        return [Fault("name", fault)]
    if len(name) > LONGEST_NAME:
        return [Fault("name", f"{name!r} has {len(name)} letters; {LONGEST_NAME} at most, or host names grow too long")]
    return []


def _count_faults(args: MinikubeArgs) -> list[Fault]:
    faults = []
    if (control_planes := args.get("control_planes", 1)) not in (1, HIGHLY_AVAILABLE):
        faults.append(Fault("controlPlanes", f"{control_planes} is not what minikube makes; write 1 or 3"))
    if (workers := args.get("workers", 0)) < 0:
        faults.append(Fault("workers", f"{workers} is less than none; write 0 or more"))
    sizes = {"cpus": args.get("cpus"), "memoryMb": args.get("memory_mb"), "diskGb": args.get("disk_gb")}
    faults += [
        Fault(key, f"{size} is too little, and minikube starts no node with it; write {LEAST[key]} or more, or drop it")
        for key, size in sizes.items()
        if size is not None and size < LEAST[key]
    ]
    return faults


def _driver_faults(args: MinikubeArgs) -> list[Fault]:
    """What a driver has no use for is refused: minikube passes over it, with a warning at most."""
    driver = args.get("driver", MinikubeDriver.DOCKER)
    several = args.get("control_planes", 1) + args.get("workers", 0) > 1
    if driver == MinikubeDriver.NONE:
        faults = [
            Fault(key, f"is for machines that minikube makes, and with driver: none it takes this one; drop {key}")
            for key, given in (
                ("cpus", "cpus" in args),
                ("memoryMb", "memory_mb" in args),
                ("diskGb", "disk_gb" in args),
            )
            if given
        ]
        if (name := args.get("name", ONLY_PROFILE)) != ONLY_PROFILE:
            fault = f"{name!r} is refused by minikube with driver: none, which has one name only; write name: minikube"
            faults.append(Fault("name", fault))
        if several:
            faults.append(
                Fault("driver", "none takes this machine, which is one node; write controlPlanes: 1, workers: 0")
            )
        return faults
    if driver == MinikubeDriver.QEMU2 and several:
        fault = "qemu2 has no network between machines; write driver: kvm2, or controlPlanes: 1, workers: 0"
        return [Fault("driver", fault)]
    if driver in IN_CONTAINERS and "disk_gb" in args:
        return [Fault("diskGb", f"is for virtual machines, and driver: {driver} makes containers; drop it")]
    return []


def _network_faults(args: MinikubeArgs) -> list[Fault]:
    pods = args.get("pod_cidr", minikube_config.POD_CIDR)
    services = args.get("service_cidr", minikube_config.SERVICE_CIDR)
    return network_faults(pods, services, args.get("control_planes", 1) + args.get("workers", 0), "kubeadm")
