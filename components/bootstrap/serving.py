"""Certificates that kubelets serve with: who asks for one, and whether it may have it.

Kubernetes signs them only once somebody has looked at the request, since a kubelet may write any address into it
(https://kubernetes.io/docs/reference/access-authn-authz/kubelet-tls-bootstrapping/#certificate-rotation).
"""

import base64
import json
from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID

from components.bootstrap.kubectl import Kubectl
from components.machines.reach import Reach, ReachError

SIGNER = "kubernetes.io/kubelet-serving"

CERTIFICATE = "/var/lib/kubelet/pki/kubelet-server-current.pem"
"""Where a kubelet keeps what was signed for it."""


def approve(kubectl: Kubectl, node: str, address: str) -> None:
    """Approve what the kubelet of a node asks for, if it is for the node's own name and address alone."""
    told = kubectl.run("get", "certificatesigningrequests", "--output=json")
    fitting = [
        request["metadata"]["name"]
        for request in json.loads(told)["items"]
        if request["spec"]["signerName"] == SIGNER
        and request["spec"]["username"] == f"system:node:{node}"
        and not request.get("status", {}).get("conditions")
        and _is_own(request, node, address)
    ]
    if fitting:
        kubectl.run("certificate", "approve", *fitting)


def has_certificate(reach: Reach) -> bool:
    """Whether the kubelet of a machine has a certificate to serve with.

    The API cannot tell: it forgets requests an hour after they were answered, and may still know those of a machine
    that had the name before.
    """
    try:
        reach.run("test", "-e", CERTIFICATE)
    except ReachError:
        return False
    return True


def _is_own(request: dict[str, Any], node: str, address: str) -> bool:
    try:
        asked = x509.load_pem_x509_csr(base64.b64decode(request["spec"]["request"]))
        names = asked.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound):
        return False
    # Whoever signs looks at the form alone: a kubelet could ask in the name of another one.
    users = [one.value for one in asked.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    return users == [f"system:node:{node}"] and {str(name.value) for name in names} <= {node, address}
