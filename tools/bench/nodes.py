"""What the program costs by the number of nodes: seconds of a processor and memory, for each resource that is added.

A cluster of a thousand nodes is previewed in two ways: one that is yet to be made, of which most is unknown, and one
that stands, of which all is known, is read from the state, and what machines would boot with is rendered again.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.struct_pb2 import Struct  # ty: ignore[missing-module-member]
from rich.table import Table

from tests.examples import kubeadm
from tools import paths
from tools.bench.monitor import Monitor, running
from tools.console import console, step

WORKERS = (250, 500, 1000)


@dataclass(frozen=True)
class Cost:
    """What one run of the program took."""

    resources: int
    seconds: float
    """Of a processor, for the program and for the kernel on its behalf."""

    megabytes: float
    """At most, at once."""


def run(rounds: int | None) -> None:
    """Preview clusters of more and more workers, three times each unless told otherwise; the cheapest run counts."""
    for title, outputs in (("is yet to be made", {}), ("stands", kubeadm.outputs())):
        with step(f"a cluster that {title}") as progress:
            costs = []
            for workers in WORKERS:
                progress.update(f"{workers} workers")
                costs.append(_cheapest(workers, outputs, rounds or 3))
        console.print(_table(f"the program's part of pulumi preview, of a cluster that {title}", costs))


def _table(title: str, costs: list[Cost]) -> Table:
    table = Table(title=title, title_justify="left")
    for column in ("workers", "resources", "processor", "memory", "each resource more"):
        table.add_column(column, justify="right")
    slopes = ["", *(_slope(costs[0], cost) for cost in costs[1:])]
    for workers, cost, slope in zip(WORKERS, costs, slopes, strict=True):
        table.add_row(str(workers), str(cost.resources), f"{cost.seconds:.2f} s", f"{cost.megabytes:.0f} MB", slope)
    return table


def _slope(less: Cost, more: Cost) -> str:
    count = more.resources - less.resources
    seconds, megabytes = (more.seconds - less.seconds) / count, (more.megabytes - less.megabytes) / count
    return f"{1000 * seconds:.1f} ms, {megabytes:.2f} MB"


def _cheapest(workers: int, outputs: Mapping[str, Any], rounds: int) -> Cost:
    state: dict[str, Struct] = {}
    if outputs:
        standing = Monitor(outputs)
        _preview(workers, standing)
        state = standing.registered
    costs = [_preview(workers, Monitor(outputs, state)) for _ in range(rounds)]
    return Cost(costs[0].resources, min(cost.seconds for cost in costs), min(cost.megabytes for cost in costs))


def _preview(workers: int, monitor: Monitor) -> Cost:
    cluster = {
        "version": "1.37",
        "machines": {"driver": "container", "cidr": "10.200.0.0/16"},
        "controlPlanes": 3,
        "workers": workers,
        "podCidr": "10.128.0.0/12",
    }
    config = {"slipway:target": "kubeadm", "slipway:cluster": cluster}
    with running(paths.PROJECT / "__main__.py", "bench", config, monitor) as program:
        _, status, usage = os.wait4(program.process.pid, 0)
        program.process.returncode = os.waitstatus_to_exitcode(status)
        if program.process.returncode:
            raise RuntimeError(f"the preview failed: {program.said()}")
    return Cost(len(monitor.registered), usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
