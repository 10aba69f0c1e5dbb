"""What a machine must be to become a node, judged from what it tells of itself."""

import subprocess
from dataclasses import replace

import pytest

from components.bootstrap.plan import Distribution
from components.machines import ssh_look
from components.machines.ssh_look import Wanted
from components.machines.ssh_provider import FILES

NOW = 1_000_000.0
WANTED = Wanted("demo-10-0-0-5", "10.0.0.5", "demo", "claim-1", Distribution.DEBIAN_12)
TOLD = {"system": "debian-12", "time": "1000000", "addresses": "10.0.0.5 172.17.0.1", "free": "20000"}


def faults(wanted: Wanted = WANTED, **changes: str) -> list[str]:
    return list(ssh_look.faults(wanted, {**TOLD, **changes}, NOW))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"time": "1000060"},
        {"free": "4000"},
        {"claim": "demo claim-1 demo-10-0-0-5 4711"},
        # A create that was killed has come so far.
        {"claim": "demo claim-1 demo-10-0-0-5 4711", "node": "yes", "free": "100", "etcd": "yes", "haproxy": "yes"},
    ],
)
def test_a_machine_that_fits_is_taken(changes):
    assert faults(**changes) == []


def test_a_minor_release_is_of_its_distribution():
    rocky = replace(WANTED, distribution=Distribution.ROCKY_9)

    assert faults(rocky, system="rocky-9.5") == []
    assert faults(rocky, system="rocky-95") != []


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        (
            {"claim": "other claim-2 other-10-0-0-5 4711"},
            "demo-10-0-0-5: is the machine other-10-0-0-5 of a cluster other already; take another one, or have it "
            "leave that one (`sudo sh /usr/local/lib/slipway/leave.sh` there)",
        ),
        (
            {"claim": "demo claim-1 demo-10-0-0-6 4711"},
            "demo-10-0-0-5: is the machine demo-10-0-0-6 of a cluster demo already; take another one, or have it leave "
            "that one (`sudo sh /usr/local/lib/slipway/leave.sh` there)",
        ),
        (
            {"node": "yes"},
            "demo-10-0-0-5: is in a cluster already, which Slipway has not made; take another, or run `kubeadm reset` "
            "there",
        ),
        (
            {"etcd": "yes"},
            "demo-10-0-0-5: has something in /var/lib/etcd, which would be lost; move it away, or take another machine",
        ),
        (
            {"haproxy": "yes"},
            "demo-10-0-0-5: serves something by haproxy, whose place a node's own takes; end it there (`systemctl "
            "disable --now haproxy`), or take another machine",
        ),
        (
            {"system": "ubuntu-24.04"},
            "demo-10-0-0-5: runs ubuntu-24.04, and `distribution` says debian-12; write what it runs",
        ),
        ({"missing": "python3"}, "demo-10-0-0-5: has no python3; install it there"),
        (
            {"addresses": "192.168.1.5 172.17.0.1"},
            "demo-10-0-0-5: has no address 10.0.0.5, by which other nodes are to reach it; it has 192.168.1.5, "
            "172.17.0.1",
        ),
        (
            {"time": "1000420"},
            "demo-10-0-0-5: its clock is 420 seconds ahead of the one here, and certificates would not be valid; have "
            "both keep the time (`timedatectl set-ntp true`)",
        ),
        (
            {"time": "999000"},
            "demo-10-0-0-5: its clock is 1000 seconds behind the one here, and certificates would not be valid; have "
            "both keep the time (`timedatectl set-ntp true`)",
        ),
        ({"free": "12"}, "demo-10-0-0-5: has 12 MB left at /var/lib, and a node needs 4000; make room there"),
    ],
)
def test_a_machine_that_does_not_fit_is_refused_in_one_line_with_the_fix(changes, fault):
    assert faults(**changes) == [fault]


def test_before_there_is_a_claim_every_machine_that_has_one_is_somebody_else_s():
    (fault,) = faults(replace(WANTED, claim=None), claim="demo claim-1 demo-10-0-0-5 4711")

    assert "of a cluster demo already" in fault


def test_what_the_script_tells_of_this_very_machine_can_be_judged():
    lines = subprocess.run(["sh", FILES / "look.sh"], capture_output=True, text=True, check=True).stdout

    assert TOLD.keys() <= ssh_look.told(lines).keys()
