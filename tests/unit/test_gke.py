import re
from typing import Any

import pytest
import yaml

from components.cluster import CONTRACT
from components.managed.gke.cluster import GkeCluster
from components.spec import Fault, SpecError
from tests.engine.stand_in.cloud import UNKNOWN
from tests.engine.stand_in.gcp import CA_CERTIFICATE, GCP

POOL: dict[str, Any] = {"name": "general", "machine_type": "e2-standard-4", "min_nodes": 1, "max_nodes": 5}
ARGS: dict[str, Any] = {"version": "1.37", "region": "europe-west1", "node_pools": [POOL]}
OFFICE = {"authorized_cidrs": ["203.0.113.0/24"]}


@pytest.fixture
def gke(deploy_once):
    """Deploy a GKE cluster called `prod`, with `ARGS` changed."""

    def make(*, preview=False, opts=None, **changes):
        args = {key: value for key, value in {**ARGS, **changes}.items() if value is not None}
        return deploy_once(GkeCluster, "prod", args, opts, clouds=[GCP], preview=preview)

    return make


@pytest.fixture
def refused():
    """What a GKE cluster called `prod`, with `ARGS` changed, is refused for."""

    def make(**changes):
        args: Any = {**ARGS, **changes}
        with pytest.raises(SpecError) as error:
            GkeCluster("prod", args)
        assert len(error.value.faults) == 1
        return str(error.value)

    return make


def pool(**changes):
    return {**POOL, **changes}


def gpu_pool(**gpu):
    return pool(machine_type="g2-standard-4", gpu=gpu)


# Shape


def test_a_name_in_the_arguments_names_the_resources(gke):
    assert gke(name="shop").the("Cluster").name == "shop-cluster"


def test_names_in_the_cloud_are_left_to_pulumi_so_that_a_replacement_can_stand_beside_what_it_replaces(gke):
    assert [resource.name for resource in gke().resources if "name" in resource.inputs] == []


def test_all_resources_share_the_provider_of_one_version(gke):
    assert len({resource.version for resource in gke().resources if resource.type.startswith("gcp:")}) == 1


def test_a_preview_knows_what_does_not_depend_on_the_cloud(gke):
    outputs = gke(preview=True).the("GkeCluster").outputs

    assert outputs["pod_cidr"] == "10.4.0.0/14"
    assert outputs["endpoint"] == outputs["kubeconfig"] == UNKNOWN


# Contract


def test_the_component_registers_the_whole_contract(gke):
    # A value that is none is not sent: with a DNS name there is no CA of the cluster's own to trust.
    assert gke().the("GkeCluster").outputs.keys() == set(CONTRACT) - {"ca_certificate"}
    assert gke(api_access=OFFICE).the("GkeCluster").outputs.keys() == set(CONTRACT)


def test_the_version_told_is_the_one_that_runs(gke):
    assert gke(version="1.36").the("GkeCluster").outputs["kubernetes_version"].startswith("v1.36.2-gke.")


def test_the_kubeconfig_is_secret_and_holds_no_credential(gke):
    component = gke().the("GkeCluster")
    user = yaml.safe_load(component.outputs["kubeconfig"])["users"][0]["user"]

    assert component.secret_outputs == {"kubeconfig"}
    assert user.keys() == {"exec"}
    assert user["exec"]["command"] == "gke-gcloud-auth-plugin"


def test_the_kubeconfig_trusts_public_authorities_for_the_dns_name_and_the_clusters_own_for_an_address(gke):
    by_name = yaml.safe_load(gke().the("GkeCluster").outputs["kubeconfig"])["clusters"][0]["cluster"]
    component = gke(api_access=OFFICE).the("GkeCluster")
    by_address = yaml.safe_load(component.outputs["kubeconfig"])["clusters"][0]["cluster"]

    assert by_name == {"server": "https://gke-1a2b3c.europe-west1.gke.goog"}
    assert by_address["server"] == component.outputs["endpoint"] == "https://203.0.113.10"
    assert by_address.keys() == {"server", "certificate-authority-data"}
    assert component.outputs["ca_certificate"] == CA_CERTIFICATE


# Security


def test_nodes_are_private_and_reach_out_through_nat(gke):
    made = gke()

    assert made.the("Cluster").inputs["privateClusterConfig"]["enablePrivateNodes"] is True
    assert made.the("NodePool").inputs["networkConfig"]["enablePrivateNodes"] is True
    assert made.the("RouterNat").inputs["subnetworks"][0]["sourceIpRangesToNats"] == ["ALL_IP_RANGES"]


def test_the_api_has_no_address_unless_asked(gke):
    cluster = gke().the("Cluster").inputs

    assert cluster["controlPlaneEndpointsConfig"]["ipEndpointsConfig"] == {"enabled": False}
    assert cluster["controlPlaneEndpointsConfig"]["dnsEndpointConfig"] == {
        "allowExternalTraffic": True,
        "enableK8sTokensViaDns": False,
    }
    assert "masterAuthorizedNetworksConfig" not in cluster


def test_tokens_of_service_accounts_are_taken_at_the_dns_name_only_when_asked(gke):
    cluster = gke(gke={"service_account_tokens": True}).the("Cluster").inputs
    assert cluster["controlPlaneEndpointsConfig"]["dnsEndpointConfig"]["enableK8sTokensViaDns"] is True


def test_nobody_is_given_a_token_that_the_api_would_not_take():
    def faults(credential: str, **changes: Any) -> list[Fault]:
        args: Any = {**ARGS, **changes}
        return GkeCluster.check_access(args, {credential})

    assert [fault.key for fault in faults("token")] == ["gke.serviceAccountTokens"]
    assert faults("identity") == []
    assert faults("token", gke={"service_account_tokens": True}) == []
    assert faults("token", api_access=OFFICE) == []


def test_an_address_is_reached_from_the_listed_networks_only(gke):
    cluster = gke(api_access=OFFICE).the("Cluster").inputs

    assert cluster["controlPlaneEndpointsConfig"]["ipEndpointsConfig"] == {"enabled": True}
    assert cluster["controlPlaneEndpointsConfig"]["dnsEndpointConfig"]["allowExternalTraffic"] is False
    assert cluster["masterAuthorizedNetworksConfig"] == {
        "cidrBlocks": [{"cidrBlock": "203.0.113.0/24"}],
        "gcpPublicCidrsAccessEnabled": False,
    }


def test_nodes_have_an_account_of_their_own_with_the_roles_of_a_node(gke):
    made = gke()
    email = "prod-nodes@my-project.iam.gserviceaccount.com"

    assert made.the("NodePool").inputs["nodeConfig"]["serviceAccount"] == email
    assert {(grant.inputs["member"], grant.inputs["role"]) for grant in made.of("IAMMember")} == {
        (f"serviceAccount:{email}", "roles/container.defaultNodeServiceAccount"),
        (f"serviceAccount:{email}", "roles/artifactregistry.reader"),
    }


def test_the_first_pool_is_removed_and_never_runs_as_the_default_account(gke):
    cluster = gke().the("Cluster")

    assert (cluster.inputs["removeDefaultNodePool"], cluster.inputs["initialNodeCount"]) == (True, 1)
    assert cluster.inputs["nodeConfig"]["serviceAccount"].startswith("prod-nodes@")
    assert "nodeConfig" in cluster.ignore_changes


def test_pods_get_identities_of_their_own_and_never_the_nodes(gke):
    made = gke()
    node = made.the("NodePool").inputs["nodeConfig"]

    assert made.the("Cluster").inputs["workloadIdentityConfig"] == {"workloadPool": "my-project.svc.id.goog"}
    assert node["workloadMetadataConfig"] == {"mode": "GKE_METADATA"}
    assert node["metadata"] == {"disable-legacy-endpoints": "true"}


def test_nodes_are_shielded(gke):
    made = gke()
    shielded = {"enableSecureBoot": True, "enableIntegrityMonitoring": True}

    assert made.the("Cluster").inputs["enableShieldedNodes"] is True
    assert made.the("NodePool").inputs["nodeConfig"]["shieldedInstanceConfig"] == shielded


def test_nobody_gets_in_with_a_client_certificate_or_without_a_name(gke):
    cluster = gke().the("Cluster").inputs

    assert cluster["masterAuth"] == {"clientCertificateConfig": {"issueClientCertificate": False}}
    assert cluster["anonymousAuthenticationConfig"] == {"mode": "LIMITED"}


# Order and protection


def test_the_cluster_is_protected_twice_unless_its_stack_says_otherwise(gke):
    protected, free = gke().the("Cluster"), gke(deletion_protection=False).the("Cluster")

    assert (protected.protect, protected.inputs["deletionProtection"]) == (True, True)
    assert (free.protect, free.inputs["deletionProtection"]) == (False, False)


def test_the_cluster_waits_for_what_nodes_need_and_outlives_none_of_it(gke):
    assert gke().the("Cluster").dependencies >= {"prod-nat", "prod-nodes-logs", "prod-nodes-images"}


def test_pools_go_with_their_cluster_without_being_drained(gke):
    assert gke().the("NodePool").deleted_with == "prod-cluster"


def test_slow_operations_have_the_time_they_take(gke):
    made = gke()

    assert made.the("Cluster").timeouts.keys() == {"create", "update", "delete"}
    assert made.the("NodePool").timeouts["update"] == "3h"


# Node pools


def test_pools_scale_between_the_numbers_asked_for_counted_over_all_zones(gke):
    autoscaling = gke().the("NodePool").inputs["autoscaling"]

    assert (autoscaling["totalMinNodeCount"], autoscaling["totalMaxNodeCount"]) == (1, 5)


@pytest.mark.parametrize(("least", "at_first"), [(0, 0), (1, 1), (3, 1), (4, 2)])
def test_a_pool_starts_with_its_least_number_and_is_not_replaced_when_that_changes(gke, least, at_first):
    made = gke(node_pools=[pool(min_nodes=least)]).the("NodePool")

    assert made.inputs["initialNodeCount"] == at_first
    assert made.ignore_changes == {"initialNodeCount"}


def test_a_pool_has_the_machines_labels_and_taints_asked_for(gke):
    asked = pool(
        spot=True,
        disk_gb=50,
        labels={"team": "web"},
        taints=[{"key": "dedicated", "value": "web", "effect": "NoSchedule"}, {"key": "old", "effect": "NoExecute"}],
    )
    made = gke(node_pools=[asked]).the("NodePool").inputs

    assert made["nodeConfig"]["machineType"] == "e2-standard-4"
    assert made["nodeConfig"]["diskSizeGb"] == 50
    assert made["nodeConfig"]["labels"] == {"team": "web"}
    assert made["nodeConfig"]["taints"] == [
        {"key": "dedicated", "value": "web", "effect": "NO_SCHEDULE"},
        {"key": "old", "value": "", "effect": "NO_EXECUTE"},
    ]
    assert made["nodeConfig"]["spot"] is True
    assert made["autoscaling"]["locationPolicy"] == "ANY"


def test_every_pool_is_made(gke):
    made = gke(node_pools=[pool(name="web"), pool(name="batch")])

    assert [resource.name for resource in made.of("NodePool")] == ["prod-web", "prod-batch"]


def test_tags_are_labels_of_the_cluster_and_of_its_nodes(gke):
    made = gke(tags={"cost-center": "42"})

    assert made.the("Cluster").inputs["resourceLabels"] == {"cost-center": "42"}
    assert made.the("NodePool").inputs["nodeConfig"]["resourceLabels"] == {"cost-center": "42"}


def test_the_networks_asked_for_are_the_subnets(gke):
    made = gke(node_cidr="10.1.0.0/24", pod_cidr="10.2.0.0/18", service_cidr="10.3.0.0/24")
    ranges = {each["rangeName"]: each["ipCidrRange"] for each in made.the("Subnetwork").inputs["secondaryIpRanges"]}

    assert made.the("Subnetwork").inputs["ipCidrRange"] == "10.1.0.0/24"
    assert ranges == {"pods": "10.2.0.0/18", "services": "10.3.0.0/24"}
    assert made.the("GkeCluster").outputs["pod_cidr"] == "10.2.0.0/18"


def test_upgrades_come_by_the_channel_asked_for(gke):
    assert gke().the("Cluster").inputs["releaseChannel"] == {"channel": "REGULAR"}
    assert gke(release_channel="stable").the("Cluster").inputs["releaseChannel"] == {"channel": "STABLE"}


# Refusals


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"region": "europe-west1-b"}, "region: 'europe-west1-b' is a zone, .* write europe-west1$"),
        ({"region": "Frankfurt"}, "region: 'Frankfurt' is no region of Google Cloud; write one like europe-west1$"),
        ({"version": "1.37.2-gke.100"}, 'version: .* write the minor "1.37", or the patch "1.37.2"$'),
        ({"version": "latest"}, 'version: .* write a minor like "1.37"'),
        ({"name": "a-name-of-twenty-five-long"}, "name: .* use 24 at most$"),
        ({"name": "Prod_1"}, "name: 'Prod_1' cannot name a GKE cluster; use small letters"),
        ({"node_pools": []}, "nodePools: is empty, .* write at least one pool$"),
        (
            {"node_pools": [pool(min_nodes=6)]},
            r"nodePools\[0\]\.minNodes: 6 is more than maxNodes 5; write 5 or fewer$",
        ),
        ({"node_pools": [pool(min_nodes=-1)]}, r"nodePools\[0\]\.minNodes: -1 is less than none; write 0 or more$"),
        (
            {"node_pools": [pool(min_nodes=0, max_nodes=0)]},
            r"nodePools\[0\]\.maxNodes: 0 gives no node at all; write 1",
        ),
        ({"node_pools": [POOL, POOL]}, "nodePools: 2 pools are called 'general'; give each a name of its own$"),
        ({"node_pools": [pool(name="a" * 28)]}, r"nodePools\[0\]\.name: .* has 28 letters; use 27 at most"),
        ({"node_pools": [pool(name="Web_1")]}, r"nodePools\[0\]\.name: 'Web_1' cannot name a pool; use small letters"),
        ({"node_pools": [pool(disk_gb=5)]}, r"nodePools\[0\]\.diskGb: 5 GB do not hold system and images; write 20$"),
        ({"node_pools": [pool(disk_gb=65537)]}, r"nodePools\[0\]\.diskGb: 65537 GB are more .* write 65536$"),
        (
            {"node_pools": [pool(machine_type="")]},
            r"nodePools\[0\]\.machineType: '' is no machine of Google Cloud; write one like e2-",
        ),
        (
            {"node_pools": [pool(labels={"a b": "c"})]},
            r"nodePools\[0\]\.labels: 'a b' cannot name a label; use at most",
        ),
        (
            {"node_pools": [pool(taints=[{"key": "a", "value": "b:c", "effect": "NoSchedule"}])]},
            r"nodePools\[0\]\.taints\[0\]\.value: 'b:c' is no value of a taint; use at most 63",
        ),
        ({"node_pools": [pool(max_nodes=10**6)]}, "nodePools: may grow to 1000001 nodes .* 65000; lower maxNodes$"),
        ({"service_cidr": "10.8.0.0/29"}, "serviceCidr: GKE takes no such size as 10.8.0.0/29; write .* /16 to /28$"),
        ({"region": "europe-west٣"}, "region: 'europe-west٣' is no region of Google Cloud; write one like"),
        ({"node_cidr": "10.0.0.0/29"}, "nodeCidr: 10.0.0.0/29 has room for 4 nodes, .* to 6 .* write a /28 or larger"),
        ({"pod_cidr": "10.4.0.0/22"}, "podCidr: 10.4.0.0/22 has room for 4 nodes, .* to 6 .* write a /21 or larger"),
        ({"pod_cidr": "10.0.0.0/14"}, "nodeCidr: 10.0.0.0/16 overlaps podCidr 10.0.0.0/14; choose networks"),
        ({"service_cidr": "10.8.0.1/20"}, "serviceCidr: '10.8.0.1/20' is no network"),
        ({"api_access": {"authorized_cidrs": ["0.0.0.0/0"]}}, "authorizedCidrs: lets the whole internet in; list your"),
        (
            {"api_access": {"authorized_cidrs": ["0.0.0.0/1", "128.0.0.0/1"]}},
            "authorizedCidrs: lets the whole internet",
        ),
        (
            {"api_access": {"authorized_cidrs": []}},
            "authorizedCidrs: lets nobody in; list your networks, or drop apiAcc",
        ),
        ({"api_access": {"authorized_cidrs": ["office"]}}, r"authorizedCidrs\[0\]: 'office' is no network"),
        ({"tags": {"Cost": "42"}}, "tags.Cost: 'Cost: 42' is no label of Google Cloud; use small letters"),
    ],
)
def test_what_cannot_be_made_is_refused_in_one_line_with_the_fix(refused, changes, message):
    line = refused(**changes)

    assert "\n" not in line
    assert re.search(message, line), line


def test_the_largest_pools_that_fit_are_accepted(gke):
    # Five nodes and one for an upgrade: 6 of 12 addresses, and 6 of 8 shares of the pods' range.
    assert gke(node_cidr="10.0.0.0/28", pod_cidr="10.4.0.0/21").the("NodePool")


# What is one cloud's own


def test_a_cluster_that_need_not_survive_a_zone_is_in_one(gke):
    made = gke(highly_available=False)

    assert {made.the(kind).inputs["location"] for kind in ("Cluster", "NodePool")} == {"europe-west1-b"}
    assert made.the("Subnetwork").inputs["region"] == "europe-west1"


def test_autopilot_is_over_a_whole_region(gke):
    pools_apart = {key: value for key, value in ARGS.items() if key != "node_pools"}
    args: Any = {**pools_apart, "compute": "auto", "highly_available": False}
    (fault,) = GkeCluster.check(args)

    assert str(fault).startswith(
        "highlyAvailable: is always true with `compute: auto`: Autopilot is over a whole region"
    )
    assert gke(compute="auto", node_pools=None).the("Cluster").inputs["location"] == "europe-west1"


def test_autopilot_has_no_pools_of_ours_and_runs_nodes_as_our_account(gke):
    made = gke(compute="auto", node_pools=None)
    cluster = made.the("Cluster").inputs
    assert made.of("NodePool") == []
    assert cluster["clusterAutoscaling"]["autoProvisioningDefaults"]["serviceAccount"].startswith("prod-nodes@")
    # https://cloud.google.com/kubernetes-engine/docs/resources/autopilot-standard-feature-comparison
    assert not cluster.keys() & {"nodeConfig", "removeDefaultNodePool", "initialNodeCount", "enableShieldedNodes"}


@pytest.mark.parametrize(
    ("maintenance", "window"),
    [
        ({"hour": 3}, ("2026-01-01T03:00:00Z", "2026-01-01T07:00:00Z", "FREQ=DAILY")),
        ({"hour": 22}, ("2026-01-01T22:00:00Z", "2026-01-02T02:00:00Z", "FREQ=DAILY")),
        ({"hour": 3, "day": "sunday"}, ("2026-01-01T03:00:00Z", "2026-01-01T15:00:00Z", "FREQ=WEEKLY;BYDAY=SU")),
    ],
)
def test_the_window_has_the_48_hours_in_32_days_that_gke_insists_on(gke, maintenance, window):
    found = gke(maintenance=maintenance).the("Cluster").inputs["maintenancePolicy"]["recurringWindow"]

    assert (found["startTime"], found["endTime"], found["recurrence"]) == window


def test_secrets_are_encrypted_with_a_key_that_gke_may_use_before_the_cluster_is_made(gke):
    made = gke()
    grant = made.the("CryptoKeyIAMMember")

    assert made.the("Cluster").dependencies >= {"prod-secrets-gke"}
    assert (
        grant.inputs["member"] == "serviceAccount:service-123456789012@container-engine-robot.iam.gserviceaccount.com"
    )
    assert made.the("CryptoKey").inputs["rotationPeriod"] == "7776000s"
    assert made.the("CryptoKey").protect is True


def test_nothing_is_made_before_the_guard_has_looked(gke):
    assert "prod-guard" in gke().the("Cluster").dependencies


def test_groups_of_the_domain_and_the_projects_image_policy_are_known_when_asked_for(gke):
    cluster = (
        gke(gke={"security_group": "gke-security-groups@example.com", "binary_authorization": True})
        .the("Cluster")
        .inputs
    )

    assert cluster["authenticatorGroupsConfig"] == {"securityGroup": "gke-security-groups@example.com"}
    assert cluster["binaryAuthorization"] == {"evaluationMode": "PROJECT_SINGLETON_POLICY_ENFORCE"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"freezes": [{"first": f"2026-12-0{day}", "last": f"2026-12-0{day}"} for day in (1, 3, 5, 7)]},
            "freezes: are 4, and GKE takes 3 at once; drop those that are over",
        ),
        ({"gke": {"security_group": "admins@example.com"}}, "gke.securityGroup: 'admins@example.com' will not do"),
        ({"node_pools": [gpu_pool()]}, r"nodePools\[0\]\.gpu\.type: is required on GKE"),
        ({"node_pools": [gpu_pool(type="")]}, r"nodePools\[0\]\.gpu\.type: is required on GKE"),
        *(
            (
                {"node_pools": [pool(machine_type=machine)]},
                r"nodePools\[0\]\.machineType: .* no machine of Google Cloud",
            )
            for machine in ("m5.large", "Standard_D4s_v5", "s-4vcpu-8gb", "E2-STANDARD-4", "x")
        ),
        ({"node_pools": [gpu_pool(type="nvidia-l4", count=0)]}, r"nodePools\[0\]\.gpu\.count: 0 is no GPU"),
        (
            {
                "node_cidr": "10.0.0.0/20",
                "network": {"id": "n", "subnet_id": "s", "pod_range": "p", "service_range": "v"},
            },
            "nodeCidr: is for a network that is made",
        ),
    ],
)
def test_what_only_gke_refuses_is_refused_in_one_line(refused, changes, message):
    assert re.match(message, refused(**changes))
