"""The plain `pulumi` command on a stack of Slipway's, as a user runs it, in a project and with a state of its own."""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).parents[2]
PASSPHRASE = "correct horse battery staple"

NOT_OURS = ("pulumi:pulumi:", "pulumi:providers:")
"""How the types of what Pulumi makes by itself begin; a Stash is Pulumi's too, and ours."""


@dataclass(frozen=True)
class Step:
    """One thing that the engine did, or would do."""

    operation: str
    """e.g. `create`, `update`, `create-replacement`, `delete-replaced`, `same`."""

    type: str
    name: str


@dataclass(frozen=True)
class Run:
    """How one command went."""

    command: str
    code: int
    output: str
    """What the user saw."""

    events: list[dict[str, Any]] = field(repr=False)

    @cached_property
    def changes(self) -> dict[str, int]:
        """How many resources of ours each operation met: all but the stack itself and the providers."""
        return dict(Counter(step.operation for step in self.steps if not step.type.startswith(NOT_OURS)))

    @cached_property
    def steps(self) -> list[Step]:
        """What was done, in the order of finishing; of a preview, what would be."""
        event = "resourcePreEvent" if self.command == "preview" else "resOutputsEvent"
        found = [entry[event]["metadata"] for entry in self.events if event in entry]
        return [Step(step["op"], step["type"], step["urn"].rpartition("::")[2]) for step in found]

    @cached_property
    def errors(self) -> list[str]:
        """The error messages, each as the user reads it."""
        return [
            entry["diagnosticEvent"]["message"].replace("<{%reset%}>", "").strip()
            for entry in self.events
            if entry.get("diagnosticEvent", {}).get("severity") == "error"
        ]

    @property
    def fault(self) -> str:
        """Why it failed: its error messages, or all that was shown where there is none."""
        return "\n".join(self.errors) or self.output

    def reasons(self, name: str) -> list[str]:
        """The properties that make the engine replace the resource `name`."""
        return [
            key
            for entry in self.events
            if (step := entry.get("resourcePreEvent", {}).get("metadata"))
            and step["urn"].endswith(f"::{name}")
            and step["op"] == "replace"
            for key in step.get("keys") or []
        ]


class Stack:
    """A stack in a copy of the project.

    Args:
        folder: Where the copy of the project, the state and the journal are.
        name: Name of the stack.
        environment: What the command sees of the machine.
    """

    def __init__(self, folder: Path, name: str, environment: Mapping[str, str]) -> None:
        self.name = name
        self.folder = folder
        self.project = folder / "project"
        self.file = self.project / "stacks" / f"Pulumi.{name}.yaml"
        self._state = folder / "state"
        self._journal = folder / "journal"
        self._events = folder / "events"
        self.environment = {
            **environment,
            "PULUMI_BACKEND_URL": f"file://{self._state}",
            "STAND_IN_JOURNAL": str(self._journal),
        }

    @classmethod
    def made(cls, folder: Path, name: str, environment: Mapping[str, str]) -> "Stack":
        """A new stack; its file is copied from `stacks/` where there is one."""
        stack = cls(folder, name, environment)
        stack._copy_project()
        stack._state.mkdir()
        stack._pulumi("stack", "select", "--create", name)
        return stack

    def copied(self, folder: Path) -> "Stack":
        """The same stack in another folder, with a state of its own from here on."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Stack(folder, self.name, self.environment)

    def set(self, **cluster: Any) -> None:
        """Write keys of `slipway:cluster`, as a stack file spells them; None takes a key out."""
        written = yaml.safe_load(self.file.read_text())
        values = {**written["config"].get("slipway:cluster", {}), **cluster}
        written["config"]["slipway:cluster"] = {key: value for key, value in values.items() if value is not None}
        self.file.write_text(yaml.safe_dump(written, sort_keys=False))

    def give(self, access: Mapping[str, Any] | None) -> None:
        """Write `slipway:access`, as a stack file spells it; None takes it out."""
        written = yaml.safe_load(self.file.read_text())
        written["config"].pop("slipway:access", None)
        written["config"] |= {"slipway:access": access} if access else {}
        self.file.write_text(yaml.safe_dump(written, sort_keys=False))

    def set_secret(self, key: str, value: str) -> None:
        """`pulumi config set --secret`, on the stack's own file."""
        self._pulumi("config", "set", "--secret", key, "--stack", self.name, stdin=value)

    def up(self, *options: str) -> Run:
        """`pulumi up`, which must succeed."""
        return self._succeed("up", "--yes", "--skip-preview", *options)

    def preview(self, *options: str) -> Run:
        """`pulumi preview`, which must succeed."""
        return self._succeed("preview", *options)

    def refresh(self, *options: str) -> Run:
        """`pulumi refresh`, which must succeed."""
        return self._succeed("refresh", "--yes", "--skip-preview", *options)

    def destroy(self, *options: str) -> Run:
        """`pulumi destroy`, which must succeed."""
        return self._succeed("destroy", "--yes", "--skip-preview", *options)

    def fails(self, command: str, *options: str) -> Run:
        """`pulumi` with `command`, which must fail."""
        assent = [] if command == "preview" else ["--yes", "--skip-preview"]
        run = self.run(command, *assent, *options)
        assert run.code != 0, f"pulumi {command} succeeded:\n{run.output}"
        return run

    def cancel(self) -> None:
        """`pulumi cancel`: take away the lock of a run that was killed."""
        self._pulumi("cancel", "--yes", "--stack", self.name)

    def run(self, command: str, *options: str) -> Run:
        """`pulumi` with `command` on this stack, however it goes."""
        self._events.unlink(missing_ok=True)
        done = self._pulumi(command, "--stack", self.name, "--event-log", str(self._events), *options, check=False)
        lines = self._events.read_text().splitlines() if self._events.exists() else []
        return Run(command, done.returncode, done.stdout, [json.loads(line) for line in lines])

    def outputs(self, *, show_secrets: bool = False) -> dict[str, Any]:
        """What the stack exports."""
        options = ["--show-secrets"] if show_secrets else []
        return json.loads(self._pulumi("stack", "output", "--stack", self.name, "--json", *options).stdout)

    def state(self) -> list[dict[str, Any]]:
        """The resources of the state file, as they are stored."""
        latest = json.loads(self.state_file().read_text())["checkpoint"]["latest"]
        return (latest or {}).get("resources", [])

    def state_file(self) -> Path:
        """Where the state is stored."""
        return self._state / ".pulumi" / "stacks" / "slipway" / f"{self.name}.json"

    def journal(self) -> list[tuple[str, str]]:
        """What stand-ins have been asked to do since the stack was made: operation and resource."""
        lines = self._journal.read_text().splitlines() if self._journal.exists() else []
        return [(entry["operation"], entry["name"]) for entry in map(json.loads, lines)]

    def _copy_project(self) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        for name in ("Pulumi.yaml", "__main__.py"):
            shutil.copy(PROJECT / name, self.project)
        for name in ("components", "pyproject.toml"):
            (self.project / name).symlink_to(PROJECT / name)
        (self.project / ".venv").symlink_to(sys.prefix)
        original = PROJECT / "stacks" / self.file.name
        if original.exists():
            shutil.copy(original, self.file)
        else:
            self.file.write_text("config: {}\n")

    def _succeed(self, command: str, *options: str) -> Run:
        run = self.run(command, *options)
        assert run.code == 0, f"pulumi {command} failed:\n{run.fault}"
        return run

    def _pulumi(self, *arguments: str, check: bool = True, stdin: str = "") -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            ["pulumi", "--non-interactive", "--color", "never", *arguments],
            cwd=self.project,
            env=self.environment,
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert not check or done.returncode == 0, f"pulumi {' '.join(arguments)} failed:\n{done.stdout}"
        return done


def environment(home: Path) -> dict[str, str]:
    """What a command sees of this machine: its programs, and nothing that is the user's.

    Args:
        home: Pulumi's own folder, with the plugins.
    """
    theirs = (
        "PULUMI_",
        "SLIPWAY_",
        "GOOGLE_",
        "GCLOUD_",
        "CLOUDSDK_",
        "AWS_",
        "AZURE_",
        "ARM_",
        "SCW_",
        "KUBECONFIG",
        "DIGITALOCEAN_",
    )
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(theirs)},
        "PATH": os.pathsep.join([str(Path(sys.prefix) / "bin"), os.environ.get("PATH", os.defpath)]),
        "PULUMI_HOME": str(home),
        "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        # For --event-log.
        "PULUMI_DEBUG_COMMANDS": "true",
        # A plugin that no stand-in replaces is an error here, never a download.
        "PULUMI_OPTION_SKIP_PLUGIN_PRE_INSTALL": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }
