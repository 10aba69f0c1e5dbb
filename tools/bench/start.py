"""From process start to the first resource registered: the program against a bare Pulumi program.

Both run as Pulumi's language host runs them, against an engine of a few lines that notes when the first resource after
the stack itself arrives.
"""

import tempfile
import time
from functools import partial
from pathlib import Path

import yaml

from tools import paths
from tools.bench import compare
from tools.bench.monitor import Monitor, running

BARE = """
import pulumi
{imports}
pulumi.ComponentResource("bench:index:Component", "first")
"""

SDKS = {
    "dev-kind": "",
    "prod-gke": "from pulumi_gcp import container, projects, serviceaccount\n"
    "container.Cluster, projects.IAMMember, serviceaccount.Account",
}
"""Stack: what a bare program for the same cloud would import; such an SDK's module is loaded at its first use."""


def run(rounds: int | None) -> None:
    """Compare each stack with a bare program, ten times unless told otherwise."""
    for stack, imports in SDKS.items():
        with tempfile.TemporaryDirectory() as folder:
            bare = Path(folder, "__main__.py")
            bare.write_text(BARE.format(imports=imports))
            compare(
                f"process start to first resource, {stack}",
                rounds or 10,
                {
                    "a bare program": partial(_first_resource, bare, stack),
                    "Slipway": partial(_first_resource, paths.PROJECT / "__main__.py", stack),
                },
            )


def _first_resource(program: Path, stack: str) -> float:
    monitor = Monitor()
    config = yaml.safe_load((paths.PROJECT / f"stacks/Pulumi.{stack}.yaml").read_text())["config"]
    started = time.perf_counter()
    with running(program, stack, config, monitor) as run:
        while not monitor.first.wait(0.05):
            if run.process.poll() is not None and not monitor.first.is_set():
                raise RuntimeError(f"{program} registered no resource: {run.said()}")
    return monitor.moment - started
