"""AKS's requests against AKS's own types."""

import copy
import re

import pytest
import yaml

from components import targets
from tests.engine.slipway import PROJECT
from tests.examples.aks import AKS, KEY, OFFICE, POOL, SUBNETS
from tests.models.aks import cluster_faults, maintenance_faults, node_pool_faults

EVERYTHING = {
    "releaseChannel": "extended",
    "maintenance": {"day": "sunday", "hour": 23},
    "logs": ["api", "audit", "authenticator", "controllerManager", "scheduler"],
    "tags": {"cost": "42"},
    "network": {"nodeSubnetId": f"{SUBNETS}/nodes", "apiSubnetId": f"{SUBNETS}/api", "outbound": "routes"},
    "secretsEncryption": {"key": KEY},
    "aks": {
        "systemNodes": {"machineType": "Standard_D8s_v5", "minNodes": 2, "maxNodes": 4},
        "zones": ["1"],
        "registries": ["/subscriptions/s/resourceGroups/r/providers/Microsoft.ContainerRegistry/registries/ours"],
        "publicDnsName": True,
    },
    "nodePools": [
        {
            **POOL,
            "diskGb": 50,
            "labels": {"team": "web"},
            "taints": [{"key": "a", "effect": "PreferNoSchedule"}, {"key": "b", "value": "c", "effect": "NoExecute"}],
        },
        {**POOL, "name": "batch", "spot": True, "machineType": "Standard_NC4as_T4_v3", "gpu": {}},
    ],
}
CLUSTERS = {
    **{
        name: yaml.safe_load((PROJECT / f"stacks/Pulumi.{name}.yaml").read_text())["config"]["slipway:cluster"]
        for name in ("prod-aks", "dev-aks")
    },
    "everything": {**AKS.cluster, **EVERYTHING},
    "public": {**AKS.cluster, "apiAccess": OFFICE},
    "auto": {key: value for key, value in AKS.cluster.items() if key != "nodePools"}
    | {"compute": "auto", "apiAccess": OFFICE},
}


@pytest.fixture
def made(deploy_once):
    """What one of `CLUSTERS` asks for."""

    def make(name):
        component, args = targets.read({"target": "aks", "cluster": CLUSTERS[name]}, "test")
        return deploy_once(component, "test", args, clouds=[AKS.cloud])

    return make


@pytest.mark.parametrize("name", CLUSTERS)
def test_what_a_stack_asks_for_is_what_the_api_takes(made, name):
    asked = made(name)

    assert cluster_faults(asked.the("ManagedCluster").inputs) == []
    assert [fault for each in asked.of("AgentPool") for fault in node_pool_faults(each.inputs)] == []
    assert [fault for each in asked.of("MaintenanceConfiguration") for fault in maintenance_faults(each.inputs)] == []


def changed(inputs, path, value):
    inputs = copy.deepcopy(inputs)
    *outer, last = path.split(".")
    inner = inputs
    for key in outer:
        inner = inner[int(key) if key.isdigit() else key]
    inner[last] = value
    return inputs


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        ("sku.tier", "Standart", r"cluster\.sku\.tier: 'Standart' is none of \['Premium'"),
        ("networkProfile.outboundType", "userAssignedNatGateway", r"outboundType: .* is none of"),
        ("networkProfile.networkPluginMode", "Overlay", "networkPluginMode: 'Overlay' is none of"),
        ("autoUpgradeProfile.nodeOSUpgradeChannel", "Security", "nodeOSUpgradeChannel: 'Security' is none of"),
        ("nodeResourceGroupProfile.restrictionLevel", "readonly", "restrictionLevel: 'readonly' is none of"),
        ("agentPoolProfiles.0.osSKU", "AzureLinux4", r"agentPoolProfiles\[0\]\.osSKU: 'AzureLinux4' is none of"),
        ("agentPoolProfiles.0.name", None, r"agentPoolProfiles\[0\]\.name: .* requires it"),
        ("agentPoolProfiles.0.minCount", "3", r"agentPoolProfiles\[0\]\.minCount: '3' is no int"),
        ("agentPoolProfiles.0.count", 1001, r"agentPoolProfiles\[0\]\.count: 1001 is not from 0 to 1000"),
        ("apiServerAccessProfile.privateDNSZone", "System", "privateDNSZone: 'System' is none of"),
        ("apiServerAccessProfile.enablePrivateClusterPublicFqdn", True, "has no such field"),
        ("securityProfile.azureKeyVaultKms.keyVaultNetworkAccess", "Open", "keyVaultNetworkAccess: 'Open' is none of"),
        ("disableLocalAccounts", "true", "disableLocalAccounts: 'true' is no bool"),
        ("location", None, r"cluster\.location: ManagedCluster requires it"),
        ("enableTpu", True, r"properties\.enableTpu: ManagedClusterProperties has no such field"),
    ],
)
def test_what_the_api_does_not_know_or_take_is_caught(made, path, value, fault):
    (line,) = cluster_faults(changed(made("prod-aks").the("ManagedCluster").inputs, path, value))

    assert re.search(fault, line), line


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        ("maintenanceWindow.durationHours", 3, "durationHours: 3 is not from 4 to 24"),
        ("maintenanceWindow.startTime", "24:00", "startTime: '24:00' is not from 00:00 to 23:59"),
        ("maintenanceWindow.startTime", "3:00", "startTime: '3:00' is not from 00:00 to 23:59"),
        ("maintenanceWindow.schedule", None, "schedule: MaintenanceWindow requires it"),
        ("maintenanceWindow.schedule.weekly", {"intervalWeeks": 1, "dayOfWeek": "sunday"}, "dayOfWeek: 'sunday' is"),
    ],
)
def test_a_window_that_the_api_does_not_take_is_caught(made, path, value, fault):
    window, _ = made("prod-aks").of("MaintenanceConfiguration")

    (line,) = maintenance_faults(changed(window.inputs, path, value))

    assert fault in line


def test_a_pools_keys_are_held_against_the_types_too(made):
    inputs = made("prod-aks").the("AgentPool").inputs

    (line,) = node_pool_faults({**inputs, "scaleSetPriority": "spot"})
    assert "scaleSetPriority: 'spot' is none of" in line
    (line,) = node_pool_faults({**inputs, "spot": True})
    assert line.startswith("pool.properties.spot: ")
