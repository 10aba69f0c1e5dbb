import dataclasses
import json
from typing import Any

import pytest
import yaml

from components.managed.eks.args import LONGEST_ROLE_SUFFIX
from components.managed.eks.cluster import EksCluster
from tests.engine.stand_in.aws import ADDONS, AWS, CA_CERTIFICATE
from tests.engine.stand_in.cloud import UNKNOWN

ADMIN = "arn:aws:iam::123456789012:role/Admin"
POOL: dict[str, Any] = {"name": "general", "machine_type": "m7i.large", "min_nodes": 2, "max_nodes": 5}
ARGS: dict[str, Any] = {"version": "1.37", "region": "eu-central-1", "admins": [ADMIN], "node_pools": [POOL]}
AUTO: dict[str, Any] = {**{key: value for key, value in ARGS.items() if key != "node_pools"}, "compute": "auto"}
KEY = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd"


@pytest.fixture
def eks(deploy_once):
    """Deploy an EKS cluster called `prod`, with `ARGS` changed."""

    def make(*, preview=False, args=ARGS, clouds=(AWS,), **changes):
        return deploy_once(EksCluster, "prod", {**args, **changes}, clouds=clouds, preview=preview)

    return make


@pytest.fixture
def prod(eks):
    """The cluster of `ARGS`."""
    return eks()


def addon(made, name):
    return next(each for each in made.of("Addon") if each.inputs["addonName"] == name)


# Shape


def test_every_resource_is_in_the_region_asked_for_whatever_the_providers_own_is(prod):
    regions = {each.inputs["region"] for each in prod.resources if "region" in each.inputs}
    without = {each.type for each in prod.resources if each.type.startswith("aws:") and "region" not in each.inputs}

    assert regions == {"eu-central-1"}
    assert {token.partition("/")[0] for token in without} == {"aws:iam"}


def test_all_resources_share_the_provider_of_one_version(prod):
    assert len({each.version for each in prod.resources if each.type.startswith("aws:")}) == 1


def test_no_resource_is_named_twice(prod):
    names = [each.name for each in prod.resources if each.custom]

    assert len(names) == len(set(names))


# Network


def test_each_zone_has_a_way_out_of_its_own_and_a_cheap_cluster_one_for_all(eks, prod):
    cheap = eks(highly_available=False)
    to_nat = [route for route in cheap.of("Route") if "natGatewayId" in route.inputs]

    assert (
        len(prod.of("NatGateway"))
        == len({r.inputs["natGatewayId"] for r in prod.of("Route") if "-private-" in r.name})
        == 3
    )
    assert len(cheap.of("NatGateway")) == len({route.inputs["natGatewayId"] for route in to_nat}) == 1
    assert len(to_nat) == 3


def test_zones_are_asked_for_once_so_that_a_new_zone_moves_no_subnet(prod):
    assert [each.inputs["availabilityZone"][-1] for each in prod.of("Subnet") if "-private-" in each.name] == [
        "a",
        "b",
        "c",
    ]
    assert {each.ignore_changes for each in prod.of("Subnet")} == {frozenset({"availabilityZone"})}


def test_nodes_find_their_cluster_by_name_in_the_vpc(prod):
    assert prod.the("Vpc").inputs["enableDnsHostnames"] is True


def test_zones_where_eks_has_no_control_plane_are_not_asked_for(eks):
    asked = {}
    zones = "aws:index/getAvailabilityZones:getAvailabilityZones"
    told = {**AWS.functions, zones: lambda project, args: asked.update(args) or AWS.functions[zones](project, args)}
    eks(clouds=[dataclasses.replace(AWS, functions=told)])

    assert set(asked["excludeZoneIds"]) == {"use1-az3", "usw1-az2", "cac1-az3"}
    assert asked["filters"] == [{"name": "zone-type", "values": ["availability-zone"]}]


def test_a_region_with_two_zones_for_eks_is_enough(eks):
    told = {
        **AWS.functions,
        "aws:index/getAvailabilityZones:getAvailabilityZones": lambda project, args: {"names": ["c", "a"]},
    }
    small = eks(clouds=[dataclasses.replace(AWS, functions=told)])

    assert [each.inputs["availabilityZone"] for each in small.of("Subnet") if "-private-" in each.name] == [
        "a",
        "c",
        "a",
    ]


def test_nothing_that_a_region_has_is_touched_before_the_guard_has_spoken(prod):
    assert all("prod-guard" in prod.the(kind).dependencies for kind in ("Vpc", "Key", "LogGroup", "Cluster"))
    assert "prod-cluster" in prod.the("LaunchTemplate").dependencies


def test_a_vpc_has_the_time_that_load_balancers_take_to_let_go_of_it(prod):
    assert {prod.the(kind).timeouts["delete"] for kind in ("Vpc", "InternetGateway")} == {"30m"}
    assert {each.timeouts["delete"] for each in prod.of("Subnet")} == {"30m"}


# Control plane


def test_the_api_is_private_and_public_only_for_the_listed_networks(eks, prod):
    access = {"authorized_cidrs": ["203.0.113.0/24"]}
    private, public = prod.the("Cluster").inputs["vpcConfig"], eks(api_access=access).the("Cluster").inputs["vpcConfig"]

    assert (private["endpointPrivateAccess"], private["endpointPublicAccess"]) == (True, False)
    assert "publicAccessCidrs" not in private
    assert (public["endpointPrivateAccess"], public["endpointPublicAccess"]) == (True, True)
    assert public["publicAccessCidrs"] == ["203.0.113.0/24"]


def test_whoever_makes_the_cluster_is_no_administrator_and_the_admins_are(prod):
    assert prod.the("Cluster").inputs["accessConfig"] == {
        "authenticationMode": "API",
        "bootstrapClusterCreatorAdminPermissions": False,
    }
    assert prod.the("AccessEntry").inputs["principalArn"] == ADMIN
    rights = prod.the("AccessPolicyAssociation").inputs
    assert rights["policyArn"] == "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
    assert rights["accessScope"] == {"type": "cluster"}


@pytest.mark.parametrize(("args", "auto"), [(ARGS, False), (AUTO, True)])
def test_the_three_switches_of_auto_mode_move_together_and_are_written_when_off(eks, args, auto):
    cluster = eks(args=args).the("Cluster").inputs

    assert cluster["computeConfig"]["enabled"] is auto
    assert cluster["storageConfig"] == {"blockStorage": {"enabled": auto}}
    assert cluster["kubernetesNetworkConfig"]["elasticLoadBalancing"] == {"enabled": auto}
    assert ("nodeRoleArn" in cluster["computeConfig"], "nodePools" in cluster["computeConfig"]) == (auto, auto)


def test_names_leave_room_for_the_longest_role(prod):
    assert max(len(role.name) for role in prod.of("Role")) == len("prod" + LONGEST_ROLE_SUFFIX)


def test_auto_mode_brings_its_own_add_ons_and_roles_that_may_do_its_work(eks):
    made = eks(args=AUTO)
    policies = {each.name.removeprefix("prod-") for each in made.of("RolePolicyAttachment")}

    assert [each.inputs["addonName"] for each in made.of("Addon")] == ["metrics-server"]
    assert made.of("NodeGroup") == []
    assert policies == {
        "control-plane-AmazonEKSBlockStoragePolicy",
        "control-plane-AmazonEKSClusterPolicy",
        "control-plane-AmazonEKSComputePolicy",
        "control-plane-AmazonEKSLoadBalancingPolicy",
        "control-plane-AmazonEKSNetworkingPolicy",
        "nodes-AmazonEC2ContainerRegistryPullOnly",
        "nodes-AmazonEKSWorkerNodeMinimalPolicy",
    }
    assert made.the("Cluster").dependencies >= {"prod-nodes-AmazonEKSWorkerNodeMinimalPolicy", "prod-private-0-way-out"}


def test_the_log_group_is_there_before_the_cluster_under_the_clusters_unique_name(prod):
    group, cluster = prod.the("LogGroup"), prod.the("Cluster")

    assert group.inputs["name"] == f"/aws/eks/{cluster.inputs['name']}/cluster"
    assert group.inputs["retentionInDays"] == 90
    assert cluster.dependencies >= {"prod-logs", "prod-control-plane"}


def test_a_cluster_without_logs_has_no_log_group(eks):
    made = eks(logs=[])

    assert made.of("LogGroup") == []
    assert made.the("Cluster").inputs["enabledClusterLogTypes"] == []


def test_the_cluster_keeps_its_role_and_key_until_it_is_gone(prod):
    assert prod.the("Cluster").dependencies >= {
        "prod-control-plane-AmazonEKSClusterPolicy",
        "prod-control-plane-secrets",
        "prod-secrets",
        "prod-guard",
    }


def test_the_key_of_secrets_is_renewed_and_protected_like_the_cluster(eks, prod):
    key = prod.the("Key")

    assert (key.protect, key.inputs["enableKeyRotation"]) == (True, True)
    assert eks(deletion_protection=False).the("Key").protect is False
    assert eks(secrets_encryption={"key": KEY}).of("Key") == []


def test_extended_support_is_paid_for_only_when_asked(eks, prod):
    assert prod.the("Cluster").inputs["upgradePolicy"] == {"supportType": "STANDARD"}
    question, asked = "aws:eks/getClusterVersions:getClusterVersions", []

    def versions(project, args):
        asked.append(args.get("versionStatus"))
        return AWS.functions[question](project, args)

    cloud = dataclasses.replace(AWS, functions={**AWS.functions, question: versions})
    eks(clouds=(cloud,))
    eks(clouds=(cloud,), release_channel="extended")
    assert asked == ["STANDARD_SUPPORT", None]


# Node pools


def test_nodes_follow_the_version_of_the_control_plane(prod):
    assert prod.the("NodeGroup").inputs["version"] == "1.37"
    assert "prod-cluster" in prod.the("NodeGroup").dependencies


def test_nodes_reach_the_internet_from_their_first_second_to_their_last(prod):
    ways_out = {each.name for kind in ("Route", "RouteTableAssociation", "VpcEndpoint") for each in prod.of(kind)}

    assert prod.the("NodeGroup").dependencies >= ways_out - {"prod-public-way-out"}


def test_the_size_that_an_autoscaler_chose_is_left_alone(prod):
    nodes = prod.the("NodeGroup")

    assert nodes.inputs["scalingConfig"] == {"minSize": 2, "maxSize": 5, "desiredSize": 2}
    assert nodes.ignore_changes == {"scalingConfig.desiredSize"}


def test_nodes_are_deleted_before_their_cluster_which_aws_would_not_delete_otherwise(prod):
    assert prod.the("NodeGroup").deleted_with is None


def test_no_pod_gets_its_nodes_credentials_and_disks_are_encrypted(prod):
    template = prod.the("LaunchTemplate").inputs

    assert template["metadataOptions"] == {
        "httpEndpoint": "enabled",
        "httpTokens": "required",
        "httpPutResponseHopLimit": 1,
    }
    assert template["blockDeviceMappings"][0]["ebs"] == {
        "volumeSize": 100,
        "volumeType": "gp3",
        "encrypted": "true",
        "deleteOnTermination": "true",
    }


def test_a_node_group_runs_the_version_of_its_template_that_was_made_for_it(eks, prod):
    versions = [
        made.the("NodeGroup").inputs["launchTemplate"]["version"]
        for made in (prod, eks(node_pools=[{**POOL, "disk_gb": 50}]))
    ]

    assert len(set(versions)) == 2
    assert all(version.isdigit() for version in versions)


# Add-ons


def test_add_ons_come_before_the_nodes_that_need_them_and_after_those_that_they_need(prod):
    nodes = prod.the("NodeGroup")
    before = {"prod-eks-pod-identity-agent", "prod-kube-proxy", "prod-vpc-cni"}
    after = {"prod-aws-ebs-csi-driver", "prod-coredns", "prod-metrics-server"}

    assert {each.name for each in prod.of("Addon")} == before | after
    assert nodes.dependencies >= before
    assert all("prod-general" in each.dependencies for each in prod.of("Addon") if each.name in after)
    assert prod.the("Cluster").inputs["bootstrapSelfManagedAddons"] is False


def test_add_ons_go_with_the_cluster_and_their_roles_after_the_nodes(prod):
    assert {each.deleted_with for each in prod.of("Addon")} == {"prod-cluster"}
    assert "prod-vpc-cni-pods-AmazonEKS_CNI_Policy" in addon(prod, "vpc-cni").dependencies


def test_add_ons_ask_aws_as_themselves_and_nodes_may_do_no_more_than_a_node_must(prod):
    identities = {
        each.inputs["addonName"]: each.inputs["podIdentityAssociations"]
        for each in prod.of("Addon")
        if "podIdentityAssociations" in each.inputs
    }
    trust = [json.loads(role.inputs["assumeRolePolicy"]) for role in prod.of("Role") if role.name.endswith("-pods")]

    assert identities == {
        "vpc-cni": [{"roleArn": "arn:aws:iam::123456789012:role/prod-vpc-cni-pods", "serviceAccount": "aws-node"}],
        "aws-ebs-csi-driver": [
            {
                "roleArn": "arn:aws:iam::123456789012:role/prod-ebs-csi-driver-pods",
                "serviceAccount": "ebs-csi-controller-sa",
            }
        ],
    }
    assert {each["Statement"][0]["Principal"]["Service"] for each in trust} == {"pods.eks.amazonaws.com"}
    assert all(each["Statement"][0]["Action"] == ["sts:AssumeRole", "sts:TagSession"] for each in trust)
    assert {each.name for each in prod.of("RolePolicyAttachment") if each.name.startswith("prod-nodes-")} == {
        "prod-nodes-AmazonEC2ContainerRegistryPullOnly",
        "prod-nodes-AmazonEKSWorkerNodePolicy",
    }


def test_add_ons_are_set_up_for_network_policies_many_pods_and_claims_without_a_class(prod):
    settings = {
        each.inputs["addonName"]: json.loads(each.inputs["configurationValues"])
        for each in prod.of("Addon")
        if "configurationValues" in each.inputs
    }

    assert settings == {
        "vpc-cni": {
            "enableNetworkPolicy": "true",
            "env": {"ENABLE_PREFIX_DELEGATION": "true", "WARM_PREFIX_TARGET": "1"},
        },
        "aws-ebs-csi-driver": {"defaultStorageClass": {"enabled": True}},
    }


def test_add_ons_have_the_version_that_goes_with_the_clusters_minor_or_the_one_asked_for(eks, prod):
    wanted = "v1.11.0-eksbuild.9"
    asked = eks(version="1.36", eks={"addon_versions": {"coredns": wanted}})

    assert addon(prod, "kube-proxy").inputs["addonVersion"] == f"{ADDONS['kube-proxy']}-eksbuild.37"
    assert addon(asked, "kube-proxy").inputs["addonVersion"] == f"{ADDONS['kube-proxy']}-eksbuild.36"
    assert addon(asked, "coredns").inputs["addonVersion"] == wanted
    (kept,) = (one.inputs["input"] for one in asked.of("Stash") if one.name == "prod-addon-versions")
    assert kept["questions"] == {**dict.fromkeys(ADDONS, "1.36"), "coredns": wanted}


# Outputs


def test_the_kubeconfig_asks_for_a_token_of_the_cluster_by_its_unique_name(eks):
    made = eks(name="shop")
    outputs = made.the("EksCluster").outputs
    config = yaml.safe_load(outputs["kubeconfig"])

    assert outputs["name"] == made.the("Cluster").inputs["name"] == "shop"
    assert config["users"][0]["user"]["exec"]["args"] == [
        "--region", "eu-central-1", "eks", "get-token", "--cluster-name", "shop", "--output", "json",
    ]  # fmt: skip
    assert config["clusters"][0]["cluster"]["server"] == outputs["endpoint"]
    assert outputs["ca_certificate"] == CA_CERTIFICATE


def test_pods_have_addresses_of_the_nodes_network(eks, prod):
    given = eks(network={"subnet_ids": ["subnet-1", "subnet-2"]})

    assert prod.the("EksCluster").outputs["pod_cidr"] == "10.0.0.0/16"
    assert "pod_cidr" not in given.the("EksCluster").outputs
    assert given.the("EksCluster").outputs["service_cidr"] == "10.8.0.0/20"


def test_a_preview_knows_what_does_not_depend_on_the_cluster(eks):
    outputs = eks(preview=True).the("EksCluster").outputs

    assert outputs["service_cidr"] == "10.8.0.0/20"
    assert outputs["endpoint"] == outputs["kubeconfig"] == UNKNOWN


def test_the_largest_pools_that_fit_are_accepted(eks):
    # Five nodes and two for an upgrade with 128 each, and four idle ones with 32: 1024 of 1536.
    assert eks(node_cidr="10.0.0.0/21").the("NodeGroup")


def test_a_government_region_has_arns_of_its_own(eks):
    admin = "arn:aws-us-gov:iam::123456789012:role/Admin"
    made = eks(region="us-gov-west-1", admins=[admin])

    assert {each.inputs["policyArn"].split(":")[1] for each in made.of("RolePolicyAttachment")} == {"aws-us-gov"}
    assert made.the("AccessPolicyAssociation").inputs["policyArn"].startswith("arn:aws-us-gov:eks::aws:")
