"""The program alone, as Pulumi's language host runs it: against an engine of a few lines that makes nothing.

What the program costs is then nobody else's, and no plugin or network is involved.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator, Mapping
from concurrent import futures
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import grpc
from google.protobuf import json_format
from google.protobuf.empty_pb2 import Empty  # ty: ignore[missing-module-member]
from google.protobuf.struct_pb2 import Struct  # ty: ignore[missing-module-member]
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, resource_pb2, resource_pb2_grpc

from tools import paths

STACK = "pulumi:pulumi:Stack"


class Monitor(resource_pb2_grpc.ResourceMonitorServicer):
    """Takes what a program registers.

    Args:
        outputs: Type → outputs of a resource that stands already; what has no such type is yet to be made.
        state: What the last run has left: URN → outputs.
    """

    def __init__(
        self, outputs: Mapping[str, Mapping[str, Any]] | None = None, state: Mapping[str, Struct] | None = None
    ) -> None:
        self.first = threading.Event()
        self.moment = 0.0
        """When the first resource after the stack itself arrived."""

        self.registered: dict[str, Struct] = {}
        """URN → outputs."""

        self._outputs = outputs or {}
        self._state = state or {}

    def SupportsFeature(self, request: Any, context: Any) -> Any:
        return resource_pb2.SupportsFeatureResponse(hasSupport=True)

    def RegisterResource(self, request: Any, context: Any) -> Any:
        urn = f"urn:pulumi:bench::slipway::{request.type}::{request.name}"
        if request.type == STACK:
            return resource_pb2.RegisterResourceResponse(urn=urn)
        if not self.first.is_set():
            self.moment = time.perf_counter()
            self.first.set()
        made = self._outputs.get(request.type)
        json_format.ParseDict(made or {}, request.object)
        self.registered[urn] = request.object
        return resource_pb2.RegisterResourceResponse(
            urn=urn, id=request.name if made is not None else "", object=request.object
        )

    def RegisterResourceOutputs(self, request: Any, context: Any) -> Any:
        return Empty()

    def Invoke(self, request: Any, context: Any) -> Any:
        told = Struct()
        for urn, outputs in self._state.items():
            told.get_or_create_struct("outputs").get_or_create_struct(urn).get_or_create_struct("outputs").CopyFrom(
                outputs
            )
        answer: dict[str, Any] = {"return": told}
        return resource_pb2.ResourceInvokeResponse(**answer)


class Program:
    """A program that runs, and what it prints."""

    def __init__(self, process: subprocess.Popen[bytes], engine: "_Engine", output: IO[str]) -> None:
        self.process = process
        self._engine = engine
        self._output = output

    def said(self) -> str:
        """All of it, and what it told the engine."""
        self._output.seek(0)
        return "\n".join([*self._engine.messages, self._output.read()])


@contextmanager
def running(program: Path, stack: str, config: Mapping[str, Any], monitor: Monitor) -> Generator[Program]:
    """Start the preview of a program; it is killed in the end, where it still runs then."""
    engine = _Engine()
    host = shutil.which("pulumi-language-python-exec")
    # Whoever runs a program twice has its modules compiled.
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    values = {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}
    with (
        _serving(monitor, engine) as address,
        tempfile.TemporaryFile("w+") as output,
        subprocess.Popen(
            [sys.executable, str(host), "--monitor", address, "--engine", address, "--project", "slipway",
             "--stack", stack, "--organization", "organization", "--parallel", "16", "--dry_run", "true",
             "--pwd", str(program.parent), str(program)],
            env={**inherited, "PULUMI_CONFIG": json.dumps(values), "PYTHONPATH": str(paths.PROJECT)},
            stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        ) as process,
    ):  # fmt: skip
        try:
            yield Program(process, engine, output)
        finally:
            process.kill()


class _Engine(engine_pb2_grpc.EngineServicer):
    def __init__(self) -> None:
        self.messages: list[str] = []

    def Log(self, request: Any, context: Any) -> Any:
        self.messages.append(request.message)
        return Empty()

    def SetRootResource(self, request: Any, context: Any) -> Any:
        return engine_pb2.SetRootResourceResponse()

    def GetRootResource(self, request: Any, context: Any) -> Any:
        return engine_pb2.GetRootResourceResponse()


@contextmanager
def _serving(monitor: Monitor, engine: _Engine) -> Generator[str]:
    server = grpc.server(futures.ThreadPoolExecutor(16))
    resource_pb2_grpc.add_ResourceMonitorServicer_to_server(monitor, server)
    engine_pb2_grpc.add_EngineServicer_to_server(engine, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()
