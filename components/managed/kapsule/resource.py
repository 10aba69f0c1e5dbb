"""Resources of Scaleway without its SDK's classes."""

from collections.abc import Iterable, Mapping
from typing import Any

import pulumi

from components.managed.slim import SlimResource, type_of

SDK = "pulumiverse-scaleway"

PLUGINS = "github://api.github.com/pulumiverse"
"""Where the provider's plugin comes from, as the SDK says it: otherwise Pulumi would start a second provider."""


def resource(
    kind: str, name: str, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions, outputs: Iterable[str] = ("name",)
) -> SlimResource:
    """A resource of a kind like `network:Vpc`."""
    opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(plugin_download_url=PLUGINS))
    return SlimResource(SDK, type_of("scaleway", kind), name, inputs, opts, outputs)
