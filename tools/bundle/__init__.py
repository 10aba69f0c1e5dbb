"""The offline bundle: all that a kind cluster needs where no image registry can be reached.

ensure(minor)        the bundle of a Kubernetes minor, built unless it is there
load(bundle, cli)    put its node image into a container engine
offer(bundle, cli)   put into it what nodes of another version are upgraded to
verify(bundle)       hold its files against its manifest
"""

import os
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from components.local.kind_config import OFFLINE_REPOSITORY
from components.machines import release
from tools import paths
from tools.bundle import image, making, manifest, recipe
from tools.bundle.node import LABEL
from tools.console import step
from tools.run import run

__all__ = ["Bundle", "ensure", "load", "offer", "verify"]


PROGRAMS = ("kubeadm", "kubectl", "kubelet")
KUBERNETES_IMAGES = "registry.k8s.io/"
"""What changes with the version of Kubernetes, of all images of a bundle."""


@dataclass(frozen=True)
class Bundle:
    """A complete bundle."""

    folder: Path

    version: str
    """Of Kubernetes, such as `v1.37.2`."""

    node_image: str
    """What kind is told to make nodes of."""

    key: str
    """Changes with whatever the bundle is made of."""


def ensure(minor: str) -> Bundle:
    """The bundle of a Kubernetes minor, built unless it is there.

    Raises:
        Problem: It cannot be built here.
    """
    wanted = recipe.of(minor)
    bundle = Bundle(
        folder=paths.CACHE / "bundles" / f"{wanted.version}-{wanted.key}",
        version=wanted.version,
        node_image=f"{OFFLINE_REPOSITORY}:{wanted.version}",
        key=wanted.key,
    )
    if not bundle.folder.is_dir():
        bundle.folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(bundle.folder.with_name(f"{wanted.version}.lock")):
            if not bundle.folder.is_dir():  # another run may have built it meanwhile
                making.build(wanted, bundle.folder, bundle.node_image)
    return bundle


def load(bundle: Bundle, cli: str, environment: Mapping[str, str] | None = None) -> None:
    """Put the node image into a container engine, unless the engine has that very image.

    Args:
        bundle: Where the image comes from.
        cli: `docker` or `podman`.
        environment: Variables that lead to the engine, beside this process's own.

    Raises:
        Problem: The engine refused it.
    """
    held, replaced = _look(bundle.node_image, bundle.key, cli, environment)
    if held:
        return
    with step(f"Loading {bundle.node_image} into {cli}"):
        run([cli, "load", "--input", bundle.folder / "kind-node.tar"], env=environment)
    if replaced:
        # More than 1 GB that has no name any more; it stays as long as a container is made of it.
        subprocess.run([cli, "image", "rm", replaced], env={**os.environ, **(environment or {})}, capture_output=True)


def offer(bundle: Bundle, cli: str) -> None:
    """Put an image into a container engine that holds kubeadm, the kubelet and the images of a version.

    No container runs it: machines that are containers of another version are given what is in it.

    Raises:
        Problem: The engine refused it.
    """
    name = f"{release.REPOSITORY}:{bundle.version}"
    if _look(name, bundle.key, cli)[0]:
        return
    archives = [
        archive for one, archive in manifest.read(bundle.folder)["images"].items() if one.startswith(KUBERNETES_IMAGES)
    ]
    files = {
        **{f"{release.PROGRAMS}/{bundle.version}/{one}": bundle.folder / "bin" / one for one in PROGRAMS},
        **{f"{release.IMAGES}/{Path(archive).name}": bundle.folder / archive for archive in archives},
    }
    with step(f"Loading {name} into {cli}"), tempfile.TemporaryDirectory(dir=bundle.folder.parent) as folder:
        archive = Path(folder) / "release.tar"
        image.write(image.Image((name,), files, config={"Labels": {LABEL: bundle.key}}), archive)
        run([cli, "load", "--input", archive])


def _look(name: str, key: str, cli: str, environment: Mapping[str, str] | None = None) -> tuple[bool, str]:
    """Whether an engine holds that very image, and the id of the one that it holds by that name, if any."""
    whole = {**os.environ, **(environment or {})}
    form = f'{{{{.Id}}}} {{{{index .Config.Labels "{LABEL}"}}}}'
    asked = subprocess.run([cli, "image", "inspect", "--format", form, name], env=whole, capture_output=True, text=True)
    held, _, found = asked.stdout.strip().partition(" ")
    return asked.returncode == 0 and found == key, held


def verify(bundle: Bundle) -> None:
    """Hold every file of a bundle against its manifest.

    Raises:
        Problem: One is missing or changed.
    """
    manifest.verify(bundle.folder)
