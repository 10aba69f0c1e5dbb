"""A cluster of three control planes and two workers, on containers: what the measures of own machines are taken on."""

import json
import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from components.bootstrap.kubectl import Kubectl, KubectlError, is_ready
from components.bootstrap.plan import Machine, Role
from tests.engine.slipway import Run, Stack, environment
from tools import engine, node_image, toolchain

NAME = "slipway-bench"
CIDR = "10.86.0.0/24"

MACHINES = [
    Machine(f"{NAME}-control-plane-1", "10.86.0.11", Role.FIRST),
    Machine(f"{NAME}-control-plane-2", "10.86.0.12", Role.CONTROL_PLANE),
    Machine(f"{NAME}-control-plane-3", "10.86.0.13", Role.CONTROL_PLANE),
    Machine(f"{NAME}-worker-1", "10.86.0.32", Role.WORKER),
    Machine(f"{NAME}-worker-2", "10.86.0.33", Role.WORKER),
]
"""As the stack has them."""

SECONDS_BETWEEN_LOOKS = 0.5
SECONDS_TO_READY = 900


def prepare(version: str) -> None:
    """Have everything that is not measured: programs, an engine, and the image of the machines."""
    toolchain.ensure(("pulumi", "kubectl"))
    os.environ.update(engine.ensure().environment)
    node_image.ensure_machine({"version": version})


@contextmanager
def stack(folder: Path, version: str) -> Generator[Stack]:
    """A stack of such a cluster, with a state of its own; nothing is left of it in the end."""
    folder.mkdir()
    made = Stack.made(folder, "dev-kubeadm", environment(folder / "pulumi"))
    machines = {"driver": "container", "cidr": CIDR}
    made.set(name=NAME, version=version, controlPlanes=3, workers=2, machines=machines)
    try:
        yield made
    finally:
        made.destroy()


def up(stack: Stack) -> Run:
    """`pulumi up` as a user runs it, with its preview.

    Raises:
        RuntimeError: It failed.
    """
    run = stack.run("up", "--yes")
    if run.code:
        raise RuntimeError(run.output)
    return run


def await_ready(kubectl: Kubectl, version: str) -> None:
    """Wait until all nodes are Ready, of a version.

    Raises:
        TimeoutError: They are not.
    """
    deadline = time.monotonic() + SECONDS_TO_READY
    while time.monotonic() < deadline:
        try:
            nodes = json.loads(kubectl.run("get", "nodes", "--output=json"))["items"]
        except KubectlError:
            nodes = []  # nobody answers yet, or he who asks has no rights yet
        told = [node for node in nodes if node["status"]["nodeInfo"]["kubeletVersion"] == version]
        if sum(map(is_ready, told)) == len(MACHINES):
            return
        time.sleep(SECONDS_BETWEEN_LOOKS)
    raise TimeoutError(f"not all nodes are Ready with {version} after {SECONDS_TO_READY} s")
