"""EKS's requests against Amazon's own models."""

import copy
import json
import re

import boto3
import moto
import pytest
import yaml
from botocore import xform_name

from components import targets
from tests.engine.slipway import PROJECT
from tests.examples.eks import ADMIN, EKS, KEY, POOL
from tests.models.eks import faults, requests, sendable

EVERYTHING = {
    "releaseChannel": "extended",
    "apiAccess": {"authorizedCidrs": ["203.0.113.0/24"]},
    "admins": [ADMIN, "arn:aws:iam::123456789012:user/ann"],
    "logs": ["api", "audit", "authenticator", "controllerManager", "scheduler"],
    "tags": {"cost": "42"},
    "secretsEncryption": {"key": KEY},
    "eks": {"logRetentionDays": 365, "addonVersions": {"coredns": "v1.12.4-eksbuild.1"}},
    "nodePools": [
        POOL,
        {
            **POOL,
            "name": "gpu",
            "machineType": "g5g.xlarge",
            "minNodes": 0,
            "spot": True,
            "diskGb": 50,
            "gpu": {},
            "labels": {"team": "web"},
            "taints": [{"key": "a", "effect": "PreferNoSchedule"}, {"key": "b", "value": "c", "effect": "NoExecute"}],
        },
    ],
}
CLUSTERS = {
    **{
        name: yaml.safe_load((PROJECT / f"stacks/Pulumi.{name}.yaml").read_text())["config"]["slipway:cluster"]
        for name in ("prod-eks", "dev-eks")
    },
    "everything": {**EKS.cluster, **EVERYTHING},
    "auto": {key: value for key, value in EKS.cluster.items() if key != "nodePools"} | {"compute": "auto"},
    "given": {**EKS.cluster, "network": {"subnetIds": ["subnet-1", "subnet-2"]}, "logs": []},
}


@pytest.fixture
def made(deploy_once):
    """The resources of AWS that a cluster of `CLUSTERS` is made of."""

    def make(name):
        component, args = targets.read({"target": "eks", "cluster": CLUSTERS[name]}, "test")
        made = deploy_once(component, "test", args, clouds=[EKS.cloud])
        return [each for each in made.resources if each.type.startswith("aws:")]

    return make


def kind(resource):
    return resource.type.rpartition(":")[2]


@pytest.mark.parametrize("name", CLUSTERS)
def test_what_a_stack_asks_for_is_what_the_apis_take(made, name):
    found = [fault for each in made(name) for fault in faults(kind(each), each.name, each.inputs)]

    assert found == []
    assert {"Cluster", "Role"} <= set(map(kind, made(name)))


@pytest.mark.parametrize(
    ("of", "path", "value", "fault"),
    [
        ("Cluster", "accessConfig.authenticationMode", "IAM", "'IAM' is none of API, API_AND_CONFIG_MAP"),
        ("Cluster", "upgradePolicy.supportType", "LONG", "'LONG' is none of STANDARD, EXTENDED"),
        ("Cluster", "enabledClusterLogTypes", ["kubelet"], "'kubelet' is none of api, audit"),
        ("Cluster", "vpcConfig.endpointPublic", True, "endpointPublic: there is no such field"),
        ("Cluster", "encryptionConfig.provider", "arn", "'arn' is no structure"),
        ("Cluster", "name", "prod.1", r"'prod.1' does not match \^\[0-9A-Za-z\]"),
        ("Cluster", "name", "a" * 101, "101 is not between 1 and 100"),
        ("Cluster", "tags", {str(number): "" for number in range(51)}, "51 is not between 1 and 50"),
        ("NodeGroup", "amiType", "AL2024_x86_64", "'AL2024_x86_64' is none of AL2_x86_64"),
        ("NodeGroup", "capacityType", "CHEAP", "'CHEAP' is none of ON_DEMAND, SPOT"),
        ("NodeGroup", "scalingConfig.maxSize", 0, "0 is not between 1 and"),
        ("NodeGroup", "scalingConfig.minSize", 1.5, "1.5 is no integer"),
        ("NodeGroup", "updateConfig.maxUnavailablePercentage", 101, "101 is not between 1 and 100"),
        ("NodeGroup", "taints", [{"key": "a" * 64, "effect": "NO_SCHEDULE"}], "64 is not between 1 and 63"),
        ("NodeGroup", "taints", [{"key": "a", "effect": "NoSchedule"}], "'NoSchedule' is none of NO_SCHEDULE"),
        ("Addon", "resolveConflictsOnUpdate", "FORCE", "'FORCE' is none of OVERWRITE, NONE, PRESERVE"),
        ("Addon", "podIdentityAssociations", [{"roleArn": "arn"}], "serviceAccount: is required"),
        ("AccessPolicyAssociation", "accessScope.type", "everywhere", "'everywhere' is none of cluster, namespace"),
        ("LaunchTemplate", "metadataOptions.httpTokens", "mandatory", "'mandatory' is none of optional, required"),
        ("LaunchTemplate", "blockDeviceMappings.0.ebs.volumeType", "gp4", "'gp4' is none of standard"),
        ("LaunchTemplate", "blockDeviceMappings.0.ebs.encrypted", "yes", "'yes' is no boolean"),
        ("LaunchTemplate", "tagSpecifications.0.resourceType", "node", "'node' is none of"),
        ("VpcEndpoint", "vpcEndpointType", "Door", "'Door' is none of Interface, Gateway"),
        ("Eip", "domain", "internet", "'internet' is none of vpc, standard"),
        ("Key", "deletionWindowInDays", 400, "400 is not between 1 and 365"),
        ("Role", "assumeRolePolicy", "", "0 is not between 1 and"),
        ("LogGroup", "name", "/aws/eks/prod cluster", "does not match"),
    ],
)
def test_a_word_a_pattern_or_a_number_that_the_api_does_not_take_is_caught(made, of, path, value, fault):
    resource = next(each for each in made("prod-eks") if kind(each) == of)
    inputs = copy.deepcopy(resource.inputs)
    *outer, last = path.split(".")
    inner = inputs
    for key in outer:
        inner = inner[int(key) if key.isdigit() else key]
    inner[last] = value

    found = "\n".join(faults(of, resource.name, inputs))

    assert re.search(fault, found), found


def test_a_key_that_no_rule_turns_into_a_field_is_an_error_and_never_dropped(made):
    cluster = next(each for each in made("prod-eks") if kind(each) == "Cluster")

    with pytest.raises(KeyError, match="zonalShiftConfig of Cluster"):
        faults("Cluster", cluster.name, {**cluster.inputs, "zonalShiftConfig": {"enabled": True}})


def test_amazons_stand_in_makes_the_cluster_and_its_pools_of_these_requests(made, monkeypatch):
    """moto knows these two of EKS's operations, and no others that are sent."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "none")
    asked = [each for each in made("prod-eks") if kind(each) in ("Cluster", "NodeGroup")]
    sent = [request for each in asked for request in requests(kind(each), each.name, each.inputs)]

    with moto.mock_aws():
        eks = boto3.client("eks", region_name="eu-central-1")
        for request in sent:
            parameters = json.loads(json.dumps(sendable(request.parameters)), parse_float=lambda text: int(float(text)))
            getattr(eks, xform_name(request.operation))(**parameters)
        (cluster,) = eks.list_clusters()["clusters"]
        pools = eks.list_nodegroups(clusterName=cluster)["nodegroups"]
        told = [eks.describe_nodegroup(clusterName=cluster, nodegroupName=name)["nodegroup"] for name in pools]

    assert [pool["scalingConfig"]["maxSize"] for pool in told] == [
        each.inputs["scalingConfig"]["maxSize"] for each in asked if kind(each) == "NodeGroup"
    ]
