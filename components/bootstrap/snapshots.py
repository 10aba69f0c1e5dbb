"""Snapshots of etcd: taken and encrypted on a control plane, kept off it, and opened by the stack's state alone.

A snapshot holds all that a cluster knows, its Secrets too. Machines have the certificate that encrypts, and only the
state the key that decrypts: whoever finds a snapshot, or takes a machine, reads none.
"""

import base64
import os
import re
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from typing_extensions import TypedDict

from components import versions
from components.bootstrap.certificates import self_signed
from components.machines.reach import Reach, ReachError

TAKE = (Path(__file__).parent / "files/snapshot.sh").read_text()

FOLDER = Path(".slipway/snapshots")
"""Where they are kept, below the project's folder, unless a stack says otherwise."""

FILES = "*.etcd.cms"
"""How the files of all of them are called."""

CERTIFICATE = "/var/lib/slipway/snapshots.crt"
"""Goes with all else there when the machine leaves."""

RESTORED = "/var/lib/slipway/snapshot.db"
"""Where a machine looks for the snapshot that its etcd is to start with."""

TAKE_SECONDS = 600
LIFETIME = timedelta(days=3650)

_NAME = re.compile(r"(?P<cluster>.+)-v(?P<version>\d+\.\d+\.\d+)-(?P<time>\d{8}T\d{6}Z)\.etcd\.cms")


KEY_BITS: int = 3072
"""As safe as AES-128, beyond 2030 (NIST SP 800-57)."""


class SnapshotKey(TypedDict):
    """What snapshots are encrypted for, both PEM."""

    certificate: str
    key: str


@dataclass(frozen=True)
class Snapshot:
    """A snapshot as a control plane gives it away."""

    version: str
    """Of Kubernetes, such as `v1.37.2`: what runs there, in mid-upgrade too. No older one could read it."""

    sealed: bytes


class SnapshotError(Exception):
    """A snapshot could not be taken, or cannot be opened: one line with the reason."""

    __module__ = "builtins"  # so that Pulumi shows "SnapshotError: …" without the path of this class


def make_key(now: datetime) -> SnapshotKey:
    """A new key: RSA, as that is what every openssl and CMS (RFC 5652) agree on for a message to a certificate."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    return {
        "certificate": self_signed("etcd-snapshots", key, now, LIFETIME),
        "key": key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode(),
    }


def take(reach: Reach, certificate: str) -> Snapshot:
    """Take a snapshot on a control plane, and return it encrypted; nothing of it stays there.

    Raises:
        SnapshotError: There is none: etcd does not run there, the machine is not reached, or its disk is full.
    """
    try:
        reach.put({CERTIFICATE: (0o644, certificate)})
        version, _, told = reach.run("bash", "-s", stdin=TAKE, seconds=TAKE_SECONDS).partition("\n")
        taken = Snapshot(version, base64.b64decode(told, validate=True))
    except ReachError as error:
        raise SnapshotError(f"no snapshot of etcd was taken: {error}") from None
    except ValueError:
        taken = Snapshot("", b"")
    if not (taken.version and taken.sealed):
        raise SnapshotError(f"no snapshot of etcd was taken: {reach.machine} sent nothing, or half of one")
    return taken


def keep(folder: Path, cluster: str, taken: Snapshot) -> Path:
    """Write a snapshot below a folder of the cluster's own, for its owner's eyes, whole or not at all.

    Args:
        folder: Of all snapshots.
        cluster: Name of the cluster.
        taken: As `take` has returned it.

    Raises:
        SnapshotError: It cannot be written there.
    """
    own = folder / cluster
    path = own / f"{cluster}-{taken.version}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.etcd.cms"
    try:
        own.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, fresh = tempfile.mkstemp(prefix=".", dir=own)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(taken.sealed)
                file.flush()
                os.fsync(descriptor)
            Path(fresh).replace(path)
        finally:
            Path(fresh).unlink(missing_ok=True)
    except OSError as error:
        raise SnapshotError(f"the snapshot cannot be kept as {path}: {error.strerror}") from None
    return path


def read(path: Path, key: SnapshotKey) -> bytes:
    """Open a snapshot.

    Raises:
        SnapshotError: There is no such file, it is damaged, or another cluster's.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SnapshotError(f"{path} cannot be read: {error.strerror}") from None
    certificate = x509.load_pem_x509_certificate(key["certificate"].encode())
    private = serialization.load_pem_private_key(key["key"].encode(), password=None)
    if not isinstance(private, rsa.RSAPrivateKey):
        raise TypeError("the key of snapshots is an RSA one")
    try:
        return pkcs7.pkcs7_decrypt_der(data, certificate, private, [])
    except ValueError:
        raise SnapshotError(
            f"{path} cannot be opened with the key of this stack: it is damaged, no snapshot, or of another cluster"
        ) from None


def version_fault(path: Path, version: str) -> str | None:
    """Why a snapshot cannot be the start of a cluster of a version, as far as its name tells."""
    match = _NAME.fullmatch(path.name)
    if match is None or versions.numbers(versions.minor_of(match["version"])) <= versions.numbers(
        versions.minor_of(version)
    ):
        return None
    return f"{path} is of Kubernetes {match['version']}, which {version} cannot read; write at least its minor version"


def give(reach: Reach, snapshot: bytes) -> None:
    """Put an opened snapshot where a machine that boots waits for it.

    Raises:
        ReachError: It did not get there.
    """
    reach.put({f"{RESTORED}.new": (0o600, snapshot)}, seconds=TAKE_SECONDS)
    reach.run("mv", f"{RESTORED}.new", RESTORED)
