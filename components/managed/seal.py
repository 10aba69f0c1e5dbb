"""The seal on a cluster in a cloud: what `pulumi destroy` would have to break before it touches anything.

Pulumi deletes what depends on others first, and comes to the protected cluster last: by then logs and locks would be
gone, and the node pools would be out of the state, though still there.
"""

from collections.abc import Iterable

import pulumi

from components.managed.managed_args import ManagedArgs


def seal(parent: pulumi.Resource, name: str, args: ManagedArgs, last: Iterable[pulumi.Resource]) -> pulumi.Stash:
    """Seal a cluster off.

    Args:
        parent: The component.
        name: Name of the cluster.
        args: What the stack asks for.
        last: What a destroy would begin with: all that nothing else depends on.

    Returns:
        What makes nothing: protected, and depending on all the rest, it makes a destroy fail while all still stands.
    """
    return pulumi.Stash(
        f"{name}-seal",
        input=name,
        opts=pulumi.ResourceOptions(
            parent=parent, protect=args.get("deletion_protection", True), depends_on=list(last)
        ),
    )
