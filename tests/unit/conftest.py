"""The unit rung: programs against a monitor that records, and no engine."""

import asyncio
from collections.abc import Callable, Iterator

import pytest

from tests.unit import recording
from tests.unit.recording import Deployment


@pytest.fixture
def deploy() -> Iterator[Callable[..., Deployment]]:
    """Run a program as Pulumi would, in an event loop of its own: see `recording.deploy`."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield recording.deploy
    asyncio.set_event_loop(None)
    loop.close()
