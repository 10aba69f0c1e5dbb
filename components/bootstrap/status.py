"""What a machine says of the steps that it does: waited for, with each step shown, and the failed one told."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

from components import progress
from components.machines.reach import Reach, ReachError

STATUS = "/var/lib/slipway/status.json"
"""Where a machine writes how its bootstrap goes."""

SECONDS_BETWEEN_LOOKS = 0.5
LOOKING_SHARE = 1 / 4
MOST_SECONDS_BETWEEN_LOOKS = 10
MOST_ATTEMPTS = 3
"""After so many failures of one step the machine is reported as failed."""


class NodeError(Exception):
    """A machine did not become a node, was not upgraded, or could not leave: what, where, why and the fix."""

    __module__ = "builtins"  # so that Pulumi shows "NodeError: …" without the path of this class


def looks(deadline: float) -> Iterator[None]:
    """A turn for each look at something that is waited for, until it is `deadline` by `time.monotonic`.

    Looking takes a fourth of the time at most: a slow machine has better to do than to answer who asks how far it is.
    """
    while (began := time.monotonic()) < deadline:
        yield
        took = time.monotonic() - began
        idle = took / LOOKING_SHARE - took
        time.sleep(min(max(idle, SECONDS_BETWEEN_LOOKS), MOST_SECONDS_BETWEEN_LOOKS))


def await_steps(
    reach: Reach,
    deadline: float,
    *,
    late: str,
    mend: str,
    path: str = STATUS,
    begun: Callable[[str], object] = lambda _step: None,
) -> None:
    """Wait for a machine's own word that all its steps are done.

    Args:
        reach: The way to the machine.
        deadline: When to give up, by `time.monotonic`.
        late: What is said where time is up, before the step that it is at.
        mend: What is to be done about a step that fails.
        path: Where the machine writes how they go.
        begun: Called with the name of a step once for each attempt at it that is seen.

    Raises:
        NodeError: A step failed again and again, or time is up.
    """
    step, state = "its first boot" if path == STATUS else "its first step", "running"
    before: dict[str, float] = {}  # how often each step had been tried before anybody looked
    seen: set[tuple[str, float]] = set()
    unanswered = ""
    for _ in looks(deadline):
        status: dict[str, Any] = {}  # not so far that there is one
        unanswered = ""
        try:
            status = json.loads(reach.run("cat", path, seconds=20))
        except ReachError as error:
            unanswered = str(error)
        except ValueError as error:
            unanswered = f"it says what is no JSON: {error}"
        if status.get("state") == "done":
            return
        if status.get("steps"):
            last = status["steps"][-1]
            step, state = last["name"], last["state"]
            tried = last["attempts"] - before.setdefault(step, last["attempts"] - 1)
            if last["state"] == "failed" and tried >= MOST_ATTEMPTS:
                raise NodeError(_failure(reach.machine, last, mend))
            if (attempt := (step, last["attempts"])) not in seen:
                seen.add(attempt)
                begun(step)
        progress.status(f"{reach.machine}: {step}")
    log = f"look at /var/log/slipway/{step}.log there, or " if before else ""
    why = f" (the last look: {unanswered})" if unanswered else ""
    raise NodeError(
        f"{late}: {step} is still {state}{why}; {log}allow it more time with `bootstrapMinutes`, then run "
        "`make up` again"
    )


def _failure(name: str, step: dict[str, Any], mend: str) -> str:
    return (
        f"{name}: the step {step['name']} failed {step['attempts']:.0f} times; its log ends with\n"
        f"{step['log_tail'].strip()}\n"
        f"(all of it: /var/log/slipway/{step['name']}.log there); {mend}"
    )
