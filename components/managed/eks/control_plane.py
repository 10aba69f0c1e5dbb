"""The control plane of an EKS cluster."""

from typing import Any

import pulumi
from pulumi_aws import eks

from components.managed.eks.args import EksArgs
from components.managed.eks.identity import Identity
from components.managed.eks.logs import control_plane_logs
from components.managed.eks.network import Network
from components.managed.eks.resource import SDK
from components.managed.encryption import Encryption
from components.managed.managed_args import (
    DEFAULT_LOGS,
    NODE_CIDR,
    SERVICE_CIDR,
    ControlPlaneLog,
    authorized_cidrs,
    is_auto,
    is_extended,
)
from components.managed.slim import answer
from components.state import State, outputs_of

AUTO_MODE_POOLS = ("general-purpose", "system")
"""The pools that Auto Mode brings: https://docs.aws.amazon.com/eks/latest/userguide/set-builtin-node-pools.html."""


def offered_versions(parent: pulumi.Resource, args: EksArgs) -> list[str]:
    """The minors that a cluster may run there."""
    asked = {"region": args["region"], "clusterType": "eks"}
    wanted = {} if is_extended(args) else {"versionStatus": "STANDARD_SUPPORT"}
    function = "aws:eks/getClusterVersions:getClusterVersions"
    return [each["clusterVersion"] for each in answer(SDK, function, {**asked, **wanted}, parent, "clusterVersions")]


def running_version(state: State, name: str) -> str:
    """The minor that ran at the last `up` or refresh: EKS brings the next one when support ends."""
    return outputs_of(state, "aws:eks/cluster:Cluster", f"{name}-cluster").get("version", "")


def control_plane(
    parent: pulumi.Resource,
    name: str,
    args: EksArgs,
    network: Network,
    identity: Identity,
    encryption: Encryption,
    guard: pulumi.Resource,
) -> eks.Cluster:
    """The cluster without nodes; with `compute: auto`, one that makes its own."""
    protected = args.get("deletion_protection", True)
    authorized = authorized_cidrs(args)
    # Pulumi made the role's name unique, and so it makes the cluster's. EKS may write logs, and thereby make the group
    # again, after a destroy: under a name that came back, that group would be in the way.
    unique = identity.control_plane.name.apply(lambda role: role.replace("-control-plane", "", 1))
    return eks.Cluster(
        f"{name}-cluster",
        name=unique,
        region=args["region"],
        version=args["version"],
        role_arn=identity.control_plane.arn,
        vpc_config={
            "subnet_ids": list(network.subnet_ids),
            # CIS EKS 5.4.1 and CIS EKS 5.4.2
            "endpoint_private_access": True,
            "endpoint_public_access": bool(authorized),
            **({"public_access_cidrs": authorized} if authorized else {}),
        },
        # CIS EKS 5.5.1: IAM and access entries say who gets in. Slipway EKS 2: whoever made the cluster does not.
        access_config={"authentication_mode": "API", "bootstrap_cluster_creator_admin_permissions": False},
        # They come as add-ons, of a version that is known and in an order that works. A change replaces the cluster.
        bootstrap_self_managed_addons=False,
        # CIS EKS 5.3.1
        encryption_config={"provider": {"key_arn": encryption.key}, "resources": ["secrets"]},
        # CIS EKS 2.1.1
        enabled_cluster_log_types=[ControlPlaneLog(log).value for log in args.get("logs", DEFAULT_LOGS)],
        # Slipway EKS 10: https://docs.aws.amazon.com/eks/latest/userguide/disable-extended-support.html
        upgrade_policy={"support_type": "EXTENDED" if is_extended(args) else "STANDARD"},
        **_auto_mode(args, identity),
        # Slipway EKS 1
        deletion_protection=protected,
        tags=args.get("tags"),
        opts=pulumi.ResourceOptions(
            parent=parent,
            protect=protected,
            # Its name is taken until it is gone.
            delete_before_replace=True,
            # It cannot move to another VPC, and the provider would try to. Another key it would pass over in silence.
            replacement_trigger="a given network" if "network" in args else args.get("node_cidr", NODE_CIDR),
            replace_on_changes=["encryptionConfig"],
            # What it needs until it is gone: without its role it leaves security groups and addresses behind.
            depends_on=[
                guard,
                *control_plane_logs(parent, name, args, unique, guard),
                *identity.control_plane.grants,
                *encryption.grants,
                # What nodes need from their first second to their last, where it is the cluster that makes them.
                *([*network.ways_out, *identity.nodes.grants] if is_auto("eks", args) else []),
            ],
            custom_timeouts=pulumi.CustomTimeouts(create="45m", update="90m", delete="45m"),
        ),
    )


def _auto_mode(args: EksArgs, identity: Identity) -> dict[str, Any]:
    """The three switches of Auto Mode, which EKS takes together only. Written out when off, so that it can be left.

    https://docs.aws.amazon.com/eks/latest/userguide/auto-disable.html
    """
    auto = is_auto("eks", args)
    nodes = {"node_pools": list(AUTO_MODE_POOLS), "node_role_arn": identity.nodes.arn} if auto else {}
    return {
        "compute_config": {"enabled": auto, **nodes},
        "storage_config": {"block_storage": {"enabled": auto}},
        "kubernetes_network_config": {
            "elastic_load_balancing": {"enabled": auto},
            "service_ipv4_cidr": args.get("service_cidr", SERVICE_CIDR),
        },
    }
