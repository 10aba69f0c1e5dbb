"""What a cluster on own machines asks the engine for."""

import re
from itertools import pairwise
from typing import Any

import pytest
import yaml
from pulumi.runtime import resource_cycle_breaker

from components.bootstrap import pki
from components.bootstrap.kubeadm import KubeadmCluster
from components.bootstrap.kubeadm_changes import RESTORE
from components.bootstrap.node import Node
from components.spec import SpecError
from tests.examples.kubeadm import outputs

CONTROL_PLANES = [f"demo-control-plane-{index}" for index in (1, 2, 3)]
NODES = [f"{name}-node" for name in (*CONTROL_PLANES, "demo-worker-1", "demo-worker-2")]


@pytest.fixture
def made(deploy):
    """What a cluster of three control planes and two workers asks for."""

    def make(state: Any = None, config: Any = None, **changes: Any) -> Any:
        args: Any = {"version": "1.37", "machines": {"driver": "container"}, "control_planes": 3, "workers": 2}
        args |= changes
        return deploy(lambda: KubeadmCluster("demo", args), outputs=outputs(), state=state, config=config)

    return make


def steps_of(deployment: Any, machine: str) -> set[str]:
    """The scripts that a machine is booted with."""
    [found] = [one for one in deployment.of("ContainerMachine") if one.name == machine]
    files = yaml.safe_load(found.inputs["user_data"])["write_files"]
    paths = [file["path"].rpartition("/") for file in files]
    return {name.removesuffix(".sh").partition("-")[2] for folder, _, name in paths if folder.endswith("/steps")}


def state_with(*nodes: str, version: str = "v1.37.2") -> dict[str, Any]:
    """Nodes that stand, and their machines."""
    urn = "urn:pulumi:test::slipway::slipway:index:KubeadmCluster$pulumi-python:dynamic/slipway:"
    machines = {f"{urn}ContainerMachine::{node.removesuffix('-node')}": {"name": node} for node in nodes}
    return {**machines, **{f"{urn}Node::{node}": {"name": node, "version": version} for node in nodes}}


def lose(state: dict[str, Any], machine: str) -> dict[str, Any]:
    """The same, as a refresh leaves it that finds no such machine."""
    return {urn: outputs for urn, outputs in state.items() if not urn.endswith(f":ContainerMachine::{machine}")}


def order_of(deployment: Any) -> dict[str, set[str]]:
    """Node → the nodes that it waits for."""
    return {node.name: set(NODES) & node.dependencies for node in deployment.of("Node")}


def test_nodes_that_stand_are_changed_one_after_the_other_the_workers_last(made):
    order = order_of(made(state_with(*NODES)))

    assert order == {NODES[0]: set(), **{name: {earlier} for earlier, name in pairwise(NODES)}}


def test_nodes_that_are_made_wait_for_the_first_alone_and_that_one_for_all_machines(made):
    deployment = made()

    assert order_of(deployment) == {NODES[0]: set(), **{name: {NODES[0]} for name in NODES[1:]}}
    machines = {name.removesuffix("-node") for name in NODES}
    assert machines <= deployment.of("Node")[0].dependencies


def test_nodes_that_are_added_hold_up_none_that_stands(made):
    first, second, third, worker, added = NODES

    assert order_of(made(state_with(first, third, worker))) == {
        first: set(),
        second: {first},
        third: {first},
        worker: {third},
        added: {first},
    }
    assert order_of(made(state_with(second, third))) == {
        first: set(),
        second: {first},
        third: {second},
        worker: {first},
        added: {first},
    }


def test_a_node_whose_machine_is_lost_waits_for_none_that_would_wait_for_it(made):
    first, second, third, *workers = NODES

    order = order_of(made(lose(state_with(*NODES), CONTROL_PLANES[2])))

    assert order == {
        first: set(),
        second: {first},
        third: {first},
        workers[0]: {second},
        workers[1]: {workers[0]},
    }


def test_no_search_for_cycles_goes_from_node_to_node_to_the_end_of_a_long_chain(made, monkeypatch):
    walks = []
    behind = resource_cycle_breaker._with_transitive_deps

    def reachable(from_resource, to_resource):
        walks.append([one for one in behind(from_resource, set()) if isinstance(one, Node)])
        return to_resource in walks[-1]

    monkeypatch.setattr(resource_cycle_breaker, "_reachable", reachable)
    made(state_with(*NODES))

    assert max(map(len, walks)) == 1


def test_whoever_destroys_all_drains_nothing(made):
    assert {node.deleted_with for node in made().of("Node")} == {"demo-keys"}


def test_what_is_replaced_by_name_goes_before_what_takes_its_name(made):
    kept = {one.type.rpartition(":")[2] for one in made().resources if one.custom and not one.delete_before_replace}

    assert kept == {"ContainerNetwork", "Keys", "SecretsKeys"}


def test_user_data_and_kubeconfigs_are_secret(made):
    deployment = made()

    assert all("user_data" in machine.secrets for machine in deployment.of("ContainerMachine"))
    assert all("kubeconfig" in node.secrets for node in deployment.of("Node"))
    assert deployment.the("Keys").additional_secret_outputs == {"pki", "admin"}


def test_protection_is_of_what_holds_the_data(made):
    protected = {resource.name for resource in made(deletion_protection=True).resources if resource.protect}

    assert protected == {"demo-keys", *CONTROL_PLANES}


def test_the_first_control_plane_starts_the_cluster_and_the_others_join(made):
    deployment = made()

    assert "kubeadm-init" in steps_of(deployment, "demo-control-plane-1")
    for machine in ("demo-control-plane-2", "demo-control-plane-3", "demo-worker-1"):
        assert "kubeadm-join" in steps_of(deployment, machine)
        assert "kubeadm-init" not in steps_of(deployment, machine)


def test_a_machine_in_the_first_control_plane_s_place_joins_once_another_one_has(made):
    deployment = made(state_with("demo-control-plane-3-node"))

    assert steps_of(deployment, "demo-control-plane-1") == steps_of(deployment, "demo-control-plane-2")


@pytest.mark.parametrize("known", ["demo-control-plane-1-node", "demo-worker-1-node"])
def test_a_machine_that_finds_no_other_control_plane_starts_the_cluster(made, known):
    deployment = made(state_with(known))

    assert "kubeadm-init" in steps_of(deployment, "demo-control-plane-1")


def test_another_cluster_of_the_stack_says_nothing_of_this_one(made):
    deployment = made(state_with("other-control-plane-2-node"))

    assert "kubeadm-init" in steps_of(deployment, "demo-control-plane-1")


def test_the_role_of_a_node_stays_when_its_machine_joins(made):
    before, after = (
        {node.name: node.inputs["role"] for node in made(state).of("Node")} for state in (None, state_with(NODES[1]))
    )

    assert before == after


def test_control_planes_share_an_address_and_the_api_s_certificate_holds_for_it(made):
    deployment = made(virtual_ip="10.89.0.5")
    shared = {"address": "10.89.0.5", "control_planes": ["10.89.0.11", "10.89.0.12", "10.89.0.13"]}

    assert [node.inputs.get("virtual_ip") for node in deployment.of("Node")] == [shared] * 3 + [None] * 2
    first, *_ = deployment.of("ContainerMachine")
    assert "  - 10.89.0.5\n" in first.inputs["user_data"]
    for machine in deployment.of("ContainerMachine"):
        assert ("virtual-ip" in steps_of(deployment, machine.name)) is (machine.name in CONTROL_PLANES)
    assert deployment.the("KubeadmCluster").outputs["endpoint"] == "https://127.0.0.1:40123"


def test_a_snapshot_is_taken_before_the_first_control_plane_is_upgraded_and_before_no_other(made):
    first, *others = made(snapshot_folder="/mnt/kept").of("Node")

    assert first.inputs["snapshots"].keys() == {"cluster", "certificate", "folder"}
    assert first.inputs["snapshots"]["folder"] == "/mnt/kept"
    assert [node.inputs.get("snapshots") for node in others] == [None] * 4


@pytest.mark.parametrize(
    ("packages", "cni", "brought"),
    [
        ("upstream", "flannel", True),
        ("mirror", "flannel", True),
        ("installed", "flannel", False),
        ("upstream", "none", False),
    ],
)
def test_an_upgrade_brings_the_pod_network_where_its_images_can_be_had(deploy, packages, cni, brought):
    hosts = [{"address": "192.168.1.11", "role": "control-plane", "host_key": "ssh-ed25519 " + "A" * 68}]
    args: Any = {
        "version": "1.37.2",
        "machines": {"driver": "ssh", "hosts": [*hosts, {**hosts[0], "address": "192.168.1.12", "role": "worker"}]},
        "endpoint": "api.example.org",
        "packages": packages,
        **({"mirror": "https://mirror.example.org"} if packages == "mirror" else {}),
        "cni": cni,
        "pod_cidr": "10.99.0.0/16",
    }
    first, other = deploy(lambda: KubeadmCluster("demo", args), outputs=outputs()).of("Node")

    assert ('"Network": "10.99.0.0/16"' in (first.inputs.get("pod_network") or "")) is brought
    assert other.inputs.get("pod_network") is None


def test_a_cluster_that_is_restored_starts_with_the_snapshot_and_every_key_of_secrets(made, monkeypatch, tmp_path):
    snapshot = tmp_path / "demo-v1.36.3-20261125T000000Z.etcd.cms"
    snapshot.touch()
    monkeypatch.setenv(RESTORE, str(snapshot))
    monkeypatch.setattr(pki, "boot_keys", lambda *_: pytest.fail("some keys are left out"))
    deployment = made()

    assert {"restore-etcd", "forget-nodes"} <= steps_of(deployment, "demo-control-plane-1")
    assert "restore-etcd" not in steps_of(deployment, "demo-control-plane-2")
    first, *others = deployment.of("Node")
    assert first.inputs["restore"]["path"] == str(snapshot)
    assert "restore" in first.secrets
    assert [node.inputs.get("restore") for node in others] == [None] * 4


@pytest.mark.parametrize(
    ("name", "state", "reason"),
    [
        ("none", {}, "there is no snapshot"),
        ("demo-v1.38.0-20261125T000000Z.etcd.cms", {}, "is of Kubernetes 1.38.0, which 1.37 cannot read"),
        ("demo", {NODES[0]: {}}, "the cluster stands already; `make restore` makes its machines anew"),
    ],
)
def test_a_restore_that_cannot_be_is_refused(made, monkeypatch, tmp_path, name, state, reason):
    if name != "none":
        (tmp_path / name).touch()
    monkeypatch.setenv(RESTORE, str(tmp_path / name))

    with pytest.raises(SpecError, match=re.escape(reason)):
        made(state_with(*state))


def test_new_authorities_are_refused_but_where_all_machines_are_made_anew(made, monkeypatch, tmp_path):
    urn = "urn:pulumi:test::slipway::slipway:index:KubeadmCluster$pulumi-python:dynamic/slipway:Keys::demo-keys"
    state = {urn: {"authority_generation": 1.0}}

    with pytest.raises(SpecError) as raised:
        made(state, authority_generation=2)

    assert str(raised.value) == (
        "authorityGeneration: a cluster that stands takes no new CAs: run `make snapshot` with 1, then write 2 and run "
        "`make restore`, which makes all machines anew"
    )
    assert made(authority_generation=2).the("Keys").inputs["authority_generation"] == 2
    snapshot = tmp_path / "demo-v1.37.2-20261125T000000Z.etcd.cms"
    snapshot.touch()
    monkeypatch.setenv(RESTORE, str(snapshot))
    assert made(state, authority_generation=2).the("Keys").inputs["authority_generation"] == 2


@pytest.mark.parametrize(
    ("running", "wanted", "reason"),
    [
        (["v1.37.2"], "1.36", "1.36 is older than v1.37.2, which runs"),
        (["v1.37.2"], "1.37.1", "1.37.1 is older than v1.37.2, which runs, and nodes never go back; write v1.37.2"),
        (["v1.37.10", "v1.37.9"], "1.37.9", "1.37.9 is older than v1.37.10, which runs"),
        (["v1.35.8"], "1.37", "1.37 is 2 minors after v1.35.8, which runs, and an upgrade takes one at a time"),
        (["v1.32.9"], "1.33", "Kubernetes 1.33 is out of support"),
        # Where an upgrade has stopped: neither back, nor on before all are there.
        (["v1.37.2", "v1.36.3"], "1.36", "1.36 is older than v1.37.2, which runs"),
        (["v1.36.3", "v1.35.8"], "1.37", "1.37 is 2 minors after v1.35.8, which runs"),
    ],
)
def test_a_version_that_nodes_cannot_be_upgraded_to_is_refused_whatever_the_machines_are(made, running, wanted, reason):
    first, *others = NODES
    state = {**state_with(first, version=running[0]), **state_with(*others, version=running[-1])}

    with pytest.raises(SpecError, match=re.escape(f"version: {reason}")):
        made(state, version=wanted)


def test_a_control_plane_that_goes_and_was_no_node_is_taken_out_of_etcd_by_the_first_one(made, monkeypatch, tmp_path):
    state = state_with(*NODES[:2])
    urn = next(urn for urn in state if "ContainerMachine" in urn).rpartition("::")[0]
    reach = {"machine": "demo-x", "prefix": ["docker", "exec", "--interactive", "demo-x"]}
    own: Any = {
        "demo-worker-9": {"control_plane": False},
        "demo-x": {"control_plane": True, "address": "10.89.0.20", "reach": reach},
        "demo-control-plane-9": {},
        CONTROL_PLANES[2]: {"control_plane": True},
    }
    state |= {f"{urn}::{name}": outputs for name, outputs in own.items()}

    nodes = {node.name: node for node in made(state).of("Node")}

    assert nodes[NODES[0]].inputs["leftovers"] == [
        {"name": "demo-control-plane-9", "address": "", "reach": None},
        {"name": "demo-x", "address": "10.89.0.20", "reach": reach},
    ]
    assert "leftovers" in nodes[NODES[0]].secrets
    assert not any(nodes[name].inputs.get("leftovers") for name in NODES[1:])
    with pytest.raises(SpecError, match=r"machines\.hosts: demo-worker-1 was to be a control plane, may be in etcd"):
        made({**state, f"{urn}::demo-worker-1": {"control_plane": True}})

    snapshot = tmp_path / "demo-v1.37.2-20261125T000000Z.etcd.cms"
    snapshot.touch()
    monkeypatch.setenv(RESTORE, str(snapshot))
    without_nodes = {urn: outputs for urn, outputs in state.items() if ":Node::" not in urn}
    assert not any(node.inputs.get("leftovers") for node in made(without_nodes).of("Node"))


def test_an_upgrade_that_has_stopped_can_be_gone_on_with(made):
    first, *others = NODES

    made({**state_with(first), **state_with(*others, version="v1.36.3")})


def test_a_version_that_goes_out_of_support_while_it_runs_is_no_reason_to_refuse_a_run(made):
    made(state_with(*NODES, version="v1.33.9"), version="1.33")


@pytest.mark.parametrize(("version", "reason"), [("1.33", "is out of support since"), ("1.99", "is newer than")])
def test_a_new_cluster_is_of_a_version_that_is_in_support_unless_it_is_restored(
    made, tmp_path, monkeypatch, version, reason
):
    with pytest.raises(SpecError, match=f"version: Kubernetes {version} {reason}"):
        made(version=version)

    snapshot = tmp_path / f"demo-v{version}.9-20261125T000000Z.etcd.cms"
    snapshot.touch()
    monkeypatch.setenv(RESTORE, str(snapshot))
    made(version=version)


def test_machines_are_not_added_in_the_run_that_upgrades_the_others(made):
    with pytest.raises(SpecError) as raised:
        made(state_with(*NODES[:-1], version="v1.36.3"))

    assert str(raised.value) == (
        "version: 1.37 is another one than that of the nodes that run, and demo-worker-2 is new: it cannot join what "
        'is older than itself; write "1.36" and run `make up`, then upgrade; or upgrade first, then add machines'
    )
    made(state_with(*NODES, version="v1.36.3"))
    made(state_with(*NODES[:-1]))


def test_what_takes_the_place_of_a_lost_machine_comes_before_an_upgrade_or_once_the_cluster_is_upgraded(made):
    first, *others = NODES
    lost = CONTROL_PLANES[2]

    reason = f'{lost} has lost its machine: it cannot join what is older than itself; write "1.36"'
    with pytest.raises(SpecError, match=re.escape(reason)):
        made(lose(state_with(*NODES, version="v1.36.3"), lost))
    made(lose({**state_with(first), **state_with(*others, version="v1.36.3")}, lost))


def test_a_new_key_of_secrets_goes_to_all_control_planes_once_all_are_nodes(made):
    keys = made(encryption_key_generation=2).the("SecretsKeys")

    assert sorted(keys.inputs["control_planes"]) == CONTROL_PLANES
    assert set(NODES[:3]) <= keys.dependencies
    assert {"keys", "kubeconfig"} <= keys.secrets
    assert keys.deleted_with == "demo-keys"


def test_a_control_plane_that_comes_with_a_new_key_writes_with_the_one_that_the_others_know(made, monkeypatch):
    told = []
    monkeypatch.setattr(pki, "boot_keys", lambda keys, generation: told.append(generation) or keys)
    urn = (
        "urn:pulumi:test::slipway::slipway:index:KubeadmCluster$pulumi-python:dynamic/slipway:SecretsKeys::demo-secrets"
    )

    made(encryption_key_generation=2, state={urn: {"generation": 1.0}})
    made(encryption_key_generation=2)

    assert told == [1, 2]


SNAPSHOTS = {"schedule": "hourly", "bucket": "https://s3.example.org/kept"}
BUCKET_KEYS = {"slipway:snapshotAccessKey": "AKIDEXAMPLE", "slipway:snapshotSecretKey": "treasure\n"}


def test_snapshots_are_sent_by_all_control_planes_once_all_machines_are_nodes(made):
    sent = made(snapshots=SNAPSHOTS, config=BUCKET_KEYS).the("SnapshotSchedule")

    assert sorted(sent.inputs["control_planes"]) == CONTROL_PLANES
    assert all(one.keys() == {"machine", "reach"} for one in sent.inputs["control_planes"].values())
    assert NODES[-1] in sent.dependencies
    assert {"access_key", "secret_key"} <= sent.secrets
    assert sent.additional_secret_outputs == {"access_key", "secret_key"}
    assert sent.inputs["secret_key"] == "treasure"
    assert sent.inputs["region"] == "us-east-1"
    assert sent.deleted_with == "demo-keys"


def test_snapshots_without_the_keys_of_their_bucket_are_refused_at_preview(made):
    with pytest.raises(SpecError) as raised:
        made(snapshots=SNAPSHOTS, config={"slipway:snapshotAccessKey": "AKIDEXAMPLE"})

    assert str(raised.value) == (
        "slipway:snapshotSecretKey: is required with `snapshots`: a key of the bucket; write it by `pulumi config set "
        "--secret slipway:snapshotSecretKey`"
    )


def test_without_snapshots_no_key_of_a_bucket_is_asked_for(made):
    assert made().of("SnapshotSchedule") == []
