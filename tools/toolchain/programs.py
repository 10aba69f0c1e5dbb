"""The programs that Slipway runs: accepted versions, upstream's pinned releases, and how each is built from source."""

import platform
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from packaging.specifiers import SpecifierSet

from tools.toolchain.golang import GoBuild


@dataclass(frozen=True)
class Release:
    """A release that its makers publish as one file a platform."""

    url: str
    """With `{version}`, and `{platform}` as the makers write it."""

    sums: Mapping[str, str]
    """Platform as Slipway writes it, e.g. `linux-amd64`: SHA-256 of the file."""

    platforms: Mapping[str, str]
    """Platform as Slipway writes it: as the makers do."""

    folder: str | None = None
    """The folder of the programs in the archive; none where the file is the program itself."""


@dataclass(frozen=True)
class Source:
    """A version of a program that Slipway can bring."""

    version: str
    release: Release
    builds: tuple[GoBuild, ...]
    """What is built where the release cannot be had."""

    build_minutes: int
    """How long the build takes on two cores, the first time."""


@dataclass(frozen=True)
class Program:
    """A program that Slipway runs, and where it comes from."""

    name: str
    accepted: SpecifierSet
    """Versions that will do."""

    version_command: tuple[str, ...]
    """Prints the version."""

    sources: tuple[Source, ...]
    """Newest first."""

    beside: tuple[str, ...] = ()
    """Programs that must be found on PATH too for this one to work, and that come with it."""

    @property
    def provides(self) -> tuple[str, ...]:
        """All that must be found on PATH, the program itself first."""
        return (self.name, *self.beside)


VERSION = re.compile(r"v?(\d+\.\d+\.\d+)")
"""The version in what a version command prints."""


def here() -> str:
    """This machine's platform, e.g. `linux-amd64`."""
    machine = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), platform.machine())
    return f"{sys.platform}-{machine}"
