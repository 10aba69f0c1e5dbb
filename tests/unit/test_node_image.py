"""Which road kind's node image comes by, with an engine that holds none."""

from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from components.local.container_engine import Engine, EngineError
from tools import bundle, node_image
from tools.bundle import recipe
from tools.console import Problem

OFFLINE = recipe.of("1.37").version.removeprefix("v")


@dataclass
class Roads:
    """What was tried, in order."""

    taken: list[str] = field(default_factory=list)
    reachable: bool = False


@pytest.fixture
def roads(monkeypatch):
    roads = Roads()

    def pull(_engine: Engine, image: str) -> bool:
        roads.taken.append(f"pull {image.partition('@')[0]}")
        return not roads.reachable

    def build(minor: str) -> bundle.Bundle:
        roads.taken.append(f"build {minor}")
        return bundle.Bundle(Path("/b"), recipe.of(minor).version, "image", "key")

    monkeypatch.setattr(Engine, "find", lambda: Engine("docker", cgroup_v1=False))
    monkeypatch.setattr(Engine, "_ask", lambda *_, **__: pytest.fail("an image was asked for"))
    monkeypatch.setattr(node_image.kind_image, "at_hand", lambda *_: None)
    monkeypatch.setattr(node_image, "_pull_or_find_unreachable", pull)
    monkeypatch.setattr(node_image.bundle, "ensure", build)
    monkeypatch.setattr(node_image.bundle, "load", lambda *_: roads.taken.append("load"))
    return roads


def test_an_image_that_can_be_pulled_is_pulled(roads):
    roads.reachable = True
    node_image.ensure({"version": "1.37"})
    assert roads.taken == ["pull kindest/node:v1.37.0"]


def test_where_no_registry_can_be_reached_the_bundle_is_built_and_loaded(roads):
    node_image.ensure({"version": "1.37"})
    assert roads.taken == ["pull kindest/node:v1.37.0", "build 1.37", "load"]


@pytest.fixture
def failing_pull(monkeypatch):
    """Pull in vain from a registry: `failing_pull(answer)`, an exception where it cannot be reached."""
    monkeypatch.setattr(node_image, "_pull", lambda *_: "manifest unknown")

    def pull(answer: Exception | None) -> bool:
        def get(_url: str, **_: object) -> None:
            if answer:
                raise answer

        monkeypatch.setattr(httpx, "get", get)
        return node_image._pull_or_find_unreachable(Engine("docker", cgroup_v1=False), "kindest/node:v1@sha256:0")

    return pull


def test_a_registry_that_cannot_be_reached_is_told_and_looks_like_no_success(failing_pull, capsys):
    assert failing_pull(httpx.ConnectError("no route to host"))

    shown = capsys.readouterr().err
    assert "✗ Pulling kindest/node:v1\n" in shown
    assert "✓" not in shown
    assert "the image registry cannot be reached (no route to host); an offline bundle takes its place" in shown


def test_an_image_that_a_registry_within_reach_does_not_give_is_a_failure(failing_pull, capsys):
    with pytest.raises(Problem, match=r"^kindest/node:v1 cannot be pulled: manifest unknown; try again, or name"):
        failing_pull(None)
    assert "✓" not in capsys.readouterr().err


def test_a_patch_that_only_the_bundle_has_is_built_at_once(roads):
    node_image.ensure({"version": OFFLINE})
    assert roads.taken == ["build 1.37", "load"]


def test_nothing_is_built_for_a_patch_that_the_bundle_would_not_hold(roads):
    with pytest.raises(Problem, match=rf'^version: .* holds Kubernetes v{OFFLINE}, not 1\.37\.0; write "1\.37"$'):
        node_image.ensure({"version": "1.37.0"})
    assert roads.taken == ["pull kindest/node:v1.37.0"]


@pytest.mark.parametrize("version", ["1.99", "1.2", "1.37.99"])
def test_a_version_that_nobody_has_is_left_for_the_preview_to_refuse(roads, version):
    node_image.ensure({"version": version})
    assert roads.taken == []


def test_an_engine_that_stopped_meanwhile_is_told_in_one_line(roads, monkeypatch):
    def find() -> Engine:
        raise EngineError("no container engine answers; start Docker or Podman")

    monkeypatch.setattr(Engine, "find", find)
    with pytest.raises(Problem, match=r"^no container engine answers; start Docker or Podman$"):
        node_image.ensure({"version": "1.37"})


def test_an_offline_image_that_the_engine_holds_is_held_against_the_bundle_without_a_pull(roads, monkeypatch):
    held = f"{node_image.kind_config.OFFLINE_REPOSITORY}:v{OFFLINE}"
    monkeypatch.setattr(node_image.kind_image, "at_hand", lambda *_: held)
    node_image.ensure({"version": "1.37"})
    assert roads.taken == ["build 1.37", "load"]


@pytest.mark.parametrize("held", ["kindest/node:v1.37.0@sha256:0", "slipway.local/kind-node:v1.37.99"])
def test_an_image_that_this_bundle_did_not_make_is_taken_as_it_is(roads, monkeypatch, held):
    monkeypatch.setattr(node_image.kind_image, "at_hand", lambda *_: held)
    node_image.ensure({"version": "1.37"})
    assert roads.taken == []
