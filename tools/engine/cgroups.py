"""The cgroups that the private engine lives in: made and removed here, entered by its first process.

Version 1 gets one in each hierarchy, below the cgroup that Slipway itself runs in: the machine's owner may have set
limits there. Version 2 gets one at the top, as Docker's own `cgroupfs` driver does: below a session's cgroup the kernel
would not let controllers be handed on. What had to be switched on at the top for that is switched off again. Where both
are mounted, version 2 has no controllers, and the systemd of a machine in a container keeps its services there.
"""

import contextlib
import os
import signal
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.console import Problem

NEEDED = frozenset({"cpu", "cpuset", "memory", "pids"})
"""The controllers that the kubelet cannot do without."""

END_SECONDS = 10
"""How long processes that were killed may take to end."""


@dataclass(frozen=True)
class Cgroup:
    """The engine's cgroup in one hierarchy."""

    folder: str
    """Where it lies, as the host sees it."""

    mount: str
    """Where the engine mounts its hierarchy, relative to /sys/fs/cgroup; empty for version 2."""

    options: str
    """The mount options that name the hierarchy; empty for version 2, which is not mounted beside others."""


@dataclass(frozen=True)
class _Mount:
    root: str
    point: str
    kind: str
    options: frozenset[str]


def plan(name: str, *, own: str | None = None, mounts: str | None = None) -> list[Cgroup]:
    """The cgroups called `name` to make: one for each version 1 hierarchy, and one for version 2 where it is mounted.

    Args:
        name: The last part of each folder.
        own: The text of /proc/self/cgroup.
        mounts: The text of /proc/self/mountinfo.

    Raises:
        Problem: No cgroup hierarchy is mounted.
    """
    known = list(map(_mount, (mounts or Path("/proc/self/mountinfo").read_text()).splitlines()))
    cgroups = []
    for line in (own or Path("/proc/self/cgroup").read_text()).splitlines():
        _, controllers, path = line.split(":", 2)
        wanted = frozenset(controllers.split(","))
        mount = next((m for m in known if m.kind == "cgroup" and wanted <= m.options), None)
        if controllers and mount:
            options = f"none,{controllers}" if controllers.startswith("name=") else controllers
            parent = mount.point + path.removeprefix(mount.root.rstrip("/"))
            cgroups.append(Cgroup(str(Path(parent, name)), Path(mount.point).name, options))
    mixed = bool(cgroups)
    second = [m.point for m in known if m.kind == "cgroup2"][:1]
    cgroups += [Cgroup(str(Path(point, name)), Path(point).name if mixed else "", "") for point in second]
    if not cgroups:
        raise Problem("no cgroup hierarchy is mounted at /sys/fs/cgroup: containers need one; mount it, then try again")
    return cgroups


def _mount(line: str) -> _Mount:
    before, _, after = line.partition(" - ")
    kind, _, options = after.split(" ", 2)
    fields = before.split()
    return _Mount(fields[3], fields[4], kind, frozenset(options.split(",")))


def make(cgroups: Sequence[Cgroup]) -> list[str]:
    """Make the cgroups, and return the controllers that were switched on at the top of version 2 for them.

    Raises:
        Problem: Version 2 does not hand on what the kubelet needs.
    """
    switched_on: list[str] = []
    for cgroup in cgroups:
        folder = Path(cgroup.folder)
        if not cgroup.mount:
            switched_on = _hand_on(folder.parent)
        folder.mkdir(exist_ok=True)
        if (folder / "cpuset.cpus").exists() and cgroup.mount:
            # Born empty in version 1, and nobody may enter before it is filled.
            for file in ("cpuset.cpus", "cpuset.mems"):
                (folder / file).write_text((folder.parent / file).read_text())
            (folder / "cgroup.clone_children").write_text("1")
    return switched_on


def _hand_on(top: Path) -> list[str]:
    control = top / "cgroup.subtree_control"
    before = set(control.read_text().split())
    for controller in sorted(set((top / "cgroup.controllers").read_text().split()) - before):
        with contextlib.suppress(OSError):
            control.write_text(f"+{controller}")
    now = set(control.read_text().split())
    if missing := NEEDED - now:
        raise Problem(
            f"{top} does not hand on the cgroup controllers {', '.join(sorted(missing))}, which Kubernetes needs: "
            "run this outside of a container, or use a Docker that runs elsewhere (DOCKER_HOST)"
        )
    return sorted(now - before)


def remove(cgroups: Iterable[Cgroup], switched_on: Iterable[str]) -> None:
    """Remove the cgroups and all below them, ending what still runs there; switch the controllers off again.

    Raises:
        Problem: Something does not end.
    """
    for cgroup in cgroups:
        there = Path(cgroup.folder).exists()
        _remove(Path(cgroup.folder))
        # Without it the machine has booted since, and what is on now is not our doing.
        if there and not cgroup.mount:
            for controller in switched_on:
                # Somebody else may have come to use it meanwhile.
                with contextlib.suppress(OSError):
                    (Path(cgroup.folder).parent / "cgroup.subtree_control").write_text(f"-{controller}")


def _remove(top: Path) -> None:
    deadline = time.monotonic() + END_SECONDS
    while top.exists():
        for process in (left := _processes(top)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        for folder, _, _ in os.walk(top, topdown=False):
            with contextlib.suppress(OSError):
                Path(folder).rmdir()
        if not top.exists():
            return
        if time.monotonic() > deadline:
            still = ", ".join(map(str, left)) or "none"
            raise Problem(f"the cgroup {top} cannot be removed; processes in it that do not end: {still}")
        time.sleep(0.05)


def _processes(top: Path) -> list[int]:
    found: set[int] = set()
    for folder, _, _ in os.walk(top):
        with contextlib.suppress(OSError):  # it went away meanwhile
            found |= set(map(int, Path(folder, "cgroup.procs").read_text().split()))
    return sorted(found)
