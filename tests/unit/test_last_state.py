from types import SimpleNamespace

import pulumi
import pytest

from components import state
from components.state import last_state, outputs_of

URN = "urn:pulumi:test::slipway::slipway:index:DoksCluster$digitalocean:index/vpc:Vpc::prod-network"


@pytest.fixture
def backend(monkeypatch):
    """Answer what the state is from a list, an error as one, and count the questions."""
    asked = []

    def answer(*answers):
        def invoke(token, args):
            asked.append(token)
            told = answers[min(len(asked), len(answers)) - 1]
            if isinstance(told, Exception):
                raise told
            return SimpleNamespace(value=told)

        monkeypatch.setattr(pulumi.runtime, "invoke", invoke)
        return asked

    monkeypatch.setattr(state, "_SECONDS_BETWEEN", 0)
    return answer


def test_a_resource_is_found_by_its_type_and_name(backend):
    backend({"outputs": {URN: {"type": "t", "outputs": {"ipRange": "10.0.0.0/16"}}}})

    assert outputs_of(last_state(), "digitalocean:index/vpc:Vpc", "prod-network") == {"ipRange": "10.0.0.0/16"}
    assert outputs_of(last_state(), "digitalocean:index/vpc:Vpc", "network") == {}
    assert outputs_of(last_state(), "digitalocean:index/vpc:VpcPeering", "prod-network") == {}


def test_what_is_not_known_yet_is_no_state(backend):
    backend(None)

    assert last_state() == {}


def test_a_state_that_is_being_written_is_read_again(backend):
    asked = backend(Exception("failed to load checkpoint: EOF"), Exception("EOF"), {"outputs": {}})

    assert last_state() == {}
    assert len(asked) == 3


def test_a_state_that_cannot_be_read_is_an_error_in_the_end(backend):
    backend(Exception("no such stack"))

    with pytest.raises(Exception, match="no such stack"):
        last_state()
