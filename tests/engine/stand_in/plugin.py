"""The stand-in itself: a Pulumi provider that makes everything at once, in memory of the state alone.

Run as `python -m tests.engine.stand_in.plugin gcp` it prints its port, as the engine expects of a plugin. What it is
asked to do it appends to the file that `STAND_IN_JOURNAL` names, one JSON object a line, in the order of arrival. The
resource that `STAND_IN_REFUSES` names it neither makes nor changes. What the cloud has changed by itself, for a refresh
to find, is in `STAND_IN_DRIFT`: name of a resource → inputs, as JSON; and which resource is gone, in `STAND_IN_GONE`.
"""

import hashlib
import importlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from concurrent import futures
from importlib import metadata
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import json_format
from google.protobuf.empty_pb2 import Empty  # ty: ignore[missing-module-member] - made when it is imported
from google.protobuf.struct_pb2 import Struct  # ty: ignore[missing-module-member]
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, resource_pb2, resource_pb2_grpc

from tests.engine.stand_in.cloud import UNKNOWN, Cloud, Kind, Properties

ABSENT = object()

PROJECT_KEYS = ("project", "subscriptionId")
"""What the clouds call that which a stack's resources belong to."""


class StandIn(provider_pb2_grpc.ResourceProviderServicer):
    """A provider for `cloud`."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.project = ""

    def Handshake(self, request, context):  # noqa: N802 - the protocol's names, here and below
        # The engine has components made by nobody who takes no secrets.
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=bool(self.cloud.components))

    def GetPluginInfo(self, request, context):  # noqa: N802
        return plugin_pb2.PluginInfo(version=metadata.version(self.cloud.distribution))

    def CheckConfig(self, request, context):  # noqa: N802
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request, context):  # noqa: N802
        return provider_pb2.DiffResponse()

    def Configure(self, request, context):  # noqa: N802
        self.project = next((value for key, value in read(request.args).items() if key in PROJECT_KEYS), "")
        return provider_pb2.ConfigureResponse(supportsPreview=True)

    def Check(self, request, context):  # noqa: N802
        kind, inputs = self._kind(request, context), read(request.news)
        failures = []
        if kind.named_by:
            given = inputs.get(kind.named_by) or read(request.olds).get(kind.named_by)
            inputs[kind.named_by] = name = given or _unique_name(request)
            if name != UNKNOWN and len(name) > kind.longest_name:
                reason = f"{name} has more than {kind.longest_name} letters"
                failures.append(provider_pb2.CheckFailure(property=kind.named_by, reason=reason))
        return provider_pb2.CheckResponse(inputs=write(inputs), failures=failures)

    def Diff(self, request, context):  # noqa: N802
        kind = self._kind(request, context)
        ignored = set(request.ignoreChanges)
        changed = [
            path
            for path in differences(read(request.old_inputs), read(request.news))
            if not any(_covers(rule, path) for rule in ignored)
        ]
        replaced = [
            path
            for path in changed
            if any(_covers(rule, path) for rule in kind.replaced)
            or (path in kind.goes_back and _is_less(kind.goes_back[path], path, request))
        ]
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE,
            diffs=sorted({path.partition(".")[0].partition("[")[0] for path in changed}),
            replaces=replaced,
            deleteBeforeReplace=kind.deletes_first and bool(replaced),
            hasDetailedDiff=True,
            detailedDiff={
                path: provider_pb2.PropertyDiff(
                    kind=provider_pb2.PropertyDiff.UPDATE_REPLACE
                    if path in replaced
                    else provider_pb2.PropertyDiff.UPDATE,
                    inputDiff=True,
                )
                for path in changed
            },
        )

    def Invoke(self, request, context):  # noqa: N802
        if request.tok not in self.cloud.functions:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, f"the stand-in for {self.cloud.package} has no {request.tok}")
        told = self.cloud.functions[request.tok](self.project, read(request.args))
        answer: dict[str, Any] = {"return": write(told)}
        return provider_pb2.InvokeResponse(**answer)

    def Create(self, request, context):  # noqa: N802
        kind, inputs = self._kind(request, context), read(request.properties)
        outputs = write(kind.outputs(self.project, inputs, known=not request.preview))
        if request.preview:
            return provider_pb2.CreateResponse(properties=outputs)
        self._refuse(request, context)
        self._journal("create", request)
        return provider_pb2.CreateResponse(id=kind.identity(self.project, inputs), properties=outputs)

    def Construct(self, request, context):  # noqa: N802
        if request.type not in self.cloud.components:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, f"the stand-in for {self.cloud.package} has no {request.type}")
        with grpc.insecure_channel(request.monitorEndpoint) as channel:
            monitor = resource_pb2_grpc.ResourceMonitorStub(channel)
            component = monitor.RegisterResource(
                resource_pb2.RegisterResourceRequest(
                    type=request.type,
                    name=request.name,
                    parent=request.parent,
                    providers=request.providers,
                    dependencies=request.dependencies,
                    deletedWith=request.deletedWith,
                )
            )
            monitor.RegisterResource(
                resource_pb2.RegisterResourceRequest(
                    type=self.cloud.components[request.type],
                    name=f"{request.name}-inside",
                    custom=True,
                    parent=component.urn,
                    provider=request.providers[self.cloud.package],
                )
            )
            monitor.RegisterResourceOutputs(resource_pb2.RegisterResourceOutputsRequest(urn=component.urn))
        return provider_pb2.ConstructResponse(urn=component.urn)

    def Read(self, request, context):  # noqa: N802
        if request.name == os.environ.get("STAND_IN_GONE"):
            return provider_pb2.ReadResponse()
        drift = json.loads(os.environ.get("STAND_IN_DRIFT", "{}")).get(request.name, {})
        return provider_pb2.ReadResponse(
            id=request.id,
            properties=write({**read(request.properties), **drift}),
            inputs=write({**read(request.inputs), **drift}),
        )

    def Update(self, request, context):  # noqa: N802
        if not request.preview:
            self._refuse(request, context)
            self._journal("update", request)
        # What an update leaves alone is known at once, as with the real provider.
        outputs = self._kind(request, context).outputs(self.project, read(request.news))
        return provider_pb2.UpdateResponse(properties=write(outputs))

    def Delete(self, request, context):  # noqa: N802
        if reason := self._kind(request, context).refuses_delete(read(request.properties)):
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, reason)
        self._journal("delete", request)
        return Empty()

    def Cancel(self, request, context):  # noqa: N802
        return Empty()

    def _refuse(self, request: Any, context: grpc.ServicerContext) -> None:
        if request.name == os.environ.get("STAND_IN_REFUSES"):
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, f"the quota does not allow for {request.name}")

    def _kind(self, request: Any, context: grpc.ServicerContext) -> Kind:
        if request.type not in self.cloud.kinds:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, f"the stand-in for {self.cloud.package} has no {request.type}")
        return self.cloud.kinds[request.type]

    def _journal(self, operation: str, request: Any) -> None:
        if path := os.environ.get("STAND_IN_JOURNAL"):
            entry = {"operation": operation, "type": request.type, "name": request.name}
            with Path(path).open("a") as journal:
                journal.write(f"{json.dumps(entry)}\n")


def read(struct: Struct) -> Properties:
    """The engine's properties as plain values."""
    return json_format.MessageToDict(struct)


def write(properties: Properties) -> Struct:
    """Plain values as the engine's properties."""
    return json_format.ParseDict(properties, Struct())


def _unique_name(request: provider_pb2.CheckRequest) -> str:
    suffix = hashlib.sha256(request.urn.encode() + request.randomSeed).hexdigest()[:7]
    return f"{request.name}-{suffix}"


def differences(old: Any, new: Any, path: str = "") -> Iterator[str]:
    """The paths at which `old` and `new` differ, e.g. `nodeConfig.taints[0].key`."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            yield from differences(old.get(key, ABSENT), new.get(key, ABSENT), f"{path}.{key}".removeprefix("."))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, pair in enumerate(zip(old, new, strict=True)):
            yield from differences(*pair, f"{path}[{index}]")
    elif old != new:
        yield path


def _is_less(measure: Callable[[Any], Any], key: str, request: provider_pb2.DiffRequest) -> bool:
    """Whether the program wants less than what stands there, which a refresh may have found to be more."""
    wanted = read(request.news).get(key)
    return wanted != UNKNOWN and measure(wanted) < measure(read(request.olds).get(key))


def _covers(rule: str, path: str) -> bool:
    return path == rule or path.startswith((f"{rule}.", f"{rule}["))


def serve(provider: StandIn) -> None:
    """Print a port and serve there until the engine ends this process."""
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    package = sys.argv[1].replace("-", "_")
    serve(StandIn(getattr(importlib.import_module(f"tests.engine.stand_in.{package}"), package.upper())))
