"""The resource group of an AKS cluster, with all that belongs to it."""

from collections.abc import Iterable, Mapping
from typing import Any

import pulumi

from components.managed.aks.args import AksArgs
from components.managed.guard import Guard
from components.managed.slim import SlimResource

SDK = "pulumi-azure-native"


def resource_group(parent: pulumi.Resource, name: str, args: AksArgs, guard: Guard) -> SlimResource:
    """A group in the cluster's region. All the rest stands in it, and so is touched only after the guard has looked."""
    return azure(
        "resources:ResourceGroup",
        f"{name}-group",
        {"location": args["region"], "tags": args.get("tags")},
        pulumi.ResourceOptions(parent=parent, protect=args.get("deletion_protection", True), depends_on=[guard]),
    )


def azure(
    kind: str, name: str, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions, outputs: Iterable[str] = ("name",)
) -> SlimResource:
    """A resource of Azure of a type like `network:Subnet`.

    The SDK's own classes have an alias for each version of Azure's API: a hundred for a node pool, which takes longer
    to declare than all else together.
    """
    return SlimResource(SDK, f"azure-native:{kind}", name, inputs, opts, outputs)
