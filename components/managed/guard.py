"""The guard over a cluster in a cloud: what is refused by what stands there already, before anything is made."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pulumi

from components import versions
from components.managed.managed_args import ManagedArgs
from components.spec import Fault, SpecError
from components.state import STASH, State, outputs_of


def guard(
    parent: pulumi.Resource,
    name: str,
    args: ManagedArgs,
    state: State,
    *,
    pinned: Mapping[str, Any],
    offered: Sequence[str] = (),
    runs: str = "",
    irreversible: Mapping[str, bool] | None = None,
) -> pulumi.Stash:
    """Put a guard over the cluster: it remembers what the last `up` made, and holds what is asked now against that.

    Args:
        parent: The component.
        name: Name of the cluster.
        args: What the stack asks for.
        state: What the last `up` left.
        pinned: Key of the stack file → its value or default, for every key whose change makes the cloud replace the
            cluster. Values that only the cloud knows, such as ids of a given network, are left to `protect`.
        offered: The Kubernetes versions that the cloud offers, as it spells them; nothing where it is not asked.
        runs: The version that the state tells of, as the cloud spells it, where the cloud brings minors by itself.
        irreversible: Key of the stack file → whether it is on, for what the cloud cannot turn off again.

    Returns:
        What remembers it. All else depends on it, so that a run that is stopped leaves no cluster without a guard.

    Raises:
        SpecError: A protected cluster would be replaced, a minor version skipped, something taken back that cannot be,
            or the cloud does not offer the version.
    """
    news: dict[str, Any] = {
        "version": args["version"],
        "protected": args.get("deletion_protection", True),
        "pinned": dict(pinned),
        "irreversible": dict(irreversible or {}),
    }
    olds = outputs_of(state, STASH, f"{name}-guard").get("input", {})
    today = date.today()
    if faults := [
        *_version_faults(olds, args["version"], runs, offered, today),
        *_replacement_faults(olds, news["pinned"], name, pulumi.get_stack()),
        *_irreversible_faults(olds, news["irreversible"], name),
    ]:
        raise SpecError(faults)
    if args["version"] == olds.get("version") and (fault := versions.support_fault(args["version"], today)):
        pulumi.log.warn(f"{fault}; this cluster, which runs it already, may keep it", parent)

    return pulumi.Stash(f"{name}-guard", input=news, opts=pulumi.ResourceOptions(parent=parent))


def _version_faults(
    olds: Mapping[str, Any], version: str, runs: str, offered: Sequence[str], today: date
) -> list[Fault]:
    if version == olds.get("version"):
        return []
    running = match[1] if (match := _PLAIN.match(runs)) else olds.get("version")
    fault = versions.upgrade_fault(running, version) if running else None
    fault = fault or versions.support_fault(version, today) or _offer_fault(version, offered)
    return [fault] if fault else []


def _offer_fault(version: str, offered: Sequence[str]) -> Fault | None:
    found = [match[1] for text in offered if (match := _PLAIN.match(text))]
    if not found or any(versions.same(version, each) for each in found):
        return None
    minors = sorted(set(map(versions.minor_of, found)), key=versions.numbers)
    return Fault("version", f"the cloud does not offer {version} here; choose one of {', '.join(minors)}")


_PLAIN = re.compile(r"v?(\d+\.\d+(?:\.\d+)?)")
"""What Kubernetes calls a version that a cloud gave a build of its own: `1.37.2` of `1.37.2-gke.1001000`."""


def _replacement_faults(olds: Mapping[str, Any], pinned: Mapping[str, Any], name: str, stack: str) -> list[Fault]:
    """One line for each change that would replace a cluster which the last `up` left protected."""
    if not olds.get("protected", False):
        return []
    before = olds["pinned"]
    return [
        Fault(
            key,
            f"a change from {before[key]} to {value} replaces the cluster {name}, and all in it is lost; to accept "
            f"that, write `deletionProtection: false` and leave {key} as it was, run `make up STACK={stack}`, then "
            "change it",
        )
        for key, value in pinned.items()
        if key in before and value != before[key]
    ]


def _irreversible_faults(olds: Mapping[str, Any], irreversible: Mapping[str, bool], name: str) -> list[Fault]:
    """One line for each thing that is on and cannot be turned off, be the cluster protected or not."""
    was_on = olds.get("irreversible", {})
    return [
        Fault(
            key,
            f"is true for the cluster {name}, and the cloud cannot take that back; write `{key}: true`, or destroy the "
            "cluster and make another one",
        )
        for key, on in irreversible.items()
        if was_on.get(key, False) and not on
    ]
