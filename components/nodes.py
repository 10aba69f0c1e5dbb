"""What a stack says about nodes, wherever they run."""

from enum import StrEnum
from typing import NotRequired

from typing_extensions import TypedDict


class Effect(StrEnum):
    """What a taint does to pods that do not tolerate it."""

    NO_SCHEDULE = "NoSchedule"
    PREFER_NO_SCHEDULE = "PreferNoSchedule"
    NO_EXECUTE = "NoExecute"


class Taint(TypedDict):
    """A taint of a node."""

    key: str
    """What the taint is called, e.g. `dedicated`."""

    value: NotRequired[str]
    """What it is for, e.g. `gpu`. Default: none."""

    effect: Effect
    """What it does to pods that do not tolerate it."""
