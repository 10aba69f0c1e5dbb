"""The upgrade of a node in place, with a machine and an API that only remember."""

import json
import shlex
from typing import Any

import pytest

from components.bootstrap import status, upgrade
from components.bootstrap.node_provider import NodeProvider
from components.bootstrap.status import NodeError
from components.bootstrap.upgrade import LIBRARY, MARK, POD_NETWORK
from tests.unit.fake_node import Clock, Cluster, Machine, step

FIRST, SECOND, THIRD = (f"demo-control-plane-{index}" for index in (1, 2, 3))
WORKER = "demo-worker-1"
OLD, NEW = "v1.36.3", "v1.37.2"
FOLDER = f"{LIBRARY}/upgrades/{NEW}"


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(status, "time", clock)
    monkeypatch.setattr(upgrade, "time", clock)
    return clock


@pytest.fixture(autouse=True)
def cluster(monkeypatch):
    """Three control planes and a worker of the old version."""
    cluster = Cluster(members={FIRST: 1, SECOND: 2, THIRD: 3}, healthy={FIRST, SECOND, THIRD})
    for name in (FIRST, SECOND, THIRD, WORKER):
        cluster.has(name, version=OLD)
    cluster.stands_in(monkeypatch)
    return cluster


@pytest.fixture(autouse=True)
def machine(monkeypatch, cluster):
    """A machine on which each step succeeds; the kubelet then is the new one."""
    machine = Machine()

    def start(folder: str) -> None:
        finish(machine, folder)
        cluster.nodes[WORKER]["status"]["nodeInfo"]["kubeletVersion"] = NEW

    machine.starts = start
    machine.stands_in(monkeypatch)
    return machine


def finish(machine: Machine, folder: str) -> None:
    machine.files[f"{folder}/status.json"] = json.dumps({"state": "done", "steps": []})


def node(name: str = WORKER, role: str = "worker") -> dict[str, Any]:
    return {
        "name": name,
        "address": "10.89.0.32",
        "role": role,
        "machine": "instance-1",
        "reach": {"machine": name, "prefix": ["docker", "exec", "--interactive", name]},
        "kubeconfig": "apiVersion: v1",
        "version": NEW,
        "programs": {"step": "install-nothing", "settings": {"KUBERNETES": "1.37.2"}},
        "minutes": 15.0,
        "instance": "instance-1",
        "await_ready": True,
        "proxy": "server one",
        "credential": "",
    }


def roll(name: str = WORKER, role: str = "worker") -> None:
    changed = node(name, role)
    NodeProvider().update(name, {**changed, "version": OLD}, changed)


def starts(machine: Machine) -> list[str]:
    return [words[-1] for words in machine.ran if words[0] == "systemd-run"]


def steps_of(machine: Machine) -> dict[str, str]:
    """The steps of an upgrade in their order: name → script."""
    steps = f"{FOLDER}/steps/"
    return {path.removeprefix(steps)[3:-3]: machine.files[path] for path in sorted(machine.files) if steps in path}


def test_another_version_is_an_upgrade_in_place():
    diff = NodeProvider().diff(WORKER, {**node(), "version": OLD}, node())

    assert (diff.changes, diff.replaces) == (True, [])


def test_a_node_is_drained_before_anything_is_changed_and_takes_pods_again_after_it(machine, cluster):
    order: list[str] = []
    machine.starts, started = lambda folder: (order.append("steps"), started(folder)), machine.starts
    drained = cluster.run
    cluster.run = lambda words: (order.append(words[0]) if words[0] in ("drain", "uncordon") else None, drained(words))[
        1
    ]

    roll()

    assert order == ["drain", "steps", "uncordon"]
    assert cluster.nodes[WORKER]["metadata"]["annotations"] == {}


def test_a_machine_is_told_the_version_and_whether_it_upgrades_what_all_share(machine):
    roll()

    told = machine.files["/etc/slipway/upgrade.env"]
    assert shlex.split(told) == ["KUBERNETES=1.37.2", "APPLY=", "SHARED="]


def test_kubeadm_comes_first_then_the_kubelet_and_its_unit_is_closed_after_the_package_has_brought_it_anew(machine):
    roll()

    steps = steps_of(machine)
    assert list(steps) == ["take-kubeadm", "kubeadm-upgrade", "take-kubelet", "close-kubelet-unit", "kubelet-by-proxy"]
    assert steps["take-kubeadm"].startswith("export ONLY='kubeadm'\n")
    assert steps["take-kubelet"].startswith("export ONLY='kubelet kubectl'\n")
    assert "chmod 0600" in steps["close-kubelet-unit"]
    assert "systemctl restart kubelet" in steps["kubelet-by-proxy"]


def test_an_api_server_that_is_not_the_only_one_ends_in_its_own_time_and_the_kubelet_is_hurried(machine, cluster):
    machine.starts = lambda folder: finish(machine, folder)

    def told():
        machine.files = {}
        with pytest.raises(NodeError, match="its kubelet is"):
            roll(SECOND, "control-plane")
        shared = shlex.split(machine.files["/etc/slipway/upgrade.env"])[-1]
        return list(steps_of(machine))[-2:], shared

    assert told() == (["end-api-server", "kubelet-by-proxy"], "SHARED=yes")
    del cluster.nodes[FIRST], cluster.nodes[THIRD]
    assert told() == (["close-kubelet-unit", "kubelet-by-proxy"], "SHARED=")


@pytest.mark.parametrize("manifest", ["kind: DaemonSet", None])
def test_the_pod_network_follows_kubernetes_where_its_manifest_comes_along(machine, manifest):
    changed = {**node(FIRST, "first"), "pod_network": manifest}
    machine.starts = lambda folder: finish(machine, folder)

    with pytest.raises(NodeError, match="its kubelet is"):
        NodeProvider().update(FIRST, {**changed, "version": OLD}, changed)

    follows = list(steps_of(machine))[2] == "pod-network"
    assert (machine.files.get(POD_NETWORK), follows) == (manifest, manifest is not None)


def test_nothing_is_begun_while_a_control_plane_is_not_ready(machine, cluster):
    cluster.has(SECOND, ready=False, version=OLD)

    with pytest.raises(NodeError) as raised:
        roll()

    assert str(raised.value) == (
        f"{WORKER} is not upgraded to {NEW}: waiting until the cluster is well enough: the control plane {SECOND} is "
        "not Ready; no other node is begun: mend what is wrong and run `make up` again, which goes on here; "
        "`make restore` goes back, to a snapshot"
    )
    assert machine.ran == []


def test_the_control_plane_that_is_not_ready_is_named_and_not_the_one_that_is_upgraded(cluster):
    for name in (FIRST, SECOND):
        cluster.has(name, ready=False, version=OLD)

    with pytest.raises(NodeError, match=f"the control plane {SECOND} is not Ready"):
        roll(FIRST, "first")


def test_no_control_plane_is_begun_while_another_member_of_etcd_does_not_answer(machine, cluster):
    cluster.healthy = {FIRST, THIRD}

    with pytest.raises(NodeError, match=f"etcd does not answer on {SECOND}"):
        roll(FIRST, "first")

    assert machine.ran == []


def test_no_control_plane_is_begun_while_etcd_has_a_member_less_than_it_is_to_have(machine, cluster):
    cluster.members, cluster.healthy = {FIRST: 1, SECOND: 2}, {FIRST, SECOND}

    with pytest.raises(NodeError, match="etcd has 2 members: one is about to come or to go"):
        roll(FIRST, "first")

    assert machine.ran == []


def test_a_control_plane_that_was_left_in_the_middle_is_gone_on_with(machine, cluster):
    cluster.has(SECOND, ready=False, version=OLD)
    machine.starts = lambda folder: (finish(machine, folder), cluster.has(SECOND, version=NEW))

    roll(SECOND, "control-plane")

    assert starts(machine) == [FOLDER]


@pytest.mark.parametrize("state", ["active", "activating"])
def test_steps_that_run_still_or_will_again_are_waited_for_and_not_started(machine, state):
    finish(machine, FOLDER)
    answer = machine.run
    machine.run = lambda words, stdin: f"{state}\n" if words[:2] == ("systemctl", "show") else answer(words, stdin)

    with pytest.raises(NodeError, match=r"its kubelet is v1\.36\.3 still"):
        roll()

    assert starts(machine) == []


def test_a_step_that_fails_is_told_with_its_log_and_leaves_the_node_without_pods(machine, cluster, clock):
    def fail(folder: str, attempts: int = 1) -> None:
        told = {
            "state": "failed",
            "steps": [step("kubeadm-upgrade", "failed", attempts, "[ERROR CreateJob]: timed out")],
        }
        machine.files[f"{folder}/status.json"] = json.dumps(told)
        clock.meanwhile = lambda now: fail(folder, int(now - 998))

    machine.starts = fail

    with pytest.raises(NodeError) as raised:
        roll()

    assert str(raised.value) == (
        f"{WORKER}: the step kubeadm-upgrade failed 3 times; its log ends with\n[ERROR CreateJob]: timed out\n"
        "(all of it: /var/log/slipway/kubeadm-upgrade.log there); no other node is begun: mend what is wrong and run "
        "`make up` again, which goes on here; "
        "`make restore` goes back, to a snapshot"
    )
    assert cluster.did("uncordon") == []


def test_a_drain_waits_for_somebody_who_makes_up_for_the_pods(cluster, clock):
    cluster.leaderless = {"kube-controller-manager"}
    clock.meanwhile = lambda now: now < 1030 or cluster.leaderless.clear()

    roll()

    assert clock.now >= 1030


def test_a_drain_that_a_disruption_budget_forbids_says_so_and_the_next_run_goes_on_there(machine, cluster):
    cluster.refuses = "drain"
    with pytest.raises(NodeError, match=r"it cannot be drained: kubectl drain failed: refused; no other node is begun"):
        roll()
    assert starts(machine) == []

    cluster.refuses = ""
    roll()

    assert "unschedulable" not in cluster.nodes[WORKER]["spec"]


def test_a_node_that_took_no_pods_before_takes_none_after(cluster):
    cluster.nodes[WORKER]["spec"]["unschedulable"] = True

    roll()

    assert cluster.did("uncordon") == []
    assert MARK not in cluster.nodes[WORKER]["metadata"]["annotations"]


def test_a_node_that_a_killed_run_has_drained_takes_pods_again(cluster):
    cluster.nodes[WORKER]["spec"]["unschedulable"] = True
    cluster.nodes[WORKER]["metadata"]["annotations"][MARK] = "schedulable"

    roll()

    assert len(cluster.did("uncordon")) == 1


def test_a_control_plane_counts_as_upgraded_once_its_own_api_server_is_ready(machine, cluster, clock):
    machine.starts = lambda folder: (finish(machine, folder), cluster.has(FIRST, version=NEW))
    machine.refuses = "curl"
    clock.meanwhile = lambda now: now < 1010 or setattr(machine, "refuses", "")

    roll(FIRST, "first")

    assert clock.now >= 1010
    assert shlex.split(machine.files["/etc/slipway/upgrade.env"]) == ["KUBERNETES=1.37.2", "APPLY=yes", "SHARED=yes"]
