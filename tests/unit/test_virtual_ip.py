"""The address that control planes hold among themselves: what keepalived is told, and on which interface."""

import os
import re
import subprocess
from itertools import pairwise

import pytest

from components.bootstrap import virtual_ip
from components.bootstrap.plan import Machine, Role

ADDRESS = "10.0.0.10"
CONTROL_PLANES = ["10.0.0.11", "10.0.0.12", "10.0.0.13"]
MACHINES = [
    Machine("demo-control-plane-1", CONTROL_PLANES[0], Role.FIRST),
    Machine("demo-control-plane-2", CONTROL_PLANES[1], Role.CONTROL_PLANE),
    Machine("demo-worker-1", "10.0.0.32", Role.WORKER),
]


def peers(own, control_planes=CONTROL_PLANES):
    configuration = virtual_ip.configuration(own, ADDRESS, control_planes)
    block = re.search(r"unicast_peer {(.*?)}", configuration, re.DOTALL)
    assert block
    return [line.split()[0] for line in block[1].strip().splitlines()]


def priority(own):
    return int(re.findall(r"priority (\d+)", virtual_ip.configuration(own, ADDRESS, CONTROL_PLANES))[0])


def test_each_control_plane_tells_all_others_and_not_itself():
    assert {own: sorted([own, *peers(own)]) for own in CONTROL_PLANES} == dict.fromkeys(CONTROL_PLANES, CONTROL_PLANES)


def test_an_only_control_plane_tells_nobody():
    assert peers(CONTROL_PLANES[0], CONTROL_PLANES[:1]) == ["127.0.0.1"]


def test_of_two_that_claim_the_address_at_once_one_gets_it():
    assert all(earlier > later for earlier, later in pairwise(map(priority, CONTROL_PLANES)))
    seven = [f"10.0.0.{place}" for place in range(11, 18)]
    assert "priority 140" in virtual_ip.configuration(seven[-1], ADDRESS, seven)


def test_workers_never_hold_the_address():
    assert virtual_ip.told(ADDRESS, MACHINES, MACHINES[-1]) is None
    assert virtual_ip.told(None, MACHINES, MACHINES[0]) is None
    shared = {"address": ADDRESS, "control_planes": CONTROL_PLANES[:2]}
    assert [virtual_ip.told(ADDRESS, MACHINES, one) for one in MACHINES[:2]] == [shared, shared]


def test_every_address_gives_an_id_that_vrrp_takes():
    ids = {virtual_ip.router_id(f"10.0.{third}.{last}") for third in (0, 255) for last in range(256)}

    assert ids == set(range(1, 256))


@pytest.fixture
def rendered(tmp_path):
    """What keepalived gets on a machine whose `ip` answers this."""

    def run(answer):
        (tmp_path / "ip").write_text(f'#!/bin/sh\necho "$*" >{tmp_path}/asked\nprintf %s "{answer}"\n')
        (tmp_path / "ip").chmod(0o755)
        (tmp_path / "virtual-ip.conf").write_text(virtual_ip.configuration("10.0.0.11", ADDRESS, CONTROL_PLANES))
        script = (virtual_ip.FILES / "virtual-ip.sh").read_text()
        for folder in ("/etc/slipway", "/run/slipway-virtual-ip"):
            script = script.replace(folder, str(tmp_path))
        environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
        done = subprocess.run(["bash", "-s"], input=script, env=environment, capture_output=True, text=True)
        assert (tmp_path / "asked").read_text() == "-oneline -4 address show to 10.0.0.11\n"
        return done.stdout if done.returncode else (tmp_path / "keepalived.conf").read_text()

    return run


def test_the_address_is_held_on_the_interface_that_has_the_machine_s_own(rendered):
    told = rendered("2: enp3s0    inet 10.0.0.11/24 brd 10.0.0.255 scope global enp3s0\\n")

    assert "  interface enp3s0\n" in told
    assert "    10.0.0.10/32 dev enp3s0\n" in told
    assert "INTERFACE" not in told


def test_a_machine_without_its_own_address_says_so(rendered):
    assert rendered("") == "no interface of this machine has 10.0.0.11, by which it is known to the others\n"
