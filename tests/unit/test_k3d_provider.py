"""The two resources of a k3d cluster, with a docker and a k3d that only remember."""

import pickle
from pathlib import Path

import pytest

from components.local import k3d_cli, k3d_provider
from components.local.container_engine import Engine, EngineError
from components.local.k3d_cli import K3dError
from components.local.k3d_provider import ClaimProvider, ClusterProvider
from tests.programs.machine import calls, environments, kubeconfigs, machine
from tests.programs.playing import play

ARGS = {"name": "demo", "version": "1.37", "control_planes": 1.0, "workers": 1.0}
NODES = ["k3d-demo-agent-0", "k3d-demo-server-0", "k3d-demo-serverlb"]


@pytest.fixture(autouse=True)
def own_machine(monkeypatch, tmp_path):
    play(monkeypatch, tmp_path)
    yield
    Engine.find.cache_clear()


@pytest.fixture
def shown(monkeypatch):
    messages: list[str] = []
    for way in ("status", "inform"):
        monkeypatch.setattr(k3d_provider.progress, way, messages.append)
    return messages


def claimed(**changes):
    """The arguments of a cluster whose name has been claimed."""
    args = {**ARGS, **changes}
    return {**args, "claim": ClaimProvider().create({"name": args["name"]}).id}


def made(**changes):
    args = claimed(**changes)
    state = ClusterProvider().create(dict(args)).outs
    assert state is not None
    return args, state


def there():
    with machine() as found:
        return found


def test_a_cluster_is_made_and_tells_how_it_is_reached(shown):
    _, state = made()

    assert state["endpoint"] == "https://127.0.0.1:40123"
    assert state["ca_certificate"].startswith("-----BEGIN CERTIFICATE-----")
    assert state["kubernetes_version"] == "v1.37.2+k3s1"
    assert state["nodes"] == [{"name": name, "status": "running"} for name in NODES]
    assert {"Prep: Network", "Creating node 'k3d-demo-server-0'"} <= set(shown)


def test_the_users_own_kubeconfig_is_seen_by_no_k3d(monkeypatch, tmp_path):
    _, state = made()
    ClusterProvider().delete("demo", dict(state))

    own = str(tmp_path / "home/.kube/config")
    assert own not in kubeconfigs()
    assert kubeconfigs()


def test_what_an_earlier_run_finished_is_taken_over():
    args, _ = made()
    again = ClusterProvider().create(dict(args))

    assert again.id == "demo"
    assert len(calls("k3d", "cluster", "create")) == 1


@pytest.mark.parametrize("change", [{"workers": 2.0}, {"cni": "none"}])
def test_what_an_earlier_run_made_from_other_arguments_is_made_anew(change):
    args, _ = made()
    ClusterProvider().create({**args, **change})

    assert len(calls("k3d", "cluster", "create")) == 2


def test_what_a_killed_run_left_half_made_is_made_anew():
    args = claimed()
    with machine() as found:
        found.dies_at = "k3d cluster create"
    with pytest.raises(K3dError):
        ClusterProvider().create(dict(args))
    assert there().names == ["k3d-demo-server-0"]

    ClusterProvider().create(dict(args))

    assert there().names == NODES


def test_what_a_killed_run_left_goes_with_its_claim_though_no_node_was_made_yet():
    args = claimed()
    with machine() as found:
        found.networks.append("k3d-demo")
        found.volumes.append("k3d-demo-images")

    ClaimProvider().delete(args["claim"], {"name": "demo"})

    assert (there().networks, there().volumes) == ([], [])


def test_a_network_that_was_there_before_the_claim_stays():
    with machine() as found:
        found.networks.append("k3d-demo")
    ClaimProvider().delete(claimed()["claim"], {"name": "demo"})

    assert there().networks == ["k3d-demo"]


def foreign(**labels):
    with machine() as found:
        for name, role in (("k3d-demo-server-0", "server"), ("k3d-demo-serverlb", "loadbalancer")):
            found.containers[name] = {
                "labels": {"k3d.cluster": "demo", "k3d.role": role, **labels}, "status": "running", "files": [],
            }  # fmt: skip


@pytest.mark.parametrize(
    ("labels", "whose"),
    [
        ({}, "not made by Slipway"),
        ({"slipway.claim": "n-other"}, "made by another stack, or with a state that is gone"),
    ],
)
def test_somebody_elses_cluster_is_refused_at_preview_and_never_touched(labels, whose):
    foreign(**labels)
    [failure] = ClaimProvider().check({}, {"name": "demo"}).failures
    args = claimed()

    assert f"there is a k3d cluster demo already, {whose}, and it is not touched" in failure.reason
    with pytest.raises(K3dError, match="there is a k3d cluster demo already"):
        ClusterProvider().create(dict(args))
    ClusterProvider().delete("demo", dict(args))
    ClaimProvider().delete(args["claim"], {"name": "demo"})
    assert there().names == ["k3d-demo-server-0", "k3d-demo-serverlb"]
    assert ClusterProvider().read("demo", dict(args)).id == ""


def test_a_claim_that_is_there_already_is_not_asked_for_again():
    foreign()

    assert ClaimProvider().check({"name": "demo"}, {"name": "demo"}).failures == []


def test_workers_come_and_go_in_the_running_cluster_and_others_stay():
    args, state = made()
    more = ClusterProvider().update("demo", dict(state), {**args, "workers": 3.0}).outs
    assert more is not None
    assert [node["name"] for node in more["nodes"]] == [
        "k3d-demo-agent-0", "k3d-demo-agent-1-0", "k3d-demo-agent-2-0", "k3d-demo-server-0", "k3d-demo-serverlb",
    ]  # fmt: skip

    fewer = ClusterProvider().update("demo", dict(more), {**args, "workers": 1.0}).outs

    assert fewer is not None
    assert [node["name"] for node in fewer["nodes"]] == NODES
    drained = [words[5] for words in calls("docker", "exec", "k3d-demo-server-0", "kubectl", "drain")]
    assert drained == ["k3d-demo-agent-2-0", "k3d-demo-agent-1-0"]


def test_a_worker_that_kubernetes_has_forgotten_goes_and_one_that_somebody_has_removed_is_forgotten():
    args, state = made(workers=3.0)
    with machine() as found:
        del found.containers["k3d-demo-agent-2"]
        found.containers["k3d-demo-server-0"]["files"].append("k3d-demo-agent-1")

    fewer = ClusterProvider().update("demo", dict(state), {**args, "workers": 1.0}).outs

    assert fewer is not None
    assert [node["name"] for node in fewer["nodes"]] == NODES
    assert calls("docker", "exec", "k3d-demo-server-0", "kubectl", "drain") == []
    forgotten = {word for words in calls("docker", "exec", "k3d-demo-server-0", "kubectl", "delete") for word in words}
    assert {"k3d-demo-agent-1", "k3d-demo-agent-2"} <= forgotten


def test_a_cluster_with_a_port_starts_again_after_a_worker_has_left():
    args, state = made(workers=2.0, port_mappings=[{"container_port": 80, "host_port": 8080}])
    fewer = ClusterProvider().update("demo", dict(state), {**args, "workers": 1.0}).outs
    assert fewer is not None
    with machine() as found:
        for container in found.containers.values():
            container["status"] = "exited"

    seen = ClusterProvider().read("demo", dict(fewer)).outs
    assert seen is not None
    mended = ClusterProvider().update("demo", dict(seen), {**args, "workers": 1.0}).outs

    assert mended is not None
    assert mended["nodes"] == [{"name": name, "status": "running"} for name in NODES]
    assert there().containers["k3d-demo-serverlb"]["ports"] == ["k3d-demo-server-0"]


def test_no_setting_of_the_users_shell_reaches_k3d(monkeypatch):
    monkeypatch.setenv("K3D_CONFIG_FILE", "/home/own.yaml")
    monkeypatch.setenv("K3D_IMAGE_TOOLS", "mirror.example.org/k3d-tools:5.9.0")
    made()

    assert environments()
    assert not any("K3D_CONFIG_FILE" in seen for seen in environments())
    assert all("K3D_IMAGE_TOOLS" in seen for seen in environments())


def test_a_stopped_node_is_found_by_a_refresh_and_started_by_the_next_update(shown):
    args, state = made()
    with machine() as found:
        found.containers["k3d-demo-server-0"]["status"] = "exited"

    seen = ClusterProvider().read("demo", dict(state)).outs
    assert seen is not None
    diff = ClusterProvider().diff("demo", dict(seen), dict(args))
    mended = ClusterProvider().update("demo", dict(seen), dict(args)).outs

    assert (diff.changes, diff.replaces) == (True, [])
    assert "k3d-demo-server-0 stopped, to be started again" in shown
    assert mended is not None
    assert {node["status"] for node in mended["nodes"]} == {"running"}


def test_a_lost_worker_is_made_again_and_a_lost_control_plane_makes_the_cluster_anew(shown):
    args, state = made()
    with machine() as found:
        del found.containers["k3d-demo-agent-0"]
    seen = ClusterProvider().read("demo", dict(state)).outs
    assert seen is not None
    assert ClusterProvider().diff("demo", dict(seen), dict(args)).changes
    mended = ClusterProvider().update("demo", dict(seen), dict(args)).outs
    assert mended is not None
    assert "k3d-demo-agent-0-0" in [node["name"] for node in mended["nodes"]]

    nodes = [node for node in mended["nodes"] if node["name"] != "k3d-demo-serverlb"]
    diff = ClusterProvider().diff("demo", {**mended, "nodes": nodes}, dict(args))

    assert diff.replaces == ["nodes"]
    assert shown[-1].startswith("demo is replaced: k3d-demo-serverlb is gone")


def test_a_cluster_that_is_gone_reads_as_gone_and_is_deleted_in_vain():
    _, state = made()
    with machine() as found:
        found.containers.clear()

    assert ClusterProvider().read("demo", dict(state)).id == ""
    ClusterProvider().delete("demo", dict(state))


def test_everything_goes_with_the_cluster():
    args, state = made()
    ClusterProvider().delete("demo", dict(state))
    ClaimProvider().delete(args["claim"], {"name": "demo"})

    assert (there().names, there().networks, there().volumes) == ([], [], [])


def test_a_taken_port_is_told_in_one_line_and_nothing_is_left(monkeypatch):
    monkeypatch.setenv("STAND_IN_PORT_TAKEN", "8080")
    with pytest.raises(K3dError) as raised:
        made()

    assert str(raised.value) == (
        "the cluster demo: a port that it publishes is taken (8080); "
        "free it or choose another in portMappings or apiPort"
    )
    assert there().names == []


def test_an_engine_that_does_not_answer_is_told_at_preview_and_never_makes_a_cluster_read_as_gone():
    args, state = made()
    with machine() as found:
        found.answers = False
    Engine.find.cache_clear()

    for failures in (ClaimProvider().check({}, {"name": "x"}), ClusterProvider().check({}, dict(args))):
        [failure] = failures.failures
        assert failure.reason.startswith("no container engine answers; start Docker or Podman")
    with pytest.raises(EngineError):
        ClusterProvider().read("demo", dict(state))
    with pytest.raises(EngineError, match=r"`pulumi stack rm --force --preserve-config`$"):
        ClusterProvider().delete("demo", dict(state))


def test_a_failure_that_is_not_known_is_told_in_k3ds_own_words():
    lines = [
        'time="x" level=info msg="Prep: Network"',
        'time="x" level=error msg="Failed to do \\"it\\"\\nat all"',
        'time="x" level=error msg="Failed to create cluster >>> Rolling Back"',
        'time="x" level=fatal msg="Cluster creation FAILED, all changes have been rolled back!"',
    ]

    assert k3d_cli.explain("demo", lines) == 'the cluster demo: k3d failed: Failed to do "it" at all'


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"version": "1.36"}, "version"),
        ({"control_planes": 3.0}, "control_planes"),
        ({"pod_cidr": "10.1.0.0/16"}, "pod_cidr"),
        ({"registry_mirrors": {"docker.io": ["https://mirror.example.org"]}}, "registry_mirrors"),
        ({"port_mappings": [{"container_port": 80, "host_port": 8080}]}, "port_mappings"),
        ({"name": "other"}, "name"),
    ],
)
def test_what_k3d_cannot_change_makes_the_cluster_anew_with_a_reason(shown, change, key):
    args, state = made()
    diff = ClusterProvider().diff("demo", dict(state), {**args, **change})

    assert (diff.changes, diff.replaces, diff.delete_before_replace) == (True, [key], True)
    assert ", and " in shown[-1]


@pytest.mark.parametrize("written", ["1.37", "1.37.2", "v1.37.2"])
def test_another_way_to_write_the_running_version_changes_nothing(written):
    args, state = made()
    diff = ClusterProvider().diff("demo", dict(state), {**args, "version": written})

    assert (diff.changes, diff.replaces) == (False, [])


def test_the_providers_are_pickled_as_references_that_later_versions_find_again():
    for provider in (ClaimProvider, ClusterProvider):
        text = pickle.dumps(provider(), protocol=4)
        assert b"components.local.k3d_provider" in text
        assert len(text) < 80


def test_no_folder_of_a_run_is_left_behind(monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", None)
    made()

    assert list(Path(tmp_path / "tmp").iterdir()) == []
