"""The guard over a cluster in a cloud: what a preview refuses by what stands there already."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi import dynamic

from components.managed.guard_provider import GuardProvider
from components.managed.managed_args import ManagedArgs


class Guard(dynamic.Resource, module="slipway", name="Guard"):
    """Makes nothing: its check fails a preview that would replace a protected cluster, or skip a minor version."""


def guard(
    parent: pulumi.Resource,
    name: str,
    args: ManagedArgs,
    *,
    pinned: Mapping[str, Any],
    offered: pulumi.Input[Sequence[str]] = (),
    irreversible: Mapping[str, bool] | None = None,
) -> Guard:
    """Put a guard over the cluster; the control plane depends on it, so that no change precedes its check.

    Args:
        parent: The component.
        name: Name of the cluster.
        args: What the stack asks for.
        pinned: Key of the stack file → its value or default, for every key whose change makes the cloud replace the
            cluster. Values that only the cloud knows, such as ids of a given network, are left to `protect`.
        offered: The Kubernetes versions that the cloud offers, as it spells them; nothing where it is not asked.
        irreversible: Key of the stack file → whether it is on, for what the cloud cannot turn off again.
    """
    return Guard(
        GuardProvider(),
        f"{name}-guard",
        {
            "stack": pulumi.get_stack(),
            "cluster": name,
            "version": args["version"],
            "protected": args.get("deletion_protection", True),
            "pinned": dict(pinned),
            "offered": offered,
            **({"irreversible": dict(irreversible)} if irreversible else {}),
        },
        pulumi.ResourceOptions(parent=parent),
    )
