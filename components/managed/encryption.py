"""The key that a cluster's Secrets are encrypted with in etcd."""

from dataclasses import dataclass

import pulumi


@dataclass(frozen=True)
class Encryption:
    """A key, as the cloud's control plane is told it, and what must be there before the cluster can use it."""

    key: pulumi.Input[str]
    grants: tuple[pulumi.Resource, ...] = ()
