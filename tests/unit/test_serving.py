"""Certificates that kubelets serve with: a request is approved for the node's own name and address, or not at all."""

import base64
from ipaddress import ip_address
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from components.bootstrap import serving
from components.bootstrap.kubectl import Kubectl
from components.bootstrap.serving import CERTIFICATE, SIGNER
from components.machines.reach import Reach
from tests.unit.fake_node import Cluster, Machine

NODE, ADDRESS = "demo-worker-1", "10.89.0.32"
KEY = ec.generate_private_key(ec.SECP256R1())


def dns(*names: str) -> list[x509.GeneralName]:
    return [x509.DNSName(name) for name in names]


def ip(*addresses: str) -> list[x509.GeneralName]:
    return [x509.IPAddress(ip_address(address)) for address in addresses]


OWN = [*dns(NODE), *ip(ADDRESS)]


def request(
    names: list[x509.GeneralName] | None = None, *, user: str = f"system:node:{NODE}", **changes: Any
) -> dict[str, Any]:
    """What a kubelet asks for, as the API tells it; no names at all where they are empty."""
    asked = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "system:nodes"),
                x509.NameAttribute(NameOID.COMMON_NAME, user),
            ]
        )
    )
    if names := OWN if names is None else names:
        asked = asked.add_extension(x509.SubjectAlternativeName(names), critical=False)
    pem = asked.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    spec = {"signerName": SIGNER, "username": f"system:node:{NODE}", "request": base64.b64encode(pem).decode()}
    return {"metadata": {"name": "csr-1"}, "spec": {**spec, **changes}, "status": {}}


@pytest.fixture
def approved(monkeypatch):
    """The requests of those given that are approved for the node."""

    def approve(*requests: dict[str, Any]) -> list[str]:
        cluster = Cluster(requests=list(requests))
        monkeypatch.setattr(Kubectl, "run", lambda _, *words, **__: cluster.run(words))
        with Kubectl.on("") as kubectl:
            serving.approve(kubectl, NODE, ADDRESS)
        return [name for words in cluster.did("certificate", "approve") for name in words[2:]]

    return approve


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
        request(user="system:node:demo-worker-2"),
        request(user="system:admin"),
        request(username="system:node:demo-worker-2"),
        request(signerName="kubernetes.io/kube-apiserver-client-kubelet"),
        request(request=base64.b64encode(b"no request at all").decode()),
        request(request="!"),
        {**request(), "status": {"conditions": [{"type": "Denied"}]}},
        {**request(), "status": {"conditions": [{"type": "Approved"}], "certificate": "UEVN"}},
    ],
)
def test_a_request_of_another_or_one_that_was_answered_is_left_alone(approved, asked):
    assert approved(asked) == []


def test_what_fits_is_approved_beside_what_does_not(approved):
    foreign = {**request(dns("other")), "metadata": {"name": "csr-2"}}
    again = {**request(), "metadata": {"name": "csr-3"}}

    assert approved(foreign, request(), again) == ["csr-1", "csr-3"]


def test_whether_a_kubelet_has_a_certificate_is_the_machine_s_own_word(monkeypatch):
    machine = Machine()
    monkeypatch.setattr(Reach, "run", lambda _, *words, **__: machine.run(words, ""))
    reach = Reach(NODE, ("docker", "exec", NODE))

    assert serving.has_certificate(reach) is False
    machine.files[CERTIFICATE] = "PEM"
    assert serving.has_certificate(reach) is True
    machine.answers = False
    assert serving.has_certificate(reach) is False
