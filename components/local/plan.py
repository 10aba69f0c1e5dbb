"""What a change of a development cluster's arguments means: what its targets have in common, as pure functions."""

import hashlib
import json
from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

import yaml

from components import versions
from components.declared import camel
from components.spec import Fault


def replacements(
    fixed: Mapping[str, str], olds: Mapping[str, Any], news: Mapping[str, Any], chosen: Collection[str] = ()
) -> dict[str, str]:
    """The changes that make a cluster anew: key → the reason, for people.

    Args:
        fixed: What cannot change in place, and why.
        olds: The state.
        news: What the stack says.
        chosen: Keys whose absence means "as Slipway chooses": it has chosen, and what runs stays.
    """
    reasons = {}
    for key, why in fixed.items():
        old, new = olds.get(key), news.get(key)
        if old == new or (key == "version" and versions.same(news["version"], olds["kubernetes_version"])):
            continue
        if key in chosen and new is None:
            continue
        reasons[key] = f"{camel(key)} {_shown(old)} → {_shown(new)}, and {why}"
    return reasons


def faults_of_versions(olds: Mapping[str, Any], news: Mapping[str, Any], today: date) -> list[Fault]:
    """Whether the wanted version is one to start with: a cluster that runs it already may keep it."""
    if olds and versions.minor_of(olds["version"]) == versions.minor_of(news["version"]):
        return []
    fault = versions.support_fault(news["version"], today)
    return [fault] if fault else []


def digest(args: Mapping[str, Any]) -> str:
    """A short text that is another one for other arguments."""
    wanted = {key: value for key, value in args.items() if key != "__provider"}
    return hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()[:12]


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
