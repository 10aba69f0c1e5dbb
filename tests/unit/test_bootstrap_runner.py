"""The program that runs a machine's steps: what it says of them, and how it goes on after a fault or a power cut."""

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from components.bootstrap.cloud_init import FILES

PROGRAM = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import bootstrap
folder = Path(sys.argv[2])
sys.exit(0 if bootstrap.bootstrap(folder / "steps", folder / "status/status.json", folder / "logs") else 1)
"""


class Box:
    """A machine's folders."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "steps").mkdir()

    def step(self, name: str, script: str) -> None:
        (self.folder / "steps" / f"{name}.sh").write_text(f"cd {self.folder}\n{script}\n")

    def start(self) -> subprocess.Popen[bytes]:
        # A group of its own, as systemd kills all of a unit; and no site packages, as there are none on a machine.
        return subprocess.Popen(
            [sys.executable, "-I", "-S", "-B", "-c", PROGRAM, FILES, self.folder], start_new_session=True
        )

    def run(self) -> int:
        return self.start().wait()

    def status(self) -> dict[str, Any]:
        return json.loads((self.folder / "status/status.json").read_text())

    def steps(self) -> list[tuple[str, str, int]]:
        return [(step["name"], step["state"], step["attempts"]) for step in self.status()["steps"]]

    def lines(self, name: str) -> list[str]:
        return (self.folder / name).read_text().splitlines()


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


def test_steps_run_in_the_order_of_their_names_and_only_once(box):
    box.step("20-second", "echo second >>ran")
    box.step("10-first", "echo first >>ran")
    assert (box.run(), box.run()) == (0, 0)
    assert box.lines("ran") == ["first", "second"]
    assert box.status()["state"] == "done"
    assert box.steps() == [("first", "done", 1), ("second", "done", 1)]
    assert all(step["started"] <= step["ended"] for step in box.status()["steps"])


def test_a_step_that_fails_tells_the_end_of_its_log_and_stops_the_others(box):
    box.step("10-broken", "seq 100; echo why >&2; exit 3")
    box.step("20-next", "echo next >>ran")
    assert box.run() == 1
    assert box.status()["state"] == "failed"
    (step,) = box.status()["steps"]
    assert step["state"] == "failed"
    assert step["log_tail"].splitlines() == [*map(str, range(82, 101)), "why"]
    assert not (box.folder / "ran").exists()


def test_a_step_that_failed_is_tried_again_and_knows_how_often_it_was(box):
    box.step("10-once", "echo once >>ran")
    box.step("20-flaky", 'echo "$SLIPWAY_ATTEMPT" >>attempts; [ "$SLIPWAY_ATTEMPT" = 3 ]')
    assert [box.run() for _ in range(3)] == [1, 1, 0]
    assert box.lines("attempts") == ["1", "2", "3"]
    assert box.lines("ran") == ["once"]
    assert box.steps() == [("once", "done", 1), ("flaky", "done", 3)]


def test_a_machine_killed_in_a_step_goes_on_with_that_step(box):
    os.mkfifo(box.folder / "begun")
    box.step("10-first", "echo first >>ran")
    box.step("20-long", '[ "$SLIPWAY_ATTEMPT" = 1 ] || exit 0; echo >begun; exec tail -f /dev/null')
    running = box.start()
    (box.folder / "begun").read_text()  # waits until the step writes to it
    assert box.steps() == [("first", "done", 1), ("long", "running", 1)]
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()

    assert box.run() == 0
    assert box.lines("ran") == ["first"]
    assert box.steps() == [("first", "done", 1), ("long", "done", 2)]


def test_the_status_is_never_half_written(box, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(FILES)
    import bootstrap  # ty: ignore[import-not-found]

    status = bootstrap.Status(box.folder / "status.json")
    status.step("first")
    status.write("running")
    whole = (box.folder / "status.json").read_text()

    class PowerCut(Exception):
        pass

    def cut(descriptor: int) -> None:
        raise PowerCut

    monkeypatch.setattr(os, "fsync", cut)
    status.step("second")
    with pytest.raises(PowerCut):
        status.write("done")
    assert (box.folder / "status.json").read_text() == whole


def test_a_step_that_runs_tells_the_end_of_its_log_meanwhile(box, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(FILES)
    import bootstrap  # ty: ignore[import-not-found]

    monkeypatch.setattr(bootstrap, "SECONDS_BETWEEN_LOOKS", 0.01)
    told = box.folder / "status/status.json"
    # It ends once its own words stand in the status.
    box.step("10-slow", f"echo so far; until grep -q 'so far' {told}; do :; done")
    mask = os.umask(0)
    try:
        assert bootstrap.bootstrap(box.folder / "steps", told, box.folder / "logs")
    finally:
        os.umask(mask)
    assert box.steps() == [("slow", "done", 1)]


@pytest.mark.parametrize("path", ["status/status.json", "logs/quiet.log"])
def test_only_root_reads_status_and_logs(box, path):
    box.step("10-quiet", "true")
    box.run()
    assert stat.S_IMODE((box.folder / path).stat().st_mode) == 0o600


def test_a_log_of_no_known_encoding_is_told(box):
    box.step("10-odd", r"printf '\377\n'; exit 1")
    assert box.run() == 1
    assert box.status()["steps"][0]["log_tail"].splitlines()[-1] == "\N{REPLACEMENT CHARACTER}"
