"""Which node image a cluster is made from."""

import pytest

from components.local import kind_config, kind_image
from components.spec import SpecError

PUBLISHED = kind_config.NODE_IMAGES["1.37"]
OFFLINE = "slipway.local/kind-node:v1.37.2"


class Images:
    """An engine that holds these images."""

    def __init__(self, *images: str) -> None:
        self.asked = 0
        self._images = images

    def has_image(self, reference: str) -> bool:
        self.asked += 1
        return reference in self._images

    def images(self, repository: str) -> list[str]:
        return [image.removeprefix(f"{repository}:") for image in self._images if image.startswith(f"{repository}:")]


def chosen(version: str, *images: str, control_planes: int = 1, node_image: str | None = None) -> str:
    return kind_image.choose(Images(*images), version, control_planes, node_image)


def test_an_image_that_is_named_wins():
    assert chosen("1.37", PUBLISHED, OFFLINE, node_image="registry.example.org/node:mine") == (
        "registry.example.org/node:mine"
    )


def test_kinds_own_image_is_pulled_by_its_digest():
    assert chosen("1.37") == PUBLISHED
    assert "@sha256:" in PUBLISHED


def test_the_offline_image_is_taken_only_while_kinds_own_is_not_at_hand():
    assert chosen("1.37", OFFLINE) == OFFLINE
    assert chosen("1.37", OFFLINE, PUBLISHED) == PUBLISHED


def test_a_patch_is_what_was_asked_for_or_refused():
    assert chosen("1.37.0", OFFLINE) == PUBLISHED
    assert chosen("1.37.2", OFFLINE) == OFFLINE
    with pytest.raises(SpecError, match=r"^version: kind publishes no node image of 1\.37\.9, only of v1\.37\.0"):
        chosen("1.37.9", OFFLINE)


def test_a_create_asks_nothing_that_its_check_has_asked():
    engine = Images(OFFLINE)
    for _ in ("check", "create"):
        assert kind_image.choose(engine, "1.37", 1) == OFFLINE
    assert engine.asked == 1


def test_several_control_planes_are_refused_where_their_load_balancer_cannot_be_had():
    with pytest.raises(SpecError, match=r"^controlPlanes: 3 control planes need the image docker.io/envoyproxy/envoy"):
        chosen("1.37", OFFLINE, control_planes=3)

    assert chosen("1.37", OFFLINE, kind_config.LOAD_BALANCER_IMAGE, control_planes=3) == OFFLINE
    assert chosen("1.37", PUBLISHED, control_planes=3) == PUBLISHED
