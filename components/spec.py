"""From a stack file to checked arguments.

A target declares its arguments once, as a `TypedDict` with a docstring a key. This module checks a stack file against
that declaration and says what is wrong in one line each: the key, the value, the rule and the fix.
"""

import difflib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, ForwardRef, NotRequired, Required, TypeVar, Union, get_args, get_origin

import pulumi
import pydantic
from pydantic.alias_generators import to_camel
from typing_extensions import TypedDict, is_typeddict

Args = TypeVar("Args", bound=Mapping[str, Any])


@dataclass(frozen=True)
class Fault:
    """One thing wrong with a stack file."""

    key: str
    """The key as the stack file writes it, e.g. `nodePools[0].machineType`."""

    message: str
    """What is wrong with its value, why, and what to write instead."""

    def __str__(self) -> str:
        return f"{self.key}: {self.message}" if self.key else self.message


class SpecError(ValueError):
    """A stack file that cannot be used: one line a fault."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = list(faults)
        super().__init__("\n".join(map(str, self.faults)))


@dataclass(frozen=True)
class Spec:
    """What a stack file asks for, checked in shape; the target's own rules are still to be asked."""

    target: str
    cluster: Mapping[str, Any]
    """The value of `slipway:cluster`, as written."""


def read(config: pulumi.Config) -> Spec:
    """What the stack's configuration asks for.

    Raises:
        SpecError: `slipway:target` or `slipway:cluster` is missing or of the wrong type.
    """
    target, cluster = config.get("target"), config.get("cluster")
    if target is None:
        raise SpecError([Fault("slipway:target", "is required; write for example `slipway:target: kind`")])
    if cluster is None:
        raise SpecError([Fault("slipway:cluster", 'is required; write at least `version: "1.37"` under it')])
    try:
        value = config.require_object("cluster")
    except pulumi.ConfigTypeError:
        value = cluster
    if not isinstance(value, dict):
        raise SpecError([Fault("slipway:cluster", f"must be a mapping of keys to values, not {value!r}")])
    return Spec(target, value)


def from_file(values: Mapping[str, Any]) -> Spec:
    """What the `config` of a stack file asks for, read without Pulumi.

    Raises:
        SpecError: As `read` does.
    """
    target, cluster = values.get("slipway:target"), values.get("slipway:cluster")
    if not isinstance(target, str):
        raise SpecError([Fault("slipway:target", "is required; write for example `slipway:target: kind`")])
    if not isinstance(cluster, dict):
        raise SpecError([Fault("slipway:cluster", 'is required; write at least `version: "1.37"` under it')])
    return Spec(target, cluster)


def parse(declared: type[Args], values: Mapping[str, Any], rules: Callable[[Args], list[Fault]]) -> Args:
    """Check `values`, with camelCase keys, against the `TypedDict` `declared` and then against the target's `rules`.

    Returns:
        The same values as `declared` names them: snake_case keys, closed sets as their Enum.

    Raises:
        SpecError: An unknown or missing key, a wrong type, or a broken rule; every one that was found.
    """
    shape = shape_of(declared)
    try:
        args = pydantic.TypeAdapter(shape).validate_python(values)
    except pydantic.ValidationError as error:
        raise SpecError(_fault(shape, details) for details in error.errors(include_url=False)) from None
    if faults := rules(args):
        raise SpecError(faults)
    return args


def shape_of(declared: type) -> type:
    """The `TypedDict` that a stack file must fit: `declared` with camelCase keys, no others, and plain values.

    `pulumi.Input[T]` becomes `T`: in a file nothing is an output of something else. Numbers and text are strict, so
    that an unquoted `1.30` is refused instead of being read as 1.3.
    """
    required: frozenset[str] = getattr(declared, "__required_keys__", frozenset())
    fields = {
        key: (Required if key in required else NotRequired)[_plain(annotation)]
        for key, annotation in declared.__annotations__.items()
    }
    # A type made at run time is beyond a type checker.
    shape: Any = TypedDict(declared.__name__, fields)  # ty: ignore[invalid-argument-type, mismatched-type-name]
    shape.__pydantic_config__ = pydantic.ConfigDict(extra="forbid", alias_generator=to_camel)
    return shape


def nearest(word: str, choices: Iterable[str]) -> str:
    """What to write instead of `word`: the nearest of `choices`, or all of them."""
    choices = sorted(choices)
    if close := difflib.get_close_matches(word, choices, n=1):
        return f"did you mean {close[0]}?"
    return f"choose one of {', '.join(choices)}"


def _plain(annotation: Any) -> Any:
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin in (Required, NotRequired):
        return _plain(parts[0])
    if origin in (Union, UnionType):
        kept = [part for part in parts if not _is_output(part)]
        return Union[tuple(map(_plain, kept))]  # noqa: UP007 - the number of members varies
    if is_typeddict(annotation):
        return shape_of(annotation)
    if annotation in (str, int, bool):
        return Annotated[annotation, pydantic.Strict()]
    if origin is Sequence:
        return list[_plain(parts[0])]
    if origin is Mapping:
        return dict[str, _plain(parts[1])]
    if origin in (list, dict):
        return origin[tuple(map(_plain, parts))]
    return annotation


def _is_output(annotation: Any) -> bool:
    return isinstance(annotation, ForwardRef) or get_origin(annotation) in (Awaitable, pulumi.Output)


_KINDS = {
    "string_type": "text",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping of keys to values",
}


def _fault(shape: type, details: Mapping[str, Any]) -> Fault:
    kind, place, value = details["type"], details["loc"], details["input"]
    key = _written(place)
    if kind == "missing":
        return Fault(key, "is required")
    if kind == "extra_forbidden":
        known = [to_camel(name) for name in _inside(shape, place[:-1]).__annotations__]
        return Fault(key, f"unknown key; {nearest(str(place[-1]), known)}")
    if kind == "enum":
        choices = [str(member.value) for member in _inside(shape, place)]
        return Fault(key, f"{value!r} is not one of its values; {nearest(str(value), choices)}")
    wanted = _KINDS.get(kind, details["msg"])
    if kind == "string_type" and isinstance(value, int | float):
        return Fault(key, f'must be text, and {value} reads as a number; put it in quotes: "{value}"')
    return Fault(key, f"must be {wanted}, not {value!r}")


def _written(place: tuple[str | int, ...]) -> str:
    """`("nodePools", 0, "machineType")` as the stack file's reader knows it: `nodePools[0].machineType`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).removeprefix(".")


def _inside(annotation: Any, place: tuple[str | int, ...]) -> Any:
    """The type that a shape has at `place`."""
    for part in place:
        annotation = _bare(annotation)
        if is_typeddict(annotation):
            annotation = {to_camel(key): value for key, value in annotation.__annotations__.items()}[str(part)]
        else:
            annotation = get_args(annotation)[-1]
    return _bare(annotation)


def _bare(annotation: Any) -> Any:
    while get_origin(annotation) in (Required, NotRequired, Annotated):
        annotation = get_args(annotation)[0]
    return annotation
