"""Docker Desktop is started through its own command line where it has one, and left alone otherwise."""

import os

import pytest

from tools import docker_desktop
from tools.console import Problem

ARGS = {"context": "docker-desktop"}


@pytest.fixture
def docker(monkeypatch, tmp_path):
    """Put a program named docker first on PATH, which notes what it is asked: `docker(shell_script)`."""
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    def install(script: str) -> None:
        program = tmp_path / "docker"
        program.write_text(f'#!/bin/sh\necho "$*" >>{tmp_path}/asked\n{script}\n')
        program.chmod(0o755)

    def asked() -> list[str]:
        file = tmp_path / "asked"
        return file.read_text().splitlines() if file.exists() else []

    install.asked = asked  # ty: ignore
    return install


@pytest.mark.parametrize(
    ("script", "asked"),
    [
        ("echo 'Name Value'; echo 'Status running'", ["desktop status"]),
        (
            "case $2 in status) echo 'Status stopped'; exit 1;; esac",
            ["desktop status", "desktop start"],
        ),
        # An older Docker, or one that is not Docker Desktop's.
        ("echo \"docker: 'desktop' is not a docker command\" >&2; exit 1", ["desktop status"]),
    ],
)
def test_it_is_started_only_where_it_says_that_it_is_stopped(docker, script, asked):
    docker(script)
    docker_desktop.ensure(ARGS)

    assert docker.asked() == asked


def test_a_stack_of_another_context_asks_docker_nothing(docker):
    docker("exit 1")
    docker_desktop.ensure({"context": "orbstack"})

    assert docker.asked() == []


def test_one_that_does_not_start_is_told_in_one_line(docker):
    docker("case $2 in status) echo stopped;; start) echo 'no licence' >&2; exit 1;; esac")

    with pytest.raises(Problem, match=r"^docker desktop start failed with 1: no licence$"):
        docker_desktop.ensure(ARGS)


def test_a_machine_without_docker_is_left_to_the_preview(monkeypatch):
    monkeypatch.setenv("PATH", "")

    docker_desktop.ensure(ARGS)
