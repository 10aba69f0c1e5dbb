"""The key that an EKS cluster's Secrets are encrypted with in etcd."""

import pulumi

from components.managed.eks.args import EksArgs
from components.managed.eks.identity import Identity
from components.managed.eks.resource import resource
from components.managed.encryption import Encryption
from components.managed.managed_args import given_key


def secrets_encryption(
    parent: pulumi.Resource, name: str, args: EksArgs, identity: Identity, guard: pulumi.Resource
) -> Encryption:
    """A key of the cluster's own that is renewed each year, or the given one; and the control plane's leave to use it.

    A key that is deleted can be had back for 30 days.
    """
    key = given_key(args)
    if key is None:
        made = resource(
            "kms:Key",
            f"{name}-secrets",
            {
                "region": args["region"],
                "description": f"Secrets of the EKS cluster {name}",
                # Slipway EKS 3
                "enableKeyRotation": True,
                "deletionWindowInDays": 30,
                "tags": args.get("tags"),
            },
            # Without its key no Secret can be read, even from a backup. After the guard, so that no run leaves it
            # unremembered.
            pulumi.ResourceOptions(parent=parent, protect=args.get("deletion_protection", True), depends_on=[guard]),
            outputs=("arn",),
        )
        key = made.output("arn")
    # https://docs.aws.amazon.com/eks/latest/userguide/enable-kms.html
    actions = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:ListGrants"]
    statement = {"Effect": "Allow", "Action": actions, "Resource": key}
    leave = resource(
        "iam:RolePolicy",
        f"{name}-control-plane-secrets",
        {
            "role": identity.control_plane.name,
            "policy": pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": [statement]}),
        },
        pulumi.ResourceOptions(parent=parent),
        outputs=(),
    )
    return Encryption(key, (leave,))
