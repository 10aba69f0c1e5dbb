"""The node pools of an EKS cluster."""

from collections.abc import Sequence

import pulumi
from pulumi_aws import eks

from components.managed.eks.args import UNAVAILABLE_PERCENT, EksArgs, is_arm
from components.managed.eks.identity import Identity
from components.managed.eks.network import Network
from components.managed.eks.resource import resource
from components.managed.managed_args import is_auto
from components.managed.node_pools import NodePool
from components.managed.slim import SlimResource
from components.nodes import Effect

ROOT_DISK = "/dev/xvda"
"""Of Amazon Linux: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/device_naming.html."""


def node_pools(
    parent: pulumi.Resource,
    name: str,
    args: EksArgs,
    cluster: eks.Cluster,
    network: Network,
    identity: Identity,
    addons: Sequence[pulumi.Resource],
) -> dict[str, pulumi.CustomResource]:
    """The nodes. Pools get names of their own from Pulumi, so that a new one can stand before the old one goes.

    EKS tags their Auto Scaling groups for the Cluster Autoscaler, which reads labels and taints from EKS itself:
    https://docs.aws.amazon.com/eks/latest/userguide/managed-node-groups.html.
    """
    if is_auto("eks", args):
        return {}
    pools: dict[str, pulumi.CustomResource] = {}
    for pool in args.get("node_pools", []):
        template = launch_template(parent, name, args, pool, cluster)
        pools[pool["name"]] = eks.NodeGroup(
            f"{name}-{pool['name']}",
            region=args["region"],
            cluster_name=cluster.name,
            # Nodes follow the control plane, and never precede it.
            version=cluster.version,
            # CIS EKS 5.2.1
            node_role_arn=identity.nodes.arn,
            subnet_ids=list(network.subnet_ids),
            instance_types=[pool["machine_type"]],
            # Slipway EKS 9
            ami_type=ami_type(pool),
            capacity_type="SPOT" if pool.get("spot", False) else "ON_DEMAND",
            # A number there, and text here.
            launch_template={
                "id": template.id,
                "version": template.output("latestVersion").apply(lambda n: str(int(n))),
            },
            scaling_config={
                "min_size": pool["min_nodes"],
                "max_size": pool["max_nodes"],
                "desired_size": pool["min_nodes"],
            },
            # New nodes come before old ones go.
            update_config={"max_unavailable_percentage": UNAVAILABLE_PERCENT, "update_strategy": "DEFAULT"},
            # Slipway EKS 7
            node_repair_config={"enabled": True},
            labels=pool.get("labels", {}),
            taints=[
                {"key": taint["key"], "value": taint.get("value", ""), "effect": Effect(taint["effect"]).name}
                for taint in pool.get("taints", [])
            ],
            tags=args.get("tags"),
            opts=pulumi.ResourceOptions(
                parent=parent,
                # That is the autoscaler's to say.
                ignore_changes=["scalingConfig.desiredSize"],
                # What nodes need from their first second to their last. EKS deletes no cluster that still has nodes.
                depends_on=[*network.ways_out, *identity.nodes.grants, *addons],
                custom_timeouts=pulumi.CustomTimeouts(create="45m", update="3h", delete="90m"),
            ),
        )
    return pools


def ami_type(pool: NodePool) -> str:
    """Amazon Linux 2023 for the machine's processor, with NVIDIA's driver where there are GPUs."""
    processor = "ARM_64" if is_arm(pool["machine_type"]) else "x86_64"
    return f"AL2023_{processor}_{'NVIDIA' if 'gpu' in pool else 'STANDARD'}"


def launch_template(
    parent: pulumi.Resource, name: str, args: EksArgs, pool: NodePool, cluster: eks.Cluster
) -> SlimResource:
    """What EKS does not ask for by itself: how a node's credentials are fenced in, and its disk."""
    tags = {"Name": f"{name}-{pool['name']}", **args.get("tags", {})}
    return resource(
        "ec2:LaunchTemplate",
        f"{name}-{pool['name']}-template",
        {
            "region": args["region"],
            # Slipway EKS 5: a pod is one hop further away than its node, so it never gets the node's credentials. And
            # Slipway EKS 4: a request that somebody tricked a process into, which carries no token, gets none either.
            "metadataOptions": {"httpEndpoint": "enabled", "httpTokens": "required", "httpPutResponseHopLimit": 1},
            "blockDeviceMappings": [
                {
                    "deviceName": ROOT_DISK,
                    "ebs": {
                        "volumeSize": pool.get("disk_gb", 100),
                        "volumeType": "gp3",
                        # Slipway EKS 6
                        "encrypted": "true",
                        "deleteOnTermination": "true",
                    },
                }
            ],
            "tagSpecifications": [{"resourceType": kind, "tags": tags} for kind in ("instance", "volume")],
            "tags": args.get("tags"),
        },
        pulumi.ResourceOptions(parent=parent, depends_on=[cluster]),
        outputs=("latestVersion",),
    )
