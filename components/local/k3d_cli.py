"""The `k3d` program: its log as progress, its failures as one line."""

import contextlib
import re
import tempfile
from collections.abc import Generator, Iterable
from pathlib import Path

from components import progress
from components.local import command, k3d_config
from components.local.command import CommandError

NOT_THERE = 'run `make up`, or `eval "$(make -s env)"` first, or install k3d 5.8 or newer'


class K3dError(CommandError):
    """k3d failed, or may not do what it was asked: one line with the fix."""

    __module__ = "builtins"  # so that Pulumi shows "K3dError: …" without the path of this class


def create(name: str, config: str, lock: int) -> None:
    """Run `k3d cluster create`; it returns once the control planes run.

    Args:
        name: Name of the cluster.
        config: k3d's configuration, as YAML.
        lock: What `only_one` yields; k3d holds on to it.

    Raises:
        K3dError: k3d failed; it has removed what it had made.
    """
    _work(name, ["cluster", "create", "--config", "-"], lock, stdin=config)


def start(name: str, lock: int) -> None:
    """Start all nodes of a cluster that are stopped, and wait for its control planes.

    Raises:
        K3dError: k3d failed.
    """
    _work(name, ["cluster", "start", name, "--timeout", "5m"], lock)


def add_worker(name: str, number: int, claim: str, kubelet: Iterable[str], lock: int) -> None:
    """Add a worker to a running cluster, and wait until it has joined; what it is like, k3d copies from other nodes.

    Args:
        name: Name of the cluster.
        number: Which worker it is, from 0.
        claim: What tells whose it is: k3d copies no labels but its own.
        kubelet: What k3s is told for the kubelet: what a control plane is told, k3d does not copy.
        lock: What `only_one` yields; k3d holds on to it.

    Raises:
        K3dError: k3d failed.
    """
    words = ["node", "create", f"{name}-agent-{number}", "--cluster", name, "--role", "agent", "--timeout", "5m"]
    words += ["--runtime-label", f"{k3d_config.CLAIM}={claim}"]
    words += [word for argument in kubelet for word in ("--k3s-arg", argument)]
    _work(name, words, lock)


def remove_node(name: str, container: str, lock: int) -> None:
    """Remove a node's container.

    Raises:
        K3dError: k3d failed.
    """
    _work(name, ["node", "delete", container], lock)


def delete(name: str, lock: int) -> None:
    """Remove all containers of a cluster, its network and its volumes; none being there is fine.

    Raises:
        K3dError: k3d failed.
    """
    _work(name, ["cluster", "delete", name], lock)


def kubeconfig_of(name: str) -> str:
    """The kubeconfig of a cluster, from its first control plane.

    Raises:
        K3dError: It has none, for example since it is only half made.
    """
    with _environment() as environment:
        words = ["k3d", "kubeconfig", "get", name]
        done = command.ask(words, environment=environment, fix=NOT_THERE)
    if done.returncode:
        raise K3dError(explain(name, done.stderr.splitlines()))
    return done.stdout.removeprefix("---\n")


def only_one(name: str) -> contextlib.AbstractContextManager[int]:
    """Hold the lock of the cluster `name`: see `command.only_one`."""
    return command.only_one("k3d", name)


@contextlib.contextmanager
def _environment() -> Generator[dict[str, str]]:
    """What k3d sees, beside this process's own environment.

    It leaves its configuration in a file, and takes a deleted cluster out of the user's own kubeconfig, where that one
    may have put it: both are to happen in a folder that goes.
    """
    with tempfile.TemporaryDirectory(prefix="slipway-") as folder:
        yield {"KUBECONFIG": str(Path(folder, "kubeconfig")), "TMPDIR": folder, "LOG_COLORS": "false"}


def _work(name: str, words: list[str], lock: int, *, stdin: str = "") -> None:
    def show(line: str) -> None:
        if (logged := _logged(line)) and logged[0] == "info":
            progress.status(logged[1])

    with _environment() as environment:
        code, lines = command.follow(
            ["k3d", *words], show, environment=environment, fix=NOT_THERE, lock=lock, stdin=stdin
        )
    if code:
        raise K3dError(explain(name, lines))


# The text format of https://github.com/sirupsen/logrus where there is no terminal.
_LOGGED = re.compile(r'level=(?P<level>\w+) msg=(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>\S+))')


def _logged(line: str) -> tuple[str, str] | None:
    """The level and the message of a line of k3d's log."""
    match = _LOGGED.search(line)
    if match is None:
        return None
    message = match["plain"] or re.sub(
        r"\\(.)", lambda escaped: " " if escaped[1] == "n" else escaped[1], match["quoted"]
    )
    return match["level"], " ".join(message.split())


_CAUSES = (
    (
        re.compile(r":(?P<port>\d+)(?:: bind: address already in use| failed: port is already allocated)", re.I),
        "a port that it publishes is taken ({port}); free it or choose another in portMappings or apiPort",
    ),
    (
        re.compile(r"no space left on device", re.I),
        "the disk is full; free some space (`docker system df`) and try again",
    ),
    (
        re.compile(r"Cannot connect to the Docker daemon|failed to get docker client|error during connect", re.I),
        "Docker's API does not answer; start Docker, or Podman's socket and set DOCKER_HOST to it, and try again",
    ),
    (
        re.compile(r"failed to pull image|pull access denied|manifest unknown|no such host", re.I),
        "an image of k3s or k3d cannot be pulled; choose a version that k3s has released, or a mirror or nodeImage "
        "that this network reaches",
    ),
)


def explain(name: str, lines: list[str]) -> str:
    """Why k3d failed, in one line, from what it printed."""
    text = "\n".join(lines)
    for pattern, cause in _CAUSES:
        if match := pattern.search(text):
            return f"the cluster {name}: {cause.format(**match.groupdict())}"
    logged = [found for found in map(_logged, lines) if found]
    # The last ones only tell that it has tidied up.
    errors = [message for level, message in logged if level in ("error", "fatal") and ">>>" not in message]
    first = (errors or [line for line in lines if line] or ["it printed nothing"])[0]
    return f"the cluster {name}: k3d failed: {first}"
