"""Resources of DigitalOcean without its SDK's classes."""

from collections.abc import Iterable, Mapping
from typing import Any

import pulumi

from components.managed.slim import SlimResource, type_of

SDK = "pulumi-digitalocean"


def resource(
    kind: str, name: str, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions, outputs: Iterable[str] = ("name",)
) -> SlimResource:
    """A resource of a kind like `Vpc`.

    The SDK is one module of 190, and takes a second to import.
    """
    return SlimResource(SDK, type_of("digitalocean", f"index:{kind}"), name, inputs, opts, outputs)
