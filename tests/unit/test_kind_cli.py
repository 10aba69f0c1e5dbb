"""Running kind: its steps as progress, its failures as one line, and never two at once on one cluster."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from components.local import command, kind_cli
from components.local.command import CommandError
from components.local.kind_cli import KindError

PORT_TAKEN = """\
Creating cluster "demo" ...
 • Ensuring node image (kindest/node:v1.37.0) 🖼  ...
 ✓ Ensuring node image (kindest/node:v1.37.0) 🖼
 • Preparing nodes 📦   ...
 ✗ Preparing nodes 📦
Deleted nodes: ["demo-control-plane"]
ERROR: failed to create cluster: command "docker run --name demo-control-plane kindest/node:v1.37.0" failed with \
error: exit status 125
Command Output: 2f1cf0f5f3f6
docker: Error response from daemon: driver failed programming external connectivity on endpoint demo-control-plane: \
Error starting userland proxy: listen tcp4 127.0.0.1:8080: bind: address already in use."""
"""What kind 0.33 prints when docker 20.10 cannot publish a port."""


@pytest.fixture(autouse=True)
def own_locks(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


@pytest.fixture
def kind(monkeypatch, tmp_path):
    """Put a program named kind first on PATH: `kind(shell_script)`."""

    def install(script: str) -> None:
        folder = tmp_path / "bin"
        folder.mkdir()
        program = folder / "kind"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    return install


@pytest.fixture
def shown(monkeypatch):
    """What the user sees as progress."""
    messages: list[str] = []
    monkeypatch.setattr(kind_cli.progress, "status", messages.append)
    return messages


@pytest.mark.parametrize(
    ("printed", "cause"),
    [
        (PORT_TAKEN, "a port that it publishes is taken (8080)"),
        (
            "Error response from daemon: Bind for 127.0.0.1:80 failed: port is already allocated",
            "a port that it publishes is taken (80)",
        ),
        ("write /var/lib/x: no space left on device", "the disk is full"),
        ("Cannot connect to the Docker daemon at unix:///run/docker.sock.", "the container engine stopped"),
        ('failed to pull image "kindest/node:v1.37.0": exit status 1', "its node image cannot be pulled"),
        ('could not find a log line that matches "Reached target"', "a node did not boot"),
        ('command "docker exec" failed with error: signal: killed', "a program that it ran was killed"),
    ],
)
def test_a_failure_of_kind_is_one_line_with_its_cause(printed, cause):
    message = kind_cli.explain("demo", printed.splitlines())

    assert message.startswith("the cluster demo was not made: ")
    assert cause in message
    assert "\n" not in message


def test_a_failure_that_is_not_known_is_told_in_kinds_own_words():
    lines = [" ✗ Preparing nodes", "ERROR: failed to create cluster: something new", "", "Stack Trace:", "main.go:1"]

    assert kind_cli.explain("demo", lines) == "the cluster demo: kind failed: failed to create cluster: something new"


def test_the_steps_of_kind_are_shown_without_their_ornaments(kind, shown):
    kind('echo " • Starting control-plane 🕹️  ..." >&2; echo " ✓ Starting control-plane 🕹️" >&2; echo config > "${10}"')
    with kind_cli.only_one("demo") as lock:
        kind_cli.create("demo", "kind: Cluster", "image", lock)

    assert shown == ["Starting control-plane", "Starting control-plane"]


def test_the_configuration_reaches_kind_and_the_kubeconfig_comes_back_private(kind, shown):
    kind('for last; do :; done; { cat; ls -l "$(dirname "$last")" -d; } > "$last"')
    with kind_cli.only_one("demo") as lock:
        kubeconfig = kind_cli.create("demo", "kind: Cluster\n", "image", lock)

    assert kubeconfig.startswith("kind: Cluster\ndrwx------")


def test_a_kind_that_is_not_there_is_said_with_what_to_do(monkeypatch):
    monkeypatch.setenv("PATH", "")

    with pytest.raises(KindError, match=r"kind is not on PATH; run `make up`"):
        kind_cli.kubeconfig_of("demo")


def test_a_kind_that_outlives_its_run_keeps_the_next_one_waiting(kind, shown, monkeypatch, tmp_path):
    monkeypatch.setattr(command, "LOCK_SECONDS", 0)
    kind(f"echo $$ > {tmp_path}/pid; exec sleep 60")
    program = """
from components.local import command, kind_cli
from components.local.command import CommandError
with kind_cli.only_one("demo") as lock:
    kind_cli.create("demo", "", "image", lock)
"""
    run = subprocess.Popen([sys.executable, "-c", program])
    pid = int(_written(tmp_path / "pid"))
    run.send_signal(signal.SIGKILL)
    run.wait()

    with pytest.raises(CommandError, match="another run still works on the cluster demo"), kind_cli.only_one("demo"):
        pytest.fail("nobody else may work on it")
    with kind_cli.only_one("another"):
        pass

    os.kill(pid, signal.SIGKILL)
    monkeypatch.setattr(command, "LOCK_SECONDS", 60)
    with kind_cli.only_one("demo"):
        pass


def _written(path: Path) -> str:
    while not (path.exists() and path.read_text()):
        threading.Event().wait(0.01)
    return path.read_text()
