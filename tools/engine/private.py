"""The private container engine: a dockerd of Slipway's own, for a machine where none answers.

It runs the distribution's own packages (see `packages.py`) in cgroups and namespaces of its own, so that the host's
network, firewall rules, mounts and services stay as they were. Its programs start from `inside/`: `init.py` makes the
namespaces and keeps dockerd; `publish.py` makes published ports appear on the host's loopback; `runtime.py` asks for no
more than the machine can give. Containers reach other networks through slirp4netns, a process that relays as any
program would; nothing reaches them but through a published port.

Two engines with different caches live side by side. Tried on Debian 12 with cgroup version 1; version 2 was not.
"""

import contextlib
import hashlib
import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from signal import SIGKILL, SIGTERM

from tools.console import Problem, step
from tools.engine import cgroups, packages
from tools.engine.host import HostSettings, file_system, lacks_capability, locked
from tools.engine.process import Process

FILE_SYSTEMS = frozenset({"btrfs", "ext4", "xfs"})
"""Those that overlays can lie on, and again the overlays of a node's own containers."""

FREE_BYTES = 2 * 2**30
SOCKET_PATH_BYTES = 107
START_SECONDS = 60
STOP_SECONDS = 30
CAP_SYS_RESOURCE = 24
RESOLVER = "10.0.2.3"
"""Where slirp4netns answers name look-ups, by asking whom the host asks."""

TUN = Path("/dev/net/tun")
OPT = Path("/opt/containerd")
"""What the distribution's containerd makes for plug-ins, empty and wherever it runs."""

INSIDE = Path(__file__).parent / "inside"


@dataclass(frozen=True)
class PrivateEngine:
    """The engine whose files lie in one folder."""

    folder: Path

    host: HostSettings = field(default_factory=HostSettings)
    """What is put back when it ends."""

    @property
    def name(self) -> str:
        """What its cgroups are called."""
        return f"slipway-{hashlib.sha256(str(self.folder).encode()).hexdigest()[:8]}"

    @property
    def socket(self) -> Path:
        """Where it listens; only its owner may open it."""
        return self._run / "docker.sock"

    @property
    def log(self) -> Path:
        """What dockerd and its helpers print."""
        return self.folder / "engine.log"

    @property
    def environment(self) -> Mapping[str, str]:
        """What a program needs to use it: the address, and a client that speaks the engine's version.

        minikube asks containers by their own addresses unless it takes this machine for one like WSL. Here they have a
        network that only published ports lead into (`NeedsPortForward` in its pkg/minikube/driver/driver.go).
        """
        client = str(self.folder / "bin")
        path = os.environ.get("PATH", os.defpath)
        known = client in path.split(os.pathsep)
        path = path if known else f"{client}{os.pathsep}{path}"
        return {"DOCKER_HOST": f"unix://{self.socket}", "PATH": path, "WSLPATH": "published-ports-alone"}

    @property
    def process(self) -> Process | None:
        """Its first process, while it runs."""
        state = self._state()
        process = Process(**state["process"]) if state and state["process"] else None
        return process if process and process.alive() else None

    def answers(self) -> bool:
        """Whether it runs and is ready."""
        if self.process is None:
            return False
        with socket.socket(socket.AF_UNIX) as connection, contextlib.suppress(OSError):
            connection.settimeout(5)
            connection.connect(str(self.socket))
            connection.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            return b" 200 " in connection.recv(64)
        return False

    def containers(self) -> int:
        """How many containers it holds, running or not."""
        return len(self._docker("ps", "--all", "--quiet").split())

    def start(self) -> None:
        """Start it unless it runs; clean up first after one that crashed. Images and containers are kept.

        Raises:
            Problem: It cannot run here, or did not come up.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with locked(self.folder):
            if self.process is None:
                self._refuse_what_cannot_work()
                programs = packages.ensure(self.folder)
                self._clean()
                with step("Starting the private container engine"):
                    try:
                        self._launch(programs)
                        self._await_ready()
                    except BaseException:
                        self._end()
                        raise
            elif not self.answers():
                with step("Waiting for the private container engine"):
                    self._await_ready()

    def stop(self) -> None:
        """End it with all its containers; images and stopped containers are kept. Fine when it does not run."""
        with self._held():
            self._stop()

    def stop_if_idle(self) -> bool:
        """End it when it holds no container; whether it did."""
        with self._held():
            if self.process is None or self.containers():
                return False
            self._stop()
            return True

    @contextlib.contextmanager
    def _held(self) -> Generator[None]:
        with locked(self.folder) if self.folder.is_dir() else contextlib.nullcontext():
            yield

    @property
    def _run(self) -> Path:
        return self.folder / "run"

    def _state(self) -> dict | None:
        try:
            return json.loads((self._run / "state.json").read_text())
        except FileNotFoundError:
            return None

    def _remember(self, **state: object) -> None:
        fresh = self._run / "state.new"
        fresh.write_text(json.dumps(state))
        fresh.replace(self._run / "state.json")

    def _refuse_what_cannot_work(self) -> None:
        if len(os.fsencode(self.socket)) > SOCKET_PATH_BYTES:
            raise Problem(
                f"{self.socket} is too long for a socket ({SOCKET_PATH_BYTES} bytes); "
                "set SLIPWAY_CACHE to a shorter path"
            )
        kind = file_system(self.folder.resolve())
        if kind not in FILE_SYSTEMS:
            raise Problem(
                f"{self.folder} lies on {kind}, which containers cannot be stacked on; "
                f"set SLIPWAY_CACHE to a folder on {', '.join(sorted(FILE_SYSTEMS))}"
            )
        free = shutil.disk_usage(self.folder).free
        if free < FREE_BYTES:
            raise Problem(
                f"{self.folder} has {free / 2**30:.1f} GiB free, and the container engine needs "
                f"{FREE_BYTES / 2**30:.0f}; make room, or set SLIPWAY_CACHE to a larger disk"
            )
        if not TUN.exists():
            raise Problem(f"{TUN} is missing, which the private engine's network needs; run `modprobe tun`")

    def _launch(self, programs: packages.Programs) -> None:
        run = self._run
        run.mkdir(mode=0o700)
        groups = cgroups.plan(self.name)
        state = {"cgroups": [asdict(group) for group in groups], "adds_opt": not OPT.exists()}
        self._remember(**state, process=None, switched_on=[])
        switched_on = cgroups.make(groups)
        settings = self._write_settings(programs, groups)
        with self.log.open("ab") as log:
            started = subprocess.run(
                [_python(), "-I", "-S", run / "init.py", settings],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, cwd="/",
            )  # fmt: skip
        if started.returncode:
            raise Problem(self._failure())
        process = Process.of(int(started.stdout))
        self.host.hold(self.name, process)
        self._remember(**state, process=asdict(process), switched_on=switched_on)
        (self.folder / "bin").mkdir(exist_ok=True)
        client = self.folder / "bin/docker"
        client.unlink(missing_ok=True)
        client.symlink_to(programs.find("docker"))

    def _write_settings(self, programs: packages.Programs, groups: list[cgroups.Cgroup]) -> Path:
        """Write all that the engine reads into its own folder, so that it outlives the clone that started it."""
        run = self._run
        for script in ("init.py", "publish.py", "runtime.py"):
            shutil.copyfile(INSIDE / script, run / script)
        _write_program(run / "docker-proxy", [_python(), "-I", "-S", run / "publish.py", run / "host-network"])
        (run / "host-network").touch()
        (run / "resolv.conf").write_text(f"nameserver {RESOLVER}\n")
        daemon: dict[str, object] = {
            "hosts": [f"unix://{self.socket}"],
            "data-root": str(self.folder / "data"),
            "exec-root": "/run/docker",
            "pidfile": "/run/docker.pid",
            "storage-driver": "overlay2",
            "exec-opts": ["native.cgroupdriver=cgroupfs"],
            "default-cgroupns-mode": "private",
            "userland-proxy-path": str(run / "docker-proxy"),
            "log-opts": {"max-size": "10m", "max-file": "2"},
            "dns": [RESOLVER],
            "shutdown-timeout": 10,
        }
        if lacks_capability(CAP_SYS_RESOURCE):
            _write_program(run / "runtime", [_python(), "-I", "-S", run / "runtime.py", programs.find("runc")])
            daemon |= {
                "runtimes": {"fitted": {"path": str(run / "runtime")}},
                "default-runtime": "fitted",
                "oom-score-adjust": 0,
            }
        (run / "daemon.json").write_text(json.dumps(daemon, indent=2))
        proxies = {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
        settings = {
            "cgroups": [asdict(group) for group in groups],
            "host_network": str(run / "host-network"),
            "resolver": str(run / "resolv.conf"),
            "ip": programs.find("ip"),
            "gateway": [programs.find("slirp4netns"), "--configure", "--mtu=65520", "--disable-host-loopback"],
            "command": [programs.find("dockerd"), "--config-file", str(run / "daemon.json")],
            "environment": {**proxies, **programs.environment},
        }
        path = run / "init.json"
        path.write_text(json.dumps(settings, indent=2))
        return path

    def _await_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            if self.process is None:
                raise Problem(self._failure())
            if time.monotonic() > deadline:
                raise Problem(f"the private container engine has not answered for {START_SECONDS} s; see {self.log}")
            time.sleep(0.05)

    def _failure(self) -> str:
        last = (self.log.read_text(errors="replace").strip().splitlines() or ["it printed nothing"])[-1]
        return f"the private container engine did not start: {last} (all of it: {self.log})"

    def _stop(self) -> None:
        if self.process:
            with step("Stopping the private container engine"):
                self._end()
        else:
            self._clean()

    def _end(self) -> None:
        if process := self.process:
            process.signal(SIGTERM)
            if not process.wait(STOP_SECONDS):
                process.signal(SIGKILL)
                process.wait(STOP_SECONDS)
        self._clean()

    def _clean(self) -> None:
        """Remove what an engine that has ended leaves: cgroups, settings, empty folders and the folder of its run."""
        state = self._state()
        if state:
            cgroups.remove([cgroups.Cgroup(**group) for group in state["cgroups"]], state["switched_on"])
            self.host.release(self.name)
            if state.get("adds_opt"):
                for folder in (OPT / "bin", OPT / "lib", OPT):
                    with contextlib.suppress(OSError):
                        folder.rmdir()
        shutil.rmtree(self._run, ignore_errors=True)

    def _docker(self, *words: str) -> str:
        done = subprocess.run(
            [self.folder / "bin/docker", *words],
            env={**os.environ, **self.environment}, capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            raise Problem(f"the private container engine refused `docker {words[0]}`: {done.stderr.strip()}")
        return done.stdout


def _python() -> str:
    """The interpreter itself: a virtual environment around it may be removed while the engine runs."""
    return os.path.realpath(sys.executable)


def _write_program(path: Path, command: list[str | Path]) -> None:
    path.write_text(f'#!/bin/sh\nexec {shlex.join(map(str, command))} "$@"\n')
    path.chmod(0o700)
