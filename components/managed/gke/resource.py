"""Resources of Google Cloud without its SDK's classes."""

from collections.abc import Iterable, Mapping
from typing import Any

import pulumi

from components.managed.slim import SlimResource, type_of

SDK = "pulumi-gcp"


def resource(
    kind: str, name: str, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions, outputs: Iterable[str] = ("name",)
) -> SlimResource:
    """A resource of a kind like `compute:Network`."""
    return SlimResource(SDK, type_of("gcp", kind), name, inputs, opts, outputs)
