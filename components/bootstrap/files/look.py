"""What has become of a machine, as JSON; run there, and nothing of it stays. Python 3.9, its own library alone."""

import base64
import hashlib
import http.client
import json
import re
import ssl
from pathlib import Path

ROOT = Path("/")
PKI = ROOT / "etc/kubernetes/pki"
FILES = (
    "etc/kubernetes/manifests/*.yaml",
    # All but the keys of Secrets, which another resource writes.
    "etc/kubernetes/slipway/a*.yaml",
    "etc/haproxy/haproxy.cfg",
    "etc/slipway/virtual-ip.conf",
    "etc/containerd/config.toml",
    "etc/modules-load.d/slipway.conf",
    "etc/sysctl.d/90-slipway.conf",
    "etc/systemd/system/slipway-approver.*",
    "usr/local/lib/slipway/approver.py",
    "var/lib/kubelet/config.yaml",
)
CERTIFICATE = re.compile("-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n?", re.DOTALL)
IN_KUBECONFIG = re.compile("client-certificate-data: (.*)")


def files():
    """Path → digest of what was put there."""
    found = sorted(path for pattern in FILES for path in ROOT.glob(pattern))
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest()[:12] for path in found}


def certificates():
    """Those that somebody must renew: not the authorities', and not the one by which a kubelet asks for its next."""
    found = {path: path.read_text() for path in PKI.glob("**/*.crt") if not path.name.endswith("ca.crt")}
    found.pop(PKI / "external-etcd/client.crt", None)  # the stack brings it
    for path in ROOT.glob("etc/kubernetes/*.conf"):
        data = IN_KUBECONFIG.search(path.read_text())
        if data:
            found[path] = base64.b64decode(data[1]).decode()
    for path in ROOT.glob("var/lib/kubelet/pki/kubelet-server-current.pem"):
        found[path] = path.read_text()
    # Without the keys that stand beside some of them.
    return {str(path): CERTIFICATE.findall(text)[0] for path, text in found.items()}


def members():
    """The names of etcd's members, as the one on this machine tells; none where it does not answer."""
    context = ssl.create_default_context(cafile=PKI / "etcd/ca.crt")
    context.load_cert_chain(PKI / "etcd/healthcheck-client.crt", PKI / "etcd/healthcheck-client.key")
    etcd = http.client.HTTPSConnection("127.0.0.1", 2379, timeout=10, context=context)
    try:
        etcd.request("POST", "/v3/cluster/member/list", body="{}")
        return [member.get("name", "") for member in json.load(etcd.getresponse())["members"]]
    except (OSError, ValueError, KeyError, http.client.HTTPException):
        return []
    finally:
        etcd.close()


has_etcd = (PKI / "etcd/healthcheck-client.crt").exists()
print(json.dumps({"files": files(), "certificates": certificates(), "members": members() if has_etcd else None}))
