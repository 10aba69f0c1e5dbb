"""What a stack says about its machines, by driver."""

from enum import StrEnum
from typing import NotRequired

from typing_extensions import TypedDict


class Driver(StrEnum):
    """Where machines come from."""

    CONTAINER = "container"


class Machines(TypedDict):
    """Where the machines come from."""

    driver: Driver
    """`container`: system containers on this machine, for trying a production cluster out and for tests."""

    cidr: NotRequired[str]
    """Addresses of the machines, with `driver: container`. Default: 10.89.0.0/24."""
