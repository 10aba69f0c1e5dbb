"""What a control plane runs when the clock says so: who takes a snapshot, how it is sent, and what is told of it."""

import ast
import hashlib
import importlib.util
import io
import json
import threading
from base64 import b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import Mock

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from components.bootstrap import snapshots
from components.bootstrap.cloud_init import FILES

SEALED = b"sealed" * 50_000
KEYS = ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")


@pytest.fixture
def program(tmp_path, monkeypatch):
    """The program, on a machine that is a folder, whose etcd leads."""
    spec = importlib.util.spec_from_file_location("scheduled_snapshot", FILES / "scheduled_snapshot.py")
    assert spec is not None and spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name in ("FOLDER", "TOLD", "TAKE", "SEALED", "API_SERVER"):
        monkeypatch.setattr(module, name, tmp_path / name.lower())
    module.FOLDER.mkdir()
    module.TAKE.write_text(f'printf %{len(SEALED)}s >/dev/null; cp {tmp_path}/etcd "$1"')
    (tmp_path / "etcd").write_bytes(SEALED)
    module.API_SERVER.write_text("spec:\n  containers:\n  - image: mirror.example:5000/k8s/kube-apiserver:v1.37.2\n")
    module.asked = module.leads
    monkeypatch.setattr(module, "leads", lambda: True)
    return module


@pytest.fixture
def bucket(program):
    """Where it is told to send them: what came, and what is answered."""

    class Bucket(BaseHTTPRequestHandler):
        came: ClassVar[list[Any]] = []
        answer = (200, b"")

        def do_PUT(self):
            code, body = self.answer
            if code == 200:
                self.came.append((self.path, dict(self.headers), self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(code)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format, *args):
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    settings = dict(zip(("access_key", "secret_key"), KEYS, strict=True))
    url = f"http://127.0.0.1:{server.server_port}/kept/prod"
    (program.FOLDER / "settings.json").write_text(
        json.dumps({"cluster": "demo", "bucket": url, "region": "eu-west-1", **settings})
    )
    yield Bucket
    server.shutdown()
    thread.join()
    server.server_close()


def told(program):
    return json.loads(program.TOLD.read_text())


def test_a_snapshot_is_sent_whole_under_a_name_that_make_restore_knows_and_none_of_it_stays(program, bucket):
    assert program.main(whoever=False) is None

    [(path, headers, body)] = bucket.came
    name = path.removeprefix("/kept/prod/")
    assert "is of Kubernetes 1.37.2, which 1.36 cannot read" in str(snapshots.version_fault(Path(name), "1.36"))
    assert body == SEALED
    assert headers["content-md5"] == b64encode(hashlib.md5(SEALED, usedforsecurity=False).digest()).decode()
    assert told(program)["sent"]["name"] == name
    assert not program.SEALED.exists()


def test_a_request_is_signed_as_the_makers_of_s3_sign_it(program, bucket, monkeypatch):
    program.main(whoever=False)

    [(path, sent, body)] = bucket.came
    names = ("content-md5", "host", "x-amz-content-sha256", "x-amz-date")
    theirs = AWSRequest("PUT", f"http://{sent['host']}{path}", {key: sent[key] for key in names}, body)
    theirs.context |= {"timestamp": sent["x-amz-date"], "payload_signing_enabled": True}
    signer = S3SigV4Auth(Credentials(*KEYS), "s3", "eu-west-1")
    text = signer.string_to_sign(theirs, signer.canonical_request(theirs))
    assert sent["x-amz-content-sha256"] == hashlib.sha256(body).hexdigest()
    assert sent["authorization"] == (
        f"AWS4-HMAC-SHA256 Credential={signer.scope(theirs)},SignedHeaders={';'.join(names)},"
        f"Signature={signer.signature(text, theirs)}"
    )


def test_a_control_plane_that_does_not_lead_sends_nothing_unless_it_is_told_to(program, bucket, monkeypatch):
    monkeypatch.setattr(program, "leads", lambda: False)

    assert program.main(whoever=False) is None
    assert (bucket.came, told(program)) == ([], {})
    assert program.main(whoever=True) is None
    assert len(bucket.came) == 1


@pytest.fixture
def etcd(program, monkeypatch):
    """Let this machine's etcd answer about itself."""

    class Etcd:
        says: str | OSError = ""

        def __init__(self, *_, **__):
            pass

        def request(self, *_, **__):
            if isinstance(self.says, OSError):
                raise self.says

        def getresponse(self):
            return io.StringIO(str(self.says))

        def close(self):
            pass

    monkeypatch.setattr(program.ssl, "create_default_context", lambda **_: Mock())
    monkeypatch.setattr(program.http.client, "HTTPSConnection", Etcd)
    monkeypatch.setattr(program, "leads", program.asked)
    return Etcd


@pytest.mark.parametrize(("leader", "sent"), [("7", 1), ("8", 0)])
def test_the_control_plane_whose_etcd_leads_sends_it(program, bucket, etcd, leader, sent):
    etcd.says = json.dumps({"header": {"member_id": "7"}, "leader": leader})

    assert program.main(whoever=False) is None
    assert len(bucket.came) == sent


@pytest.mark.parametrize(
    ("says", "reason"),
    [
        ('{"header": {"member_id": "7"}}', "etcd has no leader"),
        (ConnectionRefusedError(111, "Connection refused"), "etcd does not answer: Connection refused"),
        ("404 page not found", "etcd does not answer: Extra data: line 1 column 5 (char 4)"),
    ],
)
def test_where_nobody_may_lead_it_is_tried_again(program, bucket, etcd, says, reason):
    etcd.says = says

    assert program.main(whoever=False) == reason
    assert told(program)["failed"]["reason"] == reason
    assert bucket.came == []


REFUSAL = b"<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>Access\nDenied</Message></Error>"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((403, REFUSAL), "was refused: 403 AccessDenied: Access Denied"),
        ((307, b""), "was refused: 307 Temporary Redirect"),
        ((503, b"busy"), "was refused: 503 Service Unavailable"),
    ],
)
def test_what_a_bucket_refuses_is_told_in_one_line_and_kept(program, bucket, monkeypatch, answer, reason):
    program.main(whoever=False)
    monkeypatch.setattr(bucket, "answer", answer)

    found = program.main(whoever=False)

    assert found.endswith(reason)
    assert told(program)["failed"]["reason"] == found
    assert told(program)["sent"]  # what came before
    assert not program.SEALED.exists()
    assert not any(key in found for key in KEYS)


def test_a_bucket_that_is_not_reached_is_told_in_one_line(program, bucket):
    settings = json.loads((program.FOLDER / "settings.json").read_text())
    (program.FOLDER / "settings.json").write_text(json.dumps({**settings, "bucket": "http://127.0.0.1:1/kept"}))

    assert program.main(whoever=False).endswith(".etcd.cms cannot be sent: Connection refused")


def test_a_snapshot_that_is_not_taken_says_why(program, bucket):
    program.TAKE.write_text('echo "etcd does not run here" >&2; exit 1')

    assert program.main(whoever=False) == "no snapshot was taken: etcd does not run here"
    assert bucket.came == []


@pytest.mark.parametrize("name", ["scheduled_snapshot.py", "look_at_snapshots.py"])
def test_what_runs_on_a_machine_is_python_3_9(name):
    ast.parse((FILES / name).read_text(), feature_version=(3, 9))
