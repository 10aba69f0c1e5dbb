"""The CIS Kubernetes Benchmark, measured on a real control plane and a real worker."""

from collections import Counter

import pytest

from components.bootstrap import controls
from components.managed.controls import Verdict
from tests.clusters import cis
from tests.clusters.conftest import Kubectl


@pytest.fixture(scope="module")
def measured(pair, engine, tmp_path_factory):
    """Each item's verdict on each resource that it is about."""
    kubectl = Kubectl(pair, tmp_path_factory.mktemp("cis"))
    machines = list(kubectl.nodes())
    return controls.report_of(cis.measure(machines, lambda name, *words: engine.run("exec", name, *words), kubectl))


def test_no_item_fails_without_a_reason(measured):
    print(Counter(line.verdict for line in measured))

    assert [line for line in measured if line.verdict is Verdict.FAILED] == []


def test_no_reason_is_given_for_what_is_kept(measured):
    assert {line.id for line in measured if line.verdict is Verdict.WAIVED} == set(controls.REASONS)


def test_what_is_measured_is_what_is_declared(measured):
    def verdicts(lines):
        return {(line.id, line.field): line.verdict for line in lines}

    found = verdicts(measured)
    assert {key: found[key] for key in verdicts(controls.compliance())} == verdicts(controls.compliance())
