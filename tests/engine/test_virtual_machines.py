"""Clusters on virtual machines on the real engine, with stand-ins for hypervisors and for machines that answer."""

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.engine.slipway import Stack
from tests.examples.hypervisors import HYPERVISORS, Hypervisor

PROGRAMS = Path(__file__).parent / "stand_in" / "programs"

CONTROL_PLANES = [f"onprem-ha-control-plane-{place}" for place in (1, 2, 3)]
WORKERS = [f"onprem-ha-worker-{place}" for place in (1, 2)]
MACHINES = [*CONTROL_PLANES, *WORKERS]

DRIVERS = pytest.mark.parametrize("driver", HYPERVISORS)


@pytest.fixture(scope="session")
def new_cluster(tmp_path_factory: pytest.TempPathFactory, new: Callable[[str], Stack]) -> Callable[[str], Stack]:
    """The stack `onprem-ha` with the machines of a driver, for copies."""

    @cache
    def make(driver: str) -> Stack:
        folder = tmp_path_factory.mktemp(driver)
        stack = new("onprem-ha").copied(folder / "new")
        stack.environment["PATH"] = os.pathsep.join([str(PROGRAMS), stack.environment["PATH"]])
        stack.environment["STAND_IN_MACHINES"] = str(folder / "machines")
        stack.set(machines=dict(HYPERVISORS[driver].machines), deletionProtection=None)
        return stack

    return make


@pytest.fixture(scope="session")
def up_cluster(tmp_path_factory: pytest.TempPathFactory, new_cluster: Callable[[str], Stack]) -> Callable[[str], Stack]:
    """The same, brought up once."""

    @cache
    def make(driver: str) -> Stack:
        stack = new_cluster(driver).copied(tmp_path_factory.mktemp("up") / driver)
        stack.up()
        return stack

    return make


@pytest.fixture
def fresh(tmp_path: Path, new_cluster: Callable[[str], Stack]) -> Callable[[str], Stack]:
    """A cluster that is to be made."""
    return lambda driver: new_cluster(driver).copied(tmp_path / driver)


@pytest.fixture
def standing(tmp_path: Path, up_cluster: Callable[[str], Stack]) -> Callable[[str], Stack]:
    """A cluster that stands."""
    return lambda driver: up_cluster(driver).copied(tmp_path / driver)


def since(stack: Stack, before: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return stack.journal()[len(before) :]


def with_parts(hypervisor: Hypervisor, *machines: str) -> set[str]:
    return {*machines, *(f"{machine}-{part}" for machine in machines for part in hypervisor.parts)}


def keys_in(stack: Stack, machine: str) -> str:
    """The id of a machine's keys."""
    (found,) = [one["id"] for one in stack.state() if one["urn"].endswith(f":MachineKeys::{machine}-keys")]
    return found


@DRIVERS
def test_a_preview_makes_nothing(fresh, driver):
    stack = fresh(driver)

    assert set(stack.preview().changes) == {"create"}
    assert stack.journal() == []


@DRIVERS
def test_all_machines_are_made_and_a_second_up_and_a_refresh_change_nothing(standing, driver):
    stack, hypervisor = standing(driver), HYPERVISORS[driver]
    made = [name for operation, name in stack.journal() if operation == "create"]
    settled = {f"{machine}-{what}" for machine in MACHINES for what in hypervisor.settled}

    assert {name for name in made if "-image-" not in name} == with_parts(hypervisor, *MACHINES) | settled
    assert len(made) == hypervisor.images + len(with_parts(hypervisor, *MACHINES)) + len(settled)
    assert set(stack.up().changes) == {"same"}
    assert set(stack.refresh().changes) <= {"refresh", "same"}
    assert set(stack.up().changes) == {"same"}


@DRIVERS
def test_no_key_is_readable_in_the_state(standing, driver):
    state = standing(driver).state_file().read_text()

    assert "PRIVATE KEY" not in state
    assert "#cloud-config\\nhostname" not in state


@DRIVERS
def test_a_worker_more_and_a_worker_less_leave_all_others_alone(standing, driver):
    stack, hypervisor = standing(driver), HYPERVISORS[driver]
    before, third = stack.journal(), "onprem-ha-worker-3"
    stack.set(workers=3)
    assert set(stack.up().changes) == {"same", "create"}
    assert {name for _, name in since(stack, before) if "blanked" not in name} == with_parts(hypervisor, third)

    before = stack.journal()
    stack.set(workers=2)
    assert set(stack.up().changes) == {"same", "delete"}

    told = since(stack, before)
    assert {name for _, name in told} == with_parts(hypervisor, third)
    # Its pods go first, then the machine, and what it is made of last.
    assert told[:3] == [("drain", third), ("forget", third), ("delete", third)]


@DRIVERS
def test_what_machines_are_made_with_is_for_those_that_are_made_from_then_on(standing, driver):
    stack, hypervisor = standing(driver), HYPERVISORS[driver]
    before = stack.journal()
    image = {"vsphere": "templates/debian-13", "proxmox": "9000"}.get(driver, "https://example.com/debian-13.qcow2")
    size = {"cpus": 8, "memoryGb": 32, "diskGb": 200}
    machines = {**hypervisor.machines, "image": image, "controlPlaneSize": size, "workerSize": size}
    places = {"libvirt": {"pool": "other", "bridge": "br7"}, "proxmox": {"storage": "ceph", "fileStorage": "cephfs"}}
    stack.set(machines={**machines, **places.get(driver, {"datastore": "hdd", "folder": "k8s"})})

    stack.up()

    assert [name for _, name in since(stack, before) if "-image-" not in name] == []
    assert set(stack.up().changes) == {"same"}


@DRIVERS
@pytest.mark.parametrize("machine", [CONTROL_PLANES[0], WORKERS[1]])
def test_a_machine_is_replaced_by_the_name_of_its_keys_and_its_node_leaves_first(standing, driver, machine):
    stack, hypervisor = standing(driver), HYPERVISORS[driver]
    before, old = stack.journal(), keys_in(stack, machine)

    stack.up("--replace", f"**::{machine}-keys")

    told = since(stack, before)
    settled = [("create", f"{machine}-{what}") for what in hypervisor.settled]
    parts = with_parts(hypervisor, machine) - {machine}
    assert told[:3] == [("drain", machine), ("forget", machine), ("delete", machine)]
    assert set(told[3 : 3 + len(parts)]) == {("delete", part) for part in parts}
    assert set(told[3 + len(parts) : 3 + 2 * len(parts)]) == {("create", part) for part in parts}
    assert told[3 + 2 * len(parts) :] == [("create", machine), *settled]
    assert keys_in(stack, machine) != old
    assert set(stack.up().changes) == {"same"}


@DRIVERS
def test_a_machine_that_somebody_took_away_is_made_anew_with_all_that_it_is_made_of(standing, driver):
    stack, hypervisor, machine = standing(driver), HYPERVISORS[driver], WORKERS[0]
    stack.environment["STAND_IN_GONE"] = machine
    stack.refresh()
    del stack.environment["STAND_IN_GONE"]
    before = stack.journal()

    stack.up()

    told = since(stack, before)
    made = {name for operation, name in told if operation == "create" and "blanked" not in name}
    assert made == with_parts(hypervisor, machine)
    assert {name for operation, name in told if operation == "delete"} == made - {machine}


@DRIVERS
def test_a_run_that_the_hypervisor_refuses_half_way_is_finished_by_the_next_one(fresh, driver):
    stack = fresh(driver)
    stack.environment["STAND_IN_REFUSES"] = CONTROL_PLANES[1]
    run = stack.fails("up")
    assert any(f"the quota does not allow for {CONTROL_PLANES[1]}" in error for error in run.errors), run.output
    assert "Traceback" not in run.output
    del stack.environment["STAND_IN_REFUSES"]

    stack.up()

    assert set(stack.up().changes) == {"same"}


@DRIVERS
def test_destroying_takes_all_away_in_order_and_drains_nothing(standing, driver):
    stack, hypervisor = standing(driver), HYPERVISORS[driver]
    made = {name for operation, name in stack.journal() if operation == "create" and "blanked" not in name}
    before = stack.journal()

    stack.destroy()

    assert stack.state() == []
    told = since(stack, before)
    assert {operation for operation, _ in told} == {"delete"}
    deleted = [name for _, name in told]
    assert set(deleted) == made
    for machine in MACHINES:
        for part in hypervisor.parts:
            assert deleted.index(machine) < deleted.index(f"{machine}-{part}")
    if driver == "libvirt":
        # Disks are upon the image.
        assert "-image-" in deleted[-1]


@DRIVERS
def test_no_control_plane_of_a_protected_cluster_is_destroyed_nor_anything_that_it_is_made_of(standing, driver):
    stack = standing(driver)
    stack.set(deletionProtection=True)
    stack.up()
    before = stack.journal()

    run = stack.fails("destroy")

    assert any("protect" in error for error in run.errors), run.output
    assert [name for _, name in since(stack, before) if "control-plane" in name] == []


@DRIVERS
def test_bad_input_is_refused_at_preview_in_one_line(fresh, driver):
    stack = fresh(driver)
    stack.set(machines={**HYPERVISORS[driver].machines, "gateway": "192.168.11.1"})

    run = stack.fails("preview")

    assert run.errors == [
        "stacks/Pulumi.onprem-ha.yaml: machines.gateway: 192.168.11.1 is no machine's address in cidr 192.168.10.0/24; "
        "write one of it"
    ]
    assert stack.journal() == []
