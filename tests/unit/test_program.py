"""The program itself, run as Pulumi runs it."""

import json
import runpy
import stat
import sys
from pathlib import Path

import pulumi
import pytest

from components import kubeconfig
from components.cluster import CONTRACT
from tests.engine.stand_in.kubernetes import KUBERNETES

PROGRAM = Path(__file__).parents[2] / "__main__.py"

KIND = {"slipway:target": "kind", "slipway:cluster": json.dumps({"version": "1.37", "workers": 1})}
NODES = {
    "pulumi-python:dynamic/slipway:KindNodes": {
        "kubeconfig": "the kubeconfig",
        "endpoint": "https://127.0.0.1:6443",
        "ca_certificate": "PEM",
        "kubernetes_version": "v1.37.2",
        "nodes": [],
    }
}


@pytest.fixture
def exported(monkeypatch):
    """What the program exports."""
    found = {}
    monkeypatch.setattr(pulumi, "export", found.__setitem__)
    return found


def run():
    runpy.run_path(str(PROGRAM), run_name="__main__")


@pytest.fixture
def refused(deploy, monkeypatch):
    """What the program says of a configuration that it refuses; it makes nothing then."""

    def refuse(config):
        said = []
        monkeypatch.setattr(pulumi.log, "error", said.append)

        def program():
            with pytest.raises(SystemExit) as left:
                run()
            # Pulumi's own sign that the errors have been shown, so that it adds no traceback.
            assert left.value.code == 32

        assert deploy(program, config=config).resources == []
        return said

    return refuse


def test_a_stack_exports_the_contract_and_nothing_else(deploy, exported):
    deploy(run, config=KIND, outputs=NODES)
    assert tuple(exported) == CONTRACT


ACCESS = {"people": [{"name": "ada", "rights": [{"role": "view", "clusterWide": True}]}]}


def test_a_stack_that_gives_rights_exports_who_people_are_and_their_kubeconfigs(deploy, exported):
    admin = kubeconfig.build("test", "https://127.0.0.1:6443", "Y2E=", {"client-key-data": "a key"})
    outputs = {
        "pulumi-python:dynamic/slipway:KindNodes": {
            **NODES["pulumi-python:dynamic/slipway:KindNodes"],
            "kubeconfig": admin,
        },
        "pulumi-python:dynamic/slipway:AccessCertificate": {
            "user": "slipway:ada:1",
            "certificate": "PEM",
            "key": "PEM",
            "expires": "2026-12-25T12:00:00+00:00",
        },
    }
    made = deploy(run, config={**KIND, "slipway:access": json.dumps(ACCESS)}, clouds=[KUBERNETES], outputs=outputs)
    assert tuple(exported) == (*CONTRACT, "people", "kubeconfigs")
    assert made.the("Access").secret_outputs == {"kubeconfigs"}


def test_a_stack_that_gives_no_rights_needs_no_sdk_for_them(deploy, exported, monkeypatch):
    monkeypatch.setitem(sys.modules, "components.platform.access", None)
    deploy(run, config=KIND, outputs=NODES)


def test_a_cluster_is_called_like_its_stack(deploy, exported):
    assert deploy(run, config=KIND, outputs=NODES).the("KindNodes").inputs["name"] == "test"


def test_a_cluster_is_called_as_its_stack_file_says(deploy, exported):
    config = {**KIND, "slipway:cluster": json.dumps({"version": "1.37", "name": "mine"})}
    made = deploy(run, config=config, outputs=NODES)
    assert made.the("KindNodes").inputs["name"] == "mine"
    assert made.the("KindCluster").name == "mine"


def test_every_fault_is_one_line_that_names_the_file(refused):
    config = {**KIND, "slipway:cluster": json.dumps({"version": 1.3, "wrokers": 1}), "slipway:clutser": "{}"}
    assert refused(config) == [
        "stacks/Pulumi.test.yaml: slipway:clutser: unknown key; did you mean cluster?",
        "stacks/Pulumi.test.yaml: version: must be text, and without quotes it reads as 1.3; put it in quotes",
        "stacks/Pulumi.test.yaml: wrokers: unknown key; did you mean workers?",
    ]


def test_a_broken_rule_is_one_line_that_names_the_file(refused):
    config = {**KIND, "slipway:cluster": json.dumps({"version": "1.37", "controlPlanes": 2})}
    [line] = refused(config)
    assert line.startswith("stacks/Pulumi.test.yaml: controlPlanes: 2 is no odd number")


def test_an_up_saves_the_kubeconfig_for_a_shell_that_asked_for_it(deploy, exported, monkeypatch, tmp_path):
    monkeypatch.setenv("SLIPWAY_KUBECONFIGS", str(tmp_path))
    deploy(run, config=KIND, outputs=NODES)
    saved = tmp_path / "test.yaml"
    assert saved.read_text() == "the kubeconfig"
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600


def test_a_preview_saves_none(deploy, exported, monkeypatch, tmp_path):
    monkeypatch.setenv("SLIPWAY_KUBECONFIGS", str(tmp_path))
    deploy(run, config=KIND, outputs=NODES, preview=True)
    assert list(tmp_path.iterdir()) == []


def test_without_being_asked_an_up_writes_no_file(deploy, exported, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    deploy(run, config=KIND, outputs=NODES)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_a_warning_and_no_failure(deploy, exported, monkeypatch, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("SLIPWAY_KUBECONFIGS", str(blocked / "folder"))
    warned = []
    monkeypatch.setattr(pulumi.log, "warn", lambda message, *rest: warned.append(message))
    deploy(run, config=KIND, outputs=NODES)
    assert warned == [f"the kubeconfig could not be saved below {blocked / 'folder'}: Not a directory"]


def test_the_program_stays_short():
    assert len(PROGRAM.read_text().splitlines()) < 60
