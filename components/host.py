"""The component host: Slipway's components for programs in TypeScript, Go, C#, Java, YAML, or another Python project.

Pulumi starts `plugin/` to learn the package's schema, and to make a component that a program in another language asks
for. Such a program meets the same check as a stack file, with the same words.
"""

import inspect
import json
import sys
from collections.abc import Iterable
from importlib import metadata
from typing import Any

from pulumi import ComponentResource, Inputs, ResourceOptions
from pulumi.errors import InputPropertiesError
from pulumi.provider import ConstructResult, Provider, main
from pulumi.provider.experimental.analyzer import Analyzer, PropertyDefinition
from pulumi.provider.experimental.schema import generate_schema

from components import spec
from components.cluster import CONTRACT, Cluster
from components.declared import camel, documentation
from components.platform.access_args import AccessArgs, AccessOutputs, sdk_faults
from components.spec import SpecError
from components.targets import TARGETS, Target

PACKAGE = "slipway"
"""Begins the types of the components: `slipway:index:KindCluster`."""

ACCESS = "Access"
"""The component that is no cluster."""

SECRET = frozenset({"kubeconfig", "kubeconfigs"})
"""What is secret of a component, given or taken."""


class Host(Provider):
    """A provider of components: it makes what they are made of, through the providers of the program that asks."""

    def __init__(self, targets: Iterable[Target]) -> None:
        version = metadata.version(PACKAGE)
        self._targets = {target.component: target for target in targets}
        super().__init__(version, json.dumps(package_schema(self._targets.values(), version)))

    def construct(
        self, name: str, resource_type: str, inputs: Inputs, options: ResourceOptions | None = None
    ) -> ConstructResult:
        """Make a component.

        Raises:
            InputPropertiesError: Its arguments are wrong; each fault with the key where it is.
        """
        kind = resource_type.rpartition(":")[2]
        try:
            if kind == ACCESS:
                made, outputs = _access(name, inputs, options), inspect.get_annotations(AccessOutputs)
            else:
                component = self._targets[kind].cluster()
                made = component(name, spec.parse(component.declared(), _whole(inputs)), options)
                outputs = CONTRACT
        except SpecError as error:
            raise InputPropertiesError(
                f"{kind} {name} cannot be made",
                [{"property_path": fault.key, "reason": fault.message} for fault in error.faults],
            ) from None
        return ConstructResult(made.urn, {camel(output): getattr(made, output) for output in outputs})


def serve() -> None:
    """Serve every target's component until Pulumi ends the process."""
    main(Host(TARGETS.values()), sys.argv[1:])


def package_schema(targets: Iterable[Target], version: str) -> dict[str, Any]:
    """The Pulumi package schema that the targets' declarations amount to; no SDK is imported for it."""
    clusters = [_outline(target.component, Cluster, target.declared()) for target in targets]
    found = _Analyzer(PACKAGE).analyze([*clusters, _outline(ACCESS, AccessOutputs, AccessArgs)])
    schema = generate_schema(
        PACKAGE, version, None, found["component_definitions"], found["type_definitions"], list(found["dependencies"])
    ).to_json()
    schema["description"] = metadata.metadata(PACKAGE)["Summary"]
    for resource in schema["resources"].values():
        for secret in SECRET & resource["properties"].keys():
            resource["properties"][secret]["secret"] = True
        for secret in SECRET & resource["inputProperties"].keys():
            resource["inputProperties"][secret]["secret"] = True
    return schema


def _access(name: str, inputs: Inputs, options: ResourceOptions | None) -> AccessOutputs:
    if faults := sdk_faults():
        raise SpecError(faults)
    from components.platform.access import Access  # needs an SDK that no other component does

    return Access(name, spec.parse(AccessArgs, _whole(inputs)), options)


def _outline(name: str, base: type[ComponentResource], declared: type) -> type[ComponentResource]:
    """A component as the analyzer sees it: its name, what it says of itself, and its arguments."""

    def init(self: ComponentResource, args: Any) -> None: ...

    init.__annotations__["args"] = declared
    return type(name, (base,), {"__init__": init, "__doc__": inspect.getdoc(declared)})


class _Analyzer(Analyzer):
    """The SDK's own, which finds no docstring of an inherited key, and takes every attribute for an output."""

    def get_docstring(self, typ: type, name: str) -> str | None:
        return documentation(typ).get(name)

    def analyze_type(
        self, typ: type, *, is_component_output: bool
    ) -> tuple[dict[str, PropertyDefinition], dict[str, str]]:
        """A component gives the contract; what else it has is for programs in Python."""
        if not is_component_output or not issubclass(typ, Cluster | AccessOutputs):
            return super().analyze_type(typ, is_component_output=is_component_output)
        declared = inspect.get_annotations(Cluster if issubclass(typ, Cluster) else AccessOutputs)
        names = CONTRACT if issubclass(typ, Cluster) else tuple(declared)
        outputs = {
            camel(name): self.analyze_property(declared[name], typ, name, can_be_plain=False, is_component_output=True)
            for name in names
        }
        return outputs, {camel(name): name for name in names}


def _whole(value: Any) -> Any:
    """Every number comes as a float from another language; those that are whole become that again."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _whole(inner) for key, inner in value.items()}
    return [_whole(item) for item in value] if isinstance(value, list) else value
