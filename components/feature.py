"""A feature that a cluster may have, and the words that the parity matrix is written in."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from components.declared import camel

Args = Mapping[str, Any]


class Means(StrEnum):
    """How a target gives a feature."""

    NATIVE = "native"
    OTHER = "other means"
    LACKING = "lacking"


@dataclass(frozen=True)
class Support:
    """What one target does about one feature."""

    means: Means
    how: str = ""
    """By what other means, or why not, in a phrase; of what is native, perhaps what it is called there."""


@dataclass(frozen=True)
class Feature:
    """Something that a cluster may have."""

    title: str
    """As a row of the table: `Spot nodes`."""

    asked_by: Callable[[Args], str | None]
    """The key, as a stack file writes it, that asks for the feature; None where the arguments do not."""

    support: Mapping[str, Support]
    """Target → what it does; every target is there."""


def native(how: str = "") -> Support:
    """The cloud gives it."""
    return Support(Means.NATIVE, how)


def other_means(how: str) -> Support:
    """It is given, but not by the cloud's own means."""
    return Support(Means.OTHER, how)


def lacking(why: str) -> Support:
    """It is not given."""
    return Support(Means.LACKING, why)


def never(_args: Args) -> None:
    """Nothing asks for it: it is there or not."""


def key(*names: str) -> Callable[[Args], str | None]:
    """The key at a path of names, if the stack writes it."""

    def asked(args: Args) -> str | None:
        value: Any = args
        for name in names:
            if not isinstance(value, Mapping) or name not in value:
                return None
            value = value[name]
        return ".".join(map(camel, names))

    return asked


def pool(name: str) -> Callable[[Args], str | None]:
    """The key of the first pool that has `name`, and not as false."""

    def asked(args: Args) -> str | None:
        pools: Sequence[Args] = args.get("node_pools", [])
        return next(
            (f"nodePools[{i}].{camel(name)}" for i, pool in enumerate(pools) if pool.get(name, False) is not False),
            None,
        )

    return asked


def equal(name: str, value: object) -> Callable[[Args], str | None]:
    """The key `name`, if it has this value."""
    return lambda args: camel(name) if args.get(name) == value else None
