"""The node pools of a GKE cluster."""

import math

import pulumi
from pulumi_gcp import container

from components.managed.gke.args import SURGE_NODES, GkeArgs, location
from components.managed.gke.identity import Identity
from components.managed.managed_args import is_auto
from components.managed.node_pools import NodePool
from components.nodes import Effect

USUAL_ZONES = 3
"""GKE spreads a regional cluster over three zones of its region, wherever it has more."""


def node_pools(
    parent: pulumi.Resource, name: str, args: GkeArgs, cluster: container.Cluster, identity: Identity
) -> dict[str, pulumi.CustomResource]:
    """The nodes. Pools get names of their own from Pulumi, so that a new one can stand before the old one goes."""
    if is_auto("gke", args):
        return {}
    zones = USUAL_ZONES if args.get("highly_available", True) else 1
    return {
        pool["name"]: container.NodePool(
            f"{name}-{pool['name']}",
            cluster=cluster.name,
            location=location(args),
            # In each zone, and only at first: without it a pool starts empty and stays below its least number.
            # https://github.com/hashicorp/terraform-provider-google/issues/8270
            initial_node_count=math.ceil(pool["min_nodes"] / zones),
            autoscaling={
                "total_min_node_count": pool["min_nodes"],
                "total_max_node_count": pool["max_nodes"],
                "location_policy": "ANY" if pool.get("spot", False) else "BALANCED",
            },
            # CIS GKE 5.5.2 and CIS GKE 5.5.3; so nodes follow the control plane's version, and never precede it.
            management={"auto_repair": True, "auto_upgrade": True},
            upgrade_settings={"max_surge": SURGE_NODES, "max_unavailable": 0},
            node_drain_configs=[{"respect_pdb_during_node_pool_deletion": True}],
            network_config={"enable_private_nodes": True},
            node_config=_node_config(pool, args, identity),
            opts=pulumi.ResourceOptions(
                parent=parent,
                # A change of it would replace the pool.
                ignore_changes=["initial_node_count"],
                # With the whole cluster, its pools go without being drained first.
                deleted_with=cluster,
                custom_timeouts=pulumi.CustomTimeouts(create="45m", update="3h", delete="90m"),
            ),
        )
        for pool in args.get("node_pools", [])
    }


def _node_config(pool: NodePool, args: GkeArgs, identity: Identity) -> container.NodePoolNodeConfigArgsDict:
    return {
        "machine_type": pool["machine_type"],
        "spot": pool.get("spot", False),
        "guest_accelerators": [
            {
                "type": gpu.get("type", ""),
                "count": gpu.get("count", 1),
                # Of GKE's own choice for its version; without it a node has a GPU and no driver.
                "gpu_driver_installation_config": {"gpu_driver_version": "DEFAULT"},
            }
            for gpu in ([pool["gpu"]] if "gpu" in pool else [])
        ],
        "disk_size_gb": pool.get("disk_gb", 100),
        # CIS GKE 5.5.1
        "image_type": "COS_CONTAINERD",
        "service_account": identity.account.email,
        # The account's roles decide; scopes are the older, coarser fence.
        "oauth_scopes": ["https://www.googleapis.com/auth/cloud-platform"],
        "labels": pool.get("labels", {}),
        "resource_labels": args.get("tags", {}),
        "taints": [
            {"key": taint["key"], "value": taint.get("value", ""), "effect": Effect(taint["effect"]).name}
            for taint in pool.get("taints", [])
        ],
        # CIS GKE 5.4.1: pods never see the node's own credentials.
        "metadata": {"disable-legacy-endpoints": "true"},
        "workload_metadata_config": {"mode": "GKE_METADATA"},
        # Slipway GKE 5
        "kubelet_config": {"insecure_kubelet_readonly_port_enabled": "FALSE"},
        # CIS GKE 5.5.6 and CIS GKE 5.5.7
        "shielded_instance_config": {"enable_secure_boot": True, "enable_integrity_monitoring": True},
    }
