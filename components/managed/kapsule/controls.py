"""What a Kapsule cluster is hardened by. No benchmark is about Kapsule, so that the ids are Slipway's own."""

from typing import Any

from components.managed.controls import Control, is_off


def names_networks(rules: Any) -> bool:
    """Whether an ACL lets somebody in, and not everybody."""
    return isinstance(rules, list) and bool(rules) and all(rule.get("ip") not in OPEN for rule in rules)


OPEN = (None, "0.0.0.0/0", "::/0")

CONTROLS = (
    Control("Slipway KAPSULE 1", "only listed networks reach the API", "Acl", "aclRules", names_networks),
    Control("Slipway KAPSULE 2", "nodes have no public addresses", "Pool", "publicIpDisabled", True),
    Control("Slipway KAPSULE 3", "nobody logs in through the gateway", "PublicGateway", "bastionEnabled", is_off),
    Control("Slipway KAPSULE 4", "patches arrive by themselves", "Cluster", "autoUpgrade.enable", True),
    Control("Slipway KAPSULE 5", "network policies are enforced", "Cluster", "cni", "cilium"),
    Control("Slipway KAPSULE 6", "broken nodes are repaired", "Pool", "autohealing", True),
    Control(
        "Slipway KAPSULE 7",
        "nothing that pods asked for outlives the cluster",
        "Cluster",
        "deleteAdditionalResources",
        True,
    ),
    Control(
        "Slipway KAPSULE 8",
        "the API outlives a machine, and tells who did what",
        "Cluster",
        "type",
        lambda offer: str(offer).startswith("kapsule-dedicated-"),
    ),
)
