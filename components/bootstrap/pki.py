"""Keys and certificates of a cluster, made before any machine boots.

All keys are ECDSA P-256. The certificates of the authorities are as kubeadm would make them, which uses those that it
finds and signs everything else from them (https://kubernetes.io/docs/setup/best-practices/certificates/).
"""

import base64
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NotRequired

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from typing_extensions import TypedDict

from components.bootstrap import external_etcd
from components.bootstrap.certificates import self_signed
from components.bootstrap.external_etcd import EtcdClient
from components.bootstrap.snapshots import SnapshotKey, make_key

AUTHORITY_LIFETIME = timedelta(days=3650)
ADMIN_LIFETIME = timedelta(days=365)

JOIN_LIFETIME = timedelta(hours=1)
"""How long a machine that has never been a node may take to become one."""

CLOCK_SKEW = timedelta(minutes=5)
"""How far a machine's clock may be behind."""

ADMINS = "kubeadm:cluster-admins"
"""The group that kubeadm binds to cluster-admin: a binding that can be taken away, unlike that of system:masters."""

JOINERS = "system:bootstrappers:kubeadm:default-node-token"
"""The group whose certificate requests kubeadm's own rules approve, as if it came with a token."""


class Authority(TypedDict):
    """A certificate authority, both PEM."""

    certificate: str
    key: str


class ClientCertificate(TypedDict):
    """Whom the API knows its bearer as, both PEM."""

    certificate: str
    key: str


class ServiceAccounts(TypedDict):
    """What signs the tokens of service accounts, both PEM."""

    key: str
    public_key: str


class EncryptionKey(TypedDict):
    """What Secrets are encrypted with in etcd."""

    name: str
    secret: str
    """32 bytes in base64, for secretbox."""


class Authorities(TypedDict):
    """Whom a cluster believes."""

    cluster: Authority
    etcd: Authority
    front_proxy: Authority
    service_accounts: ServiceAccounts


class Pki(Authorities):
    """All that a control plane needs before it starts."""

    encryption_keys: list[EncryptionKey]
    """The first one encrypts; all decrypt."""

    snapshots: SnapshotKey
    """What snapshots of etcd are encrypted for; no machine has its key."""

    external_etcd: NotRequired[EtcdClient]
    """What an etcd is asked with that is not the cluster's own; of no state, the stack brings it."""


def make(now: datetime) -> Pki:
    """Make everything anew."""
    return {**authorities(now), "encryption_keys": [encryption_key(1)], "snapshots": make_key(now)}


def authorities(now: datetime) -> Authorities:
    """New ones, which nobody believes yet; what etcd holds and snapshots are encrypted by is not theirs."""
    signer = ec.generate_private_key(ec.SECP256R1())
    public = signer.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return {
        "cluster": _authority("kubernetes", now),
        "etcd": _authority("etcd-ca", now),
        "front_proxy": _authority("front-proxy-ca", now),
        "service_accounts": {"key": _pem_of(signer), "public_key": public.decode()},
    }


def encryption_key(generation: int) -> EncryptionKey:
    """A new key for Secrets, named by its generation."""
    return {"name": f"key{generation}", "secret": base64.b64encode(secrets.token_bytes(32)).decode()}


def add_encryption_key(pki: Pki, generation: int) -> Pki:
    """`pki` with a new key that encrypts from now on; what the older ones encrypted can still be read."""
    return {**pki, "encryption_keys": [encryption_key(generation), *pki["encryption_keys"]]}


def boot_keys(keys: Sequence[EncryptionKey], generation: int) -> list[EncryptionKey]:
    """What a control plane that boots now encrypts and decrypts with.

    Args:
        keys: Of the cluster, the newest first. The older ones stay, since a snapshot of etcd may need them.
        generation: What the control planes that stand have come to: they may not know what is newer.
    """
    newer = [key for key in keys if int(key["name"].removeprefix("key")) > generation]
    return [*keys[len(newer) : len(newer) + 1], *newer]


def client(
    authority: Authority, common_name: str, organizations: Iterable[str], now: datetime, lifetime: timedelta
) -> ClientCertificate:
    """Sign a client certificate.

    Args:
        authority: Who signs.
        common_name: The user's name.
        organizations: The user's groups.
        now: From when on it holds, but for `CLOCK_SKEW`.
        lifetime: For how long, never longer than the authority itself.
    """
    issuer = x509.load_pem_x509_certificate(authority["certificate"].encode())
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [
            *(x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in organizations),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(min(now + lifetime, issuer.not_valid_after_utc))
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(
                issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
            ),
            critical=False,
        )
        .sign(_key_of(authority), hashes.SHA256())
    )
    return {
        "certificate": certificate.public_bytes(serialization.Encoding.PEM).decode(),
        "key": _pem_of(key),
    }


def admin(pki: Pki, now: datetime) -> ClientCertificate:
    """Sign the administrator's certificate. Its rights begin when kubeadm has bound its group, after the API is up."""
    return client(pki["cluster"], "kubernetes-admin", [ADMINS], now, ADMIN_LIFETIME)


def join(pki: Pki, machine: str, now: datetime) -> ClientCertificate:
    """Sign what a machine becomes a node with: good for asking for a certificate of its own, for an hour."""
    return client(pki["cluster"], f"system:node-joiner:{machine}", [JOINERS], now, JOIN_LIFETIME)


def expires(certificate: str) -> datetime:
    """When a PEM certificate ends."""
    return x509.load_pem_x509_certificate(certificate.encode()).not_valid_after_utc


def is_old(certificate: str, now: datetime) -> bool:
    """Whether a certificate is in the last third of its life, when it is time for another one."""
    loaded = x509.load_pem_x509_certificate(certificate.encode())
    life = loaded.not_valid_after_utc - loaded.not_valid_before_utc
    return now > loaded.not_valid_after_utc - life / 3


def files(pki: Pki) -> Mapping[str, str]:
    """What a control plane has below /etc/kubernetes/pki before kubeadm comes: path → content."""
    own_etcd = {"etcd/ca.crt": pki["etcd"]["certificate"], "etcd/ca.key": pki["etcd"]["key"]}
    return {
        "ca.crt": pki["cluster"]["certificate"],
        "ca.key": pki["cluster"]["key"],
        **(external_etcd.files(pki["external_etcd"]) if "external_etcd" in pki else own_etcd),
        "front-proxy-ca.crt": pki["front_proxy"]["certificate"],
        "front-proxy-ca.key": pki["front_proxy"]["key"],
        "sa.key": pki["service_accounts"]["key"],
        "sa.pub": pki["service_accounts"]["public_key"],
    }


def base64_of(pem: str) -> str:
    """A PEM text as a kubeconfig holds it."""
    return base64.b64encode(pem.encode()).decode()


def now() -> datetime:
    """This second: certificates know none finer."""
    return datetime.now(UTC).replace(microsecond=0)


def _authority(common_name: str, made: datetime) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    extensions = [
        x509.Extension(extension.oid, critical, extension)
        for extension, critical in (
            (_usage(signs_certificates=True), True),
            (x509.BasicConstraints(ca=True, path_length=None), True),
            (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
            # kubeadm's own have their name as a DNS name too.
            (x509.SubjectAlternativeName([x509.DNSName(common_name)]), False),
        )
    ]
    lifetime = CLOCK_SKEW + AUTHORITY_LIFETIME
    return {
        "certificate": self_signed(common_name, key, made - CLOCK_SKEW, lifetime, extensions),
        "key": _pem_of(key),
    }


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_encipherment=True,
        key_cert_sign=signs_certificates,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _key_of(authority: Authority) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(authority["key"].encode(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("an authority's key is an elliptic curve's")
    return key


def _pem_of(key: ec.EllipticCurvePrivateKey) -> str:
    # As `openssl ec` and kubeadm write it, with EC in its first line.
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    ).decode()
