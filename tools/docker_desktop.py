"""Docker Desktop, whose cluster a stack may use: started through its own command line, where it has one."""

import subprocess
from collections.abc import Mapping
from typing import Any

from components.local.existing_kubeconfig import DOCKER_DESKTOP
from tools.console import Problem, step
from tools.run import run

ANSWER_SECONDS = 30


def ensure(args: Mapping[str, Any]) -> None:
    """Start Docker Desktop if a stack's cluster is its own and it does not run.

    `docker desktop` starts it (https://docs.docker.com/reference/cli/docker/desktop/start/, since 4.37), and has no
    command that turns its Kubernetes on: where that is off, the preview says what to click.

    Raises:
        Problem: It does not start.
    """
    if args["context"] != DOCKER_DESKTOP or _runs() is not False:
        return
    with step("Starting Docker Desktop"):
        run(["docker", "desktop", "start"])


def _runs() -> bool | None:
    """Whether Docker Desktop runs; none where it has no command line to ask, or is not installed."""
    try:
        done = subprocess.run(
            ["docker", "desktop", "status"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=ANSWER_SECONDS,
        )
    except FileNotFoundError:
        return None
    except subprocess.TimeoutExpired:
        raise Problem(
            f"docker desktop status has not answered within {ANSWER_SECONDS} s; quit Docker Desktop, and try again"
        ) from None
    words = done.stdout.lower().split()
    if done.returncode == 0 and "running" in words:
        return True
    return False if "stopped" in words else None
