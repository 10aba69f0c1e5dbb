"""Certificates and tokens: what the API is asked, what the state keeps, when they are renewed."""

import base64
import json
import pickle
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from components.bootstrap import pki
from components.bootstrap.kubectl import Kubectl, KubectlError
from components.platform import access_provider
from components.platform.access_provider import AccessError, CertificateProvider, TokenProvider
from tests.unit.fake_node import Clock

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)

CERTIFICATE: Any = {
    "person": "ada",
    "cluster": "one",
    "authority": "ca",
    "seconds": 3600.0,
    "kubeconfig": "an administrator's",
}
TOKEN: Any = {**CERTIFICATE, "namespace": "slipway-people-1a2b3c4d", "uid": "u-1"}


class Api:
    """The API, as kubectl asks it: it signs what is approved."""

    def __init__(self) -> None:
        self.authority = pki.make(NOW)["cluster"]
        self.asked: list[tuple[tuple[str, ...], str]] = []
        self.signs, self.refuses, self.lasts = True, "", timedelta(hours=1)
        self.conditions: list[dict[str, str]] = []
        self.requests: dict[str, dict[str, Any]] = {}

    def run(self, *words: str, stdin: str = "", seconds: float = 60) -> str:
        self.asked.append((words, stdin))
        if words[0] == self.refuses:
            raise KubectlError(f"kubectl {words[0]} failed: forbidden")
        match words:
            case ["create", "--filename=-", *_]:
                wanted = json.loads(stdin)
                wanted["metadata"]["name"] = wanted["metadata"]["generateName"] + "x7k2p"
                self.requests[wanted["metadata"]["name"]] = {**wanted, "status": {}}
                return json.dumps(wanted)
            case ["certificate", "approve", name]:
                if self.signs:
                    self.requests[name]["status"]["certificate"] = self._signed(self.requests[name]["spec"]["request"])
                self.requests[name]["status"]["conditions"] = self.conditions
            case ["get", "certificatesigningrequest", name, *_]:
                return json.dumps(self.requests[name])
            case ["delete", "certificatesigningrequest", name, *_]:
                del self.requests[name]
            case ["create", "token", *_]:
                claims = {"iat": int(NOW.timestamp()), "exp": int((NOW + self.lasts).timestamp())}
                body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
                return json.dumps({"status": {"token": f"header.{body}.signature"}})
        return ""

    def _signed(self, encoded: str) -> str:
        request = x509.load_pem_x509_csr(base64.b64decode(encoded))
        [user] = request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        made = pki.client(self.authority, str(user.value), [], NOW, self.lasts)
        return base64.b64encode(made["certificate"].encode()).decode()


@pytest.fixture
def api(monkeypatch):
    api = Api()
    monkeypatch.setattr(Kubectl, "run", lambda _, *words, stdin="", seconds=60: api.run(*words, stdin=stdin))
    monkeypatch.setattr(pki, "now", lambda: NOW)
    return api


def test_a_certificate_is_signed_by_the_cluster_for_the_time_that_was_chosen_and_the_request_is_removed(api):
    made = CertificateProvider().create(CERTIFICATE)
    outs: Any = made.outs

    [wanted] = [json.loads(stdin) for words, stdin in api.asked if stdin]
    assert wanted["spec"]["signerName"] == "kubernetes.io/kube-apiserver-client"
    assert wanted["spec"]["expirationSeconds"] == 3600
    assert wanted["spec"]["usages"] == ["digital signature", "client auth"]
    assert api.requests == {}
    assert outs["expires"] == "2026-11-25T13:00:00+00:00"
    assert outs["user"] == made.id
    assert f"CN={made.id}" in x509.load_pem_x509_certificate(outs["certificate"].encode()).subject.rfc4514_string()


def test_a_certificate_puts_nobody_into_a_group_that_outlives_its_rights(api):
    CertificateProvider().create(CERTIFICATE)
    [wanted] = [json.loads(stdin) for words, stdin in api.asked if stdin]
    subject = x509.load_pem_x509_csr(base64.b64decode(wanted["spec"]["request"])).subject
    assert [attribute.oid for attribute in subject] == [NameOID.COMMON_NAME]


def test_no_two_certificates_are_of_the_same_user_though_the_person_has_the_same_name(api):
    users = {CertificateProvider().create(CERTIFICATE).id for _ in range(3)}
    assert len(users) == 3
    assert all(user.startswith("slipway:ada:") for user in users)


def test_the_longest_name_fits_into_a_certificate(api):
    assert len(CertificateProvider().create({**CERTIFICATE, "person": "a" * 40}).id) <= 64


def test_neither_key_nor_token_is_on_a_command_line(api):
    outs: Any = [CertificateProvider().create(CERTIFICATE).outs, TokenProvider().create(TOKEN).outs]
    key, token = outs[0]["key"], outs[1]["token"]
    for words, stdin in api.asked:
        assert key not in stdin
        assert not any(secret in word for word in words for secret in (key, token, CERTIFICATE["kubeconfig"]))


def test_a_renewed_certificate_is_of_the_same_user_with_another_key(api):
    made = CertificateProvider().create(CERTIFICATE)
    olds: Any = made.outs
    renewed: Any = CertificateProvider().update(made.id, olds, CERTIFICATE).outs
    assert renewed["user"] == olds["user"]
    assert renewed["key"] != olds["key"]


@pytest.mark.parametrize("provider", [CertificateProvider, TokenProvider])
@pytest.mark.parametrize(("minutes", "is_renewed"), [(0, False), (35, False), (45, True), (120, True)])
def test_a_credential_is_renewed_in_the_last_third_of_its_life_and_after_it(
    api, monkeypatch, provider, minutes, is_renewed
):
    props = CERTIFICATE if provider is CertificateProvider else TOKEN
    made = provider().create(props)
    monkeypatch.setattr(pki, "now", lambda: NOW + timedelta(minutes=minutes))
    diff = provider().diff(made.id, made.outs, props)
    assert diff.changes is is_renewed
    assert not diff.replaces


@pytest.mark.parametrize(
    ("provider", "changed", "changes", "replaces"),
    [
        (CertificateProvider, {"kubeconfig": "a renewed one"}, False, []),
        (CertificateProvider, {"seconds": 7200.0}, True, []),
        (CertificateProvider, {"authority": "another"}, True, []),
        (CertificateProvider, {"cluster": "another"}, True, ["cluster"]),
        (CertificateProvider, {"person": "ben"}, True, ["person"]),
        (TokenProvider, {"kubeconfig": "a renewed one"}, False, []),
        (TokenProvider, {"seconds": 7200.0}, True, []),
        (TokenProvider, {"authority": "another"}, True, []),
        (TokenProvider, {"uid": "u-2"}, True, []),
        (TokenProvider, {"cluster": "another"}, True, ["cluster"]),
        (TokenProvider, {"namespace": "another"}, True, ["namespace"]),
    ],
)
def test_what_a_credential_depends_on_renews_it_or_makes_another_one(api, provider, changed, changes, replaces):
    props = CERTIFICATE if provider is CertificateProvider else TOKEN
    made = provider().create(props)
    diff = provider().diff(made.id, made.outs, {**props, **changed})
    assert (diff.changes, diff.replaces) == (changes, replaces)


def test_a_cluster_that_signs_nothing_is_told_in_time_and_the_request_is_removed(api, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(access_provider, "time", clock)
    api.signs = False

    with pytest.raises(AccessError, match=r"nobody has signed the certificate of ada within 60 s.*credential: token"):
        CertificateProvider().create(CERTIFICATE)

    assert clock.now == pytest.approx(1060, abs=1)
    assert api.requests == {}


def test_a_signer_that_refuses_is_told_with_its_reason_and_the_request_is_removed(api):
    api.signs, api.conditions = False, [{"type": "Failed", "message": "no such usage"}]
    with pytest.raises(AccessError, match=r"^the cluster has not signed the certificate of ada: no such usage$"):
        CertificateProvider().create(CERTIFICATE)
    assert api.requests == {}


def test_who_may_not_approve_is_told_so_and_the_request_is_removed(api):
    api.refuses = "certificate"
    with pytest.raises(KubectlError, match="forbidden"):
        CertificateProvider().create(CERTIFICATE)
    assert api.requests == {}


def test_a_request_that_cannot_be_removed_takes_nobodys_certificate(api):
    api.refuses = "delete"
    assert CertificateProvider().create(CERTIFICATE).outs


def test_a_token_is_of_the_persons_service_account_for_the_time_that_was_chosen(api):
    made = TokenProvider().create(TOKEN)
    outs: Any = made.outs
    [(words, _)] = api.asked
    assert words == (
        *("create", "token", "ada", "--namespace=slipway-people-1a2b3c4d", "--duration=3600s", "--output=json"),
    )
    assert outs["user"] == "system:serviceaccount:slipway-people-1a2b3c4d:ada"
    assert (outs["issued"], outs["expires"]) == ("2026-11-25T12:00:00+00:00", "2026-11-25T13:00:00+00:00")


def test_a_cloud_that_gives_a_token_for_less_has_it_renewed_earlier(api, monkeypatch):
    api.lasts = timedelta(minutes=30)
    made = TokenProvider().create(TOKEN)
    monkeypatch.setattr(pki, "now", lambda: NOW + timedelta(minutes=21))
    assert TokenProvider().diff(made.id, made.outs or {}, TOKEN).changes


def test_what_is_no_token_is_refused_without_showing_it(api, monkeypatch):
    monkeypatch.setattr(api, "run", lambda *words, stdin="": '{"status": {"token": "opaque-and-secret"}}')
    with pytest.raises(AccessError, match="is no token that tells when it ends") as refused:
        TokenProvider().create(TOKEN)
    assert "opaque" not in str(refused.value)


@pytest.mark.parametrize("provider", [CertificateProvider, TokenProvider])
def test_the_state_holds_no_code_of_the_provider(provider):
    assert len(pickle.dumps(provider())) < 100
