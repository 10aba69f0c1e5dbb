"""What a program can know of what its stack has made already, before it declares anything."""

import time
from collections.abc import Mapping
from typing import Any

import pulumi

State = Mapping[str, Mapping[str, Any]]
"""URN of a resource → its outputs, by the names that its provider uses."""

STASH = "pulumi:index:Stash"
"""The type of what the engine itself keeps in the state, for a program that asks for it in its next run."""

_FURTHER_ATTEMPTS = 20
_SECONDS_BETWEEN = 0.1


def last_state() -> State:
    """What the last `up` or `refresh` of the running stack left; nothing where there was none.

    Use it for what must be known before a resource is declared, such as which of its changes to ignore, and for nothing
    else: a refresh within this very run comes later. Read it before the first resource is declared. From then on the
    engine writes the state again and again, and in a folder a reader may meet half a file, which is why this tries more
    than once.

    Raises:
        Exception: The state cannot be read.
    """
    for _ in range(_FURTHER_ATTEMPTS):
        try:
            return _read()
        except Exception:  # the SDK raises nothing more telling
            time.sleep(_SECONDS_BETWEEN)
    return _read()


def _read() -> State:
    told = pulumi.runtime.invoke("pulumi:pulumi:readStackResourceOutputs", {"stackName": pulumi.get_stack()})
    return {urn: resource["outputs"] for urn, resource in (told.value or {}).get("outputs", {}).items()}


def outputs_by_name(state: State, token: str) -> Mapping[str, Mapping[str, Any]]:
    """What `state` tells of all resources of a type, by their names in Pulumi.

    Args:
        state: From `last_state`.
        token: The type, e.g. `digitalocean:index/vpc:Vpc`.
    """
    parts = ((urn.rpartition("::"), outputs) for urn, outputs in state.items())
    return {name: outputs for (kinds, _, name), outputs in parts if kinds.endswith(token)}


def outputs_of(state: State, token: str, name: str) -> Mapping[str, Any]:
    """What `state` tells of a resource; nothing where it is not there.

    Args:
        state: From `last_state`.
        token: The resource's type, e.g. `digitalocean:index/vpc:Vpc`.
        name: Its name in Pulumi.
    """
    return next((outputs for urn, outputs in state.items() if urn.endswith(f"{token}::{name}")), {})
