#!/usr/bin/env python3
"""Takes a snapshot of etcd, encrypted, and sends it to a bucket: what a control plane runs when the clock says so.

All control planes run it at the same moment, and the one whose etcd leads goes on: so one snapshot is sent, whoever is
gone. Told `now`, a control plane that does not lead goes on too. `TOLD` says how it went, and nothing else stays.

Runs with Python 3.9 and its standard library alone: the curl of Ubuntu 22.04 and Rocky 9 signs some of the headers that
a bucket wants signed, and not all.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import hashlib
import hmac
import http.client
import json
import os
import re
import ssl
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

FOLDER = Path("/var/lib/slipway/snapshots")
TOLD = FOLDER / "told.json"
TAKE = Path("/usr/local/lib/slipway/snapshots/snapshot.sh")
SEALED = Path("/var/lib/etcd/slipway-snapshot.sent")
PKI = Path("/etc/kubernetes/pki/etcd")
API_SERVER = Path("/etc/kubernetes/manifests/kube-apiserver.yaml")

ANSWER_SECONDS = 60
LONGEST_REASON = 300


class Failure(Exception):
    """No snapshot came into the bucket: one line with the reason."""


def leads() -> bool:
    """Whether this machine's etcd leads the others."""
    context = ssl.create_default_context(cafile=PKI / "ca.crt")
    context.load_cert_chain(PKI / "healthcheck-client.crt", PKI / "healthcheck-client.key")
    etcd = http.client.HTTPSConnection("127.0.0.1", 2379, timeout=ANSWER_SECONDS, context=context)
    try:
        etcd.request("POST", "/v3/maintenance/status", body="{}")
        told = json.load(etcd.getresponse())
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise Failure(f"etcd does not answer: {getattr(error, 'strerror', None) or error}") from None
    finally:
        etcd.close()
    if "leader" not in told:
        raise Failure("etcd has no leader")
    return told["leader"] == told["header"]["member_id"]


def take() -> None:
    """Have an encrypted snapshot in `SEALED`."""
    taken = subprocess.run(["bash", str(TAKE), str(SEALED)], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if taken.returncode:
        lines = taken.stderr.decode(errors="replace").strip().splitlines()
        raise Failure(f"no snapshot was taken: {lines[-1] if lines else 'for no reason that was told'}")


def name(cluster: str, now: time.struct_time) -> str:
    """What a snapshot is called: with the version that wrote it, as no older one can read it."""
    version = re.search(r"image: .*/kube-apiserver:(v\d+\.\d+\.\d+)", API_SERVER.read_text())
    if version is None:
        raise Failure(f"{API_SERVER} does not tell the version of Kubernetes")
    return f"{cluster}-{version[1]}-{time.strftime('%Y%m%dT%H%M%SZ', now)}.etcd.cms"


def send(path: Path, url: str, region: str, access_key: str, secret_key: str) -> None:
    """Put a file into a bucket, which compares what arrives with both digests that are sent along."""
    sha256, md5 = hashlib.sha256(), hashlib.new("md5", usedforsecurity=False)
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            sha256.update(block)
            md5.update(block)
    place = urlsplit(url)
    headers = {
        "content-md5": base64.b64encode(md5.digest()).decode(),
        "host": place.netloc,
        "x-amz-content-sha256": sha256.hexdigest(),
        "x-amz-date": time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()),
    }
    signature = authorization(place.path, headers, region, access_key, secret_key)
    headers |= {"authorization": signature, "content-length": str(path.stat().st_size)}
    kind = http.client.HTTPSConnection if place.scheme == "https" else http.client.HTTPConnection
    bucket = kind(place.netloc, timeout=ANSWER_SECONDS)
    try:
        with path.open("rb") as file:
            # Who is refused may be told so before all is sent.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                bucket.request("PUT", place.path, file, headers)
            answer = bucket.getresponse()
        if answer.status != http.client.OK:
            raise Failure(f"{url} was refused: {answer.status} {refusal(answer)}")
    except (OSError, http.client.HTTPException) as error:
        raise Failure(f"{url} cannot be sent: {getattr(error, 'strerror', None) or error}") from None
    finally:
        bucket.close()


def authorization(path: str, headers: dict[str, str], region: str, access_key: str, secret_key: str) -> str:
    """Sign a PUT with all its headers, which are in order, for S3.

    https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
    """
    names = ";".join(headers)
    lines = [f"{key}:{value}" for key, value in headers.items()]
    canonical = "\n".join(["PUT", path, "", *lines, "", names, headers["x-amz-content-sha256"]])
    moment = headers["x-amz-date"]
    scope = [moment[:8], region, "s3", "aws4_request"]
    key = f"AWS4{secret_key}".encode()
    for part in scope:
        key = hmac.digest(key, part.encode(), "sha256")
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = "\n".join(["AWS4-HMAC-SHA256", moment, "/".join(scope), digest])
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    return f"AWS4-HMAC-SHA256 Credential={'/'.join([access_key, *scope])},SignedHeaders={names},Signature={signature}"


def refusal(answer: http.client.HTTPResponse) -> str:
    """What a bucket says about a request that it does not take, in one line."""
    body = answer.read(1 << 16).decode(errors="replace")
    told = [found[1] for key in ("Code", "Message") if (found := re.search(f"<{key}>(.*?)</{key}>", body, re.DOTALL))]
    return " ".join(": ".join(told or [answer.reason]).split())


def run(whoever: bool) -> str | None:
    """Take a snapshot and send it, if this machine is the one; its name."""
    begun = time.gmtime()
    if not whoever and not leads():
        return None
    to = json.loads((FOLDER / "settings.json").read_text())
    sent = name(to["cluster"], begun)
    try:
        take()
        send(SEALED, f"{to['bucket']}/{sent}", to["region"], to["access_key"], to["secret_key"])
    finally:
        SEALED.unlink(missing_ok=True)
    return sent


def main(whoever: bool) -> str | None:
    """Run, and keep how it went; the reason if nothing was sent that should have been."""
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        told = json.loads(TOLD.read_text()) if TOLD.exists() else {}
        reason = None
        try:
            if sent := run(whoever):
                told["sent"] = {"at": int(time.time()), "name": sent}
        except (Failure, OSError) as failure:
            reason = str(failure)[:LONGEST_REASON]
            told["failed"] = {"at": int(time.time()), "reason": reason}
        fresh = TOLD.with_suffix(".new")
        fresh.write_text(json.dumps(told))
        fresh.replace(TOLD)
    return reason


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main(sys.argv[1:] == ["now"]))
