"""Which node image a kind cluster is made from: the given one, kind's own, or the offline bundle's."""

import functools

from components import versions
from components.local import kind_config
from components.local.container_engine import Engine
from components.spec import Fault, SpecError


def published(version: str) -> str | None:
    """The image that kind's makers publish for a Kubernetes version, by its digest; none for a patch they skipped."""
    image = kind_config.NODE_IMAGES.get(versions.minor_of(version))
    return image if image and versions.same(version, tag_of(image)) else None


def at_hand(engine: Engine, version: str, control_planes: int) -> str | None:
    """The image that the engine holds already for such a cluster: kind's own, else the offline bundle's.

    Raises:
        SpecError: Only the offline bundle's is there, and it cannot make such a cluster.
    """
    image = published(version)
    if image and engine.has_image(image):
        return image
    for tag in engine.images(kind_config.OFFLINE_REPOSITORY):
        if versions.same(version, tag):
            refuse_what_offline_cannot_do(engine, control_planes)
            return f"{kind_config.OFFLINE_REPOSITORY}:{tag}"
    return None


@functools.cache
def choose(engine: Engine, version: str, control_planes: int, node_image: str | None = None) -> str:
    """The image to create such a cluster from, which kind pulls unless it is at hand.

    The engine is asked once: a check and the create after it run in one process.

    Raises:
        SpecError: There is none for the version, or what is at hand cannot make such a cluster.
    """
    image = node_image or at_hand(engine, version, control_planes) or published(version)
    if image is None:
        known = ", ".join(map(tag_of, kind_config.NODE_IMAGES.values()))
        fault = f"kind publishes no node image of {version}, only of {known}; write a minor, or a nodeImage"
        raise SpecError([Fault("version", fault)])
    return image


def refuse_what_offline_cannot_do(engine: Engine, control_planes: int) -> None:
    """Several control planes stand behind a load balancer, whose image no bundle holds.

    Raises:
        SpecError: The engine has not that image either.
    """
    if control_planes > 1 and not engine.has_image(kind_config.LOAD_BALANCER_IMAGE):
        fault = (
            f"{control_planes} control planes need the image {kind_config.LOAD_BALANCER_IMAGE}, which the offline "
            "bundle does not hold and no registry gave; write controlPlanes: 1, or load that image into the engine"
        )
        raise SpecError([Fault("controlPlanes", fault)])


def tag_of(image: str) -> str:
    """The tag of an image's name: `v1.37.0` of `kindest/node:v1.37.0@sha256:…`."""
    return image.partition("@")[0].rpartition(":")[2]
