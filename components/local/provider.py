"""What the dynamic providers of development clusters have in common."""

import base64
import os
from collections.abc import Mapping, Sequence
from typing import Any

from pulumi import dynamic

from components import kubeconfig, progress
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


def change(
    name: str, replaced: Mapping[str, str], idle: Sequence[str], updated: Sequence[str], mend: str
) -> dynamic.DiffResult:
    """What a diff has found, with the reasons on the user's display.

    Args:
        name: Of the cluster.
        replaced: What makes it anew: key → the reason.
        idle: Nodes that the last refresh found not running.
        updated: The keys that change in place.
        mend: What happens to nodes that do not run.
    """
    for reason in replaced.values():
        progress.inform(f"{name} is replaced: {reason}")
    if not replaced and idle:
        progress.inform(f"{', '.join(idle)} {mend}")
    return dynamic.DiffResult(
        changes=bool(replaced or updated),
        replaces=list(replaced),
        delete_before_replace=True,  # the nodes of both would have the same names
    )


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
