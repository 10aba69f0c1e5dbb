"""What is asked of a container engine's command line, and what its answers are taken for."""

import json
import os

import pytest

from components.local import container_engine
from components.local.container_engine import Engine, EngineError, Node

INSPECTED = {
    "Name": "/demo-control-plane",
    "Config": {"Labels": {"io.x-k8s.kind.role": "control-plane"}},
    "State": {"Status": "running"},
    "Mounts": [{"Destination": "/var"}, {"Destination": "/etc/slipway/claim/c/d"}],
}


@pytest.fixture(autouse=True)
def asked_anew():
    Engine.find.cache_clear()
    yield
    Engine.find.cache_clear()


@pytest.fixture
def program(monkeypatch, tmp_path):
    """Put programs alone on PATH: `program("docker", shell_script)`."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("KIND_EXPERIMENTAL_PROVIDER", raising=False)

    def install(name: str, script: str) -> None:
        (tmp_path / name).write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n")
        (tmp_path / name).chmod(0o755)

    return install


def test_the_engine_that_kind_will_use_is_used(program, monkeypatch):
    program("podman", "echo v2")
    assert Engine.find() == Engine("podman", cgroup_v1=False)

    Engine.find.cache_clear()
    program("docker", "echo 1")
    assert Engine.find() == Engine("docker", cgroup_v1=True)

    Engine.find.cache_clear()
    monkeypatch.setenv("KIND_EXPERIMENTAL_PROVIDER", "podman")
    assert Engine.find() == Engine("podman", cgroup_v1=False)


def test_an_engine_that_does_not_answer_is_said_with_what_to_do_and_asked_again(program):
    program("docker", "echo 'Cannot connect to the Docker daemon' >&2; exit 1")
    with pytest.raises(EngineError, match=r"^no container engine answers; start Docker or Podman"):
        Engine.find()

    program("docker", "echo 2")
    assert Engine.find().cli == "docker"


def test_nodes_are_known_by_their_labels_and_mounts(program):
    program("docker", f"case $1 in ps) echo demo-control-plane;; inspect) echo '{json.dumps([INSPECTED])}';; esac")

    assert Engine("docker", cgroup_v1=False).nodes("demo") == [
        Node("demo-control-plane", "control-plane", "running", ("/var", "/etc/slipway/claim/c/d"))
    ]


def test_a_container_that_goes_while_it_is_looked_at_is_no_error(program, tmp_path):
    program(
        "docker",
        f"""
case $1 in
  ps) echo demo-control-plane; test -e {tmp_path}/gone || echo other-control-plane;;
  inspect) test -e {tmp_path}/gone && echo '{json.dumps([INSPECTED])}' || {{ touch {tmp_path}/gone; exit 1; }};;
esac""",
    )

    assert [node.container for node in Engine("docker", cgroup_v1=False).nodes()] == ["demo-control-plane"]


def test_an_engine_that_refuses_is_told_in_its_own_words(program):
    program(
        "docker", "case $1 in ps) echo demo-control-plane;; *) echo one >&2; echo permission denied >&2; exit 1;; esac"
    )

    with pytest.raises(EngineError, match=r"^docker inspect failed: permission denied$"):
        Engine("docker", cgroup_v1=False).nodes("demo")


def test_nothing_to_remove_asks_nothing_of_the_engine(monkeypatch):
    monkeypatch.setenv("PATH", os.devnull)

    Engine("docker", cgroup_v1=False).remove([])
    with pytest.raises(EngineError, match=r"^docker cannot be run: .*; is it still on PATH\?$"):
        Engine("docker", cgroup_v1=False).remove(["demo-worker"])


def test_a_program_that_only_calls_itself_docker_is_no_engine(program):
    program("docker", "echo garbage")
    with pytest.raises(EngineError, match="no container engine answers"):
        Engine.find()


def test_an_engine_that_hangs_is_told_and_not_waited_for_for_ever(monkeypatch):
    monkeypatch.setattr(container_engine, "WORK_SECONDS", 0.1)

    with pytest.raises(EngineError, match=r"sleep 60 has not ended within 0\.1 s; does its engine hang\?"):
        Engine("sleep", cgroup_v1=False).run("60")
