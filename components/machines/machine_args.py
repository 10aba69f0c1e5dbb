"""What a stack says about its machines. Each driver has keys of its own; all stand below `machines`."""

from enum import StrEnum
from typing import NotRequired

from typing_extensions import TypedDict


class Driver(StrEnum):
    """Where machines come from."""

    CONTAINER = "container"


class Choice(TypedDict):
    """Which driver there is."""

    driver: Driver
    """`container`: system containers on this machine, for trying a production cluster out and for tests."""


class ContainerMachines(TypedDict):
    """Machines that are containers."""

    cidr: NotRequired[str]
    """Addresses of the machines, with `driver: container`. Default: 10.89.0.0/24."""


class Machines(Choice, ContainerMachines):
    """Where the machines come from."""
