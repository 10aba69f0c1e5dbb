"""What a change of a minikube cluster's arguments means: pure functions from the state and the stack file to a plan."""

from collections.abc import Mapping
from typing import Any

from components import versions
from components.local import minikube_config, plan

_ALONE = "nodes of one cluster need a network that a cluster of one node was not given"


def replacements(olds: Mapping[str, Any], news: Mapping[str, Any]) -> dict[str, str]:
    """The changes that make the cluster anew: key → the reason, for people."""
    reasons = plan.replacements(minikube_config.FIXED, olds, news)
    running, wanted = olds["kubernetes_version"], news["version"]
    if not versions.same(wanted, running) and _cannot_follow(running, wanted):
        reasons["version"] = f"version {running} → {wanted}, and minikube upgrades to the next minor only, never back"
    if olds["control_planes"] + olds["workers"] == 1 and news["workers"] > 0:
        reasons["workers"] = f"workers 0 → {news['workers']}, and {_ALONE}"
    return reasons


def updates(olds: Mapping[str, Any], news: Mapping[str, Any]) -> list[str]:
    """The changes that a running cluster takes over: `version`, `workers`, and `nodes` when one was found stopped."""
    keys = [] if versions.same(news["version"], olds["kubernetes_version"]) else ["version"]
    keys += ["workers"] if olds["workers"] != news["workers"] else []
    return [*keys, "nodes"] if stopped(olds) else keys


def stopped(olds: Mapping[str, Any]) -> list[str]:
    """The nodes that the last refresh found not running."""
    return [node["name"] for node in olds.get("nodes", []) if node["status"] != "Running"]


def _cannot_follow(running: str, wanted: str) -> bool:
    """Whether `wanted` is an older version than `running`, or more than one minor newer."""
    if versions.upgrade_fault(running, wanted):
        return True
    return versions.is_patch(wanted) and _numbers(wanted) < _numbers(running)


def _numbers(version: str) -> tuple[int, ...]:
    return versions.numbers(version.removeprefix("v"))
