"""The programs that Slipway runs: accepted versions, upstream's pinned releases, and how each is built from source."""

import platform
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from packaging.specifiers import SpecifierSet

from tools.toolchain.golang import GoBuild
from tools.toolchain.kubernetes import kubernetes


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


PLATFORMS = ("linux-amd64", "linux-arm64", "darwin-amd64", "darwin-arm64")
"""Where releases are had for."""

VERSION = re.compile(r"v?(\d+\.\d+\.\d+)")
"""The version in what a version command prints."""


def here() -> str:
    """This machine's platform, e.g. `linux-amd64`."""
    machine = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), platform.machine())
    return f"{sys.platform}-{machine}"


_PULUMI = "github.com/pulumi/pulumi/{}/v3"
_VERSION_FLAG = f"-X {_PULUMI.format('sdk')}/go/common/version.Version="

PULUMI = Program(
    "pulumi",
    SpecifierSet(">=3.238,<4"),
    ("version",),
    (
        Source(
            "3.250.0",
            Release(
                "https://get.pulumi.com/releases/sdk/pulumi-v{version}-{platform}.tar.gz",
                sums={},
                platforms={platform: platform.replace("amd64", "x64") for platform in PLATFORMS},
                folder="pulumi",
            ),
            (
                GoBuild(
                    "pulumi",
                    (f"{_PULUMI.format('pkg')}/cmd/pulumi",),
                    ldflags=f"{_VERSION_FLAG}v3.250.0",
                    # Scripts, which no compiler makes: they start the program and its dynamic providers.
                    files={
                        _PULUMI.format("sdk"): (
                            "python/cmd/pulumi-language-python-exec",
                            "python/dist/pulumi-resource-pulumi-python",
                        )
                    },
                ),
                # The last version whose module can be had; it works with a CLI as new as the one above.
                GoBuild(
                    "pulumi-language-python",
                    (f"{_PULUMI.format('sdk')}/python/cmd/pulumi-language-python",),
                    ldflags=f"{_VERSION_FLAG}v3.75.0",
                ),
            ),
            build_minutes=5,
        ),
    ),
    beside=("pulumi-language-python", "pulumi-language-python-exec", "pulumi-resource-pulumi-python"),
)

KIND = Program(
    "kind",
    SpecifierSet(">=0.32,<1"),
    ("version",),
    (
        Source(
            "0.33.0",
            Release(
                "https://github.com/kubernetes-sigs/kind/releases/download/v{version}/kind-{platform}",
                sums={},
                platforms={platform: platform for platform in PLATFORMS},
            ),
            (GoBuild("kind", ("sigs.k8s.io/kind",)),),
            build_minutes=1,
        ),
    ),
)


def _kubectl(version: str, sums: Mapping[str, str]) -> Source:
    return Source(
        version,
        Release(
            "https://dl.k8s.io/release/v{version}/bin/{platform}/kubectl",
            sums,
            platforms={platform: platform.replace("-", "/") for platform in PLATFORMS},
        ),
        (kubernetes(f"v{version}", "kubectl"),),
        build_minutes=4,
    )


KUBECTL = Program(
    "kubectl",
    SpecifierSet(">=1.34"),
    ("version", "--client"),
    (
        _kubectl("1.37.2", {}),
        _kubectl("1.36.3", {}),
    ),
)

PROGRAMS = {program.name: program for program in (PULUMI, KIND, KUBECTL)}
