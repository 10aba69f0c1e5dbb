"""Running programs: in this process where its Python is the program's own, else on the Python that the program names.

Either way it is Pulumi's own script that runs the program, `pulumi-language-python-exec`, and so both behave alike: the
folder, `sys.path`, `sys.argv`, the configuration, and how an exception is shown.
"""

import json
import os
import queue
import runpy
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pulumi.runtime.proto import language_pb2

from tools.language_host import protos
from tools.language_host.environments import Environment

QUIETLY = Path(__file__).with_name("quietly.py")

SECONDS_TO_END = 5
"""How long a program that was told to end may take."""


class Programs:
    """The programs that one host runs.

    Args:
        engine: Address of the engine.
        executor: Pulumi's script that runs a program.
    """

    def __init__(self, engine: str, executor: Path) -> None:
        self.engine = engine
        self.executor = executor
        self._here: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._here_was_used = False
        self._runs_here = threading.Event()
        self._children: set[subprocess.Popen[bytes]] = set()
        self._sdk: threading.Thread | None = None

    def run(self, request: language_pb2.RunRequest, environment: Environment) -> int:
        """Run a Pulumi program to its end and return its exit code, negative for a signal."""
        arguments = _arguments(request, self.engine)
        variables = {
            **environment.variables(),
            "PULUMI_CONFIG": json.dumps(dict(request.config)),
            "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
        }
        # A process can be one Pulumi program only, once.
        if environment.is_this and not self._here_was_used:
            self._here_was_used = True
            self.import_sdk()
            return self._run_here(arguments, variables)
        command = [environment.python, QUIETLY, self.executor, *arguments]
        with self._started(command, {**_inherited(), **variables}) as child:
            return child.wait()

    def import_sdk(self) -> None:
        """Import Pulumi's SDK meanwhile: a program is about to run here."""
        if self._sdk is None:
            self._sdk = threading.Thread(target=protos.load_sdk, daemon=True)
            self._sdk.start()

    def stream(
        self,
        command: Sequence[str | Path],
        variables: Mapping[str, str],
        folder: Path,
        when_nobody_listens: Callable[[Callable[[], None]], bool],
    ) -> Iterator[language_pb2.RunPluginResponse]:
        """Run another program and yield what it prints, and its exit code last.

        Args:
            command: The program and its arguments.
            variables: Its whole environment.
            folder: Where it runs.
            when_nobody_listens: Has a function called when the call is over; false where it is over already.
        """
        printed: queue.Queue[language_pb2.RunPluginResponse | None] = queue.Queue(maxsize=64)

        def read(pipe: IO[bytes], say: Callable[[bytes], language_pb2.RunPluginResponse]) -> None:
            while chunk := os.read(pipe.fileno(), 2**16):
                printed.put(say(chunk))
            printed.put(None)

        with self._started(command, variables, folder, subprocess.PIPE) as child:
            if not when_nobody_listens(lambda: _end(child)):
                _end(child)
            assert child.stdout is not None  # noqa: S101 - for the type checker
            assert child.stderr is not None  # noqa: S101
            for pipe, say in (
                (child.stdout, lambda chunk: language_pb2.RunPluginResponse(stdout=chunk)),
                (child.stderr, lambda chunk: language_pb2.RunPluginResponse(stderr=chunk)),
            ):
                threading.Thread(target=read, args=(pipe, say), daemon=True).start()
            for _ in (child.stdout, child.stderr):
                yield from iter(printed.get, None)
            yield language_pb2.RunPluginResponse(exitcode=child.wait())

    def run_those_of_this_process(self) -> None:
        """Run, in the calling thread, the programs that run in this process; until a KeyboardInterrupt."""
        while True:
            self._here.get()()

    def interrupt(self) -> None:
        """Tell every program that runs to end."""
        if self._runs_here.is_set():
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        for child in tuple(self._children):
            child.send_signal(signal.SIGINT)

    def end(self, seconds: float = 0) -> None:
        """End all programs of other processes; they may tidy up for so long."""
        children, latest = tuple(self._children), time.monotonic() + seconds
        for child in children if seconds else ():
            child.send_signal(signal.SIGINT)
        for child in children:
            try:
                child.wait(max(0, latest - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()

    def _run_here(self, arguments: Sequence[str], variables: Mapping[str, str]) -> int:
        ended: Future[int] = Future()

        def run() -> None:
            self._runs_here.set()
            try:
                ended.set_result(_as_a_script(self.executor, arguments, variables))
            except KeyboardInterrupt:
                ended.set_result(-signal.SIGINT)
                raise
            finally:
                self._runs_here.clear()

        self._here.put(run)
        return ended.result()

    @contextmanager
    def _started(
        self,
        command: Sequence[str | Path],
        variables: Mapping[str, str],
        folder: Path | None = None,
        output: int | None = None,
    ) -> Generator[subprocess.Popen[bytes]]:
        child = subprocess.Popen(
            command, env=variables, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        self._children.add(child)
        try:
            with child:
                yield child
        finally:
            self._children.discard(child)


def _arguments(request: language_pb2.RunRequest, engine: str) -> list[str]:
    given = {
        "monitor": request.monitor_address,
        "engine": engine,
        "project": request.project,
        "root_directory": request.info.root_directory,
        "stack": request.stack,
        "pwd": request.pwd,
        "dry_run": "true" if request.dryRun else "false",
        "parallel": str(request.parallel),
        "organization": request.organization,
    }
    flags = [word for name, value in given.items() if value for word in (f"--{name}", value)]
    return [*flags, request.info.entry_point or request.program or ".", *request.args]


def _as_a_script(script: Path, arguments: Sequence[str], variables: Mapping[str, str]) -> int:
    """What `python script arguments` does, in this process; the exit code."""
    os.environ.update(variables)
    sys.argv = [str(script), *arguments]
    sys.path.insert(0, str(script.parent))
    try:
        runpy.run_path(str(script), run_name="__main__")
    except SystemExit as ended:
        if ended.code is None or isinstance(ended.code, int):
            return ended.code or 0
        print(ended.code, file=sys.stderr)
        return 1
    except Exception:
        traceback.print_exc()
        return 1
    return 0


def _inherited() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PYTHONHOME"}


def _end(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        child.kill()
