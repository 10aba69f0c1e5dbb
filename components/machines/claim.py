"""The claim of a cluster on its machines, where nothing else that comes before them could be one."""

from collections.abc import Mapping

import pulumi
from pulumi import dynamic

from components.machines.claim_provider import ClaimProvider


class Claim(dynamic.Resource, module="slipway", name="Claim"):
    """What a cluster is told from any other one by, though that may have its name: its id."""

    def __init__(self, name: str, cluster: str, fixed: Mapping[str, str], opts: pulumi.ResourceOptions) -> None:
        super().__init__(ClaimProvider(), name, {"cluster": cluster, "fixed": dict(fixed)}, opts)
