"""Building a bundle, in steps that are each kept once done: a build that was interrupted goes on from there."""

import os
import platform
import shutil
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from tools import paths
from tools.bundle import distribution, image, images, manifest, node, store
from tools.bundle.recipe import Recipe
from tools.console import Problem, say, step
from tools.run import run
from tools.toolchain import golang

MINUTES = 10
"""How long the first build takes on two cores; nearly all of it is compiling."""

NEEDED_BYTES = 16 * 2**30
"""Modules, compiled packages and the bundle itself, with the copies that are there while it is put together."""

FILES = Path(__file__).parent / "files"


def build(recipe: Recipe, folder: Path, node_image: str) -> None:
    """Build the bundle of `recipe` in `folder`; there is none until it is complete.

    Raises:
        Problem: This machine cannot build it, or a part could not be fetched or built.
    """
    refuse_what_cannot_work(folder.parent)
    say(f"building the offline bundle of Kubernetes {recipe.version}: about {MINUTES} minutes on two cores, once")
    work = folder.with_name(f"{recipe.version}.work")
    work.mkdir(parents=True, exist_ok=True)
    log = work / "build.log"
    programs = distribution.build_programs(paths.CACHE)
    base = paths.CACHE / "bundles" / f"root-{distribution.key()}"
    fresh = work / "bundle"
    shutil.rmtree(fresh, ignore_errors=True)
    bin_folder = fresh / "bin"

    builds = (*recipe.without_c, replace(recipe.runc, environment=distribution.compiler(programs)))
    for build in builds:
        golang.toolchain(golang.MODULES / build.module).install()
    with ThreadPoolExecutor(2) as aside:
        # Both mostly wait for the network while the first programs compile.
        rooted = aside.submit(distribution.node_root, base, programs)
        aside.submit(golang.fetch, builds[1:])
        for build in builds:
            _put(golang.build(build), fresh / "cni" if build.module == "cni-plugins" else bin_folder)
            if rooted.done():
                rooted.result()  # raises what went wrong, before more is compiled
        if not rooted.done():
            with step("Making a node's root file system from the distribution's packages"):
                rooted.result()
    _build_pause(bin_folder / "pause", distribution.compiler(programs))

    asked = run([bin_folder / "kubeadm", "config", "images", "list", "--kubernetes-version", recipe.version]).split()
    contents = [images.kubeadm_image(name, bin_folder, recipe.versions, base) for name in asked]
    contents += images.more_images(bin_folder, recipe.versions, base)
    archives = {one.names[0]: f"images/{one.names[0].rpartition('/')[2].replace(':', '-')}.tar" for one in contents}
    with step(f"Writing {len(contents)} images") as progress:
        for one in contents:
            progress.update(one.names[0])
            image.write(one, fresh / archives[one.names[0]])
    with step("Unpacking them for the nodes"):
        store.fill(work / "store", bin_folder, [fresh / archive for archive in archives.values()], log)
    with step(f"Writing the node image {node_image}"):
        node.assemble(
            work / "root",
            base=base,
            bundle=fresh,
            store=work / "store",
            kind=golang.source("kind", "sigs.k8s.io/kind"),
            flannel=golang.source("flannel", "github.com/flannel-io/flannel"),
            versions=recipe.versions,
            pause=next(name for name in asked if "/pause:" in name),
        )
        image.write(node.image(work / "root", node_image, recipe.key), fresh / "kind-node.tar")
    with step("Writing the manifest"):
        facts = {
            "kubernetes": recipe.version,
            "key": recipe.key,
            "platform": f"linux-{image.ARCHITECTURE}",
            "distribution": platform.freedesktop_os_release()["PRETTY_NAME"],
            "versions": dict(recipe.versions),
            "images": archives,
            "node_image": {node_image: "kind-node.tar"},
        }
        manifest.write(fresh, facts)
    fresh.replace(folder)
    shutil.rmtree(work)
    for older in folder.parent.glob(f"{recipe.version}-*/{manifest.NAME}"):
        if older.parent != folder:
            shutil.rmtree(older.parent)  # 2.6 GB that this one replaces, and a minute's work to have again


def refuse_what_cannot_work(cache: Path) -> None:
    """Raise a Problem for whatever makes a build impossible on this machine, before it starts."""
    if sys.platform != "linux":
        raise Problem(
            "the offline bundle can be built on Linux only, since a node's file system is put together by Linux; "
            "build it on a Linux machine with `make bundle`, or let this one reach an image registry"
        )
    if os.geteuid() != 0:
        raise Problem(
            "building the offline bundle needs root, to put together a node's file system; run `sudo make bundle`, "
            "or let this machine reach an image registry"
        )
    cache.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(cache).free
    if free < NEEDED_BYTES:
        raise Problem(
            f"{cache} has {free / 2**30:.1f} GiB free, and building a bundle takes up to {NEEDED_BYTES / 2**30:.0f}; "
            "make room, or set SLIPWAY_CACHE to a larger disk"
        )


def _put(programs: Path, folder: Path) -> None:
    """Give built programs a second name in the bundle; they lie on the same disk."""
    folder.mkdir(parents=True, exist_ok=True)
    for program in programs.iterdir():
        (folder / program.name).hardlink_to(program)


def _build_pause(target: Path, compiler: Mapping[str, str]) -> None:
    words = f"-Os -s -static {compiler['CGO_CFLAGS']} {compiler['CGO_LDFLAGS']}".split()
    run([compiler["CC"], *words, "-o", target, FILES / "pause.c"], env=compiler)
