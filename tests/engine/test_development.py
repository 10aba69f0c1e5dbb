"""Development clusters on the real engine, with the programs that make them played: up, up again, change, destroy."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests import programs
from tests.engine.slipway import Stack

STACKS = ("dev-k3s", "dev-minikube")


@pytest.fixture
def development(slipway, tmp_path):
    """A stack whose programs are played: `development("dev-k3s", workers=1)`."""

    def make(name: str, **cluster: Any) -> Stack:
        stack = slipway(name, **cluster)
        stack.environment.update(programs.install(tmp_path / "played"))
        return stack

    return make


def there(stack: Stack) -> dict[str, Any]:
    file = Path(stack.environment["STAND_IN_MACHINE"], "machine.json")
    return json.loads(file.read_text()) if file.exists() else {"containers": {}, "networks": [], "volumes": []}


@pytest.mark.parametrize("name", STACKS)
def test_a_cluster_is_made_once_changed_in_place_and_goes_with_all_that_was_made_for_it(development, name):
    stack = development(name, workers=1)
    assert set(stack.preview().changes) == {"create"}
    assert there(stack)["containers"] == {}

    assert set(stack.up().changes) == {"create"}
    assert set(stack.up().changes) == {"same"}
    assert set(stack.refresh().changes) <= {"refresh", "same"}

    kubeconfig = stack.outputs(show_secrets=True)["kubeconfig"]
    assert stack.outputs()["kubeconfig"] == "[secret]"
    assert "c2VjcmV0" in kubeconfig
    assert "c2VjcmV0" not in stack.state_file().read_text()

    stack.set(workers=2)
    run = stack.up()
    assert run.changes["update"] == 1
    assert "replace" not in run.changes

    stack.set(podCidr="10.77.0.0/16")
    run = stack.preview()
    assert run.changes["replace"] == 1
    assert f"{name} is replaced: podCidr unset → 10.77.0.0/16, and is written into the control plane" in run.output

    stack.destroy()
    assert stack.state() == []
    assert (there(stack)["containers"], there(stack)["networks"], there(stack)["volumes"]) == ({}, [], [])


@pytest.mark.parametrize("name", STACKS)
def test_a_run_that_was_killed_half_way_is_finished_by_the_next_one_and_swept_up_by_a_destroy(development, name):
    stack = development(name, workers=1)
    dies = {"dev-k3s": "k3d cluster create", "dev-minikube": "minikube start"}[name]
    file = Path(stack.environment["STAND_IN_MACHINE"], "machine.json")
    file.write_text(json.dumps({"dies_at": dies}))
    run = stack.fails("up")
    assert "Traceback" not in run.output
    assert len(there(stack)["containers"]) == 1

    assert set(stack.up().changes) == {"same", "create"}
    assert len(there(stack)["containers"]) > 1

    stack.destroy()
    assert there(stack)["containers"] == {}


def test_a_context_that_does_not_exist_fails_the_preview_in_one_line(development):
    stack = development("dev-docker-desktop")
    own = Path(stack.environment["KUBECONFIG"])
    own.parent.mkdir(parents=True)
    own.write_text("apiVersion: v1\nkind: Config\ncontexts: [{name: other, context: {cluster: a, user: b}}]\n")

    run = stack.fails("preview")

    assert "Traceback" not in run.output
    assert any(
        f"{own} has no context 'docker-desktop'; turn Kubernetes on in Docker Desktop" in each for each in run.errors
    )
