"""kind's node image, had before Pulumi starts: pulled with progress, or out of the offline bundle where none can be."""

import subprocess
from collections.abc import Callable, Mapping
from typing import Any

from components import versions
from components.local import kind_config, kind_image
from components.local.container_engine import Engine, EngineError
from components.machines.container_provider import CLAIM
from components.spec import SpecError
from tools import bundle
from tools.bundle import recipe
from tools.console import Problem, say, step

REGISTRY = "https://registry-1.docker.io/v2/"
"""Where kind's makers publish; it answers 401 to whoever shows no token, which is an answer."""


def ensure(args: Mapping[str, Any]) -> None:
    """Have the image of the nodes that `args` (of `KindArgs`) ask for in the engine that answers.

    Raises:
        Problem: It can be had by neither road.
    """
    if "node_image" in args:
        return  # kind pulls it unless it is there
    version, control_planes = args["version"], args.get("control_planes", 1)
    try:
        engine = Engine.find()
        held = kind_image.at_hand(engine, version, control_planes)
        if held and not _is_from_this_bundle(held):
            return
        published, minor = kind_image.published(version), versions.minor_of(version)
        if published is None and not _is_built_here(version):
            return  # the preview refuses it, and says what there is
        if published and not held and not _pull_or_find_unreachable(engine, published):
            return
        kind_image.refuse_what_offline_cannot_do(engine, control_planes)
    except (SpecError, EngineError) as error:
        raise Problem(str(error)) from error
    # Asked before it is built, which takes a while.
    _refuse_what_no_bundle_holds(version, "no registry can be reached but for the offline bundle")
    bundle.load(bundle.ensure(minor), engine.cli)


def ensure_machine(args: Mapping[str, Any]) -> None:
    """Have the image that containers which stand in for machines are made from: nobody publishes one.

    Where machines run already that are made from another one, what they are upgraded from too.

    Raises:
        Problem: It cannot be built here, or not of that version.
    """
    version = args["version"]
    _refuse_what_no_bundle_holds(version, "machines in containers are made from the offline bundle")
    try:
        engine = Engine.find()
        made = bundle.ensure(versions.minor_of(version))
        bundle.load(made, engine.cli)
        if _has_machines_of_another(engine, made.node_image):
            bundle.offer(made, engine.cli)
    except EngineError as error:
        raise Problem(str(error)) from error


def _has_machines_of_another(engine: Engine, image: str) -> bool:
    machines = engine.run("ps", "--all", "--filter", f"label={CLAIM}", "--format", "{{.Image}}").split()
    return any(one.startswith(kind_config.OFFLINE_REPOSITORY) and one != image for one in machines)


def _refuse_what_no_bundle_holds(version: str, why: str) -> None:
    offered = recipe.of(minor := versions.minor_of(version)).version
    if not versions.same(version, offered):
        raise Problem(f'version: {why}, which holds Kubernetes {offered}, not {version}; write "{minor}"')


def _is_from_this_bundle(image: str) -> bool:
    """Whether an image is an offline bundle's of the version that is built here: that bundle may be a newer one."""
    repository, _, tag = image.rpartition(":")
    return repository == kind_config.OFFLINE_REPOSITORY and _is_built_here(tag)


def _is_built_here(version: str) -> bool:
    try:
        return versions.same(version, recipe.of(versions.minor_of(version)).version)
    except Problem:
        return False


def _pull_or_find_unreachable(engine: Engine, image: str) -> bool:
    """Pull an image; whether its registry turned out to be beyond this machine's reach.

    Raises:
        Problem: The registry is there, and yet the image did not come.
    """
    # Only now: it takes longer to load than all the rest of a run that finds the image in place.
    import httpx

    name = image.partition("@")[0]
    try:
        with step(f"Pulling {name}") as progress:
            if failure := _pull(engine.cli, image, progress.update):
                httpx.get(REGISTRY, timeout=5)
                raise Problem(f"{name} cannot be pulled: {failure}; try again, or name another image in nodeImage")
    except httpx.TransportError as error:
        say(f"the image registry cannot be reached ({error}); an offline bundle takes its place")
        return True
    return False


def _pull(cli: str, image: str, tell: Callable[[str], None]) -> str | None:
    """Pull an image; the reason if that failed."""
    with subprocess.Popen(
        [cli, "pull", image], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        line = "it printed nothing"
        assert process.stdout is not None  # noqa: S101 - for the type checker
        for line in process.stdout:
            tell(line.strip())
    return line.strip() if process.returncode else None
