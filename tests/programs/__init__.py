"""Programs that make development clusters, played by ones that only remember: their flags, output and exit codes.

What they play is taken from the sources of docker, k3d 5.9 and minikube 1.38. On PATH each is a program of its own, for
the engine rung; `playing` plays them in the process of a unit test, where starting one takes no time.
"""

import os
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[2]
NAMES = ("docker", "k3d", "minikube")


def install(folder: Path) -> dict[str, str]:
    """Put the programs into `folder`; what they need in the environment, `PATH` among it."""
    programs, machine = folder / "programs", folder / "machine"
    for each in (programs, machine):
        each.mkdir(parents=True)
    for name in NAMES:
        launcher = programs / name
        launcher.write_text(
            f'#!/bin/sh\nPYTHONPATH="{PROJECT}" exec "{sys.executable}" -m tests.programs.{name} "$@"\n'
        )
        launcher.chmod(0o755)
    return {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "STAND_IN_MACHINE": str(machine),
        "HOME": str(folder / "home"),
        "XDG_RUNTIME_DIR": str(folder),
        "XDG_STATE_HOME": str(folder / "state"),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "KUBECONFIG": str(folder / "home/.kube/config"),
    }
