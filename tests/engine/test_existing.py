"""A cluster that is there already: kubectl itself reads the kubeconfig, and asks an API that tells its version."""

import base64
import json
import os
import pickle
import ssl
import stat
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from components.local import existing_kubeconfig, existing_provider
from components.local.existing import ExistingCluster
from components.local.existing_provider import ExistingProvider

ARGS = {"name": "dev", "version": "1.37", "context": "mine"}
KUBEADM = {"data": {"ClusterConfiguration": "networking: {podSubnet: 10.244.0.0/16, serviceSubnet: 10.96.0.0/16}"}}


class Api(BaseHTTPRequestHandler):
    """An API server that answers at a few paths, and only who has its token."""

    answers: ClassVar[dict[str, Any]] = {}
    pem: ClassVar[str] = ""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        allowed = self.headers.get("Authorization") == "Bearer open sesame"
        code = 200 if allowed and path in self.answers else 404 if allowed else 401
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(self.answers.get(path, {}) if code == 200 else {"kind": "Status"}).encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> Path:
    """A certificate of 127.0.0.1 that signs itself, and its key: to others kubectl shows no token."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("api") / "both.pem"
    pkcs8, none = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    file.write_bytes(
        signed.public_bytes(serialization.Encoding.PEM) + key.private_bytes(serialization.Encoding.PEM, pkcs8, none)
    )
    return file


@pytest.fixture
def pem(certificate) -> str:
    """The certificate alone."""
    return certificate.read_text().partition("-----BEGIN PRIVATE")[0]


@pytest.fixture
def api(monkeypatch, certificate, pem) -> Iterator[str]:
    monkeypatch.setattr(Api, "pem", pem)
    monkeypatch.setattr(Api, "answers", {"/version": {"gitVersion": "v1.37.2", "major": "1", "minor": "37"}})
    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"https://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("KUBECONFIG", "SLIPWAY_KUBECONFIGS", "SLIPWAY_OWN_KUBECONFIG"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / ".kube").mkdir()
    return tmp_path


def config_of(server: str, user: dict[str, Any] | None = None, **cluster: Any) -> dict[str, Any]:
    if "certificate-authority" not in cluster and Api.pem:
        cluster["certificate-authority-data"] = base64.b64encode(Api.pem.encode()).decode()
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": "there", "cluster": {"server": server, **cluster}},
            {"name": "o", "cluster": {"server": "https://o"}},
        ],
        "contexts": [
            {"name": "mine", "context": {"cluster": "there", "user": "me", "namespace": "apps"}},
            {"name": "other", "context": {"cluster": "o", "user": "me"}},
            {"name": "half", "context": {"cluster": "missing", "user": "me"}},
        ],
        "users": [{"name": "me", "user": {"token": "open sesame"} if user is None else user}],
        "current-context": "other",
    }


def write(file: Path, config: Any) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(config if isinstance(config, str) else yaml.safe_dump(config))
    return file


@pytest.fixture
def own(home, api) -> Path:
    """The user's own kubeconfig, with a context of the API."""
    return write(home / ".kube/config", config_of(api))


def read(**changes: Any) -> dict[str, Any]:
    args = {**ARGS, **changes}
    assert ExistingProvider().check({}, dict(args)).failures == []
    outs = ExistingProvider().create(args).outs
    assert outs is not None
    return outs


def refusal(**changes: Any) -> str:
    [failure] = ExistingProvider().check({}, {**ARGS, **changes}).failures
    assert "\n" not in failure.reason
    return failure.reason


def test_a_context_gives_the_contract_and_the_users_file_stays_as_it_is(own, api, pem):
    before = own.read_bytes(), own.stat().st_mtime_ns
    outs = read()

    assert (outs["endpoint"], outs["kubernetes_version"]) == (api, "v1.37.2")
    assert (outs["ca_certificate"], outs["pod_cidr"], outs["service_cidr"]) == (pem, None, None)
    config = yaml.safe_load(outs["kubeconfig"])
    assert [config[key][0]["name"] for key in ("clusters", "contexts", "users")] == ["dev"] * 3
    assert config["current-context"] == "dev"
    assert config["contexts"][0]["context"]["namespace"] == "apps"
    assert "https://o" not in outs["kubeconfig"]
    assert (own.read_bytes(), own.stat().st_mtime_ns) == before


def test_networks_are_told_where_the_cluster_tells_them(own):
    Api.answers["/apis/networking.k8s.io/v1/servicecidrs/kubernetes"] = {
        "spec": {"cidrs": ["10.96.0.0/16", "fd00::/112"]}
    }
    Api.answers["/api/v1/namespaces/kube-system/configmaps/kubeadm-config"] = KUBEADM
    outs = read()

    assert (outs["pod_cidr"], outs["service_cidr"]) == ("10.244.0.0/16", "10.96.0.0/16")


def test_certificates_and_tokens_in_files_are_taken_in(home, api, pem):
    for name, text in (("ca.crt", pem), ("token", "open sesame\n")):
        write(home / "keys" / name, text)
    user = {"tokenFile": "../keys/token"}
    write(home / ".kube/config", {**config_of(api, user, **{"certificate-authority": "../keys/ca.crt"})})
    outs = read()

    assert outs["ca_certificate"] == pem
    config = yaml.safe_load(outs["kubeconfig"])
    assert config["users"][0]["user"] == {"token": "open sesame"}
    assert config["clusters"][0]["cluster"]["certificate-authority-data"] == base64.b64encode(pem.encode()).decode()


def test_a_token_is_read_from_beside_the_kubeconfig_that_holds_its_user(home, api, monkeypatch):
    """Of several files with tokens of the same name, and wherever it is run."""
    full = config_of(api, {"tokenFile": "token"})
    write(home / "first/config", {**full, "users": []})
    write(home / "second/config", {**full, "clusters": [], "contexts": []})
    for folder, token in (("first", "wrong"), ("second", "open sesame"), ("here", "wrong")):
        write(home / folder / "token", token)
    monkeypatch.setenv("KUBECONFIG", f"{home}/missing/config:{home}/first/config:{home}/second/config")
    monkeypatch.chdir(home / "here")

    assert yaml.safe_load(read()["kubeconfig"])["users"][0]["user"] == {"token": "open sesame"}


def test_a_token_that_is_not_there_is_told_with_where_it_was_looked_for(home, api):
    write(home / ".kube/config", config_of(api, {"tokenFile": "token"}))

    assert refusal().startswith(
        f"{home}/.kube/token, where a kubeconfig says its token is, cannot be read: No such file"
    )


def test_a_token_that_is_no_text_is_told(home, api):
    write(home / ".kube/config", config_of(api, {"tokenFile": "token"}))
    (home / ".kube/token").write_bytes(b"\xff\xfe")
    assert ".kube/token, where a kubeconfig says its token is, cannot be read: it is no text; mend it" in refusal()


@pytest.mark.parametrize("running", ["v1.37.2+k3s1", "v1.37.2-eks-0123abc", "v1.37.2+orb1"])
def test_what_a_distribution_adds_to_a_version_is_no_other_version(own, running):
    Api.answers["/version"] = {"gitVersion": running}

    assert read(version="1.37.2")["kubernetes_version"] == running


def test_another_version_than_the_stack_says_is_refused_with_what_to_write(own):
    assert refusal(version="1.36") == (
        "version: the cluster runs v1.37.2, and nothing here upgrades it; "
        'write version: "1.37", or choose another context'
    )


def test_a_context_that_does_not_exist_is_refused_with_the_nearest_one(own):
    assert refusal(context="mien") == f"{own} has no context 'mien'; did you mean mine?"
    assert refusal(context="zzz") == f"{own} has no context 'zzz'; write one of half, mine, other"


def test_docker_desktops_kubernetes_that_is_off_is_told_with_where_to_turn_it_on(own):
    assert "turn Kubernetes on in Docker Desktop: Settings, Kubernetes, Enable Kubernetes" in refusal(
        context="docker-desktop"
    )


def test_a_context_whose_cluster_is_missing_is_refused(own):
    assert refusal(context="half") == (
        f"the kubeconfig {own} cannot be read: cannot locate cluster missing; mend it, or write kubeconfig: PATH"
    )


@pytest.mark.parametrize(
    ("server", "user", "why"), [("", None, "cluster has no server"), ("https://x", {}, "user has no")]
)
def test_what_kubectl_would_fill_in_is_refused_so_that_no_other_cluster_is_taken_for_it(home, server, user, why):
    write(home / ".kube/config", config_of(server, user))
    assert refusal().startswith(f"the context 'mine' of {home}/.kube/config is of no use: its {why}")


def test_a_program_for_credentials_that_is_missing_is_named_though_hints_follow(home, api):
    asks = {"apiVersion": "client.authentication.k8s.io/v1", "command": "no-such", "interactiveMode": "Never"}
    write(home / ".kube/config", config_of(api, {"exec": {**asks, "installHint": "have it\nfrom there"}}))
    assert "getting credentials: exec: executable no-such not found; mend that, or" in refusal()


def test_of_a_user_that_stands_there_twice_no_credential_is_shown(home, api):
    config = config_of(api, {"token": "open sesame"})
    write(home / ".kube/config", {**config, "users": config["users"] * 2})
    assert refusal().endswith('duplicate name "me"; mend it, or write kubeconfig: PATH')


def test_of_a_password_that_reads_as_an_alias_nothing_is_shown(home, api):
    write(home / ".kube/config", "apiVersion: v1\nkind: Config\nusers: [{name: me, user: {password: *open-sesame}}]\n")
    assert "sesame" not in refusal()


def test_a_token_in_a_pipe_is_not_waited_for(home, api):
    write(home / ".kube/config", config_of(api, {"tokenFile": "token"}))
    os.mkfifo(home / ".kube/token")
    assert ".kube/token, where a kubeconfig says its token is, cannot be read: it is no file; mend it" in refusal()


def test_a_program_that_gives_credentials_is_found_from_the_folder_of_its_kubeconfig(home, api):
    credential = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential"}
    program = write(
        home / ".kube/login", f"#!/bin/sh\necho '{json.dumps({**credential, 'status': {'token': 'open sesame'}})}'\n"
    )
    program.chmod(0o755)
    asks = {"apiVersion": credential["apiVersion"], "command": "./login", "interactiveMode": "Never"}
    write(home / ".kube/config", config_of(api, {"exec": asks}))

    assert yaml.safe_load(read()["kubeconfig"])["users"][0]["user"]["exec"]["command"] == str(home / ".kube/login")


@pytest.mark.parametrize("broken", ["clusters: [", "clusters: {a: b}", "\x00"])
def test_a_broken_kubeconfig_is_refused_and_left_untouched(home, broken):
    file = write(home / ".kube/config", broken)

    assert refusal().startswith(f"the kubeconfig {file} cannot be read: ")
    assert file.read_text() == broken


def test_a_kubeconfig_that_is_not_there_is_told(home):
    assert refusal().startswith(f"there is no kubeconfig {home}/.kube/config; write kubeconfig: PATH")
    assert "~nobody-here/config; write kubeconfig: PATH" in refusal(kubeconfig_path="~nobody-here/config")


def test_a_kubeconfig_that_cannot_be_looked_for_is_told(home):
    assert refusal(kubeconfig_path=str(home / ("n" * 300))).endswith(
        "n cannot be read: File name too long; mend it, or write kubeconfig: PATH"
    )


def test_a_kubeconfig_that_never_ends_is_named(home, monkeypatch):
    monkeypatch.setattr(existing_kubeconfig, "SECONDS", 0.5)
    os.mkfifo(home / "pipe")
    assert refusal(kubeconfig_path=str(home / "pipe")).startswith(
        f"kubectl has not read the kubeconfig {home}/pipe within 0.5 s: it, or a file that it names, may be a pipe"
    )


@pytest.mark.parametrize("answer", [[], "v1.37.2", {"gitVersion": None}, {"gitVersion": "of my own"}])
def test_what_answers_and_is_no_kubernetes_is_told(own, answer):
    Api.answers["/version"] = answer
    assert " does not answer: what answers is no Kubernetes; start it, or" in refusal()


@pytest.mark.parametrize("written", ["networking: [", "- a", "networking: a", "networking: {podSubnet: 5}"])
def test_a_configuration_of_kubeadm_that_somebody_has_broken_tells_no_network_and_stops_nothing(own, written):
    told = {"data": {"ClusterConfiguration": written}}
    Api.answers["/api/v1/namespaces/kube-system/configmaps/kubeadm-config"] = told
    assert read()["pod_cidr"] is None


def test_an_api_that_does_not_answer_is_told(home):
    write(home / ".kube/config", config_of("http://127.0.0.1:9"))

    told = refusal()
    assert told.startswith("the cluster of context 'mine' (http://127.0.0.1:9) does not answer: kubectl get failed: ")
    assert told.endswith("; start it, or write another context, and try again")


def test_credentials_that_the_api_refuses_are_told_and_never_shown(home, api):
    write(home / ".kube/config", config_of(api, {"token": "wrong secret"}))

    told = refusal()
    assert "does not answer" in told
    assert "wrong secret" not in told


def test_a_kubeconfig_of_its_own_may_be_named_from_the_project_or_the_home(home, api, monkeypatch):
    write(home / "clusters/one.yaml", config_of(api))
    monkeypatch.chdir(home)

    assert read(kubeconfig_path="clusters/one.yaml")["endpoint"] == api
    assert read(kubeconfig_path="~/clusters/one.yaml")["endpoint"] == api


def test_the_list_of_files_in_kubeconfig_is_kubectls_own(home, api, monkeypatch):
    full = config_of(api)
    write(home / "a.yaml", {**full, "clusters": []})
    write(home / "b.yaml", {**full, "contexts": [], "users": []})
    monkeypatch.setenv("KUBECONFIG", f"{home}/a.yaml:{home}/b.yaml:{home}/not-there.yaml")

    assert read()["endpoint"] == api


def test_the_kubeconfig_of_a_shell_of_make_env_is_not_taken_for_the_users(own, home, api, monkeypatch):
    monkeypatch.setenv("SLIPWAY_KUBECONFIGS", str(home / ".slipway/kubeconfigs"))
    monkeypatch.setenv("KUBECONFIG", str(write(home / ".slipway/kubeconfigs/dev.yaml", config_of("https://ours"))))
    assert read()["endpoint"] == api

    monkeypatch.setenv("SLIPWAY_OWN_KUBECONFIG", str(write(home / "theirs.yaml", config_of(api, namespace="x"))))
    assert refusal(context="nowhere").startswith(f"{home}/theirs.yaml has no context")


def test_what_changes_in_the_cluster_is_an_update_and_what_does_not_is_none(own):
    checked = ExistingProvider().check({}, dict(ARGS)).inputs
    state = ExistingProvider().create(dict(checked)).outs
    assert state is not None
    assert (
        not ExistingProvider().diff("dev", dict(state), dict(ExistingProvider().check({}, dict(ARGS)).inputs)).changes
    )

    Api.answers["/version"] = {"gitVersion": "v1.37.3"}
    news = ExistingProvider().check(dict(state), dict(ARGS)).inputs
    diff = ExistingProvider().diff("dev", dict(state), dict(news))

    assert (diff.changes, diff.replaces) == (True, [])
    updated = ExistingProvider().update("dev", dict(state), dict(news)).outs
    assert updated is not None
    assert updated["kubernetes_version"] == "v1.37.3"


def test_what_tells_a_change_holds_no_credential(own):
    assert "open sesame" not in str(ExistingProvider().check({}, dict(ARGS)).inputs)


def test_destroying_asks_nobody_and_takes_nothing(own, home):
    own.unlink()

    ExistingProvider().delete("dev", dict(ARGS))
    assert ExistingProvider().read("dev", dict(ARGS)).id == "dev"


def test_what_kubectl_reads_the_credentials_from_is_private_and_goes(own, monkeypatch, tmp_path):
    modes = []
    asked = existing_provider.Kubectl.run

    def run(self, *words, **how):
        modes.append(stat.S_IMODE(self._file.stat().st_mode))
        return asked(self, *words, **how)

    monkeypatch.setattr(existing_provider.Kubectl, "run", run)
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    read()

    assert set(modes) == {0o600}
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize(
    ("args", "line"),
    [
        ({"context": ""}, "context: is empty; write one of those that `kubectl config get-contexts` lists"),
        ({"context": "x", "kubeconfig": ""}, "kubeconfig: is empty; write a path, or drop the key"),
        ({"context": "a\0b"}, "context: 'a\\x00b' has letters that nobody sees; write it without"),
        ({"context": "x", "kubeconfig": "a\n"}, "kubeconfig: 'a\\n' has letters that nobody sees"),
        ({"context": "x", "version": "latest"}, "version: 'latest' is no Kubernetes version"),
    ],
)
def test_what_names_no_cluster_is_refused_in_one_line_with_its_key(args, line):
    [fault] = map(str, ExistingCluster.check({"version": "1.37", **args}))

    assert fault.startswith(line)


def test_the_provider_is_pickled_as_a_reference_that_later_versions_find_again():
    text = pickle.dumps(ExistingProvider(), protocol=4)

    assert b"components.local.existing_provider" in text
    assert len(text) < 90
