import re
from typing import Any

import pytest

from components import progress
from components.managed.guard_provider import GuardProvider

CLUSTER: dict[str, Any] = {
    "stack": "prod-gke",
    "cluster": "prod",
    "version": "1.36",
    "protected": True,
    "pinned": {"region": "europe-west1", "podCidr": "10.4.0.0/14"},
    "offered": ["1.36.3-gke.1", "1.37.2-gke.1", "1.35.7-gke.2"],
}


def refused(olds, **changes):
    return [failure.reason for failure in GuardProvider().check(olds, {**CLUSTER, **changes}).failures]


def test_what_changes_nothing_is_let_pass():
    assert refused({}) == []
    assert refused(CLUSTER) == []


def test_a_replacement_of_a_protected_cluster_names_the_key_and_the_way_to_accept_it():
    (line,) = refused(CLUSTER, pinned={**CLUSTER["pinned"], "region": "europe-west4"})

    assert line.startswith("region: a change from europe-west1 to europe-west4 replaces the cluster prod")
    assert "`deletionProtection: false`" in line
    assert "`make up STACK=prod-gke`" in line


def test_lifting_the_protection_in_the_same_step_is_not_enough():
    # The cloud would refuse to delete the old cluster half-way: protection is lifted first.
    assert refused(CLUSTER, protected=False, pinned={**CLUSTER["pinned"], "region": "europe-west4"})


def test_a_cluster_whose_protection_was_lifted_may_be_replaced():
    assert refused({**CLUSTER, "protected": False}, pinned={**CLUSTER["pinned"], "region": "europe-west4"}) == []


def test_a_key_that_an_older_slipway_did_not_pin_is_not_held_against_a_cluster():
    assert refused(CLUSTER, pinned={**CLUSTER["pinned"], "new": True}) == []


@pytest.mark.parametrize(
    ("running", "wanted", "complaint"),
    [
        ("1.35", "1.37", 'version: 1.37 is 2 minors after 1.35, which runs, .* write "1.36" first'),
        ("1.37", "1.36", "version: 1.36 is older than 1.37, which runs, .* write 1.37"),
        ("1.37.1", "1.38", "version: Kubernetes 1.38 is newer than this Slipway knows"),
    ],
)
def test_an_upgrade_goes_one_minor_at_a_time_and_never_back(running, wanted, complaint):
    (line,) = refused({**CLUSTER, "version": running}, version=wanted)

    assert re.match(complaint, line)


def test_a_version_that_the_cloud_does_not_offer_is_refused_with_those_it_does():
    (line,) = refused({}, offered=["1.36.3-gke.1", "1.35.7-gke.2", "other"], version="1.37")

    assert line == "version: the cloud does not offer 1.37 here; choose one of 1.35, 1.36"


def test_a_version_that_runs_is_never_held_against_a_cluster_and_warned_about_when_out_of_support(monkeypatch):
    said = []
    monkeypatch.setattr(progress, "warn", said.append)
    old = {**CLUSTER, "version": "1.30"}

    assert refused(old, version="1.30") == []
    assert len(said) == 1
    assert said[0].startswith("version: Kubernetes 1.30 is long out of support")


def test_what_the_cloud_offers_is_no_change_of_the_stack():
    provider = GuardProvider()

    assert provider.diff("id", CLUSTER, {**CLUSTER, "offered": []}).changes is False
    assert provider.diff("id", CLUSTER, {**CLUSTER, "version": "1.37"}).changes is True


def test_what_the_cloud_cannot_turn_off_again_is_refused_be_the_cluster_protected_or_not():
    on, off = {"irreversible": {"highlyAvailable": True}}, {"irreversible": {"highlyAvailable": False}}

    (line,) = refused({**CLUSTER, **on}, protected=False, **off)
    assert line.startswith("highlyAvailable: is true for the cluster prod, and the cloud cannot take that back; write")
    assert refused({**CLUSTER, **off}, **on) == refused({**CLUSTER, **on}, **on) == refused({}, **off) == []
