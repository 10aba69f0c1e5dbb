"""Running the programs that make clusters: their lines as they come, and what is said where one cannot be run."""

import contextlib
import os
import signal
import stat

import pytest

from components.local import command
from components.local.command import CommandError


@pytest.fixture
def tool(monkeypatch, tmp_path):
    """Put a program named `tool` on PATH: `tool(shell_script)`."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    def install(script: str) -> None:
        program = tmp_path / "tool"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    return install


def followed(*words, stdin="", **environment):
    seen: list[str] = []
    with command.only_one("tool", "demo") as lock:
        told = command.follow(
            ["tool", *words], seen.append, environment=environment, fix="get one", lock=lock, stdin=stdin
        )
    return *told, seen


def test_lines_of_both_streams_are_seen_as_they_come_and_kept(tool):
    tool("echo one; echo two >&2; echo three; exit 3")

    assert followed() == (3, ["one", "two", "three"], ["one", "two", "three"])


def test_a_program_that_never_reads_what_it_is_given_does_not_stop_the_run(tool):
    tool("echo done")

    assert followed(stdin="x" * 1_000_000)[0] == 0


def test_what_the_program_is_given_and_sees_reaches_it(tool):
    tool('cat; echo "$1 $COLOUR"')

    assert followed("word", stdin="given\n", COLOUR="red")[1] == ["given", "word red"]


def test_a_program_that_is_not_there_is_said_with_what_to_do(tool):
    with pytest.raises(CommandError, match=r"^tool is not on PATH; get one$"):
        followed()
    with pytest.raises(CommandError, match=r"^tool is not on PATH; get one$"):
        command.ask(["tool"], environment={}, fix="get one")


def test_a_program_that_does_not_answer_is_given_up(tool):
    tool("exec sleep 60")

    with pytest.raises(CommandError, match="tool info has not answered within 0 s"):
        command.ask(["tool", "info"], environment={}, fix="get one", seconds=0.1)


def test_settings_of_a_shell_reach_no_program_and_what_it_needs_does(tool, monkeypatch):
    dropped = ["MINIKUBE_CPUS", "MINIKUBE_DRIVER", "K3D_CONFIG"]
    kept = [
        "HTTP_PROXY",
        "no_proxy",
        "MINIKUBE_EXISTING_DOCKER_HOST",
        "MINIKUBE_ACTIVE_DOCKERD",
        "K3D_IMAGE_TOOLS",
        "K3D_FIX_DNS",
    ]
    for name in (*dropped, *kept):
        monkeypatch.setenv(name, "set")
    tool("env")

    for lines in (followed(K3D_GIVEN="set")[1], command.ask(["tool"], environment={"K3D_GIVEN": "set"}, fix="").stdout):
        seen = {name for name in (*dropped, *kept, "K3D_GIVEN") if f"{name}=set" in lines}
        assert seen == {*kept, "K3D_GIVEN"}


@pytest.mark.parametrize("held", [True, False])
def test_what_a_program_leaves_running_holds_the_lock_only_where_it_was_given_it(tool, monkeypatch, held):
    monkeypatch.setattr(command, "LOCK_SECONDS", 0)
    tool("sleep 60 > /dev/null 2>&1 & echo $!")
    with command.only_one("tool", "demo") as lock:
        given = lock if held else None
        _, [left] = command.follow(["tool"], lambda _: None, environment={}, fix="get one", lock=given)
    refused = pytest.raises(CommandError, match="another run still works on the cluster demo")
    try:
        with refused if held else contextlib.nullcontext(), command.only_one("tool", "demo"):
            pass
    finally:
        os.kill(int(left), signal.SIGKILL)


def test_locks_lie_where_nobody_else_can_hold_them(tool, tmp_path):
    tool("true")
    followed()

    folder = tmp_path / f"slipway-{os.getuid()}"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [file.name for file in folder.iterdir()] == ["tool-demo.lock"]
