"""Pulumi's plugins for a target, had before Pulumi runs: where one cannot be had, that takes one line."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.console import Problem, step


@dataclass(frozen=True)
class Plugin:
    """What an SDK needs beside itself, as its package's `pulumi-plugin.json` says."""

    name: str
    version: str
    server: str | None = None
    """Where it is published, unless that is Pulumi's own place."""

    @property
    def is_there(self) -> bool:
        """Whether Pulumi finds it: in its own folder, or as a program on PATH."""
        home = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
        installed = home / f"plugins/resource-{self.name}-v{self.version}"
        return installed.is_dir() or shutil.which(f"pulumi-resource-{self.name}") is not None


def ensure(extras: Sequence[str]) -> None:
    """Have the plugins of the SDKs that extras of pyproject.toml bring.

    Raises:
        Problem: One cannot be downloaded.
    """
    if os.environ.get("PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"):
        return
    for extra in extras:
        for plugin in _of(extra):
            if not plugin.is_there:
                _install(plugin)


def _of(extra: str) -> Iterator[Plugin]:
    # Only now: a run on this machine's own containers need not wait for them.
    import importlib.metadata

    from packaging.requirements import Requirement

    importlib.invalidate_caches()  # the SDK may have been installed a moment ago
    for requirement in map(Requirement, importlib.metadata.requires("slipway") or []):
        if requirement.marker and requirement.marker.evaluate({"extra": extra}):
            for file in importlib.metadata.files(requirement.name) or []:
                if file.name == "pulumi-plugin.json":
                    told = json.loads(file.read_text())
                    yield Plugin(told["name"], told["version"].removeprefix("v"), told.get("server"))


_TRIED = "warning: Error downloading plugin: "


def _install(plugin: Plugin) -> None:
    words = ["pulumi", "plugin", "install", "resource", plugin.name, plugin.version]
    server = ["--server", plugin.server] if plugin.server else []
    with step(f"Getting Pulumi's plugin {plugin.name} {plugin.version}"):
        done = subprocess.run(
            [*words, *server, "--color", "never"], stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        if done.returncode:
            # Behind Pulumi's warnings of each try stands only how many there were.
            lines = (done.stderr + done.stdout).strip().splitlines() or ["it printed nothing"]
            why = next((line.removeprefix(_TRIED) for line in lines if line.startswith(_TRIED)), lines[-1])
            raise Problem(
                f"Pulumi's plugin {plugin.name} {plugin.version} cannot be downloaded: {why.removeprefix('error: ')}; "
                "try again where it can be reached, name a mirror in PULUMI_PLUGIN_DOWNLOAD_URL_OVERRIDES, or put "
                f"pulumi-resource-{plugin.name} on PATH"
            )
