"""Runs of a stack: an `up` that something happens to at a chosen moment, and one that a command of `make` is behind."""

import os
import subprocess

import psutil
import pytest
import yaml

from tests.engine.slipway import Stack
from tools import snapshots


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


class Commands:
    """A stack of the tests' as the commands behind `make` take it."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.name = stack.name
        self.cluster = yaml.safe_load(stack.file.read_text())["config"]["slipway:cluster"]

    def check(self) -> dict[str, str]:
        return {"name": self.cluster["name"], "version": self.cluster["version"]}

    def pulumi(self, command: str, *words: str) -> None:
        self._stack.environment[snapshots.RESTORE] = os.environ[snapshots.RESTORE]
        ran = self._stack.run(command, "--yes", "--skip-preview", *words)
        del self._stack.environment[snapshots.RESTORE]
        assert ran.code == 0, ran.fault
