"""Where the logs of an EKS cluster's control plane are kept."""

import pulumi

from components.managed.eks.args import EksArgs
from components.managed.eks.resource import resource
from components.managed.managed_args import DEFAULT_LOGS
from components.managed.slim import SlimResource

RETENTION_DAYS = 90


def control_plane_logs(
    parent: pulumi.Resource, name: str, args: EksArgs, unique: pulumi.Output[str], guard: pulumi.Resource
) -> list[SlimResource]:
    """The group of the cluster called `unique`. EKS would make one by itself, that stays for ever and never forgets."""
    if not args.get("logs", DEFAULT_LOGS):
        return []
    group = resource(
        "cloudwatch:LogGroup",
        f"{name}-logs",
        {
            "region": args["region"],
            "name": pulumi.Output.concat("/aws/eks/", unique, "/cluster"),
            # Slipway EKS 8
            "retentionInDays": args.get("eks", {}).get("log_retention_days", RETENTION_DAYS),
            "tags": args.get("tags"),
        },
        pulumi.ResourceOptions(parent=parent, depends_on=[guard]),
        outputs=(),
    )
    return [group]
