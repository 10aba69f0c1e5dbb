"""The private container engine, for real: what it gives, what it survives, and that the machine stays as it was."""

import io
import os
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import threading
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.clusters import machine
from tools import paths
from tools.engine import packages
from tools.engine.host import HostSettings
from tools.engine.private import PrivateEngine
from tools.engine.process import Process

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="a private engine needs root on Linux"),
    pytest.mark.skipif(not Path("/usr/bin/apt-get").exists(), reason="its programs come from Debian's packages"),
    pytest.mark.timeout(180),
]

IMAGE = "slipway.local/host-programs"
SERVER = "import http.server as h; h.test(h.SimpleHTTPRequestHandler, port=80)"


@pytest.fixture(scope="module")
def programs() -> packages.Programs:
    folder = paths.CACHE / "engine"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return packages.ensure(folder)


@pytest.fixture
def engine(tmp_path: Path, programs: packages.Programs) -> Iterator[PrivateEngine]:
    """A private engine of its own, not yet started; the machine must be the same before and after."""
    # Beside the real one: a machine's /tmp may be a tmpfs, which containers cannot be stacked on.
    folder = Path(tempfile.mkdtemp(prefix="e", dir=paths.CACHE))
    (folder / "root").symlink_to(programs.root)
    # A record of its own, since another private engine may be running.
    engine = PrivateEngine(folder, HostSettings(record=tmp_path / "host/settings.json"))
    before = machine.look(engine, programs)
    yield engine
    engine.stop()
    assert machine.look(engine, programs) == before
    assert machine.processes_of(folder) == []
    shutil.rmtree(folder)


@pytest.fixture
def docker(engine: PrivateEngine) -> Callable[..., str]:
    """Run the client of the engine and return what it printed."""

    def run(*words: str, stdin: bytes = b"") -> str:
        done = subprocess.run(
            ["docker", *words], env={**os.environ, **engine.environment}, input=stdin, capture_output=True
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode().strip()

    return run


@pytest.fixture
def python(docker: Callable[..., str]) -> Callable[..., str]:
    """Run this machine's Python in a container, which needs no image from anywhere: `python(options, program)`."""
    mounts = [f"--volume={folder}:{folder}:ro" for folder in ("/usr", sys.base_prefix)]

    def run(*options: str, program: str) -> str:
        if not docker("image", "ls", "--quiet", IMAGE):
            docker("import", "-", IMAGE, stdin=_links())
        return docker(
            "run", "--stop-timeout=1", *options, *mounts, IMAGE, os.path.realpath(sys.executable), "-c", program
        )

    return run


def _links() -> bytes:
    """An image of nothing but the links that merge a root's folders into /usr."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name in ("bin", "lib", "lib64"):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, f"usr/{name}"
            tar.addfile(link)
    return stream.getvalue()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def _fetch(port: int) -> int:
    """The status that a web server on loopback answers with."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
        return answer.status


def test_a_container_runs_and_its_port_answers_on_loopback_only(engine, docker, python, programs):
    engine.start()
    port = _free_port()
    python("--detach", "--name=web", f"--publish={port}:80", program=SERVER)
    _await(lambda: docker("exec", "web", "/bin/sh", "-c", "cat < /proc/net/tcp").count(":0050") or None)

    assert _fetch(port) == 200
    listing = [programs.find("ss"), "--listening", "--tcp", "--numeric", "--no-header", f"sport = {port}"]
    listening = subprocess.run(listing, env=programs.environment, capture_output=True, text=True, check=True).stdout
    assert {line.split()[3] for line in listening.splitlines()} == {f"127.0.0.1:{port}", f"[::1]:{port}"}
    assert engine.containers() == 1


def test_a_port_that_is_taken_is_refused_with_its_number(engine, docker, python):
    engine.start()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(AssertionError, match=rf"{port}: bind: address already in use"):
            python("--detach", f"--publish=127.0.0.1:{port}:80", program=SERVER)


def test_a_privileged_container_cannot_change_the_machine_for_good(engine, python):
    engine.start()
    python("--rm", "--privileged", program="open('/proc/sys/kernel/panic', 'w').write('77')")

    assert Path("/proc/sys/kernel/panic").read_text() == "77\n"
    # The fixture finds the old value once the engine has stopped.


def test_containers_end_with_an_engine_that_is_killed_and_are_kept_for_the_next_one(engine, docker, python):
    engine.start()
    python("--detach", "--name=web", program=SERVER)
    first = engine.process
    assert first
    first.signal(signal.SIGKILL)
    assert first.wait(10)
    assert not engine.answers()

    engine.start()

    assert docker("ps", "--all", "--format", "{{.Names}} {{.State}}") == "web exited"
    docker("start", "web")
    assert docker("ps", "--format", "{{.Names}}") == "web"


@pytest.mark.parametrize("moment", ["cgroups.make", "HostSettings.hold", "PrivateEngine._await_ready"])
def test_a_start_that_is_killed_half_way_is_picked_up_by_the_next_one(engine, docker, moment):
    program = f"""
import os, signal
from pathlib import Path
from tools.engine import cgroups
from tools.engine.host import HostSettings
from tools.engine.host import HostSettings
from tools.engine.private import PrivateEngine

def killed(*_):
    os.kill(os.getpid(), signal.SIGKILL)

{moment} = killed
PrivateEngine(Path({str(engine.folder)!r}), HostSettings(Path({str(engine.host.record)!r}))).start()
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=paths.PROJECT, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()

    engine.start()

    assert docker("info", "--format", "{{.ServerVersion}}")


def test_what_an_engine_left_before_a_reboot_is_no_hindrance(engine, docker):
    engine.start()
    engine.stop()
    run = engine.folder / "run"
    run.mkdir()
    own = Process.of(os.getpid())
    state = f'{{"process": {{"pid": {own.pid}, "started": "another-boot 1"}}, "cgroups": [], "switched_on": []}}'
    (run / "state.json").write_text(state)
    (run / "docker.sock").touch()

    assert not engine.answers()
    engine.start()

    assert docker("info", "--format", "{{.ServerVersion}}")


def test_two_starts_at_once_make_one_engine(engine, docker):
    starts = [threading.Thread(target=engine.start) for _ in range(2)]
    for start in starts:
        start.start()
    for start in starts:
        start.join()

    assert engine.answers()
    assert len([words for words in machine.processes_of(engine.folder) if "dockerd" in words]) == 1


def test_an_idle_engine_ends_and_one_with_a_container_stays(engine, docker, python):
    assert not engine.stop_if_idle()
    engine.start()
    python("--name=done", program="")

    assert not engine.stop_if_idle()
    docker("rm", "done")
    assert engine.stop_if_idle()
    assert engine.process is None


def _await(condition: Callable[[], object]) -> None:
    done = threading.Event()
    while not condition():
        done.wait(0.1)
