"""A containerd root with images already unpacked, so that a node starts with all of them."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from tools.console import Problem
from tools.run import run

START_SECONDS = 30

_CONFIG = """version = 3
root = '{root}'
state = '{state}'
disabled_plugins = [
  'io.containerd.grpc.v1.cri', 'io.containerd.cri.v1.images', 'io.containerd.cri.v1.runtime',
  'io.containerd.nri.v1.nri', 'io.containerd.internal.v1.opt',
]
[grpc]
  address = '{state}/socket'
[ttrpc]
  address = '{state}/socket.ttrpc'
"""


def fill(store: Path, programs: Path, archives: Iterable[Path], log: Path) -> None:
    """Unpack images into a fresh `store`, by a containerd that does nothing else and ends with it.

    Raises:
        Problem: containerd did not start, or refused an image.
    """
    fresh = store.with_name(f"{store.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    # A socket's path must be short, and the cache's may not be.
    with tempfile.TemporaryDirectory(prefix="slipway-") as state:
        config = Path(state) / "config.toml"
        config.write_text(_CONFIG.format(root=fresh, state=state))
        with (
            log.open("ab") as sink,
            subprocess.Popen(
                # It ends with this process, however that ends.
                ["setpriv", "--pdeathsig", "KILL", programs / "containerd", "--config", config],
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
            ) as containerd,
        ):
            ctr = [programs / "ctr", "--address", f"{state}/socket", "--namespace", "k8s.io"]
            try:
                _await(containerd, [*ctr, "version"], log)
                for archive in archives:
                    # The layers are unpacked at once, and kept once: a node's disk is worth it.
                    run([*ctr, "images", "import", "--local", "--discard-unpacked-layers", archive], log=log)
                run([*ctr, "content", "prune", "references"], log=log)
            finally:
                containerd.terminate()
    # Of a run that was killed once it had come so far.
    shutil.rmtree(store, ignore_errors=True)
    fresh.replace(store)


def _await(containerd: subprocess.Popen, command: list, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while subprocess.run(command, capture_output=True).returncode:
        if containerd.poll() is not None or time.monotonic() > deadline:
            raise Problem(f"containerd did not start to unpack images; see {log}")
        time.sleep(0.05)
