"""The resource group of an AKS cluster, with all that belongs to it."""

import pulumi

from components.managed.aks.args import AksArgs
from components.managed.aks.resource import resource
from components.managed.slim import SlimResource


def resource_group(parent: pulumi.Resource, name: str, args: AksArgs, guard: pulumi.Resource) -> SlimResource:
    """A group in the cluster's region. All the rest stands in it, and so comes after the guard."""
    return resource(
        "resources:ResourceGroup",
        f"{name}-group",
        {"location": args["region"], "tags": args.get("tags")},
        pulumi.ResourceOptions(parent=parent, protect=args.get("deletion_protection", True), depends_on=[guard]),
    )
