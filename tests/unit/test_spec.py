import asyncio
import json
from collections.abc import Sequence
from enum import StrEnum
from typing import NotRequired

import pulumi
import pytest
from typing_extensions import TypedDict

from components import spec
from components.spec import SpecError


class Colour(StrEnum):
    """What a thing looks like."""

    RED = "red"
    BLUE = "blue"


class Pool(TypedDict):
    """Some machines."""

    machine_type: str
    """What a machine is, e.g. `small`. The rest of this text is no hint."""

    count: NotRequired[int]
    """How many."""


class Base(TypedDict):
    """What all have."""

    version: str
    """Version in quotes."""


class Args(Base):
    """A thing."""

    colour: NotRequired[Colour]
    """How it looks."""

    pools: NotRequired[list[Pool]]
    """Its machines."""

    spot: NotRequired[bool]
    """Whether it is cheap."""

    labels: NotRequired[dict[str, str]]
    """Its labels."""

    network: NotRequired[pulumi.Input[str]]
    """Where it is."""

    zones: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Parts of the network."""


@pytest.fixture
def network():
    """An output, which needs an event loop to live in."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield pulumi.Output.from_input("default")
    loop.run_until_complete(asyncio.gather(*asyncio.all_tasks(loop)))
    asyncio.set_event_loop(None)
    loop.close()


def faults(**values):
    with pytest.raises(SpecError) as refused:
        spec.parse(Args, {"version": "1.37", **values})
    return str(refused.value).splitlines()


def test_right_values_come_back_as_declared():
    values = {
        "version": "1.37",
        "colour": "blue",
        "pools": [{"machineType": "small", "count": 3}],
        "labels": {"someKey": "kept_as_is"},
        "network": "default",
        "zones": ["a", "b"],
    }
    assert spec.parse(Args, values) == {
        "version": "1.37",
        "colour": Colour.BLUE,
        "pools": [{"machine_type": "small", "count": 3}],
        "labels": {"someKey": "kept_as_is"},
        "network": "default",
        "zones": ["a", "b"],
    }


def test_an_output_is_taken_only_where_one_is_declared(network):
    assert spec.parse(Args, {"version": "1.37", "network": network})["network"] is network
    assert faults(spot=network) == ["spot: must be true or false, not an output, whose value may be known only later"]


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"pool": []}, "pool: unknown key; did you mean pools?"),
        ({"spto": True}, "spto: unknown key; did you mean spot?"),
        (
            {"quantity": 1},
            "quantity: unknown key; choose one of colour, labels, network, pools, spot, version, zones",
        ),
        ({"pools": [{"machine_type": "a"}]}, "pools[0].machine_type: unknown key; did you mean machineType?"),
        ({"pools": [{}]}, "pools[0].machineType: is required: What a machine is, e.g. `small`"),
        ({"pools": [{"machineType": "a", "count": "3"}]}, "pools[0].count: must be a whole number, not '3'"),
        ({"pools": [{"machineType": "a", "count": 1.5}]}, "pools[0].count: must be a whole number, not 1.5"),
        ({"pools": [{"machineType": "a", "count": True}]}, "pools[0].count: must be a whole number, not true"),
        ({"pools": {"machineType": "a"}}, "pools: must be a list, not a mapping"),
        ({"pools": ["a"]}, "pools[0]: must be a mapping with keys of machineType, count, not 'a'"),
        ({"labels": ["a"]}, "labels: must be a mapping of keys to values, not a list"),
        ({"labels": {"a": 1}}, "labels.a: must be text, and without quotes it reads as 1; put it in quotes"),
        ({"version": 1.3}, "version: must be text, and without quotes it reads as 1.3; put it in quotes"),
        ({"labels": {"a": False}}, "labels.a: must be text, and without quotes it reads as false; put it in quotes"),
        ({"version": None}, "version: has no value; write text"),
        ({"colour": None}, "colour: has no value; write one of red, blue"),
        ({"colour": "bleu"}, "colour: 'bleu' is none of its values; did you mean blue?"),
        ({"colour": "green"}, "colour: 'green' is none of its values; choose one of blue, red"),
        ({"colour": 3}, "colour: must be one of red, blue, not 3"),
        ({"colour": ["red"]}, "colour: must be one of red, blue, not a list"),
        ({"colour": "BLUE"}, "colour: 'BLUE' is none of its values; did you mean blue?"),
        ({"Pools": []}, "Pools: unknown key; did you mean pools?"),
        ({"spot\n\x1b": 1}, "'spot\\n\\x1b': unknown key; did you mean spot?"),
        ({"spot": "yes"}, "spot: must be true or false, not 'yes'"),
        ({"zones": ["a", 1]}, "zones[1]: must be text, and without quotes it reads as 1; put it in quotes"),
        ({1: 2}, "1: unknown key; choose one of colour, labels, network, pools, spot, version, zones"),
        ({"spot": "y" * 100}, f"spot: must be true or false, not '{'y' * 59}…"),
    ],
)
def test_a_wrong_value_is_refused_in_one_line_with_its_key_and_the_fix(values, fault):
    with pytest.raises(SpecError) as refused:
        spec.parse(Args, {"version": "1.37", **values})
    assert str(refused.value) == fault


def test_every_fault_is_told_at_once():
    assert faults(version=2, spto=True, pools=[{"machineType": 1}, {"count": 1}]) == [
        "version: must be text, and without quotes it reads as 2; put it in quotes",
        "spto: unknown key; did you mean spot?",
        "pools[0].machineType: must be text, and without quotes it reads as 1; put it in quotes",
        "pools[1].machineType: is required: What a machine is, e.g. `small`",
    ]


def test_a_misspelt_required_key_is_one_fault_not_two():
    with pytest.raises(SpecError) as refused:
        spec.parse(Args, {"vesrion": "1.37"})
    assert str(refused.value) == "vesrion: unknown key; did you mean version?"


def test_an_inherited_key_explains_itself_like_any_other():
    with pytest.raises(SpecError) as refused:
        spec.parse(Args, {})
    assert str(refused.value) == "version: is required: Version in quotes"


@pytest.mark.parametrize("values", [None, "text", ["a"], 3])
def test_anything_but_a_mapping_is_refused(values):
    with pytest.raises(SpecError, match=r"must be a mapping with keys of version|has no value"):
        spec.parse(Args, values)


def test_settings_are_slipways_own_keys_with_structure():
    pulumi.runtime.set_all_config(
        {
            "slipway:target": "kind",
            "slipway:cluster": json.dumps({"version": "1.37", "workers": 1}),
            "slipway:odd": "{not JSON",
            "gcp:project": "somebody-elses",
        },
        [],
    )
    assert spec.settings() == {
        "target": "kind",
        "cluster": {"version": "1.37", "workers": 1},
        "odd": "{not JSON",
    }


def test_a_secret_setting_is_refused_without_its_value():
    pulumi.runtime.set_all_config(
        {"slipway:target": "kind", "slipway:cluster": '{"version": "hunter2"}'}, ["slipway:cluster"]
    )
    with pytest.raises(SpecError) as refused:
        spec.settings()
    assert str(refused.value).startswith("slipway:cluster: holds a secret value")
    assert "hunter2" not in str(refused.value)


def test_the_same_is_refused_in_a_file_read_without_pulumi():
    config = {"slipway:target": "kind", "slipway:cluster": {"labels": [{"a": {"secure": "v1:abc:def"}}]}}
    with pytest.raises(SpecError, match=r"^slipway:cluster: holds a secret value") as refused:
        spec.settings_in(config)
    assert "v1:abc" not in str(refused.value)


def test_a_file_read_without_pulumi_gives_the_same_settings():
    config = {"slipway:target": "kind", "slipway:cluster": {"version": "1.37"}, "gcp:project": {"secure": "v1:a:b"}}
    assert spec.settings_in(config) == {"target": "kind", "cluster": {"version": "1.37"}}


def test_a_key_without_a_namespace_is_slipways_as_it_is_pulumis():
    assert spec.settings_in({"target": "kind", "gcp:project": "p", 3: 4}) == {"target": "kind", "3": 4}


def test_a_private_key_is_read_by_nobody_but_who_uses_it():
    assert spec.settings_in({"slipway:target": "kubeadm", "slipway:sshPrivateKey": {"secure": "v1:abc"}}) == {
        "target": "kubeadm"
    }


def test_a_private_key_in_plain_text_is_refused_without_its_value():
    with pytest.raises(SpecError) as refused:
        spec.settings_in({"slipway:sshPrivateKey": "-----BEGIN treasure-----"})

    assert str(refused.value) == (
        "slipway:sshPrivateKey: is a secret, and stands there for everybody to read; make another one, and write it by "
        "`pulumi config set --secret slipway:sshPrivateKey`"
    )
