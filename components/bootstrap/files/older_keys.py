"""Prints the Secrets in etcd that the key named on the command line does not encrypt, as NAMESPACE/NAME a line each.

Run on a control plane, and nothing of it stays. Python 3.9, its own library alone.
"""

import base64
import http.client
import json
import re
import ssl
import sys
from pathlib import Path
from urllib.parse import urlsplit

MANIFEST = Path("/etc/kubernetes/manifests/kube-apiserver.yaml")
SECRETS = "/registry/secrets/"
PAGE = 500
prefix = f"k8s:enc:secretbox:v1:{sys.argv[1]}:".encode()

# Whom the API server asks, and how: etcd is on this machine, or is not the cluster's own.
told = dict(re.findall("--etcd-(servers|cafile|certfile|keyfile)=(.*)", MANIFEST.read_text()))
context = ssl.create_default_context(cafile=told["cafile"])
context.load_cert_chain(told["certfile"], told["keyfile"])
for server in told["servers"].split(","):
    etcd = http.client.HTTPSConnection(urlsplit(server).hostname, urlsplit(server).port, timeout=60, context=context)
    try:
        etcd.connect()
        break
    except OSError as error:
        etcd.close()
        refused = f"{server} does not answer: {error}"
else:
    sys.exit(refused)


def encoded(key):
    """A key as etcd's JSON has it."""
    return base64.b64encode(key).decode()


first = SECRETS.encode()
more = True
while more:
    # 0 follows the slash: the end of all that begins with the prefix.
    query = {"key": encoded(first), "range_end": encoded(SECRETS[:-1].encode() + b"0"), "limit": PAGE}
    etcd.request("POST", "/v3/kv/range", body=json.dumps(query))
    response = etcd.getresponse()
    answer = json.load(response)
    if response.status != http.client.OK:
        sys.exit(f"etcd does not tell what is in it: {answer}")  # nothing would look as if all were written again
    kept = answer.get("kvs", [])
    for one in kept:
        key = base64.b64decode(one["key"])
        if not base64.b64decode(one["value"]).startswith(prefix):
            print(key.decode()[len(SECRETS) :])
        first = key + b"\0"
    more = answer.get("more", False)
