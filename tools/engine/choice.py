"""Which container engine to use: the one that answers, in a fixed order, or a private one where nothing else is."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tools import paths
from tools.console import Problem, say
from tools.engine.private import PrivateEngine

ANSWER_SECONDS = 10
"""An engine that takes longer to tell its version counts as not running."""


@dataclass(frozen=True)
class Engine:
    """A container engine that answers."""

    cli: str
    """`docker` or `podman`."""

    environment: Mapping[str, str] = field(default_factory=dict)
    """What a program needs, beside its own environment, to use this engine: PATH among it, when it must differ."""

    private: bool = False
    """Whether Slipway started it."""


def find() -> Engine | None:
    """The engine that answers, if any: the one that DOCKER_HOST or DOCKER_CONTEXT names, else the private one (what was
    made in it must be found again), else docker, else podman.

    Raises:
        Problem: DOCKER_HOST or DOCKER_CONTEXT names an engine that does not answer.
    """  # noqa: D205
    private = _private()
    named = _named(private)
    if not named and private.answers():
        return Engine("docker", private.environment, private=True)
    failure = _failure("docker", "version", "--format", "{{.Server.Version}}")
    if failure is None:
        return Engine("docker")
    # Who has Podman alone names its socket too, for others than podman itself.
    podman_is_asked = not named or shutil.which("docker") is None
    if podman_is_asked and _failure("podman", "info", "--format", "{{.Version.Version}}") is None:
        return Engine("podman", {"KIND_EXPERIMENTAL_PROVIDER": "podman"})
    if named:
        raise Problem(f"{named} does not answer: {failure}; start that engine, or unset {named.partition('=')[0]}")
    return None


def ensure() -> Engine:
    """The engine that answers, or a private one, started now and announced.

    Raises:
        Problem: None answers and a private one cannot be had here.
    """
    found = find()
    if found:
        return found
    private = _private()
    if not _private_can_run():
        raise Problem(f"no container engine answers: {_fix()}")
    say(f"no container engine answers; a private one is used, in {private.folder}")
    say("it leaves the machine's network, packages and services as they are; `make engine-down` ends it")
    private.start()
    return Engine("docker", private.environment, private=True)


def stop_private_if_idle() -> bool:
    """End the private engine when it holds no container, not even a stopped one; whether it did. Images are kept."""
    return _private_can_run() and _private().stop_if_idle()


def up() -> None:
    """Have an engine that answers, and tell which."""
    ensure()
    status()


def down() -> None:
    """End the private engine with all its containers; images are kept. Any other engine is left alone."""
    if _private().process is None:
        say("no private engine runs, and any other one is left alone")
    if _private_can_run():
        _private().stop()


def status() -> None:
    """Tell which engine is used, and where the private one keeps its files."""
    engine, private = find(), _private()
    if engine is None:
        say("no container engine answers")
    elif engine.private:
        say(f"private engine, DOCKER_HOST={engine.environment['DOCKER_HOST']}, {private.containers()} containers")
        say(f"its files: {private.folder}; its log: {private.log}")
    else:
        say(f"{engine.cli} answers")


def _private() -> PrivateEngine:
    return PrivateEngine(paths.CACHE / "engine")


def _private_can_run() -> bool:
    return sys.platform == "linux" and os.geteuid() == 0 and shutil.which("apt-get") is not None


def _named(private: PrivateEngine) -> str | None:
    """The variable by which the user chose an engine. The private one's address, from `make env`, is no such choice."""
    if os.environ.get("DOCKER_HOST") == private.environment["DOCKER_HOST"]:
        return None
    return next(
        (f"{name}={os.environ[name]}" for name in ("DOCKER_HOST", "DOCKER_CONTEXT") if os.environ.get(name)), None
    )


def _failure(*command: str) -> str | None:
    """Why a command failed, in one line, or none when it worked."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=ANSWER_SECONDS, stdin=subprocess.DEVNULL)
    except FileNotFoundError:
        return f"{command[0]} is not installed"
    except subprocess.TimeoutExpired:
        return f"{command[0]} gave no answer within {ANSWER_SECONDS} s"
    if done.returncode == 0:
        return None
    return (done.stderr.strip().splitlines() or [f"{command[0]} printed nothing"])[-1]


def _fix() -> str:
    """What to do on this machine to have an engine."""
    if sys.platform == "darwin":
        return "start Docker Desktop, or install it (or OrbStack, Colima, Podman)"
    if sys.platform == "win32":
        return "start Docker Desktop with its WSL 2 engine"
    if "permission denied" in (_failure("docker", "version", "--format", "{{.Server.Version}}") or ""):
        return "Docker runs but is not yours to use: `sudo usermod -aG docker $USER`, then log in again"
    if shutil.which("dockerd") or Path("/lib/systemd/system/docker.service").exists():
        return "start Docker: `sudo systemctl start docker`"
    return "install Docker or Podman and start it; as root on Debian or Ubuntu, a private engine is started by itself"
