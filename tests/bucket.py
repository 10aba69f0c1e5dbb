"""A bucket for snapshots: moto's server, which checks signatures and asks IAM's policies as AWS does."""

import ctypes
import json
import socket
import threading
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import httpx
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

PROJECT = Path(__file__).parents[1]
NAME, FOLDER, REGION = "kept", "prod", "eu-west-1"

CLONE_NEWNET = 0x40000000


@dataclass(frozen=True)
class Bucket:
    """A bucket, and a key that may do what the docs let it do, and nothing else."""

    url: str
    access_key: str
    secret_key: str
    s3: Any
    iam: Any
    """Clients with a key that may do everything."""

    def takes_nothing(self) -> None:
        """Refuse whatever comes, from now on."""
        self.iam.delete_user_policy(UserName="sender", PolicyName="own")

    def takes_snapshots(self) -> None:
        """Take what may come, as at first."""
        self.iam.put_user_policy(UserName="sender", PolicyName="own", PolicyDocument=json.dumps(shown_policy()))

    def objects(self) -> dict[str, bytes]:
        """All that it holds: key → content, the oldest first."""
        told = self.s3.list_objects_v2(Bucket=NAME).get("Contents", [])
        keys = [one["Key"] for one in sorted(told, key=lambda one: one["LastModified"])]
        return {key: self.s3.get_object(Bucket=NAME, Key=key)["Body"].read() for key in keys}


@contextmanager
def serving(listener: socket.socket | None = None) -> Generator[Bucket]:
    """Serve a bucket, for this machine's own loopback or for whoever reaches `listener`."""
    application = DomainDispatcherApplication(create_backend_app)
    with ExitStack() as end:
        own = end.enter_context(socket.create_server(("127.0.0.1", 0)))
        reached = end.enter_context(listener) if listener else own
        for each in {own, reached}:
            server = make_server(
                *each.getsockname(), application, threaded=True, request_handler=_Quiet, fd=each.fileno()
            )
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            end.callback(thread.join)
            end.callback(server.shutdown)
        yield _made(*("http://{}:{}".format(*each.getsockname()) for each in (own, reached)))


def listener_in(namespace: Path, address: str) -> socket.socket:
    """Listen on an address of another network namespace: whoever connects there is answered from here."""
    made: list[socket.socket] = []

    def listen() -> None:
        with namespace.open() as file:
            # Of this thread alone, which ends with it.
            if not ctypes.CDLL(None).setns(file.fileno(), CLONE_NEWNET):
                made.append(socket.create_server((address, 0)))

    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
    (listener,) = made
    return listener


def shown_policy() -> dict[str, Any]:
    """What the docs let the key do, with this bucket."""
    page = (PROJECT / "docs/kubeadm.md").read_text()
    (shown,) = (part for part in page.split("```json\n")[1:] if "s3:PutObject" in part)
    return json.loads(shown.partition("```")[0].replace("BUCKET/FOLDER", f"{NAME}/{FOLDER}"))


def _made(own: str, reached: str) -> Bucket:
    # What a process has served before is known to it still, and who asks would be too.
    for path, body in (("reset", b""), ("reset-auth", b"inf")):
        httpx.post(f"{own}/moto-api/{path}", content=body).raise_for_status()
    anybody = {"aws_access_key_id": "anybody", "aws_secret_access_key": "anything"}
    s3, iam = (boto3.client(one, endpoint_url=own, region_name=REGION, **anybody) for one in ("s3", "iam"))
    s3.create_bucket(Bucket=NAME, CreateBucketConfiguration={"LocationConstraint": REGION})
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    sender, reader = _key(iam, "sender", shown_policy()), _key(iam, "reader", everything)
    # From now on it asks who somebody is.
    httpx.post(f"{own}/moto-api/reset-auth", content=b"0").raise_for_status()
    keys = dict(zip(("aws_access_key_id", "aws_secret_access_key"), reader, strict=True))
    clients = (boto3.client(one, endpoint_url=own, region_name=REGION, **keys) for one in ("s3", "iam"))
    return Bucket(f"{reached}/{NAME}/{FOLDER}", *sender, *clients)


def _key(iam: Any, user: str, policy: dict[str, Any]) -> tuple[str, str]:
    iam.create_user(UserName=user)
    iam.put_user_policy(UserName=user, PolicyName="own", PolicyDocument=json.dumps(policy))
    made = iam.create_access_key(UserName=user)["AccessKey"]
    return made["AccessKeyId"], made["SecretAccessKey"]


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """Print nothing."""
