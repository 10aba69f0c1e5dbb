"""Running other programs: never through a shell, output to a log, a failure as one line."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.console import Problem


def run(
    argv: Sequence[str | Path],
    *,
    log: Path | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: bytes | None = None,
) -> str:
    """Run `argv` to its end and return what it printed on stdout.

    Args:
        argv: The program, found on PATH, and its arguments. No secret belongs here: others can list them.
        log: A file that takes stdout and stderr instead (appended); the answer is then empty.
        env: Variables set beside this process's own.
        cwd: The folder to run in.
        stdin: What the program reads; nothing by default.

    Raises:
        Problem: The program is missing or failed; the last line it printed stands in the message.
    """
    words = [str(word) for word in argv]
    sink = None
    try:
        if log is not None:
            log.parent.mkdir(parents=True, exist_ok=True)
            sink = log.open("ab")
        done = subprocess.run(
            words,
            input=stdin if stdin is not None else b"",
            stdout=sink or subprocess.PIPE,
            stderr=sink or subprocess.PIPE,
            env={**os.environ, **env} if env else None,
            cwd=cwd,
        )
    except FileNotFoundError as error:
        raise Problem(f"{words[0]} is not installed, or its folder is gone") from error
    finally:
        if sink is not None:
            sink.close()
    if done.returncode:
        printed = log.read_bytes() if log else done.stderr or done.stdout
        last = (printed.decode(errors="replace").strip().splitlines() or ["it printed nothing"])[-1]
        where = f" (all of it: {log})" if log else ""
        raise Problem(f"{' '.join(words[:3])} failed with {done.returncode}: {last}{where}")
    return "" if log else done.stdout.decode(errors="replace")
