"""The containers of a k3d cluster, and what is done inside of them through the engine and their own kubectl."""

from collections.abc import Sequence
from dataclasses import dataclass

from components import progress
from components.local import k3d_config
from components.local.container_engine import Engine, EngineError

CLUSTER_LABEL = "k3d.cluster"
ROLE_LABEL = "k3d.role"
"""https://github.com/k3d-io/k3d/blob/v5.9.0/pkg/types/types.go."""

ROLES = ("server", "agent", "loadbalancer")
"""Of nodes; k3d has containers of other roles too, for as long as it works."""

_COMPLETE = "/var/lib/rancher/k3s/slipway-complete"


@dataclass(frozen=True)
class Node:
    """A container that k3d made as a node, or as the load balancer before the control planes."""

    container: str
    role: str
    """`server`, `agent` or `loadbalancer`."""

    status: str
    """The engine's word: `running`, `exited`, `created`, …"""

    claim: str | None
    """Whose it is; none where Slipway did not have it made."""

    made_from: str | None
    """From which arguments: `plan.digest` of them."""


def nodes(engine: Engine, name: str) -> list[Node]:
    """The nodes of a cluster of that name, whoever made it, by name."""
    found = []
    for container in engine.inspected(f"{CLUSTER_LABEL}={name}"):
        labels = container["Config"]["Labels"]
        if (role := labels.get(ROLE_LABEL, "")) in ROLES:
            found.append(
                Node(
                    container=container["Name"].removeprefix("/"),
                    role=role,
                    status=container["State"]["Status"],
                    claim=labels.get(k3d_config.CLAIM),
                    made_from=labels.get(k3d_config.MADE_FROM),
                )
            )
    return sorted(found, key=lambda node: node.container)


def are_of(claim: str, found: Sequence[Node]) -> bool:
    """Whether `found` are the nodes of a cluster of that claim; a worker that its user added by hand is one of them."""
    return any(node.claim == claim for node in found) and all(
        node.claim == claim or node.role == "agent" for node in found
    )


def mark_complete(engine: Engine, name: str) -> str:
    """Remember in the cluster itself that k3d has finished it: a run that is killed from here on may be adopted.

    Returns:
        The cluster's version, as `version` tells it.
    """
    engine.run("exec", _first(name), "touch", _COMPLETE)
    return version(engine, name)


def is_complete(engine: Engine, name: str) -> bool:
    """Whether k3d has finished the cluster, in this run or in one that was killed afterwards."""
    try:
        engine.run("exec", _first(name), "test", "-e", _COMPLETE)
    except EngineError:
        return False
    return True


def version(engine: Engine, name: str) -> str:
    """The version of the cluster, e.g. `v1.37.2+k3s1`: what its k3s says of itself."""
    # k3s version v1.37.2+k3s1 (0123abcd)
    return engine.run("exec", _first(name), "k3s", "--version").split()[2]


def leave(engine: Engine, name: str, node: str) -> None:
    """Have a worker's pods move elsewhere, where they can, and Kubernetes forget it, unless it has already."""
    if engine.run("exec", _first(name), "kubectl", "get", "node", node, "--ignore-not-found", "--output=name"):
        progress.status(f"draining {node}")
        words = ("--ignore-daemonsets", "--delete-emptydir-data", "--force", "--disable-eviction", "--timeout=60s")
        engine.run("exec", _first(name), "kubectl", "drain", node, *words)
        forget(engine, name, node)


def forget(engine: Engine, name: str, *nodes: str) -> None:
    """Have Kubernetes forget nodes; none being there is fine."""
    engine.run("exec", _first(name), "kubectl", "delete", "node", *nodes, "--ignore-not-found")


def _first(name: str) -> str:
    return k3d_config.servers(name, 1)[0]
