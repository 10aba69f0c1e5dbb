"""What keeps a node in order between upgrades: looking at its machine, and renewing its certificates."""

from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from components.bootstrap import drift
from components.machines.reach import Reach, ReachError

RENEW = (Path(__file__).parent / "files/renew.sh").read_text()

OUTPUTS = ("certificates_expire", "certificates_renew_from", "files", "drift")
"""What the state keeps of a machine: when the first of its certificates ends, from when on a run renews it (ISO 8601),
digests of what it was made with, and what is not as it was made (a list of sentences)."""


def look(reach: Reach, name: str, before: Mapping[str, Any], changed: Collection[str] = ()) -> dict[str, Any]:
    """What the state is to keep of a machine.

    Args:
        reach: How to get there.
        name: Of the node.
        before: What the state has kept so far.
        changed: Paths that this run has written: they are as they should be.
    """
    try:
        seen = drift.parse(reach.run("python3", "-", stdin=drift.LOOK))
    except (ReachError, ValueError) as error:
        kept = {key: before.get(key) for key in OUTPUTS}
        reason = str(error).removeprefix(f"{name}: ")
        return {**kept, "drift": [f"{drift.UNSEEN}: {reason}"]}
    made = before.get("files") or seen.files
    made = {**made, **{path: seen.files[path] for path in changed if path in seen.files}}
    return {
        "certificates_expire": seen.ends and seen.ends.isoformat(),
        "certificates_renew_from": seen.renewed_from and seen.renewed_from.isoformat(),
        "files": made,
        "drift": drift.faults(name, made, seen),
    }


def was_unseen(state: Mapping[str, Any]) -> bool:
    """Whether a machine could not be looked at the last time; a run that may have started it looks again."""
    return any(fault.startswith(drift.UNSEEN) for fault in state.get("drift") or ())


def is_due(state: Mapping[str, Any], now: datetime) -> bool:
    """Whether a machine's certificates are in the last third of their life, as the state has it."""
    renewed_from = state.get("certificates_renew_from")
    return renewed_from is not None and now > datetime.fromisoformat(renewed_from)


def renew(reach: Reach) -> None:
    """Renew the certificates of a machine, and have all that run there take them; needs no API.

    Raises:
        ReachError: It was not done.
    """
    reach.run("bash", "-s", stdin=RENEW, seconds=900)
