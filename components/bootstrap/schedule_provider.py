"""Snapshots of etcd that control planes take by themselves, as a resource.

This class is found again by its name when a stack is destroyed years later: it may be neither renamed nor moved.
"""

import contextlib
import time
from typing import Any

from pulumi import dynamic

from components import progress
from components.bootstrap import schedule
from components.bootstrap.snapshots import SnapshotError
from components.machines.reach import Reach, ReachError
from components.provider import Provider

Properties = dict[str, Any]

INPUTS = ("control_planes", "cluster", "schedule", "bucket", "region", "certificate", "access_key", "secret_key")


class ScheduleProvider(Provider):
    """That all control planes send snapshots, and nobody else.

    Inputs: `control_planes` (name → the id of its `machine`, and its `reach`), `cluster` (its name), `schedule` (when,
    as systemd has it), `bucket` (URL), `region`, `certificate` (what snapshots are encrypted for), `access_key` and
    `secret_key` (both secret). Outputs: `files` (path → digest of what each control plane got), `last` (name of the
    newest snapshot in the bucket) and `drift` (why they do not come as they should: a list of sentences).
    """

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> dynamic.DiffResult:
        """Another machine, time or place is a change; so is what was found wrong, and what a newer Slipway brings."""
        drift = _olds.get("drift") or ()
        for fault in drift:
            progress.warn(f"snapshots of etcd: {fault}; `make up` brings all anew and sends one, or says why not")
        changed = any(_olds[key] != _news[key] for key in INPUTS)
        newer = _olds["files"] != schedule.digests(_news["schedule"])
        return dynamic.DiffResult(changes=changed or newer or bool(drift))

    def create(self, props: Properties) -> dynamic.CreateResult:
        """Have all control planes send snapshots; if that fails, nothing of it stays."""
        try:
            made = self._applied(props)
        except (ReachError, SnapshotError):
            for reach in _reaches(props).values():
                with contextlib.suppress(ReachError):
                    schedule.remove(reach)
            raise
        return dynamic.CreateResult("snapshots", made)

    def read(self, id_: str, props: Properties) -> dynamic.ReadResult:
        """How they have come of late."""
        return dynamic.ReadResult(id_, {**props, **_seen(props)})

    def update(self, _id: str, _olds: Properties, _news: Properties) -> dynamic.UpdateResult:
        """Bring what is new to all control planes; one that is none any more sends nothing."""
        kept = _reaches(_news)
        for name, reach in _reaches(_olds).items():
            if name not in kept:
                with contextlib.suppress(ReachError):  # it is gone already
                    schedule.remove(reach)
        return dynamic.UpdateResult(self._applied(_news))

    def delete(self, _id: str, _props: Properties) -> None:
        """Leave neither a timer nor a key of the bucket on a machine."""
        for reach in _reaches(_props).values():
            schedule.remove(reach)

    def _applied(self, props: Properties) -> Properties:
        schedule.apply(_reaches(props), props)
        made = {**props, "files": schedule.digests(props["schedule"])}
        return {**made, **_seen({**made, "last": None, "drift": []})}


def _reaches(props: Properties) -> dict[str, Reach]:
    return {name: Reach.of(one["reach"]) for name, one in props["control_planes"].items()}


def _seen(props: Properties) -> Properties:
    seen = schedule.look(_reaches(props), props["files"])
    if not seen:
        return {key: props.get(key) for key in ("last", "drift")}
    newest = max(seen.values(), key=lambda sight: sight.sent)
    return {"last": newest.name or None, "drift": schedule.faults(props["files"], seen, time.time())}
