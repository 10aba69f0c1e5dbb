"""The `kind` program: its steps as progress, its failures as one line."""

import contextlib
import re
import subprocess
import tempfile
from collections.abc import Generator
from pathlib import Path

from components import progress
from components.local import command
from components.local.command import CommandError


class KindError(CommandError):
    """kind failed, or may not do what it was asked: one line with the fix."""

    __module__ = "builtins"  # so that Pulumi shows "KindError: …" without the path of this class


def create(name: str, config: str, image: str, lock: int) -> str:
    """Run `kind create cluster` and return the kubeconfig. The user's own kubeconfig is not touched.

    Args:
        name: Name of the cluster.
        config: kind's configuration, as YAML.
        image: The node image.
        lock: What `only_one` yields; kind holds on to it.

    Raises:
        KindError: kind failed; it has removed what it had made.
    """
    with tempfile.TemporaryDirectory(prefix="slipway-") as folder:
        kubeconfig = Path(folder, "kubeconfig")
        words = ["create", "cluster", "--name", name, "--image", image, "--config", "-"]
        _run(name, [*words, "--kubeconfig", str(kubeconfig)], stdin=config, lock=lock)
        return kubeconfig.read_text()


def kubeconfig_of(name: str) -> str:
    """The kubeconfig of a running cluster.

    Raises:
        KindError: It has none, for example since it is only half made.
    """
    return _run(name, ["get", "kubeconfig", "--name", name])


def only_one(name: str) -> contextlib.AbstractContextManager[int]:
    """Hold the lock of the cluster `name`: see `command.only_one`."""
    return command.only_one("kind", name)


_STEP = re.compile(r"^ ?(?:•|✓) (?P<step>.+?)(?: \.\.\.)?$")
_NOT_WORDS = re.compile(r"[^\x00-\x7f]+")  # kind ends its steps with an emoji


def _run(name: str, words: list[str], *, stdin: str = "", lock: int | None = None) -> str:
    lines = []
    with _started(words, lock) as process:
        assert process.stdin and process.stdout and process.stderr  # noqa: S101 - they are pipes
        with contextlib.suppress(BrokenPipeError):  # it ended early, and says why
            process.stdin.write(stdin)
            process.stdin.close()
        for line in process.stderr:
            lines.append(line.rstrip())
            if match := _STEP.match(lines[-1]):
                progress.status(_NOT_WORDS.sub("", match["step"]).strip())
        printed = process.stdout.read()
    if process.returncode:
        raise KindError(explain(name, lines))
    return printed


@contextlib.contextmanager
def _started(words: list[str], lock: int | None) -> Generator[subprocess.Popen[str]]:
    pipe = subprocess.PIPE
    fds = () if lock is None else (lock,)
    try:
        process = subprocess.Popen(["kind", *words], stdin=pipe, stdout=pipe, stderr=pipe, text=True, pass_fds=fds)
    except FileNotFoundError:
        raise KindError(
            'kind is not on PATH; run `make up`, or `eval "$(make -s env)"` first, or install kind 0.32 or newer'
        ) from None
    with process:
        progress.adopt(process.pid)
        yield process
    progress.release(process.pid)


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
        re.compile(r"Cannot connect to the Docker daemon|error during connect|connection refused.*docker", re.I),
        "the container engine stopped; start it and run the same command again",
    ),
    (
        re.compile(r"failed to pull image|pull access denied|manifest unknown|no such host.*registry", re.I),
        "its node image cannot be pulled; where no registry can be reached, `make up` builds an offline bundle",
    ),
    (
        re.compile(r"could not find a log line that matches", re.I),
        "a node did not boot within 30 s; the machine may be short of memory or of inotify instances "
        "(`sysctl fs.inotify.max_user_instances`, 512 or more)",
    ),
    (
        re.compile(r"signal: killed|signal: terminated", re.I),
        "a program that it ran was killed; run the same command again",
    ),
)


def explain(name: str, lines: list[str]) -> str:
    """Why kind failed, in one line, from what it printed."""
    text = "\n".join(lines)
    for pattern, cause in _CAUSES:
        if match := pattern.search(text):
            return f"the cluster {name} was not made: {cause.format(**match.groupdict())}"
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    last = (errors or [line for line in lines if line] or ["it printed nothing"])[-1]
    return f"the cluster {name}: kind failed: {last}"
