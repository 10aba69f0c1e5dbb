"""What people show to the API, had from the API itself: client certificates, and tokens of service accounts.

These classes are found again by their names when a stack is destroyed years later: they may be neither renamed nor
moved.
"""

import base64
import contextlib
import json
import secrets
import time
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pulumi import dynamic

from components.bootstrap import pki
from components.bootstrap.kubectl import Kubectl, KubectlError
from components.provider import Provider

Properties = dict[str, Any]

SIGNER = "kubernetes.io/kube-apiserver-client"

SIGNING_SECONDS = 60
"""How long a signer may take, which needs an instant."""

_SECONDS_BETWEEN_LOOKS = 0.2


class AccessError(Exception):
    """A credential was not to be had: one line with the reason."""

    __module__ = "builtins"  # so that Pulumi shows "AccessError: …" without the path of this class


class CertificateProvider(Provider):
    """A client certificate that the cluster itself has signed.

    Inputs: `person`, `cluster` (what tells the cluster from others), `authority` (what tells its CA from others),
    `seconds` (how long it lives) and `kubeconfig` (an administrator's, secret). Outputs: `user` (whom the API knows its
    bearer as), `certificate` (PEM), `key` (PEM, secret) and `expires` (ISO 8601).

    No certificate can be revoked, so each resource has a user's name that nobody had before: what outlives its rights
    has none of those that somebody of the same name is given later.
    """

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> dynamic.DiffResult:
        """Another person or cluster is another certificate; another CA or lifetime, or its last third, renews it."""
        replaces = [key for key in ("person", "cluster") if _olds[key] != _news[key]]
        changed = any(_olds[key] != _news[key] for key in ("authority", "seconds"))
        old = pki.is_old(_olds["certificate"], pki.now())
        return dynamic.DiffResult(changes=old or changed or bool(replaces), replaces=replaces)

    def create(self, props: Properties) -> dynamic.CreateResult:
        """Have a first certificate."""
        user = f"slipway:{props['person']}:{secrets.token_hex(4)}"
        return dynamic.CreateResult(user, {**props, **_signed(props, user)})

    def update(self, _id: str, _olds: Properties, _news: Properties) -> dynamic.UpdateResult:
        """Have another one, with a new key and for the same user."""
        return dynamic.UpdateResult({**_news, **_signed(_news, _id)})


class TokenProvider(Provider):
    """A token of a service account; it dies with that, whatever time it has left.

    Inputs: those of a certificate, with `namespace` and `uid` of the service account, which is called like the person.
    Outputs: `user` (whom the API knows its bearer as), `token` (secret), `issued` and `expires` (ISO 8601).
    """

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> dynamic.DiffResult:
        """Another service account has none of the old one's; another lifetime, or its last third, renews it."""
        replaces = [key for key in ("person", "cluster", "namespace") if _olds[key] != _news[key]]
        issued, expires = (datetime.fromisoformat(_olds[key]) for key in ("issued", "expires"))
        old = pki.now() > expires - (expires - issued) / 3
        changed = any(_olds[key] != _news[key] for key in ("authority", "uid", "seconds"))
        return dynamic.DiffResult(changes=old or changed or bool(replaces), replaces=replaces)

    def create(self, props: Properties) -> dynamic.CreateResult:
        """Have a first token."""
        made = _token(props)
        return dynamic.CreateResult(made["user"], {**props, **made})

    def update(self, _id: str, _olds: Properties, _news: Properties) -> dynamic.UpdateResult:
        """Have another one; the old one goes on until it ends by itself."""
        return dynamic.UpdateResult({**_news, **_token(_news)})


def _signed(props: Properties, user: str) -> Properties:
    """A certificate of `user`, and its key, which leaves this process for the state alone.

    Raises:
        AccessError: Nobody has signed it.
        KubectlError: The API refused.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, user)])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    wanted = {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"generateName": f"slipway-{props['person']}-"},
        "spec": {
            "request": base64.b64encode(request.public_bytes(serialization.Encoding.PEM)).decode(),
            "signerName": SIGNER,
            "expirationSeconds": int(props["seconds"]),
            "usages": ["digital signature", "client auth"],
        },
    }
    with Kubectl.on(props["kubeconfig"]) as kubectl:
        made = kubectl.run("create", "--filename=-", "--output=json", stdin=json.dumps(wanted))
        name = json.loads(made)["metadata"]["name"]
        try:
            kubectl.run("certificate", "approve", name)
            certificate = _await_signature(kubectl, name, props["person"])
        finally:
            with contextlib.suppress(KubectlError):  # the cluster removes it within a day
                kubectl.run("delete", "certificatesigningrequest", name, "--ignore-not-found", "--wait=false")
    return {
        "user": user,
        "certificate": certificate,
        "key": key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode(),
        "expires": pki.expires(certificate).isoformat(),
    }


def _await_signature(kubectl: Kubectl, name: str, person: str) -> str:
    deadline = time.monotonic() + SIGNING_SECONDS
    while time.monotonic() < deadline:
        told = json.loads(kubectl.run("get", "certificatesigningrequest", name, "--output=json"))["status"]
        if encoded := told.get("certificate"):
            return base64.b64decode(encoded).decode()
        for condition in told.get("conditions", []):
            if condition["type"] in ("Failed", "Denied"):
                raise AccessError(
                    f"the cluster has not signed the certificate of {person}: {condition.get('message') or 'no reason'}"
                )
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    raise AccessError(
        f"nobody has signed the certificate of {person} within {SIGNING_SECONDS} s: the cluster has no signer "
        f"{SIGNER}, or it does not run; mend that, or write `credential: token`"
    )


def _token(props: Properties) -> Properties:
    with Kubectl.on(props["kubeconfig"]) as kubectl:
        told = kubectl.run(
            *("create", "token", props["person"], f"--namespace={props['namespace']}"),
            *(f"--duration={int(props['seconds'])}s", "--output=json"),
        )
    try:
        token = json.loads(told)["status"]["token"]
        body = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        issued, expires = (datetime.fromtimestamp(claims[key], UTC).isoformat() for key in ("iat", "exp"))
    except (KeyError, IndexError, ValueError):
        # What went wrong may hold the token.
        raise AccessError(f"what the API gave {props['person']} is no token that tells when it ends") from None
    return {
        "user": f"system:serviceaccount:{props['namespace']}:{props['person']}",
        "token": token,
        "issued": issued,
        "expires": expires,
    }
