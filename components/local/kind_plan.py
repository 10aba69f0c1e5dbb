"""What a change of a kind cluster's arguments means: pure functions from the state and the stack file to a plan."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import yaml

from components import versions
from components.declared import camel
from components.local import kind_config
from components.spec import Fault

IN_PLACE = ("labels", "taints", "registry_mirrors")
"""What a running cluster takes over without being made anew."""


def replacements(olds: Mapping[str, Any], news: Mapping[str, Any]) -> dict[str, str]:
    """The changes that make the cluster anew: key → the reason, for people."""
    reasons = {}
    for key, why in kind_config.FIXED.items():
        old, new = olds.get(key), news.get(key)
        if old == new or (key == "version" and versions.same(news["version"], olds["kubernetes_version"])):
            continue
        # Absent means "as Slipway chooses", and it has chosen: what runs stays.
        if key in ("node_image", "api_port") and new is None:
            continue
        reasons[key] = f"{camel(key)} {_shown(old)} → {_shown(new)}, and {why}"
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


def faults_of_versions(olds: Mapping[str, Any], news: Mapping[str, Any], today: date) -> list[Fault]:
    """Whether the wanted version is one to start with: a cluster that runs it already may keep it."""
    if olds and versions.minor_of(olds["version"]) == versions.minor_of(news["version"]):
        return []
    fault = versions.support_fault(news["version"], today)
    return [fault] if fault else []


def _shown(value: Any) -> str:
    """A value as the stack file writes it, in one line."""
    if value is None:
        return "unset"
    text = yaml.safe_dump(
        _camel(value), default_flow_style=True, sort_keys=False, allow_unicode=True, width=float("inf")
    )
    return text.removesuffix("...\n").strip()  # which ends a document that is text or a number alone


def _camel(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {camel(key): _camel(inner) for key, inner in value.items()}
    return list(map(_camel, value)) if isinstance(value, list) else value
