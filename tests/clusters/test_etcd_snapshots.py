"""Snapshots of etcd on a real cluster of three control planes: taken by hand and by the machines, and gone back to."""

import json
from pathlib import Path

import pytest

from components.bootstrap import pki, schedule, snapshots
from tests import bucket as buckets
from tools import engine as engines
from tools import paths
from tools import snapshots as tools
from tools.engine.private import PrivateEngine

NAME = "slipway-test-restore"
CONTROL_PLANES = tuple(f"{NAME}-control-plane-{number}" for number in (1, 2, 3))
MACHINES = (*CONTROL_PLANES, f"{NAME}-worker-1")
SERVICE = "slipway-snapshots.service"
TIMER = "slipway-snapshots.timer"


@pytest.fixture(scope="module")
def bucket(engine):
    """A bucket that machines reach where their engine's own bridge ends, and nobody else."""
    gateway = engine.run("network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}").strip()
    found = engines.find()
    assert found is not None
    process = PrivateEngine(paths.CACHE / "engine").process if found.private else None
    namespace = Path("/proc", str(process.pid) if process else "self", "ns/net")
    with buckets.serving(buckets.listener_in(namespace, gateway)) as bucket:
        yield bucket


@pytest.fixture(scope="module")
def stack(slipway, machine_image, bucket):
    stack = slipway(
        NAME,
        of="dev-kubeadm",
        machines={"driver": "container", "cidr": "10.85.0.0/24"},
        controlPlanes=3,
        # None is due before the tests end: they start it themselves.
        snapshots={"schedule": "yearly", "bucket": bucket.url, "region": buckets.REGION},
    )
    stack.set_secret("slipway:snapshotAccessKey", bucket.access_key)
    stack.set_secret("slipway:snapshotSecretKey", bucket.secret_key)
    stack.up()
    yield stack
    stack.destroy()


@pytest.fixture
def commands(stack, commands_of):
    return commands_of(stack)


@pytest.fixture
def key(commands):
    """What opens the stack's snapshots: from its state."""
    return tools._key(commands, tools._exported(commands, secrets=True)["deployment"]["resources"])


@pytest.fixture
def words(stack, kubectl):
    """A ConfigMap and a Secret that a snapshot is to hold."""
    ask = kubectl(stack)
    if not ask("get", "configmap", "before", "--ignore-not-found"):
        ask("create", "configmap", "before", "--from-literal=word=thimblerig")
        ask("create", "secret", "generic", "hidden", "--from-literal=word=treasure")


@pytest.fixture
def on(engine):
    """What something prints on a machine, whether it goes well or not."""
    return lambda machine, script: engine.run("exec", machine, "sh", "-c", f"{script} || true").strip()


@pytest.fixture
def told(stack):
    """What the state has of the snapshots that machines send."""

    def outputs():
        (found,) = (one for one in stack.state() if one["urn"].endswith(f"::{NAME}-snapshots"))
        return found["outputs"]

    return outputs


def test_a_snapshot_is_its_owners_and_opens_with_nothing_but_the_stacks_state(words, commands, key):
    snapshot = tools.take(commands)

    assert snapshot.stat().st_mode & 0o777 == 0o600
    assert b"thimblerig" not in snapshot.read_bytes()
    assert b"thimblerig" in snapshots.read(snapshot, key)
    assert b"treasure" not in snapshots.read(snapshot, key)
    with pytest.raises(snapshots.SnapshotError, match="of another cluster"):
        snapshots.read(snapshot, snapshots.make_key(pki.now()))


def test_the_up_that_brings_a_schedule_sends_the_first_snapshot(bucket, told):
    (first,) = bucket.objects()

    assert first == f"{buckets.FOLDER}/{told()['last']}"
    assert told()["drift"] == []


def test_of_all_control_planes_that_begin_at_once_one_sends_a_snapshot_and_it_opens(
    words, bucket, key, engine, tmp_path
):
    before = bucket.objects()
    for machine in CONTROL_PLANES:
        engine.run("exec", machine, "systemctl", "start", SERVICE)

    ((name, content),) = bucket.objects().items() - before.items()
    sent = tmp_path / Path(name).name
    sent.write_bytes(content)
    assert b"thimblerig" in snapshots.read(sent, key)


def test_what_a_bucket_refuses_is_kept_and_tried_again(bucket, on):
    bucket.takes_nothing()
    told = {
        machine: on(machine, f"systemctl start {SERVICE}; cat {Path(schedule.SETTINGS).parent}/told.json")
        for machine in CONTROL_PLANES
    }
    states = {
        machine: on(machine, f"systemctl show --property=SubState --value {SERVICE}") for machine in CONTROL_PLANES
    }
    bucket.takes_snapshots()

    (leader,) = (machine for machine, text in told.items() if "failed" in json.loads(text))
    assert json.loads(told[leader])["failed"]["reason"].endswith("was refused: 403 AccessDenied: Access Denied")
    assert states == {machine: "auto-restart" if machine == leader else "dead" for machine in CONTROL_PLANES}
    assert "403 AccessDenied" in on(leader, f"journalctl --no-pager --unit {SERVICE}")


def test_nothing_of_a_snapshot_stays_on_the_machines(on):
    for machine in CONTROL_PLANES:
        left = on(machine, "ls /var/lib/etcd")
        assert left == "member", machine


def test_the_key_of_the_bucket_is_in_one_file_of_roots_and_in_the_state_encrypted(bucket, stack, on):
    search = f"grep -rls {bucket.secret_key} /etc /run/systemd /tmp /usr/local/lib/slipway /var/lib/slipway /var/log"
    for machine in CONTROL_PLANES:
        assert on(machine, search) == schedule.SETTINGS
        assert on(machine, f"stat --format=%a:%U {schedule.SETTINGS}") == "600:root"
    assert on(MACHINES[-1], search) == ""
    assert bucket.secret_key not in stack.state_file().read_text()


def test_a_timer_that_somebody_stops_is_told_and_the_next_up_starts_it_again(stack, bucket, told, on):
    on(CONTROL_PLANES[1], f"systemctl stop {TIMER}")

    stack.refresh()
    assert told()["drift"] == [f"the timer on {CONTROL_PLANES[1]} is inactive"]
    before = len(bucket.objects())
    run = stack.up()

    assert [step.name for step in run.steps if step.operation == "update"] == [f"{NAME}-snapshots"]
    assert on(CONTROL_PLANES[1], f"systemctl is-active {TIMER}") == "active"
    assert (told()["drift"], len(bucket.objects())) == ([], before + 1)


def test_a_cluster_whose_machines_are_all_lost_goes_on_from_what_is_in_the_bucket(
    words, stack, commands, bucket, engine, kubectl, tmp_path
):
    name, content = list(bucket.objects().items())[-1]
    fetched = tmp_path / Path(name).name
    fetched.write_bytes(content)
    kubectl(stack)("create", "configmap", "later")
    engine.remove(MACHINES)

    tools.restore(commands, fetched)

    ask = kubectl(stack)
    assert sorted(ask.nodes()) == sorted(MACHINES)
    assert ask("get", "configmap", "before", "--output=jsonpath={.data.word}") == "thimblerig"
    assert ask("get", "secret", "hidden", "--output=jsonpath={.data.word}") == "dHJlYXN1cmU="
    assert ask("get", "configmap", "later", "--ignore-not-found") == ""
    ask("rollout", "status", "deployment/coredns", "--namespace=kube-system", "--timeout=180s")


def test_etcd_has_all_three_members_again_and_each_answers(stack, kubectl):
    folder = "/etc/kubernetes/pki/etcd"
    keys = (f"--cacert={folder}/ca.crt", f"--cert={folder}/server.crt", f"--key={folder}/server.key")
    etcdctl = ("exec", "--namespace=kube-system", f"etcd-{CONTROL_PLANES[2]}", "--", "etcdctl", *keys)

    told = json.loads(kubectl(stack)(*etcdctl, "endpoint", "health", "--cluster", "--write-out=json"))

    assert [one["health"] for one in told] == [True] * 3


def test_nothing_is_left_to_do_after_that(stack):
    assert set(stack.up().changes) == {"same"}


def test_machines_that_came_with_the_restore_send_snapshots_too(bucket, engine, on):
    before = len(bucket.objects())
    for machine in CONTROL_PLANES:
        assert on(machine, f"systemctl is-enabled {TIMER}") == "enabled"
        engine.run("exec", machine, "systemctl", "start", SERVICE)

    assert len(bucket.objects()) == before + 1


def test_the_key_of_snapshots_is_in_no_plain_text(stack, on):
    state = stack.state_file().read_text()

    assert "BEGIN PRIVATE KEY" not in state
    for machine in MACHINES:
        assert on(machine, "grep -rl 'BEGIN PRIVATE KEY' /etc/slipway /var/lib/slipway /var/lib/cloud") == ""


def test_without_the_schedule_nothing_of_it_stays_on_a_machine(stack, on):
    stack.set(snapshots=None)

    run = stack.up()

    assert run.changes.keys() == {"same", "delete"}
    for machine in CONTROL_PLANES:
        assert on(machine, f"ls {' '.join(schedule.programs('yearly'))} {schedule.SETTINGS} 2>/dev/null") == ""
        assert on(machine, f"systemctl show --property=LoadState --value {TIMER}") == "not-found"
