"""The node pools of a DOKS cluster."""

import pulumi

from components.managed.doks.args import DoksArgs, tags_of
from components.managed.doks.resource import resource
from components.managed.slim import SlimResource
from components.nodes import Effect


def node_pools(
    parent: pulumi.Resource, name: str, args: DoksArgs, cluster: SlimResource
) -> dict[str, pulumi.CustomResource]:
    """The nodes. Pools get names of their own from Pulumi, so that a new one can stand before the old one goes.

    They have no version: DigitalOcean upgrades them itself, once the control plane is.
    """
    return {
        pool["name"]: resource(
            "KubernetesNodePool",
            f"{name}-{pool['name']}",
            {
                "clusterId": cluster.id,
                "size": pool["machine_type"],
                "autoScale": True,
                "minNodes": pool["min_nodes"],
                "maxNodes": pool["max_nodes"],
                "labels": pool.get("labels", {}),
                "taints": [
                    {"key": taint["key"], "value": taint.get("value", ""), "effect": Effect(taint["effect"]).value}
                    for taint in pool.get("taints", [])
                ],
                "tags": tags_of(args),
            },
            pulumi.ResourceOptions(
                parent=parent,
                # How many nodes there are is for the autoscaler to say.
                ignore_changes=["nodeCount"],
                # With the whole cluster, its pools go without being drained first.
                deleted_with=cluster,
                custom_timeouts=pulumi.CustomTimeouts(create="45m", delete="45m"),
            ),
        )
        for pool in args.get("node_pools", [])
    }
