"""A process that is remembered beyond the program that started it, and never mistaken for another one."""

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Process:
    """A process by its id and the moment it started: ids are given out again, after a while or a reboot."""

    pid: int
    started: str
    """The machine's boot, and clock ticks since then."""

    @classmethod
    def of(cls, pid: int) -> "Process":
        """The process that has this id now.

        Raises:
            ProcessLookupError: None has.
        """
        started = _started(pid)
        if started is None:
            raise ProcessLookupError(f"no process {pid}")
        return cls(pid, started)

    def alive(self) -> bool:
        """Whether that very process still runs; one that ended and was not yet collected does not."""
        return _started(self.pid) == self.started

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to that very process; nothing happens when it has ended."""
        with contextlib.suppress(ProcessLookupError):
            handle = os.pidfd_open(self.pid)
            try:
                # Checked once the handle is held: from here on it cannot become another process.
                if self.alive():
                    signal.pidfd_send_signal(handle, number)
            finally:
                os.close(handle)

    def wait(self, seconds: float) -> bool:
        """Wait for its end; whether it came in time."""
        deadline = time.monotonic() + seconds
        while self.alive():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True


def _started(pid: int) -> str | None:
    try:
        # The name, in brackets, may hold anything: what follows it is counted from the last bracket.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    state, ticks = fields[0], fields[19]
    return None if state in "ZX" else f"{_BOOT.read_text().strip()} {ticks}"
