"""What a Kapsule cluster is hardened by. No benchmark is about Kapsule, so that the ids are Slipway's own."""

from typing import Any

from components.managed.controls import Control, is_off, is_set, lists_networks

CLUSTER, POOL = "Cluster", "Pool"


def _is_fenced(rules: Any) -> bool:
    """Whether an ACL lets somebody in, and not everybody."""
    return lists_networks([rule.get("ip") for rule in rules or ()])


CONTROLS = (
    Control("Slipway KAPSULE 1", "only listed networks reach the API", "Acl", "aclRules", _is_fenced),
    Control("Slipway KAPSULE 2", "nodes have no public addresses", POOL, "publicIpDisabled", True),
    Control("Slipway KAPSULE 3", "nobody logs in through the gateway", "PublicGateway", "bastionEnabled", is_off),
    Control("Slipway KAPSULE 4", "fixes arrive by themselves", CLUSTER, "autoUpgrade.enable", True),
    Control("Slipway KAPSULE 5", "network policies are enforced", CLUSTER, "cni", "cilium"),
    Control("Slipway KAPSULE 6", "broken nodes are repaired", POOL, "autohealing", True),
    Control(
        "Slipway KAPSULE 7",
        "nothing that the cluster asked for outlives it",
        CLUSTER,
        "deleteAdditionalResources",
        True,
    ),
    Control(
        "Slipway KAPSULE 8",
        "the API outlives a machine, and tells who did what",
        CLUSTER,
        "type",
        lambda offer: str(offer).startswith("kapsule-dedicated-"),
    ),
    Control("Slipway KAPSULE 9", "nodes follow the control plane", CLUSTER, "upgradePools", True),
    Control(
        "Slipway KAPSULE 10", "an upgrade adds a node before it takes any", POOL, "upgradePolicy.maxUnavailable", 0
    ),
    Control(
        "Slipway KAPSULE 11",
        "patches arrive in a window",
        CLUSTER,
        "autoUpgrade.maintenanceWindowDay",
        is_set,
    ),
)
