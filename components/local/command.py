"""The programs that make clusters here: their lines as they come, and never two of them at once on one cluster."""

import contextlib
import fcntl
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path

from components import progress

LOCK_SECONDS = 300
"""How long to wait for a program that an earlier, killed run left working on the same cluster."""


class CommandError(Exception):
    """Such a program is missing, failed, or may not do what it was asked: one line with the fix."""

    __module__ = "builtins"  # so that Pulumi shows "CommandError: …" without the path of this class


@contextlib.contextmanager
def only_one(program: str, name: str) -> Generator[int]:
    """Hold the lock of the cluster `name`; `program` itself inherits it, so that it lasts as long as one that lost us.

    Raises:
        CommandError: Somebody else held it for all of `LOCK_SECONDS`.
    """
    folder = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir(), f"slipway-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise CommandError(f"{folder} belongs to somebody else; remove it, or set XDG_RUNTIME_DIR to a folder of yours")
    deadline = time.monotonic() + LOCK_SECONDS
    with (folder / f"{program}-{name}.lock").open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise CommandError(
                        f"another run still works on the cluster {name}; end it (`pgrep -af {program}`) and try again"
                    ) from None
                progress.status("waiting for an earlier run that still works on this cluster")
                time.sleep(0.5)
        yield lock.fileno()


def follow(
    words: Sequence[str],
    each: Callable[[str], None],
    *,
    environment: Mapping[str, str],
    fix: str,
    lock: int | None,
    stdin: str = "",
) -> tuple[int, list[str]]:
    """Run a program that works for a while, with each of its lines, of both streams, as it comes.

    Args:
        words: The program and its arguments.
        each: What is done with a line.
        environment: What the program sees beside this process's own environment.
        fix: What to do where there is no such program.
        lock: What `only_one` yields, for the program and all that it starts to hold on to; none where that outlives it.
        stdin: What it reads.

    Returns:
        Its exit code, and all of its lines.

    Raises:
        CommandError: There is no such program.
    """
    lines: list[str] = []
    with tempfile.TemporaryFile("w+") as given:
        given.write(stdin)
        given.seek(0)
        try:
            process = subprocess.Popen(
                words,
                stdin=given,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                env=environment_of(environment),
                pass_fds=() if lock is None else (lock,),
            )
        except OSError as error:
            raise _cannot_be_run(words[0], error, fix) from None
    with process:
        progress.adopt(process.pid)
        assert process.stdout  # noqa: S101 - it is a pipe
        for line in process.stdout:
            lines.append(line.rstrip())
            each(lines[-1])
    progress.release(process.pid)
    return process.returncode, lines


def ask(
    words: Sequence[str], *, environment: Mapping[str, str], fix: str, seconds: float = 60
) -> subprocess.CompletedProcess[str]:
    """Run a program that answers a question.

    Raises:
        CommandError: There is no such program, or it has not answered within `seconds`.
    """
    try:
        return subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            env=environment_of(environment),
            timeout=seconds,
        )
    except OSError as error:
        raise _cannot_be_run(words[0], error, fix) from None
    except subprocess.TimeoutExpired:
        raise CommandError(f"{' '.join(words[:3])} has not answered within {seconds:.0f} s; try again") from None


def environment_of(given: Mapping[str, str]) -> dict[str, str]:
    """What such a program sees: this process's own environment and `given`, but no settings that a shell has for it.

    Each flag of minikube and k3d can be given as a variable, MINIKUBE_… and K3D_…: a cluster would then be another one
    than its stack says.
    """
    own = {name: value for name, value in os.environ.items() if not _SETTING.match(name)}
    return {**own, **given}


# What stays is about this machine, and no flag: which engine there was before `minikube docker-env`, where k3d's own
# images come from, and what k3d is to mend for this engine.
_SETTING = re.compile(r"MINIKUBE_(?!ACTIVE_|EXISTING_)|K3D_(?!IMAGE_|HELPER_IMAGE_|FIX_)")


def _cannot_be_run(program: str, error: OSError, fix: str) -> CommandError:
    if isinstance(error, FileNotFoundError):
        return CommandError(f"{program} is not on PATH; {fix}")
    return CommandError(f"{program} cannot be run: {error.strerror}; {fix}")
