"""The engine rung: the plain `pulumi` command, with stand-ins where a cloud would be."""

import shutil
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from tests.engine.slipway import PROJECT, Stack, environment
from tests.engine.stand_in.cloud import Cloud
from tests.engine.stand_in.gcp import GCP

Slipway = Callable[..., Stack]


@pytest.fixture(scope="session")
def pulumi_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pulumi's own folder, where the stand-ins are the plugins."""
    for program in ("pulumi", "pulumi-language-python", "pulumi-language-python-exec", "pulumi-resource-pulumi-python"):
        if shutil.which(program) is None:
            pytest.fail(f"{program} is not on PATH; run the tests with `make test`, which brings it")
    home = tmp_path_factory.mktemp("pulumi")
    for cloud in (GCP,):
        _install(cloud, home)
    return home


@pytest.fixture
def slipway(tmp_path: Path, pulumi_home: Path) -> Slipway:
    """Make a stack: `slipway("prod-gke", region="europe-west4")` starts from its file and changes some keys."""

    def make(name: str, **cluster: Any) -> Stack:
        stack = Stack(tmp_path / name, name, environment(pulumi_home))
        if cluster:
            stack.set(**cluster)
        return stack

    return make


def _install(cloud: Cloud, home: Path) -> None:
    program = home / "plugins" / f"resource-{cloud.package}-v{metadata.version(cloud.distribution)}"
    program.mkdir(parents=True)
    launcher = program / f"pulumi-resource-{cloud.package}"
    launcher.write_text(
        f'#!/bin/sh\nPYTHONPATH="{PROJECT}" exec "{sys.executable}" -m tests.engine.stand_in.plugin {cloud.package}\n'
    )
    launcher.chmod(0o755)
