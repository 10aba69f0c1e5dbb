"""The programs that Slipway runs: accepted versions, upstream's pinned releases, and how each is built from source."""

import platform
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

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
    build: GoBuild
    """What is built where the release cannot be had."""

    build_minutes: int
    """How long the build takes on two cores, the first time."""

    scripts: tuple[Path, ...] = ()
    """Programs of this project's that take the place of what the release has and no build makes."""


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
                sums={
                    "linux-amd64": "8916fd36ccc96adbd45ca679194b685e3b767d94502ae05610878a6d9870b8f3",
                    "linux-arm64": "deb4bf0d05b4cbaf3adcf82ffa44039ad0ebf039e33338ead8136877a437b4e5",
                    "darwin-amd64": "8aa1615ed737022949d4050bf183ab37bce1f9cecb88877bc6636db82604e348",
                    "darwin-arm64": "dbd289ce3069cf567683252082e226aef533775f546df7286f64f3f36f5fda28",
                },
                platforms={platform: platform.replace("amd64", "x64") for platform in PLATFORMS},
                folder="pulumi",
            ),
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
            build_minutes=5,
            # The release's is in no Go module of this version.
            scripts=(Path(__file__).parents[1] / "language_host/pulumi-language-python",),
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
                sums={
                    "linux-amd64": "aee6151561422756b764a4ae28e7f44cda5af5a9eead3cc9985112b1de8d8e0d",
                    "linux-arm64": "20022bee6cfcd5086cb7234d218e3454e6090022f2a8f55d1fa7fcf42c3867a2",
                    "darwin-amd64": "5a99f26f57246dc9319dd294803313197a0f34d33c525b3ea8b655db5916ece0",
                    "darwin-arm64": "0c8c7dbe5e23594a198b786c4bc13dacc101fa6196b0cb0b23a1ca44e61f4b4f",
                },
                platforms={platform: platform for platform in PLATFORMS},
            ),
            GoBuild("kind", ("sigs.k8s.io/kind",)),
            build_minutes=1,
        ),
    ),
)


def _kubectl(version: str, built: str, sums: Mapping[str, str]) -> Source:
    """One minor of kubectl; where it is built, then from the sources that the offline bundle is built from."""
    return Source(
        version,
        Release(
            "https://dl.k8s.io/release/v{version}/bin/{platform}/kubectl",
            sums,
            platforms={platform: platform.replace("-", "/") for platform in PLATFORMS},
        ),
        kubernetes(built, "kubectl"),
        build_minutes=4,
    )


KUBECTL = Program(
    "kubectl",
    SpecifierSet(">=1.34"),
    ("version", "--client"),
    (
        _kubectl(
            "1.37.1",
            built="v1.37.2",
            sums={
                "linux-amd64": "65691ff77eb6fa44c908b77a1082c9f092c3b9733b5cefabec0d1104890e21a8",
                "linux-arm64": "ff749f4b78d9c4f1ec87307df9b50119ed819e2094aa9810cb9acffc3286c8c7",
                "darwin-amd64": "6851381c486ff6edd691623e3d65c87cb9a5b02887ff8fbbb38d8a031b748387",
                "darwin-arm64": "fd65982c97ddad3106754b69ffa196d0e543aa591930ae52aed1adfb92f8c77f",
            },
        ),
        _kubectl(
            "1.36.4",
            built="v1.36.3",
            sums={
                "linux-amd64": "8b8f088da2dab964f853b38464033b1be15ede2839eca751482357c45abdd05a",
                "linux-arm64": "0ecf44450ee6063bf19dd166a103ee6df4a9034455c2abce626e6eea657d73fb",
            },
        ),
    ),
)

MINIKUBE = Program(
    "minikube",
    SpecifierSet(">=1.37,<2"),
    ("version", "--short"),
    (
        Source(
            "1.38.1",
            Release(
                "https://github.com/kubernetes/minikube/releases/download/v{version}/minikube-{platform}",
                # None yet: nowhere could its sums be had from the makers, and what is not pinned is not fetched.
                sums={},
                platforms={platform: platform for platform in PLATFORMS},
            ),
            GoBuild(
                "minikube",
                ("k8s.io/minikube/cmd/minikube",),
                # Without these it looks for images and machines of a version v0.0.0-unset; as in its own Makefile.
                ldflags=" ".join(
                    f"-X k8s.io/minikube/pkg/version.{name}={value}"
                    for name, value in {
                        "version": "v1.38.1",
                        "isoVersion": "v1.38.0",
                        "storageProvisionerVersion": "v5",
                    }.items()
                ),
                # Its driver kvm2 is libvirt's client: found by dlopen, so that others need no libvirt.
                tags=("libvirt_dlopen",),
                cgo=True,
            ),
            build_minutes=8,
        ),
    ),
)

K3D = Program(
    "k3d",
    SpecifierSet(">=5.8,<6"),
    ("version",),
    (
        Source(
            "5.9.0",
            Release(
                "https://github.com/k3d-io/k3d/releases/download/v{version}/k3d-{platform}",
                # As two projects pin them that have nothing to do with each other; for others there was one alone.
                sums={
                    "linux-amd64": "06d8f25bc3a971c4eb29e0ff08429b180402db0f4dec838c9eac427e296800a0",
                    "darwin-arm64": "fe106541d5d0a3f18debcd4d432a16f8c0ce3e6ddc06f8fbb6f696a122313e00",
                },
                platforms={platform: platform for platform in PLATFORMS},
            ),
            # Without the flag it looks for helper images of a version v5-dev.
            GoBuild("k3d", ("github.com/k3d-io/k3d/v5",), ldflags="-X github.com/k3d-io/k3d/v5/version.Version=v5.9.0"),
            build_minutes=3,
        ),
    ),
)

PROGRAMS = {program.name: program for program in (PULUMI, KIND, KUBECTL, MINIKUBE, K3D)}
