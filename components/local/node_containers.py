"""What containers that are nodes run, publish on this machine, see of it, and pull from. Pure: no engine is asked."""

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from ipaddress import IPv4Network, ip_address
from itertools import combinations
from pathlib import Path, PurePosixPath
from typing import Any, NotRequired

from typing_extensions import TypedDict

from components import versions
from components.network import cidr_faults, size_faults
from components.spec import Fault

NODE_POD_PREFIX = 24
"""A node's share of the pods' addresses, which kubeadm and k3s leave at Kubernetes' default."""

POD_PREFIXES = (NODE_POD_PREFIX - 16, NODE_POD_PREFIX)
SERVICE_PREFIXES = (12, 28)


class Cni(StrEnum):
    """Whether the program that makes the cluster brings its pod network."""

    DEFAULT = "default"
    NONE = "none"


class Protocol(StrEnum):
    """What a published port carries."""

    TCP = "TCP"
    UDP = "UDP"
    SCTP = "SCTP"


class PortMapping(TypedDict):
    """A port of the nodes, published on this machine. NodePorts answer there."""

    container_port: int
    """Port in the node, e.g. the `nodePort` of a Service."""

    host_port: int
    """Port on this machine."""

    listen_address: NotRequired[str]
    """Address of this machine. Default: 127.0.0.1, so that nobody else reaches it."""

    protocol: NotRequired[Protocol]
    """Default: TCP."""


class Mount(TypedDict):
    """A folder or file of this machine, seen in every node."""

    host_path: str
    """Where it is on this machine; relative to the project, `~` is your home."""

    container_path: str
    """Where nodes see it."""

    read_only: NotRequired[bool]
    """Default: false."""


def host_path(mount: Mapping[str, Any]) -> Path:
    """Where what is mounted lies on this machine: from the current folder, which is the project's."""
    return Path(mount["host_path"]).expanduser().absolute()


def network_faults(pods: str, services: str, nodes: int, taker: str) -> list[Fault]:
    """Whether `taker` takes these networks, and every node finds addresses for its pods.

    The sizes are those that kubeadm takes: `cmd/kubeadm/app/apis/kubeadm/validation` of Kubernetes.
    """
    if faults := cidr_faults({"podCidr": pods, "serviceCidr": services}):
        return faults
    if faults := [
        *size_faults("podCidr", pods, POD_PREFIXES, taker),
        *size_faults("serviceCidr", services, SERVICE_PREFIXES, taker),
    ]:
        return faults
    if nodes > (room := 1 << (NODE_POD_PREFIX - IPv4Network(pods).prefixlen)):
        return [Fault("podCidr", f"{pods} has room for {room} nodes, and {nodes} are asked for; write fewer workers")]
    return []


def image_faults(image: str, version: str, tags: str, example: str) -> list[Fault]:
    """Whether `image` names one, of `version` as far as its tag tells.

    Args:
        image: What the stack says.
        version: Of Kubernetes, as the stack asks for it.
        tags: A regular expression: tags that tell a version, which is its first group.
        example: An image as the makers name it.
    """
    reference = IMAGE.fullmatch(image)
    if reference is None:
        return [Fault("nodeImage", f"{image!r} names no image; write it like {example}, or drop nodeImage")]
    tagged = re.fullmatch(tags, reference["tag"] or "")
    if tagged is None or versions.same(version, tagged[1]):
        return []
    message = f"{image} runs Kubernetes {tagged[1]}, and version asks for {version}; "
    fix = f'write version: "{versions.minor_of(tagged[1])}", or drop nodeImage'
    return [Fault("nodeImage", message + fix)]


def port_faults(args: Mapping[str, Any]) -> list[Fault]:
    """What is wrong with `port_mappings` and `api_port` of `args`: no such port or address, or one of them twice."""
    faults = []
    published: list[tuple[str, Protocol, int, str]] = []
    for index, mapping in enumerate(args.get("port_mappings", [])):
        key = f"portMappings[{index}]"
        faults += _range_faults({f"{key}.containerPort": mapping["container_port"]})
        faults += _range_faults({f"{key}.hostPort": mapping["host_port"]})
        address = mapping.get("listen_address", LOOPBACK)
        try:
            ip_address(address)
        except ValueError:
            faults.append(Fault(f"{key}.listenAddress", f"{address!r} is no address; write one like {LOOPBACK}"))
        published.append((f"{key}.hostPort", mapping.get("protocol", Protocol.TCP), mapping["host_port"], address))
    if "api_port" in args:
        faults += _range_faults({"apiPort": args["api_port"]})
        published.append(("apiPort", Protocol.TCP, args["api_port"], LOOPBACK))
    for (first, *socket, address), (second, *other_socket, other_address) in combinations(published, 2):
        if socket == other_socket and (address == other_address or _ANY & {address, other_address}):
            protocol, port = socket
            faults.append(Fault(second, f"{port}/{protocol} is published by {first} already; choose another"))
    return faults


def _range_faults(ports: Mapping[str, int]) -> list[Fault]:
    return [
        Fault(key, f"{port} is no port; write one from 1 to 65535")
        for key, port in ports.items()
        if not 1 <= port <= 65535
    ]


def mount_faults(mounts: Iterable[Mount], marked: PurePosixPath | None = None) -> list[Fault]:
    """What is wrong with `mounts`, where nothing may hide what is at `marked`."""
    faults, seen = [], set()
    for index, mount in enumerate(mounts):
        key, here, there = f"extraMounts[{index}]", mount["host_path"], mount["container_path"]
        if not here or ":" in here or not here.isprintable():
            faults.append(Fault(f"{key}.hostPath", f"{here!r} is no path that can be mounted; write one without `:`"))
        elif here.startswith("~") and not here.startswith("~/") and here != "~":
            faults.append(Fault(f"{key}.hostPath", f"{here!r} is somebody else's home; write ~/… or the whole path"))
        path = PurePosixPath(there)
        if not path.is_absolute() or ".." in path.parts or ":" in there or not there.isprintable() or there == "/":
            faults.append(Fault(f"{key}.containerPath", f"{there!r} is no place in a node; write a path like /data"))
        elif marked and (path.is_relative_to(marked) or marked.is_relative_to(path)):
            faults.append(Fault(f"{key}.containerPath", f"{there} would hide what marks the node; choose another"))
        elif path in seen:
            faults.append(Fault(f"{key}.containerPath", f"{there} is mounted twice; choose another"))
        seen.add(path)
    return faults


def mirror_faults(mirrors: Mapping[str, list[str]]) -> list[Fault]:
    """Both end up in a node's files: the registry as the name of a folder, a URL between quotes."""
    faults = []
    for registry, urls in mirrors.items():
        if not _REGISTRY.fullmatch(registry):
            faults.append(Fault("registryMirrors", f"{registry!r} is no registry; write its host, like docker.io"))
            continue
        key = f"registryMirrors.{registry}"
        for index, url in enumerate(urls):
            if "@" in url:
                message = "holds a credential, which would lie open in this file and the state; use a mirror without"
            elif not _URL.fullmatch(url):
                message = f"{url!r} is no URL of a mirror; write it like https://mirror.example.org"
            elif url in urls[:index]:
                message = f"{url} stands there twice; once is enough"
            else:
                continue
            faults.append(Fault(key, message))
    return faults


LOOPBACK = "127.0.0.1"
_ANY = {"0.0.0.0", "::"}  # noqa: S104 - what a stack may say, not what is listened on
_REGISTRY = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?")
_URL = re.compile(r"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/[A-Za-z0-9._~%/-]*)?")

# https://github.com/distribution/reference/blob/main/reference.go
IMAGE = re.compile(
    r"([a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?/)?"
    r"[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*(/[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*)*"
    r"(:(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(@sha256:[0-9a-f]{64})?"
)
