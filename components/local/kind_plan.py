"""What a change of a kind cluster's arguments means: pure functions from the state and the stack file to a plan."""

from collections.abc import Mapping
from typing import Any

from components.local import kind_config, plan

IN_PLACE = ("labels", "taints", "registry_mirrors")
"""What a running cluster takes over without being made anew."""


def replacements(olds: Mapping[str, Any], news: Mapping[str, Any]) -> dict[str, str]:
    """The changes that make the cluster anew: key → the reason, for people."""
    reasons = plan.replacements(kind_config.FIXED, olds, news, chosen=("node_image", "api_port"))
    there = {node["name"] for node in olds.get("nodes", [])}
    whole = kind_config.containers(olds["name"], olds["control_planes"], olds["workers"])
    if gone := [name for name in whole if name not in there]:
        reasons["nodes"] = f"{', '.join(gone)} is gone, and {kind_config.FIXED['workers']}"
    return reasons


def updates(olds: Mapping[str, Any], news: Mapping[str, Any]) -> list[str]:
    """The changes that a running cluster takes over, and `nodes` when one was found stopped."""
    keys = [key for key in IN_PLACE if (olds.get(key) or {}) != (news.get(key) or {})]
    return [*keys, "nodes"] if stopped(olds) else keys


def stopped(olds: Mapping[str, Any]) -> list[str]:
    """The nodes that the last refresh found not running, control planes first: workers need them to start."""
    names = [node["name"] for node in olds.get("nodes", []) if node["status"] != "running"]
    return sorted(names, key=lambda name: ("-worker" in name, name))
