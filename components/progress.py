"""What a dynamic provider tells the person who waits: lines on Pulumi's own display.

A dynamic provider is a process of its own that the engine starts with its address as the last argument. It outlives an
engine that is killed, and so would the programs it runs: `leave_with_the_engine` ends both.
"""

import functools
import os
import signal
import socket
import sys
import threading
import time

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

_SECONDS_BETWEEN_LOOKS = 0.5


_last = ""


def status(message: str) -> None:
    """Show `message` while the operation runs; the next one takes its place. Said again, it is not shown again."""
    global _last
    if message != _last:
        _last = message
        _log(message, ephemeral=True)


def inform(message: str) -> None:
    """Show `message` and keep it."""
    _log(message, ephemeral=False)


def warn(message: str) -> None:
    """Show `message` as a warning and keep it."""
    _log(message, ephemeral=False, severity=engine_pb2.WARNING)


@functools.cache
def leave_with_the_engine() -> None:
    """From now on, end this process group's programs and this process once the engine is gone."""
    engine = _engine()
    if engine is not None:
        threading.Thread(target=_watch, args=(engine,), daemon=True).start()


def _watch(engine: str) -> None:
    host, _, port = engine.rpartition(":")
    while True:
        time.sleep(_SECONDS_BETWEEN_LOOKS)
        try:
            socket.create_connection((host, int(port)), timeout=5).close()
        except ConnectionRefusedError:
            _end_children()
            os._exit(1)
        except OSError:
            continue


_children: set[int] = set()


def adopt(process: int) -> None:
    """End `process`, a child of this one, when the engine goes."""
    _children.add(process)


def release(process: int) -> None:
    """`process` has ended by itself."""
    _children.discard(process)


def _end_children() -> None:
    for process in list(_children):
        os.kill(process, signal.SIGTERM)


def _engine() -> str | None:
    address = sys.argv[-1]
    _, colon, port = address.rpartition(":")
    return address if colon and port.isdigit() else None


def _log(message: str, *, ephemeral: bool, severity: int = engine_pb2.INFO) -> None:
    engine = _engine()
    if engine is None:
        return
    with grpc.insecure_channel(engine) as channel:
        request = engine_pb2.LogRequest(severity=severity, message=message, ephemeral=ephemeral)
        engine_pb2_grpc.EngineStub(channel).Log(request)
