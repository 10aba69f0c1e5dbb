import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import ExtensionPolicy, PolicyBuilder, Store, VerificationError

from components.bootstrap import pki

NOW = datetime(2026, 11, 25, 7, 40, tzinfo=UTC)
AUTHORITIES = {"cluster": "kubernetes", "etcd": "etcd-ca", "front_proxy": "front-proxy-ca"}


@pytest.fixture(scope="module")
def made():
    return pki.make(NOW)


def read(pem):
    return x509.load_pem_x509_certificate(pem.encode())


def extension(certificate, kind):
    return certificate.extensions.get_extension_for_class(kind)


def names(certificate, oid):
    return [attribute.value for attribute in certificate.subject.get_attributes_for_oid(oid)]


def key_of(pem):
    return serialization.load_pem_private_key(pem.encode(), password=None)


def verify(certificate, authority, at):
    """Hold a client's certificate against an authority as a server would; clients of Kubernetes have no SAN."""
    PolicyBuilder().store(Store([read(authority["certificate"])])).time(at).extension_policies(
        ca_policy=ExtensionPolicy.webpki_defaults_ca(), ee_policy=ExtensionPolicy.permit_all()
    ).build_client_verifier().verify(read(certificate), [])


@pytest.mark.parametrize(("authority", "name"), AUTHORITIES.items())
def test_an_authority_is_as_kubeadm_would_make_it(made, authority, name):
    certificate = read(made[authority]["certificate"])
    usage = extension(certificate, x509.KeyUsage)

    assert certificate.subject.rfc4514_string() == certificate.issuer.rfc4514_string() == f"CN={name}"
    assert certificate.not_valid_before_utc == NOW - timedelta(minutes=5)
    assert certificate.not_valid_after_utc == NOW + timedelta(days=3650)
    assert usage.critical
    assert usage.value.digital_signature
    assert usage.value.key_encipherment
    assert usage.value.key_cert_sign
    assert not usage.value.crl_sign
    assert extension(certificate, x509.BasicConstraints).critical
    assert extension(certificate, x509.BasicConstraints).value == x509.BasicConstraints(ca=True, path_length=None)
    assert extension(certificate, x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName) == [name]
    assert extension(certificate, x509.SubjectKeyIdentifier).value == x509.SubjectKeyIdentifier.from_public_key(
        certificate.public_key()
    )
    certificate.verify_directly_issued_by(certificate)


@pytest.mark.parametrize("authority", AUTHORITIES)
def test_the_key_of_an_authority_is_the_one_in_its_certificate(made, authority):
    assert key_of(made[authority]["key"]).public_key() == read(made[authority]["certificate"]).public_key()


def test_every_key_is_on_p_256(made):
    keys = [made[authority]["key"] for authority in AUTHORITIES]
    keys += [made["service_accounts"]["key"], pki.admin(made, NOW)["key"], pki.join(made, "worker-1", NOW)["key"]]

    assert [key_of(key).curve.name for key in keys] == [ec.SECP256R1.name] * 6


def test_the_public_key_of_service_accounts_is_that_of_their_private_key(made):
    public = serialization.load_pem_public_key(made["service_accounts"]["public_key"].encode())

    assert public == key_of(made["service_accounts"]["key"]).public_key()


def test_no_two_keys_are_the_same_within_a_cluster_or_between_two():
    secrets = []
    for each in (pki.make(NOW), pki.make(NOW)):
        secrets += [each["cluster"]["key"], each["etcd"]["key"], each["front_proxy"]["key"]]
        secrets += [each["service_accounts"]["key"], each["encryption_keys"][0]["secret"]]
        secrets += [pki.admin(each, NOW)["key"], pki.admin(each, NOW)["key"]]

    assert len(set(secrets)) == len(secrets) == 14


def test_the_administrator_is_in_the_group_that_kubeadm_binds_for_a_year(made):
    certificate = pki.admin(made, NOW)["certificate"]

    assert names(read(certificate), NameOID.COMMON_NAME) == ["kubernetes-admin"]
    assert names(read(certificate), NameOID.ORGANIZATION_NAME) == ["kubeadm:cluster-admins"]
    assert pki.expires(certificate) == NOW + timedelta(days=365)
    verify(certificate, made["cluster"], NOW)


def test_a_machine_joins_with_an_hour_of_its_own_and_a_clock_five_minutes_behind(made):
    certificate = pki.join(made, "worker-1", NOW)["certificate"]

    assert names(read(certificate), NameOID.COMMON_NAME) == ["system:node-joiner:worker-1"]
    assert names(read(certificate), NameOID.ORGANIZATION_NAME) == ["system:bootstrappers:kubeadm:default-node-token"]
    verify(certificate, made["cluster"], NOW - timedelta(minutes=5))
    verify(certificate, made["cluster"], NOW + timedelta(minutes=59))
    for late in (NOW - timedelta(minutes=6), NOW + timedelta(minutes=61)):
        with pytest.raises(VerificationError):
            verify(certificate, made["cluster"], late)


def test_a_client_can_neither_sign_nor_serve(made):
    certificate = read(pki.join(made, "worker-1", NOW)["certificate"])

    assert not extension(certificate, x509.BasicConstraints).value.ca
    assert not extension(certificate, x509.KeyUsage).value.key_cert_sign
    assert list(extension(certificate, x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.CLIENT_AUTH]


@pytest.mark.parametrize("other", ["etcd", "front_proxy"])
def test_an_authority_vouches_for_nobody_whom_another_one_signed(made, other):
    with pytest.raises(VerificationError):
        verify(pki.admin(made, NOW)["certificate"], made[other], NOW)


def test_a_client_names_the_key_that_signed_it(made):
    certificate, authority = read(pki.admin(made, NOW)["certificate"]), read(made["cluster"]["certificate"])

    signer = extension(certificate, x509.AuthorityKeyIdentifier).value.key_identifier
    assert signer == extension(authority, x509.SubjectKeyIdentifier).value.digest


def test_no_client_outlives_its_authority(made):
    late = NOW + timedelta(days=3650 - 30)

    assert pki.expires(pki.admin(made, late)["certificate"]) == pki.expires(made["cluster"]["certificate"])


def test_a_certificate_is_old_in_the_last_third_of_its_life(made):
    certificate = pki.admin(made, NOW)["certificate"]

    assert not pki.is_old(certificate, NOW)
    assert not pki.is_old(certificate, NOW + timedelta(days=243))
    assert pki.is_old(certificate, NOW + timedelta(days=244))
    assert pki.is_old(certificate, NOW + timedelta(days=400))


def test_a_control_plane_gets_exactly_what_kubeadm_signs_everything_else_from(made):
    assert pki.files(made) == {
        "ca.crt": made["cluster"]["certificate"],
        "ca.key": made["cluster"]["key"],
        "etcd/ca.crt": made["etcd"]["certificate"],
        "etcd/ca.key": made["etcd"]["key"],
        "front-proxy-ca.crt": made["front_proxy"]["certificate"],
        "front-proxy-ca.key": made["front_proxy"]["key"],
        "sa.key": made["service_accounts"]["key"],
        "sa.pub": made["service_accounts"]["public_key"],
    }


def test_a_key_of_secrets_is_32_bytes_as_secretbox_wants_them(made):
    (key,) = made["encryption_keys"]

    assert key["name"] == "key1"
    assert len(base64.b64decode(key["secret"], validate=True)) == 32


def test_a_new_key_of_secrets_comes_first_and_the_older_ones_stay(made):
    (old,) = made["encryption_keys"]
    rotated = pki.add_encryption_key(made, 2)
    new, *others = rotated["encryption_keys"]

    assert new["name"] == "key2"
    assert others == [old]
    assert made["encryption_keys"] == [old]
    assert {**rotated, "encryption_keys": [old]} == made


def test_who_boots_writes_with_the_key_that_the_others_know_and_reads_with_newer_ones(made):
    third, second, first = pki.add_encryption_key(pki.add_encryption_key(made, 2), 3)["encryption_keys"]
    keys = [third, second, first]

    assert pki.boot_keys(keys, 3) == [third]
    assert pki.boot_keys(keys, 2) == [second, third]
    assert pki.boot_keys(keys, 1) == [first, third, second]
    assert pki.boot_keys([first], 2) == [first]


def test_an_authority_that_cannot_be_read_is_refused_without_its_key_in_the_message(made):
    secret = made["cluster"]["key"].splitlines()[1]
    broken = pki.Authority(
        certificate=made["cluster"]["certificate"], key=made["cluster"]["key"].replace("END EC", "END")
    )

    with pytest.raises(ValueError, match="PEM") as refused:
        pki.client(broken, "someone", [], NOW, timedelta(hours=1))

    assert secret not in str(refused.value)
