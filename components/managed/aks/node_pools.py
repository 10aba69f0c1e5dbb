"""The node pools of an AKS cluster."""

from typing import Any

import pulumi
from pulumi_azure_native import containerservice

from components.managed.aks.args import SURGE_NODES, AksArgs, pool_id, zones_of
from components.managed.aks.network import Network
from components.managed.aks.resource import resource
from components.managed.node_pools import NodePool
from components.managed.slim import SlimResource
from components.nodes import Effect, Taint

SPOT_TAINT = "kubernetes.azure.com/scalesetpriority=spot:NoSchedule"
"""AKS insists on it: https://learn.microsoft.com/azure/aks/spot-node-pool#limitations."""


def node_pools(
    parent: pulumi.Resource,
    name: str,
    args: AksArgs,
    group: SlimResource,
    cluster: containerservice.ManagedCluster,
    network: Network | None,
) -> dict[str, pulumi.CustomResource]:
    """The nodes for your pods; none of ours with `compute: auto`.

    A pool's name follows from what AKS cannot change in it, so that a new one can stand before the old one goes. Each
    pool waits for the one before it, since AKS refuses to work on two at once:
    https://github.com/Azure/terraform-azurerm-avm-res-containerservice-managedcluster/pull/160
    """
    pools: dict[str, pulumi.CustomResource] = {}
    if network is None:
        return pools
    for pool in args.get("node_pools", []):
        pools[pool["name"]] = resource(
            "containerservice:AgentPool",
            f"{name}-{pool['name']}",
            {
                "resourceGroupName": group.output("name"),
                "resourceName": cluster.name,
                "agentPoolName": pool_id(pool["name"], _made_from(pool, args)),
                "mode": "User",
                **node_settings(args, network, pool["machine_type"], gpu="gpu" in pool),
                "osDiskSizeGB": pool.get("disk_gb", 100),
                # No count: an update would set it back to that, whatever the autoscaler has made of it since.
                "minCount": pool["min_nodes"],
                "maxCount": pool["max_nodes"],
                "nodeLabels": pool.get("labels"),
                **(_spot(pool) if pool.get("spot", False) else _lasting(pool)),
            },
            pulumi.ResourceOptions(
                parent=parent,
                depends_on=list(pools.values())[-1:],
                # The provider would delete the old one first, since it does not know that the name is a new one.
                delete_before_replace=False,
                # With the whole cluster, its pools go without being drained first.
                deleted_with=cluster,
                custom_timeouts=pulumi.CustomTimeouts(create="45m", update="3h", delete="90m"),
            ),
        )
    return pools


def node_settings(args: AksArgs, network: Network, machine: str, *, gpu: bool = False) -> dict[str, Any]:
    """What all nodes have in common, those that AKS itself needs too, spelled as the provider spells it."""
    return {
        "type": "VirtualMachineScaleSets",
        "vmSize": machine,
        "vnetSubnetID": network.node_subnet_id,
        "availabilityZones": zones_of(args),
        "enableAutoScaling": True,
        # As the control plane, which AKS upgrades first: `orchestratorVersion` may not be newer.
        "orchestratorVersion": args["version"],
        "osType": "Linux",
        # Slipway AKS 14. Azure Linux lacks the drivers of the larger GPUs:
        # https://learn.microsoft.com/azure/aks/use-nvidia-gpu.
        "osSKU": "Ubuntu" if gpu else "AzureLinux3",
        "osDiskType": "Managed",
        # CIS AKS 5.4.3
        "enableNodePublicIP": False,
        # Slipway AKS 5
        "enableEncryptionAtHost": True,
        "securityProfile": {
            # Slipway AKS 3. The GPU's driver is not signed: https://learn.microsoft.com/azure/aks/use-trusted-launch#limitations.
            "enableSecureBoot": not gpu,
            # Slipway AKS 4
            "enableVTPM": True,
            # Slipway AKS 2
            "sshAccess": "Disabled",
        },
        "tags": args.get("tags"),
    }


def _made_from(pool: NodePool, args: AksArgs) -> dict[str, Any]:
    """What AKS refuses to change in a pool."""
    return {
        "machine": pool["machine_type"],
        "disk": pool.get("disk_gb", 100),
        "spot": pool.get("spot", False),
        "zones": zones_of(args),
    }


def _lasting(pool: NodePool) -> dict[str, Any]:
    return {
        "nodeTaints": [_written(taint) for taint in pool.get("taints", [])],
        "upgradeSettings": {"maxSurge": str(SURGE_NODES)},
    }


def _spot(pool: NodePool) -> dict[str, Any]:
    """Nodes at the going price. AKS adds none to them during an upgrade, and refuses to be told otherwise."""
    return {
        "scaleSetPriority": "Spot",
        "scaleSetEvictionPolicy": "Delete",
        "spotMaxPrice": -1,
        "nodeTaints": [SPOT_TAINT, *(_written(taint) for taint in pool.get("taints", []))],
    }


def _written(taint: Taint) -> str:
    """A taint as AKS writes it: `dedicated=gpu:NoSchedule`."""
    return f"{taint['key']}={taint.get('value', '')}:{Effect(taint['effect']).value}"
