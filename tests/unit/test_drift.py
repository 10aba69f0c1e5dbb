"""What a machine tells of itself, and what is made of that."""

import json
import subprocess
import sys
from datetime import timedelta

import pytest

from components.bootstrap import drift, pki, upkeep
from components.machines.reach import Reach, ReachError

NOW = pki.now()
REACH = Reach("demo", ("docker", "exec", "demo"))
SCHEDULER = f"{drift.MANIFESTS}/kube-scheduler.yaml"


def sight(files=None, members=None, **certificates):
    return json.dumps({"files": files or {}, "certificates": certificates, "members": members})


def certificate(days):
    authority = pki.make(NOW)["cluster"]
    return pki.client(authority, "somebody", [], NOW, timedelta(days=days))["certificate"]


def test_the_certificate_that_ends_first_counts_and_is_renewed_in_its_last_third():
    seen = drift.parse(sight(long=certificate(300), short=certificate(30)))

    assert seen.ends == NOW + timedelta(days=30)
    assert seen.renewed_from
    assert timedelta(days=19) < seen.renewed_from - NOW < timedelta(days=20)


def test_a_machine_without_certificates_has_nothing_to_renew():
    seen = drift.parse(sight())

    assert (seen.ends, seen.renewed_from) == (None, None)
    assert not upkeep.is_due({"certificates_renew_from": None}, NOW)
    assert not upkeep.is_due({}, NOW)


@pytest.mark.parametrize(("days", "due"), [(-1, True), (1, False)])
def test_a_renewal_is_due_from_that_day_on(days, due):
    assert upkeep.is_due({"certificates_renew_from": (NOW + timedelta(days=days)).isoformat()}, NOW) is due


@pytest.mark.parametrize(
    ("files", "members", "fault", "mending"),
    [
        ({SCHEDULER: "2"}, None, f"{SCHEDULER} was changed on the machine", "once its kubelet runs what was changed"),
        # kubeadm compares what there is with what it would write, and fails where there is nothing.
        ({}, None, f"{SCHEDULER} was removed on the machine", "put it back"),
        (
            {SCHEDULER: "1", f"{drift.MANIFESTS}/miner.yaml": "3"},
            None,
            f"{drift.MANIFESTS}/miner.yaml was added on the machine",
            "remove it",
        ),
        (
            {SCHEDULER: "1"},
            [],
            "it is no member of etcd that answers",
            "look at /var/log/pods/kube-system_etcd-* there",
        ),
        ({SCHEDULER: "1"}, ["another"], "it is no member of etcd that answers", "look at /var/log/pods"),
    ],
)
def test_what_is_not_as_it_was_made_is_told_with_the_way_to_mend_it(files, members, fault, mending):
    assert drift.faults("demo", {SCHEDULER: "1"}, drift.parse(sight(files, members))) == [fault]
    assert drift.mending(fault).startswith(mending)


def test_a_machine_that_is_as_it_was_made_has_no_fault():
    assert drift.faults("demo", {SCHEDULER: "1"}, drift.parse(sight({SCHEDULER: "1"}, ["demo", "another"]))) == []


def test_other_files_of_other_programs_are_nobodys_fault():
    assert drift.faults("demo", {}, drift.parse(sight({"/etc/kubernetes/slipway/theirs.yaml": "1"}))) == []


def test_what_was_made_is_kept_when_a_machine_cannot_be_looked_at(monkeypatch):
    def refuse(*_words, **_more):
        raise ReachError("demo: `python3` failed: no such container")

    monkeypatch.setattr(Reach, "run", refuse)
    before = {"certificates_expire": "2027", "certificates_renew_from": "2026", "files": {SCHEDULER: "1"}}

    assert upkeep.look(REACH, "demo", before) == {
        **before,
        "drift": ["the machine cannot be looked at: `python3` failed: no such container"],
    }


@pytest.mark.parametrize(
    "said",
    [
        "Error response from daemon: No such container: demo",
        "Error response from daemon: container 0123456789ab is not running",
        'Error: no container with name or ID "demo" found: no such container',
        "Error: can only create exec sessions on running containers: container state improper",
    ],
)
def test_a_container_that_is_gone_or_stopped_is_told_in_plain_words(said, tmp_path):
    engine = tmp_path / "engine"
    engine.write_text(f"#!/bin/sh\necho '{said}' >&2\nexit 1\n")
    engine.chmod(0o755)
    reach = Reach("demo", (str(engine), "exec", "demo"))
    assert upkeep.look(reach, "demo", {})["drift"] == ["the machine cannot be looked at: it is gone, or does not run"]


def test_a_node_of_an_older_state_is_held_to_what_it_is_like_at_the_first_look(monkeypatch):
    monkeypatch.setattr(Reach, "run", lambda *_words, **_more: sight({SCHEDULER: "1"}))

    first = upkeep.look(REACH, "demo", {})

    assert (first["files"], first["drift"]) == ({SCHEDULER: "1"}, [])


def test_looking_shows_no_key_and_no_authority(tmp_path):
    folder = tmp_path / "etc/kubernetes/pki"
    folder.mkdir(parents=True)
    made = pki.make(NOW)
    admin = pki.admin(made, NOW)
    (folder / "ca.crt").write_text(made["cluster"]["certificate"])
    (folder / "apiserver.crt").write_text(admin["certificate"])
    (folder.parent / "admin.conf").write_text(f"    client-certificate-data: {pki.base64_of(admin['certificate'])}\n")
    served = tmp_path / "var/lib/kubelet/pki/kubelet-server-current.pem"
    served.parent.mkdir(parents=True)
    served.write_text(admin["certificate"] + admin["key"])
    look = drift.LOOK.replace('Path("/")', f"Path({str(tmp_path)!r})")

    told = subprocess.run([sys.executable, "-"], input=look, capture_output=True, text=True, check=True).stdout

    assert "PRIVATE KEY" not in told
    assert set(json.loads(told)["certificates"]) == {
        str(folder / "apiserver.crt"), str(folder.parent / "admin.conf"), str(served)
    }  # fmt: skip
    assert drift.parse(told).ends == NOW + pki.ADMIN_LIFETIME
