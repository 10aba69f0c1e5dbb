"""The node pools of a Kapsule cluster."""

from collections.abc import Mapping

import pulumi
from pulumiverse_scaleway import kubernetes

from components import versions
from components.managed.kapsule.args import SURGE_NODES, KapsuleArgs, tags_of, zone_of
from components.managed.node_pools import NodePool
from components.nodes import Effect


def node_pools(
    parent: pulumi.Resource, name: str, args: KapsuleArgs, cluster: kubernetes.Cluster, acl: kubernetes.Acl
) -> dict[str, kubernetes.Pool]:
    """The nodes. Pools get names of their own from Pulumi, so that a new one can stand before the old one goes."""
    pools = args.get("node_pools", [])

    def made(pool: NodePool, after: list[kubernetes.Pool]) -> kubernetes.Pool:
        return _node_pool(parent, name, args, pool, cluster, [acl, *after])

    standing = {pool["name"]: made(pool, []) for pool in pools if pool["min_nodes"]}
    # A shared control plane takes an empty pool only once another one has a node.
    empty = {pool["name"]: made(pool, [*standing.values()]) for pool in pools if not pool["min_nodes"]}
    return {**standing, **empty}


def running_version(cluster: kubernetes.Cluster, pools: Mapping[str, kubernetes.Pool]) -> pulumi.Output[str]:
    """The version with its patch, which the provider tells of nodes only, while nodes follow what was asked for."""
    nodes = next(iter(pools.values()))
    return pulumi.Output.all(cluster.version, nodes.version).apply(
        lambda told: f"v{told[1] if versions.same(told[0], told[1]) else told[0]}"
    )


def _node_pool(
    parent: pulumi.Resource,
    name: str,
    args: KapsuleArgs,
    pool: NodePool,
    cluster: kubernetes.Cluster,
    after: list[pulumi.Resource],
) -> kubernetes.Pool:
    return kubernetes.Pool(
        f"{name}-{pool['name']}",
        region=args["region"],
        zone=zone_of(pool, args),
        # No version of its own: it is the control plane's.
        cluster_id=cluster.id,
        node_type=pool["machine_type"],
        # At first; from then on the autoscaler decides.
        size=pool["min_nodes"],
        autoscaling=True,
        min_size=pool["min_nodes"],
        max_size=pool["max_nodes"],
        # Slipway KAPSULE 6
        autohealing=True,
        # Slipway KAPSULE 10: one more node than there are, then one less: pods have somewhere to go.
        upgrade_policy={"max_surge": SURGE_NODES, "max_unavailable": 0},
        # Slipway KAPSULE 2
        public_ip_disabled=True,
        # Of this type it has the size asked for on every Instance; a local disk does not.
        root_volume_type="sbs_5k",
        root_volume_size_in_gb=pool.get("disk_gb", 100),
        labels=pool.get("labels", {}),
        # The effect as Kubernetes writes it, and as Scaleway's API does.
        taints=[
            {"key": taint["key"], "value": taint.get("value", ""), "effect": Effect(taint["effect"]).value}
            for taint in pool.get("taints", [])
        ],
        tags=tags_of(args),
        opts=pulumi.ResourceOptions(
            parent=parent,
            # Once the autoscaler decides, the provider does not look at it.
            ignore_changes=["size"],
            depends_on=after,
            # With the whole cluster, its pools go without being drained first.
            deleted_with=cluster,
            custom_timeouts=pulumi.CustomTimeouts(create="30m", update="3h", delete="45m"),
        ),
    )
