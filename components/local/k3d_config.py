"""What k3d is told: pure functions from arguments to its configuration and to the names that it will give."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from components import versions
from components.local import plan
from components.local.node_containers import host_path

REPOSITORY = "rancher/k3s"

K3S_VERSIONS = {
    "1.37": "v1.37.2+k3s1",
    "1.36": "v1.36.1+k3s1",
    "1.35": "v1.35.6+k3s1",
}
"""Which release of k3s a minor is: https://github.com/k3s-io/k3s/releases. A patch is asked for as such."""

POD_CIDR = "10.42.0.0/16"
SERVICE_CIDR = "10.43.0.0/16"
"""k3s' own: https://docs.k3s.io/cli/server#networking."""

CLAIM = "slipway.claim"
"""The label of every container that tells which claim had it made."""

MADE_FROM = "slipway.made-from"
"""The label of every container that tells from which arguments: half-made nodes of other ones differ in it."""


def image(version: str, node_image: str | None = None) -> str:
    """The image of the nodes: `node_image`, else k3s' own release of a Kubernetes version.

    A tag has `-` where the version has `+`.
    """
    minor = versions.minor_of(version)
    release = f"v{version.removeprefix('v')}+k3s1" if versions.is_patch(version) else K3S_VERSIONS.get(minor, "")
    return node_image or f"{REPOSITORY}:{release.replace('+', '-')}"


def render(args: Mapping[str, Any], *, name: str, claim: str, cgroup_v1: bool) -> str:
    """The configuration (k3d.io/v1alpha5) of the cluster that `args` ask for.

    Args:
        args: The arguments of `K3dArgs`, in snake_case.
        name: Name of the cluster.
        claim: What tells whose its containers are.
        cgroup_v1: Whether the engine runs on cgroup v1, which a kubelet refuses unless told otherwise.
    """
    servers, nodes = ["server:*"], ["server:*", "agent:*"]
    arguments = [
        f"--cluster-cidr={args.get('pod_cidr', POD_CIDR)}",
        f"--service-cidr={args.get('service_cidr', SERVICE_CIDR)}",
        *(("--flannel-backend=none", "--disable-network-policy") if args.get("cni") == "none" else ()),
    ]
    extra = [{"arg": argument, "nodeFilters": servers} for argument in arguments]
    extra += [{"arg": argument, "nodeFilters": nodes} for argument in kubelet_arguments(cgroup_v1=cgroup_v1)]
    labels = {CLAIM: claim, MADE_FROM: plan.digest(args)}
    config: dict[str, Any] = {
        "apiVersion": "k3d.io/v1alpha5",
        "kind": "Simple",
        "metadata": {"name": name},
        "servers": args["control_planes"],
        "agents": args["workers"],
        "image": image(args["version"], args.get("node_image")),
        "kubeAPI": {"host": "127.0.0.1", "hostIP": "127.0.0.1"},
        "volumes": [
            {
                "volume": f"{host_path(mount)}:{mount['container_path']}{':ro' if mount.get('read_only') else ''}",
                "nodeFilters": nodes,
            }
            for mount in args.get("extra_mounts", [])
        ],
        "ports": [
            # Of control planes alone, where NodePorts and k3s' own load balancer answer too: k3d never takes a worker
            # that is removed out of the load balancer, whose nginx then does not start again.
            {"port": _port(mapping), "nodeFilters": ["server:*:proxy"]}
            for mapping in args.get("port_mappings", [])
        ],
        "options": {
            "k3d": {"wait": True, "timeout": "10m"},  # by itself it waits for ever
            "k3s": {"extraArgs": extra},
            # The user's own kubeconfig is not touched.
            "kubeconfig": {"updateDefaultKubeconfig": False, "switchCurrentContext": False},
            "runtime": {
                "labels": [{"label": f"{key}={value}", "nodeFilters": ["all"]} for key, value in labels.items()]
            },
        },
    }
    if "api_port" in args:
        config["kubeAPI"]["hostPort"] = str(args["api_port"])
    if args.get("registry_mirrors"):
        mirrors = {registry: {"endpoint": urls} for registry, urls in args["registry_mirrors"].items()}
        config["registries"] = {"config": yaml.safe_dump({"mirrors": mirrors}, sort_keys=False)}
    return yaml.dump(config, Dumper=_Dumper, sort_keys=False)


def kubelet_arguments(*, cgroup_v1: bool) -> list[str]:
    """What k3s is told for the kubelet of each node, by the engine's version of cgroups."""
    return ["--kubelet-arg=fail-cgroupv1=false"] if cgroup_v1 else []


def servers(name: str, count: int) -> list[str]:
    """The containers of the control planes, which are Kubernetes' names of them too."""
    return [f"k3d-{name}-server-{index}" for index in range(count)]


def load_balancer(name: str) -> str:
    """The container through which the API and published ports are reached."""
    return f"k3d-{name}-serverlb"


def network(name: str) -> str:
    """The network that k3d makes for a cluster."""
    return f"k3d-{name}"


def image_volume(name: str) -> str:
    """The volume through which `k3d image import` works."""
    return f"k3d-{name}-images"


def names_of_agent(name: str, number: int) -> tuple[str, str]:
    """What a worker is called: one that was made with the cluster, and one that was added to it.

    k3d numbers those that it adds in one command, and Slipway has it add one at a time.
    """
    return f"k3d-{name}-agent-{number}", f"k3d-{name}-agent-{number}-0"


def agents(name: str, containers: Iterable[str]) -> dict[int, str]:
    """Those of `containers` that are workers, by their numbers."""
    pattern = re.compile(rf"k3d-{re.escape(name)}-agent-(\d+)(-0)?")
    found = ((pattern.fullmatch(container), container) for container in containers)
    return {int(match[1]): container for match, container in found if match}


def _port(mapping: Mapping[str, Any]) -> str:
    address, protocol = mapping.get("listen_address", "127.0.0.1"), mapping.get("protocol", "TCP").lower()
    host = f"[{address}]" if ":" in address else address
    return f"{host}:{mapping['host_port']}:{mapping['container_port']}/{protocol}"


_FOR_GOOD = "is written into the control plane when it starts"
FIXED = {
    "claim": "is what tells its nodes from other people's",
    "name": "is part of every node's name",
    "control_planes": "k3s keeps the data of one control plane in a file, and of several in an etcd",
    "version": "k3d does not upgrade a running cluster",
    "node_image": "a node's image is chosen when its container is made",
    "pod_cidr": _FOR_GOOD,
    "service_cidr": _FOR_GOOD,
    "cni": _FOR_GOOD,
    "registry_mirrors": "is written into each node before it starts",
    "api_port": "a container's ports are published when it is made",
    "port_mappings": "a container's ports are published when it is made",
    "extra_mounts": "a container's mounts are fixed when it is made",
}
"""What cannot change in place, and why."""


class _Dumper(yaml.SafeDumper):
    """Writes what nodes share in full, without YAML's anchors: it is read by people too."""

    def ignore_aliases(self, data: Any) -> bool:
        return True
