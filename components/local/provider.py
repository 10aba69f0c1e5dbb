"""What the dynamic providers of development clusters have in common."""

import base64
import os
from typing import Any

from pulumi import dynamic

from components import kubeconfig
from components.local.node_containers import host_path
from components.spec import Fault

Properties = dict[str, Any]


def whole(value: Any) -> Any:
    """`value` with whole numbers as such: between processes every number travels as a float."""
    if isinstance(value, dict):
        return {key: whole(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return list(map(whole, value))
    return int(value) if isinstance(value, float) and value.is_integer() else value


def outputs(config: str, version: str, nodes: list[dict[str, str]]) -> Properties:
    """What a cluster tells: how it is reached, what it runs, and its nodes with their statuses."""
    cluster = kubeconfig.cluster_of(config)
    return {
        "kubeconfig": config,
        "endpoint": cluster["server"],
        "ca_certificate": base64.b64decode(cluster["certificate-authority-data"]).decode(),
        "kubernetes_version": version,
        "nodes": nodes,
    }


def failure(error: Exception) -> dynamic.CheckFailure:
    """A failure of the whole resource: the message itself names the key, as the stack file writes it."""
    return dynamic.CheckFailure("", str(error))


def faults_of_mounts(props: Properties) -> list[Fault]:
    """Which of the folders that nodes are to see are not there."""
    if os.environ.get("DOCKER_HOST", "").startswith(("ssh:", "tcp:")):
        return []  # they lie on the engine's machine
    paths = map(host_path, props.get("extra_mounts", []))
    return [
        Fault(
            f"extraMounts[{i}].hostPath", f"{path} is not there; make it, or the engine makes an empty folder of root's"
        )
        for i, path in enumerate(paths)
        if not path.exists()
    ]
