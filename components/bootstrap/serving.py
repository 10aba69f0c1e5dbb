"""Certificates that kubelets serve with: approved by whoever makes a node, and by its control planes from then on."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from components.bootstrap import approver
from components.bootstrap.kubectl import Kubectl
from components.bootstrap.plan import LIBRARY, Role
from components.machines.reach import Reach, ReachError

CERTIFICATE = "/var/lib/kubelet/pki/kubelet-server-current.pem"
"""Where a kubelet keeps what was signed for it."""

FILES = Path(__file__).parent / "files"

TIMER = "slipway-approver.timer"
UNITS = ("slipway-approver.service", TIMER)

ON_CONTROL_PLANES = {
    f"{LIBRARY}/approver.py": (0o700, Path(approver.__file__).read_text()),
    **{f"/etc/systemd/system/{unit}": (0o644, (FILES / unit).read_text()) for unit in UNITS},
}
"""Path → mode and content of what approves."""

RIGHTS = yaml.safe_dump_all(
    [
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": approver.USER},
            "rules": [
                {
                    "apiGroups": ["certificates.k8s.io"],
                    "resources": ["certificatesigningrequests"],
                    "verbs": ["list"],
                },
                {
                    "apiGroups": ["certificates.k8s.io"],
                    "resources": ["certificatesigningrequests/approval"],
                    "verbs": ["update"],
                },
                {
                    "apiGroups": ["certificates.k8s.io"],
                    "resources": ["signers"],
                    "resourceNames": [approver.SIGNER],
                    "verbs": ["approve"],
                },
                {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get"]},
            ],
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": approver.USER},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": approver.USER},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": approver.USER}],
        },
    ],
    sort_keys=False,
)
"""What it may do in the cluster."""

APPROVAL = hashlib.sha256(json.dumps([ON_CONTROL_PLANES, RIGHTS, approver.ADDRESS]).encode()).hexdigest()[:12]
"""What a node has once `have_approved` is done, as the state keeps it: another one with another Slipway."""


def approve(kubectl: Kubectl, node: str, address: str) -> None:
    """Approve what the kubelet of a node asks for, if it is for the node's own name and address alone."""
    told = kubectl.run("get", "certificatesigningrequests", "--output=json")
    fitting = [
        request["metadata"]["name"]
        for request in json.loads(told)["items"]
        if not request.get("status", {}).get("conditions") and not approver.refusal(request, node, address)
    ]
    if fitting:
        kubectl.run("certificate", "approve", *fitting)


def have_approved(kubectl: Kubectl, reach: Reach, node: Mapping[str, Any]) -> None:
    """Have control planes approve what the kubelet of a node asks for later, and this one too if it is one.

    Args:
        kubectl: On the cluster.
        reach: The way to the node's machine.
        node: The inputs of its resource.
    """
    kubectl.run("label", "node", node["name"], f"{approver.ADDRESS}={node['address']}", "--overwrite")
    if node["role"] == Role.FIRST:
        kubectl.run("apply", "--server-side", "--force-conflicts", "--filename=-", stdin=RIGHTS)
    if node["role"] != Role.WORKER:
        reach.put(ON_CONTROL_PLANES)
        # Which has systemd read its units again, too.
        reach.run("systemctl", "--quiet", "enable", "--now", TIMER)


def is_known(node: Mapping[str, Any], address: str) -> bool:
    """Whether control planes know the address of a node, as the API tells the node."""
    return node["metadata"].get("labels", {}).get(approver.ADDRESS) == address


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
