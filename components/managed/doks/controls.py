"""What a DOKS cluster is hardened by.

Of the CIS DigitalOcean Services Benchmark 1.0.0 a setting can answer two items: 3.2, a window for upgrades, and 3.3, a
highly available control plane. They were Slipway DOKS 6 and 5. All other rules are Slipway's own.
"""

from typing import Any

from components.managed.controls import Control, is_set, lists_networks

CLUSTER = "KubernetesCluster"

LONGEST_TOKEN_SECONDS = 3600


def _is_short(value: Any) -> bool:
    return isinstance(value, int | float) and 0 < value <= LONGEST_TOKEN_SECONDS


CONTROLS = (
    Control("CIS DOKS 3.2", "fixes arrive by themselves", CLUSTER, "autoUpgrade", True),
    Control("CIS DOKS 3.2", "and do so in a window", CLUSTER, "maintenancePolicy.startTime", is_set),
    Control("CIS DOKS 3.3", "the control plane survives the loss of a machine", CLUSTER, "ha", True),
    Control("Slipway DOKS 1", "the API is behind a firewall", CLUSTER, "controlPlaneFirewall.enabled", True),
    Control(
        "Slipway DOKS 2",
        "only listed networks reach the API",
        CLUSTER,
        "controlPlaneFirewall.allowedAddresses",
        lists_networks,
    ),
    Control("Slipway DOKS 3", "nodes have no public addresses", CLUSTER, "isolatedWorkers", True),
    Control("Slipway DOKS 4", "the cluster has a network that others do not share", CLUSTER, "vpcUuid", is_set),
    Control("Slipway DOKS 7", "an upgrade adds nodes before it takes any", CLUSTER, "surgeUpgrade", True),
    Control("Slipway DOKS 8", "pods have addresses of the VPC", CLUSTER, "clusterSubnet", is_set),
    Control(
        "Slipway DOKS 9",
        "the token that DigitalOcean's provider keeps in the state is soon worth nothing",
        CLUSTER,
        "kubeconfigExpireSeconds",
        _is_short,
    ),
    Control(
        "Slipway DOKS 10",
        "nothing that the cluster asked for outlives it",
        CLUSTER,
        "destroyAllAssociatedResources",
        True,
    ),
    Control("Slipway DOKS 11", "people sign in with their identity provider only", CLUSTER, "ssos.0.required", True),
)
