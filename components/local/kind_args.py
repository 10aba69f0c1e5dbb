"""What a stack says about a kind cluster, and the rules it must keep. Pure: no engine is asked."""

import re
from pathlib import PurePosixPath
from typing import NotRequired

from typing_extensions import TypedDict

from components import versions
from components.cluster import ClusterArgs
from components.local import kind_config
from components.local.node_containers import (
    Cni,
    Mount,
    PortMapping,
    image_faults,
    mirror_faults,
    mount_faults,
    network_faults,
    port_faults,
)
from components.nodes import Taint, count_faults, gate_faults, label_faults, taint_faults
from components.spec import Fault

LONGEST_NAME = 40
"""The longest container is NAME-external-load-balancer, and a host name has 63 letters at most."""

MOST_CONTROL_PLANES = 5


class NodeLabels(TypedDict):
    """Labels by role."""

    control_planes: NotRequired[dict[str, str]]
    """Labels of every control plane."""

    workers: NotRequired[dict[str, str]]
    """Labels of every worker."""


class NodeTaints(TypedDict):
    """Taints by role."""

    control_planes: NotRequired[list[Taint]]
    """Taints of every control plane, beside kubeadm's own."""

    workers: NotRequired[list[Taint]]
    """Taints of every worker."""


class KindArgs(ClusterArgs):
    """A cluster of containers on this machine."""

    control_planes: NotRequired[int]
    """How many control planes: 1, 3 or 5. Default: 1."""

    workers: NotRequired[int]
    """How many workers. Default: 0; the control plane then runs pods too."""

    node_image: NotRequired[str]
    """Image of the nodes. Default: the one published for kind and this version, by its digest."""

    pod_cidr: NotRequired[str]
    """Addresses of pods. Default: 10.244.0.0/16."""

    service_cidr: NotRequired[str]
    """Addresses of Services. Default: 10.96.0.0/16."""

    cni: NotRequired[Cni]
    """Whether kind installs its pod network; with `none`, nodes are Ready once you install one. Default: default."""

    api_port: NotRequired[int]
    """Port of the API on 127.0.0.1. Default: a free one."""

    port_mappings: NotRequired[list[PortMapping]]
    """Ports published on this machine."""

    extra_mounts: NotRequired[list[Mount]]
    """Folders of this machine that every node sees."""

    feature_gates: NotRequired[dict[str, bool]]
    """Kubernetes feature gates, for all components."""

    registry_mirrors: NotRequired[dict[str, list[str]]]
    """Where nodes pull from first: registry → URLs, e.g. `docker.io: ["https://mirror.example.org"]`."""

    labels: NotRequired[NodeLabels]
    """Labels of nodes."""

    taints: NotRequired[NodeTaints]
    """Taints of nodes."""


def faults_of(args: KindArgs) -> list[Fault]:
    """What is wrong with `args`, as far as it can be known without asking anybody."""
    version_faults = versions.syntax_faults(args["version"])
    return [
        *version_faults,
        *_name_faults(args.get("name")),
        *count_faults(args.get("control_planes", 1), args.get("workers", 0), MOST_CONTROL_PLANES),
        *_network_faults(args),
        *([] if version_faults else _image_faults(args)),
        *port_faults(args),
        *mount_faults(args.get("extra_mounts", []), PurePosixPath(kind_config.MARK)),
        *gate_faults(args.get("feature_gates", {})),
        *mirror_faults(args.get("registry_mirrors", {})),
        *_label_and_taint_faults(args),
    ]


def _name_faults(name: str | None) -> list[Fault]:
    if name is None:
        return []
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", name):
        return [Fault("name", f"{name!r} cannot name a container; use small letters, digits and hyphens inside")]
    if len(name) > LONGEST_NAME:
        return [Fault("name", f"{name!r} has {len(name)} letters; {LONGEST_NAME} at most, or host names grow too long")]
    return []


def _network_faults(args: KindArgs) -> list[Fault]:
    pods, services = args.get("pod_cidr", kind_config.POD_CIDR), args.get("service_cidr", kind_config.SERVICE_CIDR)
    return network_faults(pods, services, args.get("control_planes", 1) + args.get("workers", 0), "kubeadm")


def _image_faults(args: KindArgs) -> list[Fault]:
    if "node_image" not in args:
        return []
    return image_faults(args["node_image"], args["version"], r"(v\d+\.\d+\.\d+)", "kindest/node:v1.37.0")


def _label_and_taint_faults(args: KindArgs) -> list[Fault]:
    labels, taints = args.get("labels", {}), args.get("taints", {})
    faults = [
        *label_faults("labels.controlPlanes", labels.get("control_planes", {})),
        *label_faults("labels.workers", labels.get("workers", {})),
        *taint_faults("taints.controlPlanes", taints.get("control_planes", [])),
        *taint_faults("taints.workers", taints.get("workers", [])),
    ]
    if args.get("workers", 0) == 0:
        faults += [
            Fault(key, "is for workers, and there are none; write workers: 1 or more, or drop it")
            for key, given in (("labels.workers", labels.get("workers")), ("taints.workers", taints.get("workers")))
            if given
        ]
    return faults
