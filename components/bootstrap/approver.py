"""Certificates that kubelets serve with: whether one may have what it asks for.

Kubernetes signs them only once somebody has looked at the request, since a kubelet may write any address into it
(https://kubernetes.io/docs/reference/access-authn-authz/kubelet-tls-bootstrapping/#certificate-rotation), and it writes
its Node object too. A node's address is known from a label that no kubelet may set.

Both the program and the control planes keep to these rules: this file stands on each of them, where a timer runs it.
Runs with Python 3.9 and its standard library alone.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
import ssl
import subprocess
import sys
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import quote

SIGNER = "kubernetes.io/kubelet-serving"
USER = "slipway:kubelet-serving-approver"
"""Who a control plane is while it approves: somebody who may do nothing else."""

ADDRESS = "node-restriction.kubernetes.io/slipway-address"
"""Label of a node: its machine's address. The API server lets no kubelet set what begins so."""

USAGES = {"digital signature", "key encipherment", "server auth"}

_SEQUENCE, _SET, _INTEGER, _OBJECT, _OCTETS, _ATTRIBUTES = 0x30, 0x31, 0x02, 0x06, 0x04, 0xA0
_TEXTS = (0x0C, 0x13)
_DNS, _IP = 0x82, 0x87
_ORGANIZATION, _COMMON_NAME = bytes.fromhex("55040a"), bytes.fromhex("550403")
_EXTENSIONS, _ALTERNATIVE_NAMES = bytes.fromhex("2a864886f70d01090e"), bytes.fromhex("551d11")


def refusal(request: dict[str, Any], node: str, address: str) -> str:
    """Why a request is not approved; nothing where it may be.

    Args:
        request: A CertificateSigningRequest of `SIGNER`.
        node: The name of the node that is to serve with it.
        address: Its machine's.
    """
    spec, user = request["spec"], f"system:node:{node}"
    if spec["signerName"] != SIGNER or spec["username"] != user or "system:nodes" not in spec["groups"]:
        return "it does not come from that node"
    if "server auth" not in spec["usages"] or not USAGES.issuperset(spec["usages"]):
        return "it is for something else than serving"
    try:
        subject, names = asked(base64.b64decode(spec["request"]).decode())
    except ValueError:
        return "it is no request as a kubelet writes it"
    # Whoever signs looks at the form alone: a kubelet could ask in the name of another one.
    if subject != [(_ORGANIZATION, b"system:nodes"), (_COMMON_NAME, user.encode())]:
        return "it is in another one's name"
    own = [(_DNS, node.encode()), (_IP, ip_address(address).packed)]
    if not names or any(name not in own for name in names):
        return "it is for other names or addresses than its own"
    return ""


def asked(pem: str) -> tuple[list[tuple[bytes, bytes]], list[tuple[int, bytes]]]:
    """What a request (PKCS #10, RFC 2986) is for: its subject, by object identifiers, and names by their tags.

    Takes nothing but what a kubelet writes, so that whoever signs can read nothing else in it.

    Raises:
        ValueError: It is something else, or holds more.
    """
    armour = re.fullmatch(
        "-----BEGIN CERTIFICATE REQUEST-----\n([A-Za-z0-9+/=\n]+)-----END CERTIFICATE REQUEST-----\n?", pem
    )
    if not armour:
        raise ValueError("no request")
    request = base64.b64decode(armour[1].replace("\n", ""), validate=True)
    information, _algorithm, _signature = _elements(_only(request, _SEQUENCE))
    version, subject, _key, attributes = _elements(_content(information, _SEQUENCE))
    if version != (_INTEGER, b"\0"):
        raise ValueError("another version")
    attribute = _elements(_only(_content(attributes, _ATTRIBUTES), _SEQUENCE))
    extension = _elements(_only(_only(_value(attribute, _EXTENSIONS, _SET), _SEQUENCE), _SEQUENCE))
    names = _elements(_only(_value(extension, _ALTERNATIVE_NAMES, _OCTETS), _SEQUENCE))
    return [_attribute(one) for one in _elements(_content(subject, _SEQUENCE))], names


def _attribute(part: tuple[int, bytes]) -> tuple[bytes, bytes]:
    (kind, identifier), (tag, text) = _elements(_only(_content(part, _SET), _SEQUENCE))
    if kind != _OBJECT or tag not in _TEXTS:
        raise ValueError("no text")
    return identifier, text


def _value(pair: list[tuple[int, bytes]], identifier: bytes, tag: int) -> bytes:
    """What stands behind an object identifier, and nothing else does."""
    key, value = pair
    if key != (_OBJECT, identifier):
        raise ValueError("something else")
    return _content(value, tag)


def _only(data: bytes, tag: int) -> bytes:
    (element,) = _elements(data)
    return _content(element, tag)


def _content(element: tuple[int, bytes], tag: int) -> bytes:
    if element[0] != tag:
        raise ValueError(f"{element[0]:#x} where {tag:#x} is to be")
    return element[1]


def _elements(data: bytes) -> list[tuple[int, bytes]]:
    """Tag and content of what is written in DER, one after the other (X.690)."""
    found = []
    while data:
        begin, length = 2, int.from_bytes(data[1:2], "big")
        if length & 0x80:
            begin += length & 0x7F
            length = int.from_bytes(data[2:begin], "big")
        if data[0] & 0x1F == 0x1F or len(data) < begin + length:
            raise ValueError("no DER")
        found.append((data[0], data[begin : begin + length]))
        data = data[begin + length :]
    return found


# What follows is for a control plane alone.

PKI = Path("/etc/kubernetes/pki")
REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"

CREDENTIAL = f"""
[req]
distinguished_name = subject
prompt = no
x509_extensions = client
[subject]
CN = {USER}
[client]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
"""


class Api:
    """The API server of this machine."""

    def __init__(self, folder: Path) -> None:
        """Ask it with a certificate that ends within a day: none has to be kept, renewed or taken back.

        Its own API server has its own clock, by which what was signed this second holds already.
        """
        settings, key, certificate = (folder / name for name in ("openssl.cnf", "client.key", "client.crt"))
        settings.write_text(CREDENTIAL)
        subprocess.run(
            [
                "openssl", "req", "-x509", "-config", settings, "-days", "1", "-out", certificate,
                "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
                "-CA", PKI / "ca.crt", "-CAkey", PKI / "ca.key",
            ],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        context = ssl.create_default_context(cafile=PKI / "ca.crt")
        context.load_cert_chain(certificate, key)
        self._server = http.client.HTTPSConnection("127.0.0.1", 6443, timeout=10, context=context)

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """What it answers; nothing where there is no such thing."""
        data = json.dumps(body) if body else None
        self._server.request(method, path, data, {"Content-Type": "application/json"})
        answer = self._server.getresponse()
        told = json.load(answer)
        if answer.status == http.client.NOT_FOUND:
            return {}
        if answer.status != http.client.OK:
            raise OSError(f"{method} {path}: {answer.status} {told.get('message')}")
        return told


def approve(api: Api) -> None:
    """Approve what may be, and say of all else why not."""
    for request in api.ask("GET", f"{REQUESTS}?fieldSelector=spec.signerName%3D{quote(SIGNER, '')}")["items"]:
        if request.get("status", {}).get("conditions"):
            continue
        name, user = request["metadata"]["name"], request["spec"]["username"]
        node = user.partition("system:node:")[2]
        told = api.ask("GET", f"/api/v1/nodes/{quote(node, '')}") if node else {}
        address = told.get("metadata", {}).get("labels", {}).get(ADDRESS)
        reason = refusal(request, node, address) if address else f"no node with a label {ADDRESS} asks for it"
        print(f"{name} of {user} is {f'not approved: {reason}' if reason else 'approved'}", flush=True)
        if not reason:
            condition = {"type": "Approved", "status": "True", "reason": "OfTheNode", "message": "It is for the node."}
            answered = {**request, "status": {"conditions": [condition]}}
            api.ask("PUT", f"{REQUESTS}/{quote(name, '')}/approval", answered)


if __name__ == "__main__":
    os.umask(0o077)
    try:
        approve(Api(Path(os.environ["RUNTIME_DIRECTORY"])))
    except subprocess.CalledProcessError as error:
        sys.exit(f"openssl failed: {error.stderr.strip()}")
    except (OSError, http.client.HTTPException) as error:
        sys.exit(f"certificates cannot be looked at here: {error}")
