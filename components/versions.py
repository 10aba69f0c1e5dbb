"""Kubernetes minors: what is in support, and until when.

Dates are those of the Kubernetes project (kubernetes.io/releases). A cloud's own windows are the cloud's to tell.
"""

import re
from dataclasses import dataclass
from datetime import date

from components.spec import Fault


@dataclass(frozen=True)
class Minor:
    """A minor version of Kubernetes and its support window."""

    name: str
    released: date
    end_of_life: date


MINORS = {
    minor.name: minor
    for minor in (
        Minor("1.33", date(2025, 4, 23), date(2026, 6, 28)),
        Minor("1.34", date(2025, 8, 27), date(2026, 10, 27)),
        Minor("1.35", date(2025, 12, 17), date(2027, 2, 28)),
        Minor("1.36", date(2026, 4, 22), date(2027, 6, 28)),
        Minor("1.37", date(2026, 8, 26), date(2027, 10, 28)),
    )
}

NEWEST = next(reversed(MINORS))

_NUMBER = "(?:0|[1-9][0-9]{0,2})"
_VERSION = re.compile(rf"v?({_NUMBER}\.{_NUMBER})(\.{_NUMBER})?")


def minor_of(version: str) -> str:
    """The minor of a version: `1.37` of `1.37`, `1.37.2` and `v1.37.2`.

    Raises:
        ValueError: `version` is not a Kubernetes version.
    """
    match = _VERSION.fullmatch(version)
    if match is None:
        raise ValueError(f"{version!r} is no Kubernetes version")
    return match[1]


def same(wanted: str, running: str) -> bool:
    """Whether `running` (a full version) is what `wanted` asks for: any patch of a minor, or that very patch.

    What a distribution adds to it, such as the `+k3s1` of `v1.37.2+k3s1`, makes no other version of it.
    """
    running = running.partition("+")[0]
    match = _VERSION.fullmatch(wanted)
    if match is not None and match[2]:
        return wanted.removeprefix("v") == running.removeprefix("v")
    return minor_of(wanted) == minor_of(running)


def is_patch(version: str) -> bool:
    """Whether `version`, a Kubernetes version, names its patch: `1.37.2` does, `1.37` does not."""
    match = _VERSION.fullmatch(version)
    return match is not None and match[2] is not None


def syntax_faults(version: str) -> list[Fault]:
    """Whether `version` reads as a Kubernetes version at all."""
    try:
        minor_of(version)
    except ValueError as error:
        return [Fault("version", f'{error}; write a minor like "1.37" or a patch like "1.37.2"')]
    return []


def support_fault(version: str, today: date) -> Fault | None:
    """Why no new cluster should run `version` on `today`, if so: out of support, or not known to this Slipway."""
    name = minor_of(version)
    supported = [minor.name for minor in MINORS.values() if today < minor.end_of_life]
    if name in supported:
        return None
    choose = f"choose one of {', '.join(supported)}" if supported else "update Slipway"
    if name in MINORS:
        return Fault("version", f"Kubernetes {name} is out of support since {MINORS[name].end_of_life}; {choose}")
    if numbers(name) > max(map(numbers, MINORS)):
        return Fault("version", f"Kubernetes {name} is newer than this Slipway knows; {choose}, or update Slipway")
    return Fault("version", f"Kubernetes {name} is long out of support; {choose}")


def upgrade_fault(running: str, wanted: str) -> Fault | None:
    """Why a control plane that runs `running` cannot be upgraded to `wanted`, if so: a step back, or two at once.

    https://kubernetes.io/releases/version-skew-policy/#kube-apiserver
    """
    (major, old), (new_major, new) = numbers(minor_of(running)), numbers(minor_of(wanted))
    if (new_major, new) < (major, old):
        return Fault(
            "version",
            f"{wanted} is older than {running}, which runs, and a control plane never goes back; write {running}",
        )
    if new > old + 1:
        step = f"{major}.{old + 1}"
        return Fault(
            "version",
            f"{wanted} is {new - old} minors after {running}, which runs, and an upgrade takes one at a time; "
            f'write "{step}" first',
        )
    return None


def numbers(minor: str) -> tuple[int, ...]:
    """A minor as minors are put in order by: 1.9 comes before 1.10."""
    return tuple(int(part) for part in minor.split("."))
