"""The claim of a cluster on its machines: made in an instant, before any of them.

This class is found again by its name when a stack is destroyed years later: it may be neither renamed nor moved.
"""

import uuid
from typing import Any

from pulumi import dynamic

from components.provider import Provider

Properties = dict[str, Any]


class ClaimProvider(Provider):
    """A claim. Inputs: `cluster` and `fixed` (key of the stack file → what machines that stand do not take in)."""

    def check(self, _olds: Properties, news: Properties) -> dynamic.CheckResult:
        """Refuse a change that machines which stand would not take in."""
        return dynamic.CheckResult(news, fixed_failures(_olds, news))

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> dynamic.DiffResult:
        """Another cluster has a claim of its own."""
        replaced = ["cluster"] if _olds["cluster"] != _news["cluster"] else []
        changed = _olds["fixed"] != _news["fixed"]
        return dynamic.DiffResult(changes=bool(replaced) or changed, replaces=replaced)

    def create(self, props: Properties) -> dynamic.CreateResult:
        """Make one that nobody else has."""
        return dynamic.CreateResult(uuid.uuid4().hex[:16], props)

    def update(self, _id: str, _olds: Properties, _news: Properties) -> dynamic.UpdateResult:
        """Remember keys that a newer Slipway holds to."""
        return dynamic.UpdateResult(_news)


WITHOUT_BEFORE = dict.fromkeys(("virtualIp", "etcd.endpoints"), "")
"""What clusters that are older than a key are known to be without; of other keys nothing is known then."""


def fixed_failures(olds: Properties, news: Properties) -> list[dynamic.CheckFailure]:
    """What a cluster that stands refuses: another value of something in `fixed`; one that is left out is empty."""
    if not olds:
        return []
    stands = {**WITHOUT_BEFORE, **olds["fixed"]}
    return [
        dynamic.CheckFailure("", f"{key}: a cluster that stands {_refused(stands[key], value)}")
        for key, value in news["fixed"].items()
        if key in stands and value != stands[key]
    ]


def _refused(was: str, value: str) -> str:
    before = "or run `make down` before you change it"
    if not was:
        return f"without it does not take in {value}; drop the key, {before}"
    return f"does not take in a change from {was} to {value or 'none'}; write {was} again, {before}"
