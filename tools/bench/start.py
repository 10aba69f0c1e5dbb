"""From process start to the first resource registered: the program against a bare Pulumi program.

Both run as Pulumi's language host runs them, against an engine of a few lines that notes when the first resource after
the stack itself arrives. No plugin and no network is involved.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator
from concurrent import futures
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import yaml
from google.protobuf.empty_pb2 import Empty  # ty: ignore[missing-module-member]
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, resource_pb2, resource_pb2_grpc

from tools import paths
from tools.bench import compare

BARE = """
import pulumi
{imports}
pulumi.ComponentResource("bench:index:Component", "first")
"""

SDKS = {
    "dev-kind": "",
    "prod-gke": "from pulumi_gcp import container, projects, serviceaccount\n"
    "container.Cluster, projects.IAMMember, serviceaccount.Account",
}
"""Stack: what a bare program for the same cloud would import; such an SDK's module is loaded at its first use."""


def run(rounds: int | None) -> None:
    """Compare each stack with a bare program, ten times unless told otherwise."""
    for stack, imports in SDKS.items():
        with tempfile.TemporaryDirectory() as folder:
            bare = Path(folder, "__main__.py")
            bare.write_text(BARE.format(imports=imports))
            compare(
                f"process start to first resource, {stack}",
                rounds or 10,
                {
                    "a bare program": partial(_first_resource, bare, stack),
                    "Slipway": partial(_first_resource, paths.PROJECT / "__main__.py", stack),
                },
            )


class _Monitor(resource_pb2_grpc.ResourceMonitorServicer):
    def __init__(self) -> None:
        self.first = threading.Event()
        self.moment = 0.0

    def SupportsFeature(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's name
        return resource_pb2.SupportsFeatureResponse(hasSupport=True)

    def RegisterResource(self, request: Any, context: Any) -> Any:  # noqa: N802
        if request.type != "pulumi:pulumi:Stack" and not self.first.is_set():
            self.moment = time.perf_counter()
            self.first.set()
        urn = f"urn:pulumi:bench::slipway::{request.type}::{request.name}"
        return resource_pb2.RegisterResourceResponse(urn=urn, id=request.name, object=request.object)

    def RegisterResourceOutputs(self, request: Any, context: Any) -> Any:  # noqa: N802
        return Empty()


class _Engine(engine_pb2_grpc.EngineServicer):
    def __init__(self) -> None:
        self.messages: list[str] = []

    def Log(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.messages.append(request.message)
        return Empty()

    def SetRootResource(self, request: Any, context: Any) -> Any:  # noqa: N802
        return engine_pb2.SetRootResourceResponse()

    def GetRootResource(self, request: Any, context: Any) -> Any:  # noqa: N802
        return engine_pb2.GetRootResourceResponse()


@contextmanager
def _serving(monitor: _Monitor, engine: _Engine) -> Generator[str]:
    server = grpc.server(futures.ThreadPoolExecutor(4))
    resource_pb2_grpc.add_ResourceMonitorServicer_to_server(monitor, server)
    engine_pb2_grpc.add_EngineServicer_to_server(engine, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


def _first_resource(program: Path, stack: str) -> float:
    monitor, engine = _Monitor(), _Engine()
    host = shutil.which("pulumi-language-python-exec")
    config = yaml.safe_load((paths.PROJECT / f"stacks/Pulumi.{stack}.yaml").read_text())["config"]
    # Whoever runs a program twice has its modules compiled.
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    values = {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}
    with _serving(monitor, engine) as address, tempfile.TemporaryFile("w+") as output:
        started = time.perf_counter()
        with subprocess.Popen(
            [sys.executable, str(host), "--monitor", address, "--engine", address, "--project", "slipway",
             "--stack", stack, "--organization", "organization", "--parallel", "16", "--dry_run", "true",
             "--pwd", str(program.parent), str(program)],
            env={**inherited, "PULUMI_CONFIG": json.dumps(values), "PYTHONPATH": str(paths.PROJECT)},
            stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        ) as process:  # fmt: skip
            while not monitor.first.wait(0.05):
                if process.poll() is not None and not monitor.first.is_set():
                    output.seek(0)
                    raise RuntimeError(f"{program} registered no resource: {engine.messages} {output.read()}")
            process.kill()
    return monitor.moment - started
