"""DigitalOcean's requests against DigitalOcean's own description of them."""

import copy

import pytest
import yaml

from components import targets
from tests.engine.slipway import PROJECT
from tests.examples.doks import DOKS, POOL
from tests.models.doks import cluster_faults, gateway_faults, model, node_pool_faults, vpc_faults

FAULTS = {
    "KubernetesCluster": cluster_faults,
    "KubernetesNodePool": node_pool_faults,
    "Vpc": vpc_faults,
    "VpcNatGateway": gateway_faults,
}

EVERYTHING = {
    "maintenance": {"day": "sunday", "hour": 22},
    "nodeCidr": "10.1.0.0/20",
    "podCidr": "10.32.0.0/16",
    "serviceCidr": "10.9.0.0/20",
    "tags": {"cost": "42"},
    "doks": {
        "sso": {"issuerUrl": "https://login.example.com", "clientId": "c", "required": True},
        "registry": True,
    },
    "nodePools": [
        {
            **POOL,
            "labels": {"teamName": "web"},
            "taints": [{"key": "a", "effect": "PreferNoSchedule"}, {"key": "b", "value": "c", "effect": "NoExecute"}],
        },
        {**POOL, "name": "nvidia", "machineType": "gpu-h100x1-80gb", "gpu": {}},
        {**POOL, "name": "amd", "machineType": "gpu-mi300x1-192gb", "gpu": {}},
    ],
}
CLUSTERS = {
    **{
        name: yaml.safe_load((PROJECT / f"stacks/Pulumi.{name}.yaml").read_text())["config"]["slipway:cluster"]
        for name in ("prod-doks", "dev-doks")
    },
    "everything": {**DOKS.cluster, **EVERYTHING},
    "given": {**DOKS.cluster, "network": {"vpcId": "a-vpc", "subnetId": "a-subnet"}},
}


@pytest.fixture
def made(deploy_once):
    def make(cluster):
        component, args = targets.read({"target": "doks", "cluster": cluster}, "test")
        return deploy_once(component, "test", args, clouds=[DOKS.cloud])

    return make


@pytest.mark.parametrize("name", CLUSTERS)
def test_what_a_stack_asks_for_is_what_the_api_takes(made, name):
    asked = [each for each in made(CLUSTERS[name]).resources if each.type.startswith("digitalocean:")]

    assert asked
    for resource in asked:
        assert FAULTS[resource.type.rpartition(":")[2]](resource.name, resource.inputs) == []


@pytest.mark.parametrize(
    ("kind", "path", "value", "complaint"),
    [
        ("KubernetesCluster", "maintenancePolicy.day", "someday", "'someday' is none of any, monday, tuesday"),
        ("KubernetesCluster", "maintenancePolicy.startTime", "24:00", "'24:00' is no time"),
        ("KubernetesCluster", "nodePool.taints.0.effect", "Never", "'Never' is none of NoSchedule"),
        ("KubernetesCluster", "controlPlaneFirewall.allowedAddresses", "10.0.0.0/8", "'10.0.0.0/8' is no list"),
        ("KubernetesCluster", "ha", "yes", "'yes' is no truth"),
        ("KubernetesCluster", "isolatedWorker", True, "isolated_worker: the API has no such field"),
        ("KubernetesCluster", "ssos.0.issuer", "x", "sso.issuer: the API has no such field"),
        ("KubernetesNodePool", "taints.0.effect", "NO_SCHEDULE", "'NO_SCHEDULE' is none of NoSchedule"),
        ("KubernetesNodePool", "maxNodes", "6", "'6' is no number"),
        ("Vpc", "ipRange", "10.0.0.0/15", "'10.0.0.0/15' is not from /16 to /28"),
        ("VpcNatGateway", "type", "PRIVATE", "'PRIVATE' is none of PUBLIC"),
        ("VpcNatGateway", "region", "mars1", "'mars1' is none of nyc1"),
    ],
)
def test_a_field_or_a_word_or_a_size_that_the_api_does_not_know_is_caught(made, kind, path, value, complaint):
    resource = made(CLUSTERS["everything"]).of(kind)[0]
    inputs = copy.deepcopy(resource.inputs)
    *outer, last = path.split(".")
    inner = inputs
    for key in outer:
        inner = inner[int(key) if key.isdigit() else key]
    inner[last] = value

    (fault,) = FAULTS[kind](resource.name, inputs)

    assert complaint in fault


def test_what_the_api_requires_may_not_be_left_out(made):
    resource = made(CLUSTERS["prod-doks"]).the("VpcNatGateway")
    inputs = {key: value for key, value in resource.inputs.items() if key != "size"}

    assert gateway_faults(resource.name, inputs) == ["body.size: the API requires it"]


def test_the_description_is_read_to_its_end():
    # The last fields of the longest template, and one below a list below an object.
    cluster = model("KubernetesOperations", "create_cluster")

    assert {"sso", "worker_subnet_uuid", "vpc_uuid"} <= cluster.parts.keys()
    assert cluster.parts["node_pools"].parts[""].parts["taints"].parts[""].parts["effect"].words
