"""Machines that are containers, their network and their balancer, with an engine that only remembers."""

import json
import pickle
import re
import subprocess
from itertools import pairwise
from typing import Any

import pytest
from pulumi.output import Unknown

from components.local.container_engine import Engine, EngineError
from components.local.kind_config import OFFLINE_REPOSITORY
from components.machines import container_provider, release
from components.machines.container_provider import (
    CLAIM,
    SEED,
    BalancerProvider,
    MachineProvider,
    NetworkProvider,
)
from components.machines.reach import Reach
from tests.unit.fake_docker import IMAGE, Docker

OURS = "0123456789abcdef"
THEIRS = "fedcba9876543210"
SECRET = "#cloud-config with a PRIVATE KEY"

NETWORK: Any = {"name": "demo-network", "cidr": "10.89.0.0/24", "version": "1.37"}
MACHINE: Any = {
    "name": "demo-worker-1",
    "claim": OURS,
    "network": "demo-network",
    "address": "10.89.0.32",
    "image": IMAGE,
    "user_data": SECRET,
    "control_plane": False,
    "release": "v1.37.2",
    "reach": None,
    "status": None,
}
BALANCER: Any = {
    "name": "demo-api",
    "claim": OURS,
    "network": "demo-network",
    "address": "10.89.0.2",
    "image": IMAGE,
    "config": "server demo-control-plane-1",
    "port": None,
    "status": None,
}


@pytest.fixture
def docker(monkeypatch):
    docker = Docker()
    monkeypatch.setattr(Engine, "find", lambda: Engine("docker", cgroup_v1=False))
    monkeypatch.setattr(subprocess, "run", docker)
    monkeypatch.setattr(container_provider, "_free_port", lambda: 40123)
    return docker


def outputs(result: Any) -> dict[str, Any]:
    """What stands in the state after a create, a read or an update."""
    assert result.outs is not None
    return result.outs


# The network


def test_a_network_bears_the_claim_and_tells_what_machines_are_made_from(docker):
    made = NetworkProvider().create(dict(NETWORK))

    assert docker.networks == {"demo-network": {CLAIM: made.id}}
    assert outputs(made)["image"] == IMAGE
    assert outputs(made)["kubernetes_version"] == "v1.37.2"


@pytest.mark.parametrize(
    ("labels", "machine_of"), [({}, None), ({"com.example": "x"}, None), ({CLAIM: THEIRS}, THEIRS)]
)
def test_a_network_of_somebody_else_is_not_touched_and_named(docker, labels, machine_of):
    docker.networks["demo-network"] = labels
    if machine_of:
        docker.holds("other", machine_of, status="exited")

    refusal = "there is a network demo-network already, and it is not touched"
    [failure] = NetworkProvider().check({}, {**NETWORK, "fixed": {}}).failures
    assert failure.reason.startswith(refusal)
    with pytest.raises(EngineError, match=refusal):
        NetworkProvider().create(dict(NETWORK))
    NetworkProvider().delete(OURS, dict(NETWORK))

    assert docker.networks == {"demo-network": labels}
    assert len(docker.containers) == bool(machine_of)


@pytest.mark.parametrize("is_podman", [False, True])
def test_a_network_whose_addresses_another_one_has_is_refused_at_preview(docker, is_podman):
    docker.is_podman = is_podman
    docker.networks = {"demo-network": {CLAIM: THEIRS}, "other": {}, "host": {}}
    docker.subnets = {
        "demo-network": ["10.89.0.0/24"],
        "bridge": ["172.17.0.0/16"],
        "other": ["fd00:10:89::/64", "10.89.0.129/25"],
    }

    [failure] = NetworkProvider().check({}, {**NETWORK, "fixed": {}}).failures

    assert failure.reason == (
        "machines.cidr: 10.89.0.0/24 has addresses of 10.89.0.129/25, which the engine's network other has; write "
        "another one"
    )
    del docker.subnets["other"]
    assert NetworkProvider().check({}, {**NETWORK, "fixed": {}}).failures == []


def test_a_network_that_a_killed_create_left_is_made_anew(docker):
    docker.networks["demo-network"] = {CLAIM: THEIRS}
    assert NetworkProvider().check({}, {**NETWORK, "fixed": {}}).failures == []

    made = NetworkProvider().create(dict(NETWORK))

    assert docker.networks == {"demo-network": {CLAIM: made.id}}


def test_a_network_goes_with_all_that_bears_its_claim_and_nothing_else(docker):
    claim = NetworkProvider().create(dict(NETWORK)).id
    docker.networks["other"] = {CLAIM: THEIRS}
    docker.holds("demo-worker-1", claim, status="created")
    docker.holds("demo-worker-2", THEIRS)
    docker.holds("demo-worker-3", None)

    NetworkProvider().delete(claim, dict(NETWORK))

    assert list(docker.networks) == ["other"]
    assert list(docker.containers) == ["demo-worker-2", "demo-worker-3"]


def test_a_network_that_is_gone_reads_as_gone_and_its_delete_asks_for_nothing(docker):
    claim = NetworkProvider().create(dict(NETWORK)).id
    assert NetworkProvider().read(claim, dict(NETWORK)).id == claim

    docker.networks.clear()

    assert NetworkProvider().read(claim, dict(NETWORK)).id == ""
    NetworkProvider().delete(claim, dict(NETWORK))
    assert docker.done("network", "rm") == []


def test_a_version_without_an_image_is_refused_at_preview_with_the_fix(docker):
    [failure] = NetworkProvider().check({}, {**NETWORK, "version": "1.35"}).failures

    assert re.fullmatch(r"version: .* has no image \S+ of 1\.35, .*; `make up` builds it", failure.reason)
    assert NetworkProvider().check({}, dict(NETWORK)).failures == []


@pytest.mark.parametrize(("key", "value"), [("podCidr", "10.9.0.0/16"), ("cni", "none")])
def test_what_machines_that_stand_would_not_take_in_is_refused_at_preview(key, value):
    fixed = {"podCidr": "10.244.0.0/16", "cni": "flannel"}
    olds, news = {**NETWORK, "fixed": fixed}, {**NETWORK, "fixed": {**fixed, key: value}}

    [failure] = NetworkProvider().check(olds, news).failures

    assert failure.reason == (
        f"{key}: a cluster that stands does not take in a change from {fixed[key]} to {value}; "
        f"write {fixed[key]} again, or run `make down` before you change it"
    )
    assert NetworkProvider().check(olds, olds).failures == []


@pytest.mark.parametrize(
    ("stands", "wanted", "reason"),
    [
        # Of a state that is older than the key too.
        ({}, "10.89.0.5", "without it does not take in 10.89.0.5; drop the key"),
        ({"virtualIp": ""}, "10.89.0.5", "without it does not take in 10.89.0.5; drop the key"),
        ({"virtualIp": "10.89.0.5"}, "", "does not take in a change from 10.89.0.5 to none; write 10.89.0.5 again"),
    ],
)
def test_what_may_be_left_out_is_neither_added_nor_dropped_while_a_cluster_stands(stands, wanted, reason):
    news = {**NETWORK, "fixed": {"virtualIp": wanted}}

    [failure] = NetworkProvider().check({**NETWORK, "fixed": stands}, news).failures

    assert failure.reason == f"virtualIp: a cluster that stands {reason}, or run `make down` before you change it"


def test_a_key_that_is_newer_than_a_state_is_held_to_from_then_on():
    news = {**NETWORK, "fixed": {"virtualIp": "", "cni": "flannel"}}

    assert NetworkProvider().check({**NETWORK, "fixed": {}}, news).failures == []


def test_another_version_has_the_network_find_another_image_and_stays_the_network_it_is(docker):
    news = {**NETWORK, "fixed": {}}
    olds = {**news, "version": "1.36"}
    assert NetworkProvider().check(olds, news).failures == []

    diff = NetworkProvider().diff(OURS, olds, news)
    updated = outputs(NetworkProvider().update(OURS, olds, news))

    assert (diff.changes, diff.replaces) == (True, [])
    assert (updated["image"], updated["kubernetes_version"]) == (IMAGE, "v1.37.2")


def test_another_version_without_an_image_is_refused_at_preview_with_the_fix(docker):
    olds = {**NETWORK, "version": "1.34", "fixed": {}}

    [failure] = NetworkProvider().check(olds, {**olds, "version": "1.35"}).failures

    assert failure.reason.startswith("version: the container engine has no image")


def test_another_cidr_is_another_network():
    diff = NetworkProvider().diff(OURS, dict(NETWORK), {**NETWORK, "cidr": "10.90.0.0/24"})

    assert (diff.changes, diff.replaces, diff.delete_before_replace) == (True, ["cidr"], True)
    assert NetworkProvider().diff(OURS, dict(NETWORK), dict(NETWORK)).changes is False


# Machines


def test_a_machine_boots_from_a_seed_that_only_root_reads_there(docker):
    made = MachineProvider().create(dict(MACHINE))

    container = docker.containers["demo-worker-1"]
    assert container["State"]["Status"] == "running"
    assert container["files"].keys() == {f"{SEED}/user-data", f"{SEED}/meta-data"}
    assert container["files"][f"{SEED}/user-data"] == (SECRET, 0o600)
    meta = json.loads(container["files"][f"{SEED}/meta-data"][0])
    assert meta == {"instance-id": made.id, "local-hostname": "demo-worker-1"}
    # The seed is there before the first boot looks for it.
    assert [command[1] for command in docker.asked][-3:] == ["create", "cp", "start"]


def test_no_secret_is_on_a_command_line_or_in_the_machine_s_environment(docker):
    MachineProvider().create(dict(MACHINE))
    BalancerProvider().create(dict(BALANCER))

    words = [word for command in docker.asked for word in command]
    assert not any("PRIVATE KEY" in word for word in words)
    assert not {"--env", "-e", "--env-file"} & set(words)


def test_a_machine_has_the_address_and_the_claim_that_it_was_given(docker):
    MachineProvider().create(dict(MACHINE))

    [words] = docker.done("create")
    options = dict(pairwise(words))
    assert options["--network"] == "demo-network"
    assert options["--ip"] == "10.89.0.32"
    assert options["--label"] == f"{CLAIM}={OURS}"


def test_a_machine_tells_how_it_is_reached(docker):
    reach = Reach.of(outputs(MachineProvider().create(dict(MACHINE)))["reach"])

    assert reach == Reach("demo-worker-1", ("docker", "exec", "--interactive", "demo-worker-1"))


@pytest.mark.parametrize(("provider", "props"), [(MachineProvider(), MACHINE), (BalancerProvider(), BALANCER)])
@pytest.mark.parametrize("status", ["created", "running", "exited"])
def test_what_a_killed_create_left_is_made_anew(docker, provider, props, status):
    docker.holds(props["name"], OURS, status=status)
    assert provider.check({}, dict(props)).failures == []

    provider.create(dict(props))

    assert docker.containers[props["name"]]["files"]
    assert docker.containers[props["name"]]["State"]["Status"] == "running"


@pytest.mark.parametrize(("provider", "props"), [(MachineProvider(), MACHINE), (BalancerProvider(), BALANCER)])
@pytest.mark.parametrize("claim", [THEIRS, None])
def test_a_container_of_somebody_else_is_not_touched_and_named(docker, provider, props, claim):
    name = props["name"]
    docker.holds(name, claim)

    refusal = rf"there is a container {name} already, .* is not touched; .*`name`"
    [failure] = provider.check({}, dict(props)).failures
    assert re.match(refusal, failure.reason)
    with pytest.raises(EngineError, match=refusal):
        provider.create(dict(props))
    assert provider.read("id", dict(props)).id == ""
    # A destroy is not held up by what is not its own.
    provider.delete("id", dict(props))

    assert list(docker.containers) == [name]
    assert docker.done("rm") == docker.done("start") == docker.done("cp") == []


@pytest.mark.parametrize(("provider", "props"), [(MachineProvider(), MACHINE), (BalancerProvider(), BALANCER)])
@pytest.mark.parametrize(("mark", "faults"), [(None, 1), (OURS, 0)])
def test_before_there_is_a_network_what_bears_no_mark_is_refused_and_what_bears_one_may_be_ours(
    docker, provider, props, mark, faults
):
    docker.holds(props["name"], mark)

    assert len(provider.check({}, {**props, "claim": Unknown()}).failures) == faults


@pytest.mark.parametrize(("provider", "props"), [(MachineProvider(), MACHINE), (BalancerProvider(), BALANCER)])
def test_what_is_deleted_goes_with_its_volumes_and_twice_is_fine(docker, provider, props):
    provider.create(dict(props))
    docker.holds("other", OURS)

    for _ in range(2):
        provider.delete("id", dict(props))

    assert list(docker.containers) == ["other"]
    assert docker.done("rm") == [["rm", "--force", "--volumes", props["name"]]]


@pytest.mark.parametrize(("provider", "props"), [(MachineProvider(), MACHINE), (BalancerProvider(), BALANCER)])
def test_what_is_gone_reads_as_gone_and_what_was_stopped_as_stopped(docker, provider, props):
    made = provider.create(dict(props))
    docker.containers[props["name"]]["State"]["Status"] = "exited"
    assert provider.read(made.id, outputs(made)).id == made.id
    assert outputs(provider.read(made.id, outputs(made)))["status"] == "exited"

    docker.containers.clear()

    assert provider.read(made.id, outputs(made)).id == ""


@pytest.mark.parametrize(
    ("provider", "props"),
    [(NetworkProvider(), NETWORK), (MachineProvider(), MACHINE), (BalancerProvider(), BALANCER)],
)
def test_an_engine_that_stops_answering_never_makes_anything_read_as_gone(docker, provider, props):
    made = provider.create(dict(props))
    docker.answers = False

    with pytest.raises(EngineError, match="Cannot connect to the Docker daemon"):
        provider.read(made.id, outputs(made))


@pytest.mark.parametrize("change", [{"user_data": "another"}, {"image": f"{OFFLINE_REPOSITORY}:v1.38.0"}])
def test_another_user_data_or_image_never_makes_another_machine(docker, change):
    made = outputs(MachineProvider().create(dict(MACHINE)))

    checked = MachineProvider().check(dict(MACHINE), {**MACHINE, **change})

    assert checked.failures == []
    assert MachineProvider().diff("id", made, checked.inputs).changes is False
    # What the state says of it is what it was booted from.
    assert {key: checked.inputs[key] for key in ("user_data", "image")} == {"user_data": SECRET, "image": IMAGE}


def test_a_machine_is_given_what_its_node_is_upgraded_to_and_is_the_same_one(docker, monkeypatch):
    given: list[tuple[str, str, bool]] = []
    monkeypatch.setattr(
        release,
        "put",
        lambda _engine, name, version, _label, *, control_plane: given.append((name, version, control_plane)),
    )
    made = outputs(MachineProvider().create(dict(MACHINE)))
    news = {**made, "release": "v1.38.0"}

    diff = MachineProvider().diff("id", made, news)
    MachineProvider().update("id", made, news)

    assert (diff.changes, diff.replaces) == (True, [])
    assert given == [(MACHINE["name"], "v1.38.0", False)]
    assert len(docker.done("create")) == 1


def test_a_machine_that_an_earlier_slipway_made_is_given_nothing_by_that(docker):
    made = outputs(MachineProvider().create(dict(MACHINE)))
    del made["release"]

    assert MachineProvider().diff("id", made, dict(MACHINE)).changes is False


def test_a_release_that_the_engine_has_not_is_refused_at_preview_with_the_fix(docker):
    [failure] = MachineProvider().check(dict(MACHINE), {**MACHINE, "release": "v1.38.0"}).failures

    assert failure.reason == (
        "version: the container engine has no slipway.local/release:v1.38.0, which demo-worker-1 is upgraded to; "
        "run `make up`"
    )


def test_a_machine_that_is_made_anew_takes_the_new_user_data(docker):
    # The engine checks what replaces a resource as if there had been none before.
    inputs = MachineProvider().check({}, {**MACHINE, "image": None, "user_data": "another"}).inputs

    assert inputs["user_data"] == "another"


@pytest.mark.parametrize("key", ["name", "claim", "network", "address"])
def test_what_makes_it_another_machine_replaces_it_the_old_one_first(docker, key):
    for provider, props in ((MachineProvider(), MACHINE), (BalancerProvider(), BALANCER)):
        made = outputs(provider.create(dict(props)))
        diff = provider.diff("id", made, {**props, key: "another"})

        assert (diff.changes, diff.replaces, diff.delete_before_replace) == (True, [key], True)


def test_a_machine_that_was_stopped_is_started_by_an_update_and_is_the_same_one(docker):
    made = MachineProvider().create(dict(MACHINE))
    docker.containers["demo-worker-1"]["State"]["Status"] = "exited"
    state = outputs(MachineProvider().read(made.id, outputs(made)))

    diff = MachineProvider().diff(made.id, state, dict(MACHINE))
    updated = outputs(MachineProvider().update(made.id, state, dict(MACHINE)))

    assert (diff.changes, diff.replaces) == (True, [])
    assert docker.containers["demo-worker-1"]["State"]["Status"] == "running"
    assert updated["status"] == "running"
    assert updated["reach"] == outputs(made)["reach"]
    assert len(docker.done("create")) == len(docker.done("cp")) == 1


def test_an_image_that_is_not_there_is_refused_at_preview_for_a_new_machine(docker):
    [failure] = MachineProvider().check({}, {**MACHINE, "image": "slipway.local/none:v1"}).failures

    assert failure.reason == (
        "the image slipway.local/none:v1 of demo-worker-1 is not in the container engine; run `make up`"
    )
    assert MachineProvider().check({}, dict(MACHINE)).failures == []


# The balancer


def test_the_balancer_is_published_on_loopback_alone_and_has_no_privilege(docker):
    made = outputs(BalancerProvider().create(dict(BALANCER)))

    [words] = docker.done("create")
    options = dict(pairwise(words))
    assert options["--publish"] == "127.0.0.1:40123:6443"
    assert options["--cap-drop"] == "ALL"
    assert options["--user"] == "haproxy"
    assert "--privileged" not in words
    assert made["port"] == 40123
    assert docker.containers["demo-api"]["files"] == {"/etc/haproxy/haproxy.cfg": (BALANCER["config"], 0o644)}


def test_the_balancer_has_the_port_that_a_stack_chooses(docker):
    made = outputs(BalancerProvider().create({**BALANCER, "port": 6443.0}))

    assert made["port"] == 6443
    assert BalancerProvider().diff("id", made, {**BALANCER, "port": 6443.0}).changes is False
    assert BalancerProvider().diff("id", made, {**BALANCER, "port": 7443.0}).replaces == ["port"]
    # A stack that no longer chooses keeps what it has.
    assert BalancerProvider().diff("id", made, dict(BALANCER)).changes is False


def test_the_balancer_takes_other_control_planes_in_place_and_keeps_its_port(docker):
    made = outputs(BalancerProvider().create(dict(BALANCER)))
    news = BalancerProvider().check(dict(BALANCER), {**BALANCER, "config": "three", "image": "another"}).inputs

    diff = BalancerProvider().diff("id", made, news)
    updated = outputs(BalancerProvider().update("id", made, news))

    assert (diff.changes, diff.replaces) == (True, [])
    assert docker.containers["demo-api"]["files"]["/etc/haproxy/haproxy.cfg"] == ("three", 0o644)
    # haproxy's own way: its old process serves whoever is connected, https://docs.haproxy.org/3.0/management.html#4
    assert docker.containers["demo-api"]["signals"] == ["USR2"]
    assert len(docker.done("create")) == len(docker.done("start")) == 1
    assert updated["port"] == made["port"]
    assert BalancerProvider().diff("id", updated, news).changes is False


def test_a_balancer_that_was_stopped_is_started_with_what_is_new(docker):
    made = outputs(BalancerProvider().create(dict(BALANCER)))
    docker.containers["demo-api"]["State"]["Status"] = "exited"
    state = outputs(BalancerProvider().read("demo-api", made))
    assert BalancerProvider().diff("id", state, dict(BALANCER)).changes is True

    updated = outputs(BalancerProvider().update("id", state, {**BALANCER, "config": "three"}))

    assert docker.containers["demo-api"]["State"]["Status"] == "running"
    assert docker.containers["demo-api"]["files"]["/etc/haproxy/haproxy.cfg"] == ("three", 0o644)
    assert docker.containers["demo-api"]["signals"] == []
    assert (updated["status"], updated["port"]) == ("running", made["port"])


def test_the_providers_are_pickled_as_references_that_later_versions_find_again():
    for provider in (NetworkProvider, MachineProvider, BalancerProvider):
        text = pickle.dumps(provider(), protocol=4)
        assert b"components.machines.container_provider" in text
        assert len(text) < 90
