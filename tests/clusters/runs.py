"""A `pulumi up` that is watched while it runs, so that something can happen to it at a chosen moment."""

import subprocess

import psutil
import pytest

from tests.engine.slipway import Stack


class WatchedUp:
    """`pulumi up` of a stack, from the moment when it shows a step of kind."""

    def __init__(self, stack: Stack, step: str) -> None:
        words = ["--non-interactive", "--color=never", "up", "--yes", "--skip-preview", "--stack", stack.name]
        self._stack = stack
        self._run = subprocess.Popen(
            ["pulumi", *words],
            cwd=stack.project,
            env=stack.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self._run.stdout
        self._shown = ""
        for line in self._run.stdout:
            self._shown += line
            if step in line:
                return
        pytest.fail(f"pulumi never showed {step!r}:\n{self.finish()}")

    def children(self) -> list[psutil.Process]:
        """Its plugins, kind and all that kind runs."""
        return psutil.Process(self._run.pid).children(recursive=True)

    def kill(self) -> None:
        """End Pulumi itself as `kill -9` does, and take away the lock that it leaves."""
        self._run.kill()
        self.finish()
        self._stack.cancel()

    def finish(self) -> str:
        """Wait for its end; all that it has shown."""
        with self._run as run:
            if run.stdout:
                self._shown += run.stdout.read()
        return self._shown
