"""Which Python a program runs on, and which Pulumi packages are installed there."""

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pulumi.runtime.proto import language_pb2, plugin_pb2


class Unfit(Exception):
    """What the project asks for, and this host cannot do: one line that says why, and the fix."""


@dataclass(frozen=True)
class Environment:
    """A Python, and the environment that it belongs to."""

    python: Path

    folder: Path | None
    """The virtual environment; none where the project names none, and PATH has a plain Python."""

    @property
    def is_this(self) -> bool:
        """Whether this process runs on it."""
        return self.folder is not None and self.folder.is_dir() and self.folder.samefile(sys.prefix)

    def variables(self) -> dict[str, str]:
        """What the environment's `activate` sets."""
        if self.folder is None:
            return {}
        path = os.pathsep.join([str(self.folder / "bin"), os.environ.get("PATH", os.defpath)])
        return {"VIRTUAL_ENV": str(self.folder), "PATH": path}

    def check(self) -> None:
        """Refuse an environment that nobody made yet.

        Raises:
            Unfit: There is no Python.
        """
        if not self.python.exists():
            raise Unfit(f"{self.folder} is not a Python environment; make it with `pulumi install`")

    def packages(self) -> list[plugin_pb2.PackageDependency]:
        """The plugins that installed packages say they need, each in a `pulumi-plugin.json` of its module."""
        found = {file.resolve() for folder in self.paths() for file in folder.glob("*/pulumi-plugin.json")}
        described = [(file, json.loads(file.read_text())) for file in sorted(found)]
        return [_package(file, written) for file, written in described if written.get("resource")]

    def paths(self) -> Iterator[Path]:
        """Where packages lie; those that are edited in place lie elsewhere, and a `.pth` says where."""
        for site in self._sites():
            yield site
            for file in site.glob("*.pth"):
                yield from (Path(line) for line in file.read_text().splitlines() if line.startswith("/"))

    def _sites(self) -> list[Path]:
        if self.folder is not None:
            return list(self.folder.glob("lib/python3*/site-packages"))
        asked = [self.python, "-c", "import sys; print(*sys.path, sep='\\n')"]
        return [Path(line) for line in subprocess.check_output(asked, text=True).splitlines() if line]


def environment(info: language_pb2.ProgramInfo) -> Environment:
    """The environment of a program, by the `runtime.options` of its Pulumi.yaml or PulumiPlugin.yaml.

    Raises:
        Unfit: It has a toolchain that this host does not know, or there is no Python.
    """
    options = {key: value for key, value in info.options.items() if isinstance(value, str)}
    toolchain = options.get("toolchain") or "pip"
    if toolchain not in ("pip", "uv"):
        raise Unfit(f"toolchain {toolchain} is not known to Slipway's language host; use uv, or Pulumi's own release")
    root = Path(info.root_directory)
    if named := options.get("virtualenv"):
        folder = root / named
    elif toolchain == "uv":
        folder = (above(root, "uv.lock") or above(root, "pyproject.toml") or root) / ".venv"
    else:
        return _on_path()
    return Environment(folder / "bin/python", folder)


def above(folder: Path, name: str) -> Path | None:
    """The nearest folder, from this one upwards, that has a file `name`."""
    return next((each for each in (folder, *folder.parents) if (each / name).exists()), None)


def _on_path() -> Environment:
    names = (os.environ.get("PULUMI_PYTHON_CMD"), "python3", "python")
    found = next((path for name in names if name and (path := shutil.which(name))), None)
    if found is None:
        raise Unfit("no Python is on PATH; install it, or name an environment: `runtime.options.virtualenv`")
    folder = Path(found).absolute().parent.parent
    return Environment(Path(found), folder if (folder / "pyvenv.cfg").exists() else None)


def _package(file: Path, written: dict[str, Any]) -> plugin_pb2.PackageDependency:
    def parameters(key: str) -> plugin_pb2.PackageParameterization | None:
        if (given := written.get(key)) is None:
            return None
        value = base64.b64decode(given.get("value") or "")
        return plugin_pb2.PackageParameterization(name=given["name"], version=given["version"], value=value)

    return plugin_pb2.PackageDependency(
        kind="resource",
        name=written.get("name") or file.parent.name.removeprefix("pulumi_").replace("_", "-"),
        # Where it is missing the engine takes the newest one that it has.
        version=written.get("version", ""),
        server=written.get("server", ""),
        parameterization=parameters("parameterization"),
        extension=parameters("extensionParameterization"),
    )
