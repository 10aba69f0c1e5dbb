"""A program of another project makes a cluster through the package, as one in any language does."""

import json
import re
import shutil
import subprocess
import sys
from importlib import metadata

import pytest
import yaml

from tests.engine.slipway import PROJECT, environment

PROGRAM = """
import json
import pulumi


class GkeCluster(pulumi.ComponentResource):
    kubeconfig: pulumi.Output[str]
    endpoint: pulumi.Output[str]
    capabilities: pulumi.Output[dict[str, str]]

    def __init__(self, name, args):
        told = dict.fromkeys(["kubeconfig", "endpoint", "capabilities"])
        super().__init__("slipway:index:GkeCluster", name, {**args, **told}, remote=True)


shop = GkeCluster("shop", json.loads(pulumi.Config().require("args")))
pulumi.export("kubeconfig", shop.kubeconfig)
pulumi.export("endpoint", shop.endpoint)
pulumi.export("capabilities", shop.capabilities)
"""

ARGS = {
    "version": "1.37",
    "region": "europe-west1",
    "deletionProtection": False,
    "releaseChannel": "stable",
    "nodePools": [{"name": "general", "machineType": "e2-standard-4", "minNodes": 1, "maxNodes": 5}],
}


@pytest.fixture
def pulumi(tmp_path, pulumi_home):
    """Run `pulumi` on a program that asks the package for a cluster with `ARGS`, changed as the test says."""
    project = tmp_path / "other"
    project.mkdir()
    (project / "Pulumi.yaml").write_text("name: other\nruntime: python\n")
    (project / "__main__.py").write_text(PROGRAM)
    home = tmp_path / "home"
    shutil.copytree(pulumi_home, home, symlinks=True)
    plugin = home / "plugins" / f"resource-slipway-v{metadata.version('slipway')}" / "pulumi-resource-slipway"
    plugin.parent.mkdir()
    plugin.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{PROJECT / "plugin"}" "$@"\n')
    plugin.chmod(0o755)
    (tmp_path / "state").mkdir()
    seen = {
        **environment(home),
        "PULUMI_BACKEND_URL": f"file://{tmp_path / 'state'}",
        "STAND_IN_JOURNAL": str(tmp_path / "journal"),
    }

    def run(*arguments, fails=False):
        command = ["pulumi", "--non-interactive", "--color", "never", *arguments]
        done = subprocess.run(
            command, cwd=project, env=seen, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert (done.returncode != 0) is fails, done.stdout
        return done.stdout

    def configured(*arguments, fails=False, **changes):
        config = {"gcp:project": "my-project", "other:args": json.dumps({**ARGS, **changes})}
        file = project / "Pulumi.dev.yaml"
        written = yaml.safe_load(file.read_text())
        file.write_text(yaml.safe_dump({**written, "config": config}))
        return run(*arguments, "--stack", "dev", fails=fails)

    run("stack", "select", "--create", "dev")
    return configured


def test_the_cluster_comes_up_with_a_secret_kubeconfig_and_a_second_up_changes_nothing(pulumi, tmp_path):
    pulumi("up", "--yes", "--skip-preview")

    outputs = json.loads(pulumi("stack", "output", "--json"))
    assert outputs["endpoint"] == "https://gke-1a2b3c.europe-west1.gke.goog"
    assert outputs["capabilities"]["autoscaling"] == "native"
    assert outputs["kubeconfig"] == "[secret]"
    assert "gke-gcloud-auth-plugin" in pulumi("stack", "output", "kubeconfig", "--show-secrets")
    assert "gke-gcloud-auth-plugin" not in (tmp_path / "state/.pulumi/stacks/other/dev.json").read_text()

    again = pulumi("up", "--yes", "--skip-preview")
    assert re.findall(r"^ +.*\d+ (\w+)$", again.partition("Resources:")[2], re.M) == ["unchanged"]


def test_wrong_arguments_are_refused_in_the_words_of_a_stack_file_and_without_a_traceback_of_ours(pulumi):
    said = pulumi("preview", fails=True, version=1.3, regoin="x", releaseChannel="slow")

    assert "property version with value '{1.3}' has a problem: must be text, and without quotes it reads as 1.3" in said
    assert "property regoin with value '{x}' has a problem: unknown key; did you mean region?" in said
    assert "'slow' is none of its values; choose one of extended, rapid, regular, stable" in said
    assert "components/host.py" not in said
