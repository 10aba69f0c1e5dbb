"""Container images written without a container engine, as archives that `docker load` and `ctr images import` read.

One layer, all times 0, entries in order: the same input gives the same bytes.
"""

import hashlib
import io
import json
import os
import platform
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), platform.machine())


@dataclass(frozen=True)
class Image:
    """What goes into an image."""

    names: tuple[str, ...]
    """Each with its tag."""

    files: Mapping[str, Path] = field(default_factory=dict)
    """Path in the image → file of this machine; it belongs to root."""

    texts: Mapping[str, str] = field(default_factory=dict)
    """Path in the image → content."""

    links: Mapping[str, str] = field(default_factory=dict)
    """Path in the image → where the symbolic link points."""

    tree: Path | None = None
    """A whole file system, taken with owners and modes."""

    config: Mapping[str, object] = field(default_factory=dict)
    """How it runs: `Entrypoint`, `Cmd`, `Env`, `Labels`, as the OCI image configuration names them."""


def write(image: Image, archive: Path) -> None:
    """Write the image's archive; there is none until it is complete."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    fresh = archive.with_name(f"{archive.name}.new")
    with fresh.open("w+b") as out:
        # The layer first, its header last, when size and digest are known: a node image is written only once.
        out.write(bytes(tarfile.BLOCKSIZE))
        layer = _Hashing(out)
        with tarfile.open(fileobj=layer, mode="w|", format=tarfile.PAX_FORMAT, bufsize=1 << 20) as tar:
            for entry, content in _entries(image, tar):
                tar.addfile(entry, content)
        _pad(out, layer.size)
        end = out.tell()
        out.seek(0)
        out.write(_header("layer.tar", layer.size))
        out.seek(end)
        config = _json({
            "architecture": ARCHITECTURE,
            "os": "linux",
            "created": "1970-01-01T00:00:00Z",
            "config": {"Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"], **image.config},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer.digest.hexdigest()}"]},
            "history": [{"created_by": "slipway"}],
        })  # fmt: skip
        name = f"{hashlib.sha256(config).hexdigest()}.json"
        manifest = _json([{"Config": name, "RepoTags": list(image.names), "Layers": ["layer.tar"]}])
        for member, content in ((name, config), ("manifest.json", manifest)):
            out.write(_header(member, len(content)) + content)
            _pad(out, len(content))
        out.write(bytes(2 * tarfile.BLOCKSIZE))
    fresh.replace(archive)


def _entries(image: Image, tar: tarfile.TarFile) -> Iterator[tuple[tarfile.TarInfo, BinaryIO | None]]:
    if image.tree is not None:
        yield from _tree(image.tree, tar)
    folders: set[str] = set()
    for path in sorted({*image.files, *image.texts, *image.links}):
        name = path.lstrip("/")
        for parent in reversed(Path(name).parents):
            if str(parent) not in {".", *folders}:
                folders.add(str(parent))
                folder = tarfile.TarInfo(str(parent))
                folder.type, folder.mode = tarfile.DIRTYPE, 0o1777 if str(parent) == "tmp" else 0o755
                yield folder, None
        entry = tarfile.TarInfo(name)
        if path in image.links:
            entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, image.links[path], 0o777
            yield entry, None
        elif path in image.texts:
            content = image.texts[path].encode()
            entry.size, entry.mode = len(content), 0o644
            yield entry, io.BytesIO(content)
        else:
            source = image.files[path].resolve()
            entry.size, entry.mode = source.stat().st_size, 0o755 if os.access(source, os.X_OK) else 0o644
            with source.open("rb") as content:
                yield entry, content


def _tree(root: Path, tar: tarfile.TarFile) -> Iterator[tuple[tarfile.TarInfo, BinaryIO | None]]:
    for folder, folders, files in os.walk(root):
        folders.sort()
        linked = [name for name in folders if Path(folder, name).is_symlink()]
        for path in [Path(folder), *(Path(folder, name) for name in sorted([*files, *linked]))]:
            entry = tar.gettarinfo(path, str(path.relative_to(root)))
            if entry is None:  # a socket
                continue
            entry.mtime, entry.uname, entry.gname = 0, "", ""
            if entry.isreg():
                with path.open("rb") as content:
                    yield entry, content
            else:
                yield entry, None


class _Hashing(io.RawIOBase):
    """A file that hashes what is written to it."""

    def __init__(self, out: BinaryIO) -> None:
        self._out, self.digest, self.size = out, hashlib.sha256(), 0

    def write(self, content: Any) -> int:
        """Write bytes, and take them into the digest and the size."""
        self.digest.update(content)
        self.size += len(content)
        return self._out.write(content)


def _header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size = size
    return info.tobuf(tarfile.USTAR_FORMAT)


def _pad(out: BinaryIO, size: int) -> None:
    out.write(bytes(-size % tarfile.BLOCKSIZE))


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True).encode()
