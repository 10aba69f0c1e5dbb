"""What a stack says about a k3d cluster, and the rules it must keep. Pure: no engine is asked."""

import re
from collections.abc import Iterable
from ipaddress import IPv4Network
from typing import NotRequired

from components import versions
from components.cluster import ClusterArgs
from components.local import k3d_config
from components.local.node_containers import (
    IMAGE,
    Cni,
    Mount,
    PortMapping,
    mirror_faults,
    mount_faults,
    port_faults,
)
from components.network import cidr_faults, size_faults
from components.nodes import count_faults
from components.spec import Fault

LONGEST_NAME = 32
"""k3d takes no longer one: `DefaultClusterNameMaxLength` in its pkg/types/defaults.go."""

MOST_CONTROL_PLANES = 5

NODE_POD_PREFIX = 24
"""A node's share of the pods' addresses, which k3s leaves at Kubernetes' default."""

POD_PREFIXES = (NODE_POD_PREFIX - 16, NODE_POD_PREFIX)
SERVICE_PREFIXES = (12, 28)


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
    pods = args.get("pod_cidr", k3d_config.POD_CIDR)
    services = args.get("service_cidr", k3d_config.SERVICE_CIDR)
    if faults := cidr_faults({"podCidr": pods, "serviceCidr": services}):
        return faults
    sizes = [
        *size_faults("podCidr", pods, POD_PREFIXES, "k3s"),
        *size_faults("serviceCidr", services, SERVICE_PREFIXES, "k3s"),
    ]
    if sizes:
        return sizes
    room = 1 << (NODE_POD_PREFIX - IPv4Network(pods).prefixlen)
    wanted = args.get("control_planes", 1) + args.get("workers", 0)
    if wanted > room:
        return [Fault("podCidr", f"{pods} has room for {room} nodes, and {wanted} are asked for; write fewer workers")]
    return []


def _image_faults(args: K3dArgs) -> list[Fault]:
    image = args.get("node_image")
    if image is None:
        return []
    reference = IMAGE.fullmatch(image)
    if reference is None:
        fault = f"{image!r} names no image; write it like rancher/k3s:v1.37.2-k3s1, or drop nodeImage"
        return [Fault("nodeImage", fault)]
    tagged = re.fullmatch(r"(v\d+\.\d+\.\d+)-k3s\d+", reference["tag"] or "")
    if tagged and not versions.same(args["version"], tagged[1]):
        return [
            Fault(
                "nodeImage",
                f"{image} runs Kubernetes {tagged[1]}, and version asks for {args['version']}; "
                f'write version: "{versions.minor_of(tagged[1])}", or drop nodeImage',
            )
        ]
    return []


def _mount_faults(mounts: Iterable[Mount]) -> list[Fault]:
    """k3d replaces variables of the environment in all that it is told, and knows no way to write a `$`."""
    mounts = list(mounts)
    return mount_faults(mounts) + [
        Fault(f"extraMounts[{index}]", "holds a `$`, which k3d takes for a variable; choose a path without")
        for index, mount in enumerate(mounts)
        if "$" in mount["host_path"] + mount["container_path"]
    ]
