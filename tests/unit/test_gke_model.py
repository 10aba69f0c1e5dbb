"""GKE's requests against GKE's own messages."""

import copy
import json
import subprocess
import sys

import pytest
import yaml

from components import targets
from tests.engine.slipway import PROJECT
from tests.examples.gke import GKE, POOL

EVERYTHING = {
    "releaseChannel": "stable",
    "maintenance": {"day": "sunday", "hour": 22},
    "apiAccess": {"authorizedCidrs": ["203.0.113.0/24"]},
    "logs": ["api", "audit", "authenticator", "controllerManager", "scheduler"],
    "tags": {"cost": "42"},
    "gke": {"securityGroup": "gke-security-groups@example.com", "binaryAuthorization": True},
    "nodePools": [
        {
            **POOL,
            "machineType": "g2-standard-4",
            "spot": True,
            "diskGb": 50,
            "gpu": {"type": "nvidia-l4", "count": 1},
            "labels": {"team": "web"},
            "taints": [{"key": "a", "effect": "PreferNoSchedule"}, {"key": "b", "value": "c", "effect": "NoExecute"}],
        }
    ],
}
CLUSTERS = {
    **{
        name: yaml.safe_load((PROJECT / f"stacks/Pulumi.{name}.yaml").read_text())["config"]["slipway:cluster"]
        for name in ("prod-gke", "dev-gke")
    },
    "everything": {**GKE.cluster, **EVERYTHING},
    "auto": {key: value for key, value in GKE.cluster.items() if key != "nodePools"} | {"compute": "auto"},
}


@pytest.fixture(scope="module")
def fault():
    """Why GKE's API would refuse a `Cluster` or `NodePool` of these inputs."""
    command = [sys.executable, "-m", "tests.models.gke"]
    with subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as judge:
        assert judge.stdin

        def ask(kind, inputs):
            print(json.dumps([kind, inputs]), file=judge.stdin, flush=True)
            assert judge.stdout
            return json.loads(judge.stdout.readline())

        yield ask
        judge.stdin.close()


@pytest.fixture
def made(deploy_once):
    def make(cluster):
        component, args = targets.read({"target": "gke", "cluster": cluster}, "test")
        return deploy_once(component, "test", args, clouds=[GKE.cloud])

    return make


@pytest.mark.parametrize("name", CLUSTERS)
def test_what_a_stack_asks_for_is_what_the_api_takes(made, fault, name):
    asked = made(CLUSTERS[name])

    assert fault("Cluster", asked.the("Cluster").inputs) is None
    assert {fault("NodePool", pool.inputs) for pool in asked.of("NodePool")} <= {None}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("releaseChannel.channel", "SOMETIMES"),
        ("datapathProvider", "SLOW_DATAPATH"),
        ("databaseEncryption.state", "ENCRYPTION"),
        ("anonymousAuthenticationConfig.mode", "NEVER"),
        ("loggingConfig.enableComponents", ["EVERYTHING"]),
        ("securityPostureConfig.vulnerabilityMode", "VULNERABILITY_SOME"),
        ("privateClusterConfig.enablePrivateNode", True),
        ("maintenancePolicy.recurringWindow.startTime", "3 o'clock"),
    ],
)
def test_a_field_or_a_word_that_the_api_does_not_know_is_caught(made, fault, path, value):
    inputs = copy.deepcopy(made(CLUSTERS["everything"]).the("Cluster").inputs)
    *outer, last = path.split(".")
    inner = inputs
    for key in outer:
        inner = inner[key]
    inner[last] = value

    assert fault("Cluster", inputs)


def test_a_key_that_no_rule_turns_into_a_field_is_an_error_and_never_dropped(made, fault):
    inputs = made(CLUSTERS["prod-gke"]).the("Cluster").inputs

    assert fault("Cluster", {**inputs, "enableTpu": True}) == "no rule says what becomes of enableTpu"
