import re
from typing import Any, cast

import pulumi
import pytest

from components.managed.guard import guard
from components.managed.managed_args import ManagedArgs
from components.spec import SpecError
from components.state import STASH

CLUSTER: dict[str, Any] = {
    "version": "1.36",
    "protected": True,
    "pinned": {"region": "europe-west1", "podCidr": "10.4.0.0/14"},
    "irreversible": {},
}
OFFERED = ["1.36.3-gke.1", "1.37.2-gke.1", "1.35.7-gke.2"]


@pytest.fixture
def declared(deploy):
    """What the guard declares over a cluster that the last `up` left as `olds`."""

    def make(olds, *, version="1.36", protected=True, pinned=CLUSTER["pinned"], offered=(), runs="", irreversible=None):
        args = cast(ManagedArgs, {"version": version, "deletion_protection": protected})
        state = {f"urn::{STASH}::prod-guard": {"input": olds}} if olds else {}

        def program():
            parent = pulumi.ComponentResource("slipway:index:Test", "test")
            guard(parent, "prod", args, state, pinned=pinned, offered=offered, runs=runs, irreversible=irreversible)

        return deploy(program)

    return make


@pytest.fixture
def refused(declared):
    """Why the guard refuses what is asked; nothing where it lets it pass."""

    def make(olds, **asked):
        try:
            declared(olds, **asked)
        except SpecError as error:
            return [str(fault) for fault in error.faults]
        return []

    return make


def test_what_changes_nothing_is_let_pass(refused):
    assert refused({}) == []
    assert refused(CLUSTER) == []


def test_a_replacement_of_a_protected_cluster_names_the_key_and_the_way_to_accept_it(refused):
    (line,) = refused(CLUSTER, pinned={**CLUSTER["pinned"], "region": "europe-west4"})

    assert line.startswith("region: a change from europe-west1 to europe-west4 replaces the cluster prod")
    assert "`deletionProtection: false`" in line
    assert "`make up STACK=test`" in line


def test_lifting_the_protection_in_the_same_step_is_not_enough(refused):
    # The cloud would refuse to delete the old cluster half-way: protection is lifted first.
    assert refused(CLUSTER, protected=False, pinned={**CLUSTER["pinned"], "region": "europe-west4"})


def test_a_cluster_whose_protection_was_lifted_may_be_replaced(refused):
    assert refused({**CLUSTER, "protected": False}, pinned={**CLUSTER["pinned"], "region": "europe-west4"}) == []


def test_a_key_that_an_older_slipway_did_not_pin_is_not_held_against_a_cluster(refused):
    assert refused(CLUSTER, pinned={**CLUSTER["pinned"], "new": True}) == []


@pytest.mark.parametrize(
    ("running", "wanted", "complaint"),
    [
        ("1.35", "1.37", 'version: 1.37 is 2 minors after 1.35, which runs, .* write "1.36" first'),
        ("1.37", "1.36", "version: 1.36 is older than 1.37, which runs, .* write 1.37"),
        ("1.37.1", "1.38", "version: Kubernetes 1.38 is newer than this Slipway knows"),
    ],
)
def test_an_upgrade_goes_one_minor_at_a_time_and_never_back(refused, running, wanted, complaint):
    (line,) = refused({**CLUSTER, "version": running}, version=wanted)

    assert re.match(complaint, line)


def test_a_minor_that_the_cloud_brought_is_what_an_upgrade_starts_from(refused):
    old = {**CLUSTER, "version": "1.35"}

    assert refused(old, version="1.37", runs="1.36.3-gke.1") == []
    assert refused(old, version="1.35", runs="1.36.3-gke.1") == []
    assert refused(old, version="1.37", runs="") != []


def test_a_version_that_the_cloud_does_not_offer_is_refused_with_those_it_does(refused):
    (line,) = refused({}, version="1.37", offered=["1.36.3-gke.1", "1.35.7-gke.2", "other"])

    assert line == "version: the cloud does not offer 1.37 here; choose one of 1.35, 1.36"


def test_a_version_that_runs_is_never_held_against_a_cluster_and_warned_about_when_out_of_support(refused, monkeypatch):
    said = []
    monkeypatch.setattr(pulumi.log, "warn", lambda text, _resource: said.append(text))
    old = {**CLUSTER, "version": "1.30"}

    assert refused(old, version="1.30", offered=OFFERED) == []
    assert len(said) == 1
    assert said[0].startswith("version: Kubernetes 1.30 is long out of support")


def test_what_the_cloud_offers_is_no_change_of_the_stack(declared):
    assert declared({}, offered=OFFERED).the("Stash").inputs == declared({}).the("Stash").inputs == {"input": CLUSTER}


def test_what_the_cloud_cannot_turn_off_again_is_refused_be_the_cluster_protected_or_not(refused):
    on, off = {"highlyAvailable": True}, {"highlyAvailable": False}
    was_on, was_off = {**CLUSTER, "irreversible": on}, {**CLUSTER, "irreversible": off}

    (line,) = refused(was_on, protected=False, irreversible=off)
    assert line.startswith("highlyAvailable: is true for the cluster prod, and the cloud cannot take that back; write")
    assert refused(was_off, irreversible=on) == refused(was_on, irreversible=on) == refused({}, irreversible=off) == []
