"""ManagedCluster: what the clusters of all clouds have beyond the contract."""

from collections.abc import Sequence
from typing import ClassVar

import pulumi

from components.cluster import Cluster
from components.managed.controls import Control


class ManagedCluster(Cluster):
    """A cluster that a cloud manages.

    Its constructor goes section by section, the same in every cloud: network, identity, encryption, control plane, node
    pools, add-ons, kubeconfig, outputs.
    """

    controls: ClassVar[Sequence[Control]]
    """The hardened settings, which the compliance report is made from."""

    control_plane: pulumi.CustomResource
    """The cloud's own resource for the cluster, for whatever Slipway does not set."""

    node_pools: dict[str, pulumi.CustomResource]
    """Name in the stack file → the cloud's own resource; empty with `compute: auto`."""
