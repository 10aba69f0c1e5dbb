"""kind: Kubernetes in containers on this machine, for development and tests.

Makes the nodes' containers through the real `kind` program, in the container engine that answers. Leaves alone: the
user's kubeconfig, clusters of other makers, images once pulled, and kind's network when others use it.

A cluster's shape is fixed by kind: only labels, taints and registry mirrors change in place, and stopped nodes are
started; everything else makes the cluster anew, which a preview shows with its reason.
"""

import re
from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from typing import NotRequired

import pulumi
from pulumi import dynamic
from typing_extensions import TypedDict

from components import versions
from components.cluster import Cluster, ClusterArgs
from components.local import kind_config
from components.local.kind_provider import ClaimProvider, ClusterProvider
from components.network import cidr_faults
from components.nodes import Taint
from components.spec import Fault

LONGEST_NAME = 40
"""The longest container is NAME-external-load-balancer, and a host name has 63 letters at most."""


class Cni(StrEnum):
    """Whether kind installs its pod network."""

    DEFAULT = "default"
    NONE = "none"


class Protocol(StrEnum):
    """What a published port carries."""

    TCP = "TCP"
    UDP = "UDP"
    SCTP = "SCTP"


class PortMapping(TypedDict):
    """A port of the first control plane's container, published on this machine. NodePorts answer there."""

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


class KindCluster(Cluster):
    """A kind cluster on this machine."""

    def __init__(self, name: str, args: KindArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        name = args.get("name", name)
        protect = args.get("deletion_protection", False)

        claim = _Claim(ClaimProvider(), f"{name}-claim", {"name": name}, pulumi.ResourceOptions(parent=self))
        cluster = _Nodes(
            ClusterProvider(),
            f"{name}-nodes",
            {**_inputs(args), "name": name, "claim": claim.id},
            pulumi.ResourceOptions(
                parent=self,
                protect=protect,
                additional_secret_outputs=["kubeconfig"],
                custom_timeouts=pulumi.CustomTimeouts(create="15m", update="15m", delete="5m"),
            ),
        )

        self.finish(
            name=name,
            kubeconfig=cluster.kubeconfig,
            endpoint=cluster.endpoint,
            ca_certificate=cluster.ca_certificate,
            kubernetes_version=cluster.kubernetes_version,
            pod_cidr=args.get("pod_cidr", kind_config.POD_CIDR),
            service_cidr=args.get("service_cidr", kind_config.SERVICE_CIDR),
            capabilities=CAPABILITIES,
        )

    @staticmethod
    def check(args: KindArgs) -> list[Fault]:
        """What is wrong with `args`, as far as it can be known without asking anybody."""
        return [
            *versions.syntax_faults(args["version"]),
            *_name_faults(args.get("name")),
            *_count_faults(args),
            *cidr_faults(
                {
                    "podCidr": args.get("pod_cidr", kind_config.POD_CIDR),
                    "serviceCidr": args.get("service_cidr", kind_config.SERVICE_CIDR),
                }
            ),
            *_port_faults(args),
            *_mirror_faults(args.get("registry_mirrors", {})),
        ]


CAPABILITIES = {
    "autoscaling": "lacking",
    "highly available control plane": "native",
    "in-place upgrade": "lacking",
    "load balancer": "lacking",
    "persistent volumes": "native",
    "private API": "native",
}


class _Claim(dynamic.Resource, module="slipway", name="KindClaim"):
    pass


class _Nodes(dynamic.Resource, module="slipway", name="KindNodes"):
    kubeconfig: pulumi.Output[str]
    endpoint: pulumi.Output[str]
    ca_certificate: pulumi.Output[str]
    kubernetes_version: pulumi.Output[str]

    def __init__(
        self, provider: ClusterProvider, name: str, props: dict[str, object], opts: pulumi.ResourceOptions
    ) -> None:
        outputs = dict.fromkeys(("kubeconfig", "endpoint", "ca_certificate", "kubernetes_version", "nodes"))
        super().__init__(provider, name, {**props, **outputs}, opts)


def _inputs(args: KindArgs) -> dict[str, object]:
    inputs: dict[str, object] = {
        key: value for key, value in args.items() if key not in ("name", "deletion_protection")
    }
    # A program in another language sends every number as a float.
    return {
        **inputs,
        "control_planes": int(args.get("control_planes", 1)),
        "workers": int(args.get("workers", 0)),
    }


def _name_faults(name: str | None) -> list[Fault]:
    if name is None:
        return []
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", name):
        return [Fault("name", f"{name!r} cannot name a container; use small letters, digits and hyphens inside")]
    if len(name) > LONGEST_NAME:
        return [Fault("name", f"{name!r} has {len(name)} letters; {LONGEST_NAME} at most, or host names grow too long")]
    return []


def _count_faults(args: KindArgs) -> list[Fault]:
    faults = []
    control_planes, workers = args.get("control_planes", 1), args.get("workers", 0)
    if control_planes < 1 or control_planes % 2 == 0:
        odd = max(1, control_planes - 1), max(1, control_planes + 1)
        choice = f"{odd[0]} or {odd[1]}" if odd[0] != odd[1] else f"{odd[0]}"
        faults.append(
            Fault("controlPlanes", f"{control_planes} is no odd number, and etcd needs a majority; write {choice}")
        )
    if workers < 0:
        faults.append(Fault("workers", f"{workers} is less than none; write 0 or more"))
    return faults


def _port_faults(args: KindArgs) -> list[Fault]:
    faults = []
    ports: list[tuple[Protocol, int]] = []
    for index, mapping in enumerate(args.get("port_mappings", [])):
        key = f"portMappings[{index}]"
        for name, port in (("containerPort", mapping["container_port"]), ("hostPort", mapping["host_port"])):
            if not 1 <= port <= 65535:
                faults.append(Fault(f"{key}.{name}", f"{port} is no port; write one from 1 to 65535"))
        ports.append((mapping.get("protocol", Protocol.TCP), mapping["host_port"]))
    if "api_port" in args:
        ports.append((Protocol.TCP, args["api_port"]))
    for (protocol, port), count in Counter(ports).items():
        if count > 1:
            faults.append(
                Fault("portMappings", f"host port {port}/{protocol.value} is published {count} times; choose others")
            )
    return faults


def _mirror_faults(mirrors: Mapping[str, list[str]]) -> list[Fault]:
    return [
        Fault(f"registryMirrors.{registry}", f"{url!r} is no URL; write it with https:// or http://")
        for registry, urls in mirrors.items()
        for url in urls
        if not url.startswith(("https://", "http://"))
    ]
