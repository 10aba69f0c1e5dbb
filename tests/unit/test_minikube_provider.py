"""The two resources of a minikube cluster, with a docker and a minikube that only remember."""

import os
import pickle
from datetime import date
from pathlib import Path

import pytest

from components.local import command, minikube_cli, minikube_plan, minikube_provider
from components.local.container_engine import Engine
from components.local.minikube_cli import MinikubeError
from components.local.minikube_provider import ClaimProvider, ClusterProvider
from tests.programs.machine import calls, kubeconfigs, machine
from tests.programs.playing import play

ARGS = {"name": "demo", "version": "1.35", "driver": "docker", "control_planes": 1.0, "workers": 1.0}


class Today(date):
    @classmethod
    def today(cls):
        return cls(2026, 11, 24)


@pytest.fixture(autouse=True)
def own_machine(monkeypatch, tmp_path):
    play(monkeypatch, tmp_path)
    monkeypatch.setattr(minikube_provider, "date", Today)
    yield
    Engine.find.cache_clear()


@pytest.fixture
def shown(monkeypatch):
    messages: list[str] = []
    for way in ("status", "inform"):
        monkeypatch.setattr(minikube_provider.progress, way, messages.append)
    return messages


def claimed(**changes):
    """The arguments of a cluster whose name has been claimed."""
    args = {**ARGS, **changes}
    claim = ClaimProvider().create({"name": args["name"]})
    assert claim.outs is not None
    return {**args, "claim": claim.id, "home": claim.outs["home"]}


def made(**changes):
    args = claimed(**changes)
    state = ClusterProvider().create(dict(args)).outs
    assert state is not None
    return args, state


def there():
    with machine() as found:
        return found


def starts():
    return [words for words in calls("minikube", "start") if "--dry-run" not in words]


def test_a_cluster_is_made_and_tells_how_it_is_reached(shown):
    _, state = made()

    assert state["endpoint"] == "https://127.0.0.1:32769"
    assert state["kubernetes_version"] == "v1.35.1"
    assert state["nodes"] == [{"name": "demo", "status": "Running"}, {"name": "demo-m02", "status": "Running"}]
    assert {"Creating Container", "downloading preloaded.tar: 50%"} <= set(shown)


def test_the_users_own_kubeconfig_and_home_are_seen_by_no_minikube(tmp_path):
    args, state = made()
    ClusterProvider().delete("demo", dict(state))
    ClaimProvider().delete(args["claim"], dict(args))

    assert str(tmp_path / "home/.kube/config") not in kubeconfigs()
    assert not (tmp_path / "home/.minikube").exists()


def test_everything_goes_with_the_cluster_and_what_was_downloaded_stays(tmp_path):
    args, state = made()
    cache = tmp_path / "cache/slipway/minikube"
    (Path(args["home"]) / ".minikube/cache/preloaded.tar").write_text("large")
    ClusterProvider().delete("demo", dict(state))
    ClaimProvider().delete(args["claim"], dict(args))

    assert there().names == []
    assert not Path(args["home"]).exists()
    assert (cache / "preloaded.tar").read_text() == "large"


def test_what_an_earlier_run_finished_is_taken_over(shown):
    args, _ = made()
    again = ClusterProvider().create(dict(args))

    assert again.id == "demo"
    assert calls("minikube", "delete") == []
    assert "demo was finished by an earlier run, and is taken over as it is" in shown


@pytest.mark.parametrize("change", [{"workers": 2.0}, {"cni": "calico"}])
def test_what_an_earlier_run_made_from_other_arguments_is_made_anew(change):
    args, _ = made()
    ClusterProvider().create({**args, **change})

    assert len(calls("minikube", "delete")) == 1


def test_what_a_killed_run_left_half_made_is_made_anew():
    args = claimed()
    with machine() as found:
        found.dies_at = "minikube start"
    with pytest.raises(MinikubeError):
        ClusterProvider().create(dict(args))
    assert there().names == ["demo"]

    ClusterProvider().create(dict(args))

    assert there().names == ["demo", "demo-m02"]
    assert len(calls("minikube", "delete")) == 1


def test_what_a_killed_run_left_goes_with_its_claim():
    args = claimed()
    with machine() as found:
        found.dies_at = "minikube start"
    with pytest.raises(MinikubeError):
        ClusterProvider().create(dict(args))

    ClaimProvider().delete(args["claim"], dict(args))

    assert there().names == []
    assert not Path(args["home"]).exists()


def profile_of_the_users(tmp_path):
    (tmp_path / "home/.minikube/profiles/demo").mkdir(parents=True)


def container_of_another_home(_):
    with machine() as found:
        labels = {"created_by.minikube.sigs.k8s.io": "true"}
        found.containers["demo"] = {"labels": labels, "status": "running", "files": []}


def container_of_somebody_else(_):
    with machine() as found:
        found.containers["demo"] = {"labels": {}, "status": "running", "files": []}


@pytest.mark.parametrize("foreign", [profile_of_the_users, container_of_another_home, container_of_somebody_else])
def test_somebody_elses_cluster_is_refused_at_preview_and_never_touched(tmp_path, foreign):
    foreign(tmp_path)
    before = there().names
    [failure] = ClaimProvider().check({}, {"name": "demo"}).failures
    args = claimed()

    assert "there is a minikube cluster demo already, not made by this stack" in failure.reason
    with pytest.raises(MinikubeError, match="there is a minikube cluster demo already"):
        ClusterProvider().create(dict(args))
    ClusterProvider().delete("demo", dict(args))
    ClaimProvider().delete(args["claim"], dict(args))
    assert there().names == before
    assert calls("minikube", "delete") == []
    assert starts() == []
    assert ClaimProvider().check({"name": "demo"}, {"name": "demo"}).failures == []


def test_workers_come_and_go_in_the_running_cluster_and_others_stay():
    args, state = made()
    more = ClusterProvider().update("demo", dict(state), {**args, "workers": 3.0}).outs
    assert more is not None
    assert [node["name"] for node in more["nodes"]] == ["demo", "demo-m02", "demo-m03", "demo-m04"]

    fewer = ClusterProvider().update("demo", dict(more), {**args, "workers": 1.0}).outs

    assert fewer is not None
    assert [node["name"] for node in fewer["nodes"]] == ["demo", "demo-m02"]
    assert [words[3] for words in calls("minikube", "node", "delete")] == ["m04", "m03"]


def test_the_next_minor_is_an_upgrade_in_place_and_all_else_makes_the_cluster_anew(shown):
    args, state = made(version="1.34")
    diff = ClusterProvider().diff("demo", dict(state), {**args, "version": "1.35"})
    upgraded = ClusterProvider().update("demo", dict(state), {**args, "version": "1.35"}).outs

    assert (diff.changes, diff.replaces) == (True, [])
    assert upgraded is not None
    assert upgraded["kubernetes_version"] == "v1.35.1"
    for version in ("1.34", "1.35.0", "1.37"):
        again = ClusterProvider().diff("demo", dict(upgraded), {**args, "version": version})
        assert again.replaces == ["version"]
        assert shown[-1] == (
            f"demo is replaced: version v1.35.1 → {version}, and minikube upgrades to the next minor only, never back"
        )


def test_a_minor_goes_on_with_its_patch_though_a_newer_minikube_knows_newer_ones(monkeypatch):
    args, state = made(version="1.35.0")
    args["version"] = "1.35"
    assert not ClusterProvider().diff("demo", dict(state), dict(args)).changes

    mended = ClusterProvider().update("demo", dict(state), dict(args)).outs

    assert mended is not None
    assert mended["kubernetes_version"] == "v1.35.0"


def test_a_stopped_node_is_found_by_a_refresh_and_started_by_the_next_update(shown):
    args, state = made()
    with machine() as found:
        found.containers["demo-m02"]["status"] = "exited"

    seen = ClusterProvider().read("demo", dict(state)).outs
    assert seen is not None
    diff = ClusterProvider().diff("demo", dict(seen), dict(args))
    mended = ClusterProvider().update("demo", dict(seen), dict(args)).outs

    assert (diff.changes, diff.replaces) == (True, [])
    assert "demo-m02 not running, to be started or made again" in shown
    assert mended is not None
    assert {node["status"] for node in mended["nodes"]} == {"Running"}


def test_a_cluster_of_one_node_has_no_network_for_workers(shown):
    args, state = made(workers=0.0)

    assert ClusterProvider().diff("demo", dict(state), {**args, "workers": 1.0}).replaces == ["workers"]
    assert shown[-1].startswith("demo is replaced: workers 0 → 1, and nodes of one cluster need a network")


def test_the_last_worker_may_leave():
    args, state = made()
    diff = ClusterProvider().diff("demo", dict(state), {**args, "workers": 0.0})
    alone = ClusterProvider().update("demo", dict(state), {**args, "workers": 0.0}).outs

    assert diff.replaces == []
    assert alone is not None
    assert [node["name"] for node in alone["nodes"]] == ["demo"]


def test_a_cluster_whose_containers_or_profile_are_gone_reads_as_gone():
    args, state = made()
    with machine() as found:
        found.containers.clear()
    assert ClusterProvider().read("demo", dict(state)).id == ""

    again = ClusterProvider().create(dict(args)).outs
    assert again is not None
    assert there().names == ["demo", "demo-m02"]
    minikube_cli.delete(Path(args["home"]), "demo", 0)

    assert ClusterProvider().read("demo", dict(again)).id == ""


@pytest.mark.parametrize("lost", ["demo", "demo-m02"])
def test_a_node_that_is_gone_is_found_by_a_refresh_and_made_again_by_the_next_update(lost):
    args, state = made()
    with machine() as found:
        del found.containers[lost]

    seen = ClusterProvider().read("demo", dict(state))
    assert seen.id == "demo"
    assert seen.outs is not None
    assert [node["status"] for node in seen.outs["nodes"] if node["name"] == lost] == ["Nonexistent"]
    diff = ClusterProvider().diff("demo", dict(seen.outs), dict(args))
    mended = ClusterProvider().update("demo", dict(seen.outs), dict(args)).outs

    assert (diff.changes, diff.replaces) == (True, [])
    assert mended is not None
    assert {node["status"] for node in mended["nodes"]} == {"Running"}
    assert there().names == ["demo", "demo-m02"]


def test_what_an_earlier_run_finished_and_has_since_lost_a_node_is_made_anew():
    args, _ = made()
    with machine() as found:
        del found.containers["demo-m02"]
    again = ClusterProvider().create(dict(args)).outs

    assert again is not None
    assert len(calls("minikube", "delete")) == 1
    assert {node["status"] for node in again["nodes"]} == {"Running"}


def test_a_virtual_machine_that_qemu_runs_is_given_no_lock_to_hold_when_it_is_made_or_started_again(monkeypatch):
    locks: list[int | None] = []
    played = command.follow

    def follow(*words, lock, **how):
        locks.append(lock)
        return played(*words, lock=lock, **how)

    monkeypatch.setattr(command, "follow", follow)
    args, state = made(driver="qemu2", workers=0.0)
    ClusterProvider().update("demo", dict(state), dict(args))

    assert locks == [None, None]


def test_an_engine_that_does_not_answer_never_makes_a_cluster_read_as_gone():
    _, state = made()
    with machine() as found:
        found.answers = False

    with pytest.raises(MinikubeError, match=r"minikube cannot ask for demo: .*Cannot connect to the Docker daemon"):
        ClusterProvider().read("demo", dict(state))


def test_a_driver_that_does_not_work_here_is_told_at_preview_in_minikubes_own_words():
    with machine() as found:
        found.answers = False
    [failure] = ClusterProvider().check({}, dict(ARGS)).failures

    assert failure.reason == (
        "the cluster demo: minikube failed: Found docker, but the docker service isn't healthy; "
        "Start the Docker service (DRV_DOCKER_NOT_RUNNING)"
    )
    assert starts() == []


def test_a_preview_makes_nothing(tmp_path):
    assert ClusterProvider().check({}, dict(ARGS)).failures == []
    assert ClaimProvider().check({}, {"name": "demo"}).failures == []

    assert there().names == []
    assert not (tmp_path / "home/.minikube").exists()
    assert not (tmp_path / "state").exists()


def test_a_version_that_this_minikube_does_not_make_is_refused_at_preview():
    [failure] = ClusterProvider().check({}, {**ARGS, "version": "1.37"}).failures

    assert failure.reason == (
        'version: this minikube makes no Kubernetes 1.37, only 1.33 to 1.35; write version: "1.35", '
        "or install a newer minikube"
    )


def test_a_version_out_of_support_is_refused_for_a_new_cluster_and_kept_for_an_old_one():
    [failure] = ClusterProvider().check({}, {**ARGS, "version": "1.33"}).failures
    assert "out of support since 2026-06-28" in failure.reason

    olds = {**ARGS, "version": "1.33"}
    assert ClusterProvider().check(olds, {**ARGS, "version": "1.33"}).failures == []


def test_an_upgrade_to_a_version_that_this_minikube_does_not_make_is_refused_at_preview():
    [failure] = ClusterProvider().check({**ARGS, "version": "1.35"}, {**ARGS, "version": "1.36"}).failures

    assert failure.reason.startswith("version: this minikube makes no Kubernetes 1.36, only 1.33 to 1.35")


def test_a_name_too_long_for_qemus_sockets_is_refused_at_preview(monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", f"/home/{'a' * 60}/.local/state")
    [failure] = ClusterProvider().check({}, {**ARGS, "driver": "qemu2"}).failures

    assert failure.reason.startswith("name: 'demo' makes /home/")
    assert "too long for a socket of QEMU; write a shorter name, or set XDG_STATE_HOME" in failure.reason


def test_root_is_let_run_containers_and_nobody_else_is(monkeypatch):
    made()
    assert ("--force" in starts()[0]) is (os.geteuid() == 0)


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"driver": "podman"}, "driver"),
        ({"memory_mb": 4096}, "memory_mb"),
        ({"control_planes": 3}, "control_planes"),
        ({"container_runtime": "docker"}, "container_runtime"),
        ({"cni": "calico"}, "cni"),
        ({"claim": "other"}, "claim"),
    ],
)
def test_what_minikube_cannot_change_makes_the_cluster_anew_with_a_reason(change, key):
    olds = {**ARGS, "claim": "one", "control_planes": 1, "workers": 1, "kubernetes_version": "v1.35.1"}
    reasons = minikube_plan.replacements(olds, {**olds, **change})

    assert list(reasons) == [key]
    assert ", and " in reasons[key]


def test_the_providers_are_pickled_as_references_that_later_versions_find_again():
    for provider in (ClaimProvider, ClusterProvider):
        text = pickle.dumps(provider(), protocol=4)
        assert b"components.local.minikube_provider" in text
        assert len(text) < 90
