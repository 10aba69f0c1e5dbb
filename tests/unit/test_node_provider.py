"""A node from its machine's first boot to its end, with a machine and an API that only remember."""

import pickle
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from components.bootstrap import approver, node_provider, pki, serving, snapshots, status, upkeep, virtual_ip
from components.bootstrap.cloud_init import join_kubeconfig
from components.bootstrap.kubeadm_config import JOIN_KUBECONFIG
from components.bootstrap.kubectl import Kubectl, KubectlError
from components.bootstrap.node_provider import INSTANCE, PROXY_CONFIG, NodeError, NodeProvider
from components.bootstrap.plan import LIBRARY
from components.bootstrap.serving import CERTIFICATE
from components.bootstrap.snapshots import Snapshot
from components.bootstrap.status import STATUS
from components.bootstrap.upgrade import MARK
from components.machines.reach import ReachError
from tests.unit.fake_node import Clock, Cluster, Machine, step

NAME = "demo-worker-1"
PROPS: Any = {
    "name": NAME,
    "address": "10.89.0.32",
    "role": "worker",
    "machine": "machine-1",
    "reach": {"machine": NAME, "prefix": ["docker", "exec", "--interactive", NAME]},
    "kubeconfig": "apiVersion: v1",
    "version": "v1.37.2",
    "minutes": 15.0,
    "await_ready": True,
    "proxy": "server one",
    "credential": "",
    "leftovers": [],
    "instance": None,
    "kubelet_version": None,
    "ready": None,
}
SEEN = {"certificates_expire": None, "certificates_renew_from": None, "files": {}, "drift": []}
STATE = {
    **PROPS,
    "instance": "instance-1",
    "kubelet_version": "v1.37.2",
    "container_runtime": "containerd://2.4.2",
    "ready": True,
    "approval": serving.APPROVAL,
    **SEEN,
}
CONTROL_PLANE = {**STATE, "name": "demo-control-plane-2", "role": "control-plane"}

RESET = ("kubeadm", "reset", "--force", "--skip-phases=remove-etcd-member")


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(node_provider, "time", clock)
    monkeypatch.setattr(status, "time", clock)
    return clock


@pytest.fixture(autouse=True)
def machine(monkeypatch):
    """A machine that has done all its steps."""
    machine = Machine({INSTANCE: "instance-1", CERTIFICATE: "PEM"})
    machine.does(step("90-tidy", "done"), state="done")
    machine.stands_in(monkeypatch)
    return machine


@pytest.fixture(autouse=True)
def cluster(monkeypatch):
    """A cluster in which it is a Ready node."""
    cluster = Cluster()
    cluster.has(NAME)
    cluster.stands_in(monkeypatch)
    return cluster


def create(**changes: Any) -> dict[str, Any]:
    made = NodeProvider().create({**PROPS, **changes})
    assert made.outs is not None
    return made.outs


# Becoming a node


def test_a_node_is_made_once_its_machine_says_that_all_is_done_and_not_before(clock, machine):
    booted = {
        1001: lambda: machine.does(step("10-prepare-host", "done"), step("20-programs", "running")),
        1002: lambda: machine.does(step("20-programs", "failed", log="no network")),
        1003: lambda: machine.does(step("20-programs", "done", 2), state="running"),
        1004: lambda: machine.does(step("20-programs", "done", 2), state="done"),
    }
    del machine.files[STATUS]
    clock.meanwhile = lambda now: booted.pop(now, lambda: None)()

    outs = create()

    assert clock.now == 1004
    assert (outs["kubelet_version"], outs["ready"]) == ("v1.37.2", True)


def test_a_machine_that_is_not_there_yet_or_is_just_writing_is_asked_again(clock, machine):
    machine.answers = False
    machine.files[STATUS] = ""

    booted = {1000.5: lambda: setattr(machine, "answers", True), 1001: lambda: machine.does(state="done")}
    clock.meanwhile = lambda now: booted[now]()

    create()

    assert clock.now == 1001


def test_a_step_that_fails_again_and_again_is_told_with_the_end_of_its_log(clock, machine):
    log = "\n".join(f"line {number}" for number in range(19)) + "\n[ERROR Port-6443]: Port 6443 is in use\n"

    def meanwhile(now: float) -> None:
        machine.does(step("50-kubeadm-join", "failed", int(now - 999), log))

    meanwhile(clock.now)
    clock.meanwhile = meanwhile

    with pytest.raises(NodeError, match=r"Port 6443 is in use") as raised:
        create()

    first, *tail, last = str(raised.value).splitlines()
    assert first == f"{NAME}: the step 50-kubeadm-join failed 3 times; its log ends with"
    assert tail == log.splitlines()
    assert last == (
        "(all of it: /var/log/slipway/50-kubeadm-join.log there); the machine keeps trying: mend what is wrong and "
        "run `make up` again, or replace the machine"
    )
    assert clock.now == 1002


def test_attempts_from_before_anybody_looked_do_not_count(clock, machine):
    # Mended meanwhile: the run before this one gave up at the fifth, and the seventh succeeds.
    attempts = {1000.5: ("running", 6), 1001: ("failed", 6), 1002: ("running", 7), 1002.5: ("done", 7)}
    machine.does(step("50-kubeadm-join", "failed", 5, "refused"))

    def meanwhile(now: float) -> None:
        if now in attempts:
            state, count = attempts[now]
            machine.does(step("50-kubeadm-join", state, count, "refused"), state=state)

    clock.meanwhile = meanwhile

    create()

    assert clock.now == 1002.5


@pytest.mark.parametrize(("hours", "renewed"), [(2, True), (0, False)])
def test_a_machine_that_boots_late_is_given_another_credential_and_only_then(clock, machine, hours, renewed):
    made = pki.make(pki.now())
    own, fresh = (
        join_kubeconfig("demo", made, pki.join(made, NAME, pki.now() - timedelta(hours=ago))) for ago in (hours, 0)
    )
    machine.files[JOIN_KUBECONFIG] = own
    machine.does(step("kubeadm-join", "running"))
    clock.meanwhile = lambda _now: machine.does(step("kubeadm-join", "done"), state="done")

    outs = create(credential=fresh)

    assert machine.files[JOIN_KUBECONFIG] == (fresh if renewed else own)
    assert outs["credential"] == ""


def test_a_node_that_no_state_knows_is_taken_out_once_a_machine_of_its_name_waits_for_that(machine, three, clock):
    name = "demo-control-plane-2"
    three.has(name)
    three.healthy.discard(name)
    machine.does(step("await-leave", "running"))
    seen = []

    def join(_now: float) -> None:
        seen.append((name in three.nodes, name in three.members))
        three.has(name)
        machine.does(step("kubeadm-join", "done"), state="done")

    clock.meanwhile = join

    create(name=name, role="control-plane")

    assert seen == [(False, False)]
    assert name in three.nodes


LEFTOVER = {
    "name": "demo-control-plane-3",
    "address": "10.89.0.13",
    "reach": {"machine": "demo-control-plane-3", "prefix": ["docker", "exec", "--interactive", "demo-control-plane-3"]},
}


@pytest.mark.parametrize("how", ["create", "update"])
def test_a_control_plane_that_no_node_has_leave_is_taken_out_before_its_machine_goes_though_it_answers(
    machine, three, how
):
    three.members["https://10.89.0.13:2380"] = 4711  # added by an attempt that came no further
    three.has("demo-control-plane-3")
    news = {**PROPS, "name": "demo-control-plane-1", "role": "first", "leftovers": [LEFTOVER]}
    three.has("demo-control-plane-1")
    olds: Any = {**STATE, **news, "leftovers": []}

    assert NodeProvider().diff("", olds, news).changes is True
    made: Any = NodeProvider().create(news) if how == "create" else NodeProvider().update("", olds, news)

    assert sorted(three.members) == ["demo-control-plane-1", "demo-control-plane-2"]
    assert "demo-control-plane-3" not in three.nodes
    # It joins no more.
    ended = [words[-1] for words in machine.ran if words[:3] == ("systemctl", "disable", "--now")]
    assert ended == ["slipway-bootstrap.service", "kubelet"]
    assert made.outs["leftovers"] == []
    assert NodeProvider().diff("", made.outs, {**news, "leftovers": []}).changes is False


def test_an_api_that_is_not_reached_while_a_machine_waits_for_another_to_leave_is_asked_by_the_machine(
    machine, cluster, clock
):
    cluster.answers = False
    machine.does(step("await-leave", "running"))

    def answer(_now: float) -> None:
        cluster.answers = True
        machine.does(state="done")

    clock.meanwhile = answer

    assert create()["ready"] is True


def test_a_machine_that_was_booted_as_an_older_version_is_upgraded_before_it_counts_as_a_node(cluster, monkeypatch):
    cluster.has(NAME, version="v1.36.3")
    monkeypatch.setattr(
        node_provider, "upgrade", lambda _kubectl, node: cluster.has(node["name"], version=node["version"])
    )

    assert create()["kubelet_version"] == "v1.37.2"


@pytest.mark.parametrize(("role", "upgraded"), [("first", [NAME]), ("control-plane", [])])
def test_the_first_control_plane_that_has_joined_an_older_cluster_upgrades_it(cluster, monkeypatch, role, upgraded):
    cluster.version = "v1.36.3"
    done: list[str] = []
    monkeypatch.setattr(node_provider, "upgrade", lambda _kubectl, node: done.append(node["name"]))

    create(role=role)

    assert done == upgraded


def test_no_credential_is_kept_for_a_machine_that_has_joined():
    checked = NodeProvider().check(dict(PROPS), {**PROPS, "credential": "fresh"})

    assert checked.inputs["credential"] == ""
    assert NodeProvider().check({}, {**PROPS, "credential": "fresh"}).inputs["credential"] == "fresh"


def test_a_step_that_waits_is_named_when_time_is_up(clock, machine):
    machine.does(step("30-api-proxy", "done"), step("40-await-first", "running"))

    with pytest.raises(NodeError) as raised:
        create(minutes=2.0)

    assert str(raised.value) == (
        f"{NAME} has not become a node within 2 minutes: 40-await-first is still running; look at "
        "/var/log/slipway/40-await-first.log there, or allow it more time with `bootstrapMinutes`, then run `make up` "
        "again"
    )
    assert 1120 <= clock.now < 1122


def test_a_machine_that_never_boots_is_told_when_time_is_up(machine):
    machine.answers = False

    with pytest.raises(NodeError) as raised:
        create()

    assert str(raised.value) == (
        f"{NAME} has not become a node within 15 minutes: its first boot is still running (the last look: demo: it is "
        "gone, or does not run); allow it more time with `bootstrapMinutes`, then run `make up` again"
    )


def test_a_node_is_waited_for_until_it_is_ready(clock, cluster):
    cluster.has(NAME, ready=False)
    clock.meanwhile = lambda now: cluster.has(NAME, ready=now >= 1002)

    assert create()["ready"] is True
    assert clock.now == 1002


def test_a_node_without_a_pod_network_is_not_waited_for_until_it_is_ready(clock, cluster):
    cluster.has(NAME, ready=False)

    assert create(await_ready=False)["ready"] is False
    assert clock.now == 1000


def test_a_node_is_waited_for_until_its_kubelet_has_a_certificate_to_serve_with(clock, machine, monkeypatch):
    def approve(_kubectl: Kubectl, name: str, address: str) -> None:
        assert (name, address) == (NAME, PROPS["address"])
        clock.meanwhile = lambda now: now < 1003 or machine.files.update({CERTIFICATE: "PEM"})

    monkeypatch.setattr(serving, "approve", approve)
    del machine.files[CERTIFICATE]

    create()

    assert clock.now == 1003


@pytest.mark.parametrize(
    ("break_", "reason"),
    [
        (lambda _, cluster: cluster.has(NAME, ready=False), "its kubelet does not say so"),
        (lambda _, cluster: cluster.nodes.clear(), "the API knows no such node"),
        (lambda _, cluster: setattr(cluster, "refuses", "get"), "kubectl get failed: refused"),
        (
            lambda machine, _: machine.files.pop(CERTIFICATE),
            "its kubelet has no certificate to serve with (`kubectl get csr` tells what it asks for)",
        ),
    ],
)
def test_a_node_that_does_not_get_ready_is_told_with_the_reason(machine, cluster, break_, reason):
    break_(machine, cluster)

    with pytest.raises(NodeError) as raised:
        create()

    assert str(raised.value) == (
        f"{NAME} is not Ready after 15 minutes: {reason}; `kubectl describe node {NAME}` says more, "
        "and `bootstrapMinutes` allows it more time"
    )


def test_a_kubelet_whose_node_is_not_known_is_restarted_once(clock, machine, cluster):
    cluster.nodes.clear()
    clock.meanwhile = lambda now: now < 1005 or cluster.has(NAME)

    create()

    assert machine.ran == [("systemctl", "restart", "kubelet"), ("tee", INSTANCE)]


def test_a_kubelet_is_not_restarted_because_the_api_is_not_reached(clock, machine, cluster):
    cluster.answers = False
    clock.meanwhile = lambda _now: setattr(cluster, "answers", True)

    create()

    assert ("systemctl", "restart", "kubelet") not in machine.ran


def test_a_machine_is_marked_so_that_another_one_of_its_name_is_told_from_it(machine):
    first, second = create()["instance"], create()["instance"]

    assert first != second
    assert machine.files[INSTANCE] == second


# Looking at it, changing it


def test_another_control_plane_may_become_the_first_one(machine):
    first = {**CONTROL_PLANE, "role": "first"}

    assert not NodeProvider().diff("demo-control-plane-2", CONTROL_PLANE, first).replaces


def test_a_node_that_is_gone_reads_as_gone_and_one_that_is_not_ready_as_such(cluster):
    cluster.has(NAME, ready=False)
    read = NodeProvider().read(NAME, dict(STATE))
    assert (read.id, (read.outs or {})["ready"]) == (NAME, False)

    cluster.nodes.clear()

    assert NodeProvider().read(NAME, dict(STATE)).id == ""


def test_an_api_that_does_not_answer_never_makes_a_node_read_as_gone(cluster):
    cluster.answers = False

    with pytest.raises(KubectlError, match="connection refused"):
        NodeProvider().read(NAME, dict(STATE))


@pytest.mark.parametrize(
    ("change", "replaces"),
    [
        ({}, None),
        ({"name": "another"}, ["name"]),
        ({"role": "control-plane"}, ["role"]),
        ({"machine": "machine-2"}, ["machine"]),
        ({"proxy": "server two"}, []),
        ({"kubeconfig": "another"}, []),
        ({"reach": {"machine": NAME, "prefix": ["podman"]}}, []),
        ({"virtual_ip": {"address": "10.89.0.5", "control_planes": ["10.89.0.11"]}}, []),
        # How long a create may take changes nothing of what is there.
        ({"minutes": 30.0}, None),
    ],
)
def test_a_node_lives_as_long_as_its_machine(change, replaces):
    diff = NodeProvider().diff(NAME, dict(STATE), {**PROPS, **change})

    assert diff.changes is (replaces is not None)
    assert diff.replaces == (replaces or [])
    assert diff.delete_before_replace is True


def test_a_node_is_told_of_other_control_planes_without_ending_a_connection(machine):
    updated = NodeProvider().update(NAME, dict(STATE), {**PROPS, "proxy": "server one, server two"}).outs

    assert machine.files[PROXY_CONFIG] == "server one, server two"
    assert machine.ran == [("tee", PROXY_CONFIG), ("systemctl", "reload", "haproxy")]
    assert updated == {**STATE, "proxy": "server one, server two"}


def test_a_control_plane_is_told_with_whom_it_shares_an_address_and_those_that_leave_hear_of_it_until_they_are_gone(
    machine,
):
    own, stays, leaves, comes = (f"10.89.0.1{place}" for place in (1, 2, 3, 4))
    before, after = (
        {**CONTROL_PLANE, "address": own, "virtual_ip": {"address": "10.89.0.5", "control_planes": control_planes}}
        for control_planes in ([own, stays, leaves], [own, stays, comes])
    )

    NodeProvider().update(NAME, before, after)

    told = machine.files[virtual_ip.CONFIG]
    assert told == virtual_ip.configuration(own, "10.89.0.5", [own, stays, comes, leaves])
    assert machine.ran == [("systemctl", "reload", virtual_ip.UNIT)]


def test_another_way_to_a_node_is_remembered_and_nothing_is_run_there(machine):
    updated = NodeProvider().update(NAME, dict(STATE), {**PROPS, "kubeconfig": "another"}).outs

    assert machine.ran == []
    assert updated == {**STATE, "kubeconfig": "another"}


def test_what_was_changed_on_a_machine_is_told_and_never_taken_for_a_change_to_make(monkeypatch):
    warnings = []
    monkeypatch.setattr(node_provider.progress, "warn", warnings.append)
    state = {**STATE, "drift": ["/etc/haproxy/haproxy.cfg was removed on the machine"]}

    assert NodeProvider().diff(NAME, state, dict(PROPS)).changes is False
    assert warnings == [
        f"{NAME}: /etc/haproxy/haproxy.cfg was removed on the machine; put it back, or replace the machine, then "
        "`make refresh`"
    ]


def test_a_kubelet_of_another_version_than_was_put_there_is_told(cluster, monkeypatch):
    warnings = []
    monkeypatch.setattr(node_provider.progress, "warn", warnings.append)
    cluster.has(NAME, version="v1.37.1")

    cluster.nodes[NAME]["metadata"]["annotations"][MARK] = "schedulable"
    in_the_middle: Any = NodeProvider().read(NAME, dict(STATE)).outs
    del cluster.nodes[NAME]["metadata"]["annotations"]
    seen: Any = NodeProvider().read(NAME, dict(STATE)).outs
    NodeProvider().diff(NAME, in_the_middle, {**PROPS})
    NodeProvider().diff(NAME, seen, {**PROPS})

    assert warnings == [
        f"{NAME}: its kubelet is v1.37.1, and v1.37.2 was put there; install that again and start the kubelet anew, or "
        "replace the machine, then `make refresh`"
    ]


def test_a_machine_that_could_not_be_looked_at_is_looked_at_again(machine):
    unseen: Any = {**STATE, "drift": ["the machine cannot be looked at: it is gone, or does not run"]}

    assert NodeProvider().diff(NAME, unseen, {**PROPS}).changes is True
    assert NodeProvider().diff(NAME, STATE, {**PROPS}).changes is False
    told: Any = NodeProvider().update(NAME, unseen, {**PROPS}).outs
    assert told["drift"] == []


def test_what_became_of_a_machine_that_is_replaced_is_nobodys_to_mend(monkeypatch):
    monkeypatch.setattr(node_provider.progress, "warn", lambda told: pytest.fail(f"{told} was told"))
    state = {**STATE, "drift": ["the machine cannot be looked at: it is gone, or does not run"]}

    assert NodeProvider().diff("", state, {**PROPS, "machine": "another"}).replaces == ["machine"]


def test_old_certificates_are_a_change_and_their_renewal_ends_with_one_to_serve_with(
    clock, machine, cluster, monkeypatch
):
    said = []
    monkeypatch.setattr(node_provider.progress, "inform", said.append)
    monkeypatch.setattr(upkeep, "renew", lambda _reach: machine.files.pop(CERTIFICATE))
    clock.meanwhile = lambda now: now < 1003 or machine.files.update({CERTIFICATE: "PEM"})
    old = {**STATE, "certificates_expire": "2026-01-01T00:00:00+00:00"}
    state: Any = {**old, "certificates_renew_from": "2025-09-01T00:00:00+00:00"}

    assert NodeProvider().diff(NAME, state, dict(PROPS)).changes is True
    assert said == [f"{NAME}: its certificates, the first of which ends 2026-01-01T00:00:00+00:00, are renewed"]
    assert NodeProvider().update(NAME, state, dict(PROPS)).outs == STATE
    assert clock.now == 1003


def test_certificates_are_renewed_before_the_api_is_asked_which_may_not_answer_without(machine, cluster, monkeypatch):
    cluster.answers = False
    monkeypatch.setattr(upkeep, "renew", lambda _reach: setattr(cluster, "answers", True))

    state: Any = {**STATE, "certificates_renew_from": "2025-09-01T00:00:00+00:00"}

    assert NodeProvider().update(NAME, state, dict(PROPS)).outs == STATE


def test_what_a_run_writes_is_no_drift_and_what_others_wrote_stays_one(machine):
    machine.sight["files"] = {PROXY_CONFIG: "new", "/etc/containerd/config.toml": "theirs"}
    state: Any = {**STATE, "files": {PROXY_CONFIG: "old", "/etc/containerd/config.toml": "ours"}}

    updated = NodeProvider().update(NAME, state, {**PROPS, "proxy": "server two"}).outs or {}

    assert updated["files"] == {PROXY_CONFIG: "new", "/etc/containerd/config.toml": "ours"}
    assert updated["drift"] == ["/etc/containerd/config.toml was changed on the machine"]


@pytest.mark.parametrize("state", [CONTROL_PLANE, {**STATE, "name": NAME}])
def test_a_node_of_an_older_slipway_is_given_what_approves_by_an_update(machine, cluster, state):
    name = state["name"]
    cluster.has(name)
    olds = {**state, "approval": None}
    news = {**PROPS, "name": name, "role": state["role"]}

    assert NodeProvider().diff(name, olds, news).changes is True
    updated = NodeProvider().update(name, olds, news).outs or {}

    assert updated == state
    assert NodeProvider().diff(name, updated, news).changes is False
    assert cluster.nodes[name]["metadata"]["labels"] == {approver.ADDRESS: PROPS["address"]}
    assert (serving.ON_CONTROL_PLANES.keys() <= machine.files.keys()) is (state is CONTROL_PLANE)


def test_what_approves_is_no_drift_when_a_newer_slipway_has_written_it(machine, cluster):
    name = "demo-control-plane-2"
    cluster.has(name)
    program, timer = f"{LIBRARY}/approver.py", f"/etc/systemd/system/{serving.TIMER}"
    machine.sight["files"] = {program: "new", timer: "new", PROXY_CONFIG: "ours"}
    state: Any = {**CONTROL_PLANE, "approval": "older", "files": {program: "old", PROXY_CONFIG: "ours"}}

    updated = NodeProvider().update(name, state, {**PROPS, "name": name, "role": "control-plane"}).outs or {}

    assert (updated["files"], updated["drift"]) == (machine.sight["files"], [])


def test_a_node_whose_address_was_forgotten_is_given_it_again_after_a_refresh(cluster):
    read = NodeProvider().read(NAME, dict(STATE)).outs or {}
    assert read["approval"] is None

    NodeProvider().update(NAME, read, dict(PROPS))

    assert NodeProvider().read(NAME, dict(STATE)).outs == STATE


# Leaving


def test_a_node_that_leaves_is_drained_then_reset_then_forgotten(machine, cluster):
    NodeProvider().delete(NAME, dict(STATE))

    assert [words[0] for words in cluster.asked] == ["get", "drain", "delete"]
    [drain] = cluster.did("drain")
    assert drain[1] == NAME
    assert machine.ran == [RESET]
    assert cluster.nodes == {}


def test_a_control_plane_that_leaves_gives_the_address_up_before_its_api_server_ends(machine, three):
    shared = {"address": "10.89.0.5", "control_planes": ["10.89.0.11", "10.89.0.12"]}

    NodeProvider().delete(NAME, {**CONTROL_PLANE, "virtual_ip": shared})

    assert machine.ran == [("systemctl", "disable", "--now", virtual_ip.UNIT), RESET]


def test_a_node_that_is_not_ready_is_not_drained(machine, cluster):
    cluster.has(NAME, ready=False)

    NodeProvider().delete(NAME, dict(STATE))

    assert cluster.did("drain") == []
    assert machine.ran == [RESET]
    assert cluster.nodes == {}


def test_a_drain_that_is_refused_leaves_the_node_as_it_is(machine, cluster):
    cluster.refuses = "drain"

    with pytest.raises(KubectlError, match="kubectl drain failed: refused"):
        NodeProvider().delete(NAME, dict(STATE))

    assert machine.ran == []
    assert list(cluster.nodes) == [NAME]


def test_a_worker_that_is_gone_is_forgotten_and_no_member_is_taken_out(machine, cluster):
    machine.answers = False

    NodeProvider().delete(NAME, dict(STATE))

    assert cluster.nodes == {}
    assert cluster.did("exec") == []


def test_a_machine_that_is_gone_is_not_drained_though_the_api_still_holds_it_for_ready(machine, cluster):
    machine.answers = False
    cluster.has(NAME, ready=True)

    NodeProvider().delete(NAME, dict(STATE))

    assert cluster.did("drain") == []
    assert cluster.nodes == {}


@pytest.fixture
def three(cluster):
    """Three control planes, of which the second one does not answer any more."""
    cluster.members = {f"demo-control-plane-{index}": 0xF00000000000000A + index for index in (1, 2, 3)}
    cluster.healthy = {"demo-control-plane-1", "demo-control-plane-3"}
    cluster.has("demo-control-plane-2", ready=False)
    return cluster


@pytest.mark.parametrize("answers", [False, True])
def test_a_control_plane_that_is_gone_or_another_by_now_is_taken_out_of_etcd_and_nothing_is_reset(
    machine, three, answers
):
    machine.answers = answers
    machine.files[INSTANCE] = "instance-2"

    NodeProvider().delete("demo-control-plane-2", dict(CONTROL_PLANE))

    assert machine.ran == []
    assert sorted(three.members) == ["demo-control-plane-1", "demo-control-plane-3"]
    assert "demo-control-plane-2" not in three.nodes


def test_a_member_that_answers_is_left_since_another_machine_of_that_name_has_joined(machine, three):
    machine.files[INSTANCE] = "instance-2"
    three.healthy.add("demo-control-plane-2")

    NodeProvider().delete("demo-control-plane-2", dict(CONTROL_PLANE))

    assert len(three.members) == 3
    assert machine.ran == []


def test_a_control_plane_is_out_of_etcd_before_it_is_reset(machine, three, monkeypatch):
    members = []
    run = machine.run
    machine.run = lambda words, stdin: (
        members.append(sorted(three.members)) if words == RESET else None,
        run(words, stdin),
    )[1]

    NodeProvider().delete("demo-control-plane-2", dict(CONTROL_PLANE))

    assert members == [["demo-control-plane-1", "demo-control-plane-3"]]


def test_a_machine_that_is_there_and_refuses_to_be_asked_is_not_taken_for_gone(machine, three):
    machine.refuses = "sh"

    with pytest.raises(NodeError, match="failed: refused; whether it is still a node cannot be told: mend that"):
        NodeProvider().delete("demo-control-plane-2", dict(CONTROL_PLANE))

    assert machine.ran == []
    assert len(three.members) == 3
    assert "demo-control-plane-2" in three.nodes


def test_a_member_is_taken_out_through_whichever_other_one_answers(machine, three):
    machine.answers = False
    three.healthy = {"demo-control-plane-3"}

    NodeProvider().delete("demo-control-plane-2", dict(CONTROL_PLANE))

    assert sorted(three.members) == ["demo-control-plane-1", "demo-control-plane-3"]
    # The lost one itself is not asked: that ends with nothing but a time limit.
    assert three.did("exec", "--namespace=kube-system", "etcd-demo-control-plane-2") == []


@pytest.mark.parametrize("answers", [False, True])
def test_a_control_plane_that_no_member_can_take_out_stays_what_it_is_and_says_what_is_left_to_do(
    machine, three, answers
):
    machine.answers = answers
    three.healthy = set()

    with pytest.raises(NodeError, match=r"^demo-control-plane-2 cannot be taken out of etcd: kubectl exec failed: "):
        NodeProvider().delete("demo-control-plane-2", dict(CONTROL_PLANE))
    assert machine.ran == []
    assert "demo-control-plane-2" in three.nodes


def test_an_only_control_plane_is_not_drained_and_holds_its_address(machine, cluster):
    cluster.members, cluster.healthy = {NAME: 1}, {NAME}
    shared: Any = {"address": "10.89.0.5", "control_planes": ["10.89.0.32"]}

    with pytest.raises(NodeError, match=f"^{NAME} is the only control plane, and all that the cluster knows would go"):
        NodeProvider().delete(NAME, {**STATE, "role": "first", "virtual_ip": shared})

    assert machine.ran == []
    assert cluster.did("drain") == []


def test_a_reset_that_fails_is_told_and_the_node_is_not_forgotten(machine, cluster):
    machine.refuses = "kubeadm"

    with pytest.raises(ReachError, match="`kubeadm` failed: refused"):
        NodeProvider().delete(NAME, dict(STATE))

    assert list(cluster.nodes) == [NAME]


def test_the_provider_is_pickled_as_a_reference_that_later_versions_find_again():
    text = pickle.dumps(NodeProvider(), protocol=4)

    assert b"components.bootstrap.node_provider" in text
    assert len(text) < 80


# Snapshots

SNAPSHOTS = {"cluster": "demo", "certificate": "PEM", "folder": "kept"}
SNAPSHOT = Snapshot("v1.37.2", b"sealed")


@pytest.fixture
def done(monkeypatch):
    """What was done, in this order."""
    order = []
    monkeypatch.setattr(node_provider, "upgrade", lambda *_: order.append("upgrade"))
    monkeypatch.setattr(snapshots, "take", lambda _reach, certificate: order.append(certificate) or SNAPSHOT)
    monkeypatch.setattr(snapshots, "keep", lambda *given: order.append(given) or given[0])
    return order


def test_a_snapshot_is_kept_before_an_upgrade(done):
    NodeProvider().update(NAME, STATE, {**PROPS, "snapshots": SNAPSHOTS, "version": "v1.38.0"})

    assert done == ["PEM", (Path("kept"), "demo", SNAPSHOT), "upgrade"]


def test_a_first_control_plane_that_is_made_anew_and_upgraded_in_one_run_takes_one_too(done, cluster):
    cluster.version = "v1.36.3"

    create(role="first", snapshots=SNAPSHOTS)

    assert done == ["PEM", (Path("kept"), "demo", SNAPSHOT), "upgrade"]


def test_what_is_no_upgrade_takes_no_snapshot(done):
    NodeProvider().update(NAME, STATE, {**PROPS, "snapshots": SNAPSHOTS, "proxy": "server two"})

    assert done == []


def test_a_node_is_not_upgraded_without_the_snapshot_that_is_wanted(done, monkeypatch):
    def fails(*_):
        raise snapshots.SnapshotError("no snapshot of etcd was taken: the disk is full")

    monkeypatch.setattr(snapshots, "take", fails)

    with pytest.raises(snapshots.SnapshotError, match="the disk is full"):
        NodeProvider().update(NAME, STATE, {**PROPS, "snapshots": SNAPSHOTS, "version": "v1.38.0"})
    assert done == []


def test_a_machine_gets_the_snapshot_when_it_waits_for_it_and_the_state_keeps_no_key(machine, monkeypatch):
    monkeypatch.setattr(snapshots, "read", lambda path, key: f"{path} by {key}")
    machine.does(step("restore-etcd", "running"))
    monkeypatch.setattr(
        node_provider,
        "await_steps",
        lambda *_, begun, **__: [begun(one) for one in ("kubeadm-init", "restore-etcd")],
    )

    made: Any = NodeProvider().create({**PROPS, "restore": {"path": "kept/one", "key": "the key"}}).outs

    assert machine.files[f"{snapshots.RESTORED}.new"] == "kept/one by the key"
    assert ("mv", f"{snapshots.RESTORED}.new", snapshots.RESTORED) in machine.ran
    assert made["restore"] is None
    assert NodeProvider().check(STATE, {**PROPS, "restore": {"key": "the key"}}).inputs["restore"] is None
