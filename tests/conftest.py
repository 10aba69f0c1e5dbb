"""What holds for all rungs: their order, and what runs in one process."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from xdist import is_xdist_worker

from tests.examples import EXAMPLES
from tests.examples.hypervisors import HYPERVISORS

RUNGS = ("unit", "engine", "clusters")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have the fast tests run first, and one process run what shares something that is dear to make.

    That is a cloud's SDK in the unit tests, a stack that is up in those on the engine, and clusters: of them a machine
    stands one at a time. What a driver makes is alike. The pair of machines, which stays until the end, comes last.
    """
    on_the_pair = {item.path for item in items if "pair" in getattr(item, "fixturenames", ())}
    items.sort(key=lambda item: (RUNGS.index(_rung(item)), item.path in on_the_pair))
    for item in items:
        if (rung := _rung(item)) == "clusters":
            item.add_marker(pytest.mark.xdist_group(rung))
        elif targets := [one for one in (*EXAMPLES, *HYPERVISORS) if re.search(rf"[_\[-]{one}[_\].-]", item.nodeid)]:
            item.add_marker(pytest.mark.xdist_group(f"{rung}-{targets[0]}"))
        elif rung == "engine":
            item.add_marker(pytest.mark.xdist_group(f"{rung}-{item.path.stem}"))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Run nothing where xdist has lost the groups, which it keeps as ends of names: clusters would run side by side."""
    if is_xdist_worker(session) and session.config.getvalue("loadgroup"):
        grouped = [item.nodeid for item in session.items if item.get_closest_marker("xdist_group")]
        if any("@" not in name for name in grouped):
            raise pytest.UsageError("this pytest-xdist keeps no groups with this pytest; take those of uv.lock")


@pytest.fixture
def tell(record_property) -> Callable[[str], None]:
    """Tell a figure at the end of the run: tests run in processes of their own, whose output nobody sees."""
    return lambda figure: record_property("figure", figure)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests told."""
    for report in (one for reports in terminalreporter.stats.values() for one in reports):
        for name, figure in getattr(report, "user_properties", ()):
            if name == "figure" and report.when == "call":
                terminalreporter.write_line(figure)


def _rung(item: pytest.Item) -> str:
    return item.path.relative_to(Path(__file__).parent).parts[0]
