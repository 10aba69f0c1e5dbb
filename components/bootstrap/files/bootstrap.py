#!/usr/bin/env python3
"""Makes this machine a node: runs the steps that are not done yet, one after the other, and says how it goes.

Each file in `steps` is a step, in the order of their names, and may be run again at any time: one that a power cut or
a fault has ended is started anew, with SLIPWAY_ATTEMPT telling how often so far. `status.json` is what others read: at
any moment it is whole. A step that fails ends this program too, and systemd starts it again; so does the next boot.

Told a folder, it runs the steps in there and says in there how it goes: that is how a node is upgraded.

Runs with Python 3.9 and its standard library alone: that is what a machine has before anything is installed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TypedDict

STEPS = Path("/usr/local/lib/slipway/steps")
STATUS = Path("/var/lib/slipway/status.json")
LOGS = Path("/var/log/slipway")
UNIT = "slipway-bootstrap.service"

TAIL_LINES = 20
LONGEST_LINE = 400
SECONDS_BETWEEN_LOOKS = 1.0


class Step(TypedDict):
    """How a step goes."""

    name: str
    state: str
    """`running`, `done` or `failed`."""

    started: int
    """In seconds since 1970, of the last attempt; so is `ended`."""

    ended: int | None
    attempts: int
    log_tail: str


class Status:
    """What `status.json` says, and says anew with every change."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.steps: list[Step] = []
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            self.steps = json.loads(path.read_text())["steps"]

    def step(self, name: str) -> Step:
        """A step that was begun before, or a new one."""
        for step in self.steps:
            if step["name"] == name:
                return step
        self.steps.append(
            {"name": name, "state": "running", "started": 0, "ended": None, "attempts": 0, "log_tail": ""}
        )
        return self.steps[-1]

    def is_done(self, name: str) -> bool:
        """Whether a step has nothing left to do."""
        return any(step["name"] == name and step["state"] == "done" for step in self.steps)

    def write(self, state: str) -> None:
        """Say how all goes: `running`, `done` or `failed`. A power cut leaves what was said before, or this."""
        fresh = self.path.with_name(f"{self.path.name}.new")
        with fresh.open("w") as file:
            json.dump({"version": 1, "state": state, "steps": self.steps}, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.path)


def bootstrap(scripts: Path = STEPS, told: Path = STATUS, logs: Path = LOGS) -> bool:
    """Run what is left to do, and tell whether all is done now."""
    os.umask(0o077)
    logs.mkdir(parents=True, exist_ok=True)
    status = Status(told)
    for script in sorted(scripts.glob("*.sh")):
        name = script.stem.partition("-")[2]
        if not status.is_done(name) and not run(script, status, name, logs / f"{name}.log"):
            status.write("failed")
            return False
    status.write("done")
    return True


def run(script: Path, status: Status, name: str, log: Path) -> bool:
    """Run one step, telling the end of its log meanwhile, and whether it went well."""
    step = status.step(name)
    step.update(state="running", started=int(time.time()), ended=None, attempts=step["attempts"] + 1)
    with log.open("ab") as output:
        output.write(f"--- attempt {step['attempts']}, {time.strftime('%F %TZ', time.gmtime())}\n".encode())
        output.flush()
        status.write("running")
        process = subprocess.Popen(
            ["bash", str(script)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "SLIPWAY_ATTEMPT": str(step["attempts"])},
        )
        code = None
        while code is None:
            try:
                code = process.wait(SECONDS_BETWEEN_LOOKS)
            except subprocess.TimeoutExpired:
                if step["log_tail"] != (tail := tail_of(log)):
                    step["log_tail"] = tail
                    status.write("running")
    step.update(state="failed" if code else "done", ended=int(time.time()), log_tail=tail_of(log))
    status.write("running")
    return code == 0


def tail_of(log: Path) -> str:
    """The last lines of a log."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - TAIL_LINES * LONGEST_LINE))
        return "\n".join(file.read().decode(errors="replace").splitlines()[-TAIL_LINES:])


if __name__ == "__main__":
    if sys.argv[1:]:
        folder = Path(sys.argv[1])
        sys.exit(not bootstrap(folder / "steps", folder / "status.json"))
    if not bootstrap():
        sys.exit(f"A step failed: {STATUS} tells which and why, and it is tried again.")
    # Another boot has nothing to do here any more.
    subprocess.run(["systemctl", "--quiet", "disable", UNIT], check=True)
