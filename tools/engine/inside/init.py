"""The private engine's first process: makes the namespaces, then keeps dockerd until it ends.

Started as `python -I -S init.py SETTINGS.json` (see `private.py`, which writes the settings); prints the id of the
process that stays, and returns. That one is process 1 of a pid namespace: when it or dockerd ends, however that
happens, the kernel ends every container with it, and the network namespace and all mounts are gone too.
"""

import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWPID, CLONE_NEWNET = 0x20000, 0x2000000, 0x20000000, 0x40000000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000

libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    """Leave a child behind, in cgroups and namespaces of its own."""
    settings = json.loads(Path(sys.argv[1]).read_text())
    call("unshare", CLONE_NEWPID)
    if child := os.fork():
        print(child)
        return
    os.setsid()
    os.dup2(2, 1)  # whoever reads the id must not wait for this one's end
    for cgroup in settings["cgroups"]:
        Path(cgroup["folder"], "cgroup.procs").write_text("0")
    host_network = os.open("/proc/self/ns/net", os.O_RDONLY)
    # Only now: the cgroups just entered become the top ones of what the engine sees.
    call("unshare", CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWNET)
    mount_all(settings, host_network)
    connect(settings, host_network)
    sys.exit(keep(settings))


def call(name: str, *args: object) -> None:
    """Call a function of libc that returns a negative number for an error."""
    if getattr(libc, name)(*args) < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}{args}: {os.strerror(number)}")


def mount(source: str, target: str | Path, kind: str = "", flags: int = 0, options: str = "") -> None:
    """Mount something; empty text stands for nothing."""
    words = [word.encode() or None for word in (source, str(target), kind)]
    call("mount", *words, ctypes.c_ulong(flags), options.encode() or None)


def mount_all(settings: dict, host_network: int) -> None:
    """Make the engine's own view of the machine's files; the host sees none of these mounts."""
    mount("none", "/", flags=MS_REC | MS_PRIVATE)
    mount(f"/proc/self/fd/{host_network}", settings["host_network"], flags=MS_BIND)
    mount("proc", "/proc", "proc")
    # The names of shims' sockets are fixed in containerd; a crash would leave them to the host.
    resolver = Path("/etc/resolv.conf").resolve()
    mount("tmpfs", "/run", "tmpfs", options="mode=755")
    if resolver.is_relative_to("/run"):
        resolver.parent.mkdir(parents=True)
        resolver.touch()
    if resolver.exists():
        mount(settings["resolver"], resolver, flags=MS_BIND)
    # AppArmor's profiles are one set for the whole machine: none is loaded when it looks switched off.
    if Path("/sys/kernel/security").is_dir():
        mount("tmpfs", "/sys/kernel/security", "tmpfs", options="mode=755")
    mount_cgroups(settings["cgroups"])


def mount_cgroups(cgroups: list[dict[str, str]]) -> None:
    """Show the engine its own cgroups as the top ones."""
    top = Path("/sys/fs/cgroup")
    if not cgroups[0]["mount"]:
        # A cgroup of version 2 that hands on controllers may hold no process itself.
        leaf = Path(cgroups[0]["folder"], "engine")
        leaf.mkdir(exist_ok=True)
        (leaf / "cgroup.procs").write_text("0")
        controllers = Path(cgroups[0]["folder"], "cgroup.controllers").read_text().split()
        Path(cgroups[0]["folder"], "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in controllers))
        mount("cgroup2", top, "cgroup2")
        return
    mount("tmpfs", top, "tmpfs", options="mode=755")
    for cgroup in cgroups:
        if not cgroup["options"]:
            continue  # version 2 beside version 1: a systemd that wants it mounts it by itself
        (top / cgroup["mount"]).mkdir()
        mount("cgroup", top / cgroup["mount"], "cgroup", options=cgroup["options"])


def connect(settings: dict, host_network: int) -> None:
    """Bring up loopback, and a way out: a process in the host's network that relays as any program would."""
    subprocess.run([settings["ip"], "link", "set", "lo", "up"], check=True, env=settings["environment"])
    ready, tell = os.pipe()
    subprocess.Popen(
        [*settings["gateway"], f"--ready-fd={tell}", "--netns-type=path", "/proc/1/ns/net", "tap0"],
        env=settings["environment"],
        pass_fds=[tell],
        preexec_fn=lambda: call("setns", host_network, CLONE_NEWNET),
    )
    os.close(tell)
    if not os.read(ready, 1):
        raise OSError("slirp4netns did not start")
    os.close(ready)
    os.close(host_network)


def keep(settings: dict) -> int:
    """Run dockerd, collect every process that ends in here, and return dockerd's exit code."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    engine = subprocess.Popen(settings["command"], env=settings["environment"])
    signal.signal(signal.SIGTERM, lambda *_: os.kill(engine.pid, signal.SIGTERM))
    while True:
        ended, status = os.wait()
        if ended == engine.pid:
            return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    main()
