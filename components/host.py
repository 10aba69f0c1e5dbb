"""The component host: Slipway's clusters for programs in TypeScript, Go, C#, Java, YAML, or Python of another project.

Pulumi starts `plugin/` to learn the package's schema, and to make a component that a program in another language asks
for. Such a program meets the same check as a stack file, with the same words.
"""

import inspect
import json
import sys
from collections.abc import Iterable
from importlib import metadata
from typing import Any

from pulumi import Inputs, ResourceOptions
from pulumi.errors import InputPropertiesError
from pulumi.provider import ConstructResult, Provider, main
from pulumi.provider.experimental.analyzer import Analyzer, PropertyDefinition
from pulumi.provider.experimental.schema import generate_schema

from components import spec
from components.cluster import CONTRACT, Cluster
from components.declared import camel, documentation
from components.spec import SpecError
from components.targets import TARGETS, Target

PACKAGE = "slipway"
"""Begins the types of the components: `slipway:index:KindCluster`."""


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
        component = self._targets[resource_type.rpartition(":")[2]].cluster()
        try:
            cluster = component(name, spec.parse(component.declared(), _whole(inputs)), options)
        except SpecError as error:
            raise InputPropertiesError(
                f"{component.__name__} {name} cannot be made",
                [{"property_path": fault.key, "reason": fault.message} for fault in error.faults],
            ) from None
        return ConstructResult(cluster.urn, {camel(output): getattr(cluster, output) for output in CONTRACT})


def serve() -> None:
    """Serve every target's component until Pulumi ends the process."""
    main(Host(TARGETS.values()), sys.argv[1:])


def package_schema(targets: Iterable[Target], version: str) -> dict[str, Any]:
    """The Pulumi package schema that the targets' declarations amount to; no SDK is imported for it."""
    found = _Analyzer(PACKAGE).analyze([_outline(target) for target in targets])
    schema = generate_schema(
        PACKAGE, version, None, found["component_definitions"], found["type_definitions"], list(found["dependencies"])
    ).to_json()
    schema["description"] = metadata.metadata(PACKAGE)["Summary"]
    for resource in schema["resources"].values():
        resource["properties"]["kubeconfig"]["secret"] = True
    return schema


def _outline(target: Target) -> type[Cluster]:
    """The target's component as the analyzer sees it: its name, what it says of itself, and its arguments."""

    def init(self: Cluster, args: Any) -> None: ...

    init.__annotations__["args"] = target.declared()
    return type(target.component, (Cluster,), {"__init__": init, "__doc__": inspect.getdoc(target.declared())})


class _Analyzer(Analyzer):
    """The SDK's own, which finds no docstring of an inherited key, and takes every attribute for an output."""

    def get_docstring(self, typ: type, name: str) -> str | None:
        return documentation(typ).get(name)

    def analyze_type(
        self, typ: type, *, is_component_output: bool
    ) -> tuple[dict[str, PropertyDefinition], dict[str, str]]:
        """A component gives the contract; what else it has is for programs in Python."""
        if not is_component_output or not issubclass(typ, Cluster):
            return super().analyze_type(typ, is_component_output=is_component_output)
        declared = inspect.get_annotations(Cluster)
        outputs = {
            camel(name): self.analyze_property(declared[name], typ, name, can_be_plain=False, is_component_output=True)
            for name in CONTRACT
        }
        return outputs, {camel(name): name for name in CONTRACT}


def _whole(value: Any) -> Any:
    """Every number comes as a float from another language; those that are whole become that again."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _whole(inner) for key, inner in value.items()}
    return [_whole(item) for item in value] if isinstance(value, list) else value
