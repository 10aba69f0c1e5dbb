"""The unit rung: programs against a monitor that records, and no engine."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.unit import recording
from tests.unit.recording import Deployment
from tools import paths


@pytest.fixture
def deploy() -> Iterator[Callable[..., Deployment]]:
    """Run a program as Pulumi would, in an event loop of its own: see `recording.deploy`."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield recording.deploy
    asyncio.set_event_loop(None)
    loop.close()


@pytest.fixture
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `.slipway` of the test's own, with no backend or passphrase chosen by the user."""
    home = tmp_path / ".slipway"
    folders = {"HOME": "", "BIN": "bin", "STATE": "state", "STACKS": "stacks", "KUBECONFIGS": "kubeconfigs"}
    for name, folder in {**folders, "PASSPHRASE": "passphrase"}.items():
        monkeypatch.setattr(paths, name, home / folder)
    for name in ("PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"):
        monkeypatch.delenv(name, raising=False)
    return home
