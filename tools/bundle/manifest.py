"""A bundle's manifest: versions, and the SHA-256 and size of each file."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools.console import Problem

NAME = "manifest.json"


def write(folder: Path, facts: Mapping[str, Any]) -> None:
    """Write the manifest of a folder: `facts`, and its files."""
    files = {
        str(file.relative_to(folder)): {"sha256": _sha256(file), "size": file.stat().st_size}
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.name != NAME
    }
    (folder / NAME).write_text(json.dumps({**facts, "files": files}, indent=2) + "\n")


def read(folder: Path) -> dict[str, Any]:
    """The manifest of a folder.

    Raises:
        Problem: There is none that can be read.
    """
    try:
        return json.loads((folder / NAME).read_text())
    except (OSError, ValueError) as error:
        raise Problem(f"{folder} is no complete bundle ({error}); remove it, and run `make bundle`") from error


def verify(folder: Path) -> None:
    """Hold every file against the manifest.

    Raises:
        Problem: One is missing or not what the manifest says.
    """
    for name, wanted in read(folder)["files"].items():
        file = folder / name
        if not file.is_file():
            raise Problem(f"{file} is missing from the bundle; remove {folder}, and run `make bundle`")
        if file.stat().st_size != wanted["size"] or _sha256(file) != wanted["sha256"]:
            raise Problem(f"{file} is not what its manifest says; remove {folder}, and run `make bundle`")


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
