"""Serve one engine until it says stop or is gone.

Its address is the last argument. The clone is where the path to this folder, as it was given, says; links are kept.
"""

import atexit
import io
import os
import signal
import stat
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType
from typing import NoReturn

SECONDS_TO_LEAVE = 3
"""How long an interrupted program may tidy up; the engine kills after 5."""

SECONDS_TO_TIDY = 2
"""The same for a program that has a process of its own, which must be gone before."""


def leave() -> None:
    """End at once: taking modules apart takes Python a tenth of a second, which the engine waits for."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


# The first to be told is the last to be called.
atexit.register(leave)

# Started as a folder, which finds no module of the clone by itself.
PROJECT = Path(__file__).resolve().parents[2]
sys.path[0] = str(PROJECT)

from tools.language_host import protos  # noqa: E402

with protos.alone():
    import grpc
    from pulumi.runtime.proto import language_pb2_grpc

    from tools.language_host.programs import Programs
    from tools.language_host.server import LanguageHost

# The program finds what it would without this host, and may have a package of its own that is called `tools`.
sys.path.pop(0)
for name in [name for name in sys.modules if name.partition(".")[0] == "tools"]:
    del sys.modules[name]


def main() -> None:
    """Serve until the engine interrupts, as it does at the end of a phase."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    # Read a line at a time by the engine: the user sees each as it is printed.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    executor = Path(sys.argv[0]).parents[1] / ".slipway/bin/pulumi-language-python-exec"
    programs = Programs(engine=sys.argv[-1], executor=executor.resolve())
    watch_engine(programs)

    # A call that waits for a program holds a thread: a component package for as long as the phase lasts.
    server = grpc.server(ThreadPoolExecutor(max_workers=64), options=[("grpc.max_receive_message_length", -1)])
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(LanguageHost(programs), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    try:
        # Python hears signals, and some libraries expect to run, in the main thread alone.
        programs.run_those_of_this_process()
    except KeyboardInterrupt:
        pass
    finally:
        programs.end(SECONDS_TO_TIDY)
        server.stop(grace=1).wait()


def interrupt(number: int, frame: FrameType | None) -> NoReturn:
    """Interrupt the program, or the wait for one, once: an engine that the user interrupts says so twice.

    The SDK waits for what it asked of the engine, which may never answer any more; so not for ever.
    """
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    last_call = threading.Timer(SECONDS_TO_LEAVE, leave)
    last_call.daemon = True
    last_call.start()
    raise KeyboardInterrupt


def watch_engine(programs: Programs) -> None:
    """End with the engine, also when it was killed: it holds the other end of stdin."""
    if not stat.S_ISFIFO(os.fstat(0).st_mode):
        return
    engine = os.dup(0)
    # The program has no business with it.
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)

    def wait() -> None:
        while os.read(engine, 1024):
            pass
        programs.end()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


if __name__ == "__main__":
    main()
