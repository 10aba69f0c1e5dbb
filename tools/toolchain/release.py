"""Upstream's releases: fetched, checked against the sums that Slipway pins, unpacked into the cache."""

import contextlib
import hashlib
import shutil
import tarfile
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from tools import paths
from tools.console import Problem, Progress, step
from tools.toolchain.programs import Release, here

if TYPE_CHECKING:
    # At run time it is imported where something is fetched: loading it takes longer than all the rest of a run that
    # finds everything in place.
    import httpx

SECONDS_TO_CONNECT, SECONDS_TO_WAIT = 5, 60
"""A network that drops packets is found out soon, a slow download goes on."""


class Unavailable(Exception):
    """A release that cannot be had from this machine: no network to it, or none for this platform."""


def fetch(name: str, version: str, release: Release) -> Path:
    """The folder with the programs of a release, fetched unless it is there.

    Raises:
        Unavailable: The release cannot be reached, or there is none for this platform.
        Problem: What came is not what Slipway pins.
    """
    platform, folder = here(), _folder(name, version)
    if platform not in release.sums:
        raise Unavailable(f"Slipway pins none for {platform}")
    url = release.url.format(version=version, platform=release.platforms[platform])
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not folder.is_dir():
            archive = folder.with_name(f"{folder.name}.download")
            # Announced only once it answers: that it does not is nothing gone wrong, there is another road.
            with _answer(url) as response, step(f"Fetching {name} {version}") as progress:
                _save(response, archive, release.sums[platform], progress)
                _unpack(name, archive, release.folder, folder)
                archive.unlink()
    return folder


def is_fetched(name: str, version: str) -> bool:
    """Whether `fetch` would find the programs there."""
    return _folder(name, version).is_dir()


def _folder(name: str, version: str) -> Path:
    return paths.CACHE / "releases" / f"{name}-{version}-{here()}"


@contextlib.contextmanager
def _answer(url: str) -> Generator["httpx.Response"]:
    import httpx

    timeout = httpx.Timeout(SECONDS_TO_WAIT, connect=SECONDS_TO_CONNECT)
    try:
        with httpx.stream("GET", url, follow_redirects=True, timeout=timeout) as response:
            if response.status_code != httpx.codes.OK:
                raise Unavailable(f"{url} answers {response.status_code} {response.reason_phrase}")
            yield response
    except httpx.TransportError as error:
        raise Unavailable(f"{httpx.URL(url).host} cannot be reached ({error})") from error


def _save(response: "httpx.Response", target: Path, wanted: str, progress: Progress) -> None:
    url, size = response.request.url, int(response.headers.get("Content-Length", 0))
    digest, done = hashlib.sha256(), 0
    with target.open("wb") as file:
        for chunk in response.iter_bytes():
            digest.update(chunk)
            file.write(chunk)
            done += len(chunk)
            progress.update(f"{done / 2**20:.0f} of {size / 2**20:.0f} MB" if size else f"{done / 2**20:.0f} MB")
    if digest.hexdigest() != wanted:
        target.unlink()
        raise Problem(
            f"{url} is not the file that Slipway pins (SHA-256 {digest.hexdigest()}, not {wanted}); it was removed: "
            "if a proxy of yours changes downloads, put the program on PATH yourself"
        )


def _unpack(name: str, archive: Path, inner: str | None, folder: Path) -> None:
    fresh = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    if inner is None:
        shutil.copyfile(archive, fresh / name)
        (fresh / name).chmod(0o755)
    else:
        with tarfile.open(archive) as files:
            files.extractall(fresh)  # noqa: S202 - it is the file whose sum is pinned
    (fresh / inner if inner else fresh).replace(folder)
    shutil.rmtree(fresh, ignore_errors=True)
