"""Slipway against the bare programs: each measure runs both sides in turn, in one run, and prints their ratio.

A figure of one machine on one day says little; a ratio of two medians that shared the machine says more. Nothing here
is asserted: a busy machine must not fail anybody's build.
"""

import importlib
import statistics
import time
from collections.abc import Callable, Mapping, Sequence

from rich.table import Table

from tools.console import console, step

MEASURES = ("start", "preview", "kubeconfig", "nodes", "create", "machines", "upgrade")
"""The modules of this package that measure something, each by its `run`."""

Measure = Callable[[], float]
"""Runs one side once and returns how many seconds it took."""


def compare(title: str, rounds: int, sides: Mapping[str, Measure], most: float | None = None) -> dict[str, float]:
    """Run all sides in turn, `rounds` times, and print each one's median, spread and ratio to the first.

    Args:
        title: What is compared.
        rounds: How often.
        sides: Name → what runs it once.
        most: The ratio that the last one is to keep.

    Returns:
        The medians, in seconds.
    """
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    with step(title) as progress:
        for turn in range(rounds):
            for name, measure in sides.items():
                progress.update(f"{name}, {turn + 1} of {rounds}")
                seconds[name].append(measure())
    table = Table(title=title, title_justify="left")
    for column in ("", "median", "least to most", "ratio", "more by"):
        table.add_column(column, justify="left" if not column else "right")
    medians = {name: statistics.median(taken) for name, taken in seconds.items()}
    first = next(iter(medians.values()))
    for name, taken in seconds.items():
        median = medians[name]
        spread = f"{min(taken):.2f} to {max(taken):.2f} s"
        table.add_row(name, f"{median:.2f} s", spread, f"{median / first:.2f}", f"{median - first:+.2f} s")
    console.print(table)
    if most is not None:
        ratio = list(medians.values())[-1] / first
        console.print(f"the limit, {most:.2f} of the first, is {kept(ratio <= most)}")
    return medians


def kept(is_kept: bool) -> str:
    """What is said of a limit."""
    return "kept" if is_kept else "NOT kept"


def timed(action: Callable[[], object]) -> float:
    """How many seconds an action takes."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def run_all(names: Sequence[str], rounds: int | None) -> None:
    """Run the measures of these names, or all of them."""
    for name in names or MEASURES:
        importlib.import_module(f"tools.bench.{name}").run(rounds)
