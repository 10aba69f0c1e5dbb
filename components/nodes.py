"""What a stack says about nodes, wherever they run."""

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NotRequired

from typing_extensions import TypedDict

from components.spec import Fault


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


def count_faults(control_planes: int, workers: int, most: int) -> list[Fault]:
    """What is wrong with the numbers of nodes, where each control plane is a member of etcd and `most` are of use."""
    faults = []
    if control_planes > most:
        few = "1, 3" if most == 5 else "3, 5"
        faults.append(Fault("controlPlanes", f"{control_planes} only wait for each other; write {few} or {most}"))
    elif control_planes < 1 or control_planes % 2 == 0:
        odd = dict.fromkeys(str(max(1, control_planes + step)) for step in (-1, 1))
        fault = f"{control_planes} is no odd number, and etcd needs a majority; write {' or '.join(odd)}"
        faults.append(Fault("controlPlanes", fault))
    if workers < 0:
        faults.append(Fault("workers", f"{workers} is less than none; write 0 or more"))
    return faults


def gate_faults(gates: Iterable[str]) -> list[Fault]:
    """Which of the names of feature gates cannot be one."""
    return [
        Fault("featureGates", f"{gate!r} is no feature gate; write one like ImageVolume")
        for gate in gates
        if not re.fullmatch(r"[A-Z][A-Za-z0-9]*", gate)
    ]


def label_faults(key: str, labels: Mapping[str, str]) -> list[Fault]:
    """What Kubernetes would refuse of `labels`, which stand at `key`.

    https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set
    """
    faults = []
    for name, value in labels.items():
        if not _is_qualified(name):
            faults.append(Fault(key, f"{name!r} cannot name a label; {_NAMES}"))
        elif not _VALUE.fullmatch(value):
            faults.append(Fault(f"{key}.{name}", f"{value!r} is no value of a label; {_VALUES}"))
    return faults


def taint_faults(key: str, taints: Iterable[Taint]) -> list[Fault]:
    """What Kubernetes would refuse of `taints`, which stand at `key`: the same syntax, and none of them twice."""
    faults, seen = [], set()
    for index, taint in enumerate(taints):
        place, value = f"{key}[{index}]", taint.get("value", "")
        if not _is_qualified(taint["key"]):
            faults.append(Fault(f"{place}.key", f"{taint['key']!r} cannot name a taint; {_NAMES}"))
        if not _VALUE.fullmatch(value):
            faults.append(Fault(f"{place}.value", f"{value!r} is no value of a taint; {_VALUES}"))
        if (taint["key"], taint["effect"]) in seen:
            faults.append(Fault(place, f"{taint['key']} has this effect already; a node has one of each, drop one"))
        seen.add((taint["key"], taint["effect"]))
    return faults


def _is_qualified(name: str) -> bool:
    prefix, slash, rest = name.rpartition("/")
    if slash and not (len(prefix) <= LONGEST_PREFIX and _PREFIX.fullmatch(prefix)):
        return False
    return bool(rest and _VALUE.fullmatch(rest))


LONGEST_PREFIX = 253
_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")
_PREFIX = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
_VALUES = "use at most 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends"
_NAMES = f"{_VALUES}, and perhaps a domain and `/` before it"
