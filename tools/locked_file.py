"""Files that other programs change too: locked as kubectl locks its own, and replaced as a whole."""

import contextlib
import errno
import fcntl
import os
import stat
import time
from collections.abc import Generator
from datetime import datetime
from pathlib import Path

from tools.console import Problem

SECONDS = 20
"""How long another program may hold the lock; kubectl does for milliseconds."""

_SECONDS_BETWEEN_LOOKS = 0.02
_OURS = b"slipway\n"
"""What our lock says; that of kubectl and kind is empty."""


@contextlib.contextmanager
def locked(path: Path) -> Generator[None]:
    """Hold the lock that kubectl takes for a kubeconfig: a file beside it that only one can make.

    It stands beside the name that was given, as kubectl has it, and beside the file behind it if that is a link. One
    that a killed run of ours has left is taken over, since nobody holds it any more (`flock`).
    https://github.com/kubernetes/client-go/blob/master/tools/clientcmd/loader.go

    Raises:
        Problem: Another program holds it for too long.
        OSError: The folder cannot be written to, or what is there is no file, or none that may change.
    """
    _known(path)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.ExitStack() as held:
        # Without links and `..` in the folder: one lock under two names would wait for itself.
        given = Path(os.path.realpath(path.parent), path.name)
        # In the order of their names, so that two that want both never wait for each other.
        for lock in sorted({f"{given}.lock", f"{os.path.realpath(path)}.lock"}):
            held.enter_context(_lock(Path(lock)))
        yield


def replace(path: Path, text: str) -> None:
    """Have a file hold `text`, in an instant; a link stays one, and a new file is for its owner's eyes only.

    Raises:
        OSError: It cannot be written, or what is there is no file, or none that may change.
    """
    known = _known(path)
    path = Path(os.path.realpath(path))
    fresh = path.with_name(f".{path.name}.slipway")
    fresh.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        if known:
            if (known.st_uid, known.st_gid) != (os.geteuid(), os.getegid()):
                try:
                    os.chown(fresh, known.st_uid, known.st_gid)
                except PermissionError:
                    # Under another group its mode would let in people who may not read it.
                    os.chown(fresh, -1, known.st_gid)
            fresh.chmod(stat.S_IMODE(known.st_mode))
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise


def _known(path: Path) -> os.stat_result | None:
    """What there is to know of a file that may change.

    A pipe or device never ends to be read and would make way for a file, and so would what its owner guards.
    """
    try:
        known = path.stat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(known.st_mode):
        raise OSError(errno.EINVAL, "it is a folder, a pipe or a device, and no file", str(path))
    if not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    return known


@contextlib.contextmanager
def _lock(lock: Path) -> Generator[None]:
    deadline = time.monotonic() + SECONDS
    while (descriptor := _made(lock)) is None and (descriptor := _taken_over(lock)) is None:
        if time.monotonic() > deadline:
            raise Problem(f"{lock} says that another program changes that file{_since(lock)}; does none, remove it")
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
        os.close(descriptor)


def _made(lock: Path) -> int | None:
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return None
    with contextlib.suppress(OSError):  # a file system without such locks: then a killed run's is not taken over
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.write(descriptor, _OURS)
    return descriptor


def _taken_over(lock: Path) -> int | None:
    """The lock that a killed run of ours has left, if that is one."""
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_NOFOLLOW)
    except OSError:
        return None
    with contextlib.suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Its name may have gone, or become another one's, since it was opened.
        if _is_ours(descriptor, lock):
            return descriptor
    os.close(descriptor)
    return None


def _is_ours(descriptor: int, lock: Path) -> bool:
    return os.path.samestat(os.fstat(descriptor), lock.lstat()) and os.pread(descriptor, len(_OURS), 0) == _OURS


def _since(lock: Path) -> str:
    try:
        return f" since {datetime.fromtimestamp(lock.stat().st_mtime):%H:%M:%S}"
    except OSError:
        return ""
