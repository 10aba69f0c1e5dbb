import re
from datetime import date, timedelta

import pytest

from components import versions
from components.versions import MINORS


@pytest.mark.parametrize("version", ["1.37", "v1.37", "1.37.2", "v1.37.2"])
def test_the_minor_of_a_version_is_found(version):
    assert versions.minor_of(version) == "1.37"


@pytest.mark.parametrize(
    "version", ["", "latest", "1", "1.37.2.1", "1.37-rc.1", "1.37 ", "1.x", "1.\uff13", "01.37", "1.037", "1000.1"]
)
def test_what_is_no_version_is_refused_with_an_example(version):
    [fault] = versions.syntax_faults(version)
    assert str(fault).startswith(f"version: {version!r} is no Kubernetes version; write a minor like")


@pytest.mark.parametrize(
    ("wanted", "running", "is_same"),
    [
        ("1.37", "v1.37.2", True),
        ("v1.37", "1.37.0", True),
        ("1.37.2", "v1.37.2", True),
        ("1.37.2", "v1.37.1", False),
        ("1.36", "v1.37.1", False),
        ("1.3", "v1.37.1", False),
    ],
)
def test_a_minor_asks_for_any_patch_of_it_and_a_patch_for_itself(wanted, running, is_same):
    assert versions.same(wanted, running) is is_same


def test_a_minor_is_in_support_until_the_day_it_ends():
    end = MINORS["1.35"].end_of_life
    assert versions.support_fault("1.35.4", end - timedelta(days=1)) is None
    assert str(versions.support_fault("1.35.4", end)) == (
        "version: Kubernetes 1.35 is out of support since 2027-02-28; choose one of 1.36, 1.37"
    )


@pytest.mark.parametrize(
    ("version", "why"),
    [
        ("1.33", "is out of support since 2026-06-28; choose one of 1.35, 1.36, 1.37"),
        ("1.9", "is long out of support; choose one of 1.35, 1.36, 1.37"),
        ("1.99", "is newer than this Slipway knows; choose one of 1.35, 1.36, 1.37, or update Slipway"),
        ("2.0", "is newer than this Slipway knows; choose one of 1.35, 1.36, 1.37, or update Slipway"),
    ],
)
def test_an_unsupported_version_is_refused_with_those_to_choose_from(version, why):
    fault = versions.support_fault(version, date(2026, 11, 24))
    assert str(fault) == f"version: Kubernetes {version} {why}"


def test_when_all_minors_have_ended_the_advice_is_a_newer_slipway():
    assert str(versions.support_fault("1.37", date(2040, 1, 1))).endswith("; update Slipway")


def test_minors_are_listed_in_order_and_supported_for_about_fourteen_months():
    assert list(MINORS.values()) == sorted(MINORS.values(), key=lambda minor: minor.released)
    assert list(MINORS)[-1] == versions.NEWEST
    for minor in MINORS.values():
        assert 420 <= (minor.end_of_life - minor.released).days <= 440, minor


@pytest.mark.parametrize(
    ("running", "wanted"), [("1.36", "1.37"), ("1.36.3", "1.36.4"), ("1.37", "1.37"), ("1.37.2", "1.37")]
)
def test_an_upgrade_by_one_minor_or_none_may_be_made(running, wanted):
    assert versions.upgrade_fault(running, wanted) is None


@pytest.mark.parametrize(
    ("running", "wanted", "complaint"),
    [
        ("1.35.2", "1.37", 'version: 1.37 is 2 minors after 1.35.2, which runs, .* write "1.36" first'),
        ("1.37", "1.36.9", "version: 1.36.9 is older than 1.37, which runs, .* write 1.37"),
    ],
)
def test_two_minors_at_once_and_a_step_back_are_refused(running, wanted, complaint):
    assert re.match(complaint, str(versions.upgrade_fault(running, wanted)))
