"""What a stack may not say about a cluster on own machines: each in one line, before any machine is asked."""

from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest

from components.bootstrap import kubeadm_rules
from components.bootstrap.kubeadm import KubeadmCluster
from components.bootstrap.plan import Role
from components.machines import drivers

ARGS: Any = {"version": "1.37", "name": "demo", "machines": {"driver": "container"}}


def faults(**args):
    return list(map(str, kubeadm_rules.faults_of(ARGS | args)))


def machines_of(name, args):
    return drivers.of(name, args).machines()


def machines(cidr):
    return {"driver": "container", "cidr": cidr}


@pytest.mark.parametrize(
    "args",
    [
        {},
        {"version": "v1.37.2"},
        {"name": "1"},
        {"name": "a--b"},
        {"name": "d" * 40},
        {"workers": 0},
        {"control_planes": 7, "workers": 223},
        {"pod_cidr": "10.244.0.0/23", "service_cidr": "10.97.0.0/28"},
        {"pod_cidr": "12.0.0.0/8", "service_cidr": "10.96.0.0/12"},
        {"machines": machines("192.168.7.0/28"), "control_planes": 3, "workers": 0},
        {"machines": machines("192.168.7.0/26"), "control_planes": 7, "workers": 31},
        {"cni": "none"},
        {"api_port": 6443, "bootstrap_minutes": 240},
        {"api_port": 1, "bootstrap_minutes": 1},
        {"api_port": 65535},
        {"virtual_ip": "10.89.0.3"},
        {"virtual_ip": "10.89.0.10"},
    ],
)
def test_what_works_is_taken(args):
    assert faults(**args) == []


@pytest.mark.parametrize(
    ("args", "fault"),
    [
        (
            {"version": "latest"},
            'version: \'latest\' is no Kubernetes version; write a minor like "1.37" or a patch like "1.37.2"',
        ),
        *(
            ({"name": name}, f"name: {name!r} cannot name a machine; use small letters, digits and hyphens inside")
            for name in ("", "ünï", "$(id)", "Demo", "-demo", "demo-", "a.b", "a\n")
        ),
        ({"name": "d" * 41}, f"name: {'d' * 41!r} has 41 letters; 40 at most, or host names grow too long"),
        ({"control_planes": 0}, "controlPlanes: 0 is no odd number, and etcd needs a majority; write 1"),
        ({"control_planes": -1}, "controlPlanes: -1 is no odd number, and etcd needs a majority; write 1"),
        ({"control_planes": 2}, "controlPlanes: 2 is no odd number, and etcd needs a majority; write 1 or 3"),
        ({"control_planes": 6}, "controlPlanes: 6 is no odd number, and etcd needs a majority; write 5 or 7"),
        ({"control_planes": 9}, "controlPlanes: 9 only wait for each other; write 3, 5 or 7"),
        ({"workers": -1}, "workers: -1 is less than none; write 0 or more"),
        (
            {"pod_cidr": "10.96.0.0/12"},
            "podCidr: 10.96.0.0/12 overlaps serviceCidr 10.96.0.0/16; choose networks that share no address",
        ),
        (
            {"pod_cidr": "10.89.0.0/20"},
            "podCidr: 10.89.0.0/20 overlaps machines.cidr 10.89.0.0/24; choose networks that share no address",
        ),
        (
            {"machines": machines("10.96.7.0/24")},
            "serviceCidr: 10.96.0.0/16 overlaps machines.cidr 10.96.7.0/24; choose networks that share no address",
        ),
        ({"pod_cidr": "10.244.0.1/16"}, "podCidr: '10.244.0.1/16' is no network; write 10.244.0.0/16"),
        (
            {"service_cidr": "fd00::/108"},
            "serviceCidr: 'fd00::/108' is IPv6, which no target offers yet; choose an IPv4 network",
        ),
        ({"machines": machines("rack1")}, "machines.cidr: 'rack1' is no network; write it like 10.244.0.0/16"),
        (
            {"pod_cidr": "10.244.0.0/25"},
            "podCidr: kubeadm takes no such size as 10.244.0.0/25; write one from /8 to /24",
        ),
        (
            {"pod_cidr": "64.0.0.0/7"},
            "podCidr: kubeadm takes no such size as 64.0.0.0/7; write one from /8 to /24",
        ),
        (
            {"service_cidr": "10.97.0.0/29"},
            "serviceCidr: kubeadm takes no such size as 10.97.0.0/29; write one from /12 to /28",
        ),
        (
            {"service_cidr": "10.96.0.0/11"},
            "serviceCidr: kubeadm takes no such size as 10.96.0.0/11; write one from /12 to /28",
        ),
        (
            {"pod_cidr": "10.244.0.0/23", "workers": 2},
            "podCidr: 10.244.0.0/23 has room for 2 nodes, and 3 are asked for; write a larger one",
        ),
        (
            {"workers": 224},
            "machines.cidr: 10.89.0.0/24 has room for 223 workers, and 224 are asked for; write a larger one",
        ),
        (
            {"machines": machines("192.168.7.0/27")},
            "machines.cidr: 192.168.7.0/27 has room for 0 workers, and 1 are asked for; write a larger one",
        ),
        (
            {"machines": machines("192.168.7.0/28"), "control_planes": 5, "workers": 0},
            "machines.cidr: 192.168.7.0/28 has room for 4 control planes, and 5 are asked for; write a larger one",
        ),
        (
            {"machines": machines("192.168.7.0/29"), "workers": 0},
            "machines.cidr: 192.168.7.0/29 has room for 0 control planes, and 1 are asked for; write a larger one",
        ),
        ({"bootstrap_minutes": 0}, "bootstrapMinutes: 0 is no such time; write minutes from 1 to 240"),
        ({"bootstrap_minutes": 241}, "bootstrapMinutes: 241 is no such time; write minutes from 1 to 240"),
        *(
            (
                {"virtual_ip": text},
                f"virtualIp: {text!r} is no IPv4 address; write one of the control planes' own network that no machine "
                "has",
            )
            for text in ("", "api.example.org", "10.89.0.10/24", "fd00::10", "10.89.0.010")
        ),
        *(
            (
                {"virtual_ip": address},
                f"virtualIp: {address} is {where}; write one of the control planes' own network that no machine has",
            )
            for address, where in {
                "127.0.0.1": "no address that other machines could ask",
                "0.0.0.0": "no address that other machines could ask",  # noqa: S104 - nobody listens there
                "224.0.0.18": "no address that other machines could ask",
                "10.244.3.4": "in podCidr 10.244.0.0/16",
                "10.96.0.1": "in serviceCidr 10.96.0.0/16",
                "192.168.7.10": "no machine's address in machines.cidr 10.89.0.0/24",
                "10.89.0.0": "no machine's address in machines.cidr 10.89.0.0/24",
                "10.89.0.255": "no machine's address in machines.cidr 10.89.0.0/24",
            }.items()
        ),
        *(
            (
                {"virtual_ip": f"10.89.0.{place}"},
                f"virtualIp: 10.89.0.{place} is, or may become, a container's; write one from 10.89.0.3 to 10.89.0.10",
            )
            for place in (1, 2, 11, 32)
        ),
        ({"api_port": 0}, "apiPort: 0 is no port; write one from 1 to 65535"),
        ({"api_port": 65536}, "apiPort: 65536 is no port; write one from 1 to 65535"),
    ],
)
def test_what_no_cluster_can_be_made_from_is_refused_in_one_line_with_the_fix(args, fault):
    assert faults(**args) == [fault]


def test_all_that_is_wrong_is_told_at_once():
    found = faults(name="Demo", control_planes=2, workers=-1, api_port=0, pod_cidr="x")

    assert [line.partition(":")[0] for line in found] == ["name", "controlPlanes", "workers", "podCidr", "apiPort"]


def test_the_component_refuses_by_these_rules():
    assert KubeadmCluster.check({**ARGS, "workers": -1}) == kubeadm_rules.faults_of({**ARGS, "workers": -1})


def test_the_longest_name_still_gives_host_names():
    args: Any = {**ARGS, "control_planes": 7, "workers": 223}

    assert max(len(machine.name) for machine in machines_of("d" * kubeadm_rules.LONGEST_NAME, args)) <= 63


@pytest.mark.parametrize(("cidr", "control_planes", "workers"), [("10.89.0.0/24", 7, 223), ("192.168.7.0/28", 3, 0)])
def test_every_machine_that_is_taken_has_an_address_of_its_own_in_the_network(cidr, control_planes, workers):
    args: Any = {**ARGS, "machines": machines(cidr), "control_planes": control_planes, "workers": workers}
    network = IPv4Network(cidr)
    reserved = {str(network[0]), str(network[1]), str(network[-1]), str(network[2])}

    addresses = [machine.address for machine in machines_of("demo", args)]

    assert len(set(addresses)) == control_planes + workers
    assert not reserved & set(addresses)
    assert all(IPv4Address(address) in network for address in addresses)


def test_a_machine_keeps_its_name_and_address_when_others_come_and_go():
    few = machines_of("demo", {**ARGS, "control_planes": 1, "workers": 1})
    many = machines_of("demo", {**ARGS, "control_planes": 3, "workers": 4})

    assert set(few) <= set(many)
    assert [machine.role for machine in many] == [Role.FIRST, *[Role.CONTROL_PLANE] * 2, *[Role.WORKER] * 4]
