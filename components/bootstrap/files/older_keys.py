"""Prints the Secrets in etcd that the key named on the command line does not encrypt, as NAMESPACE/NAME a line each.

Run on a control plane, and nothing of it stays. Python 3.9, its own library alone.
"""

import base64
import http.client
import json
import ssl
import sys
from pathlib import Path

PKI = Path("/etc/kubernetes/pki/etcd")
SECRETS = "/registry/secrets/"
PAGE = 500
prefix = f"k8s:enc:secretbox:v1:{sys.argv[1]}:".encode()

context = ssl.create_default_context(cafile=PKI / "ca.crt")
context.load_cert_chain(PKI / "healthcheck-client.crt", PKI / "healthcheck-client.key")
etcd = http.client.HTTPSConnection("127.0.0.1", 2379, timeout=60, context=context)


def encoded(key):
    """A key as etcd's JSON has it."""
    return base64.b64encode(key).decode()


first = SECRETS.encode()
more = True
while more:
    # 0 follows the slash: the end of all that begins with the prefix.
    query = {"key": encoded(first), "range_end": encoded(SECRETS[:-1].encode() + b"0"), "limit": PAGE}
    etcd.request("POST", "/v3/kv/range", body=json.dumps(query))
    answer = json.load(etcd.getresponse())
    kept = answer.get("kvs", [])
    for one in kept:
        key = base64.b64decode(one["key"])
        if not base64.b64decode(one["value"]).startswith(prefix):
            print(key.decode()[len(SECRETS) :])
        first = key + b"\0"
    more = answer.get("more", False)
