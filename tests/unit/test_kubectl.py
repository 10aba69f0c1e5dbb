"""How kubectl is asked: what is tried again, and what is told."""

import pytest

from components.bootstrap import kubectl
from components.bootstrap.kubectl import Kubectl, KubectlError
from tests.unit.fake_node import Clock

FORBIDDEN = (
    'Error from server (Forbidden): nodes "demo" is forbidden: User "{}" cannot get resource "nodes" in API group "" '
    "at the cluster scope"
)


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(kubectl, "time", clock)
    return clock


@pytest.fixture
def program(tmp_path, monkeypatch, clock):
    """A kubectl that is refused some times, and then answers: how often it was run."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")

    def make(refusals, told):
        file = tmp_path / "kubectl"
        count = f"count=$(cat {tmp_path}/count 2>/dev/null || echo 0); echo $((count + 1)) >{tmp_path}/count"
        refuse = f"if [ $count -lt {refusals} ]; then echo '{told}' >&2; exit 1; fi"
        file.write_text(f"#!/bin/sh\n{count}\n{refuse}\necho well\n")
        file.chmod(0o755)
        return lambda: int((tmp_path / "count").read_text())

    return make


def test_an_api_server_that_has_just_started_is_asked_again_until_it_knows_its_administrator(program):
    runs = program(3, FORBIDDEN.format("kubernetes-admin"))

    with Kubectl.on("a kubeconfig") as ask:
        assert ask.run("get", "node", "demo") == "well\n"
    assert runs() == 4


def test_an_administrator_without_rights_is_told_after_a_while(program, clock):
    program(1000, FORBIDDEN.format("kubernetes-admin"))

    with pytest.raises(KubectlError, match="kubectl get failed: Error from server"), Kubectl.on("a kubeconfig") as ask:
        ask.run("get", "node", "demo")
    assert clock.now == 1000 + kubectl.RIGHTS_SECONDS + 1


@pytest.mark.parametrize("told", [FORBIDDEN.format("ada"), "The connection to the server was refused"])
def test_what_others_may_not_do_and_an_api_that_is_not_there_are_told_at_once(program, told):
    runs = program(1, told)

    with pytest.raises(KubectlError), Kubectl.on("a kubeconfig") as ask:
        ask.run("get", "node", "demo")
    assert runs() == 1
