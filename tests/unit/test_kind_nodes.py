"""What is done inside the nodes of a running cluster, by the commands that are run."""

import json

import pytest

from components.local import kind_nodes
from components.local.container_engine import EngineError
from components.local.kind_cli import KindError

SMALL = {"name": "demo", "control_planes": 1, "workers": 2}
KUBECTL = "exec demo-control-plane kubectl --kubeconfig=/etc/kubernetes/admin.conf"


class Recorder:
    """An engine that writes down what it is told, and gives the answers that it was given."""

    def __init__(self, *answers: str | Exception) -> None:
        self.commands: list[str] = []
        self._answers = list(answers)

    def run(self, *words: str, stdin: str | None = None) -> str:
        self.commands.append(" ".join(words) + (f" < {stdin!r}" if stdin else ""))
        answer = self._answers.pop(0) if self._answers else ""
        if isinstance(answer, Exception):
            raise answer
        return answer


def configured(olds, news):
    engine = Recorder()
    kind_nodes.configure(engine, {**SMALL, **olds}, {**SMALL, **news})  # ty: ignore[invalid-argument-type]
    return engine.commands


def nodes(**ready: bool) -> str:
    """What kubectl prints of nodes: name → whether it is Ready."""
    items = [
        {
            "metadata": {"name": name.replace("_", "-")},
            "status": {"conditions": [{"type": "Ready", "status": str(value)}]},
        }
        for name, value in ready.items()
    ]
    return json.dumps({"items": items})


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr(kind_nodes.time, "sleep", lambda _: None)


def test_the_same_arguments_touch_no_node():
    settings = {
        "labels": {"workers": {"tier": "app"}},
        "taints": {"workers": [{"key": "dedicated", "effect": "NoSchedule"}]},
        "registry_mirrors": {"docker.io": ["https://mirror.example.org"]},
    }

    assert configured(settings, settings) == []


def test_labels_are_set_changed_and_taken_away_in_one_command_a_role():
    olds = {"labels": {"workers": {"tier": "app", "old": "1"}}}
    news = {"labels": {"workers": {"tier": "db", "new": "2"}, "control_planes": {"zone": "a"}}}

    assert configured(olds, news) == [
        f"{KUBECTL} label node demo-control-plane zone=a --overwrite",
        f"{KUBECTL} label node demo-worker demo-worker2 tier=db new=2 old- --overwrite",
    ]


def test_taints_are_set_and_taken_away_by_key_and_effect():
    olds = {"taints": {"workers": [{"key": "a", "value": "1", "effect": "NoSchedule"}]}}
    news = {"taints": {"workers": [{"key": "b", "effect": "NoExecute"}]}}

    assert configured(olds, news) == [
        f"{KUBECTL} taint node demo-worker demo-worker2 a:NoSchedule-",
        f"{KUBECTL} taint node demo-worker demo-worker2 b=:NoExecute --overwrite",
    ]


def test_a_taint_with_a_new_value_is_overwritten_and_never_absent():
    olds = {"taints": {"workers": [{"key": "a", "value": "1", "effect": "NoSchedule"}]}}
    news = {"taints": {"workers": [{"key": "a", "value": "2", "effect": "NoSchedule"}]}}

    assert configured(olds, news) == [f"{KUBECTL} taint node demo-worker demo-worker2 a=2:NoSchedule --overwrite"]


def test_mirrors_reach_every_node():
    olds = {"registry_mirrors": {"ghcr.io": ["https://old.example.org"]}}
    commands = configured(olds, {"registry_mirrors": {"docker.io": ["https://new.example.org"]}})

    for node in ("demo-control-plane", "demo-worker", "demo-worker2"):
        assert f"exec {node} rm -r -f /etc/containerd/certs.d/ghcr.io" in commands
        [written] = [command for command in commands if f"exec -i {node} " in command]
        assert "/etc/containerd/certs.d/docker.io/hosts.toml" in written
        assert "https://new.example.org" in written


def test_a_cluster_is_marked_as_finished_and_tells_its_version_in_one_command():
    engine = Recorder("v1.37.2\n")

    assert kind_nodes.mark_complete(engine, "demo") == "v1.37.2"  # ty: ignore[invalid-argument-type]
    assert engine.commands == [
        "exec demo-control-plane sh -c touch /kind/slipway-complete && cat /kind/version",
    ]


def test_nodes_are_awaited_until_all_are_ready():
    not_yet = nodes(demo_control_plane=True, demo_worker=False)
    ready = nodes(demo_control_plane=True, demo_worker=True, demo_worker2=True)
    engine = Recorder(EngineError("the API does not answer"), not_yet, ready)

    kind_nodes.await_ready(engine, SMALL)  # ty: ignore[invalid-argument-type]

    assert len(engine.commands) == 3


def test_nodes_that_get_no_network_are_awaited_until_they_are_registered():
    engine = Recorder(nodes(demo_control_plane=False, demo_worker=False, demo_worker2=False))

    kind_nodes.await_ready(engine, {**SMALL, "cni": "none"})  # ty: ignore[invalid-argument-type]

    assert len(engine.commands) == 1


def test_a_node_that_is_never_ready_is_named(monkeypatch):
    monkeypatch.setattr(kind_nodes, "READY_SECONDS", 0.05)
    engine = Recorder(*[nodes(demo_control_plane=True, demo_worker=True, demo_worker2=False)] * 100_000)

    with pytest.raises(KindError, match=r"^demo-worker2 of demo not ready"):
        kind_nodes.await_ready(engine, SMALL)  # ty: ignore[invalid-argument-type]
