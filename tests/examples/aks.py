"""AKS."""

from components.managed.controls import is_set
from tests.engine.stand_in.azure_native import AZURE_NATIVE
from tests.examples.example import UPGRADED, Example, Seen

POOL = {"name": "general", "machineType": "Standard_D4s_v5", "minNodes": 1, "maxNodes": 5}
ADMINS = ["5a2f6c3e-0b1d-4c8e-9f7a-1234567890ab"]
OFFICE = {"authorizedCidrs": ["203.0.113.0/24"]}
HUB = "/subscriptions/s/resourceGroups/hub/providers"
KEY = f"{HUB}/Microsoft.KeyVault/vaults/kept/keys/etcd/versions/0123456789abcdef"
SUBNETS = f"{HUB}/Microsoft.Network/virtualNetworks/hub/subnets"
CLUSTER = "ManagedCluster"
GIVEN_NETWORK = {"network": {"nodeSubnetId": f"{SUBNETS}/nodes", "apiSubnetId": f"{SUBNETS}/api"}}

AKS = Example(
    target="aks",
    cluster={"version": "1.37", "region": "westeurope", "admins": ADMINS, "nodePools": [POOL]},
    cloud=AZURE_NATIVE,
    features={
        "fully-managed-nodes": Seen(
            CLUSTER, "sku.name", "Automatic", when={"compute": "auto", "nodePools": None, "apiAccess": OFFICE}
        ),
        "autoscaling": (Seen("AgentPool", "enableAutoScaling", True), Seen("AgentPool", "maxCount", 5)),
        "spot-nodes": Seen("AgentPool", "scaleSetPriority", "Spot", when={"nodePools": [{**POOL, "spot": True}]}),
        "gpu-nodes": Seen(
            "AgentPool",
            "vmSize",
            "Standard_NC4as_T4_v3",
            when={"nodePools": [{**POOL, "machineType": "Standard_NC4as_T4_v3", "gpu": {}}]},
        ),
        "node-disk-size": Seen("AgentPool", "osDiskSizeGB", 50, when={"nodePools": [{**POOL, "diskGb": 50}]}),
        "labels-and-taints": (
            Seen("AgentPool", "nodeLabels", {"team": "web"}, when={"nodePools": [{**POOL, "labels": {"team": "web"}}]}),
            Seen(
                "AgentPool",
                "nodeTaints",
                ["dedicated=web:NoSchedule"],
                when={
                    "nodePools": [
                        {**POOL, "taints": [{"key": "dedicated", "value": "web", "effect": "NoSchedule"}]},
                    ]
                },
            ),
        ),
        # AKS repairs nodes of scale sets by itself, and there is no switch:
        # https://learn.microsoft.com/azure/aks/node-auto-repair
        "node-repair": Seen("AgentPool", "type", "VirtualMachineScaleSets"),
        "surge-upgrades": Seen("AgentPool", "upgradeSettings.maxSurge", "1"),
        "in-place-upgrade": UPGRADED,
        "automatic-upgrades": Seen(CLUSTER, "autoUpgradeProfile.upgradeChannel", "patch"),
        "upgrade-freezes": Seen(
            "MaintenanceConfiguration",
            "maintenanceWindow.notAllowedDates.0.end",
            "2026-12-31",
            when={"freezes": [{"first": "2026-12-20", "last": "2026-12-31"}]},
        ),
        "maintenance-window": Seen(
            "MaintenanceConfiguration",
            "maintenanceWindow.schedule.weekly.dayOfWeek",
            "Sunday",
            when={"maintenance": {"day": "sunday", "hour": 22}},
        ),
        "highly-available-control-plane": Seen(CLUSTER, "sku.tier", "Standard"),
        "given-network": Seen(
            CLUSTER,
            "apiServerAccessProfile.subnetId",
            f"{SUBNETS}/api",
            when=GIVEN_NETWORK,
        ),
        "pod-cidr": Seen(CLUSTER, "networkProfile.podCidr", "10.20.0.0/16", when={"podCidr": "10.20.0.0/16"}),
        "service-cidr": Seen(
            CLUSTER, "networkProfile.serviceCidr", "10.21.0.0/20", when={"serviceCidr": "10.21.0.0/20"}
        ),
        "private-nodes": Seen("AgentPool", "enableNodePublicIP", False),
        "private-api": Seen(CLUSTER, "apiServerAccessProfile.enablePrivateCluster", True),
        "authorized-networks": Seen(
            CLUSTER, "apiServerAccessProfile.authorizedIPRanges", ["203.0.113.0/24"], when={"apiAccess": OFFICE}
        ),
        "network-policy": Seen(CLUSTER, "networkProfile.networkPolicy", "cilium"),
        "load-balancer": Seen(CLUSTER, "networkProfile.loadBalancerSku", "standard"),
        "persistent-volumes": Seen(CLUSTER, "storageProfile.diskCSIDriver.enabled", True),
        "named-admins": Seen(CLUSTER, "aadProfile.adminGroupObjectIDs", ADMINS),
        "workload-identity": (
            Seen(CLUSTER, "securityProfile.workloadIdentity.enabled", True),
            Seen(CLUSTER, "oidcIssuerProfile.enabled", True),
        ),
        "secrets-encryption": (
            Seen(CLUSTER, "securityProfile.azureKeyVaultKms.keyId", is_set),
            Seen(
                CLUSTER,
                "securityProfile.azureKeyVaultKms.keyId",
                "https://kept.vault.azure.net/keys/etcd/0123456789abcdef",
                when={"secretsEncryption": {"key": KEY}},
            ),
        ),
        "control-plane-logs": Seen(
            "DiagnosticSetting",
            "logs",
            [{"category": "kube-scheduler", "enabled": True}],
            when={"logs": ["scheduler"]},
        ),
        "tags": Seen(CLUSTER, "tags", {"cost": "42"}, when={"tags": {"cost": "42"}}),
        "deletion-protection": Seen("ManagementLockByScope", "level", "CanNotDelete"),
    },
    made_for_a_network=("VirtualNetwork", "Subnet", "NatGateway", "PublicIPAddress"),
    pinned={
        "region": "northeurope",
        "nodeCidr": "10.1.0.0/16",
        "podCidr": "10.32.0.0/14",
        "serviceCidr": "10.9.0.0/20",
    },
    pinned_with={
        "compute": {"compute": "auto", "nodePools": None, "apiAccess": OFFICE},
        "network": GIVEN_NETWORK,
        "aks.systemNodes.machineType": {"aks": {"systemNodes": {"machineType": "Standard_D8s_v5"}}},
        "aks.zones": {"aks": {"zones": ["1"]}},
    },
    node_pool="AgentPool",
    exec_program="kubelogin",
)
