import copy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509

from components.bootstrap import pki
from components.bootstrap.pki_provider import PkiProvider

NOW = datetime(2026, 11, 25, 7, 40, tzinfo=UTC)
INPUTS: dict[str, Any] = {
    "name": "prod",
    "encryption_generation": 1.0,  # between processes every number travels as a float
    "authority_generation": 1.0,
    **dict.fromkeys(("pki", "admin", "admin_expires")),
}


@pytest.fixture
def today(monkeypatch):
    """Set the day, in days after the keys were made."""

    def on(day):
        monkeypatch.setattr(pki, "now", lambda: NOW + timedelta(days=day))

    on(0)
    return on


@pytest.fixture(scope="module")
def made():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pki, "now", lambda: NOW)
        return PkiProvider().create(INPUTS).outs or {}


@pytest.fixture
def standing(today, made):
    return copy.deepcopy(made)


def changes(olds, **news):
    return PkiProvider().diff("id", olds, {**INPUTS, **news}).changes


def updated(olds, **news):
    return PkiProvider().update("id", olds, {**INPUTS, **news}).outs or {}


def test_keys_once_made_are_no_change_until_two_thirds_of_the_certificate_have_passed(standing, today):
    assert changes(standing) is False
    today(243)
    assert changes(standing) is False
    today(244)
    assert changes(standing) is True


def test_a_certificate_that_has_ended_is_renewed_like_an_old_one(standing, today):
    today(400)

    assert changes(standing) is True
    assert updated(standing)["admin_expires"] == (NOW + timedelta(days=765)).isoformat()


def test_an_old_certificate_is_renewed_and_nothing_else(standing, today):
    today(300)
    renewed = updated(standing)

    assert renewed["pki"] == standing["pki"]
    assert renewed["admin"]["key"] != standing["admin"]["key"]
    assert pki.expires(renewed["admin"]["certificate"]) == NOW + timedelta(days=665)
    assert changes(renewed) is False


def test_a_new_generation_adds_a_key_of_secrets_and_changes_nothing_else(standing):
    assert changes(standing, encryption_generation=2.0) is True
    raised = updated(standing, encryption_generation=2.0)

    assert [key["name"] for key in raised["pki"]["encryption_keys"]] == ["key2", "key1"]
    assert raised["pki"]["encryption_keys"][1:] == standing["pki"]["encryption_keys"]
    assert {**raised["pki"], "encryption_keys": []} == {**standing["pki"], "encryption_keys": []}
    assert raised["admin"] == standing["admin"]
    assert changes(raised, encryption_generation=2.0) is False


@pytest.mark.parametrize("state", ["new", "older than generations of authorities"])
def test_new_authorities_leave_what_etcd_and_snapshots_are_encrypted_with(standing, state):
    if state != "new":
        del standing["authority_generation"]
    assert changes(standing) is False
    assert changes(standing, authority_generation=2.0) is True
    raised = updated(standing, authority_generation=2.0)

    old, new = standing["pki"], raised["pki"]
    assert {name for name in new if new[name] == old[name]} == {"encryption_keys", "snapshots"}
    admin, authority = (
        x509.load_pem_x509_certificate(one["certificate"].encode()) for one in (raised["admin"], new["cluster"])
    )
    admin.verify_directly_issued_by(authority)
    assert changes(raised, authority_generation=2.0) is False


def test_a_state_that_is_older_than_snapshots_gets_a_key_for_them_and_keeps_the_others(standing):
    older = {**standing, "pki": {name: value for name, value in standing["pki"].items() if name != "snapshots"}}

    assert changes(older) is True
    assert {**updated(older)["pki"], "snapshots": None} == {**standing["pki"], "snapshots": None}
    assert changes(updated(older)) is False


def test_keys_are_never_made_anew_for_any_change(standing, today):
    today(3650)

    assert not PkiProvider().diff("id", standing, {**INPUTS, "name": "other", "encryption_generation": 7.0}).replaces


@pytest.mark.parametrize("generation", [0.0, 1.5])
@pytest.mark.parametrize(
    ("key", "name"),
    [("encryption_generation", "encryptionKeyGeneration"), ("authority_generation", "authorityGeneration")],
)
def test_a_generation_that_is_none_is_refused(generation, key, name):
    (failure,) = PkiProvider().check({}, {**INPUTS, key: generation}).failures

    assert failure.reason.startswith(f"{name}: {generation:g} cannot follow 1")


def test_a_generation_never_falls():
    olds = {**INPUTS, "encryption_generation": 3.0}
    (failure,) = PkiProvider().check(olds, {**INPUTS, "encryption_generation": 2.0}).failures

    assert failure.reason == (
        "encryptionKeyGeneration: 2 cannot follow 3, as there is no way back; "
        "write 3, or the next whole number for a new key"
    )
    assert PkiProvider().check(olds, {**olds, "encryption_generation": 4.0}).failures == []


def test_the_end_of_the_certificate_is_told_beside_it(standing):
    assert standing["admin_expires"] == "2027-11-25T07:40:00+00:00"
