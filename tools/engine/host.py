"""The machine's own settings: what containers change for everybody, kept and put back.

`/proc/sys` outside of `net` is one for the whole machine, and a kubelet in a privileged container writes to it. One
record for all private engines of the machine tells what was there before the first, and the last one puts it back.
It lies in /run, since a reboot puts the settings back by itself.
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Generator
from dataclasses import asdict, dataclass
from pathlib import Path

from tools.engine.process import Process

KEPT = (
    "fs.inotify.max_user_instances",
    "kernel.keys.root_maxbytes",
    "kernel.keys.root_maxkeys",
    "kernel.panic",
    "kernel.panic_on_oops",
    "vm.overcommit_memory",
    "vm.panic_on_oom",
)
"""What kubelets and node images set."""

INOTIFY_INSTANCES = 1024
"""128 by default, for all containers together; a control plane takes 29 and a worker 16, and what comes next fails."""


@dataclass(frozen=True)
class HostSettings:
    """The machine's settings while private engines run."""

    record: Path = Path("/run/slipway/host-settings.json")
    sys: Path = Path("/proc/sys")

    def hold(self, engine: str, process: Process) -> None:
        """Keep the settings as they were for as long as the engine of that name runs, and raise what is too low."""
        with locked(self.record.parent.parent):
            saved, engines = self._load()
            if not engines:
                self._put_back(saved)  # an engine that crashed left it
                saved = {name: self._file(name).read_text() for name in KEPT if self._file(name).exists()}
            engines[engine] = process
            self._store(saved, engines)
            instances = self._file("fs.inotify.max_user_instances")
            if instances.exists() and int(instances.read_text()) < INOTIFY_INSTANCES:
                instances.write_text(f"{INOTIFY_INSTANCES}\n")

    def release(self, engine: str) -> None:
        """The engine has ended: put the settings back unless another one runs."""
        with locked(self.record.parent.parent):
            saved, engines = self._load()
            engines.pop(engine, None)
            if engines:
                self._store(saved, engines)
                return
            self._put_back(saved)
            self.record.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                self.record.parent.rmdir()

    def _put_back(self, saved: dict[str, str]) -> None:
        for name, value in saved.items():
            if self._file(name).read_text() != value:
                self._file(name).write_text(value)

    def _file(self, name: str) -> Path:
        return self.sys / name.replace(".", "/")

    def _load(self) -> tuple[dict[str, str], dict[str, Process]]:
        """What was saved, and the engines that still run."""
        try:
            record = json.loads(self.record.read_text())
        except FileNotFoundError:
            return {}, {}
        engines = {name: Process(**process) for name, process in record["engines"].items()}
        return record["saved"], {name: process for name, process in engines.items() if process.alive()}

    def _store(self, saved: dict[str, str], engines: dict[str, Process]) -> None:
        self.record.parent.mkdir(mode=0o700, exist_ok=True)
        record = {"saved": saved, "engines": {name: asdict(process) for name, process in engines.items()}}
        fresh = self.record.with_suffix(".new")
        fresh.write_text(json.dumps(record))
        fresh.replace(self.record)


@contextlib.contextmanager
def locked(folder: Path) -> Generator[None]:
    """Hold a lock on a folder itself, so that no lock file is left behind; ends with the process at the latest."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def lacks_capability(number: int) -> bool:
    """Whether no process of this machine can have the capability, whatever it asks for."""
    status = Path("/proc/self/status").read_text().splitlines()
    bounding = next(int(line.split()[1], 16) for line in status if line.startswith("CapBnd:"))
    return not bounding >> number & 1


def file_system(path: Path, mounts: str | None = None) -> str:
    """The type of the file system that an existing folder lies on, such as `ext4` or `overlay`."""
    best, kind = Path("/"), "unknown"
    for line in (mounts or Path("/proc/self/mountinfo").read_text()).splitlines():
        before, _, after = line.partition(" - ")
        point = Path(before.split()[4].replace(r"\040", " "))
        # Later mounts lie above earlier ones at the same place.
        if path.is_relative_to(point) and point.is_relative_to(best):
            best, kind = point, after.split()[0]
    return kind
