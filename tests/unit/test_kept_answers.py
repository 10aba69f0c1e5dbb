import pulumi
import pytest

from components.managed.kept_answers import keep_answers
from components.state import STASH

OLD = {
    "questions": {"coredns": "1.36", "kube-proxy": "1.36"},
    "answers": {"coredns": "v1", "kube-proxy": "v1"},
}
STATE = {f"urn::{STASH}::prod-versions": {"input": OLD}}


@pytest.fixture
def kept(deploy):
    """What goes into the state, which is what the program is told too."""

    def make(state, questions, answers):
        told = []

        def program():
            parent = pulumi.ComponentResource("slipway:index:Test", "test")
            keep_answers(parent, "prod-versions", state, questions, answers).apply(told.append)

        asked = deploy(program).the("Stash").inputs["input"]
        assert told == [asked["answers"]]
        assert asked["questions"] == questions
        return asked["answers"]

    return make


def test_the_first_answers_are_kept(kept):
    assert kept({}, {"a": "b"}, {"a": "c"}) == {"a": "c"}


def test_a_new_answer_to_an_old_question_is_no_change(kept):
    assert kept(STATE, OLD["questions"], {"coredns": "v2", "kube-proxy": "v2"}) == OLD["answers"]


def test_only_what_is_asked_anew_gets_the_new_answer_and_what_is_asked_no_more_is_forgotten(kept):
    new = {"coredns": "v2", "vpc-cni": "v2"}

    assert kept(STATE, {"coredns": "1.37", "vpc-cni": "1.37"}, new) == new
    new = {"coredns": "v2", "kube-proxy": "v2"}
    assert kept(STATE, {**OLD["questions"], "kube-proxy": "1.37"}, new) == {"coredns": "v1", "kube-proxy": "v2"}
