"""A monitor that records what a program asks the engine for: every resource's inputs, and its options too."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from unittest import mock

import pulumi
from google.protobuf import json_format
from google.protobuf.empty_pb2 import Empty  # ty: ignore[missing-module-member] - made when it is imported
from google.protobuf.struct_pb2 import Struct  # ty: ignore[missing-module-member]
from pulumi.runtime import mocks
from pulumi.runtime.proto import resource_pb2, source_pb2

from tests.engine.stand_in.cloud import Cloud, Kind
from tests.unit.sdk_types import misfits

SIGNATURE = "4dabf18193072939515e22adb298388d"
"""The key that marks a wrapped value on the wire; a secret one has `SECRET` there and the value beside it."""

SECRET = "1b47061264138c4ac30d75fd1eb44270"

STACK = "pulumi:pulumi:Stack"

PROJECT = "my-project"
"""The cloud's project, account or subscription."""


@dataclass(frozen=True)
class Resource:
    """One resource as the program registered it. Other resources are told by their names."""

    type: str
    name: str
    custom: bool
    """Whether a provider makes it; a component is not custom."""

    inputs: dict[str, Any]
    """With names in camelCase; secrets are unwrapped, and what is not known yet is `UNKNOWN`."""

    secrets: frozenset[str]
    """The inputs that are, or hold, a secret."""

    parent: str | None
    """None for a resource right below the stack."""

    dependencies: frozenset[str]
    """What must be there before it, by `depends_on` or by an input."""

    deleted_with: str | None
    protect: bool
    ignore_changes: frozenset[str]
    additional_secret_outputs: frozenset[str]
    timeouts: dict[str, str]
    version: str

    delete_before_replace: bool | None
    """None where that is left to the provider."""

    replace_on_changes: frozenset[str]
    """The inputs whose change replaces it, whatever the provider says."""

    replacement_trigger: Any
    """What replaces it when it is another than before; None where there is no such thing."""

    aliases: int
    """How many other names it goes by."""

    outputs: dict[str, Any] = field(default_factory=dict)
    """What a component registered in the end."""

    secret_outputs: set[str] = field(default_factory=set)
    """Those of `outputs` that are secret."""


class Recorder(mocks.MockMonitor):
    """Records every resource, answers as the clouds would, and tells which are there twice."""

    def __init__(
        self,
        clouds: Iterable[Cloud],
        outputs: Mapping[str, Mapping[str, Any]],
        state: Mapping[str, Mapping[str, Any]],
        *,
        preview: bool,
    ) -> None:
        clouds = list(clouds)
        super().__init__(cast(mocks.Mocks, None))  # nothing is left to them
        self.recorded: dict[str, Resource] = {}
        self.twice: list[str] = []
        self._kinds = {token: kind for cloud in clouds for token, kind in cloud.kinds.items()}
        self._functions = {token: function for cloud in clouds for token, function in cloud.functions.items()}
        self._outputs = outputs
        self._state = state
        self._preview = preview

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the protocol's names, here and below
        if request.type == STACK:
            return super().RegisterResource(request)
        urn = self.make_urn(request.parent, request.type, request.name)
        if urn in self.recorded:
            self.twice.append(f"two resources of type {request.type} are called {request.name}")
        wire = json_format.MessageToDict(request.object)
        resource = Resource(
            type=request.type,
            name=request.name,
            custom=request.custom,
            inputs=_unwrapped(wire),
            secrets=frozenset(key for key, value in wire.items() if _holds_secret(value)),
            parent=None if _type(request.parent) == STACK else _name(request.parent),
            dependencies=frozenset(map(_name, request.dependencies)),
            deleted_with=_name(request.deletedWith) or None,
            protect=request.protect,
            ignore_changes=frozenset(request.ignoreChanges),
            additional_secret_outputs=frozenset(request.additionalSecretOutputs),
            timeouts={option.name: value for option, value in request.customTimeouts.ListFields()},
            version=request.version,
            delete_before_replace=request.deleteBeforeReplace if request.deleteBeforeReplaceDefined else None,
            replace_on_changes=frozenset(request.replaceOnChanges),
            replacement_trigger=json_format.MessageToDict(request.replacement_trigger)
            if request.HasField("replacement_trigger")
            else None,
            aliases=len(request.aliases) + len(request.aliasURNs),
        )
        self.recorded[urn] = resource
        if not request.custom:
            return resource_pb2.RegisterResourceResponse(urn=urn)
        identity, outputs = self._made(resource)
        secret = {key: _wrapped(outputs[key]) for key in resource.additional_secret_outputs & outputs.keys()}
        state = {**outputs, **{key: wire[key] for key in resource.secrets}, **secret}
        return resource_pb2.RegisterResourceResponse(
            urn=urn, id=identity, object=json_format.ParseDict(state, Struct())
        )

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802
        if request.urn in self.recorded:
            wire = json_format.MessageToDict(request.outputs)
            self.recorded[request.urn].outputs.update(_unwrapped(wire))
            self.recorded[request.urn].secret_outputs.update(key for key, value in wire.items() if _holds_secret(value))
        return Empty()

    def Invoke(self, request: Any) -> Any:  # noqa: N802
        if request.tok == "pulumi:pulumi:readStackResourceOutputs":
            told = {"outputs": {urn: {"outputs": dict(outputs)} for urn, outputs in self._state.items()}}
        elif request.tok in self._functions:
            told = self._functions[request.tok](PROJECT, json_format.MessageToDict(request.args))
        else:
            raise AssertionError(f"the program asks the cloud: {request.tok}")
        answer: dict[str, Any] = {"return": json_format.ParseDict(told, Struct())}
        return resource_pb2.ResourceInvokeResponse(**answer)

    def _made(self, resource: Resource) -> tuple[str, dict[str, Any]]:
        kind = self._kinds.get(resource.type, Kind(named_by=None, identity=lambda project, inputs: resource.name))
        inputs = {**({kind.named_by: resource.name} if kind.named_by else {}), **resource.inputs}
        outputs = {**kind.outputs(PROJECT, inputs, known=not self._preview), **self._outputs.get(resource.type, {})}
        # In a preview an id is not known, and the engine sends none.
        return "" if self._preview else kind.identity(PROJECT, inputs), outputs


@dataclass(frozen=True)
class Deployment:
    """What a program asked for."""

    resources: list[Resource]

    def of(self, kind: str) -> list[Resource]:
        """The resources whose type ends in `kind`, e.g. `NodePool`."""
        return [resource for resource in self.resources if resource.type.rpartition(":")[2] == kind]

    def the(self, kind: str) -> Resource:
        """The only resource whose type ends in `kind`."""
        found = self.of(kind)
        assert len(found) == 1, f"there are {len(found)} resources of type {kind}, not 1"
        return found[0]


def deploy(
    program: Callable[[], Any],
    *,
    clouds: Iterable[Cloud] = (),
    preview: bool = False,
    config: Mapping[str, str] | None = None,
    outputs: Mapping[str, Mapping[str, Any]] | None = None,
    state: Mapping[str, Mapping[str, Any]] | None = None,
) -> Deployment:
    """Run `program` as Pulumi would, and record what it asks for.

    Args:
        program: Makes resources.
        clouds: Whose tables tell what resources get as outputs.
        preview: Whether the outputs of resources are unknown.
        config: The stack's configuration, e.g. `{"slipway:target": "kind"}`.
        outputs: Type → outputs, for resources that no cloud's table knows, such as dynamic ones.
        state: Type and name, `::` between them → outputs, of what the stack has made already.

    Raises:
        AssertionError: The engine or a provider would refuse something.
    """
    recorder = Recorder(clouds, outputs or {}, state or {}, preview=preview)
    mocks.set_mocks(recorder.mocks, project="slipway", stack="test", preview=preview, monitor=recorder)
    pulumi.runtime.set_all_config(dict(config or {}))
    # Where in the program a resource stands takes the SDK a quarter of the time, below all of pytest's own frames.
    with mock.patch("pulumi.runtime.resource._get_stack_trace", lambda: source_pb2.StackTrace(frames=[])):
        pulumi.runtime.test(program)()
    resources = list(recorder.recorded.values())
    problems = recorder.twice + [
        problem for made in resources if made.custom for problem in misfits(made.type, made.inputs)
    ]
    assert not problems, "\n".join(problems)
    return Deployment(resources)


def _unwrapped(value: Any) -> Any:
    if isinstance(value, dict):
        if value.get(SIGNATURE) == SECRET:
            return _unwrapped(value["value"])
        return {key: _unwrapped(inner) for key, inner in value.items()}
    return [_unwrapped(item) for item in value] if isinstance(value, list) else value


def _wrapped(value: Any) -> dict[str, Any]:
    return {SIGNATURE: SECRET, "value": value}


def _holds_secret(value: Any) -> bool:
    if isinstance(value, dict):
        return value.get(SIGNATURE) == SECRET or any(map(_holds_secret, value.values()))
    return isinstance(value, list) and any(map(_holds_secret, value))


def _name(urn: str) -> str:
    return urn.rpartition("::")[2]


def _type(urn: str) -> str:
    return urn.split("::")[2].rpartition("$")[2] if urn else STACK
