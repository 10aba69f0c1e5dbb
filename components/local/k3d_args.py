"""What a stack says about a k3d cluster, and the rules it must keep. Pure: no engine is asked."""

import re
from collections.abc import Iterable
from typing import NotRequired

from components import versions
from components.cluster import ClusterArgs
from components.local import k3d_config
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
from components.nodes import count_faults
from components.spec import Fault

LONGEST_NAME = 32
"""k3d takes no longer one: `DefaultClusterNameMaxLength` in its pkg/types/defaults.go."""

MOST_CONTROL_PLANES = 5


class K3dArgs(ClusterArgs):
    """A cluster of k3s in containers on this machine."""

    control_planes: NotRequired[int]
    """How many control planes: 1, 3 or 5. Default: 1. They run pods too."""

    workers: NotRequired[int]
    """How many workers. Default: 0."""

    node_image: NotRequired[str]
    """Image of the nodes. Default: the release of k3s for this version, e.g. `rancher/k3s:v1.37.2-k3s1`."""

    pod_cidr: NotRequired[str]
    """Addresses of pods. Default: 10.42.0.0/16."""

    service_cidr: NotRequired[str]
    """Addresses of Services. Default: 10.43.0.0/16."""

    cni: NotRequired[Cni]
    """Whether k3s brings its pod network; with `none`, nodes are Ready once you install one. Default: default."""

    api_port: NotRequired[int]
    """Port of the API on 127.0.0.1. Default: a free one."""

    port_mappings: NotRequired[list[PortMapping]]
    """Ports published on this machine: of a NodePort, or 80 and 443 of k3s' own ingress."""

    extra_mounts: NotRequired[list[Mount]]
    """Folders of this machine that every node sees."""

    registry_mirrors: NotRequired[dict[str, list[str]]]
    """Where nodes pull from first: registry → URLs, e.g. `docker.io: ["https://mirror.example.org"]`."""


def faults_of(args: K3dArgs) -> list[Fault]:
    """What is wrong with `args`, as far as it can be known without asking anybody."""
    version_faults = versions.syntax_faults(args["version"])
    return [
        *version_faults,
        *_name_faults(args.get("name")),
        *count_faults(args.get("control_planes", 1), args.get("workers", 0), MOST_CONTROL_PLANES),
        *_network_faults(args),
        *([] if version_faults else _image_faults(args)),
        *port_faults(args),
        *_mount_faults(args.get("extra_mounts", [])),
        *mirror_faults(args.get("registry_mirrors", {})),
    ]


def _name_faults(name: str | None) -> list[Fault]:
    if name is None:
        return []
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", name):
        return [Fault("name", f"{name!r} cannot name a container; use small letters, digits and hyphens inside")]
    if len(name) > LONGEST_NAME:
        return [Fault("name", f"{name!r} has {len(name)} letters, and k3d takes {LONGEST_NAME} at most; shorten it")]
    return []


def _network_faults(args: K3dArgs) -> list[Fault]:
    pods, services = args.get("pod_cidr", k3d_config.POD_CIDR), args.get("service_cidr", k3d_config.SERVICE_CIDR)
    return network_faults(pods, services, args.get("control_planes", 1) + args.get("workers", 0), "k3s")


def _image_faults(args: K3dArgs) -> list[Fault]:
    if "node_image" not in args:
        return []
    return image_faults(args["node_image"], args["version"], r"(v\d+\.\d+\.\d+)-k3s\d+", "rancher/k3s:v1.37.2-k3s1")


def _mount_faults(mounts: Iterable[Mount]) -> list[Fault]:
    """k3d replaces variables of the environment in all that it is told, and knows no way to write a `$`."""
    mounts = list(mounts)
    return mount_faults(mounts) + [
        Fault(f"extraMounts[{index}]", "holds a `$`, which k3d takes for a variable; choose a path without")
        for index, mount in enumerate(mounts)
        if "$" in mount["host_path"] + mount["container_path"]
    ]
