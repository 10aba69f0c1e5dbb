"""Who the parts of an EKS cluster are to IAM, and who administers it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws import eks

from components.managed.eks.args import EksArgs, partition
from components.managed.eks.resource import resource
from components.managed.managed_args import is_auto


@dataclass(frozen=True)
class Role:
    """A role of IAM, and what it may do."""

    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    grants: tuple[pulumi.Resource, ...]
    """What must be there before the role is used, and as long as it is."""


@dataclass(frozen=True)
class Identity:
    """Who is who."""

    control_plane: Role
    nodes: Role
    addons: dict[str, Role]
    """Add-on → who its pods are, by Pod Identity."""


CONTROL_PLANE_POLICIES = ("AmazonEKSClusterPolicy",)
"""https://docs.aws.amazon.com/eks/latest/userguide/cluster-iam-role.html."""

AUTO_MODE_POLICIES = (
    "AmazonEKSBlockStoragePolicy",
    "AmazonEKSComputePolicy",
    "AmazonEKSLoadBalancingPolicy",
    "AmazonEKSNetworkingPolicy",
)
"""https://docs.aws.amazon.com/eks/latest/userguide/auto-cluster-iam-role.html."""

NODE_POLICIES = ("AmazonEC2ContainerRegistryPullOnly", "AmazonEKSWorkerNodePolicy")
"""https://docs.aws.amazon.com/eks/latest/userguide/create-node-role.html. Networking is not the node's own affair: the
pods of the VPC CNI have a role for it."""

AUTO_MODE_NODE_POLICIES = ("AmazonEC2ContainerRegistryPullOnly", "AmazonEKSWorkerNodeMinimalPolicy")
"""https://docs.aws.amazon.com/eks/latest/userguide/auto-create-node-role.html."""

ADDON_POLICIES = {"vpc-cni": "AmazonEKS_CNI_Policy", "aws-ebs-csi-driver": "service-role/AmazonEBSCSIDriverPolicy"}
"""https://docs.aws.amazon.com/eks/latest/userguide/workloads-add-ons-available-eks.html."""

EKS = "eks.amazonaws.com"
EC2 = "ec2.amazonaws.com"
PODS = "pods.eks.amazonaws.com"


def identities(parent: pulumi.Resource, name: str, args: EksArgs) -> Identity:
    """A role for the control plane, one for the nodes, and one for each add-on that asks AWS for something.

    CIS EKS 5.2.1: no role serves two of them, and nodes need not lend theirs to pods.
    """
    auto = is_auto("eks", args)
    control_plane = CONTROL_PLANE_POLICIES + (AUTO_MODE_POLICIES if auto else ())
    return Identity(
        _role(parent, f"{name}-control-plane", args, EKS, control_plane),
        _role(parent, f"{name}-nodes", args, EC2, AUTO_MODE_NODE_POLICIES if auto else NODE_POLICIES),
        {
            addon: _role(parent, f"{name}-{addon.removeprefix('aws-')}-pods", args, PODS, [policy])
            for addon, policy in ADDON_POLICIES.items()
            if not auto
        },
    )


def administrators(parent: pulumi.Resource, name: str, args: EksArgs, cluster: eks.Cluster) -> list[pulumi.Resource]:
    """Let the stack's `admins` in, as administrators of everything in the cluster. Nobody else gets in."""
    let_in: list[pulumi.Resource] = []
    for arn in args.get("admins", []):
        # `123456789012-role-Admin`
        who = arn.partition("::")[2].replace(":", "-").replace("/", "-")
        # CIS EKS 5.5.1: IAM says who a caller is.
        entry = eks.AccessEntry(
            f"{name}-admin-{who}",
            region=args["region"],
            cluster_name=cluster.name,
            principal_arn=arn,
            type="STANDARD",
            tags=args.get("tags"),
            opts=pulumi.ResourceOptions(parent=parent, deleted_with=cluster),
        )
        association = eks.AccessPolicyAssociation(
            f"{name}-admin-{who}-rights",
            region=args["region"],
            cluster_name=cluster.name,
            principal_arn=entry.principal_arn,
            policy_arn=f"arn:{partition(args['region'])}:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy",
            access_scope={"type": "cluster"},
            opts=pulumi.ResourceOptions(parent=parent, deleted_with=cluster),
        )
        let_in.append(association)
    return let_in


def _role(parent: pulumi.Resource, name: str, args: EksArgs, service: str, policies: Sequence[str]) -> Role:
    child = pulumi.ResourceOptions(parent=parent)
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": service},
                # Auto Mode and Pod Identity tag their sessions.
                "Action": ["sts:AssumeRole"] if service == EC2 else ["sts:AssumeRole", "sts:TagSession"],
            }
        ],
    }
    role = resource(
        "iam:Role",
        name,
        {"assumeRolePolicy": json.dumps(trust), "tags": args.get("tags")},
        child,
        outputs=("name", "arn"),
    )
    grants = [
        resource(
            "iam:RolePolicyAttachment",
            f"{name}-{policy.rpartition('/')[2]}",
            {
                "role": role.output("name"),
                "policyArn": f"arn:{partition(args['region'])}:iam::aws:policy/{policy}",
            },
            child,
            outputs=(),
        )
        for policy in policies
    ]
    return Role(role.output("name"), role.output("arn"), tuple(grants))
