"""What an AKS cluster is hardened by: the items of the CIS AKS Benchmark 1.8 that a setting can answer, and more."""

from collections.abc import Callable, Mapping
from typing import Any

from components.managed.controls import Control, is_set, lists_networks

CLUSTER, POOL, SYSTEM = "ManagedCluster", "AgentPool", "agentPoolProfiles.0"

AUTOMATIC = "nodeProvisioningProfile.mode"
"""Set where AKS looks after the nodes itself: https://learn.microsoft.com/azure/aks/intro-aks-automatic."""


def _holds(category: str) -> Callable[[Any], bool]:
    """Whether a diagnostic setting's logs have `category`."""
    return lambda logs: any(log.get("category") == category and log.get("enabled") for log in logs or ())


def _is_fenced(access: Mapping[str, Any] | None) -> bool:
    """Whether the API has no public address, which it has by default, or listed networks only reach it there."""
    return bool(access) and (
        access.get("enablePrivateCluster") is True or lists_networks(access.get("authorizedIPRanges"))
    )


def _of_nodes(rule: str, title: str, field: str, wanted: Any) -> tuple[Control, Control]:
    """The same rule for the pools and for the one that is part of the cluster."""
    return (
        Control(rule, title, POOL, field, wanted),
        Control(rule, title, CLUSTER, f"{SYSTEM}.{field}", wanted, built_in=AUTOMATIC),
    )


CONTROLS = (
    Control("CIS AKS 2.1.1", "audit logs are kept", "DiagnosticSetting", "logs", _holds("kube-audit"), required=True),
    Control(
        "CIS AKS 5.2.1",
        "pods have identities of their own",
        CLUSTER,
        "securityProfile.workloadIdentity.enabled",
        True,
        built_in=AUTOMATIC,
    ),
    Control(
        "CIS AKS 5.3.1",
        "Secrets are encrypted with a key of yours",
        CLUSTER,
        "securityProfile.azureKeyVaultKms.enabled",
        True,
    ),
    Control("CIS AKS 5.4.1", "not everybody reaches the API", CLUSTER, "apiServerAccessProfile", _is_fenced),
    Control(
        "CIS AKS 5.4.2", "the API has no public address", CLUSTER, "apiServerAccessProfile.enablePrivateCluster", True
    ),
    *_of_nodes("CIS AKS 5.4.3", "nodes have no public addresses", "enableNodePublicIP", False),
    Control("CIS AKS 5.4.4", "network policies are enforced", CLUSTER, "networkProfile.networkPolicy", "cilium"),
    Control("CIS AKS 5.5.1", "users are those of Entra ID", CLUSTER, "aadProfile.managed", True),
    Control("CIS AKS 5.5.1", "and there are no others", CLUSTER, "disableLocalAccounts", True, built_in=AUTOMATIC),
    Control("CIS AKS 5.5.2", "Azure's roles say who may do what", CLUSTER, "aadProfile.enableAzureRBAC", True),
    Control(
        "Slipway AKS 1",
        "nobody runs commands past the network",
        CLUSTER,
        "apiServerAccessProfile.disableRunCommand",
        True,
    ),
    *_of_nodes("Slipway AKS 2", "nodes take no SSH", "securityProfile.sshAccess", "Disabled"),
    *_of_nodes("Slipway AKS 3", "a node boots signed software only", "securityProfile.enableSecureBoot", True),
    *_of_nodes("Slipway AKS 4", "a node's boot is measured", "securityProfile.enableVTPM", True),
    *_of_nodes("Slipway AKS 5", "disks are encrypted where they are attached", "enableEncryptionAtHost", True),
    Control(
        "Slipway AKS 6",
        "nodes get the fixes of their system",
        CLUSTER,
        "autoUpgradeProfile.nodeOSUpgradeChannel",
        "SecurityPatch",
        built_in=AUTOMATIC,
    ),
    Control(
        "Slipway AKS 7",
        "nobody but AKS changes what it made",
        CLUSTER,
        "nodeResourceGroupProfile.restrictionLevel",
        "ReadOnly",
        built_in=AUTOMATIC,
    ),
    Control(
        "Slipway AKS 8", "no mistake deletes the group", "ManagementLockByScope", "level", "CanNotDelete", required=True
    ),
    Control("Slipway AKS 9", "a lost key can be brought back", "Vault", "properties.enablePurgeProtection", True),
    Control(
        "Slipway AKS 10", "Azure's roles say who may use the key", "Vault", "properties.enableRbacAuthorization", True
    ),
    Control("Slipway AKS 11", "no subnet has a way out of its own", "Subnet", "defaultOutboundAccess", False),
    Control("Slipway AKS 12", "nodes leave by one address that is known", "NatGateway", "publicIpAddresses", is_set),
    Control(
        "Slipway AKS 13",
        "nodes reach the API inside the network",
        CLUSTER,
        "apiServerAccessProfile.enableVnetIntegration",
        True,
    ),
    *_of_nodes("Slipway AKS 14", "nodes run Azure's own Linux", "osSKU", "AzureLinux3"),
    Control(
        "Slipway AKS 15",
        "patches of Kubernetes arrive by themselves",
        CLUSTER,
        "autoUpgradeProfile.upgradeChannel",
        "patch",
        built_in=AUTOMATIC,
    ),
    Control(
        "Slipway AKS 16",
        "what arrives by itself does so in a window",
        "MaintenanceConfiguration",
        "maintenanceWindow.startTime",
        is_set,
    ),
)
