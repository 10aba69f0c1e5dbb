"""Certificates that vouch for themselves: the beginning of every chain, and of none."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID


def self_signed(
    common_name: str,
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey,
    begins: datetime,
    lifetime: timedelta,
    extensions: Iterable[x509.Extension[x509.ExtensionType]] = (),
) -> str:
    """A certificate (PEM) for a key, signed by it."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    made = x509.CertificateBuilder(
        issuer_name=name,
        subject_name=name,
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=begins,
        not_valid_after=begins + lifetime,
        extensions=list(extensions),
    ).sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM).decode()
