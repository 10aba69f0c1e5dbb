"""What a machine that is a container is upgraded to: programs and images of another version, out of an image of both.

Nothing runs that image. A machine has the programs beside its own until its node's upgrade takes them, and containerd
has the images. Nothing changes by that: what runs is what it was.
"""

import subprocess
import threading
from collections.abc import Sequence

from components.local.container_engine import WORK_SECONDS, Engine, EngineError

REPOSITORY = "slipway.local/release"
"""Images that hold a version, one tag each."""

PROGRAMS = "/opt/slipway"
"""Where a machine has programs of other versions, by version; in the image too."""

IMAGES = "/images"
"""Where the image has images, as archives named by what is in them."""

CONTROL_PLANE = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
"""What runs on control planes alone: well over half of all."""

_ONE_AT_A_TIME = threading.Lock()


def is_held(engine: Engine, version: str) -> bool:
    """Whether an engine has what a version is put from."""
    return engine.has_image(f"{REPOSITORY}:{version}")


def put(engine: Engine, machine: str, version: str, label: str, *, control_plane: bool) -> None:
    """Give a running machine the programs and images of a version.

    Args:
        engine: That the machine runs on.
        machine: Its name.
        version: With its v: `v1.37.2`.
        label: What a container bears that is swept up with the cluster (`key=value`), should a kill leave it.
        control_plane: Whether it runs a control plane, or pods alone.

    Raises:
        EngineError: It did not get there.
    """
    # Machines that are containers share one machine, whose API servers would else be too busy to answer.
    with _ONE_AT_A_TIME:
        engine.run("exec", machine, "mkdir", "-p", PROGRAMS)
        source = engine.run("create", "--label", label, f"{REPOSITORY}:{version}", "nothing").strip()
        try:
            unpack = ["tar", "--extract", "--no-same-owner", "--directory", PROGRAMS]
            _pipe(engine, f"{source}:{PROGRAMS}/{version}", machine, unpack)
            left_out = [] if control_plane else [f"--exclude=*/{one}-*" for one in CONTROL_PLANE]
            take = "--to-command=ctr --namespace k8s.io images import --local -"
            _pipe(engine, f"{source}:{IMAGES}", machine, ["tar", "--extract", *left_out, take])
        finally:
            engine.remove([source])


def _pipe(engine: Engine, source: str, machine: str, command: Sequence[str]) -> None:
    """Have a machine run a command whose input is a folder of a container, packed."""
    packing = [engine.cli, "cp", source, "-"]
    with subprocess.Popen(packing, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as packed:
        taking = [engine.cli, "exec", "--interactive", machine, *command]
        try:
            taken = subprocess.run(taking, stdin=packed.stdout, capture_output=True, timeout=WORK_SECONDS)
        except subprocess.TimeoutExpired:
            packed.kill()
            raise EngineError(f"{source} does not get into {machine} within {WORK_SECONDS} s") from None
    if packed.returncode or taken.returncode:
        raise EngineError(f"{source} does not get into {machine}: {taken.stderr.decode().strip() or 'no answer'}")
