"""Kapsule's requests against Scaleway's own requests."""

import copy

import pytest
import yaml

from components import targets
from tests.engine.slipway import PROJECT
from tests.examples.kapsule import GIVEN, KAPSULE, POOL
from tests.models.kapsule import REQUESTS, fault

EVERYTHING = {
    "maintenance": {"day": "sunday", "hour": 22},
    "tags": {"cost": "42"},
    "kapsule": {
        "controlPlane": "kapsule-dedicated-16",
        "gatewayType": "VPC-GW-M",
        "zones": {"general": "fr-par-2"},
        "openIdConnect": {
            "issuerUrl": "https://id.example.com",
            "clientId": "kubernetes",
            "usernameClaim": "email",
            "usernamePrefix": "oidc:",
            "groupsClaims": ["groups"],
            "groupsPrefix": "oidc:",
            "requiredClaims": ["team=platform"],
        },
    },
    "nodePools": [
        {
            **POOL,
            "machineType": "L4-1-24G",
            "diskGb": 50,
            "gpu": {},
            "labels": {"team": "web"},
            "taints": [
                {"key": "a", "effect": "PreferNoSchedule"},
                {"key": "b", "value": "c", "effect": "NoExecute"},
                {"key": "d", "effect": "NoSchedule"},
            ],
        }
    ],
}
CLUSTERS = {
    **{
        name: yaml.safe_load((PROJECT / f"stacks/Pulumi.{name}.yaml").read_text())["config"]["slipway:cluster"]
        for name in ("prod-kapsule", "dev-kapsule")
    },
    "everything": {**KAPSULE.cluster, **EVERYTHING},
    "given": {**KAPSULE.cluster, "network": {"privateNetworkId": GIVEN, "gatewayAddress": "198.51.100.9"}},
}


@pytest.fixture
def made(deploy_once):
    def make(cluster):
        component, args = targets.read({"target": "kapsule", "cluster": cluster}, "test")
        return deploy_once(component, "test", args, clouds=[KAPSULE.cloud])

    return make


@pytest.mark.parametrize("name", CLUSTERS)
def test_what_a_stack_asks_for_is_what_the_apis_take(made, name):
    asked = [each for each in made(CLUSTERS[name]).resources if each.type.startswith("scaleway:")]

    assert {each.name: fault(each.type.rpartition(":")[2], each.inputs) for each in asked} == {
        each.name: None for each in asked
    }


def test_every_kind_that_a_stack_asks_for_is_held_against_its_model(made):
    types = {each.type for name in CLUSTERS for each in made(CLUSTERS[name]).resources}

    assert REQUESTS.keys() == {token.rpartition(":")[2] for token in types if token.startswith("scaleway:")}


@pytest.mark.parametrize(
    ("kind", "path", "value", "complaint"),
    [
        ("Cluster", "cni", "flannel", "'flannel' is none of cilium, calico"),
        ("Cluster", "autoUpgrade.maintenanceWindowDay", "weekend", "'weekend' is none of any, monday"),
        ("Cluster", "autoUpgrade.maintenanceWindowStartHour", 3.5, "3.5 is no int"),
        ("Cluster", "openIdConnectConfig.groupsClaims", "groups", "'groups' is no list"),
        ("Cluster", "podCidr", True, "True is no str"),
        ("Pool", "rootVolumeType", "sbs_9k", "'sbs_9k' is none of default_volume_type, l_ssd"),
        ("Pool", "taints.0.effect", "no_schedule", "'no_schedule' is none of NoSchedule, PreferNoSchedule"),
        ("Pool", "autohealing", "yes", "'yes' is no bool"),
        ("Pool", "labels", {"team": 1}, "maps to something else than str"),
        ("Acl", "aclRules.0.ip", ["203.0.113.0/24"], "is no str"),
    ],
)
def test_a_word_or_a_type_that_an_api_does_not_know_is_caught(made, kind, path, value, complaint):
    inputs = copy.deepcopy(made(CLUSTERS["everything"]).the(kind).inputs)
    *outer, last = path.split(".")
    inner = inputs
    for key in outer:
        inner = inner[int(key) if key.isdigit() else key]
    inner[last] = value

    assert complaint in (fault(kind, inputs) or "")


def test_a_field_that_the_api_insists_on_is_missed(made):
    inputs = made(CLUSTERS["prod-kapsule"]).the("Pool").inputs

    assert fault("Pool", {key: value for key, value in inputs.items() if key != "nodeType"}) == (
        "Pool.node_type: CreatePoolRequest requires it"
    )


@pytest.mark.parametrize(("kind", "key"), [("Cluster", "spot"), ("Pool", "spot"), ("PublicGateway", "bastionPort")])
def test_a_key_that_no_rule_turns_into_a_field_is_an_error_and_never_dropped(made, kind, key):
    inputs = made(CLUSTERS["prod-kapsule"]).the(kind).inputs

    with pytest.raises(KeyError, match=f"no rule says what becomes of {kind}.{key}"):
        fault(kind, {**inputs, key: True})
