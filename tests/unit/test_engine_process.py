"""Processes that are remembered, and settings of the machine that are put back."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tools.engine.host import HostSettings, file_system
from tools.engine.process import Process

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]


@pytest.fixture
def sleeper():
    with subprocess.Popen(SLEEPER) as process:
        yield process
        process.kill()


@pytest.fixture
def host(tmp_path) -> HostSettings:
    """A machine with two of the settings that containers change."""
    for name, value in (("fs/inotify/max_user_instances", "128\n"), ("kernel/panic", "0\n")):
        file = tmp_path / "sys" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(value)
    return HostSettings(record=tmp_path / "slipway/host-settings.json", sys=tmp_path / "sys")


def setting(host: HostSettings, name: str) -> Path:
    return host.sys / name


def test_a_process_is_known_by_its_moment_and_not_by_its_id_alone(sleeper):
    process = Process.of(sleeper.pid)

    assert process.alive()
    assert not replace(process, started="another-boot 1").alive()


def test_a_signal_meets_nobody_who_only_has_the_same_id(sleeper):
    replace(Process.of(sleeper.pid), started="another-boot 1").signal(signal.SIGKILL)
    assert sleeper.poll() is None

    process = Process.of(sleeper.pid)
    process.signal(signal.SIGKILL)
    assert process.wait(10)


def test_a_process_that_ended_and_was_not_collected_counts_as_ended(sleeper):
    process = Process.of(sleeper.pid)
    os.kill(sleeper.pid, signal.SIGKILL)

    assert process.wait(10)
    process.signal(signal.SIGTERM)


def test_nobody_has_the_id_of_no_process():
    with pytest.raises(ProcessLookupError):
        Process.of(2**22 + 1)


def test_settings_are_put_back_when_the_engine_ends(host):
    host.hold("one", Process.of(os.getpid()))
    assert setting(host, "fs/inotify/max_user_instances").read_text() == "1024\n"
    setting(host, "kernel/panic").write_text("10\n")  # as a kubelet does

    host.release("one")

    assert setting(host, "kernel/panic").read_text() == "0\n"
    assert setting(host, "fs/inotify/max_user_instances").read_text() == "128\n"
    assert not host.record.parent.exists()


def test_settings_stay_while_another_engine_runs(host):
    host.hold("one", Process.of(os.getpid()))
    setting(host, "kernel/panic").write_text("10\n")
    host.hold("two", Process.of(os.getpid()))

    host.release("one")
    assert setting(host, "kernel/panic").read_text() == "10\n"
    host.release("two")
    assert setting(host, "kernel/panic").read_text() == "0\n"


def test_what_an_engine_that_crashed_left_is_put_back_by_the_next(host, sleeper):
    host.hold("one", Process.of(sleeper.pid))
    setting(host, "kernel/panic").write_text("10\n")
    sleeper.kill()
    sleeper.wait()

    host.hold("two", Process.of(os.getpid()))
    assert setting(host, "kernel/panic").read_text() == "0\n"
    host.release("two")
    assert setting(host, "kernel/panic").read_text() == "0\n"


def test_a_machine_that_allows_more_already_is_left_at_that(host):
    setting(host, "fs/inotify/max_user_instances").write_text("8192\n")

    host.hold("one", Process.of(os.getpid()))

    assert setting(host, "fs/inotify/max_user_instances").read_text() == "8192\n"


def test_releasing_what_was_never_held_changes_nothing(host):
    host.release("one")

    assert setting(host, "kernel/panic").read_text() == "0\n"


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/home/ada/x", "ext4"), ("/var/lib/docker", "overlay"), ("/a b/c", "xfs"), ("/variable", "ext4")],
)
def test_the_innermost_mount_tells_the_file_system(path, kind):
    mounts = """\
20 1 254:0 / / rw - ext4 /dev/vda rw
21 20 0:30 / /var rw - overlay overlay rw
22 20 0:31 / /a\\040b rw - xfs /dev/vdb rw
"""
    assert file_system(Path(path), mounts) == kind
