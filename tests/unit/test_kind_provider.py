"""The two resources of a kind cluster, with an engine that only remembers."""

from dataclasses import dataclass, field, replace

import pytest

from components.local import kind_cli, kind_config, kind_image, kind_nodes, kind_provider
from components.local.container_engine import Engine, EngineError, Node
from components.local.kind_cli import KindError
from components.local.kind_provider import ClaimProvider, ClusterProvider

CLAIM = "n-0123456789abcdef"
ARGS = {"name": "demo", "claim": CLAIM, "version": "1.37", "control_planes": 1.0, "workers": 1.0}
KUBECONFIG = """
clusters: [{name: kind-demo, cluster: {server: "https://127.0.0.1:6443", certificate-authority-data: UEVN}}]
"""


@dataclass
class Machine:
    """A container engine's nodes and networks, and what was done to them."""

    containers: dict[str, list[Node]] = field(default_factory=dict)
    networks: set[str] = field(default_factory=set)
    made: list[str] = field(default_factory=list)
    listed: int = 0
    cgroup_v1: bool = False

    def nodes(self, cluster: str | None = None) -> list[Node]:
        self.listed += 1
        names = [cluster] if cluster else list(self.containers)
        return [node for name in names for node in self.containers.get(name, [])]

    def remove(self, containers: list[str]) -> None:
        for name, nodes in self.containers.items():
            self.containers[name] = [node for node in nodes if node.container not in containers]

    def has_network(self) -> bool:
        return "kind" in self.networks

    def remove_network_if_unused(self) -> None:
        self.networks.discard("kind")

    def holds(self, name: str, mark: str | None, *roles: str) -> None:
        mounts = (mark,) if mark else ()
        self.containers[name] = [Node(f"{name}-{role}", role, "running", mounts) for role in roles]


@pytest.fixture
def machine(monkeypatch, tmp_path):
    machine = Machine()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(Engine, "find", lambda: machine)
    monkeypatch.setattr(kind_cli, "kubeconfig_of", lambda _name: KUBECONFIG)
    monkeypatch.setattr(kind_image, "choose", lambda *_: "kindest/node:v1.37.2")
    monkeypatch.setattr(kind_nodes, "mark_complete", lambda *_: "v1.37.2")
    monkeypatch.setattr(kind_nodes, "is_complete", lambda *_: True)
    monkeypatch.setattr(kind_nodes, "configure", lambda *_: None)
    monkeypatch.setattr(kind_nodes, "version", lambda *_: "v1.37.2")

    def create(name: str, config: str, _image: str, _lock: int) -> str:
        if machine.containers.get(name):
            raise KindError(f"node(s) already exist for a cluster with the name {name}")
        machine.made.append(name)
        machine.networks.add("kind")
        mark = next(line.partition(": ")[2] for line in config.splitlines() if "containerPath" in line)
        machine.holds(name, mark, "control-plane", "worker")
        return KUBECONFIG

    monkeypatch.setattr(kind_cli, "create", create)
    return machine


@pytest.fixture
def no_engine(monkeypatch, tmp_path):
    def find() -> Engine:
        raise EngineError("no container engine answers; start Docker or Podman")

    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(Engine, "find", find)


def test_a_cluster_is_made_with_its_mark_and_tells_how_it_is_reached(machine):
    made = ClusterProvider().create(dict(ARGS))

    assert made.id == "demo"
    assert made.outs is not None
    assert made.outs["endpoint"] == "https://127.0.0.1:6443"
    assert made.outs["ca_certificate"] == "PEM"
    assert made.outs["nodes"] == [
        {"name": "demo-control-plane", "status": "running"},
        {"name": "demo-worker", "status": "running"},
    ]
    assert all(f"{kind_config.MARK}/{CLAIM}/" in node.mounts[0] for node in machine.nodes("demo"))


def test_what_an_earlier_run_finished_is_taken_over(machine):
    ClusterProvider().create(dict(ARGS))
    again = ClusterProvider().create(dict(ARGS))

    assert again.id == "demo"
    assert machine.made == ["demo"]


@pytest.mark.parametrize("change", [{"workers": 2.0}, {"labels": {"workers": {"tier": "app"}}}])
def test_what_an_earlier_run_made_from_other_arguments_is_made_anew(machine, change):
    ClusterProvider().create(dict(ARGS))
    ClusterProvider().create({**ARGS, **change})

    assert machine.made == ["demo", "demo"]


def test_what_an_earlier_run_left_half_made_is_made_anew(machine, monkeypatch):
    ClusterProvider().create(dict(ARGS))
    monkeypatch.setattr(kind_nodes, "is_complete", lambda *_: False)
    ClusterProvider().create(dict(ARGS))

    assert machine.made == ["demo", "demo"]


def test_nodes_of_another_claim_are_neither_removed_nor_taken_over(machine):
    machine.holds("demo", f"{kind_config.MARK}/n-another/0123", "control-plane", "worker")

    with pytest.raises(
        KindError, match="a kind cluster demo already, made by another stack, or with a state that is gone"
    ):
        ClusterProvider().create(dict(ARGS))
    ClusterProvider().delete("demo", dict(ARGS))
    ClaimProvider().delete(CLAIM, {"name": "demo"})

    assert len(machine.nodes("demo")) == 2


def test_the_nodes_of_a_new_cluster_are_listed_once_to_refuse_a_taken_name_and_once_under_the_lock(machine):
    ClaimProvider().check({}, {"name": "demo"})
    claim = ClaimProvider().create({"name": "demo"}).id
    ClusterProvider().create({**ARGS, "claim": claim})

    assert machine.listed == 2


def test_a_stopped_node_of_a_cluster_that_is_taken_over_is_told_as_such(machine):
    ClusterProvider().create(dict(ARGS))
    control_plane, worker = machine.containers["demo"]
    machine.containers["demo"] = [control_plane, replace(worker, status="exited")]

    taken_over = ClusterProvider().create(dict(ARGS)).outs

    assert taken_over is not None
    assert [node["status"] for node in taken_over["nodes"]] == ["running", "exited"]


def test_a_name_that_is_taken_is_refused_at_preview(machine):
    machine.holds("demo", None, "control-plane")

    [failure] = ClaimProvider().check({}, {"name": "demo"}).failures

    assert "there is a kind cluster demo already, not made by Slipway" in failure.reason
    assert ClaimProvider().check({"name": "demo"}, {"name": "demo"}).failures == []


def test_the_network_goes_with_the_last_cluster_of_those_who_had_it_made(machine):
    first = ClaimProvider().create({"name": "one"}).id
    ClusterProvider().create({**ARGS, "name": "one", "claim": first})
    second = ClaimProvider().create({"name": "two"}).id
    ClusterProvider().create({**ARGS, "name": "two", "claim": second})

    ClaimProvider().delete(first, {"name": "one"})
    assert machine.has_network()
    ClaimProvider().delete(second, {"name": "two"})
    assert not machine.has_network()


def test_a_network_that_was_there_before_stays(machine):
    machine.networks.add("kind")
    claim = ClaimProvider().create({"name": "demo"}).id
    ClusterProvider().create({**ARGS, "claim": claim})

    ClaimProvider().delete(claim, {"name": "demo"})

    assert machine.nodes() == []
    assert machine.has_network()


def test_a_cluster_that_is_gone_reads_as_gone(machine):
    state = ClusterProvider().create(dict(ARGS)).outs
    assert state is not None
    assert ClusterProvider().read("demo", dict(state)).id == "demo"

    machine.containers.clear()

    assert ClusterProvider().read("demo", dict(state)).id == ""
    ClusterProvider().delete("demo", dict(state))


def test_an_engine_that_does_not_answer_never_makes_a_cluster_read_as_gone(no_engine):
    with pytest.raises(EngineError):
        ClusterProvider().read("demo", dict(ARGS))


def test_an_engine_that_does_not_answer_is_told_at_preview(no_engine):
    for failures in (ClaimProvider().check({}, {"name": "demo"}), ClusterProvider().check({}, dict(ARGS))):
        assert [failure.reason for failure in failures.failures] == [
            "no container engine answers; start Docker or Podman"
        ]


def test_a_mount_of_what_is_not_there_is_refused_at_preview(machine, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    (tmp_path / "data").mkdir()
    mounts = [{"host_path": "data", "container_path": "/a"}, {"host_path": "dota", "container_path": "/b"}]
    news = {**ARGS, "extra_mounts": mounts}

    [failure] = ClusterProvider().check({}, dict(news)).failures

    assert failure.reason.startswith(f"extraMounts[1].hostPath: {tmp_path}/dota is not there; make it")
    monkeypatch.setenv("DOCKER_HOST", "ssh://elsewhere")
    assert ClusterProvider().check({}, dict(news)).failures == []


def test_a_destroy_without_an_engine_says_the_way_out(no_engine):
    for provider, id_ in ((ClusterProvider(), "demo"), (ClaimProvider(), CLAIM)):
        with pytest.raises(EngineError, match=r"`pulumi stack rm --force --preserve-config`$") as raised:
            provider.delete(id_, dict(ARGS))
        # Else Pulumi shows what it came from as well, line by line.
        assert raised.value.__suppress_context__


def test_a_change_is_shown_with_its_reason(machine, monkeypatch):
    shown = []
    monkeypatch.setattr(kind_provider.progress, "inform", shown.append)
    state = ClusterProvider().create(dict(ARGS)).outs
    assert state is not None

    diff = ClusterProvider().diff("demo", dict(state), {**ARGS, "workers": 2.0})

    assert (diff.changes, diff.replaces, diff.delete_before_replace) == (True, ["workers"], True)
    assert shown == [
        "demo is replaced: workers 1 → 2, and kind cannot add a node to a running cluster or take one away"
    ]


def test_the_providers_are_pickled_as_references_that_later_versions_find_again():
    import pickle

    for provider in (ClaimProvider, ClusterProvider):
        text = pickle.dumps(provider(), protocol=4)
        assert b"components.local.kind_provider" in text
        assert len(text) < 80
