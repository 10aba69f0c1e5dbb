"""What a dynamic provider shows, and that it does not outlive its engine."""

import socket
import subprocess
import sys

import psutil

from components import progress

PROVIDER = """
import subprocess, sys, threading
from components import progress
child = subprocess.Popen(["sleep", "60"])
progress.adopt(child.pid)
progress.leave_with_the_engine()
print(child.pid, flush=True)
threading.Event().wait()
"""


def test_a_step_that_lasts_is_shown_once(monkeypatch):
    shown = []
    monkeypatch.setattr(progress, "_log", lambda message, **_: shown.append(message))
    for message in ("Preparing nodes", "Preparing nodes", "Joining worker nodes", "Preparing nodes"):
        progress.status(message)

    assert shown == ["Preparing nodes", "Joining worker nodes", "Preparing nodes"]


def test_outside_of_an_engine_nothing_is_shown_and_nothing_fails(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["pytest", "tests"])

    progress.inform("nobody reads this")
    progress.leave_with_the_engine()


def test_a_provider_ends_with_its_engine_and_takes_what_it_runs_along():
    engine = socket.create_server(("127.0.0.1", 0))
    address = f"127.0.0.1:{engine.getsockname()[1]}"
    with subprocess.Popen([sys.executable, "-c", PROVIDER, address], stdout=subprocess.PIPE, text=True) as provider:
        assert provider.stdout
        child = psutil.Process(int(provider.stdout.readline()))
        assert provider.poll() is None

        engine.close()

        assert provider.wait(30) == 1
    assert psutil.wait_procs([child], timeout=30)[1] == []
