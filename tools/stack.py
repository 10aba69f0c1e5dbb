"""A stack: its file, its place in the backend, and the plain `pulumi` commands on it."""

import difflib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import psutil
import yaml

from components import spec, targets
from components.bootstrap import charts
from components.cluster import Cluster, ClusterArgs
from components.machines import drivers
from components.machines.machine_args import Driver
from components.targets import Target
from tools import paths, workspace
from tools.console import Problem, say
from tools.run import run

PROJECT = "slipway"
_SALT = "encryptionsalt"
_NAME = re.compile(r"[A-Za-z0-9_.-]+")


@dataclass(frozen=True)
class Stack:
    """One stack of this project."""

    name: str

    @classmethod
    def find(cls, name: str) -> "Stack":
        """The stack of that name.

        Raises:
            Problem: It has no file in `stacks/`, or this shell is that of another clone.
        """
        workspace.refuse_shell_of_another_clone()
        stack = cls(name)
        if not _NAME.fullmatch(name) or not stack.file.is_file():
            known = sorted(
                path.name[len("Pulumi.") : -len(".yaml")] for path in (paths.PROJECT / "stacks").glob("Pulumi.*.yaml")
            )
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}"
            raise Problem(f"there is no stack {name!r}: stacks/ holds no such file; {hint}")
        return stack

    @property
    def file(self) -> Path:
        """The file in git that says what is wanted."""
        return paths.PROJECT / "stacks" / f"Pulumi.{self.name}.yaml"

    @property
    def copy(self) -> Path:
        """The ignored copy that Pulumi reads, and writes its salt into."""
        return paths.STACKS / self.file.name

    @cached_property
    def document(self) -> dict[str, Any]:
        """The stack file, read.

        Raises:
            Problem: It is not a YAML mapping, or has other keys than a stack file may have.
        """
        try:
            document = yaml.load(self.file.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - it is a safe one
        except OSError as error:
            raise Problem(f"stacks/{self.file.name} cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise Problem(
                f"stacks/{self.file.name} is not UTF-8 text (byte {error.start + 1}); save it as such"
            ) from error
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            where = f" (line {mark.line + 1})" if mark else ""
            what = getattr(error, "problem", None) or getattr(error, "reason", error)
            raise Problem(f"stacks/{self.file.name} is not YAML{where}: {what}") from error
        if not isinstance(document, dict):
            raise Problem(f"stacks/{self.file.name} has no `config:` mapping; see docs/reference.md")
        try:
            spec.parse(targets.StackFile, document)
        except spec.SpecError as error:
            raise self._problem(error) from error
        return document

    @cached_property
    def settings(self) -> dict[str, Any]:
        """What its file says under `slipway:`, without secrets.

        Raises:
            Problem: Something at the top of it is wrong.
        """
        try:
            settings = spec.settings_in(self.document["config"])
            targets.find(settings)
            return settings
        except spec.SpecError as error:
            raise self._problem(error) from error
        except RecursionError as error:
            raise Problem(
                f"stacks/{self.file.name} holds an alias (`*…`) that stands inside of what it repeats"
            ) from error

    @property
    def target(self) -> Target:
        """The target that the stack asks for.

        Raises:
            Problem: There is none of that name.
        """
        return targets.find(self.settings)

    def check(self) -> Mapping[str, Any]:
        """The arguments of the stack's cluster, once they are found right.

        Raises:
            Problem: Something is wrong with the stack file, one line a fault.
        """
        return self.read()[1]

    def read(self) -> tuple[type[Cluster], ClusterArgs]:
        """The component of the stack's target, and the arguments of its cluster, once they are found right.

        Raises:
            Problem: Something is wrong with the stack file, one line a fault.
        """
        try:
            return targets.read(self.settings, self.name)
        except spec.SpecError as error:
            raise self._problem(error) from error

    @property
    def cluster(self) -> Mapping[str, Any]:
        """What stands under `slipway:cluster`, as written."""
        return self.settings["cluster"]

    @property
    def driver(self) -> Driver | None:
        """Where the machines of its cluster come from, where they are one's own."""
        match self.settings.get("cluster"):
            case {"machines": {"driver": str(chosen)}} if self.target.name == "kubeadm" and chosen in list(Driver):
                return Driver(chosen)
        return None  # where it is misspelt, the check of the stack file says so

    @property
    def extras(self) -> list[str]:
        """The extras of pyproject.toml with the SDKs that it needs."""
        comes_as_chart = self.driver is not None and self.cluster.get("cni") in list(charts.CHARTS)
        needed = (
            drivers.DRIVERS[self.driver].extra if self.driver else self.target.extra,
            charts.EXTRA if comes_as_chart or "access" in self.settings else None,
        )
        return [extra for extra in needed if extra]

    @property
    def in_containers(self) -> bool:
        """Whether its nodes are containers on this machine, for which an engine is had."""
        # minikube's own driver; no other target has such a key.
        in_docker = self.cluster.get("driver", "docker") == "docker"
        return self.target.in_containers and in_docker and self.driver in (None, Driver.CONTAINER)

    @property
    def is_production(self) -> bool:
        """Whether the cluster is protected from deletion."""
        return bool(self.cluster.get("deletionProtection", self.target.protected))

    @property
    def exists(self) -> bool:
        """Whether the backend knows the stack."""
        if workspace.backend_is_own():
            known = paths.STATE / f".pulumi/stacks/{PROJECT}"
            return any((known / f"{self.name}{kind}").exists() for kind in workspace.STATE_FILES)
        listed = json.loads(run(["pulumi", "stack", "ls", "--json", "--project", PROJECT], cwd=paths.STACKS))
        return any(stack["name"].rpartition("/")[2] == self.name for stack in listed)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left in it, as after a destroy that was not of a part alone."""
        exported = json.loads(run(["pulumi", "stack", "export", "--stack", self.name], cwd=paths.STACKS))
        return not (exported["deployment"] or {}).get("resources")

    def create(self) -> None:
        """Have the backend know the stack, and a fresh copy of its file for Pulumi."""
        # `pulumi stack init` writes into the stack file of the project that it runs in: here, one of its own.
        (paths.STACKS / "Pulumi.yaml").write_text(f"name: {PROJECT}\nruntime: python\n")
        if not self.exists:
            self.copy.unlink(missing_ok=True)
            provider = self.document.get("secretsprovider")
            run(
                ["pulumi", "stack", "init", self.name, "--non-interactive", "--no-select"]
                + (["--secrets-provider", provider] if provider else []),
                cwd=paths.STACKS,
            )
        self._write_copy()

    def pulumi(self, command: str, *words: str) -> None:
        """Run `pulumi COMMAND` on the stack, with the user's terminal.

        Raises:
            Problem: It failed; what went wrong has been shown by Pulumi.
        """
        self._clear_lock_of_a_dead_run()
        argv = ["pulumi", command, "--stack", self.name, "--config-file", str(self.copy), *words]
        interrupts: list[int] = []
        # Pulumi gets it from the terminal too: it ends what runs, writes the state and releases its lock.
        before = signal.signal(signal.SIGINT, lambda number, _frame: interrupts.append(number))
        try:
            code = subprocess.run(argv, cwd=paths.PROJECT).returncode
        finally:
            signal.signal(signal.SIGINT, before)
        if interrupts:
            raise KeyboardInterrupt
        if code:
            raise Problem(f"pulumi {command} of {self.name} failed ({code}); the reason stands above")

    def output(self, name: str) -> str:
        """One of the outputs that the last `up` left, in plain even if it is a secret.

        Raises:
            Problem: There is none.
        """
        return run(["pulumi", "stack", "output", name, "--show-secrets", "--stack", self.name], cwd=paths.STACKS)

    def remove(self) -> None:
        """Have the backend forget the stack, which holds no resource any more; our own keeps no backup of it either."""
        backups = ["--remove-backups"] if workspace.backend_is_own() else []
        run(["pulumi", "stack", "rm", "--yes", "--preserve-config", *backups, "--stack", self.name], cwd=paths.STACKS)
        self.copy.unlink(missing_ok=True)

    def _problem(self, error: spec.SpecError) -> Problem:
        return Problem("\n".join(f"stacks/{self.file.name}: {fault}" for fault in error.faults))

    def _write_copy(self) -> None:
        """Copy the stack file, with the salt that Pulumi chose when the stack was made."""
        text = self.file.read_text()
        # Pulumi writes a salt wherever it runs, and one from another clone fits no passphrase here: in our own backend
        # it counts only where values of the file were encrypted with it.
        if workspace.backend_is_own() and "secure:" not in text:
            text = re.sub(rf"^{_SALT}:.*\n?", "", text, flags=re.MULTILINE)
        if f"{_SALT}:" not in text and self.copy.exists():
            salt = (yaml.safe_load(self.copy.read_text()) or {}).get(_SALT)
            if salt:
                text = f"{_SALT}: {salt}\n{text}"
        fresh = self.copy.with_suffix(".new")
        fresh.write_text(text)
        fresh.replace(self.copy)

    def _clear_lock_of_a_dead_run(self) -> None:
        """Release the state from a run that was killed; leave it to one that still works.

        Raises:
            Problem: Another run works on this stack.
        """
        if not workspace.backend_is_own():
            return
        folder = paths.STATE / f".pulumi/locks/organization/{PROJECT}/{self.name}"
        for file in folder.glob("*.json"):
            lock = json.loads(file.read_text())
            if _holds(lock):
                raise Problem(
                    f"another run works on {self.name} (process {lock['pid']} since {_taken(lock):%H:%M:%S}): "
                    "wait for its end, or stop it, and try again"
                )
            say(f"the last run on {self.name} was killed; going on from where it stopped")
            run(["pulumi", "cancel", "--yes", "--stack", self.name], cwd=paths.STACKS)
            return


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice in one mapping, as Pulumi does, where YAML's own loader takes the last one."""

    def compose_mapping_node(self, anchor: dict[Any, yaml.Node]) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.MarkedYAMLError(problem=f"{key.value!r} stands there twice", problem_mark=key.start_mark)
                seen.add(key.value)
        return node


def _holds(lock: Mapping[str, Any]) -> bool:
    """Whether the process that took a lock still runs; its number may have been given to another one since."""
    if lock["hostname"] != os.uname().nodename:
        return True
    try:
        started = psutil.Process(lock["pid"]).create_time()
    except psutil.NoSuchProcess:
        return False
    return started <= _taken(lock).timestamp() + 1


def _taken(lock: Mapping[str, Any]) -> datetime:
    # Go writes nanoseconds, which Python 3.11 does not read.
    return datetime.fromisoformat(re.sub(r"\.\d+", "", lock["timestamp"])).astimezone()


def is_interactive() -> bool:
    """Whether somebody is there to answer Pulumi's question."""
    return sys.stdin.isatty() and sys.stdout.isatty()
