"""Virtual machines, whatever makes them: what a stack may say, what is asked for, and what machines are told.

After a change that is meant, run this with GOLDENS=write in the environment, and read the difference.
"""

import base64
import gzip
import hashlib
import json
import os
import pickle
import re
import shutil
import subprocess
import sys
from importlib import metadata
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from components import spec
from components.bootstrap.cloud_init import FILES
from components.bootstrap.kubeadm import KubeadmCluster
from components.bootstrap.kubeadm_args import KubeadmArgs
from components.bootstrap.kubeadm_rules import faults_of
from components.machines import drivers, guest
from components.machines.guest import Lan
from components.machines.machine_keys_provider import MachineKeysProvider
from components.machines.reach import Reach
from components.spec import SpecError
from tests.examples.hypervisors import HYPERVISORS
from tests.examples.kubeadm import outputs
from tests.unit.test_cloud_init import SCHEMA

CONTROL_PLANES = [f"demo-control-plane-{place}" for place in (1, 2, 3)]
WORKERS = [f"demo-worker-{place}" for place in (1, 2)]
MACHINES = [*CONTROL_PLANES, *WORKERS]

SHA256 = "sha256:" + "0" * 64

DRIVERS = pytest.mark.parametrize("driver", HYPERVISORS)

KEYS = outputs()["pulumi-python:dynamic/slipway:MachineKeys"]["keys"]


def args_of(driver: str, machines: Any = None, **cluster: Any) -> Any:
    """What a stack says, as it spells it."""
    written = {
        "name": "demo",
        "version": "1.37.2",
        "endpoint": "api.example.org",
        "controlPlanes": 3,
        "workers": 2,
        "machines": {**HYPERVISORS[driver].machines, **(machines or {})},
        **cluster,
    }
    return spec.parse(KubeadmArgs, {key: value for key, value in written.items() if value is not None})


def faults(driver: str, machines: Any = None, **cluster: Any) -> list[str]:
    return list(map(str, faults_of(args_of(driver, machines, **cluster))))


# What a stack says


@DRIVERS
@pytest.mark.parametrize(
    "machines",
    [
        {},
        {"gateway": "192.168.10.254", "nameservers": ["1.1.1.1", "9.9.9.9"]},
        {"firstControlPlane": "192.168.10.200", "firstWorker": "192.168.10.100"},
        {"firstControlPlane": "192.168.10.5", "firstWorker": "192.168.10.8"},
        {"cidr": "192.168.10.0/29", "firstControlPlane": "192.168.10.2", "firstWorker": "192.168.10.5"},
        {"controlPlaneSize": {"cpus": 2, "memoryGb": 2, "diskGb": 10}, "workerSize": {"cpus": 1}},
        {"proxyJump": "admin@rack1"},
    ],
)
def test_what_works_is_taken(driver, machines):
    assert faults(driver, machines) == []


@DRIVERS
@pytest.mark.parametrize(
    ("machines", "fault"),
    [
        ({"cidr": "rack1"}, "machines.cidr: 'rack1' is no network; write it like 10.244.0.0/16"),
        (
            {"cidr": "10.244.7.0/24"},
            "podCidr: 10.244.0.0/16 overlaps machines.cidr 10.244.7.0/24; choose networks that share no address",
        ),
        (
            {"cidr": "192.168.10.0/28"},
            "machines.cidr: there is room for 0 workers from 192.168.10.32 on, and 2 are asked for; write a larger "
            "network, or other addresses as `firstControlPlane` and `firstWorker`",
        ),
        (
            {"firstControlPlane": "192.168.10.30"},
            "machines.cidr: there is room for 2 control planes from 192.168.10.30 on, and 3 are asked for; write a "
            "larger network, or other addresses as `firstControlPlane` and `firstWorker`",
        ),
        (
            {"firstControlPlane": "192.168.10.32"},
            "machines.cidr: there is room for 0 control planes from 192.168.10.32 on, and 3 are asked for; write a "
            "larger network, or other addresses as `firstControlPlane` and `firstWorker`",
        ),
        *(
            (
                {key: address},
                f"machines.{key}: {address} is no machine's address in cidr 192.168.10.0/24; write one of it",
            )
            for key in ("gateway", "firstControlPlane", "firstWorker")
            for address in ("192.168.11.1", "192.168.10.0", "192.168.10.255")
        ),
        ({"gateway": "rack1"}, "machines.gateway: 'rack1' is no IPv4 address; write one of 192.168.10.0/24"),
        (
            {"nameservers": ["192.168.10.1", "dns"]},
            "machines.nameservers[1]: 'dns' is no IPv4 address; write that of a server which answers for names",
        ),
        (
            {"gateway": "192.168.10.12"},
            "machines.gateway: 192.168.10.12 is to be that of demo-control-plane-2; write another `firstControlPlane`",
        ),
        (
            {"nameservers": ["192.168.10.33"]},
            "machines.nameservers: 192.168.10.33 is to be that of demo-worker-2; write another `firstWorker`",
        ),
        (
            {"controlPlaneSize": {"cpus": 1}},
            "machines.controlPlaneSize.cpus: 1 is too little for a control plane; write 2 or more",
        ),
        (
            {"workerSize": {"memoryGb": 0}},
            "machines.workerSize.memoryGb: 0 is too little for a worker; write 1 or more",
        ),
        (
            {"proxyJump": "rack1", "proxyCommand": "nc"},
            "machines.proxyCommand: is left out where there is `proxyJump`; drop one of them",
        ),
        (
            {"hosts": []},
            "machines.hosts: says nothing to driver {driver}; drop it, or choose the driver that it is for",
        ),
    ],
)
def test_what_no_machine_can_be_made_of_is_refused_in_one_line_with_the_fix(driver, machines, fault):
    assert faults(driver, machines) == [fault.replace("{driver}", driver)]


@DRIVERS
def test_a_size_that_nobody_knows_is_refused_with_the_nearest(driver):
    with pytest.raises(SpecError, match=r"machines\.workerSize\.cpu: unknown key; did you mean cpus\?"):
        faults(driver, {"workerSize": {"cpu": 4}})


@DRIVERS
def test_what_a_driver_needs_is_asked_for_by_name(driver):
    bare = {"driver": driver}
    found = list(map(str, faults_of(spec.parse(KubeadmArgs, {**args_camel(driver), "machines": bare}))))

    entry = drivers.DRIVERS[drivers.Driver(driver)]
    assert [line.partition(": ")[0] for line in found] == [f"machines.{key}" for key in entry.required]
    assert all(f": is required with driver {driver}: " in line for line in found)


def args_camel(driver: str) -> dict[str, Any]:
    return {"name": "demo", "version": "1.37.2", "endpoint": "api.example.org"}


@pytest.mark.parametrize(
    ("driver", "machines", "fault"),
    [
        *(
            (
                "libvirt",
                {"uri": uri},
                "machines.uri: is none of libvirt that is safe; write one like qemu:///system or "
                "qemu+ssh://admin@rack1/system, without a password",
            )
            for uri in ("rack1", "qemu+tcp://rack1/system", "qemu+ssh://admin:secret@rack1/system", "xen:///system")
        ),
        (
            "libvirt",
            {"image": "/none/debian.qcow2"},
            "machines.image: there is no file /none/debian.qcow2 here; write the path of a cloud image, or its URL",
        ),
        (
            "libvirt",
            {"bridge": "br0", "network": "lan"},
            "machines.bridge: is instead of `network`; drop one of them",
        ),
        *(
            (
                "proxmox",
                {"nodes": nodes},
                "machines.nodes: names no node, or one of them twice; write each that is to have machines once",
            )
            for nodes in ([], ["pve1", "pve1"])
        ),
        *(
            (
                "proxmox",
                {"image": image},
                f"machines.image: {image!r} is neither the URL of a cloud image nor the number of a template; write "
                "one of them",
            )
            for image in ("debian-12", "99", "local:iso/debian.img")
        ),
        *(
            (
                "proxmox",
                {"imageChecksum": checksum},
                f"machines.imageChecksum: {checksum!r} is no checksum; write sha256: and 64 hexadecimal digits, or "
                "sha512: and 128",
            )
            for checksum in ("", "sha256:", "md5:" + "0" * 32, "sha512:" + "0" * 64, "0" * 64)
        ),
        (
            "proxmox",
            {"image": "9000", "imageChecksum": SHA256},
            "machines.imageChecksum: is for an image that is fetched, and a template is none; drop it",
        ),
        (
            "libvirt",
            {"imageChecksum": SHA256},
            "machines.imageChecksum: is compared by nobody where libvirt's plugin fetches the image; fetch it, and "
            "write its path",
        ),
        ("proxmox", {"vlan": 4095}, "machines.vlan: 4095 is no VLAN; write one from 1 to 4094"),
        ("vsphere", {"portGroup": " "}, "machines.portGroup: is empty; write the name that it has in vCenter"),
    ],
)
def test_what_only_one_driver_can_refuse_is_refused_in_one_line_with_the_fix(driver, machines, fault):
    assert faults(driver, machines) == [fault]


@pytest.mark.parametrize(
    "uri", ["qemu:///system", "qemu+ssh://rack1:2222/system?keyfile=/k", "qemu+tls://rack1/system"]
)
def test_every_safe_way_to_libvirt_is_taken(uri):
    assert faults("libvirt", {"uri": uri}) == []


def test_no_password_is_echoed():
    (fault,) = faults("libvirt", {"uri": "qemu+ssh://admin:secret@rack1/system"})

    assert "secret" not in fault


@DRIVERS
@pytest.mark.parametrize(
    ("address", "machines", "fault"),
    [
        ("192.168.10.1", {}, "virtualIp: 192.168.10.1 is of machines.gateway; write one that nobody has"),
        (
            "192.168.10.2",
            {"nameservers": ["192.168.10.2"]},
            "virtualIp: 192.168.10.2 is of machines.nameservers; write one that nobody has",
        ),
        (
            "192.168.10.12",
            {},
            "virtualIp: 192.168.10.12 is the address of demo-control-plane-2; write one that no machine has",
        ),
        # Where machines are is told first.
        (
            "192.168.10.10",
            {"firstWorker": "rack1"},
            "machines.firstWorker: 'rack1' is no IPv4 address; write one of 192.168.10.0/24",
        ),
    ],
)
def test_an_address_that_somebody_has_is_not_held_by_control_planes(driver, address, machines, fault):
    assert faults(driver, machines, endpoint=None, virtualIp=address) == [fault]


def test_a_driver_whose_sdk_is_not_there_says_how_to_have_it(monkeypatch):
    def missing(package: str) -> str:
        raise metadata.PackageNotFoundError(package)

    monkeypatch.setattr(metadata, "version", missing)

    with pytest.raises(SpecError) as raised:
        faults("vsphere")
    assert str(raised.value) == (
        "machines.driver: vsphere needs the package pulumi-vsphere, which is not installed; run `uv sync --inexact "
        "--extra vsphere` (`make up` does it by itself)"
    )


@DRIVERS
def test_the_sdk_of_a_driver_comes_with_its_extra(driver):
    entry = drivers.DRIVERS[drivers.Driver(driver)]

    assert any(
        re.match(rf"{entry.sdk}\b.*extra == ['\"]{entry.extra}['\"]", one) for one in metadata.requires("slipway") or ()
    )


# Where machines are


@DRIVERS
def test_a_machine_keeps_its_name_its_address_and_its_hardware_address_when_others_come_and_go(driver):
    few, many = (
        set(drivers.of("demo", args_of(driver, controlPlanes=planes, workers=workers)).machines())
        for planes, workers in ((1, 1), (3, 4))
    )

    assert {(one.name, one.address) for one in few} <= {(one.name, one.address) for one in many}


@DRIVERS
def test_machines_have_the_addresses_that_the_stack_begins_with(driver):
    chosen = {"firstControlPlane": "192.168.10.200", "firstWorker": "192.168.10.50"}
    machines = drivers.of("demo", args_of(driver, chosen)).machines()

    assert [machine.address.rpartition(".")[2] for machine in machines] == ["200", "201", "202", "50", "51"]


def test_no_two_addresses_of_a_network_have_one_hardware_address():
    made = [guest.mac("00:50:56", str(address)) for address in IPv4Network("10.255.252.0/22")]

    assert len(set(made)) == len(made)
    # https://docs.vmware.com: what may be given by hand.
    assert all(re.fullmatch(r"00:50:56:[0-3][0-9a-f]:[0-9a-f]{2}:[0-9a-f]{2}", one) for one in made)


@DRIVERS
def test_where_machines_are_stays_while_they_stand(driver):
    fixed = drivers.of("demo", args_of(driver)).fixed()

    assert fixed == {
        "endpoint": "api.example.org",
        "machines.cidr": "192.168.10.0/24",
        "machines.firstControlPlane": "192.168.10.11",
        "machines.firstWorker": "192.168.10.32",
    }


# What is asked of the engine


URN = "urn:pulumi:test::slipway::slipway:index:KubeadmCluster$"

ASKED = {
    "gateway": "192.168.10.254",
    "nameservers": ["9.9.9.9"],
    "proxyJump": "admin@rack1",
    "controlPlaneSize": {"cpus": 4, "memoryGb": 8, "diskGb": 40},
    "workerSize": {"cpus": 16},
}
LOST = WORKERS[0]


def state_of(driver: str) -> dict[str, Any]:
    """A cluster whose machines all stand but one."""
    hypervisor = HYPERVISORS[driver]
    (token,) = [token for token in hypervisor.cloud.kinds if token.endswith(f":{hypervisor.kind}")]
    keys = f"{URN}pulumi-python:dynamic/slipway:MachineKeys::"
    return {
        **{f"{keys}{machine}-keys": {"name": machine} for machine in MACHINES},
        **{f"{URN}{token}::{machine}": {"name": machine} for machine in MACHINES if machine != LOST},
    }


@pytest.fixture
def asked(deploy, monkeypatch):
    """What a cluster asks for."""
    monkeypatch.setattr(shutil, "which", lambda program: program)

    def make(driver: str, machines: Any = None, state: Any = None, **cluster: Any) -> Any:
        args = args_of(driver, machines, **cluster)
        return deploy(
            lambda: KubeadmCluster("demo", args), clouds=[HYPERVISORS[driver].cloud], outputs=outputs(), state=state
        )

    return make


@pytest.fixture
def small(asked):
    """The same of one control plane and one worker."""
    return lambda driver, machines=None, state=None: asked(driver, machines, state, controlPlanes=1, workers=1)


@pytest.fixture
def made(asked, already):
    """What a protected cluster of three control planes and two workers asks for, of which a machine is lost: once."""

    def make(driver: str) -> Any:
        if driver not in already:
            already[driver] = asked(driver, ASKED, state_of(driver), deletionProtection=True)
        return already[driver]

    return make


def told_to(made: Any, driver: str, machine: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """The user-data, meta-data and network of a machine, as cloud-init would read them."""
    if driver == "libvirt":
        inputs = named(made, f"{machine}-seed").inputs
        return inputs["userData"], json.loads(inputs["metaData"]), json.loads(inputs["networkConfig"])
    if driver == "proxmox":
        user, meta, network = (
            named(made, f"{machine}-{part}").inputs["sourceRaw"]["data"] for part in HYPERVISORS[driver].parts
        )
        return user, json.loads(meta), json.loads(network)
    config = named(made, machine).inputs["extraConfig"]
    assert config["guestinfo.userdata.encoding"] == config["guestinfo.metadata.encoding"] == "gzip+base64"
    user, meta = (
        gzip.decompress(base64.b64decode(config[f"guestinfo.{part}"])).decode() for part in ("userdata", "metadata")
    )
    assert len(config["guestinfo.userdata"]) < 64 << 10
    told = json.loads(meta)
    assert told.pop("cleanup-guestinfo") == ["userdata"]
    return user, {key: value for key, value in told.items() if key != "network"}, told["network"]


def named(made: Any, name: str) -> Any:
    (found,) = [one for one in made.resources if one.name == name]
    return found


@DRIVERS
def test_every_machine_is_of_the_size_of_its_role(made, driver):
    deployment = made(driver)

    def size(name: str) -> tuple[float, float, float]:
        inputs = named(deployment, name).inputs
        if driver == "libvirt":
            disk = named(deployment, f"{name}-disk").inputs["size"]
            return inputs["vcpu"], inputs["memory"], disk / 2**30
        if driver == "proxmox":
            return inputs["cpu"]["cores"], inputs["memory"]["dedicated"], inputs["disks"][0]["size"]
        return inputs["numCpus"], inputs["memory"], inputs["disks"][0]["size"]

    assert {size(name) for name in CONTROL_PLANES} == {(4, 8192, 40)}
    assert {size(name) for name in WORKERS} == {(16, 4096, 20)}


@DRIVERS
def test_a_machine_is_told_who_it_is_and_where_and_boots_with_what_makes_it_a_node(made, driver):
    deployment = made(driver)

    user_data, meta_data, network = told_to(deployment, driver, CONTROL_PLANES[1])

    assert meta_data == {"instance-id": f"{CONTROL_PLANES[1]}-keys", "local-hostname": CONTROL_PLANES[1]}
    interface = network["ethernets"]["eth0"]
    assert interface["addresses"] == ["192.168.10.12/24"]
    assert interface["routes"] == [{"to": "0.0.0.0/0", "via": "192.168.10.254"}]
    assert interface["nameservers"] == {"addresses": ["9.9.9.9"]}
    assert "kubeadm-join" in user_data
    told = yaml.load(user_data, Loader=yaml.CSafeLoader)
    jsonschema.validate(told, SCHEMA)
    assert told["hostname"] == CONTROL_PLANES[1]
    assert told["users"][0]["ssh_authorized_keys"] == [KEYS["login"]["public"]]
    hardware = interface["match"]["macaddress"]
    assert hardware.upper() in json.dumps(named(deployment, CONTROL_PLANES[1]).inputs).upper()


@DRIVERS
def test_a_machine_is_reached_by_its_own_keys_and_they_are_secret(made, driver):
    deployment = made(driver)

    for node in deployment.of("Node"):
        login = Reach.of(node.inputs["reach"]).login
        assert login
        assert "reach" in node.secrets
        assert login.user == "slipway"
        assert login.private_key == KEYS["login"]["private"]
        assert KEYS["host"]["public"].startswith(f"{login.host_key} ")
        assert login.proxy_jump == "admin@rack1"
    assert {one.additional_secret_outputs for one in deployment.of("MachineKeys")} == {frozenset({"keys"})}


@DRIVERS
def test_what_holds_user_data_is_secret(made, driver):
    deployment = made(driver)

    for one in deployment.resources:
        if "slipway-bootstrap" in json.dumps(one.inputs) or one.type.endswith(":VirtualMachine"):
            assert one.secrets & {"userData", "sourceRaw", "extraConfig"}
            assert one.secrets <= one.additional_secret_outputs


@DRIVERS
def test_nothing_but_another_machine_replaces_one(made, driver):
    """Every input that a hypervisor cannot change in place is ignored, unless only another machine has another one."""
    hypervisor, deployment = HYPERVISORS[driver], made(driver)
    of_another = {
        "libvirt": {"name", "disks"},
        "proxmox": {"sourceRaw.fileName", "vmId"},
        "vsphere": {"replaceTrigger"},
    }[driver]

    for name in (
        name for machine in MACHINES for name in (machine, *(f"{machine}-{part}" for part in hypervisor.parts))
    ):
        resource = named(deployment, name)
        replacing = {
            path
            for rule in hypervisor.cloud.kinds[resource.type].replaced
            for path in paths_below(rule, resource.inputs)
            if not any(path == ignored or path.startswith(f"{ignored}.") for ignored in resource.ignore_changes)
        }
        # What it is put on stands in no stack file: a snippet is of its kind, and an image of its machine.
        assert replacing - {"contentType"} <= of_another, name
        assert resource.delete_before_replace


def paths_below(rule: str, inputs: Any) -> set[str]:
    """The inputs that a rule is about."""
    rule = rule.partition("[")[0]
    first, _, rest = rule.partition(".")
    value = inputs.get(first)
    if value is None:
        return set()
    if not rest and isinstance(value, dict):
        return {f"{first}.{key}" for key in value}
    return {rule}


@DRIVERS
def test_protection_is_of_the_control_planes_and_the_keys_of_the_cluster_alone(made, driver):
    protected = {one.name for one in made(driver).resources if one.protect}

    assert protected == {"demo-keys", *CONTROL_PLANES}


@DRIVERS
def test_a_machine_of_which_only_the_keys_are_left_is_lost(made, driver):
    keys = made(driver).of("MachineKeys")

    assert [one.name for one in keys if one.inputs["lost"]] == [f"{LOST}-keys"]


def test_what_is_native_is_reached_from_the_component(deploy, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda program: program)
    clusters = []
    args = args_of("libvirt", controlPlanes=1, workers=0)
    deploy(
        lambda: clusters.append(KubeadmCluster("demo", args)), clouds=[HYPERVISORS["libvirt"].cloud], outputs=outputs()
    )

    (machine,) = clusters[0].machines.values()
    assert machine.resource.pulumi_resource_type.endswith(":Domain")
    assert {name: part.pulumi_resource_type.rpartition(":")[2] for name, part in machine.parts.items()} == {
        "keys": "MachineKeys",
        "disk": "Volume",
        "seed": "CloudInitDisk",
    }


GOLDENS = Path(__file__).parent / "goldens"


def native(deployment: Any) -> str:
    """What is declared at a hypervisor for one machine, but for what is secret."""
    shown = []
    for one in deployment.resources:
        if not one.type.startswith(("pulumi-python:", "slipway:")) and re.search(r"worker-2|image|libvirt", one.name):
            inputs = {key: "secret" if key in one.secrets else value for key, value in sorted(one.inputs.items())}
            shown.append({"declared": f"{one.name} ({one.type})", "inputs": inputs})
    return yaml.safe_dump_all(sorted(shown, key=lambda one: one["declared"]), width=120)


@DRIVERS
def test_what_is_declared_at_a_hypervisor_is_what_was_reviewed(made, driver):
    golden = GOLDENS / f"machines-{driver}.yaml"
    if os.environ.get("GOLDENS") == "write":
        golden.write_text(native(made(driver)))
    assert native(made(driver)) == golden.read_text()


# What only one of them does


def test_an_image_stays_as_long_as_the_disk_of_a_machine_stands_upon_it(small):
    volume = f"{URN}libvirt:index/volume:Volume::"
    state = {
        f"{volume}demo-image-0000": {"name": "demo-image-0000", "source": "https://example.org/old.qcow2"},
        f"{volume}demo-image-1111": {"name": "demo-image-1111", "source": "https://example.org/unused.qcow2"},
        f"{volume}{WORKERS[0]}-disk": {"baseVolumeName": "demo-image-0000"},
        # Of a machine that the stack does not ask for any more.
        f"{volume}demo-worker-9-disk": {"baseVolumeName": "demo-image-1111"},
    }

    images = images_of(small("libvirt", state=state))

    assert images.pop("demo-image-0000")["source"] == "https://example.org/old.qcow2"
    assert [image["source"] for image in images.values()] == [HYPERVISORS["libvirt"].machines["image"]]


def images_of(deployment: Any) -> dict[str, Any]:
    return {one.name: one.inputs for one in deployment.of("Volume") if "-image-" in one.name}


def test_an_image_of_libvirt_may_be_a_file_and_machines_are_attached_to_a_bridge_if_a_stack_says_so(small, tmp_path):
    file = tmp_path / "debian.raw"
    file.touch()

    deployment = small("libvirt", {"image": str(file), "bridge": "br0"})

    (image,) = images_of(deployment).values()
    assert (image["source"], image["format"]) == (str(file), "raw")
    (interface,) = named(deployment, WORKERS[0]).inputs["networkInterfaces"]
    assert interface.keys() == {"mac", "bridge"}


def test_an_image_that_is_a_file_is_compared_before_anything_is_made(small, tmp_path):
    file = tmp_path / "debian.qcow2"
    file.write_text("an image")
    found = hashlib.sha256(b"an image").hexdigest()

    assert images_of(small("libvirt", {"image": str(file), "imageChecksum": f"sha256:{found.upper()}"}))
    with pytest.raises(
        SpecError, match=rf"imageChecksum: {file} has the sha256 {found}: it is another one, or damaged"
    ):
        small("libvirt", {"image": str(file), "imageChecksum": SHA256})


def test_proxmox_compares_an_image_that_it_fetches(small):
    (image,) = small("proxmox", {"imageChecksum": SHA256}).of("File")

    assert (image.inputs["checksum"], image.inputs["checksumAlgorithm"]) == (SHA256.removeprefix("sha256:"), "sha256")


def test_libvirt_without_the_program_that_makes_seeds_is_refused_with_the_fix(small, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _program: None)

    with pytest.raises(SpecError, match=r"makes seeds with mkisofs, which is not on PATH; install the package geniso"):
        small("libvirt")


def test_machines_go_from_one_node_of_proxmox_to_the_next_within_their_role(made):
    deployment = made("proxmox")

    assert [named(deployment, name).inputs["nodeName"] for name in MACHINES] == ["pve1", "pve2", "pve3", "pve1", "pve2"]


def test_a_template_of_proxmox_is_cloned_and_no_image_fetched(small):
    deployment = small("proxmox", {"image": "9000", "vlan": 20})
    worker = named(deployment, WORKERS[0]).inputs

    assert deployment.of("File") == []
    assert worker["clone"] == {"vmId": 9000, "nodeName": "pve1", "datastoreId": "local-lvm", "full": True}
    assert "importFrom" not in worker["disks"][0]
    assert worker["networkDevices"][0]["vlanId"] == 20


def test_what_a_machine_of_proxmox_was_booted_with_is_blanked_once_it_is_a_node(made):
    deployment = made("proxmox")

    for machine in MACHINES:
        first, then = named(deployment, f"{machine}-user-data"), named(deployment, f"{machine}-user-data-blanked")
        assert then.inputs["sourceRaw"]["fileName"] == first.inputs["sourceRaw"]["fileName"]
        assert then.inputs["sourceRaw"]["data"] == "#cloud-config\n"
        assert f"{machine}-node" in then.dependencies


# What a machine is told


def test_the_network_of_a_machine_is_what_was_reviewed():
    lan = Lan(IPv4Network("192.168.10.0/24"), "192.168.10.1", ["192.168.10.1", "9.9.9.9"])

    assert guest.network(lan, "192.168.10.11", "52:54:00:28:0a:0b") == {
        "version": 2,
        "ethernets": {
            "eth0": {
                "match": {"macaddress": "52:54:00:28:0a:0b"},
                "set-name": "eth0",
                "dhcp4": False,
                "addresses": ["192.168.10.11/24"],
                "routes": [{"to": "0.0.0.0/0", "via": "192.168.10.1"}],
                "nameservers": {"addresses": ["192.168.10.1", "9.9.9.9"]},
            }
        },
    }


NODE = "#cloud-config\nhostname: demo-worker-1\nruncmd:\n- - systemctl\n  - daemon-reload\n"


def test_what_is_added_to_user_data_lets_the_program_in_and_nobody_else():
    keys = {
        "host": {"private": "-----BEGIN\nhost\n-----END\n", "public": "ssh-ed25519 AAAAhost demo-worker-1"},
        "login": {"private": "not told", "public": "ssh-ed25519 AAAAlogin slipway"},
    }

    told = guest.user_data(NODE, keys)

    assert told.startswith(NODE)
    assert "not told" not in told
    added = {key: value for key, value in yaml.safe_load(told).items() if key not in yaml.safe_load(NODE)}
    assert added == {
        "users": [
            {
                "name": "slipway",
                "shell": "/bin/bash",
                "lock_passwd": True,
                "sudo": "ALL=(ALL) NOPASSWD:ALL",
                "ssh_authorized_keys": ["ssh-ed25519 AAAAlogin slipway"],
            }
        ],
        "disable_root": True,
        "allow_public_ssh_keys": False,
        "ssh_deletekeys": True,
        "ssh_keys": {
            "ed25519_private": "-----BEGIN\nhost\n-----END\n",
            "ed25519_public": "ssh-ed25519 AAAAhost demo-worker-1",
        },
    }


# The keys


def test_a_machine_has_keys_that_no_other_one_has():
    one, other = (MachineKeysProvider().create({"name": "demo-worker-1", "claim": "c"}) for _ in range(2))

    assert one.id != other.id
    assert one.outs and other.outs
    for kind in ("host", "login"):
        assert one.outs["keys"][kind] != other.outs["keys"][kind]
        assert one.outs["keys"][kind]["private"].startswith("-----BEGIN OPENSSH PRIVATE KEY-----\n")
        assert re.fullmatch(r"ssh-ed25519 \S+ \S+", one.outs["keys"][kind]["public"])


OLDS = {"name": "demo-worker-1", "claim": "c", "lost": False, "keys": {}}


@pytest.mark.parametrize(
    ("change", "replaces"),
    [({}, None), ({"claim": "d"}, ["claim"]), ({"name": "x"}, ["name"]), ({"lost": True}, ["lost"])],
)
def test_keys_are_made_anew_for_another_machine_alone(change, replaces):
    diff = MachineKeysProvider().diff("4711", OLDS, {**OLDS, **change})

    assert (diff.replaces if diff.changes else None) == replaces
    assert diff.delete_before_replace


def test_keys_that_are_made_anew_belong_to_nothing_that_is_lost():
    news = {"name": "demo-worker-1", "claim": "c", "lost": True}

    assert MachineKeysProvider().check({}, news).inputs["lost"] is False
    assert MachineKeysProvider().check(OLDS, news).inputs["lost"] is True
    assert MachineKeysProvider().diff("4711", {**OLDS, "lost": True}, OLDS).changes is False


def test_only_the_name_of_the_class_is_in_the_state():
    assert len(pickle.dumps(MachineKeysProvider())) < 100


# What is left of it


def test_a_machine_blanks_what_it_was_booted_with_where_it_stands_on_its_seed(tmp_path):
    seed, told = tmp_path / "seed", tmp_path / "user-data.txt"
    told.write_bytes(b"#cloud-config\nwrite_files: PRIVATE KEY\n")
    before, after = b"CD001" + bytes(4091), b"version: 2\n" + bytes(2037)
    seed.write_bytes(before + told.read_bytes() + after)
    program = re.search(r"<<'END'\n(.*?)^END$", (FILES / "steps/tidy.sh").read_text(), re.M | re.S)
    assert program

    # A second time, after a kill, it does no harm.
    for _ in range(2):
        subprocess.run([sys.executable, "-", seed, told], input=program[1], text=True, check=True)

    blanked = seed.read_bytes().removeprefix(before).removesuffix(after)
    assert blanked == b"#cloud-config\n" + b"#" * (told.stat().st_size - 14)
