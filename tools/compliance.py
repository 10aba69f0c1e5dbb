"""A stack's compliance report: how what it declares keeps the rules of its target, without asking any cloud.

The component runs against a monitor that answers every resource at once, so that the report needs no credentials, no
plugin and no state; what only the cloud would know counts as set.
"""

import asyncio
import dataclasses
import json
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, cast

import pulumi
from google.protobuf import json_format
from pulumi.runtime import mocks, rpc
from pulumi.runtime.proto import resource_pb2
from rich.console import Console
from rich.table import Table

from components import targets
from components.bootstrap import controls as kubeadm_controls
from components.bootstrap.kubeadm import KubeadmCluster
from components.managed.controls import Line, Resource, Verdict, report
from components.managed.managed_cluster import ManagedCluster
from tools.console import Problem
from tools.stack import PROJECT, Stack

COLOURS = {Verdict.PASSED: "green", Verdict.FAILED: "red", Verdict.WAIVED: "yellow", Verdict.NOT_APPLICABLE: "dim"}


def lines_of(stack: Stack) -> list[Line]:
    """The report of a stack.

    Raises:
        Problem: The stack file is wrong, or its target has no rules to keep.
    """
    component, args = stack.read()
    if issubclass(component, KubeadmCluster):
        return kubeadm_controls.compliance(own_etcd="etcd" not in args)
    if not issubclass(component, ManagedCluster):
        with_rules = ", ".join(name for name, target in targets.TARGETS.items() if target.extra or name == "kubeadm")
        raise Problem(f"{stack.name} is of the target {component.target}, which has no rules; those of {with_rules} do")
    resources = declared(lambda: component(args.get("name", stack.name), args), stack.name)
    return report(component.controls, resources, args.get("waivers", {}))


def show(stack: Stack, lines: list[Line]) -> None:
    """Print a report as a table."""
    table = Table(title=f"{stack.name}, as its file says it", title_justify="left")
    table.add_column("rule", no_wrap=True)
    for column in ("what for", "resource", "field", "value", "verdict"):
        table.add_column(column, overflow="fold")
    for line in lines:
        verdict = f"[{COLOURS[line.verdict]}]{line.verdict}[/]"
        table.add_row(
            line.id, line.title, line.resource, line.field, _shown(line.value), f"{verdict} {line.why}".strip()
        )
    printer = Console(highlight=False)  # to stdout: it is what was asked for
    printer.print(table)
    counted = Counter(line.verdict for line in lines)
    printer.print(", ".join(f"{counted[verdict]} {verdict}" for verdict in Verdict))


def as_json(lines: list[Line]) -> str:
    """A report as JSON: a list of objects."""
    return json.dumps([dataclasses.asdict(line) for line in lines], indent=2)


def declared(program: Callable[[], object], stack: str) -> list[Resource]:
    """What `program` declares, as its providers would get it."""
    monitor = _Monitor()
    silent = logging.getLogger("slipway.compliance")
    silent.addHandler(logging.NullHandler())
    silent.propagate = False
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        mocks.set_mocks(monitor.mocks, project=PROJECT, stack=stack, preview=True, logger=silent, monitor=monitor)
        pulumi.runtime.test(program)()
    finally:
        asyncio.set_event_loop(None)
        loop.close()
    return monitor.declared


class _Monitor(mocks.MockMonitor):
    """Takes every resource and tells nothing of it, as a preview does of what is not made yet."""

    def __init__(self) -> None:
        super().__init__(cast(mocks.Mocks, None))  # nothing is left to them
        self.declared: list[Resource] = []

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the protocol's names, here and below
        if request.type == "pulumi:pulumi:Stack":
            return super().RegisterResource(request)
        if request.custom:
            inputs = _plain(json_format.MessageToDict(request.object))
            self.declared.append(Resource(request.type, request.name, inputs))
        return resource_pb2.RegisterResourceResponse(urn=self.make_urn(request.parent, request.type, request.name))

    def Invoke(self, request: Any) -> Any:  # noqa: N802
        return resource_pb2.ResourceInvokeResponse(unknown=True)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        if rpc._special_sig_key in value and "value" in value:
            return _plain(value["value"])  # a secret, unwrapped: a report says whether it is set
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _shown(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case str() if value == rpc.UNKNOWN:
            return "known once it is made"
        case Mapping():
            return ", ".join(f"{key}: {_shown(inner)}" for key, inner in value.items())
        case list():
            return ", ".join(map(_shown, value))
        case _:
            return str(value)
