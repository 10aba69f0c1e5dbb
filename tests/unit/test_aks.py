import re
from typing import Any

import pytest
import yaml

from components.cluster import CONTRACT
from components.managed.aks.args import dns_address, pinned, pool_id, subnets, vault_id
from components.managed.aks.cluster import AksCluster
from components.managed.aks.encryption import _parts
from components.spec import SpecError
from tests.engine.stand_in.azure_native import AZURE_NATIVE, CA_CERTIFICATE, KUBELET, PRINCIPAL
from tests.engine.stand_in.cloud import UNKNOWN

ADMINS = ["5a2f6c3e-0b1d-4c8e-9f7a-1234567890ab"]
POOL: dict[str, Any] = {"name": "general", "machine_type": "Standard_D4s_v5", "min_nodes": 1, "max_nodes": 5}
ARGS: dict[str, Any] = {"version": "1.37", "region": "westeurope", "admins": ADMINS, "node_pools": [POOL]}
OFFICE = {"authorized_cidrs": ["203.0.113.0/24"]}
AUTO = {"compute": "auto", "node_pools": None, "api_access": OFFICE}
HUB = "/subscriptions/s/resourceGroups/hub/providers"
VAULT = f"{HUB}/Microsoft.KeyVault/vaults/kept"
NETWORK = {"node_subnet_id": f"{HUB}/nodes", "api_subnet_id": f"{HUB}/api"}


def arguments(**changes) -> Any:
    return {key: value for key, value in {**ARGS, **changes}.items() if value is not None}


@pytest.fixture
def aks(deploy_once):
    """Deploy an AKS cluster called `prod`, with `ARGS` changed."""

    def make(*, preview=False, **changes):
        return deploy_once(AksCluster, "prod", arguments(**changes), clouds=[AZURE_NATIVE], preview=preview)

    return make


@pytest.fixture
def refused():
    """What an AKS cluster called `prod`, with `ARGS` changed, is refused for."""

    def make(**changes):
        with pytest.raises(SpecError) as error:
            AksCluster("prod", arguments(**changes))
        assert len(error.value.faults) == 1, error.value
        return str(error.value)

    return make


def pool(**changes):
    return {**POOL, **changes}


# Shape


def test_a_name_in_the_arguments_names_the_resources(aks):
    assert aks(name="shop").the("ManagedCluster").name == "shop-cluster"


def test_all_resources_share_the_provider_of_one_version(aks):
    assert len({each.version for each in aks().resources if each.type.startswith("azure-native:")}) == 1


def test_a_preview_knows_what_does_not_depend_on_the_cloud(aks):
    outputs = aks(preview=True).the("AksCluster").outputs

    assert (outputs["pod_cidr"], outputs["service_cidr"]) == ("10.4.0.0/14", "10.8.0.0/20")
    assert outputs["endpoint"] == outputs["kubeconfig"] == UNKNOWN


def test_the_component_registers_the_whole_contract(aks):
    component = aks().the("AksCluster")

    assert component.outputs.keys() == set(CONTRACT)
    assert component.outputs["ca_certificate"] == CA_CERTIFICATE
    assert component.outputs["kubernetes_version"] == "v1.37.2"


# Pools: what AKS makes hard


def test_one_pool_is_part_of_the_cluster_and_runs_nothing_but_what_aks_needs(aks):
    (system,) = aks().the("ManagedCluster").inputs["agentPoolProfiles"]

    assert (system["name"], system["mode"]) == ("system", "System")
    assert system["nodeTaints"] == ["CriticalAddonsOnly=true:NoSchedule"]
    assert (system["minCount"], system["maxCount"]) == (3, 5)


def test_another_pool_is_no_change_of_the_cluster(aks):
    one, two = aks(), aks(node_pools=[POOL, pool(name="batch")])

    assert one.the("ManagedCluster").inputs == two.the("ManagedCluster").inputs
    assert [each.name for each in two.of("AgentPool")] == ["prod-general", "prod-batch"]
    assert {each.inputs["mode"] for each in two.of("AgentPool")} == {"User"}


def test_no_change_is_ignored(aks):
    assert {each.name for each in aks().resources if each.ignore_changes} == set()


def test_automatic_names_no_pool_and_no_network_and_decides_on_upgrades(aks):
    made = aks(**AUTO)
    cluster = made.the("ManagedCluster").inputs

    assert cluster["sku"] == {"name": "Automatic", "tier": "Standard"}
    # https://github.com/Azure/terraform-azurerm-avm-res-containerservice-managedcluster/blob/main/locals.resource_body.tf
    refused = {"dnsPrefix", "disableLocalAccounts", "enableRBAC", "nodeResourceGroupProfile", "supportPlan"}
    assert not cluster.keys() & {"agentPoolProfiles", "autoUpgradeProfile", *refused}
    assert made.of("AgentPool") == made.of("VirtualNetwork") == made.of("Subnet") == []
    assert "subnetId" not in cluster["apiServerAccessProfile"]


@pytest.mark.parametrize(
    "change",
    [
        {"machine_type": "Standard_D8s_v5"},
        {"disk_gb": 200},
        {"spot": True},
        {"machine_type": "Standard_NC4as_T4_v3", "gpu": {}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_pool_that_must_be_made_anew_gets_a_new_name_and_can_stand_beside_the_old_one(aks, change):
    old, new = (made.the("AgentPool").inputs["agentPoolName"] for made in (aks(), aks(node_pools=[pool(**change)])))

    assert old != new
    assert old[:7] == new[:7] == "general"


def test_a_pool_that_is_moved_to_other_zones_gets_a_new_name_too(aks):
    names = {made.the("AgentPool").inputs["agentPoolName"] for made in (aks(), aks(aks={"zones": ["1"]}))}

    assert len(names) == 2


def test_in_a_region_without_zones_nothing_is_put_into_one(aks):
    made = aks(aks={"zones": []})

    assert made.the("AgentPool").inputs.get("availabilityZones") is None
    assert made.the("ManagedCluster").inputs["agentPoolProfiles"][0].get("availabilityZones") is None
    assert made.the("PublicIPAddress").inputs.get("zones") is None


def test_a_pool_that_aks_can_change_keeps_its_name(aks):
    changed = pool(max_nodes=9, labels={"a": "b"}, taints=[{"key": "a", "effect": "NoSchedule"}])
    names = {
        made.the("AgentPool").inputs["agentPoolName"]
        for made in (aks(), aks(node_pools=[changed]), aks(version="1.36"), aks(tags={"a": "b"}))
    }

    assert len(names) == 1


def test_the_longest_name_that_is_accepted_still_fits_and_two_pools_of_one_kind_differ():
    one, two = pool_id("abcdefgh", {}), pool_id("abcdefgi", {})

    assert re.fullmatch("[a-z][a-z0-9]{0,11}", one)
    assert one != two


def test_an_update_does_not_set_the_number_of_nodes_back(aks):
    made = aks()

    assert "count" not in made.the("AgentPool").inputs
    assert "count" not in made.the("ManagedCluster").inputs["agentPoolProfiles"][0]


def test_pools_have_the_version_of_their_cluster_and_come_after_it(aks):
    made = aks(version="1.36")

    assert made.the("ManagedCluster").inputs["agentPoolProfiles"][0]["orchestratorVersion"] == "1.36"
    assert made.the("AgentPool").inputs["orchestratorVersion"] == "1.36"
    assert "prod-cluster" in made.the("AgentPool").dependencies


def test_pools_and_subnets_are_worked_on_one_at_a_time_since_azure_refuses_two(aks):
    made = aks(node_pools=[pool(name=name) for name in ("a", "b", "c")])
    needs = {each.name: each.dependencies for each in made.resources}

    assert "prod-a" in needs["prod-b"]
    assert "prod-b" in needs["prod-c"]
    assert "prod-node-subnet" in needs["prod-api-subnet"]


def test_spot_nodes_are_not_told_of_surges_which_aks_refuses(aks):
    asked = pool(spot=True, taints=[{"key": "dedicated", "value": "web", "effect": "NoExecute"}])
    inputs = aks(node_pools=[asked]).the("AgentPool").inputs

    assert "upgradeSettings" not in inputs
    assert inputs["spotMaxPrice"] == -1
    assert inputs["nodeTaints"] == [
        "kubernetes.azure.com/scalesetpriority=spot:NoSchedule",
        "dedicated=web:NoExecute",
    ]


def test_nodes_with_gpus_boot_the_system_whose_driver_aks_has(aks):
    gpu = pool(machine_type="Standard_NC4as_T4_v3", gpu={})
    inputs = aks(node_pools=[gpu]).the("AgentPool").inputs

    assert inputs["osSKU"] == "Ubuntu"
    assert inputs["securityProfile"] == {"enableSecureBoot": False, "enableVTPM": True, "sshAccess": "Disabled"}


@pytest.mark.parametrize(
    ("asked", "nodes"),
    [
        ({}, ("Standard_D4s_v5", 3, 5)),
        ({"highly_available": False}, ("Standard_D4s_v5", 1, 3)),
        (
            {"aks": {"system_nodes": {"machine_type": "Standard_D8s_v5", "min_nodes": 2}}},
            ("Standard_D8s_v5", 2, 4),
        ),
        ({"aks": {"system_nodes": {"max_nodes": 9}}}, ("Standard_D4s_v5", 3, 9)),
    ],
)
def test_aks_has_the_nodes_for_itself_that_are_asked_for(aks, asked, nodes):
    (system,) = aks(**asked).the("ManagedCluster").inputs["agentPoolProfiles"]

    assert (system["vmSize"], system["minCount"], system["maxCount"]) == nodes


# Names that Azure makes hard


@pytest.mark.parametrize("name", ["prod", "a-very-long-name-of-a-cluster", "a-b-c"])
def test_a_vault_has_a_name_that_azure_takes_and_no_other_group_s_vault_has_had(name):
    names = {vault_id(name, f"/subscriptions/s/resourceGroups/{group}") for group in ("one", "two")}

    assert len(names) == 2
    assert all(re.fullmatch("[a-z][a-z0-9]{2,23}", each) for each in names)


def test_what_aks_makes_has_a_group_named_after_ours_and_not_after_three_things(aks):
    made = aks()
    group = made.the("ResourceGroup")

    assert made.the("ManagedCluster").inputs["nodeResourceGroup"] == f"{group.name}-nodes"


# Who gets in


def test_the_api_is_private_unless_networks_are_listed(aks):
    assert aks().the("ManagedCluster").inputs["apiServerAccessProfile"] == {
        "disableRunCommand": True,
        "enableVnetIntegration": True,
        "subnetId": aks().the("ManagedCluster").inputs["apiServerAccessProfile"]["subnetId"],
        "enablePrivateCluster": True,
        "enablePrivateClusterPublicFQDN": False,
        "privateDNSZone": "system",
    }
    access = aks(api_access=OFFICE).the("ManagedCluster").inputs["apiServerAccessProfile"]
    assert (access["enablePrivateCluster"], access["authorizedIPRanges"]) == (False, ["203.0.113.0/24"])


@pytest.mark.parametrize(
    ("changes", "host"),
    [
        ({}, "prod-1a2b3c4d.privatelink.westeurope.azmk8s.io"),
        ({"api_access": OFFICE}, "prod-1a2b3c4d.hcp.westeurope.azmk8s.io"),
        ({"aks": {"public_dns_name": True}}, "prod-1a2b3c4d.hcp.westeurope.azmk8s.io"),
    ],
)
def test_the_kubeconfig_leads_to_the_name_that_there_is(aks, changes, host):
    component = aks(**changes).the("AksCluster")
    cluster = yaml.safe_load(component.outputs["kubeconfig"])["clusters"][0]["cluster"]

    assert cluster["server"] == component.outputs["endpoint"] == f"https://{host}:443"


def test_a_public_name_of_a_private_api_needs_no_zone_and_opens_no_address(aks):
    access = aks(aks={"public_dns_name": True}).the("ManagedCluster").inputs["apiServerAccessProfile"]

    assert access["enablePrivateCluster"] is True
    assert (access["enablePrivateClusterPublicFQDN"], access["privateDNSZone"]) == (True, "none")


def test_kubectl_asks_kubelogin_as_whoever_is_logged_in_and_never_by_a_device_code(aks):
    text = aks().the("AksCluster").outputs["kubeconfig"]
    user = yaml.safe_load(text)["users"][0]["user"]["exec"]

    assert user["args"] == ["get-token", "--login", "azurecli", "--server-id", "6dae42f8-4368-4678-94ff-3960e28e3630"]
    assert "devicecode" not in text


def test_the_control_plane_may_join_its_subnets_and_use_its_key_and_nothing_else(aks):
    made = aks()
    grants = {each.name: each.inputs for each in made.of("RoleAssignment")}
    roles = {name: each["roleDefinitionId"].rpartition("/")[2] for name, each in grants.items()}

    assert roles == {
        "prod-control-plane-nodes": "4d97b98b-1d4f-4787-a291-c67834d212e7",
        "prod-control-plane-api": "4d97b98b-1d4f-4787-a291-c67834d212e7",
        "prod-control-plane-key": "12338af0-0e69-4776-bea7-57ae8d297424",
    }
    assert {each["principalId"] for each in grants.values()} == {PRINCIPAL}
    # Without it Azure looks for the identity in its directory, which may not know it yet.
    assert {each["principalType"] for each in grants.values()} == {"ServicePrincipal"}
    assert grants["prod-control-plane-api"]["scope"].endswith("/subnets/api-server")
    assert made.the("ManagedCluster").dependencies >= grants.keys()


def test_nodes_may_pull_from_the_registries_asked_for(aks):
    registry = f"{HUB}/Microsoft.ContainerRegistry/registries/ours"
    pull = next(each for each in aks(aks={"registries": [registry]}).resources if each.name == "prod-nodes-pull-0")

    assert (pull.inputs["principalId"], pull.inputs["scope"]) == (KUBELET, registry)
    assert pull.inputs["roleDefinitionId"].endswith("/7f951dda-4ed3-4680-a7ca-43fe172d538d")


# Secrets


def test_a_given_key_is_used_and_no_vault_is_made(aks):
    made = aks(secrets_encryption={"key": f"{VAULT}/keys/etcd/versions/0123"})
    grant = next(each for each in made.resources if each.name == "prod-control-plane-key")

    assert made.of("Vault") == made.of("Key") == []
    assert grant.inputs["scope"] == VAULT
    kms = made.the("ManagedCluster").inputs["securityProfile"]["azureKeyVaultKms"]
    assert kms["keyId"] == "https://kept.vault.azure.net/keys/etcd/0123"


def test_an_output_that_is_no_key_is_told_by_its_key_in_the_stack_file():
    with pytest.raises(ValueError, match=r"^secretsEncryption\.key: 'https://x' is no id of a version of a key"):
        _parts("https://x")


# Network


def test_nodes_and_api_server_have_subnets_whose_only_way_out_is_the_nat_gateway(aks):
    made = aks()
    nodes, api = (
        next(each.inputs for each in made.of("Subnet") if each.name == f"prod-{which}-subnet")
        for which in ("node", "api")
    )

    assert (nodes["addressPrefix"], api["addressPrefix"]) == ("10.0.0.0/17", "10.0.255.240/28")
    assert nodes["natGateway"]["id"].endswith("/natGateways/prod-nat")
    assert [each["serviceName"] for each in api["delegations"]] == ["Microsoft.ContainerService/managedClusters"]
    assert made.the("PublicIPAddress").inputs["zones"] == ["1", "2", "3"]


@pytest.mark.parametrize("cidr", ["10.0.0.0/27", "10.0.0.0/24", "10.0.0.0/8"])
def test_the_subnets_lie_in_the_network_and_share_no_address(cidr):
    nodes, api = subnets(cidr)

    assert not nodes.overlaps(api)
    assert api.prefixlen == 28


def test_the_clusters_dns_is_among_the_services():
    assert dns_address("10.8.0.0/28") == "10.8.0.10"


@pytest.mark.parametrize(
    ("outbound", "kind"), [(None, "userAssignedNATGateway"), ("routes", "userDefinedRouting")], ids=str
)
def test_nodes_in_a_given_network_leave_it_as_it_says(aks, outbound, kind):
    given = {**NETWORK, **({"outbound": outbound} if outbound else {})}

    assert aks(network=given).the("ManagedCluster").inputs["networkProfile"]["outboundType"] == kind


# Upgrades, and what they cost


@pytest.mark.parametrize(("version", "channel"), [("1.37", "patch"), ("1.37.2", "none")])
def test_a_patch_that_a_stack_names_is_the_stack_s_to_change(aks, version, channel):
    assert aks(version=version).the("ManagedCluster").inputs["autoUpgradeProfile"]["upgradeChannel"] == channel


def test_automatic_has_no_network_of_ours_that_one_of_its_own_could_overlap(aks):
    assert (
        aks(**AUTO, pod_cidr="10.0.0.0/14").the("ManagedCluster").inputs["networkProfile"]["podCidr"] == "10.0.0.0/14"
    )


@pytest.mark.parametrize(
    ("changes", "tier", "plan"),
    [
        ({}, "Standard", "KubernetesOfficial"),
        ({"highly_available": False}, "Free", "KubernetesOfficial"),
        ({"release_channel": "extended"}, "Premium", "AKSLongTermSupport"),
    ],
)
def test_the_tier_follows_from_what_is_asked_for(aks, changes, tier, plan):
    cluster = aks(**changes).the("ManagedCluster").inputs

    assert cluster["sku"] == {"name": "Base", "tier": tier}
    assert cluster["supportPlan"] == plan
    # https://learn.microsoft.com/azure/aks/cost-analysis#prerequisites
    assert cluster["metricsProfile"]["costAnalysis"]["enabled"] is (tier != "Free")


@pytest.mark.parametrize(
    ("maintenance", "start", "schedule"),
    [
        ({"hour": 3}, "03:00", {"daily": {"intervalDays": 1}}),
        ({"hour": 22, "day": "friday"}, "22:00", {"weekly": {"intervalWeeks": 1, "dayOfWeek": "Friday"}}),
    ],
)
def test_both_windows_have_the_names_that_aks_looks_for(aks, maintenance, start, schedule):
    windows = {each.inputs["configName"]: each.inputs["maintenanceWindow"] for each in windows_of(aks, maintenance)}

    assert windows.keys() == {"aksManagedAutoUpgradeSchedule", "aksManagedNodeOSUpgradeSchedule"}
    for window in windows.values():
        assert (window["startTime"], window["schedule"], window["durationHours"]) == (start, schedule, 4)


def windows_of(aks, maintenance):
    return aks(maintenance=maintenance).of("MaintenanceConfiguration")


# Logs


def test_the_logs_asked_for_are_kept_and_no_workspace_is_made_for_none(aks):
    made = aks(logs=["audit", "authenticator"])

    assert [log["category"] for log in made.the("DiagnosticSetting").inputs["logs"]] == ["kube-audit", "guard"]
    assert aks(logs=[]).of("Workspace") == []


# Protection and destroy


def test_the_lock_is_on_what_the_cluster_lives_by_and_not_on_the_cluster_whose_pools_would_inherit_it(aks):
    made = aks()
    scope = made.the("ManagementLockByScope").inputs["scope"]

    assert scope.endswith("/userAssignedIdentities/prod-control-plane")
    assert not any(pool.inputs["resourceName"] in scope for pool in made.of("AgentPool"))


def test_one_key_protects_and_lifts_all_protection(aks):
    protected, free = aks(), aks(deletion_protection=False)

    assert {each.name for each in protected.resources if each.protect} == {
        "prod-cluster",
        "prod-group",
        "prod-keys",
        "prod-secrets",
        "prod-seal",
    }
    assert {each.name for each in free.resources if each.protect} == set()
    assert free.of("ManagementLockByScope") == []


def test_a_destroy_meets_the_seal_before_anything_else(aks):
    made = aks(aks={"registries": [f"{HUB}/registry"]})
    needed = {name for each in made.resources for name in each.dependencies}

    assert {each.name for each in made.resources if each.custom} - needed == {"prod-seal"}


def test_what_goes_with_the_cluster_is_not_deleted_one_by_one_and_what_would_outlive_it_is(aks):
    made = aks()

    assert {each.name for each in made.resources if each.deleted_with} == {
        "prod-general",
        "prod-maintenance-of-versions",
        "prod-maintenance-of-nodes",
    }
    assert made.the("DiagnosticSetting").deleted_with is None


def test_slow_operations_have_the_time_they_take(aks):
    made = aks()

    assert made.the("ManagedCluster").timeouts.keys() == {"create", "update", "delete"}
    assert made.the("AgentPool").timeouts["update"] == "3h"
    assert {each.timeouts["delete"] for kind in ("VirtualNetwork", "Subnet") for each in made.of(kind)} == {"15m"}


def test_a_preview_is_not_held_up_by_the_names_of_every_version_of_azures_api(aks):
    assert {each.aliases for each in aks().resources} == {0}


def test_nothing_is_touched_before_the_guard_has_looked(aks):
    needs = {each.name: each.dependencies for each in aks().resources if each.custom}

    def all_below(name):
        return needs[name].union(*map(all_below, needs[name]))

    assert {name for name in needs if "prod-guard" not in all_below(name)} == {"prod-guard"}


def test_the_guard_knows_what_aks_cannot_change_in_the_pool_that_is_part_of_the_cluster():
    changed = arguments(aks={"system_nodes": {"machine_type": "Standard_D8s_v5"}, "zones": []})
    before, after = pinned(arguments()), pinned(changed)

    assert {key for key in before if before[key] != after[key]} == {"aks.systemNodes.machineType", "aks.zones"}


def test_tags_are_on_everything_that_can_bear_them(aks):
    made = aks(tags={"cost": "42"})
    bare = {each.type.rpartition(":")[2] for each in made.resources if each.custom and "tags" not in each.inputs}

    # No tags there in Azure.
    assert bare == {
        "DiagnosticSetting",
        "MaintenanceConfiguration",
        "ManagementLockByScope",
        "RoleAssignment",
        "Stash",
        "Subnet",
    }


# Refusals


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"region": "West Europe"}, "region: 'West Europe' is no region of Azure .* write one like westeurope$"),
        ({"region": "europe-west1"}, "region: 'europe-west1' is no region of Azure .* write one like westeurope$"),
        ({"version": "latest"}, 'version: .* write a minor like "1.37"'),
        ({"name": "Prod_1"}, "name: 'Prod_1' cannot name an AKS cluster; use small letters"),
        ({"name": "a" * 48}, "name: .* has 48 letters; use 47 at most$"),
        ({"admins": None}, "admins: is required: object ids of the groups of Entra ID"),
        ({"admins": []}, "admins: is required: object ids of the groups of Entra ID"),
        ({"admins": ["ann@example.com"]}, r"admins\[0\]: 'ann@example.com' is no object id; `az ad group show"),
        ({"release_channel": "rapid"}, "releaseChannel: aks has no channel rapid; it has regular and extended"),
        ({"tags": {"a/b": "c"}}, "tags.a/b: 'a/b: c' is no tag of Azure; leave out"),
        ({"secrets_encryption": {"key": "https://v/keys/k"}}, "secretsEncryption.key: .* is no id of a key's version"),
        ({"node_pools": [pool(name="abcdefghi")]}, r"nodePools\[0\]\.name: .* has 9 letters; use 8 at most"),
        ({"node_pools": [pool(name="web-1")]}, r"nodePools\[0\]\.name: 'web-1' has a hyphen, .* leave it out$"),
        (
            {"node_pools": [pool(machine_type="e2-standard-4")]},
            r"nodePools\[0\]\.machineType: 'e2-standard-4' is no machine of Azure; write one like Standard_D4s_v5$",
        ),
        (
            {"node_pools": [pool(machine_type="Standard_D4pds_v5")]},
            r"nodePools\[0\]\.machineType: 'Standard_D4pds_v5' has an Arm CPU, .* write one like Standard_D4s_v5$",
        ),
        (
            {"node_pools": [pool(machine_type="Standard_NC4as_T4_v3")]},
            r"nodePools\[0\]\.gpu: is required with Standard_NC4as_T4_v3, whose GPUs .* like Standard_D4s_v5$",
        ),
        (
            {"node_pools": [pool(gpu={})]},
            r"nodePools\[0\]\.gpu: Standard_D4s_v5 has no GPU; drop it, or write a machineType like",
        ),
        (
            {"node_pools": [pool(machine_type="Standard_NC4as_T4_v3", gpu={"count": 1})]},
            r"nodePools\[0\]\.gpu\.count: says nothing here: Standard_NC4as_T4_v3 tells .* write `gpu: {}`$",
        ),
        (
            {"node_pools": [pool(max_nodes=1001)]},
            r"nodePools\[0\]\.maxNodes: 1001 are more than a pool has; write 1000 at most, and more pools$",
        ),
        (
            {"node_pools": [pool(name=f"p{i}", max_nodes=1000) for i in range(5)]},
            "nodePools: may grow to 5011 nodes .* 5000; lower maxNodes$",
        ),
        ({"node_cidr": "10.0.0.0/28"}, "nodeCidr: 10.0.0.0/28 has room for 3 nodes, .* to 12 .* write a /26 or larger"),
        ({"pod_cidr": "10.4.0.0/21"}, "podCidr: 10.4.0.0/21 has room for 8 nodes, .* to 12 .* write a /20 or larger"),
        ({"pod_cidr": "172.30.0.0/16"}, "podCidr: 172.30.0.0/16 overlaps 172.30.0.0/16, which AKS keeps for itself"),
        ({"service_cidr": "10.16.0.0/12"}, "serviceCidr: AKS takes no such size as 10.16.0.0/12; write .* /13 to /28$"),
        ({"service_cidr": "10.8.0.0/29"}, "serviceCidr: AKS takes no such size as 10.8.0.0/29; write .* /13 to /28$"),
        ({"pod_cidr": "10.0.0.0/14"}, "nodeCidr: 10.0.0.0/16 overlaps podCidr 10.0.0.0/14; choose networks"),
        ({"network": NETWORK, "node_cidr": "10.0.0.0/16"}, "nodeCidr: is for a network that is made"),
        (
            {"network": NETWORK, "pod_cidr": "10.4.0.0/22"},
            "podCidr: 10.4.0.0/22 has room for 4 nodes, .* to 12 .* write a /20 or larger",
        ),
        ({"aks": {"system_nodes": {"min_nodes": 0}}}, "aks.systemNodes.minNodes: 0 is too few, .* write 1 or more$"),
        (
            {"aks": {"system_nodes": {"min_nodes": 4, "max_nodes": 3}}},
            "aks.systemNodes.minNodes: 4 is more than maxNodes 3; write 3 or fewer$",
        ),
        ({"aks": {"system_nodes": {"max_nodes": 1001}}}, "aks.systemNodes.maxNodes: 1001 are more than a pool has"),
        (
            {"aks": {"system_nodes": {"machine_type": "Standard_B4ms"}}},
            "aks.systemNodes.machineType: of the B series will not do; AKS wants 4 steady CPUs",
        ),
        (
            {"aks": {"system_nodes": {"machine_type": "Standard_NC4as_T4_v3"}}},
            "aks.systemNodes.machineType: Standard_NC4as_T4_v3 has GPUs, which AKS itself has no use for; drop it$",
        ),
        ({"aks": {"zones": ["1", "4"]}}, "aks.zones: 1, 4 will not do; a region has zones 1, 2 and 3, or none$"),
        ({**AUTO, "api_access": None}, "apiAccess: is required with `compute: auto`: .* list your networks$"),
        ({**AUTO, "network": NETWORK}, "network: is AKS's own to decide with `compute: auto`: .*; drop it$"),
        ({**AUTO, "node_cidr": "10.0.0.0/16"}, "nodeCidr: is AKS's own to decide with `compute: auto`: .*; drop it$"),
        ({**AUTO, "release_channel": "extended"}, "releaseChannel: is AKS's own to decide with `compute: auto`"),
        ({**AUTO, "highly_available": False}, "highlyAvailable: is AKS's own to decide with `compute: auto`"),
        ({**AUTO, "aks": {"zones": []}}, "aks.zones: is AKS's own to decide with `compute: auto`"),
        ({**AUTO, "node_pools": [POOL]}, "nodePools: says what nodes there are, and so does `compute: auto`"),
    ],
)
def test_what_cannot_be_made_is_refused_in_one_line_with_the_fix(refused, changes, message):
    line = refused(**changes)

    assert "\n" not in line
    assert re.match(message, line), line


def test_the_largest_pools_that_fit_are_accepted(aks):
    # Five nodes, five of AKS's own, and one more of each for an upgrade: 12 of 27 addresses, and 12 of 16 shares.
    assert aks(node_cidr="10.0.0.0/26", pod_cidr="10.4.0.0/20").the("AgentPool")
