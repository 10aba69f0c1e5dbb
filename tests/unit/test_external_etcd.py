"""An etcd that is not the cluster's own: what a stack may say, who may write there, and what is left to its owner."""

import json
import os
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from components.bootstrap import external_etcd, node_provider, pki, snapshots, upgrade, upkeep
from components.bootstrap.cloud_init import FILES
from components.bootstrap.controls import compliance
from components.bootstrap.kubeadm import KubeadmCluster
from components.bootstrap.kubeadm_changes import RESTORE
from components.bootstrap.kubeadm_rules import faults_of
from components.bootstrap.node_provider import NodeProvider
from components.managed.controls import Verdict
from components.spec import SpecError
from tests.examples.kubeadm import outputs
from tests.unit.fake_node import Cluster, Machine
from tools import snapshots as tools
from tools.console import Problem

NOW = pki.now()
AUTHORITY = pki.make(NOW)["etcd"]
CLIENT = pki.client(AUTHORITY, "slipway", [], NOW, timedelta(days=365))
ETCD: Any = {
    "endpoints": ["https://10.89.0.3:2379", "https://etcd-2.example.org:2379"],
    "ca_certificate": AUTHORITY["certificate"],
    "certificate": CLIENT["certificate"],
}
ARGS: Any = {"version": "1.37", "name": "demo", "machines": {"driver": "container"}, "etcd": ETCD}


# What a stack says


def test_what_works_is_taken():
    assert faults_of(ARGS) == []
    assert faults_of({**ARGS, "etcd": {**ETCD, "endpoints": ["https://[fd00::3]:2379"]}}) == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"endpoints": []}, "etcd.endpoints: is empty; write a URL like https://192.168.10.31:2379"),
        *(
            (
                {"endpoints": [*ETCD["endpoints"], endpoint]},
                f"etcd.endpoints[2]: {endpoint!r} is no URL of etcd; write one like https://192.168.10.31:2379",
            )
            for endpoint in ("http://10.89.0.3:2379", "10.89.0.3:2379", "https://10.89.0.3", "https://a:2379/v3", "")
        ),
        *(
            ({key: text}, f"etcd.{camel}: is no certificate; write it in PEM, from BEGIN to END CERTIFICATE")
            for key, camel in (("ca_certificate", "caCertificate"), ("certificate", "certificate"))
            for text in ("", "/etc/etcd/ca.crt", CLIENT["key"])
        ),
    ],
)
def test_what_no_etcd_can_be_asked_with_is_refused_in_one_line_with_the_fix(change, fault):
    assert list(map(str, faults_of({**ARGS, "etcd": {**ETCD, **change}}))) == [fault]


def test_new_authorities_of_the_cluster_are_refused_as_nobody_could_restore_it_with_them():
    assert list(map(str, faults_of({**ARGS, "authority_generation": 2}))) == [
        "authorityGeneration: new CAs come with a restore, and whoever has this etcd restores it; drop the key"
    ]


WRITE = "write it by `pulumi config set --secret slipway:etcdKey <FILE`"
SEALED = (
    load_pem_private_key(CLIENT["key"].encode(), None)
    .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"1234"))
    .decode()
)


@pytest.mark.parametrize(
    ("key", "fault"),
    [
        (None, f"slipway:etcdKey: is required with `etcd`: the private key of `etcd.certificate`; {WRITE}"),
        ("treasure", f"slipway:etcdKey: is no private key in PEM, or has a passphrase; {WRITE}"),
        (SEALED, f"slipway:etcdKey: is no private key in PEM, or has a passphrase; {WRITE}"),
        (AUTHORITY["key"], f"slipway:etcdKey: is not the key of `etcd.certificate`; {WRITE}"),
    ],
    ids=["none", "no key", "with a passphrase", "another one"],
)
def test_a_key_that_does_not_fit_is_refused_without_a_word_of_it(key, fault):
    with pytest.raises(SpecError) as raised:
        external_etcd.client(ETCD, key, NOW)

    assert str(raised.value) == fault


@pytest.mark.parametrize("days", [-1, 366])
def test_a_certificate_that_is_not_valid_now_is_refused(days):
    with pytest.raises(SpecError, match=r"etcd\.certificate: is valid from \d{4}-\d\d-\d\d to \d{4}-\d\d-\d\d and not"):
        external_etcd.client(ETCD, CLIENT["key"], NOW + timedelta(days=days))


def test_a_certificate_is_told_of_before_it_ends():
    assert external_etcd.ends_soon(ETCD, NOW + timedelta(days=304)) is None
    told = external_etcd.ends_soon(ETCD, NOW + timedelta(days=306))
    assert told == (
        f"etcd.certificate: ends {NOW + timedelta(days=365):%Y-%m-%d}, and no API server answers then; write another "
        "one, and its key"
    )


# What is asked of the engine


@pytest.fixture
def made(deploy):
    def make(key: str = CLIENT["key"], **changes: Any) -> Any:
        args: Any = {**ARGS, **changes}
        return deploy(lambda: KubeadmCluster("demo", args), outputs=outputs(), config={"slipway:etcdKey": key})

    return make


def test_control_planes_are_given_what_they_ask_etcd_with_and_no_authority_of_etcd(made):
    *control_planes, worker = made(control_planes=3).of("ContainerMachine")

    for machine in control_planes:
        written = {one["path"]: one for one in yaml.safe_load(machine.inputs["user_data"])["write_files"]}
        folder = "/etc/kubernetes/pki/external-etcd"
        assert {path: file["content"] for path, file in written.items() if "etcd" in path and "pki" in path} == {
            f"{folder}/ca.crt": AUTHORITY["certificate"],
            f"{folder}/client.crt": CLIENT["certificate"],
            f"{folder}/client.key": CLIENT["key"],
        }
        assert {written[f"{folder}/{name}"]["permissions"] for name in ("client.crt", "client.key")} == {"0600"}
    assert CLIENT["key"].splitlines()[1] not in worker.inputs["user_data"]


def test_kubeadm_is_told_where_etcd_is(made):
    first, *_ = made().of("ContainerMachine")
    [file] = (
        one for one in yaml.safe_load(first.inputs["user_data"])["write_files"] if "kubeadm-init.yaml" in one["path"]
    )
    [told] = (one for one in yaml.safe_load_all(file["content"]) if one["kind"] == "ClusterConfiguration")

    assert told["etcd"]["external"]["endpoints"] == ETCD["endpoints"]


def test_the_key_is_secret_and_no_snapshot_is_taken(made):
    for node in made().of("Node"):
        assert node.inputs.get("snapshots") is None
        assert ("etcd" in node.secrets) is ("control-plane" in node.name)


def test_a_stack_without_the_key_is_refused_before_anything_is_made(made):
    with pytest.raises(SpecError, match="slipway:etcdKey: is no private key"):
        made(key="")


def test_another_etcd_is_another_cluster(made):
    fixed = made().the("ContainerNetwork").inputs["fixed"]

    assert fixed["etcd.endpoints"] == "https://10.89.0.3:2379, https://etcd-2.example.org:2379"


# What is left to its owner


def test_nothing_is_restored(made, monkeypatch, tmp_path):
    snapshot = tmp_path / "demo-v1.37.2-20261125T000000Z.etcd.cms"
    snapshot.touch()
    monkeypatch.setenv(RESTORE, str(snapshot))

    with pytest.raises(SpecError, match="etcd is not the cluster's own: whoever has it starts it with a snapshot"):
        made()


@pytest.mark.parametrize("command", [lambda stack: tools.take(stack), lambda stack: tools.restore(stack, Path("file"))])
def test_snapshots_are_its_owner_s(command):
    class Stack:
        name, cluster = "onprem", {"etcd": {}}

    with pytest.raises(Problem, match="onprem has an etcd that is not its own") as refused:
        command(Stack)
    assert "\n" not in str(refused.value)


def test_its_settings_are_its_owner_s_and_all_others_are_looked_at():
    own, not_own = (
        {(line.id, line.field): line for line in compliance(own_etcd=own_etcd)} for own_etcd in (True, False)
    )

    assert own.keys() == not_own.keys()
    left = {key[0] for key, line in not_own.items() if line.verdict is Verdict.NOT_APPLICABLE}
    assert left == {f"CIS 2.{number}" for number in range(1, 8)}
    assert {line.why for line in not_own.values() if line.id in left} == {"etcd is not the cluster's own"}
    assert not_own["CIS 1.2.26", "etcd-cafile"].value == "/etc/kubernetes/pki/external-etcd/ca.crt"
    assert [line for line in not_own.values() if line.verdict is Verdict.FAILED] == []


# A node of such a cluster

NAME = "demo-control-plane-2"
GIVEN = {"/etc/kubernetes/pki/external-etcd/client.key": "key"}
NODE: Any = {
    "name": NAME,
    "address": "10.89.0.12",
    "role": "control-plane",
    "machine": "machine-1",
    "reach": {"machine": NAME, "prefix": ["docker", "exec", "--interactive", NAME]},
    "kubeconfig": "apiVersion: v1",
    "version": "v1.37.2",
    "minutes": 15.0,
    "await_ready": True,
    "proxy": "server one",
    "etcd": GIVEN,
}


@pytest.fixture
def machine(monkeypatch):
    machine = Machine({node_provider.serving.CERTIFICATE: "PEM"})
    machine.stands_in(monkeypatch)
    return machine


@pytest.fixture
def cluster(monkeypatch):
    cluster = Cluster()
    cluster.has(NAME)
    cluster.stands_in(monkeypatch)
    return cluster


def test_another_certificate_for_etcd_is_given_to_a_node_that_runs_and_in_use_then(machine, cluster, monkeypatch):
    renewed = []
    monkeypatch.setattr(upkeep, "renew", lambda reach: renewed.append(dict(machine.files)))
    newer = {**NODE, "etcd": dict.fromkeys(GIVEN, "newer")}

    assert NodeProvider().diff(NAME, NODE, newer).changes is True
    NodeProvider().update(NAME, NODE, newer)

    [files] = renewed
    assert files.items() >= newer["etcd"].items()


def test_a_control_plane_that_is_gone_leaves_no_member_behind(machine, cluster):
    machine.answers = False

    NodeProvider().delete(NAME, {**NODE, "instance": "instance-1"})

    assert cluster.did("exec") == []
    assert cluster.nodes == {}


def test_an_upgrade_asks_no_member_and_says_who_saves_etcd(machine, cluster, monkeypatch):
    said = []
    monkeypatch.setattr(node_provider.progress, "inform", said.append)
    monkeypatch.setattr(snapshots, "take", lambda *_: pytest.fail("there is no etcd to take one of"))
    monkeypatch.setattr(node_provider, "upgrade", lambda kubectl, node: said.append(upgrade._ailment(kubectl, node)))

    for role in ("first", "control-plane"):
        news = {**NODE, "role": role}
        NodeProvider().update(NAME, {**news, "version": "v1.36.3"}, news)

    warning = "no snapshot is taken before this upgrade: etcd is not the cluster's own, its owner saves it"
    assert said == [warning, "", ""]
    assert cluster.did("exec") == []


# Whether another cluster writes there

OURS, THEIRS = (pki.make(NOW)["cluster"]["certificate"] for _ in range(2))


def holding(authority):
    return json.dumps({"kvs": [{"key": "a", "value": pki.base64_of(f"k8s\0ConfigMap\n{authority}")}], "count": "1"})


@pytest.fixture
def look(tmp_path):
    """Looks at etcds that answer so (URL → answer, or curl's code): what is said of them, and whether one is taken."""
    (tmp_path / "ca.crt").write_text(OURS)

    def run(answers):
        for url, answer in answers.items():
            says = f"exit {answer}" if isinstance(answer, int) else f"echo '{answer}'"
            (tmp_path / url.rpartition("/")[2]).write_text(says)
        (tmp_path / "curl").write_text(
            f'#!/bin/sh\nfor url; do :; done\nurl=${{url#https://}}\n. "{tmp_path}/${{url%%/*}}"'
        )
        (tmp_path / "curl").chmod(0o755)
        (tmp_path / "plan.env").write_text(f"ETCD_ENDPOINTS='{' '.join(answers)}'\n")
        script = (FILES / "etcd-is-ours.sh").read_text().replace("/etc/slipway", str(tmp_path))
        path = f"{tmp_path}:{os.environ['PATH']}"
        done = subprocess.run(["bash", "-c", script], env={"PATH": path}, capture_output=True, text=True)
        return done.stdout.strip(), done.returncode == 0

    return run


def test_an_etcd_with_nothing_in_it_is_taken(look):
    assert look({"https://a:2379": '{"header": {"revision": "1"}}'}) == ("", True)


def test_an_etcd_that_this_cluster_has_begun_to_write_to_is_gone_on_with(look):
    assert look({"https://a:2379": holding(OURS)})[1]


def test_an_etcd_that_another_cluster_writes_to_is_refused_with_the_way_out(look):
    assert look({"https://a:2379": holding(THEIRS)}) == (
        "another cluster writes to https://a:2379: give this one an etcd of its own, or remove what is left of that "
        "one there (etcdctl del --prefix /registry/)",
        False,
    )


def test_the_endpoint_that_answers_is_the_one_that_is_looked_at(look):
    said, taken = look({"https://a:2379": 7, "https://b:2379": holding(THEIRS)})

    assert said.splitlines()[0] == "https://a:2379 does not answer"
    assert "another cluster writes to https://b:2379" in said
    assert not taken


def test_an_etcd_that_does_not_answer_is_told_before_kubeadm_waits_for_it(look):
    said = "https://a:2379 does not answer\nhttps://b:2379 does not answer"
    assert look({"https://a:2379": 7, "https://b:2379": 28}) == (said, False)


def test_an_etcd_with_users_of_its_own_cannot_be_looked_into_and_is_taken(look):
    assert look({"https://a:2379": 22}) == ("https://a:2379 does not tell whether another cluster writes there", True)
