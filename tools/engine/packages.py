"""Programs out of the distribution's own packages, unpacked into a folder and not installed.

Installing them would start a `docker.service` of the machine and change its packages for good. apt fetches what this
machine lacks and checks the signatures; its lists and archives are kept apart from the machine's own.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.console import Problem, step
from tools.run import run

WANTED = ("docker.io", "iptables", "iproute2", "slirp4netns")
WHERE_THERE_IS_ONE = ("docker-cli",)
"""Newer releases pack Docker's client apart from its daemon."""


@dataclass(frozen=True)
class Programs:
    """An unpacked set of packages."""

    root: Path

    @property
    def environment(self) -> Mapping[str, str]:
        """What a process needs to find the programs, their libraries and iptables' extensions."""
        # Packages of older releases still put some below /lib, which is a link on the machine and a folder here.
        libraries = [folder for top in ("usr/lib", "lib") for folder in sorted((self.root / top).glob("*-linux-gnu*"))]
        folders = [self.root / folder for folder in ("usr/sbin", "usr/bin", "sbin", "bin")]
        own = [str(folder) for folder in folders if folder.is_dir()]
        environment = {
            "PATH": ":".join([*own, "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]),
            "LD_LIBRARY_PATH": ":".join(map(str, libraries)),
        }
        # An iptables that the machine has already knows its own folder.
        if extensions := [str(folder / "xtables") for folder in libraries if (folder / "xtables").is_dir()]:
            environment["XTABLES_LIBDIR"] = extensions[0]
        return environment

    def find(self, program: str) -> str:
        """The path of a program, among these or the machine's own.

        Raises:
            Problem: There is none.
        """
        path = shutil.which(program, path=self.environment["PATH"])
        if path is None:
            raise Problem(f"{program} is not in {self.root}: remove that folder, and its packages are unpacked anew")
        return path


def ensure(folder: Path) -> Programs:
    """The engine's programs, fetched and unpacked under `folder` unless they are there.

    Raises:
        Problem: apt could not fetch them.
    """
    return unpack(folder, "the container engine", "70 MB", WANTED, WHERE_THERE_IS_ONE)


def unpack(
    folder: Path, what: str, size: str, wanted: Sequence[str], where_there_is_one: Sequence[str] = ()
) -> Programs:
    """The programs of `wanted` packages, and of what they depend on, that this machine lacks.

    Raises:
        Problem: apt could not fetch them.
    """
    root = folder / "root"
    if not root.is_dir():
        archives = _download(
            folder / "packages",
            f"{what} from the distribution's packages (about {size})",
            [*wanted],
            where_there_is_one,
        )
        fresh = folder / "root.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()  # it stays empty where the machine has all of them installed
        with step(f"Unpacking {what}"):
            for archive in archives:
                run(["dpkg-deb", "--extract", archive, fresh])
            _link_iptables(fresh)
        fresh.replace(root)
        shutil.rmtree(folder / "packages")
    return Programs(root)


def _download(folder: Path, what: str, wanted: list[str], where_there_is_one: Sequence[str]) -> list[Path]:
    """Fetch the packages that this machine lacks, and return their archives."""
    apt = ["apt-get", "-q", "-y", "-o", f"Dir::State::lists={folder}/lists", "-o", f"Dir::Cache={folder}"]
    # Nothing of the machine's is written, so none of its locks is needed: an upgrade may be running. The folder may
    # be root's alone, so root itself downloads.
    apt += ["-o", "Debug::NoLocking=true", "-o", "APT::Sandbox::User=root", "-o", "APT::Update::Post-Invoke="]
    for part in ("lists/partial", "archives/partial"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    log = folder / "apt.log"
    with step(f"Fetching {what}"):
        run([*apt, "update"], log=log)
        if where_there_is_one:
            known = run(["apt-cache", *apt[3:], "pkgnames"]).split()
            wanted += [name for name in where_there_is_one if name in known]
        run([*apt, "install", "--download-only", "--no-install-recommends", *wanted], log=log)
    return sorted((folder / "archives").glob("*.deb"))


def _link_iptables(root: Path) -> None:
    """Make the links that iptables' packages leave to the machine's `alternatives`."""
    for folder in (root / "usr/sbin", root / "sbin"):
        if (folder / "xtables-nft-multi").exists():
            for name in ("iptables", "ip6tables"):
                for suffix in ("", "-save", "-restore"):
                    link = folder / f"{name}{suffix}"
                    if not link.exists():
                        link.symlink_to("xtables-nft-multi")
