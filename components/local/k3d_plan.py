"""What a change of a k3d cluster's arguments means: pure functions from the state and the stack file to a plan."""

from collections.abc import Mapping
from typing import Any

from components.local import k3d_config, plan


def replacements(olds: Mapping[str, Any], news: Mapping[str, Any]) -> dict[str, str]:
    """The changes that make the cluster anew: key → the reason, for people."""
    reasons = plan.replacements(k3d_config.FIXED, olds, news, chosen=("node_image", "api_port"))
    there = {node["name"] for node in olds.get("nodes", [])}
    name = olds["name"]
    fixed = [*k3d_config.servers(name, olds["control_planes"]), k3d_config.load_balancer(name)]
    if gone := [container for container in fixed if container not in there]:
        reasons["nodes"] = f"{', '.join(gone)} is gone, and k3d cannot make that one again alone"
    return reasons


def updates(olds: Mapping[str, Any], news: Mapping[str, Any]) -> list[str]:
    """The changes that a running cluster takes over: `workers`, and `nodes` when one was found stopped or gone."""
    keys = ["workers"] if olds["workers"] != news["workers"] else []
    lost = bool(missing(olds, olds["workers"])) and "workers" not in keys
    return [*keys, "nodes"] if stopped(olds) or lost else keys


def stopped(olds: Mapping[str, Any]) -> list[str]:
    """The nodes that the last refresh found not running."""
    return sorted(node["name"] for node in olds.get("nodes", []) if node["status"] != "running")


def missing(olds: Mapping[str, Any], workers: int) -> list[int]:
    """The numbers of the workers that such a cluster is to have and that the last refresh did not find."""
    there = k3d_config.agents(olds["name"], (node["name"] for node in olds.get("nodes", [])))
    return [index for index in range(workers) if index not in there]


def surplus(name: str, containers: list[str], workers: int) -> list[str]:
    """Those of `containers` that are workers beyond the first `workers`, the last one first."""
    numbered = sorted(k3d_config.agents(name, containers).items(), reverse=True)
    return [container for index, container in numbered if index >= workers]
