"""Kubeconfigs of many stacks in one file, as the real kubectl reads, uses and changes them."""

import base64
import json
import os
import ssl
import subprocess
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from components import kubeconfig
from components.managed.aks import kubeconfig as aks
from components.managed.eks import kubeconfig as eks
from components.managed.gke import kubeconfig as gke
from tools import locked_file, paths, user_kubeconfig
from tools.user_kubeconfig import Authority

SERVER = "https://127.0.0.1:6443"
EXEC = {"apiVersion": "client.authentication.k8s.io/v1beta1", "interactiveMode": "Never"}


@pytest.fixture
def file(tmp_path, monkeypatch):
    """The user's kubeconfig, which kubectl reads too."""
    monkeypatch.setattr(paths, "KUBECONFIGS", tmp_path / "private")
    monkeypatch.setenv("HOME", str(tmp_path))
    path = tmp_path / "kube/config"
    monkeypatch.setenv("KUBECONFIG", str(path))
    return path


def kubectl(*words, code=0):
    done = subprocess.run(["kubectl", *words], capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stderr


def merge(**users):
    user_kubeconfig.merge({name: kubeconfig.build("kind", SERVER, None, user) for name, user in users.items()})


def seen(context):
    """What kubectl takes a context for."""
    config = json.loads(kubectl("config", "view", "--raw", "--minify", "--context", context, "--output=json"))
    return {about: config[key][0][about] for key, about in kubeconfig.LISTS.items()}


class Pki:
    """A CA, and what it signs for a server at 127.0.0.1 and for people."""

    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ca")])
        self.ca = self._signed(self.name, self.key, x509.BasicConstraints(ca=True, path_length=None))

    def pair(self, who):
        """The certificate and the key of somebody."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, who)])
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
        return self._signed(name, key, names), private

    def _signed(self, name, key, extension):
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder().subject_name(name).issuer_name(self.name).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(hours=1)).add_extension(extension, critical=False)
            .sign(self.key, hashes.SHA256())
        )  # fmt: skip
        return made.public_bytes(serialization.Encoding.PEM)


class Answer(BaseHTTPRequestHandler):
    """Tells a caller who it is taken for: by its token, or else by its certificate."""

    def do_GET(self):
        subject = dict(part[0] for part in (self.connection.getpeercert() or {}).get("subject", ()))
        told = self.headers.get("Authorization") or subject.get("commonName", "nobody")
        self.send_response(200)
        self.end_headers()
        self.wfile.write(told.encode())

    def log_message(self, format, *args):
        pass


@pytest.fixture
def pki():
    return Pki()


@pytest.fixture
def server(tmp_path, pki):
    """The URL of an API that answers who asks."""
    (tmp_path / "ca.crt").write_bytes(pki.ca)
    (tmp_path / "server.pem").write_bytes(b"".join(pki.pair("server")))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    context.load_verify_locations(tmp_path / "ca.crt")
    context.verify_mode = ssl.CERT_OPTIONAL
    with HTTPServer(("127.0.0.1", 0), Answer) as http:
        http.socket = context.wrap_socket(http.socket, server_side=True)
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"https://127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Put a program on PATH that gives a token: what a shell makes of some words."""

    def program(name, token):
        path = tmp_path / "bin" / name
        path.parent.mkdir()
        told = {"apiVersion": EXEC["apiVersion"], "kind": "ExecCredential", "status": {"token": token}}
        path.write_text(f"#!/bin/sh\ncat <<END\n{json.dumps(told)}\nEND\n")
        path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{path.parent}{os.pathsep}{os.environ['PATH']}")

    return program


def encoded(data):
    return base64.b64encode(data).decode()


@pytest.mark.parametrize("authority", [None, *Authority])
def test_kubectl_is_let_in_by_every_kind_of_user_through_one_file(file, server, pki, program, tmp_path, authority):
    certificate, key = pki.pair("alice")
    (tmp_path / "private").mkdir()
    bob_certificate, bob_key = pki.pair("bob")
    (tmp_path / "private/bob.crt").write_bytes(bob_certificate)
    (tmp_path / "private/bob.key").write_bytes(bob_key)
    (tmp_path / "private/token").write_text("from-a-file")
    program("login", "from-a-program")
    users = {
        "dev-token": ({"token": "secret"}, "Bearer secret"),
        "dev-token-file": ({"tokenFile": "token"}, "Bearer from-a-file"),
        "dev-certificate": (
            {"client-certificate-data": encoded(certificate), "client-key-data": encoded(key)},
            "alice",
        ),
        "dev-files": ({"client-certificate": "bob.crt", "client-key": "bob.key"}, "bob"),
        "prod-exec": ({"exec": {**EXEC, "command": "login"}}, "Bearer from-a-program"),
        "prod-exec-path": ({"exec": {**EXEC, "command": "../bin/login"}}, "Bearer from-a-program"),
    }
    user_kubeconfig.merge(
        {name: kubeconfig.build("c", server, encoded(pki.ca), user) for name, (user, _) in users.items()},
        authority=authority,
    )
    for name, (_, who) in users.items():
        assert kubectl("--context", name, "get", "--raw", "/whoami") == who
    assert ("certificate-authority" in seen("dev-token")["cluster"]) is (authority is Authority.FILES)


@pytest.mark.parametrize("cloud", [gke, eks, aks], ids=["gke", "eks", "aks"])
def test_kubectl_asks_the_cloud_s_program_with_the_words_and_variables_of_the_stack(file, server, pki, program, cloud):
    program(cloud.CALLER.program, "$PROFILE:$*")
    words = ["get-token", "--cluster-name", "prod", "1.37", "true"]
    asking = {"command": cloud.CALLER.program, "args": words, "env": [{"name": "PROFILE", "value": "0123"}]}
    text = kubeconfig.build("c", server, encoded(pki.ca), {"exec": {**EXEC, **asking, "installHint": "get it"}})
    user_kubeconfig.merge({"prod": text})
    assert kubectl("--context", "prod", "get", "--raw", "/whoami") == f"Bearer 0123:{' '.join(words)}"
    assert seen("prod")["user"]["exec"]["installHint"] == "get it"


@pytest.mark.parametrize(
    "name", ["y", "No", "1e3", "1.37", "0x1F", "null", "true", "-", ".5", "1_0", "2026-01-01", "a.b"]
)
def test_kubectl_reads_the_name_of_a_stack_as_it_is_whatever_yaml_may_take_it_for(file, name):
    merge(**{name: {"token": name}})
    assert kubectl("config", "get-contexts", "--output=name") == f"{name}\n"
    assert seen(name) == {
        "cluster": {"server": SERVER},
        "context": {"cluster": name, "user": name},
        "user": {"token": name},
    }


THEIRS = """\
# mine
clusters:
- {cluster: {server: "https://mine"}, name: mine}
contexts:
- {context: {cluster: mine, user: mine}, name: mine}
users:
- {name: mine, user: {token: t}}
"""


def test_what_kubectl_has_written_anew_is_still_known_brought_up_to_date_and_removed(file):
    file.parent.mkdir()
    file.write_text(THEIRS)
    users = {"one": {"exec": {**EXEC, "command": "login"}}, "two": {"token": "t"}}
    merge(**users)
    kubectl("config", "set-context", "one", "--namespace=web")
    kubectl("config", "use-context", "one")
    before = file.read_bytes()
    merge(**users)
    assert file.read_bytes() == before

    merge(one={"token": "new"})
    assert seen("one")["user"] == {"token": "new"}
    assert seen("one")["context"]["namespace"] == "web"

    for name in users:
        user_kubeconfig.forget(name)
    assert kubectl("config", "get-contexts", "--output=name") == "mine\n"
    config = yaml.safe_load(file.read_text())
    assert [len(config[key]) for key in kubeconfig.LISTS] == [1, 1, 1]
    assert config["current-context"] == ""


@pytest.mark.parametrize(
    "broken",
    [
        THEIRS.replace("users:", "- {context: {}, name: mine}\nusers:"),
        THEIRS.replace("users:", "users: 1\nothers:"),
        THEIRS.replace("{token: t}", "{client-key-data: Q0E}"),
        THEIRS.replace("{token: t}", "to"),
        THEIRS[:-20],
        f"apiVersion: v2\n{THEIRS}",
        f"kind: Pod\n{THEIRS}",
        "\0" * 100,
    ],
    ids=["twice", "no list", "base64", "no fields", "half-written", "version", "kind", "zeros"],
)
def test_what_is_refused_as_broken_is_what_kubectl_refuses_too(file, broken):
    file.parent.mkdir()
    file.write_text(broken)
    kubectl("config", "get-contexts", code=1)
    with pytest.raises(ValueError, match=r"^(it|its|kubectl|one of its) "):
        kubeconfig.names(broken)


@pytest.mark.parametrize("text", [THEIRS, THEIRS.replace("\n", "\r\n"), json.dumps(yaml.safe_load(THEIRS)), "", "{}"])
def test_kubectl_finds_all_contexts_whichever_way_the_file_was_written(file, text):
    file.parent.mkdir()
    file.write_bytes(text.encode())
    merge(one={"token": "1"}, two={"token": "2"})
    expected = ["mine", "one", "two"] if "mine" in text else ["one", "two"]
    assert kubectl("config", "get-contexts", "--output=name").split() == expected


@pytest.mark.parametrize("there", ["ab", "bc", "c", ""])
def test_of_a_list_of_files_the_one_is_chosen_that_kubectl_writes_to(file, tmp_path, monkeypatch, there):
    for folder in ("ours", "theirs"):
        (tmp_path / folder).mkdir()
        for name in there:
            (tmp_path / folder / name).write_text(THEIRS.replace("mine", name))
        monkeypatch.setenv("KUBECONFIG", os.pathsep.join(str(tmp_path / folder / name) for name in "abc"))
        if folder == "ours":
            merge(dev={"token": "t"})
        else:
            kubectl("config", "set-cluster", "dev", f"--server={SERVER}")
    written = {path.name for path in (tmp_path / "ours").iterdir() if "name: dev" in path.read_text()}
    assert written == {path.name for path in (tmp_path / "theirs").iterdir() if "name: dev" in path.read_text()}
    assert len(written) == 1


def test_kubectl_keeps_off_while_we_write(file):
    merge(dev={"token": "t"})
    with locked_file.locked(file):
        assert f"open {file}.lock: file exists" in kubectl("config", "use-context", "dev", code=1)
    kubectl("config", "use-context", "dev")


def test_what_kubectl_and_we_write_at_once_is_all_there(file):
    merge(**{"dev-0": {"token": "t"}})
    written = []

    def set_contexts():
        for number in range(20):
            words = ["kubectl", "config", "set-context", f"theirs-{number}", "--cluster=x"]
            if subprocess.run(words, capture_output=True).returncode == 0:  # it does not wait for a lock
                written.append(words[3])

    thread = threading.Thread(target=set_contexts)
    thread.start()
    for number in range(1, 30):
        merge(**{f"dev-{number}": {"token": "t"}})
    thread.join()
    assert written
    listed = set(kubectl("config", "get-contexts", "--output=name").split())
    # kubectl reads before it locks, and takes out what has come in between: only ours, and the next merge has it back.
    ours = {f"dev-{number}" for number in range(30)}
    assert {*written} <= listed <= {*written, *ours}
    for name in ours - listed:
        merge(**{name: {"token": "t"}})
    assert {*kubectl("config", "get-contexts", "--output=name").split()} == {*written, *ours}
    assert [path.name for path in Path(file.parent).iterdir()] == ["config"]
