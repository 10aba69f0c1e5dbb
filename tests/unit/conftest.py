"""The unit rung: programs against a monitor that records, and no engine."""

import asyncio
import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from components.bootstrap import snapshots
from components.local.existing_kubeconfig import OWN
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


@pytest.fixture(scope="session")
def already() -> dict[Any, Any]:
    return {}


@pytest.fixture
def deploy_once(deploy, already) -> Callable[..., Deployment]:
    """What a cluster of a target asks for: `deploy_once(GkeCluster, "prod", args)`; the same one is made once."""

    def make(component, name, args, opts=None, *, clouds=(), **how) -> Deployment:
        key = (component, name, repr(args), id(opts), tuple(map(id, clouds)), repr(how))
        if key not in already:
            made = deploy(lambda: component(name, args, opts), clouds=clouds, **how)
            # Kept as long as their addresses stand in the key.
            already[key] = made, args, opts, clouds
        return already[key][0]

    return make


def pytest_configure() -> None:
    """Collect garbage more seldom, as every collection walks all that the SDKs have loaded; make shorter keys."""
    gc.set_threshold(100_000, 50, 100)
    # It takes a second to find a long one, and these keep nothing secret.
    snapshots.KEY_BITS = 1024


@pytest.fixture(autouse=True)
def shell_of_a_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell that `make env` has not set up, as `make test` has that of the tests with an engine."""
    for name in ("KUBECONFIG", "SLIPWAY_KUBECONFIGS", OWN):
        monkeypatch.delenv(name, raising=False)


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
