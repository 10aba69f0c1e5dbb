"""From what a stack file or a program in another language says to checked arguments.

A target declares its arguments once, as a `TypedDict` with a docstring a key. This module checks plain values against
that declaration and says what is wrong in one line each: the key, the value, the rule and the fix.
"""

import difflib
import json
import re
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar, get_args, get_origin

import pulumi
from typing_extensions import is_typeddict

from components.declared import documentation, keys, plain

Args = TypeVar("Args", bound=Mapping[str, Any])

NAMESPACE = "slipway:"
"""Begins the keys of a stack file that are Slipway's own."""

SECRETS = frozenset({"sshPrivateKey", "etcdKey", "snapshotAccessKey", "snapshotSecretKey"})
"""Those of them that hold a secret: read where they are used, and nowhere else."""


@dataclass(frozen=True)
class Fault:
    """One thing wrong with what somebody asks for."""

    key: str
    """The key as the stack file writes it, e.g. `nodePools[0].machineType`."""

    message: str
    """What is wrong with its value, why, and what to write instead."""

    def __str__(self) -> str:
        key = self.key if self.key.isprintable() else repr(self.key)
        return f"{key}: {self.message}" if key else self.message


class SpecError(pulumi.RunError):
    """Something that cannot be made as asked for: one line a fault, with no traceback where Pulumi tells it."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = list(faults)
        super().__init__("\n".join(map(str, self.faults)))


def settings() -> dict[str, Any]:
    """What the running stack's configuration says under `slipway:`, by key without that prefix, secrets left out.

    Raises:
        SpecError: One of them is secret that may not be, or is not that must be.
    """
    config = {**pulumi.runtime.get_config_env(), **pulumi.runtime.config.CONFIG.get()}
    own = {key.removeprefix(NAMESPACE): text for key, text in config.items() if key.startswith(NAMESPACE)}
    _refuse_misplaced(own, {key for key in own if pulumi.runtime.is_config_secret(NAMESPACE + key)})
    return {key: _structure(text) for key, text in own.items() if key not in SECRETS}


def settings_in(config: Mapping[Any, Any]) -> dict[str, Any]:
    """The same, from the `config` of a stack file, read without Pulumi: a key without a namespace is the project's own.

    Raises:
        SpecError: One of them is secret that may not be, or is not that must be.
    """
    own = {
        key.removeprefix(NAMESPACE): value
        for key, value in ((str(key), value) for key, value in config.items())
        if key.startswith(NAMESPACE) or ":" not in key
    }
    _refuse_misplaced(own, {key for key, value in own.items() if _holds_secret(value)})
    return {key: value for key, value in own.items() if key not in SECRETS}


def parse(declared: type[Args], values: object) -> Args:
    """Check `values`, with camelCase keys, against the `TypedDict` `declared`.

    Numbers and text are strict, so that an unquoted `1.30` is refused instead of being read as 1.3.

    Returns:
        The same values as `declared` names them: snake_case keys, closed sets as their Enum.

    Raises:
        SpecError: An unknown or missing key, or a wrong type; every one that was found.
    """
    faults: list[Fault] = []
    args = _read(declared, values, "", faults)
    if faults:
        raise SpecError(faults)
    return args


def nearest(word: str, choices: Iterable[str]) -> str:
    """What to write instead of `word`: the nearest of `choices`, or all of them."""
    choices = sorted(choices)
    close = _closest(word, choices)
    return f"did you mean {close}?" if close else f"choose one of {', '.join(choices)}"


def _closest(word: str, choices: Iterable[str]) -> str | None:
    written = {choice.lower(): choice for choice in choices}
    return next((written[close] for close in difflib.get_close_matches(word.lower(), list(written), n=1)), None)


def _read(kind: Any, value: object, place: str, faults: list[Fault]) -> Any:
    """`value` as `kind` names it; what does not fit is added to `faults`."""
    if plain(kind) is not kind:
        return value if isinstance(value, pulumi.Output) else _read(plain(kind), value, place, faults)
    origin, parts = get_origin(kind), get_args(kind)
    if is_typeddict(kind) and isinstance(value, Mapping):
        return _read_keys(kind, value, place, faults)
    if origin in (list, Sequence) and isinstance(value, list):
        return [_read(parts[0], item, f"{place}[{index}]", faults) for index, item in enumerate(value)]
    if origin in (dict, Mapping) and isinstance(value, Mapping):
        return {str(key): _read(parts[1], item, f"{place}.{key}", faults) for key, item in value.items()}
    if _is_enum(kind) and isinstance(value, str) and value in _choices(kind):
        return kind(value)
    if kind is Any or type(value) is kind:
        return value
    faults.append(Fault(place, _mismatch(kind, value)))
    return None


def _read_keys(declared: type, values: Mapping[Any, object], place: str, faults: list[Fault]) -> dict[str, Any]:
    known = keys(declared)
    prefix = f"{place}." if place else ""
    read: dict[str, Any] = {}
    meant: set[str | None] = set()
    for name, value in values.items():
        key = known.get(name)
        if key is None:
            meant.add(_closest(str(name), known))
            faults.append(Fault(f"{prefix}{name}", f"unknown key; {nearest(str(name), known)}"))
        else:
            read[key.name] = _read(key.type, value, f"{prefix}{name}", faults)
    for name, key in known.items():
        # A misspelt key is one mistake, and has been told.
        if key.required and name not in values and name not in meant:
            sentence = _SENTENCE.match(" ".join(documentation(declared).get(key.name, "").split()))
            faults.append(Fault(f"{prefix}{name}", f"is required: {sentence[0]}" if sentence else "is required"))
    return read


_SENTENCE = re.compile(r".+?(?=\.( [A-Z]|$))")


def _mismatch(kind: Any, value: object) -> str:
    origin = get_origin(kind)
    if _is_enum(kind):
        choices = _choices(kind)
        if isinstance(value, str) and value:
            return f"{value!r} is none of its values; {nearest(value, choices)}"
        wanted = f"one of {', '.join(choices)}"
    elif is_typeddict(kind):
        wanted = f"a mapping with keys of {', '.join(keys(kind))}"
    elif origin is not None:
        wanted = "a list" if origin in (list, Sequence) else "a mapping of keys to values"
    else:
        wanted = {str: "text", int: "a whole number", bool: "true or false"}[kind]
    if value is None or (value == "" and kind is not str):
        return f"has no value; write {wanted}"
    if kind is str and isinstance(value, int | float):
        return f"must be text, and without quotes it reads as {_shown(value)}; put it in quotes"
    return f"must be {wanted}, not {_shown(value)}"


def _is_enum(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Enum)


def _choices(kind: type[Enum]) -> list[str]:
    return [member.value for member in kind]


def _shown(value: object) -> str:
    """A value in a message: as YAML writes it, and whole only if it is short."""
    match value:
        case bool():
            return str(value).lower()
        case list():
            return "a list"
        case Mapping():
            return "a mapping"
        case pulumi.Output():
            return "an output, whose value may be known only later"
        case _:
            return repr(value) if len(repr(value)) <= _LONGEST_SHOWN else f"{repr(value)[:_LONGEST_SHOWN]}…"


_LONGEST_SHOWN = 60


def _structure(text: Any) -> Any:
    """Pulumi hands a program every value as text; a mapping or a list is JSON in it."""
    if not text.startswith(("{", "[")):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _refuse_misplaced(keys: Iterable[str], secret: Set[str]) -> None:
    """Refuse a secret where none is expected, and in plain text what is one."""
    faults = [
        Fault(NAMESPACE + key, "holds a secret value, and nothing in it is secret; write it plainly, without `secure:`")
        if key in secret
        else Fault(
            NAMESPACE + key,
            "is a secret, and stands there for everybody to read; make another one, and write it by "
            f"`pulumi config set --secret {NAMESPACE}{key}`",
        )
        for key in keys
        if (key in secret) is not (key in SECRETS)
    ]
    if faults:
        raise SpecError(faults)


def _holds_secret(value: object) -> bool:
    match value:
        case {"secure": str()}:
            return True
        case Mapping():
            return any(map(_holds_secret, value.values()))
        case list():
            return any(map(_holds_secret, value))
        case _:
            return False
