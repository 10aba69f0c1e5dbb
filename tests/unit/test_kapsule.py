import re
from typing import Any

import pytest
import yaml

from components.managed.kapsule.cluster import KapsuleCluster
from components.managed.kapsule.controls import CONTROLS
from components.spec import SpecError
from tests.engine.stand_in.cloud import UNKNOWN
from tests.engine.stand_in.scaleway import ADMIN_TOKEN, CA_CERTIFICATE, SCALEWAY

POOL: dict[str, Any] = {"name": "general", "machine_type": "POP2-4C-16G", "min_nodes": 1, "max_nodes": 5}
ARGS: dict[str, Any] = {
    "version": "1.37",
    "region": "fr-par",
    "api_access": {"authorized_cidrs": ["203.0.113.0/24"]},
    "node_pools": [POOL],
}
GIVEN = {"private_network_id": "fr-par/6d0c4b1e-8f3c-4f6e-9a55-2f4d1c0f7a10", "gateway_address": "198.51.100.9"}


def arguments(changes):
    return {key: value for key, value in {**ARGS, **changes}.items() if value is not None}


@pytest.fixture
def kapsule(deploy_once):
    """Deploy a Kapsule cluster called `prod`, with `ARGS` changed."""

    def make(*, preview=False, **changes):
        return deploy_once(KapsuleCluster, "prod", arguments(changes), clouds=[SCALEWAY], preview=preview)

    return make


@pytest.fixture
def refused():
    """What a Kapsule cluster called `prod`, with `ARGS` changed, is refused for."""

    def make(**changes):
        args: Any = arguments(changes)
        with pytest.raises(SpecError) as error:
            KapsuleCluster("prod", args)
        assert len(error.value.faults) == 1, error.value
        return str(error.value)

    return make


def pool(**changes):
    return {**POOL, **changes}


# Shape


def test_names_in_the_cloud_are_left_to_pulumi_so_that_a_replacement_can_stand_beside_what_it_replaces(kapsule):
    assert [resource.name for resource in kapsule().resources if "name" in resource.inputs] == []


def test_no_resource_is_left_to_the_zone_or_region_that_the_callers_settings_name(kapsule):
    placed = [each for each in kapsule().resources if each.type.startswith("scaleway:")]

    assert {each.inputs.get("region", "fr-par") for each in placed} == {"fr-par"}
    assert {each.inputs.get("zone", "fr-par-1") for each in placed} == {"fr-par-1"}
    assert all("region" in each.inputs or "zone" in each.inputs for each in placed)


# The API


def test_the_api_lets_in_the_listed_networks_and_the_nodes_by_their_gateway_and_nobody_else(kapsule):
    acl = kapsule(api_access={"authorized_cidrs": ["203.0.113.0/24", "192.0.2.0/24"]}).the("Acl").inputs

    assert [rule["ip"] for rule in acl["aclRules"]] == ["203.0.113.0/24", "192.0.2.0/24", "198.51.100.7/32"]
    assert not any(rule.get("scalewayRanges") for rule in acl["aclRules"])


@pytest.mark.parametrize(
    "rules", [None, [], [{"ip": "0.0.0.0/0"}], [{"ip": "203.0.113.0/24"}, {"scalewayRanges": True}], [{"ip": "::/0"}]]
)
def test_an_acl_that_lets_in_nobody_or_anybody_keeps_no_rule(rules):
    assert not CONTROLS[0].is_kept_by({"aclRules": rules})


def test_the_api_is_closed_before_nodes_join_and_is_never_opened_again_by_a_destroy(kapsule):
    made = kapsule()

    assert "prod-acl" in made.the("Pool").dependencies
    # The provider deletes an ACL by letting the world in.
    assert made.the("Acl").deleted_with == "prod-cluster"


def test_the_kubeconfig_asks_scaleways_program_and_never_holds_the_administrators_token(kapsule):
    component = kapsule().the("KapsuleCluster")
    config = yaml.safe_load(component.outputs["kubeconfig"])

    assert config["users"][0]["user"]["exec"] == {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "scw",
        "args": ["k8s", "exec-credential"],
        # Without it kubectl refuses this version of the protocol.
        "interactiveMode": "Never",
        "installHint": "install it as https://github.com/scaleway/scaleway-cli#installation says",
    }
    assert config["clusters"][0]["cluster"]["server"] == component.outputs["endpoint"]
    assert ADMIN_TOKEN not in str(component.outputs)


def test_the_authority_of_the_api_is_no_secret_though_it_comes_with_one(kapsule):
    component = kapsule().the("KapsuleCluster")

    assert component.outputs["ca_certificate"] == CA_CERTIFICATE
    assert component.secret_outputs == {"kubeconfig"}


# Versions and upgrades


def test_patches_come_by_themselves_to_a_minor_and_not_to_a_patch(kapsule):
    minor, patch = (kapsule(version=version).the("Cluster").inputs for version in ("1.37", "v1.37.2"))

    assert (minor["version"], minor["autoUpgrade"]["enable"]) == ("1.37", True)
    # The provider takes no other pair, and all of the window or nothing.
    assert (patch["version"], patch["autoUpgrade"]["enable"]) == ("1.37.2", False)
    assert patch["autoUpgrade"].keys() == minor["autoUpgrade"].keys()


def test_pools_have_the_control_planes_version_and_follow_it(kapsule):
    made = kapsule()

    assert made.the("Cluster").inputs["upgradePools"] is True
    assert "version" not in made.the("Pool").inputs
    assert "prod-cluster" in made.the("Pool").dependencies


@pytest.mark.parametrize(("version", "told"), [("1.37", "v1.37.2"), ("1.37.2", "v1.37.2"), ("1.36", "v1.36")])
def test_the_version_told_has_its_patch_as_far_as_nodes_tell_it(kapsule, version, told):
    # The provider tells the minor of a control plane whose patches come by themselves; nodes here run 1.37.2.
    assert kapsule(version=version).the("KapsuleCluster").outputs["kubernetes_version"] == told


def test_a_preview_knows_what_does_not_depend_on_the_cloud(kapsule):
    outputs = kapsule(preview=True).the("KapsuleCluster").outputs

    assert outputs["pod_cidr"] == "10.4.0.0/14"
    assert outputs["endpoint"] == outputs["kubernetes_version"] == UNKNOWN


# The control plane


@pytest.mark.parametrize(
    ("changes", "offer"),
    [
        ({}, "kapsule-dedicated-4"),
        ({"highly_available": False}, "kapsule"),
        ({"kapsule": {"control_plane": "kapsule-dedicated-16"}}, "kapsule-dedicated-16"),
    ],
)
def test_the_control_plane_is_a_dedicated_one_unless_a_stack_says_otherwise(kapsule, changes, offer):
    assert kapsule(**changes).the("Cluster").inputs["type"] == offer


def test_the_autoscaler_gives_pods_their_time_and_nothing_in_a_stack_can_replace_the_cluster_by_it(kapsule):
    settings = kapsule().the("Cluster").inputs["autoscalerConfig"]

    assert settings["maxGracefulTerminationSec"] == 600
    assert settings["expendablePodsPriorityCutoff"] == -10
    # Whose change replaces the cluster.
    assert (settings["logLevel"], settings["skipNodesWithLocalStorage"]) == (2, True)


def test_an_identity_provider_of_ones_own_is_trusted_as_asked(kapsule):
    own = {"issuer_url": "https://id.example.com", "client_id": "kubernetes", "groups_claims": ["groups"]}
    cluster = kapsule(kapsule={"open_id_connect": own}).the("Cluster").inputs

    assert cluster["openIdConnectConfig"] == {
        "issuerUrl": "https://id.example.com",
        "clientId": "kubernetes",
        "groupsClaims": ["groups"],
    }


def test_an_identity_provider_that_a_stack_drops_is_trusted_no_longer(kapsule):
    # Scaleway's provider takes silence for what was said last.
    assert kapsule().the("Cluster").inputs["openIdConnectConfig"] == {"issuerUrl": "", "clientId": ""}


def test_an_upgrade_has_the_time_that_all_nodes_of_all_pools_take(kapsule):
    made = kapsule()

    # The provider's own are 15 minutes, in which it also waits for the pools.
    assert made.the("Cluster").timeouts == {"create": "30m", "update": "6h", "delete": "45m"}
    assert made.the("Pool").timeouts.keys() == {"create", "update", "delete"}


# Node pools


def test_a_pool_starts_with_its_least_number_and_the_autoscaler_decides_from_then_on(kapsule):
    made = kapsule(node_pools=[pool(min_nodes=2)]).the("Pool")

    assert (made.inputs["size"], made.inputs["minSize"], made.inputs["maxSize"]) == (2, 2, 5)
    assert made.ignore_changes == {"size"}


@pytest.mark.parametrize("highly_available", [True, False])
def test_an_empty_pool_waits_for_one_with_nodes(kapsule, highly_available):
    pools = [pool(name="batch", min_nodes=0), pool()]
    made = kapsule(node_pools=pools, highly_available=highly_available)
    batch, general = sorted(made.of("Pool"), key=lambda each: each.name)

    assert "prod-general" in batch.dependencies
    assert "prod-batch" not in general.dependencies


def test_nodes_stand_in_the_regions_first_zone_unless_a_stack_names_another(kapsule):
    made = kapsule(node_pools=[pool(), pool(name="far")], kapsule={"zones": {"far": "fr-par-2"}})

    assert {each.name: each.inputs["zone"] for each in made.of("Pool")} == {
        "prod-general": "fr-par-1",
        "prod-far": "fr-par-2",
    }


def test_a_nodes_disk_is_one_that_any_instance_has_in_any_size(kapsule):
    # DEV1-M has 40 GB of its own, POP2-4C-16G none.
    assert kapsule().the("Pool").inputs["rootVolumeType"] == "sbs_5k"


# Networks and what is left behind


def test_nodes_reach_out_through_a_gateway_that_nobody_logs_in_through(kapsule):
    made = kapsule()

    assert made.the("GatewayNetwork").inputs["enableMasquerade"] is True
    assert made.the("GatewayNetwork").inputs["ipamConfigs"] == [{"pushDefaultRoute": True}]
    assert made.the("PublicGateway").inputs["bastionEnabled"] is False
    assert "prod-nat" in made.the("Cluster").dependencies


def test_the_gateways_address_is_the_stacks_own_and_so_is_not_left_behind(kapsule):
    made = kapsule()

    # The provider deletes a gateway without the address that came with it.
    assert made.the("PublicGateway").inputs["ipId"].startswith("fr-par-1/")
    assert "prod-address" in made.the("PublicGateway").dependencies


def test_what_pods_asked_for_goes_with_the_cluster_unless_a_stack_keeps_it(kapsule):
    assert kapsule().the("Cluster").inputs["deleteAdditionalResources"] is True
    kept = kapsule(kapsule={"keep_volumes_and_load_balancers": True})
    assert kept.the("Cluster").inputs["deleteAdditionalResources"] is False


def test_a_given_network_is_never_empty_while_its_cluster_is_deleted_and_so_outlives_it(kapsule):
    made = kapsule(network=GIVEN)

    assert made.the("Ip").inputs["sources"] == [{"privateNetworkId": GIVEN["private_network_id"]}]
    assert "prod-anchor" in made.the("Cluster").dependencies
    assert made.the("Ip").deleted_with is None


def test_nodes_of_a_given_network_reach_the_api_by_its_gateway(kapsule):
    assert kapsule(network=GIVEN).the("Acl").inputs["aclRules"][-1]["ip"] == "198.51.100.9/32"


# Refusals


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"api_access": None}, r"apiAccess.authorizedCidrs: is required: .* open to 0\.0\.0\.0/0 .*; list your own"),
        ({"region": "fr-par-1"}, "region: 'fr-par-1' is a zone; write its region, fr-par$"),
        ({"region": "paris"}, "region: 'paris' is no region of Scaleway; write one like fr-par$"),
        ({"name": "Prod_1"}, "name: 'Prod_1' cannot name a Kapsule cluster; use small letters"),
        ({"name": "a" * 41}, "name: .* has 41 letters, and pools are named after it; use 40$"),
        ({"release_channel": "rapid"}, "releaseChannel: kapsule has no channel rapid; it has regular"),
        (
            {"version": "1.37.2", "release_channel": "regular"},
            'releaseChannel: says how patches come, .* drop releaseChannel, or write the minor, "1.37"$',
        ),
        ({"version": "1.37.2", "maintenance": {"hour": 3}}, "maintenance: says how patches come, .* drop maintenance"),
        ({"node_pools": [pool(machine_type="e2-standard-4")]}, r"machineType: 'e2-standard-4' is no Instance of Scal"),
        ({"node_pools": [pool(machine_type="DEV1-S")]}, r"machineType: DEV1-S has too little memory .* e\.g\. DEV1-M$"),
        ({"node_pools": [pool(gpu={})]}, r"nodePools\[0\]\.gpu: POP2-4C-16G has no GPU; drop it, .* like L4-1-24G$"),
        (
            {"node_pools": [pool(machine_type="L4-1-24G", gpu={"count": 2})]},
            r"nodePools\[0\]\.gpu\.count: says nothing here: L4-1-24G tells .* write `gpu: \{\}`$",
        ),
        ({"node_pools": [pool(disk_gb=10_001)]}, r"nodePools\[0\]\.diskGb: 10001 GB are more .*; write 10000$"),
        (
            {"node_pools": [pool(max_nodes=250)]},
            "nodePools: may grow to 251 nodes .* kapsule-dedicated-4 has room for 250",
        ),
        (
            {"node_pools": [pool(max_nodes=150)], "highly_available": False},
            "nodePools: may grow to 151 nodes .* kapsule has room for 150; .* larger kapsule.controlPlane$",
        ),
        (
            {"node_pools": [pool(min_nodes=0)], "highly_available": False},
            r"nodePools\[0\]\.minNodes: 0 leaves a shared control plane without any node; write 1",
        ),
        (
            {"node_cidr": "10.0.0.0/16"},
            "nodeCidr: Scaleway takes no such size as 10.0.0.0/16; write one from /20 to /28",
        ),
        ({"node_cidr": "100.64.0.0/20"}, "nodeCidr: a Private Network cannot have 100.64.0.0/20; choose one below 10"),
        ({"node_cidr": "8.8.0.0/20"}, "nodeCidr: a Private Network cannot have 8.8.0.0/20"),
        (
            {"node_cidr": "10.0.0.0/28", "node_pools": [pool(max_nodes=11)]},
            "nodeCidr: .* room for 11 nodes, .* write a /27",
        ),
        ({"pod_cidr": "10.4.0.0/22"}, "podCidr: 10.4.0.0/22 has room for 4 nodes, .* to 6 .* write a /21 or larger"),
        ({"pod_cidr": "10.0.0.0/14"}, "nodeCidr: 10.0.0.0/20 overlaps podCidr 10.0.0.0/14; choose networks"),
        ({"network": GIVEN, "node_cidr": "10.0.0.0/20"}, "nodeCidr: is for a network that is made, .*; drop it$"),
        ({"network": GIVEN, "kapsule": {"gateway_type": "VPC-GW-M"}}, "kapsule.gatewayType: is for a network that is"),
        (
            {"network": {**GIVEN, "private_network_id": "nl-ams/6d0c4b1e-8f3c-4f6e-9a55-2f4d1c0f7a10"}},
            "network.privateNetworkId: .* is no id of a Private Network in fr-par; write it like fr-par/0000",
        ),
        (
            {"network": {**GIVEN, "gateway_address": "198.51.100.9/32"}},
            "network.gatewayAddress: '198.51.100.9/32' is no address; write it like 198.51.100.7$",
        ),
        ({"tags": {"taint": "a=b:NoSchedule"}}, "tags.taint: 'taint' has a meaning of its own to Kapsule; use"),
        (
            {"kapsule": {"zones": {"web": "fr-par-2"}}},
            "kapsule.zones.web: there is no pool 'web'; name one of general$",
        ),
        ({"kapsule": {"zones": {"general": "nl-ams-1"}}}, "kapsule.zones.general: 'nl-ams-1' is no zone of fr-par"),
        (
            {"kapsule": {"open_id_connect": {"issuer_url": "http://id.example.com", "client_id": "k"}}},
            "kapsule.openIdConnect.issuerUrl: 'http://id.example.com' is not encrypted; write https://",
        ),
        ({"kapsule": {"control_plane": "kapsule"}}, "kapsule.controlPlane: kapsule says otherwise; write .*: false`"),
        (
            {"kapsule": {"control_plane": "kapsule-dedicated-8"}, "highly_available": False},
            "kapsule.controlPlane: kapsule-dedicated-8 says otherwise; write `highlyAvailable: true` too$",
        ),
    ],
)
def test_what_cannot_be_made_is_refused_in_one_line_with_the_fix(refused, changes, message):
    line = refused(**changes)

    assert "\n" not in line
    assert re.search(message, line), line


def test_the_largest_pools_that_fit_are_accepted(kapsule):
    # Five nodes and one for an upgrade: 6 of 11 addresses, and 6 of 8 shares of the pods' range.
    assert kapsule(node_cidr="10.0.0.0/28", pod_cidr="10.4.0.0/21").the("Pool")
