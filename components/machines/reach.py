"""How a machine is reached, to look at it or to run something on it, whatever it is."""

import io
import re
import subprocess
import tarfile
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from components.machines.login import NOT_CONNECTED, Login

ANSWER_SECONDS = 60
"""How long a short command may take on a machine that is busy."""


_NO_CONTAINER = re.compile(r"Error.*(no such container|is not running|container state improper)", re.IGNORECASE)
"""What docker and podman say in the place of a command's own words."""


class ReachError(Exception):
    """A machine could not be reached, or refused a command: one line with the reason."""

    __module__ = "builtins"  # so that Pulumi shows "ReachError: …" without the path of this class


class Unreachable(ReachError):
    """Nobody answers at a machine's place, or another machine does."""

    __module__ = "builtins"


@dataclass(frozen=True)
class Reach:
    """A way to one machine."""

    machine: str
    """Its name, for messages."""

    prefix: Sequence[str] = ()
    """What stands before the words of a command that is to run there, such as `docker exec --interactive NAME`."""

    login: Login | None = None
    """How it is logged in to, where that is the way to it."""

    @staticmethod
    def of(facts: Mapping[str, Any]) -> "Reach":
        """The way that a machine's resource tells."""
        if "login" in facts:
            return Reach(facts["machine"], login=Login.of(facts["login"]))
        return Reach(facts["machine"], tuple(facts["prefix"]))

    def run(self, *words: str, stdin: str = "", seconds: float = ANSWER_SECONDS) -> str:
        """Run a command there and return what it printed.

        Args:
            words: The command; no shell reads it.
            stdin: What it reads. Secrets go here, never among the words.
            seconds: When to give up.

        Raises:
            ReachError: The machine was not reached, or the command failed or took too long.
        """
        return self._run(words, stdin.encode(), seconds)

    def put(self, files: Mapping[str, tuple[int, str | bytes]], seconds: float = ANSWER_SECONDS) -> None:
        """Write files there, for root: path → mode and content. What they hold is on no command line.

        Raises:
            ReachError: As with `run`.
        """
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            for path, (mode, content) in files.items():
                data = content.encode() if isinstance(content, str) else content
                entry = tarfile.TarInfo(path.lstrip("/"))
                entry.size, entry.mode, entry.mtime = len(data), mode, int(time.time())
                archive.addfile(entry, io.BytesIO(data))
        self._run(("tar", "--extract", "--no-same-owner", "--directory=/"), packed.getvalue(), seconds)

    def _run(self, words: Sequence[str], stdin: bytes, seconds: float) -> str:
        try:
            with self._command(words) as command:
                done = subprocess.run(command, input=stdin, capture_output=True, timeout=seconds)
        except OSError as error:
            program = self.prefix[0] if self.prefix else "ssh"
            raise ReachError(f"{self.machine}: {program} cannot be run: {error.strerror}") from None
        except subprocess.TimeoutExpired:
            raise ReachError(f"{self.machine}: `{words[0]}` has not ended within {seconds:.0f} s") from None
        said = done.stderr.decode(errors="replace")
        if self.login and done.returncode == NOT_CONNECTED:
            there, reason = self.login.refusal(said)
            raise (ReachError if there else Unreachable)(f"{self.machine}: {reason}")
        if self.login and done.returncode and (reason := self.login.refused_root(said)):
            raise ReachError(f"{self.machine}: {reason}")
        if done.returncode:
            last = (said.strip().splitlines() or ["it printed nothing"])[-1]
            if _NO_CONTAINER.match(last):
                raise Unreachable(f"{self.machine}: it is gone, or does not run")
            raise ReachError(f"{self.machine}: `{words[0]}` failed: {last}")
        return done.stdout.decode(errors="replace")

    @contextmanager
    def _command(self, words: Sequence[str]) -> Generator[list[str]]:
        if self.login is None:
            yield [*self.prefix, *words]
        else:
            with self.login.command(words) as command:
                yield command
