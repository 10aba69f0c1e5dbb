"""The `minikube` program, in a MINIKUBE_HOME of the cluster's own: its events as progress, its failures as one line.

Why not in the user's: `minikube delete` forgets which profile the user has chosen, settings of `minikube config` change
what a start makes, and all clusters of one home are signed by one CA. In a home of its own a cluster touches none of
that, and whatever is there is ours. What was downloaded is shared by all of them.
"""

import contextlib
import json
import os
import re
import subprocess
import tempfile
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components import progress
from components.local import command, minikube_config
from components.local.command import CommandError

NOT_THERE = 'run `make up`, or `eval "$(make -s env)"` first, or install minikube 1.37 or newer'

NONEXISTENT = "Nonexistent"
"""minikube's word for a node that is gone; it is its word for one that it cannot ask for, too."""


class MinikubeError(CommandError):
    """minikube failed, or may not do what it was asked: one line with the fix."""

    __module__ = "builtins"  # so that Pulumi shows "MinikubeError: …" without the path of this class


@dataclass(frozen=True)
class Node:
    """A node as minikube tells it."""

    name: str
    """`demo` or `demo-m02`."""

    status: str
    """minikube's word for its machine: `Running`, `Stopped`, `Paused`, `Nonexistent`, …"""

    worker: bool


def home_of(claim: str) -> Path:
    """The MINIKUBE_HOME of the cluster of a claim."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state"
    return Path(state, "slipway/minikube", claim)


def make_home(home: Path) -> None:
    """Make a home, if it is not there.

    Others may pass through: the virtual machines of libvirt run as a user of their own, who opens disks in it.
    """
    for folder in (home.parent, home, home / ".minikube"):
        folder.mkdir(mode=0o711, parents=True, exist_ok=True)
    own = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    downloads = Path(os.environ.get("SLIPWAY_CACHE") or Path(own, "slipway"), "minikube")
    downloads.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        (home / ".minikube/cache").symlink_to(downloads)


def start(home: Path, name: str, flags: Sequence[str], lock: int | None) -> str:
    """Run `minikube start`, which makes the cluster, or brings what there is of it to what the flags say.

    Returns:
        The kubeconfig. The user's own is not touched.

    Raises:
        MinikubeError: minikube failed.
    """
    with _environment(home) as environment:
        words = ["start", "--profile", name, *flags, "--output=json", "--interactive=false", "--wait-timeout=6m"]
        _work(name, words, environment, lock)
        return Path(environment["KUBECONFIG"]).read_text()


def add_worker(home: Path, name: str, lock: int | None) -> None:
    """Add a worker to a running cluster.

    Raises:
        MinikubeError: minikube failed.
    """
    with _running(home, name) as environment:
        _work(name, ["node", "add", "--profile", name, "--worker"], environment, lock)


def remove_node(home: Path, name: str, node: str, lock: int | None) -> None:
    """Drain a node and remove its machine.

    Raises:
        MinikubeError: minikube failed.
    """
    with _running(home, name) as environment:
        _work(name, ["node", "delete", node, "--profile", name], environment, lock)


def delete(home: Path, name: str, lock: int | None) -> None:
    """Remove all of a cluster; none being there is fine.

    Raises:
        MinikubeError: minikube failed.
    """
    if not (home / ".minikube/profiles" / name).exists():
        return
    with _environment(home) as environment:
        _work(name, ["delete", "--profile", name, "--output=json"], environment, lock)


def nodes(home: Path, name: str) -> list[Node]:
    """The nodes of a cluster, control planes first; none where there is no such cluster.

    Raises:
        MinikubeError: minikube cannot tell.
    """
    if (config := _config(home, name)) is None:
        return []
    several = len(config["Nodes"]) > 1
    found = []
    with _environment(home) as environment:
        for node in config["Nodes"]:
            # As pkg/minikube/config/profile.go names machines.
            machine = f"{name}-{node['Name']}" if several and node["Name"] else name
            found.append(Node(machine, _status(name, machine, environment), worker=not node["ControlPlane"]))
    return sorted(found, key=lambda node: (node.worker, len(node.name), node.name))


def version(home: Path, name: str) -> str:
    """The Kubernetes version of a cluster, e.g. `v1.35.1`.

    Raises:
        MinikubeError: There is no such cluster.
    """
    if (config := _config(home, name)) is None:
        raise MinikubeError(f"the cluster {name}: minikube does not know it; run `make refresh`, then `make up`")
    return config["KubernetesConfig"]["KubernetesVersion"]


def known_versions() -> list[str]:
    """The versions of Kubernetes that this minikube makes, newest first.

    Raises:
        MinikubeError: It does not tell.
    """
    with _nowhere() as environment:
        done = _ask(["config", "defaults", "kubernetes-version", "--output=json"], environment)
    return _json("", done)


def try_out(name: str, flags: Sequence[str]) -> None:
    """Have minikube check what it would be told to make; nothing is made.

    Raises:
        MinikubeError: It cannot be made: the driver does not work here, say.
    """
    with _nowhere() as environment:
        done = _ask(
            ["start", "--dry-run", "--profile", name, *flags, "--output=json", "--interactive=false"], environment
        )
    if done.returncode:
        raise MinikubeError(explain(name, [*done.stdout.splitlines(), *done.stderr.splitlines()]))


def is_taken(name: str) -> bool:
    """Whether a cluster of that name is there that is not ours: in the user's own home, or anybody's container.

    minikube lists docker's containers with its label alone, and a start that meets another one removes it.

    Raises:
        MinikubeError: minikube cannot tell.
    """
    own = Path(os.environ.get("MINIKUBE_HOME") or Path.home())
    if ((own if own.name == ".minikube" else own / ".minikube") / "profiles" / name).exists():
        return True
    for engine in ("docker", "podman"):
        inspect = [engine, "container", "inspect", name]
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            if not subprocess.run(inspect, stdin=subprocess.DEVNULL, capture_output=True, timeout=20).returncode:
                return True
    with _nowhere() as environment:
        # Where there is no folder of profiles, minikube does not look for containers either.
        Path(environment["MINIKUBE_HOME"], ".minikube/profiles").mkdir(parents=True)
        done = _ask(["profile", "list", "--output=json"], environment)
    told = _json(name, done)
    return any(profile["Name"] == name for profile in [*told["valid"], *told["invalid"]])


@contextlib.contextmanager
def only_one(name: str, driver: str | None = None) -> Generator[int | None]:
    """Hold the lock of the cluster `name`, for minikube to hold on to: see `command.only_one`.

    Where machines of `driver` are processes that minikube leaves behind, there is nothing to hold on to: they would
    inherit it, and hold it for as long as they run.
    """
    with command.only_one("minikube", name) as lock:
        yield None if driver in minikube_config.LEFT_BEHIND else lock


def explain(name: str, lines: Sequence[str]) -> str:
    """Why minikube failed, in one line, from what it printed."""
    errors = [event["data"] for event in map(_event, lines) if event and event["type"].endswith(".error")]
    if errors:
        # What has no name is a box that asks to report what went wrong.
        error = ([one for one in errors if one.get("name")] or errors)[-1]
        sentences = [" ".join(error.get(key, "").split()) for key in ("message", "advice")]
        why = "; ".join(sentence.rstrip(".") for sentence in sentences if sentence)
        if found := _NO_IMAGE.search(why):
            why = f"its image {found['image']} cannot be pulled: {found['reason']}; have the engine reach its registry"
        elif refused := _REFUSED.findall(why):
            # Around it stands all that kubeadm printed.
            more = f", and {len(refused) - 1} more" if len(refused) > 1 else ""
            why = f"kubeadm refuses the node: {refused[0][1]} ({refused[0][0]}{more})"
        return f"the cluster {name}: minikube failed: {why} ({error.get('name') or 'no code'})"
    # Nodes are added and deleted without events: `X Exiting due to GUEST_NODE_ADD: …`.
    exiting = [line.partition("Exiting due to ")[2] for line in lines if "Exiting due to " in line]
    last = (exiting or [line.strip() for line in lines if line.strip()] or ["it printed nothing"])[-1]
    return f"the cluster {name}: minikube failed: {last}"


_NO_IMAGE = re.compile(
    r"Unable to find image '(?P<image>[^'@]+)[^']*' locally docker: Error response from daemon: "
    r"(?P<reason>.+?)\. See 'docker"
)
_REFUSED = re.compile(r"\[ERROR ([\w-]+)\]: (.+?)(?= \[ERROR | \[preflight\]|$)")
# No wider: an engine's program that is "not found" tells nothing of nodes.
_GONE = re.compile(r"no such container|no such object|domain not found", re.I)
_ORNAMENTS = re.compile(r"^[^\w\"']+|[^\x00-\x7f]+")


@contextlib.contextmanager
def _environment(home: Path) -> Generator[dict[str, str]]:
    make_home(home)
    with tempfile.TemporaryDirectory(prefix="slipway-") as folder:
        yield {
            "MINIKUBE_HOME": str(home),
            "KUBECONFIG": str(Path(folder, "kubeconfig")),
            "MINIKUBE_IN_STYLE": "false",
            "MINIKUBE_WANTUPDATENOTIFICATION": "false",
        }


@contextlib.contextmanager
def _running(home: Path, name: str) -> Generator[dict[str, str]]:
    """For what asks the cluster's API itself, by the context that minikube else finds in the user's kubeconfig."""
    with _environment(home) as environment:
        done = _ask(["update-context", "--profile", name], environment)
        if done.returncode:
            raise MinikubeError(explain(name, [*done.stdout.splitlines(), *done.stderr.splitlines()]))
        yield environment


@contextlib.contextmanager
def _nowhere() -> Generator[dict[str, str]]:
    """A home that goes, for what is asked of minikube and not of a cluster."""
    with tempfile.TemporaryDirectory(prefix="slipway-") as folder, _environment(Path(folder, "home")) as environment:
        yield environment


def _work(name: str, words: list[str], environment: dict[str, str], lock: int | None) -> None:
    def show(line: str) -> None:
        if step := _step(line):
            progress.status(step)

    code, lines = command.follow(["minikube", *words], show, environment=environment, fix=NOT_THERE, lock=lock)
    if code:
        raise MinikubeError(explain(name, lines))


def _ask(words: list[str], environment: dict[str, str]) -> Any:
    return command.ask(["minikube", *words], environment=environment, fix=NOT_THERE)


def _config(home: Path, name: str) -> dict[str, Any] | None:
    """What minikube remembers of a cluster; none where there is no such cluster."""
    with _environment(home) as environment:
        told = _json(name, _ask(["profile", "list", "--light", "--output=json"], environment))
    return next((profile["Config"] for profile in told["valid"] if profile["Name"] == name), None)


def _status(name: str, machine: str, environment: dict[str, str]) -> str:
    """The status of a machine, which is asked for alone: where one is gone, minikube tells of none of a cluster's.

    Raises:
        MinikubeError: minikube cannot tell.
    """
    done = _ask(["status", "--profile", name, "--node", machine, "--output=json"], environment)
    # The exit code only says what stands in the answer.
    status = (_json(name, done) or {}).get("Host", NONEXISTENT)
    why = " ".join(done.stderr.partition("status error: ")[2].split())
    if status == NONEXISTENT and why and not _GONE.search(why):
        raise MinikubeError(f"the cluster {name}: minikube cannot ask for {machine}: {why}; mend that, and try again")
    return status


def _json(name: str, done: Any) -> Any:
    """The last line of an answer that is JSON and no event."""
    for line in reversed(done.stdout.splitlines()):
        try:
            told = json.loads(line)
        except ValueError:
            continue
        if not (isinstance(told, dict) and "specversion" in told):
            return told
    raise MinikubeError(explain(name, [*done.stdout.splitlines(), *done.stderr.splitlines()]))


def _event(line: str) -> dict[str, Any] | None:
    """A line of `--output=json`: a CloudEvent, whose `data` is a mapping of text."""
    try:
        told = json.loads(line)
    except ValueError:
        return None
    return told if isinstance(told, dict) and isinstance(told.get("data"), dict) else None


def _step(line: str) -> str | None:
    """What a line tells somebody who waits."""
    event = _event(line)
    if event is None:
        return _ORNAMENTS.sub("", line).strip() or None if line.startswith(("*", " ")) else None
    data = event["data"]
    match event.get("type", "").rpartition("minikube.")[2]:
        case "step":
            return data.get("name") or data.get("message")
        case "download":
            return f"downloading {data.get('artifact')}"
        case "download.progress":
            return f"downloading {data.get('artifact')}: {float(data.get('progress') or 0):.0%}"
    return None
