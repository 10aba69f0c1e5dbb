"""Resources of Azure without its SDK's classes."""

import copy
from collections.abc import Iterable, Mapping
from typing import Any

import pulumi

from components.managed.slim import SlimResource

SDK = "pulumi-azure-native"


def resource(
    kind: str, name: str, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions, outputs: Iterable[str] = ("name",)
) -> SlimResource:
    """A resource of a kind like `network:Subnet`.

    The SDK's own classes have an alias for each version of Azure's API: a hundred for a node pool, which takes longer
    to declare than all else together.
    """
    return SlimResource(SDK, f"azure-native:{kind}", name, inputs, opts, outputs)


def without_aliases(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult:
    """A resource of the SDK's own class under its one name: none of Slipway's was ever of an older type."""
    opts = copy.copy(args.opts)
    opts.aliases = None
    return pulumi.ResourceTransformationResult(args.props, opts)
