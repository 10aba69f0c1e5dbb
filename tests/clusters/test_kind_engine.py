"""kind on an engine that fails in the middle of it."""

from signal import SIGKILL

import pytest

from tests.clusters.runs import WatchedUp
from tools import engine as engines
from tools import paths
from tools.engine.private import PrivateEngine

pytestmark = pytest.mark.timeout(600)

NAME = "slipway-test-killed"


def test_an_engine_that_is_killed_while_it_makes_a_cluster_leaves_nothing_that_the_next_run_cannot_use(
    slipway, engine, kubectl
):
    private = PrivateEngine(paths.CACHE / "engine")
    if private.process is None or private.containers():
        pytest.skip("only a private engine that holds nothing of the user's may be killed")
    stack = slipway(NAME, workers=0)
    up = WatchedUp(stack, "Starting control-plane")
    private.process.signal(SIGKILL)

    shown = up.finish()
    assert f"KindError: the cluster {NAME} was not made: the container engine stopped; start it and run" in shown
    assert "Traceback" not in shown
    error = next(error for error in stack.fails("destroy").errors if "Engine" in error)
    assert error.startswith(f"EngineError: {NAME} cannot be removed while its container engine does not answer")
    assert "\n" not in error

    engines.ensure()
    assert stack.up().changes == {"same": 2, "create": 1}
    assert list(kubectl(stack).nodes()) == [f"{NAME}-control-plane"]
    stack.destroy()
