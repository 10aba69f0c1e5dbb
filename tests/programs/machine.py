"""The machine that the programs work on: containers, networks, volumes, and what was asked of each program."""

import json
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NoReturn

CA = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg=="


@dataclass
class Machine:
    """What there is."""

    containers: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Name → `labels`, `status` and `files`; of k3d's load balancer, to which nodes `ports` lead."""

    networks: list[str] = field(default_factory=list)
    volumes: list[str] = field(default_factory=list)
    answers: bool = True
    """Whether the engine answers."""

    dies_at: str = ""
    """The program that is killed in the middle of this, once: `k3d cluster create`."""

    @property
    def names(self) -> list[str]:
        """The containers there are."""
        return sorted(self.containers)


def folder() -> Path:
    return Path(os.environ["STAND_IN_MACHINE"])


@contextmanager
def machine() -> Generator[Machine]:
    """The machine, which keeps what is done to it."""
    file = folder() / "machine.json"
    found = Machine(**json.loads(file.read_text())) if file.exists() else Machine()
    try:
        yield found
    finally:
        file.write_text(json.dumps(asdict(found)))


def called(program: str) -> list[str]:
    """The arguments that the program was given, which are remembered."""
    words = sys.argv[1:]
    seen = {name: value for name, value in os.environ.items() if name.startswith(("KUBECONFIG", "MINIKUBE_", "K3D_"))}
    with (folder() / "calls").open("a") as calls:
        calls.write(json.dumps([[program, *words], seen]) + "\n")
    return words


def calls(*beginning: str) -> list[list[str]]:
    """What was asked that begins so."""
    return [words for words, _ in _calls() if words[: len(beginning)] == list(beginning)]


def environments() -> list[dict[str, str]]:
    """What each call of a program saw of the variables that are about it."""
    return [seen for words, seen in _calls() if words[0] != "docker"]


def kubeconfigs() -> set[str]:
    """The kubeconfigs that the programs saw as the user's."""
    return {seen["KUBECONFIG"] for seen in environments()}


def _calls() -> list[Any]:
    file = folder() / "calls"
    return list(map(json.loads, file.read_text().splitlines())) if file.exists() else []


def option(words: list[str], name: str, default: str = "") -> str:
    """The value of `--name value` or `--name=value`."""
    for index, word in enumerate(words):
        if word == name:
            return words[index + 1]
        if word.startswith(f"{name}="):
            return word.partition("=")[2]
    return default


def fail(message: str, code: int = 1) -> NoReturn:
    sys.stderr.write(message + "\n")
    sys.exit(code)
