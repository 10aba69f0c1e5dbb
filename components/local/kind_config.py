"""What kind is told: pure functions from arguments to its configuration and to the names that it will give."""

from collections.abc import Mapping
from typing import Any

import yaml

from components.local import plan
from components.local.node_containers import host_path

LOAD_BALANCER_IMAGE = "docker.io/envoyproxy/envoy:v1.36.2"
"""What kind 0.33 puts before several control planes (its pkg/cluster/internal/loadbalancer/const.go)."""

NODE_IMAGES = {
    "1.37": "kindest/node:v1.37.0@sha256:a1ed56cfb0e7b93589bdf97c8cd566405a265939e3620fc4f5de89adff580ae5",
    "1.36": "kindest/node:v1.36.4@sha256:099e049362a1526b2db71494e1947aae99bd16290d7c895f2b7ea312e3cbfaed",
    "1.35": "kindest/node:v1.35.8@sha256:07b2536e30b803ed61d1677a79df6115f798ce64c80f9e22f6ed45afd09323c0",
}
"""The node images built for kind 0.33, by minor: its release notes. kind asks for the digest, not the tag alone."""

OFFLINE_REPOSITORY = "slipway.local/kind-node"
"""Where the offline bundle puts its node image, one tag a Kubernetes version."""

POD_CIDR = "10.244.0.0/16"
SERVICE_CIDR = "10.96.0.0/16"

MARK = "/etc/slipway/claim"
"""Every node has an empty file mounted below this path; its name tells which claim made the node, and from what."""


def render(args: Mapping[str, Any], *, name: str, mark: str, cgroup_v1: bool) -> str:
    """The configuration (kind.x-k8s.io/v1alpha4) of the cluster that `args` ask for.

    Args:
        args: The arguments of `KindArgs`, in snake_case.
        name: Name of the cluster.
        mark: From `mark_of`: the path that says whose the nodes are.
        cgroup_v1: Whether the engine runs on cgroup v1, which a kubelet refuses unless told otherwise.
    """
    # An empty file that every machine with containers has; a real folder would have to be made and removed.
    mounts = [{"hostPath": "/dev/null", "containerPath": mark, "readOnly": True}]
    mounts += [
        {
            "hostPath": str(host_path(mount)),
            "containerPath": mount["container_path"],
            "readOnly": mount.get("read_only", False),
        }
        for mount in args.get("extra_mounts", [])
    ]
    control_planes = [{"role": "control-plane", "extraMounts": mounts} for _ in range(args["control_planes"])]
    workers = [{"role": "worker", "extraMounts": mounts} for _ in range(args["workers"])]
    if args.get("port_mappings"):
        control_planes[0]["extraPortMappings"] = [
            {
                "containerPort": mapping["container_port"],
                "hostPort": mapping["host_port"],
                "listenAddress": mapping.get("listen_address", "127.0.0.1"),
                "protocol": mapping.get("protocol", "TCP"),
            }
            for mapping in args["port_mappings"]
        ]
    config: dict[str, Any] = {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "name": name,
        "networking": {
            "apiServerAddress": "127.0.0.1",
            "podSubnet": args.get("pod_cidr", POD_CIDR),
            "serviceSubnet": args.get("service_cidr", SERVICE_CIDR),
            "disableDefaultCNI": args.get("cni") == "none",
        },
        "nodes": control_planes + workers,
    }
    if "api_port" in args:
        config["networking"]["apiServerPort"] = args["api_port"]
    if args.get("feature_gates"):
        config["featureGates"] = dict(args["feature_gates"])
    if cgroup_v1:
        kubelet = {"kind": "KubeletConfiguration", "failCgroupV1": False, "cgroupDriver": "cgroupfs"}
        config["kubeadmConfigPatches"] = [yaml.safe_dump(kubelet, sort_keys=False)]
    return yaml.dump(config, Dumper=_Dumper, sort_keys=False)


def mark_of(claim: str, args: Mapping[str, Any]) -> str:
    """The path that marks the nodes of `claim`, made from `args`: half-made nodes of other arguments differ in it."""
    return f"{MARK}/{claim}/{plan.digest(args)}"


def nodes(name: str, control_planes: int, workers: int) -> list[str]:
    """The nodes of such a cluster, as kind names their containers and Kubernetes its nodes."""
    return [
        f"{name}-{role}{number if number > 1 else ''}"
        for role, count in (("control-plane", control_planes), ("worker", workers))
        for number in range(1, count + 1)
    ]


def containers(name: str, control_planes: int, workers: int) -> list[str]:
    """All containers of such a cluster, sorted: its nodes, and a load balancer before several control planes."""
    load_balancer = [f"{name}-external-load-balancer"] if control_planes > 1 else []
    return sorted(nodes(name, control_planes, workers) + load_balancer)


def hosts_toml(registry: str, mirrors: list[str]) -> str:
    """Containerd's `hosts.toml` that sends pulls from `registry` to `mirrors` first, in their order."""
    server = "https://registry-1.docker.io" if registry == "docker.io" else f"https://{registry}"
    hosts = "".join(f'\n[host."{mirror}"]\n  capabilities = ["pull", "resolve"]\n' for mirror in mirrors)
    return f'server = "{server}"\n{hosts}'


_FOR_GOOD = "is written into the control plane when it starts"
FIXED = {
    "claim": "is what tells its nodes from other people's",
    "name": "is part of every node's name",
    "control_planes": "kind cannot add a node to a running cluster or take one away",
    "workers": "kind cannot add a node to a running cluster or take one away",
    "version": "kind does not upgrade a running cluster",
    "node_image": "a node's image is chosen when its container is made",
    "pod_cidr": _FOR_GOOD,
    "service_cidr": _FOR_GOOD,
    "cni": _FOR_GOOD,
    "feature_gates": _FOR_GOOD,
    "api_port": "a container's ports are published when it is made",
    "port_mappings": "a container's ports are published when it is made",
    "extra_mounts": "a container's mounts are fixed when it is made",
}
"""What cannot change in place, and why."""


class _Dumper(yaml.SafeDumper):
    """Writes what nodes share in full, without YAML's anchors: it is read by people too."""

    def ignore_aliases(self, data: Any) -> bool:
        return True
