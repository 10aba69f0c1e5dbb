"""An etcd that is not the cluster's own: what a stack says of it, and what control planes ask it with. Pure.

Its owner starts, saves and restores it. A cluster writes to it and to no part of it that another cluster writes to.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from typing_extensions import TypedDict

from components.bootstrap.kubeadm_args import ExternalEtcd
from components.spec import Fault, SpecError

KEY = "etcdKey"
"""The secret of a stack with which API servers prove to etcd who they are."""

PKI = "/etc/kubernetes/pki"
FOLDER = "external-etcd"
"""Below `PKI`, which the API server sees. kubeadm renews nothing in there."""

LEAST_LEFT = timedelta(days=60)

_ENDPOINT = re.compile(r"https://(\[[0-9a-f:.]+\]|[a-z0-9.-]+):[0-9]{1,5}")


class EtcdClient(TypedDict):
    """Whom etcd knows API servers as, and whom they know it by; all PEM."""

    authority: str
    certificate: str
    key: str


def settings(endpoints: Sequence[str]) -> Mapping[str, Any]:
    """What kubeadm's ClusterConfiguration says of etcd."""
    return {
        "external": {
            "endpoints": list(endpoints),
            "caFile": f"{PKI}/{FOLDER}/ca.crt",
            "certFile": f"{PKI}/{FOLDER}/client.crt",
            "keyFile": f"{PKI}/{FOLDER}/client.key",
        }
    }


def files(client: EtcdClient) -> Mapping[str, str]:
    """What control planes have below `PKI`: path → content."""
    return {
        f"{FOLDER}/ca.crt": client["authority"],
        f"{FOLDER}/client.crt": client["certificate"],
        f"{FOLDER}/client.key": client["key"],
    }


def faults(etcd: ExternalEtcd) -> list[Fault]:
    """What is wrong with what a stack says, whatever the time."""
    endpoints = etcd["endpoints"]
    found = [
        Fault(f"etcd.endpoints[{index}]", f"{endpoint!r} is no URL of etcd; write one like https://192.168.10.31:2379")
        for index, endpoint in enumerate(endpoints)
        if not _ENDPOINT.fullmatch(endpoint)
    ]
    if not endpoints:
        found.append(Fault("etcd.endpoints", "is empty; write a URL like https://192.168.10.31:2379"))
    certificates = {"caCertificate": etcd["ca_certificate"], "certificate": etcd["certificate"]}
    for key, text in certificates.items():
        if not _certificates(text):
            found.append(Fault(f"etcd.{key}", "is no certificate; write it in PEM, from BEGIN to END CERTIFICATE"))
    return found


def client(etcd: ExternalEtcd, key: str | None, now: datetime) -> EtcdClient:
    """What API servers ask etcd with.

    Args:
        etcd: What the stack says, checked by `faults`.
        key: The secret `KEY`, if there is one.
        now: The time.

    Raises:
        SpecError: The key is none for the certificate, or that is not valid now.
    """
    if found := list(_client_faults(etcd, key, now)):
        raise SpecError(found)
    return {"authority": etcd["ca_certificate"], "certificate": etcd["certificate"], "key": key or ""}


def ends_soon(etcd: ExternalEtcd, now: datetime) -> str | None:
    """What is to be said of a certificate that ends soon."""
    ends = _certificates(etcd["certificate"])[0].not_valid_after_utc
    if ends - now > LEAST_LEFT:
        return None
    return f"etcd.certificate: ends {ends:%Y-%m-%d}, and no API server answers then; write another one, and its key"


def _client_faults(etcd: ExternalEtcd, key: str | None, now: datetime) -> Iterator[Fault]:
    certificate = _certificates(etcd["certificate"])[0]
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        span = f"from {certificate.not_valid_before_utc:%Y-%m-%d} to {certificate.not_valid_after_utc:%Y-%m-%d}"
        yield Fault("etcd.certificate", f"is valid {span} and not now; write another one, and its key")
    write = f"write it by `pulumi config set --secret slipway:{KEY} <FILE`"
    if key is None:
        yield Fault(f"slipway:{KEY}", f"is required with `etcd`: the private key of `etcd.certificate`; {write}")
        return
    try:
        public_key = load_pem_private_key(key.encode(), password=None).public_key()
    except (ValueError, TypeError):  # the latter where it has a passphrase
        yield Fault(f"slipway:{KEY}", f"is no private key in PEM, or has a passphrase; {write}")
        return
    if public_key != certificate.public_key():
        yield Fault(f"slipway:{KEY}", f"is not the key of `etcd.certificate`; {write}")


def _certificates(text: str) -> list[x509.Certificate]:
    """Those in a text, none where it is something else."""
    try:
        return x509.load_pem_x509_certificates(text.encode())
    except ValueError:
        return []
