"""Which plugins of Pulumi are brought before it runs."""

import importlib.metadata
from pathlib import Path

import pytest

from tools import plugins
from tools.console import Problem

GCP = importlib.metadata.version("pulumi-gcp")


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine without a plugin: no folder of Pulumi's, and on PATH a `pulumi` alone, which writes down its words."""
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "pulumi-home"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION", raising=False)
    program(tmp_path / "pulumi", f"echo $* >> {tmp_path}/told")
    return tmp_path


def program(file: Path, script: str) -> None:
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def told(machine: Path) -> str:
    file = machine / "told"
    return file.read_text() if file.exists() else ""


def test_a_clouds_plugin_is_had_in_the_version_of_its_sdk(machine):
    plugins.ensure(["gcp"])
    assert told(machine) == f"plugin install resource gcp {GCP} --color never\n"


def test_a_plugin_that_others_publish_comes_from_them(machine):
    plugins.ensure(["scaleway"])
    assert "--server github://api.github.com/pulumiverse" in told(machine)


def test_a_target_without_an_sdk_needs_no_plugin(machine):
    plugins.ensure([])
    assert told(machine) == ""


def test_a_plugin_that_is_installed_is_not_asked_for(machine):
    (machine / f"pulumi-home/plugins/resource-gcp-v{GCP}").mkdir(parents=True)
    plugins.ensure(["gcp"])
    assert told(machine) == ""


def test_a_plugin_on_path_is_not_asked_for(machine):
    program(machine / "pulumi-resource-gcp", "")
    plugins.ensure(["gcp"])
    assert told(machine) == ""


def test_who_forbids_pulumi_to_fetch_plugins_is_obeyed(machine, monkeypatch):
    monkeypatch.setenv("PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION", "true")
    plugins.ensure(["gcp"])
    assert told(machine) == ""


@pytest.mark.parametrize(
    "printed",
    [
        "warning: Error downloading plugin: no such host\nWill retry in 80ms [1/5]\nerror: failed all 5 attempts",
        "error: no such host",
    ],
)
def test_a_plugin_that_cannot_be_downloaded_is_told_in_one_line_with_its_cause(machine, printed):
    program(machine / "pulumi", f"echo '{printed}' >&2; exit 1")
    with pytest.raises(Problem) as raised:
        plugins.ensure(["gcp"])
    assert str(raised.value) == (
        f"Pulumi's plugin gcp {GCP} cannot be downloaded: no such host; try again where it can be reached, "
        "name a mirror in PULUMI_PLUGIN_DOWNLOAD_URL_OVERRIDES, or put pulumi-resource-gcp on PATH"
    )
