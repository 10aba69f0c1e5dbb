import json

import pytest
from click.testing import CliRunner

from tests.examples import MANAGED
from tools import cli, compliance
from tools.console import Problem
from tools.stack import Stack

STACKS = [*(f"{kind}-{target}" for kind in ("prod", "dev") for target in MANAGED), "dev-kubeadm", "onprem-ha"]


@pytest.fixture(autouse=True)
def no_install(monkeypatch):
    """The SDKs are there: tests have them all."""
    monkeypatch.setattr(cli, "run", lambda *args, **kwargs: "")


@pytest.mark.parametrize("name", STACKS)
def test_a_stack_keeps_every_rule_or_says_why_not(name):
    lines = compliance.lines_of(Stack.find(name))

    assert lines
    assert [line for line in lines if line.verdict is compliance.Verdict.FAILED] == []
    assert all(line.why for line in lines if line.verdict is compliance.Verdict.WAIVED)


def test_a_report_as_json_is_a_list_of_all_that_a_line_tells():
    done = CliRunner().invoke(cli.cli, ["compliance", "prod-gke", "--json"])
    first = json.loads(done.stdout)[0]

    assert done.exit_code == 0
    assert first.keys() == {"id", "title", "resource", "field", "value", "verdict", "why"}
    assert first["id"] == "CIS GKE 4.1.9"


def test_a_broken_rule_ends_the_command_with_an_error(monkeypatch):
    stack = Stack.find("dev-gke")
    del stack.document["config"]["slipway:cluster"]["waivers"]
    monkeypatch.setattr(cli.Stack, "find", lambda name: stack)

    with pytest.raises(Problem, match=r"dev-gke breaks \d+ rules: change the settings, or write why it may under"):
        CliRunner().invoke(cli.cli, ["compliance", "dev-gke"], catch_exceptions=False, standalone_mode=False)


def test_a_table_shows_the_rule_and_its_verdict_and_ends_with_a_count(capsys):
    stack = Stack.find("prod-gke")
    compliance.show(stack, compliance.lines_of(stack))

    shown = capsys.readouterr().out
    assert "CIS GKE 5.8.2" in shown
    assert "1 waived" in shown.splitlines()[-1]


def test_a_target_without_rules_says_which_have_some():
    with pytest.raises(Problem, match=r"dev-kind is of the target kind, which has no rules; those of kubeadm, gke"):
        compliance.lines_of(Stack.find("dev-kind"))
