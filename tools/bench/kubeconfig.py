"""Merging kubeconfigs against kubectl, which does it by `config view --flatten` over a list of files.

First the clusters of 500 stacks into one file, then one more into a file of 10 MB, where kubectl sets a cluster. Both
sides run as programs of their own. Whether the merge itself keeps its limit is printed below.
"""

import base64
import os
import shutil
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from components import kubeconfig
from tools import paths, toolchain
from tools.bench import compare, timed
from tools.console import console

STACKS = 500
LARGE = 10_000_000
"""Bytes of the large file."""

SECONDS = 1.0
"""What merging the clusters of 500 stacks may take."""

SERVER = "https://127.0.0.1:6443"

MERGE = """
import json, sys, time
from pathlib import Path
from tools import paths, user_kubeconfig
started = time.perf_counter()
paths.KUBECONFIGS = Path(sys.argv[1])
texts = {path.stem: path.read_text() for path in sorted(paths.KUBECONFIGS.glob("*.yaml"))}
user_kubeconfig.merge(texts, Path(sys.argv[2]))
print(time.perf_counter() - started)
"""


def run(rounds: int | None) -> None:
    """Compare both with kubectl, five times unless told otherwise."""
    toolchain.ensure(("kubectl",))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _many(folder, rounds or 5)
        _large(folder, rounds or 5)


def _many(folder: Path, rounds: int) -> None:
    stacks, within = folder / "stacks", []
    stacks.mkdir()
    for index in range(STACKS):
        (stacks / f"stack-{index}.yaml").write_text(_of_one(f"stack-{index}"))

    def slipway() -> float:
        target = folder / "many"
        target.unlink(missing_ok=True)
        seconds = timed(lambda: within.append(_merge(stacks, target)))
        if len(kubeconfig.names(target.read_text())) != STACKS:
            raise RuntimeError("a cluster is missing")
        return seconds

    def kubectl() -> float:
        listed = os.pathsep.join(map(str, sorted(stacks.glob("*.yaml"))))
        return timed(partial(_kubectl, ["view", "--flatten", "--raw"], listed))

    compare(f"{STACKS} kubeconfigs into one", rounds, {"kubectl": kubectl, "Slipway": slipway})
    least = min(within)
    kept = "kept" if least <= SECONDS else "NOT kept"
    console.print(f"the merge itself takes {least:.2f} s without Python's start; the limit, {SECONDS:.0f} s, is {kept}")


def _large(folder: Path, rounds: int) -> None:
    one, large = folder / "one", folder / "large"
    one.mkdir()
    (one / "dev.yaml").write_text(_of_one("dev"))
    some = {f"c-{index}": kubeconfig.renamed(_of_one("c"), f"c-{index}", folder) for index in range(LARGE // 5000)}
    text = "# mine\n" + kubeconfig.merge("", some, {})

    def slipway() -> float:
        large.write_text(text)
        seconds = timed(partial(_merge, one, large))
        rest = iter(large.read_text().splitlines())
        if any(line not in rest for line in text.splitlines()):
            raise RuntimeError("a line of the large file is gone")
        return seconds

    def kubectl() -> float:
        large.write_text(text)
        return timed(partial(_kubectl, ["set-cluster", "dev", f"--server={SERVER}"], str(large)))

    compare(f"one more into {len(text) / 1e6:.0f} MB", rounds, {"kubectl": kubectl, "Slipway": slipway})


def _of_one(name: str) -> str:
    """A kubeconfig with as much in it as one of kind has: certificates and a key, 5 kB in all."""
    data = base64.b64encode(name.encode().ljust(1200, b"-")).decode()
    return kubeconfig.build(name, SERVER, data, {"client-certificate-data": data, "client-key-data": data})


def _merge(stacks: Path, target: Path) -> float:
    """Merge all as if for the first time, and tell how many seconds that took within the program."""
    shutil.rmtree(stacks / "merged", ignore_errors=True)
    done = subprocess.run(
        [sys.executable, "-c", MERGE, stacks, target], capture_output=True, text=True, cwd=paths.PROJECT
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return float(done.stdout)


def _kubectl(words: list[str], listed: str) -> None:
    subprocess.run(
        ["kubectl", "config", *words],
        env={**os.environ, "KUBECONFIG": listed},
        stdout=subprocess.DEVNULL,
        check=True,
    )
