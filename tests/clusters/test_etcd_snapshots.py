"""Snapshots of etcd on a real cluster: taken, and the start of a new one once all its machines are lost."""

import os

import pytest
import yaml

from components.bootstrap import pki, snapshots
from tests.clusters.conftest import Kubectl
from tools import paths
from tools import snapshots as tools

NAME = "slipway-test-restore"
MACHINES = (f"{NAME}-control-plane-1", f"{NAME}-worker-1")


class Commands:
    """A stack of the tests' as the commands behind `make` take it."""

    def __init__(self, stack):
        self._stack = stack
        self.name = stack.name
        self.cluster = yaml.safe_load(stack.file.read_text())["config"]["slipway:cluster"]

    def check(self):
        return {"name": NAME, "version": self.cluster["version"]}

    def pulumi(self, command, *words):
        self._stack.environment[tools.RESTORE] = os.environ[tools.RESTORE]
        ran = self._stack.run(command, "--yes", "--skip-preview", *words)
        del self._stack.environment[tools.RESTORE]
        assert ran.code == 0, ran.output


@pytest.fixture(scope="module")
def stack(slipway, machine_image):
    stack = slipway(NAME, of="dev-kubeadm", machines={"driver": "container", "cidr": "10.85.0.0/24"})
    stack.up()
    yield stack
    stack.destroy()


@pytest.fixture
def commands(stack, tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "STACKS", stack.project)
    monkeypatch.setattr(paths, "PROJECT", tmp_path)
    for name, value in stack.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv(tools.RESTORE, "")
    return Commands(stack)


@pytest.fixture
def snapshot(stack, commands, kubectl):
    """A snapshot that was taken after a ConfigMap and a Secret were made."""
    ask = kubectl(stack)
    if not ask("get", "configmap", "before", "--ignore-not-found"):
        ask("create", "configmap", "before", "--from-literal=word=thimblerig")
        ask("create", "secret", "generic", "hidden", "--from-literal=word=treasure")
    return tools.take(commands)


def test_a_snapshot_is_its_owners_and_opens_with_nothing_but_the_stacks_state(snapshot, commands):
    key = tools._key(commands, tools._exported(commands, secrets=True)["deployment"]["resources"])

    assert snapshot.stat().st_mode & 0o777 == 0o600
    assert b"thimblerig" not in snapshot.read_bytes()
    assert b"thimblerig" in snapshots.read(snapshot, key)
    assert b"treasure" not in snapshots.read(snapshot, key)
    with pytest.raises(snapshots.SnapshotError, match="of another cluster"):
        snapshots.read(snapshot, snapshots.make_key(pki.now()))


def test_nothing_of_a_snapshot_stays_on_the_machine(snapshot, engine):
    left = engine.run("exec", MACHINES[0], "sh", "-c", "ls /var/lib/etcd /var/lib/slipway")

    assert "snapshot.db" not in left
    assert ".cms" not in left


def test_a_cluster_whose_machines_are_all_lost_goes_on_from_its_snapshot(stack, commands, snapshot, engine, kubectl):
    kubectl(stack)("create", "configmap", "later")
    engine.remove(MACHINES)

    tools.restore(commands, snapshot)

    ask = kubectl(stack)
    assert sorted(ask.nodes()) == sorted(MACHINES)
    assert ask("get", "configmap", "before", "--output=jsonpath={.data.word}") == "thimblerig"
    assert ask("get", "secret", "hidden", "--output=jsonpath={.data.word}") == "dHJlYXN1cmU="
    assert ask("get", "configmap", "later", "--ignore-not-found") == ""
    ask("rollout", "status", "deployment/coredns", "--namespace=kube-system", "--timeout=180s")


def test_nothing_is_left_to_do_after_that(stack):
    assert set(stack.up().changes) == {"same"}


def test_all_machines_get_new_authorities_by_a_restore_and_go_on_with_what_was_there(
    stack, commands, snapshot, kubectl, tmp_path
):
    (tmp_path / "before").mkdir()
    before, old = Kubectl(stack, tmp_path / "before"), stack.outputs()["ca_certificate"]
    stack.set(authorityGeneration=2)
    assert "authorityGeneration: a cluster that stands takes no new CAs" in stack.fails("preview").output

    tools.restore(commands, snapshot)

    new, ask = stack.outputs()["ca_certificate"], kubectl(stack)
    assert new != old
    assert sorted(ask.nodes()) == sorted(MACHINES)
    assert ask("get", "secret", "hidden", "--output=jsonpath={.data.word}") == "dHJlYXN1cmU="
    # Pods believe nobody else, and are believed.
    ask("rollout", "status", "deployment/coredns", "--namespace=kube-system", "--timeout=180s")
    assert ask("get", "configmap", "kube-root-ca.crt", "--output=jsonpath={.data.ca\\.crt}") == new
    with pytest.raises(AssertionError, match="certificate signed by unknown authority"):
        before("get", "nodes")
    assert set(stack.up().changes) == {"same"}


def test_the_key_of_snapshots_is_in_no_plain_text(stack, engine):
    state = stack.state_file().read_text()

    assert "BEGIN PRIVATE KEY" not in state
    for machine in MACHINES:
        search = "grep -rl 'BEGIN PRIVATE KEY' /etc/slipway /var/lib/slipway /var/lib/cloud || true"
        assert engine.run("exec", machine, "sh", "-c", search) == ""
