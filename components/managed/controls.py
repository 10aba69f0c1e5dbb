"""Hardened settings as data, each with the id of the rule that asks for it, and a report of how a stack keeps them.

A cloud's list is the second witness of what its modules set: a test holds every control against the cloud's example,
and a stack prints its own report. What a stack weakens stands there as failed, or as waived with the stack's reason.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from components import parity


class Verdict(StrEnum):
    """How a stack keeps a rule."""

    PASSED = "pass"
    FAILED = "fail"
    WAIVED = "waived"
    NOT_APPLICABLE = "n/a"


@dataclass(frozen=True)
class Control:
    """One rule about one field of one type of resource."""

    id: str
    """Of the benchmark, e.g. `CIS GKE 5.6.5`; where there is none for a cloud, `Slipway` and a name."""

    title: str
    """What the rule is for, in a phrase."""

    kind: str
    """The last part of the resource's type, e.g. `NodePool`."""

    field: str
    """Path of the field, as the provider spells it; a number picks from a list: `blockDeviceMappings.0.ebs`."""

    wanted: Any
    """The value, or a function that says whether a value will do. A field that is absent has the value None."""

    about: Mapping[str, Any] = field(default_factory=dict)
    """Field → its value in those resources that the rule is about, e.g. the add-on's name. Default: all of the kind."""

    built_in: str = ""
    """Path of a field whose truth makes the cloud keep the rule by itself, e.g. `enableAutopilot`. Default: none."""

    required: bool = False
    """Whether a stack without such a resource breaks the rule. Default: the rule is not applicable to it."""

    def is_about(self, resource: "Resource") -> bool:
        """Whether the rule says something about the resource."""
        return resource.type.rpartition(":")[2] == self.kind and all(
            field_of(resource.inputs, path) == value for path, value in self.about.items()
        )

    def is_kept_by(self, inputs: Mapping[str, Any]) -> bool:
        """Whether a resource with these inputs keeps the rule."""
        if self.built_in and field_of(inputs, self.built_in):
            return True
        value = field_of(inputs, self.field)
        return self.wanted(value) if callable(self.wanted) else value == self.wanted


@dataclass(frozen=True)
class Line:
    """One line of a report."""

    id: str
    title: str
    resource: str
    """Name of the resource; none where there is no such resource."""

    field: str
    value: Any
    verdict: Verdict
    why: str = ""
    """The reason of a waiver."""


@dataclass(frozen=True)
class Resource:
    """A resource as a program declares it."""

    type: str
    name: str
    inputs: Mapping[str, Any]
    """With names in camelCase."""


def report(controls: Sequence[Control], resources: Iterable[Resource], waivers: Mapping[str, str]) -> list[Line]:
    """How `resources` keep `controls`: a line for each resource that a control is about, in the order of the controls.

    Args:
        controls: The cloud's.
        resources: Everything that the stack declares.
        waivers: Id of a control, or name of a lacking feature → why the stack may do without.
    """
    declared = list(resources)
    lines = []
    for control in controls:
        found = [each for each in declared if control.is_about(each)]
        why = waivers.get(control.id, "")
        broken = (Verdict.WAIVED, why) if why else (Verdict.FAILED, "")
        if not found:
            verdict, told = broken if control.required else (Verdict.NOT_APPLICABLE, "")
            lines.append(Line(control.id, control.title, "", control.field, None, verdict, told))
        for resource in found:
            verdict, told = (Verdict.PASSED, "") if control.is_kept_by(resource.inputs) else broken
            value = field_of(resource.inputs, control.field)
            lines.append(Line(control.id, control.title, resource.name, control.field, value, verdict, told))
    lines += [
        Line(name, parity.FEATURES[name].title, "", "", None, Verdict.WAIVED, why)
        for name, why in waivers.items()
        if name in parity.FEATURES
    ]
    return lines


def field_of(inputs: Any, path: str) -> Any:
    """The value at `path` of `inputs`, None where there is none."""
    for part in path.split("."):
        if isinstance(inputs, list) and part.isdigit() and int(part) < len(inputs):
            inputs = inputs[int(part)]
        elif isinstance(inputs, Mapping):
            inputs = inputs.get(part)
        else:
            return None
    return inputs


def at_least(*wanted: Any) -> Callable[[Any], bool]:
    """Whether a list holds all of `wanted`."""
    return lambda value: isinstance(value, list) and set(wanted) <= set(value)


def lists_networks(cidrs: Any) -> bool:
    """Whether a list of CIDRs lets somebody in, and not everybody."""
    return isinstance(cidrs, list) and bool(cidrs) and not {None, "0.0.0.0/0", "::/0"} & set(cidrs)


def is_off(value: Any) -> bool:
    """Whether a switch is off, or left at a default that is off."""
    return value is None or value is False


def is_set(value: Any) -> bool:
    """Whether there is a value at all, known or not yet."""
    return bool(value)
