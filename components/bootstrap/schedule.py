"""Snapshots of etcd that control planes take by themselves, at regular times, and send to a bucket.

A timer of systemd on each control plane runs `files/scheduled_snapshot.py`. What a bucket gets is encrypted there as
all snapshots are (`snapshots.py`): neither the machines nor whoever reads the bucket can open it.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from components import progress
from components.bootstrap.pki import CLOCK_SKEW
from components.bootstrap.plan import LIBRARY
from components.bootstrap.snapshots import CERTIFICATE, TAKE, SnapshotError
from components.machines.reach import Reach, ReachError

FILES = Path(__file__).parent / "files"
PROGRAM = f"{LIBRARY}/snapshots/scheduled_snapshot.py"
UNITS = "/etc/systemd/system"
SETTINGS = "/var/lib/slipway/snapshots/settings.json"
"""Where to, and the keys of the bucket: for root alone."""

START = "systemctl daemon-reload && systemctl --quiet enable {0} && systemctl restart {0}".format(
    "slipway-snapshots.timer"
)
LOOK = (FILES / "look_at_snapshots.py").read_text()
REMOVE = (FILES / "remove_snapshots.sh").read_text()

SEND_SECONDS = 3600
LATE_SECONDS = 900
"""How long after its time a snapshot may still be on its way."""


@dataclass(frozen=True)
class Sight:
    """How it goes with the snapshots of one control plane."""

    files: Mapping[str, str]
    """Path → digest of what is there."""

    timer: str
    """`active`, or what it is instead."""

    due: float
    """When its clock has last said so, in seconds since 1970; so are the others."""

    sent: float
    name: str
    """What it has sent last, if anything."""

    failed: float
    reason: str
    """Why it could not, the last time that it could not."""


def parse(told: str) -> Sight:
    """What `LOOK` has printed.

    Raises:
        ValueError: It is something else.
    """
    seen = json.loads(told)
    sent, failed = seen.get("sent", {}), seen.get("failed", {})
    return Sight(
        seen["files"],
        seen["timer"],
        seen["due"],
        sent.get("at", 0),
        sent.get("name", ""),
        failed.get("at", 0),
        failed.get("reason", ""),
    )


def faults(made: Mapping[str, str], seen: Mapping[str, Sight], now: float) -> list[str]:
    """Why snapshots do not come, or may not come, as they should: a line each.

    Args:
        made: Path → digest of what was put on each control plane.
        seen: Name → how it goes there; those that cannot be looked at are left out.
        now: In seconds since 1970.
    """
    found = [
        f"{path} was {'changed' if path in sight.files else 'removed'} on {name}"
        for name, sight in seen.items()
        for path, digest in made.items()
        if sight.files.get(path) != digest
    ]
    found += [f"the timer on {name} is {sight.timer}" for name, sight in seen.items() if sight.timer != "active"]
    due = max((sight.due for sight in seen.values()), default=0)
    sent = max((sight.sent for sight in seen.values()), default=0)
    skew = CLOCK_SKEW.total_seconds()  # one machine's clock may be behind another's
    if sent + skew < due:
        last, name, reason = max((sight.failed, name, sight.reason) for name, sight in seen.items())
        since = f"none has come since {_time(sent)}" if sent else "none has come yet"
        if last + skew > due:
            found.append(f"{since}; {name}: {reason}")
        elif now > due + LATE_SECONDS:
            found.append(f"{since}, and one was due {_time(due)}")
    return found


def _time(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"


def programs(schedule: str) -> dict[str, str]:
    """Path → content of what a control plane gets, without any secret."""
    return {
        f"{LIBRARY}/snapshots/snapshot.sh": TAKE,
        f"{LIBRARY}/snapshots/remove.sh": REMOVE,
        PROGRAM: (FILES / "scheduled_snapshot.py").read_text(),
        f"{UNITS}/slipway-snapshots.service": (FILES / "slipway-snapshots.service").read_text(),
        f"{UNITS}/slipway-snapshots.timer": (FILES / "slipway-snapshots.timer")
        .read_text()
        .replace("SCHEDULE", schedule),
    }


def digests(schedule: str) -> dict[str, str]:
    """Path → digest of the same."""
    return {path: hashlib.sha256(text.encode()).hexdigest()[:12] for path, text in programs(schedule).items()}


def apply(control_planes: Mapping[str, Reach], wanted: Mapping[str, Any]) -> None:
    """Have control planes send snapshots, and one of them send one now: what the bucket refuses is known at once.

    Args:
        control_planes: Name → the way there.
        wanted: The inputs of the resource.

    Raises:
        SnapshotError: There is no such time, or the bucket has not taken a snapshot.
        ReachError: A control plane was not reached.
    """
    first = next(iter(control_planes.values()))
    _refuse_no_time(first, wanted["schedule"])
    keys = ("cluster", "bucket", "region", "access_key", "secret_key")
    files = {
        **{path: (0o644, text) for path, text in programs(wanted["schedule"]).items()},
        CERTIFICATE: (0o644, wanted["certificate"]),
        SETTINGS: (0o600, json.dumps({key: wanted[key] for key in keys})),
    }
    for name, reach in control_planes.items():
        progress.status(f"{name}: is told when to send snapshots")
        reach.put(files)
        reach.run("sh", "-c", START)
    progress.status(f"{first.machine}: sends a snapshot")
    try:
        first.run("python3", PROGRAM, "now", seconds=SEND_SECONDS)
    except ReachError as error:
        raise SnapshotError(
            f"no snapshot of etcd came into the bucket: {error}; mend that, then run `make up` again"
        ) from None


def _refuse_no_time(reach: Reach, schedule: str) -> None:
    try:
        told = reach.run("systemd-analyze", "calendar", schedule)
    except ReachError as error:
        raise SnapshotError(f"snapshots.schedule: {error}; write one like hourly, or *-*-* 03:00:00 UTC") from None
    if "Next elapse: never" in told:
        raise SnapshotError(f"snapshots.schedule: {schedule!r} never comes again; write a time that does")


def look(control_planes: Mapping[str, Reach], made: Mapping[str, str]) -> dict[str, Sight]:
    """Name → how it goes there. One that cannot be looked at is left out: its node tells."""
    seen = {}
    for name, reach in control_planes.items():
        try:
            seen[name] = parse(reach.run("python3", "-", *made, stdin=LOOK))
        except (ReachError, ValueError):
            continue
    return seen


def remove(reach: Reach) -> None:
    """Have a control plane send no snapshots any more, and keep no key of the bucket.

    Raises:
        ReachError: It was not reached.
    """
    reach.run("bash", "-s", stdin=REMOVE)
