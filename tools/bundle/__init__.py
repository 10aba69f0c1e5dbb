"""The offline bundle: all that a kind cluster needs where no image registry can be reached.

ensure(minor)        the bundle of a Kubernetes minor, built unless it is there
load(bundle, cli)    put its node image into a container engine
verify(bundle)       hold its files against its manifest
"""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from components.local.kind_config import OFFLINE_REPOSITORY
from tools import paths
from tools.bundle import making, manifest, recipe
from tools.bundle.node import LABEL
from tools.console import step
from tools.run import run

__all__ = ["Bundle", "ensure", "load", "verify"]


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
    whole = {**os.environ, **(environment or {})}
    form = f'{{{{.Id}}}} {{{{index .Config.Labels "{LABEL}"}}}}'
    asked = subprocess.run(
        [cli, "image", "inspect", "--format", form, bundle.node_image], env=whole, capture_output=True, text=True
    )
    replaced, _, key = asked.stdout.strip().partition(" ")
    if asked.returncode == 0 and key == bundle.key:
        return
    with step(f"Loading {bundle.node_image} into {cli}"):
        run([cli, "load", "--input", bundle.folder / "kind-node.tar"], env=environment)
    if replaced:
        # More than 1 GB that has no name any more; it stays as long as a container is made of it.
        subprocess.run([cli, "image", "rm", replaced], env=whole, capture_output=True)


def verify(bundle: Bundle) -> None:
    """Hold every file of a bundle against its manifest.

    Raises:
        Problem: One is missing or changed.
    """
    manifest.verify(bundle.folder)
