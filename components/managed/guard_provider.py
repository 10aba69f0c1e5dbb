"""What a preview judges by the last state: replacement, upgrades, and what the cloud offers, before anything is made.

This class is found again by its name when a stack is destroyed years later: neither may be renamed or moved.
"""

import re
import sys
import uuid
from collections.abc import Mapping
from datetime import date
from typing import Any

from pulumi import dynamic

from components import progress, versions

Properties = dict[str, Any]


class GuardProvider(dynamic.ResourceProvider):
    """Watches over one cluster and makes nothing.

    Inputs: `stack`, `cluster` (its name), `version`, `protected` (whether deletion protection is on), `pinned` (key of
    the stack file → value, whose change makes the cluster anew), `offered` (the versions that the cloud offers, an
    empty list where it was not asked) and perhaps `irreversible` (key of the stack file → whether it is on, for what
    the cloud cannot turn off again).
    """

    serialize_as_secret_always = False  # what is pickled is the name of a class

    def configure(self, req: dynamic.ConfigureRequest) -> None:
        """Have a user see a message, not a traceback. At module level this would make the provider hang."""
        sys.tracebacklimit = 0

    def check(self, _olds: Properties, news: Properties) -> dynamic.CheckResult:
        """Refuse what would lose a protected cluster, and a version that cannot be had; `_olds` is empty at first."""
        if news["version"] == _olds.get("version") and (fault := versions.support_fault(news["version"], date.today())):
            progress.warn(f"{fault}; this cluster, which runs it already, may keep it")
        faults = [
            *_version_faults(_olds, news, date.today()),
            *_replacement_faults(_olds, news),
            *_irreversible_faults(_olds, news),
        ]
        return dynamic.CheckResult(news, [dynamic.CheckFailure("", fault) for fault in faults])

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> dynamic.DiffResult:
        """What the cloud offers changes by itself, and is no change of the stack."""
        return dynamic.DiffResult(changes=_kept(_olds) != _kept(_news))

    def create(self, props: Properties) -> dynamic.CreateResult:
        """Remember what the cluster is made from."""
        return dynamic.CreateResult(uuid.uuid4().hex[:16], props)

    def update(self, _id: str, _olds: Properties, _news: Properties) -> dynamic.UpdateResult:
        """Remember what the cluster has become."""
        return dynamic.UpdateResult(_news)


_KEPT = ("cluster", "version", "protected", "pinned", "irreversible")


def _kept(properties: Mapping[str, Any]) -> Properties:
    return {key: properties.get(key) for key in _KEPT}


def _version_faults(olds: Properties, news: Properties, today: date) -> list[str]:
    if news["version"] == olds.get("version"):
        return []
    fault = versions.upgrade_fault(olds["version"], news["version"]) if olds else None
    fault = fault or versions.support_fault(news["version"], today)
    return [str(fault)] if fault else _offer_faults(news["version"], news.get("offered"))


def _offer_faults(version: str, offered: Any) -> list[str]:
    # Where the provider itself is not known yet, neither is what it offers.
    texts = offered if isinstance(offered, list) else []
    found = [match[1] for text in texts if (match := _PLAIN.match(text))]
    if not found or any(versions.same(version, each) for each in found):
        return []
    minors = sorted(set(map(versions.minor_of, found)), key=versions.numbers)
    return [f"version: the cloud does not offer {version} here; choose one of {', '.join(minors)}"]


_PLAIN = re.compile(r"v?(\d+\.\d+(?:\.\d+)?)")
"""What Kubernetes calls a version that a cloud gave a build of its own: `1.37.2` of `1.37.2-gke.1001000`."""


def _replacement_faults(olds: Properties, news: Properties) -> list[str]:
    """One line for each change that would replace a cluster which the last `up` left protected."""
    if not olds.get("protected", False):
        return []
    before = olds["pinned"]
    return [
        f"{key}: a change from {before[key]} to {value} replaces the cluster {olds['cluster']}, and all in it is lost; "
        f"to accept that, write `deletionProtection: false` and leave {key} as it was, run "
        f"`make up STACK={news['stack']}`, then change it"
        for key, value in news["pinned"].items()
        if key in before and value != before[key]
    ]


def _irreversible_faults(olds: Properties, news: Properties) -> list[str]:
    """One line for each thing that is on and cannot be turned off, be the cluster protected or not."""
    was_on = olds.get("irreversible", {})
    return [
        f"{key}: is true for the cluster {olds['cluster']}, and the cloud cannot take that back; "
        f"write `{key}: true`, or destroy the cluster and make another one"
        for key, on in news.get("irreversible", {}).items()
        if was_on.get(key, False) and not on and olds["cluster"] == news["cluster"]
    ]
