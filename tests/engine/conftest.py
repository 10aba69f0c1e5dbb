"""The engine rung: the plain `pulumi` command, with stand-ins where a cloud would be."""

import shutil
import sys
from collections.abc import Callable
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from tests.engine.slipway import PROJECT, Stack, environment
from tests.engine.stand_in.cloud import Cloud
from tests.engine.stand_in.kubernetes import KUBERNETES
from tests.examples import MANAGED
from tests.examples.hypervisors import HYPERVISORS

CLOUDS = [
    KUBERNETES,
    *(example.cloud for example in MANAGED.values() if example.cloud),
    *(hypervisor.cloud for hypervisor in HYPERVISORS.values()),
]

Slipway = Callable[..., Stack]


@pytest.fixture(scope="session")
def pulumi_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pulumi's own folder, where the stand-ins are the plugins."""
    for program in ("pulumi", "pulumi-language-python", "pulumi-language-python-exec", "pulumi-resource-pulumi-python"):
        if shutil.which(program) is None:
            pytest.fail(f"{program} is not on PATH; run the tests with `make test`, which brings it")
    home = tmp_path_factory.mktemp("pulumi")
    for cloud in CLOUDS:
        install(cloud, home)
    return home


@pytest.fixture(scope="session")
def new(tmp_path_factory: pytest.TempPathFactory, pulumi_home: Path) -> Callable[[str], Stack]:
    """A stack that is made once, for copies."""

    @cache
    def make(name: str) -> Stack:
        return Stack.made(tmp_path_factory.mktemp("new") / name, name, environment(pulumi_home))

    return make


@pytest.fixture(scope="session")
def up(tmp_path_factory: pytest.TempPathFactory, new: Callable[[str], Stack]) -> Callable[[str], Stack]:
    """A stack that is made and brought up once, for copies."""

    @cache
    def make(name: str) -> Stack:
        stack = new(name).copied(tmp_path_factory.mktemp("up") / name)
        stack.up()
        return stack

    return make


@pytest.fixture
def slipway(tmp_path: Path, new: Callable[[str], Stack]) -> Slipway:
    """Make a stack: `slipway("prod-gke", region="europe-west4")` starts from its file and changes some keys."""

    def make(name: str, **cluster: Any) -> Stack:
        stack = new(name).copied(tmp_path / name)
        stack.set(**cluster)
        return stack

    return make


@pytest.fixture
def standing(tmp_path: Path, up: Callable[[str], Stack]) -> Callable[[str], Stack]:
    """A stack that is up already, with stand-ins where its resources would be: `standing("prod-gke")`."""

    def make(name: str) -> Stack:
        return up(name).copied(tmp_path / name)

    return make


def install(cloud: Cloud, home: Path, module: str = "plugin") -> None:
    """Put the stand-in for a cloud's plugin, which is a module beside it, into Pulumi's folder."""
    program = home / "plugins" / f"resource-{cloud.package}-v{metadata.version(cloud.distribution)}"
    program.mkdir(parents=True)
    launcher = program / f"pulumi-resource-{cloud.package}"
    launcher.write_text(
        f'#!/bin/sh\nPYTHONPATH="{PROJECT}" exec "{sys.executable}" -m tests.engine.stand_in.{module} {cloud.package}\n'
    )
    launcher.chmod(0o755)
