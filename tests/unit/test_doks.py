import re
from typing import Any

import pytest
import yaml

from components.cluster import CONTRACT
from components.managed.doks.cluster import DoksCluster
from components.managed.doks.version import newest
from components.spec import SpecError
from tests.engine.stand_in.cloud import UNKNOWN
from tests.engine.stand_in.digitalocean import CA_CERTIFICATE, DIGITALOCEAN, GATEWAY_ADDRESS

POOL: dict[str, Any] = {"name": "general", "machine_type": "s-4vcpu-8gb", "min_nodes": 2, "max_nodes": 6}
OFFICE = {"authorized_cidrs": ["203.0.113.0/24"]}
ARGS: dict[str, Any] = {"version": "1.37", "region": "fra1", "node_pools": [POOL], "api_access": OFFICE}
VPC = "c33931f2-a26a-4e61-b85c-4e95a2ec431b"

CLUSTER = "digitalocean:index/kubernetesCluster:KubernetesCluster::prod-cluster"
STANDING = {
    "version": "1.37.2-do.0",
    "region": "fra1",
    "clusterSubnet": "10.4.0.0/16",
    "serviceSubnet": "10.8.0.0/20",
    "isolatedWorkers": True,
}
"""What the state tells of a cluster that `ARGS` made."""

OWN_NETWORK = {"digitalocean:index/vpc:Vpc::prod-network": {"ipRange": "10.0.0.0/16"}}
"""And of its network."""


@pytest.fixture
def doks(deploy_once):
    """Deploy a DOKS cluster called `prod`, with `ARGS` changed."""

    def make(*, preview=False, state=None, **changes):
        args = {key: value for key, value in {**ARGS, **changes}.items() if value is not None}
        return deploy_once(DoksCluster, "prod", args, clouds=[DIGITALOCEAN], preview=preview, state=state)

    return make


@pytest.fixture
def refused(doks):
    """What a DOKS cluster called `prod`, with `ARGS` changed, is refused for."""

    def make(**changes):
        with pytest.raises(SpecError) as error:
            doks(**changes)
        assert len(error.value.faults) == 1
        return str(error.value)

    return make


def pool(**changes):
    return {**POOL, **changes}


# Shape


def test_names_in_the_cloud_are_left_to_pulumi(doks):
    assert [resource.name for resource in doks().resources if "name" in resource.inputs] == []


def test_all_resources_share_the_provider_of_one_version(doks):
    versions = {each.version for each in doks().resources if each.type.startswith("digitalocean:")}

    assert len(versions) == 1
    assert versions != {""}


def test_a_preview_knows_what_does_not_depend_on_the_cloud(doks):
    outputs = doks(preview=True).the("DoksCluster").outputs

    assert (outputs["pod_cidr"], outputs["service_cidr"]) == ("10.4.0.0/16", "10.8.0.0/20")
    assert outputs["endpoint"] == outputs["kubeconfig"] == UNKNOWN


# Kubeconfig


def test_the_whole_contract_is_registered_and_nothing_but_the_kubeconfig_is_secret(doks):
    component = doks().the("DoksCluster")

    assert component.outputs.keys() == set(CONTRACT)
    assert component.secret_outputs == {"kubeconfig"}
    assert component.outputs["ca_certificate"] == CA_CERTIFICATE
    assert component.outputs["kubernetes_version"] == "v1.37.2"


def test_doctl_is_asked_for_a_credential_of_that_very_cluster(doks):
    made = doks()
    config = yaml.safe_load(made.the("DoksCluster").outputs["kubeconfig"])
    identity = config["clusters"][0]["cluster"]["server"].removeprefix("https://").partition(".")[0]

    command = config["users"][0]["user"]["exec"]
    assert command["args"] == [
        "kubernetes",
        "cluster",
        "kubeconfig",
        "exec-credential",
        "--version=v1beta1",
        identity,
    ]


def test_the_providers_own_token_is_short_lived_and_secret(doks):
    cluster = doks().the("KubernetesCluster")

    assert cluster.inputs["kubeconfigExpireSeconds"] == 600
    assert cluster.additional_secret_outputs == {"kubeConfigs"}


# The API's firewall


def test_the_firewall_lets_your_networks_in_and_what_the_clusters_own_nodes_come_from(doks):
    assert doks().the("KubernetesCluster").inputs["controlPlaneFirewall"] == {
        "enabled": True,
        "allowedAddresses": ["203.0.113.0/24", f"{GATEWAY_ADDRESS}/32"],
    }


def test_the_firewall_is_on_however_nodes_go_out(doks):
    for changes in ({"doks": {"public_nodes": True}}, {"network": {"vpc_id": VPC}}):
        assert doks(**changes).the("KubernetesCluster").inputs["controlPlaneFirewall"] == {
            "enabled": True,
            "allowedAddresses": ["203.0.113.0/24"],
        }


def test_a_firewall_without_networks_is_refused_with_the_reason(refused):
    line = refused(api_access=None)

    assert line.startswith("apiAccess.authorizedCidrs: is required: ")
    assert "the whole internet reaches" in line


# Networks


def test_nodes_are_private_and_go_out_by_a_gateway_that_is_there_before_them(doks):
    made = doks()
    (vpc,) = made.the("VpcNatGateway").inputs["vpcs"]

    assert made.the("KubernetesCluster").inputs["isolatedWorkers"] is True
    assert "prod-nat" in made.the("KubernetesCluster").dependencies
    assert vpc == {"vpcUuid": made.the("KubernetesCluster").inputs["vpcUuid"], "defaultGateway": True}


def test_public_nodes_need_no_gateway(doks):
    made = doks(doks={"public_nodes": True})

    assert made.of("VpcNatGateway") == []
    assert made.the("KubernetesCluster").inputs["isolatedWorkers"] is False


def test_a_vpc_waits_for_its_last_members_to_leave(doks):
    assert doks().the("Vpc").timeouts == {"delete": "15m"}


def test_the_networks_asked_for_are_the_vpcs_and_the_clusters(doks):
    made = doks(node_cidr="10.1.0.0/24", pod_cidr="10.2.0.0/18", service_cidr="10.3.0.0/24")
    cluster = made.the("KubernetesCluster").inputs

    assert made.the("Vpc").inputs["ipRange"] == "10.1.0.0/24"
    assert (cluster["clusterSubnet"], cluster["serviceSubnet"]) == ("10.2.0.0/18", "10.3.0.0/24")
    assert made.the("DoksCluster").outputs["pod_cidr"] == "10.2.0.0/18"


def test_a_given_subnet_of_a_given_vpc_is_the_nodes(doks):
    cluster = doks(network={"vpc_id": VPC, "subnet_id": "a-subnet"}).the("KubernetesCluster").inputs

    assert (cluster["vpcUuid"], cluster["workerSubnetUuid"]) == (VPC, "a-subnet")


# The pool that DigitalOcean insists on


def test_the_inline_pool_is_small_and_the_same_whatever_a_stack_asks_for(doks):
    inline = [
        doks(**changes).the("KubernetesCluster").inputs["nodePool"]
        for changes in ({}, {"node_pools": [pool(machine_type="g-8vcpu-32gb", max_nodes=50)]})
    ]

    assert inline[0] == inline[1]
    assert (inline[0]["size"], inline[0]["nodeCount"]) == ("s-1vcpu-2gb", 1)
    assert [taint["effect"] for taint in inline[0]["taints"]] == ["PreferNoSchedule"]


def test_every_pool_of_a_stack_is_a_resource_of_its_own(doks):
    made = doks(node_pools=[pool(name="web"), pool(name="batch")])

    assert [each.name for each in made.of("KubernetesNodePool")] == ["prod-web", "prod-batch"]


def test_what_the_autoscaler_does_between_the_bounds_is_its_own(doks):
    made = doks().the("KubernetesNodePool")

    assert made.ignore_changes == {"nodeCount"}
    assert (made.inputs["autoScale"], made.inputs["minNodes"], made.inputs["maxNodes"]) == (True, 2, 6)


def test_a_pool_has_the_labels_and_taints_asked_for_and_every_taint_a_value(doks):
    asked = pool(
        labels={"team": "web"},
        taints=[{"key": "dedicated", "value": "web", "effect": "NoSchedule"}, {"key": "old", "effect": "NoExecute"}],
    )
    made = doks(node_pools=[asked]).the("KubernetesNodePool").inputs

    assert made["labels"] == {"team": "web"}
    assert made["taints"] == [
        {"key": "dedicated", "value": "web", "effect": "NoSchedule"},
        {"key": "old", "value": "", "effect": "NoExecute"},
    ]


@pytest.mark.parametrize(
    ("size", "plugin"),
    [("gpu-h100x1-80gb", "nvidiaGpuDevicePlugin"), ("gpu-mi300x1-192gb", "amdGpuDevicePlugin")],
)
def test_gpus_are_made_known_to_kubernetes_by_their_makers_plugin(doks, size, plugin):
    cluster = doks(node_pools=[POOL, pool(name="gpu", machine_type=size, gpu={})]).the("KubernetesCluster").inputs

    assert {key: value for key, value in cluster.items() if "GpuDevice" in key} == {plugin: {"enabled": True}}


# Versions


def test_the_build_is_the_newest_of_the_minor_asked_for(doks):
    assert doks(version="1.36").the("KubernetesCluster").inputs["version"] == "1.36.3-do.1"
    assert doks(version="1.37.1").the("KubernetesCluster").inputs["version"] == "1.37.1-do.1"


def test_a_tenth_patch_is_newer_than_a_ninth_and_what_is_no_build_is_passed_over():
    slugs = ["latest", "1.37.9-do.0", "1.37.10-do.1", "1.37.10-do.0", "1.36.11-do.3"]

    assert newest(slugs, "1.37") == "1.37.10-do.1"
    assert newest(slugs, "1.38") == "1.38"


def test_the_build_that_runs_is_left_alone_while_it_is_what_the_stack_asks_for(doks):
    def ignored(version, runs="1.37.2-do.0"):
        state = {CLUSTER: {**STANDING, "version": runs}, **OWN_NETWORK}
        return doks(state=state, version=version).the("KubernetesCluster").ignore_changes

    assert ignored("1.37") == {"version"}
    assert ignored("1.37.2") == {"version"}
    assert ignored("1.37.2", runs="1.37.1-do.0") == frozenset()
    assert doks().the("KubernetesCluster").ignore_changes == frozenset()


@pytest.mark.parametrize(
    "changes",
    [
        {"region": "ams3"},
        {"pod_cidr": "10.32.0.0/16"},
        {"service_cidr": "10.9.0.0/20"},
        {"doks": {"public_nodes": True}},
        {"node_cidr": "10.1.0.0/16"},
        {"network": {"vpc_id": "vpc-1"}},
    ],
)
def test_a_cluster_that_takes_anothers_place_gets_a_build_that_can_be_had(doks, changes):
    state = {CLUSTER: STANDING, **OWN_NETWORK}

    assert doks(state=state).the("KubernetesCluster").ignore_changes == {"version"}
    assert doks(state=state, **changes).the("KubernetesCluster").ignore_changes == frozenset()


@pytest.mark.parametrize(
    ("wanted", "line"),
    [
        ("1.36", '1.36 is older than 1.37.2, which runs, and a control plane never goes back; write "1.37"'),
        ("1.37.1", '1.37.1 is older than 1.37.2, which runs, and a control plane never goes back; write "1.37.2"'),
    ],
)
def test_no_cluster_goes_back(refused, wanted, line):
    assert refused(version=wanted, state={CLUSTER: STANDING, **OWN_NETWORK}) == f"version: {line}"


def test_an_upgrade_is_warned_of_that_may_need_a_patch_first(doks, monkeypatch):
    said = []
    monkeypatch.setattr("pulumi.log.warn", lambda message, *_: said.append(message))

    doks(state={CLUSTER: {**STANDING, "version": "1.36.3-do.1"}, **OWN_NETWORK})
    assert said == []
    doks(state={CLUSTER: {**STANDING, "version": "1.36.2-do.0"}, **OWN_NETWORK})
    (line,) = said
    assert line.startswith("version: DigitalOcean goes on to 1.37 only from the last patch of 1.36, 1.36.3-do.1, and")
    assert line.endswith('if it refuses, write "1.36.3" first')


def test_patches_come_by_themselves_unless_the_stack_asks_for_one(doks):
    assert doks().the("KubernetesCluster").inputs["autoUpgrade"] is True
    assert doks(version="1.37.2").the("KubernetesCluster").inputs["autoUpgrade"] is False


def test_pools_have_no_version_of_their_own(doks):
    assert "version" not in doks().the("KubernetesNodePool").inputs


# What is DigitalOcean's own


def test_high_availability_is_always_said(doks):
    # Left out, it would be on from 1.36 on, and could not be turned off again.
    assert doks(highly_available=False).the("KubernetesCluster").inputs["ha"] is False
    (guard,) = (one for one in doks().of("Stash") if one.name == "prod-guard")
    assert guard.inputs["input"]["irreversible"] == {"highlyAvailable": True}


def test_people_sign_in_with_the_identity_provider_of_the_stack(doks):
    sso = {"issuer_url": "https://login.example.com", "client_id": "doks", "required": True}

    assert doks(doks={"sso": sso}).the("KubernetesCluster").inputs["ssos"] == [
        {"enabled": True, "required": True, "issuerUrl": "https://login.example.com", "clientId": "doks"}
    ]
    assert "ssos" not in doks().the("KubernetesCluster").inputs


def test_the_teams_registry_is_pulled_from_when_asked_for(doks):
    assert doks().the("KubernetesCluster").inputs["registryIntegration"] is False
    assert doks(doks={"registry": True}).the("KubernetesCluster").inputs["registryIntegration"] is True


def test_the_cluster_is_protected_unless_its_stack_says_otherwise(doks):
    assert doks().the("KubernetesCluster").protect is True
    assert doks(deletion_protection=False).the("KubernetesCluster").protect is False


def test_nothing_is_made_before_the_guard_has_looked(doks):
    made = doks()

    assert "prod-guard" in made.the("KubernetesCluster").dependencies
    assert "prod-guard" in made.the("Vpc").dependencies


# Refusals


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"region": "europe-west1"}, "region: 'europe-west1' is no region of DigitalOcean; write one like fra1$"),
        ({"region": "fra٣"}, "region: 'fra٣' is no region of DigitalOcean"),
        ({"version": "1.37.2-do.0"}, 'version: .* write the minor "1.37", or the patch "1.37.2"$'),
        ({"name": "Prod_1"}, "name: 'Prod_1' cannot name a DOKS cluster; use small letters"),
        ({"name": "a" * 48}, "name: .* has 48 letters, and nodes are named after it; use 47 at most$"),
        ({"node_pools": [pool(name="a" * 45)]}, r"nodePools\[0\]\.name: .* has 45 letters; use 44 at most"),
        (
            {"node_pools": [pool(machine_type="e2-standard-4")]},
            r"nodePools\[0\]\.machineType: 'e2-standard-4' is no Droplet size; write one like s-4vcpu-8gb$",
        ),
        (
            {"node_pools": [pool(gpu={})]},
            r"nodePools\[0\]\.gpu: s-4vcpu-8gb has no GPU; drop it, or write a machineType like gpu-h100x1-80gb$",
        ),
        (
            {"node_pools": [pool(machine_type="gpu-h100x1-80gb", gpu={"count": 2})]},
            r"nodePools\[0\]\.gpu\.count: says nothing here: gpu-h100x1-80gb tells .* write `gpu: \{\}`$",
        ),
        ({"node_pools": [pool(min_nodes=0)]}, r"nodePools\[0\]\.minNodes: 0 is too few for DigitalOcean.*; write 1$"),
        ({"release_channel": "rapid"}, "releaseChannel: doks has no channel rapid; it has regular: choose"),
        ({"doks": {"sso": {"issuer_url": "login", "client_id": "c"}}}, "doks.sso.issuerUrl: 'login' is no issuer"),
        ({"node_cidr": "10.0.0.0/15"}, "nodeCidr: DigitalOcean takes no such size as 10.0.0.0/15; .* /16 to /28$"),
        ({"node_cidr": "100.64.0.0/16"}, "nodeCidr: 100.64.0.0/16 is public; write a part of 10.0.0.0/8"),
        (
            {"node_cidr": "10.0.0.0/28"},
            "nodeCidr: 10.0.0.0/28 has room for 13 nodes, .* to 17 .* write a /27 or larger",
        ),
        ({"pod_cidr": "10.4.0.0/21"}, "podCidr: 10.4.0.0/21 has room for 16 nodes, .* to 17 .* write a /20 or larger"),
        ({"pod_cidr": "10.0.0.0/14"}, "nodeCidr: 10.0.0.0/16 overlaps podCidr 10.0.0.0/14"),
        (
            {"network": {"vpc_id": VPC}, "node_cidr": "10.1.0.0/16"},
            "nodeCidr: is for a network that is made, .*; drop it$",
        ),
        ({"network": {"vpc_id": VPC}, "pod_cidr": "10.4.0.0/21"}, "podCidr: 10.4.0.0/21 has room for 16 nodes"),
        ({"node_pools": [pool(max_nodes=10000)]}, "nodePools: may grow to 10011 nodes .* 10000; lower maxNodes$"),
        ({"tags": {"cost center": "42"}}, "tags.cost center: 'cost center:42' is no tag of DigitalOcean; use 255"),
        ({"tags": {"terraform": "yes"}}, "tags.terraform: terraform is DigitalOcean's own; choose another key$"),
    ],
)
def test_what_cannot_be_made_is_refused_in_one_line_with_the_fix(refused, changes, message):
    line = refused(**changes)

    assert "\n" not in line
    assert re.search(message, line), line


def test_the_largest_pools_that_fit_are_accepted(doks):
    # Six nodes, one of DigitalOcean's and ten for an upgrade: 17 of 29 addresses, 17 of 32 shares of the pods' range.
    assert doks(node_cidr="10.0.0.0/27", pod_cidr="10.4.0.0/20").the("KubernetesNodePool")
