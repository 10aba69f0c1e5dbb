"""The checksum of an image that machines are made from: what a stack may say of it."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from components.spec import Fault

KEY = "machines.imageChecksum"


class Checksum(NamedTuple):
    """What an image must hold."""

    algorithm: str
    """`sha256` or `sha512`."""

    digest: str
    """In hexadecimal, of small letters."""

    @classmethod
    def of(cls, text: str) -> "Checksum":
        """What a stack has written, where nothing is wrong with that."""
        algorithm, _, digest = text.partition(":")
        return cls(algorithm, digest.lower())


def checksum_faults(text: str) -> Iterator[Fault]:
    """Whether a stack has written a checksum."""
    if not re.fullmatch(r"sha256:[0-9A-Fa-f]{64}|sha512:[0-9A-Fa-f]{128}", text):
        yield Fault(KEY, f"{text!r} is no checksum; write sha256: and 64 hexadecimal digits, or sha512: and 128")


def file_faults(image: Path, wanted: Checksum) -> Iterator[Fault]:
    """Whether a file holds what it must; takes about a second for each gigabyte."""
    with image.open("rb") as file:
        found = hashlib.file_digest(file, wanted.algorithm).hexdigest()
    if found != wanted.digest:
        message = f"{image} has the {wanted.algorithm} {found}: it is another one, or damaged; fetch it again"
        yield Fault(KEY, message)
