"""Certificates that kubelets serve with: a request is approved for the node's own name and address, or not at all."""

import base64
import shutil
import subprocess
import sys
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from components.bootstrap import approver, pki, serving
from components.bootstrap.approver import ADDRESS as LABEL
from components.bootstrap.approver import SIGNER
from components.bootstrap.kubectl import Kubectl
from components.bootstrap.serving import CERTIFICATE
from components.machines.reach import Reach
from tests.unit.fake_node import Cluster, Machine

NODE, ADDRESS = "demo-worker-1", "10.89.0.32"
KEY = ec.generate_private_key(ec.SECP256R1())


def dns(*names: str) -> list[x509.GeneralName]:
    return [x509.DNSName(name) for name in names]


def ip(*addresses: str) -> list[x509.GeneralName]:
    return [x509.IPAddress(ip_address(address)) for address in addresses]


OWN = [*dns(NODE), *ip(ADDRESS)]


def pem(
    names: list[x509.GeneralName],
    user: str = f"system:node:{NODE}",
    group: str = "system:nodes",
    builder: x509.CertificateSigningRequestBuilder | None = None,
) -> bytes:
    asked = (builder or x509.CertificateSigningRequestBuilder()).subject_name(
        x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, group),
                x509.NameAttribute(NameOID.COMMON_NAME, user),
            ]
        )
    )
    if names:
        asked = asked.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return asked.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def request(names: list[x509.GeneralName] | None = None, *, text: bytes = b"", **changes: Any) -> dict[str, Any]:
    """What a kubelet asks for, as the API tells it; no names at all where they are empty."""
    spec = {
        "signerName": SIGNER,
        "username": f"system:node:{NODE}",
        "groups": ["system:nodes", "system:authenticated"],
        "usages": ["digital signature", "server auth"],
        "request": base64.b64encode(text or pem(OWN if names is None else names)).decode(),
    }
    return {"metadata": {"name": "csr-1"}, "spec": {**spec, **changes}, "status": {}}


class Api:
    """The API server of a control plane, which knows one node."""

    def __init__(self, *requests: dict[str, Any], labels: dict[str, str] | None = None) -> None:
        self.requests, self.labels = requests, {LABEL: ADDRESS} if labels is None else labels
        self.approved: list[str] = []

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        if method == "PUT":
            assert body
            assert path.endswith(f"/{body['metadata']['name']}/approval")
            assert [(one["type"], one["status"]) for one in body["status"]["conditions"]] == [("Approved", "True")]
            self.approved.append(body["metadata"]["name"])
        elif path == f"/api/v1/nodes/{NODE}":
            # What a kubelet says of itself counts for nothing.
            return {"metadata": {"labels": self.labels}, "status": {"addresses": [{"address": "10.96.0.1"}]}}
        elif path.endswith(
            "certificatesigningrequests?fieldSelector=spec.signerName%3Dkubernetes.io%2Fkubelet-serving"
        ):
            return {"items": self.requests}
        return {}


def by_control_plane(*requests: dict[str, Any]) -> list[str]:
    api: Any = Api(*requests)
    approver.approve(api)
    return api.approved


def by_program(*requests: dict[str, Any]) -> list[str]:
    cluster = Cluster(requests=list(requests))
    with pytest.MonkeyPatch.context() as patch, Kubectl.on("") as kubectl:
        cluster.stands_in(patch)
        serving.approve(kubectl, NODE, ADDRESS)
    return [name for words in cluster.did("certificate", "approve") for name in words[2:]]


@pytest.fixture(params=[by_control_plane, by_program])
def approved(request):
    """The requests of those given that are approved."""
    return request.param


@pytest.mark.parametrize("names", [OWN, dns(NODE), ip(ADDRESS)])
def test_a_request_for_the_node_s_own_name_and_address_is_approved(approved, names):
    assert approved(request(names)) == ["csr-1"]


@pytest.mark.parametrize(
    "names",
    [
        [*OWN, *dns("kubernetes.default.svc")],
        [*OWN, *dns("demo-worker-2")],
        [*OWN, *dns("*")],
        [*OWN, *ip("10.89.0.11")],
        [*OWN, *ip("fd00::1")],
        ip("10.96.0.1"),
        [*OWN, x509.UniformResourceIdentifier("https://demo-worker-1")],
        [*OWN, x509.RFC822Name("root@example.org")],
        [],
    ],
)
def test_a_request_with_a_foreign_name_or_address_or_without_any_is_not_approved(approved, names):
    assert approved(request(names)) == []


@pytest.mark.parametrize(
    "asked",
    [
        request(text=pem(OWN, user="system:node:demo-worker-2")),
        request(text=pem(OWN, user="system:admin")),
        request(text=pem(OWN, group="system:masters")),
        request(username="system:node:demo-worker-2"),
        request(username="system:node:"),
        request(username="system:admin", groups=["system:masters", "system:authenticated"]),
        request(groups=["system:authenticated"]),
        request(usages=["digital signature", "server auth", "client auth"]),
        request(usages=["digital signature"]),
        request(signerName="kubernetes.io/kube-apiserver-client-kubelet"),
        request(request=base64.b64encode(b"no request at all").decode()),
        request(request="!"),
        {**request(), "status": {"conditions": [{"type": "Denied"}]}},
        {**request(), "status": {"conditions": [{"type": "Approved"}], "certificate": "UEVN"}},
    ],
)
def test_a_request_of_another_or_one_that_was_answered_is_left_alone(approved, asked):
    assert approved(asked) == []


EXTENDED = x509.CertificateSigningRequestBuilder()


@pytest.mark.parametrize(
    "text",
    [
        pem(OWN, builder=EXTENDED.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)),
        pem([], builder=EXTENDED.add_extension(x509.SubjectAlternativeName(OWN), critical=True)),
        pem([], builder=EXTENDED.add_extension(x509.SubjectAlternativeName([]), critical=False)),
        pem([], builder=EXTENDED.add_extension(x509.IssuerAlternativeName(OWN), critical=False)),
        pem(OWN, builder=EXTENDED.add_attribute(x509.oid.AttributeOID.CHALLENGE_PASSWORD, b"hidden")),
        pem(dns("other")) + pem(OWN),
        pem(OWN) + pem(dns("other")),
        pem(OWN).replace(b"-\n", b"-\nProc-Type: 4\n\n", 1),
        pem(OWN).replace(b"\n", b"\r\n"),
        pem(OWN)[:200] + pem(OWN)[264:],
        b"\xff",
    ],
    # A request is another one in each process that collects the tests.
    ids=[
        "an authority",
        "critical names",
        "no names",
        "an issuer's names",
        "an attribute",
        "another before it",
        "another after it",
        "a header",
        "other line ends",
        "a piece missing",
        "no text",
    ],
)
def test_a_request_that_holds_more_than_a_kubelet_writes_or_is_none_is_not_approved(approved, text):
    assert approved(request(text=text)) == []


def test_no_byte_of_a_request_but_those_of_its_key_and_signature_can_be_another():
    asked = x509.load_pem_x509_csr(pem(OWN))
    whole = asked.public_bytes(serialization.Encoding.DER)
    key = asked.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    before, after = whole.index(key), len(asked.tbs_certrequest_bytes) + whole.index(asked.tbs_certrequest_bytes)

    def taken(data: bytes) -> bool:
        body = base64.encodebytes(data).decode()
        text = f"-----BEGIN CERTIFICATE REQUEST-----\n{body}-----END CERTIFICATE REQUEST-----\n"
        return not approver.refusal(request(text=text.encode()), NODE, ADDRESS)

    assert taken(whole)
    changed = [place for place in range(after) if not before <= place < before + len(key)]
    assert [place for place in changed if taken(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])] == []


def test_what_fits_is_approved_beside_what_does_not(approved):
    foreign = {**request(dns("other")), "metadata": {"name": "csr-2"}}
    again = {**request(), "metadata": {"name": "csr-3"}}

    assert approved(foreign, request(), again) == ["csr-1", "csr-3"]


@pytest.mark.parametrize("labels", [{}, {LABEL: "10.89.0.33"}])
def test_a_control_plane_knows_the_address_of_a_node_by_the_label_that_no_kubelet_may_set(labels, capsys):
    api: Any = Api(request(), labels=labels)

    approver.approve(api)

    assert api.approved == []
    assert capsys.readouterr().out.startswith(f"csr-1 of system:node:{NODE} is not approved: ")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl on this machine")
def test_a_control_plane_signs_for_itself_who_may_approve_and_nothing_else(monkeypatch, tmp_path):
    made = pki.make(pki.now())["cluster"]
    (tmp_path / "ca.crt").write_text(made["certificate"])
    (tmp_path / "ca.key").write_text(made["key"])
    monkeypatch.setattr(approver, "PKI", tmp_path)

    approver.Api(tmp_path)

    signed = x509.load_pem_x509_certificate((tmp_path / "client.crt").read_bytes())
    signed.verify_directly_issued_by(x509.load_pem_x509_certificate(made["certificate"].encode()))
    assert signed.subject.rfc4514_string() == f"CN={approver.USER}"
    assert list(signed.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
        ExtendedKeyUsageOID.CLIENT_AUTH
    ]
    assert not signed.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert (signed.not_valid_after_utc - signed.not_valid_before_utc).days == 1


def test_what_control_planes_have_needs_nothing_but_a_plain_python(tmp_path):
    # No site packages and no folder of this project, as on a machine; it comes as far as openssl, which is not there.
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", Path(approver.__file__)],
        env={"RUNTIME_DIRECTORY": str(tmp_path), "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )

    assert done.stderr.strip().endswith("No such file or directory: 'openssl'")


@pytest.mark.parametrize("role", ["worker", "control-plane", "first"])
def test_control_planes_get_what_approves_and_every_node_its_address(role, monkeypatch):
    machine, cluster = Machine(), Cluster()
    machine.stands_in(monkeypatch)
    cluster.stands_in(monkeypatch)

    with Kubectl.on("") as kubectl:
        serving.have_approved(kubectl, Reach(NODE), {"name": NODE, "address": ADDRESS, "role": role})

    assert cluster.did("label") == [("label", "node", NODE, f"{LABEL}={ADDRESS}", "--overwrite")]
    assert bool(cluster.did("apply")) is (role == "first")
    there = role != "worker"
    assert (machine.files.keys() == serving.ON_CONTROL_PLANES.keys()) is there
    assert (("systemctl", "--quiet", "enable", "--now", serving.TIMER) in machine.ran) is there


def test_who_approves_may_do_nothing_else():
    role, binding = yaml.safe_load_all(serving.RIGHTS)

    assert [(rule["resources"], rule.get("resourceNames"), rule["verbs"]) for rule in role["rules"]] == [
        (["certificatesigningrequests"], None, ["list"]),
        (["certificatesigningrequests/approval"], None, ["update"]),
        (["signers"], [SIGNER], ["approve"]),
        (["nodes"], None, ["get"]),
    ]
    assert [(one["kind"], one["name"]) for one in binding["subjects"]] == [("User", approver.USER)]


def test_whether_a_kubelet_has_a_certificate_is_the_machine_s_own_word(monkeypatch):
    machine = Machine()
    monkeypatch.setattr(Reach, "run", lambda _, *words, **__: machine.run(words, ""))
    reach = Reach(NODE, ("docker", "exec", NODE))

    assert serving.has_certificate(reach) is False
    machine.files[CERTIFICATE] = "PEM"
    assert serving.has_certificate(reach) is True
    machine.answers = False
    assert serving.has_certificate(reach) is False
