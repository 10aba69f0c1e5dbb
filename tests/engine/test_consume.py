"""Another program uses a cluster by the name of its stack, and what is secret stays secret."""

import json
import shutil
import subprocess
import sys

import pytest
import yaml

from tests.engine.slipway import PROJECT

KUBECONFIG_ENTRY = "gke-gcloud-auth-plugin"


@pytest.fixture
def producer(up, tmp_path):
    return up("prod-gke").copied(tmp_path / "producer")


@pytest.fixture
def consume(producer, tmp_path):
    """Run `pulumi` on the example, in a copy of it, with the state that holds the cluster's stack."""
    project = tmp_path / "examples/consume"
    (tmp_path / ".venv").symlink_to(sys.prefix)
    shutil.copytree(PROJECT / "examples/consume", project, ignore=shutil.ignore_patterns("Pulumi.*.yaml"))

    def pulumi(*arguments):
        command = ["pulumi", "--non-interactive", "--color", "never", *arguments]
        done = subprocess.run(command, cwd=project, env=producer.environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    pulumi("stack", "select", "--create", "team-a")
    pulumi("config", "set", "cluster", "organization/slipway/prod-gke", "--stack", "team-a")
    return pulumi


def test_a_cluster_is_used_by_the_name_of_its_stack(producer, consume):
    consume("up", "--stack", "team-a", "--yes", "--skip-preview")

    told = producer.outputs(show_secrets=True)
    got = json.loads(consume("stack", "output", "--stack", "team-a", "--json", "--show-secrets"))
    assert got["endpoint"] == told["endpoint"]
    assert got["kubernetes_version"] == told["kubernetes_version"]
    expected = yaml.safe_load(told["kubeconfig"])
    expected["contexts"][0]["context"]["namespace"] = "team-a"
    assert yaml.safe_load(got["kubeconfig"]) == expected


def test_its_kubeconfig_is_never_shown_and_never_stored_in_plain(producer, consume):
    shown = consume("up", "--stack", "team-a", "--yes")

    state = producer.state_file().parents[1] / "consume" / "team-a.json"
    outputs = json.loads(consume("stack", "output", "--stack", "team-a", "--json"))
    assert outputs["kubeconfig"] == "[secret]"
    assert KUBECONFIG_ENTRY in producer.outputs(show_secrets=True)["kubeconfig"]
    for text in (shown, state.read_text(), producer.state_file().read_text()):
        assert KUBECONFIG_ENTRY not in text
