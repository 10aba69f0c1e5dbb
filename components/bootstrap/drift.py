"""What has become of a machine since it was made a node: certificates that end, files that were changed. Pure.

`files/look.py` looks at the machine; nothing of what is found here is mended without being asked for.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509

LOOK = (Path(__file__).parent / "files/look.py").read_text()
"""What a machine's Python runs to tell."""

MANIFESTS = "/etc/kubernetes/manifests"

UNSEEN = "the machine cannot be looked at"
"""How the fault of a machine begins that does not answer."""

_KUBELET = "its kubelet is"


@dataclass(frozen=True)
class Sight:
    """What a machine is like."""

    files: Mapping[str, str]
    """Path → digest of what Slipway and kubeadm have put there."""

    ends: datetime | None
    """When the first of its certificates ends; none where it has none."""

    renewed_from: datetime | None
    """When the first of them comes into the last third of its life."""

    members: Collection[str] | None
    """Names of etcd's members, as its own one tells: empty where that is silent, None where there is to be none."""


def parse(told: str) -> Sight:
    """What `LOOK` has printed.

    Raises:
        ValueError: It is something else.
    """
    seen = json.loads(told)
    loaded = [x509.load_pem_x509_certificate(pem.encode()) for pem in seen["certificates"].values()]
    renewals = [one.not_valid_after_utc - (one.not_valid_after_utc - one.not_valid_before_utc) / 3 for one in loaded]
    return Sight(
        seen["files"],
        min((one.not_valid_after_utc for one in loaded), default=None),
        min(renewals, default=None),
        seen["members"],
    )


def faults(name: str, made: Mapping[str, str], seen: Sight) -> list[str]:
    """What is not as it was made, a line each.

    Args:
        name: Of the node.
        made: Path → digest, when the node was made or last changed by a run.
        seen: What the machine is like.
    """
    found = [
        f"{path} was {'changed' if path in seen.files else 'removed'} on the machine"
        for path, digest in made.items()
        if seen.files.get(path) != digest
    ]
    found += [f"{path} was added on the machine" for path in seen.files if path not in made and MANIFESTS in path]
    if seen.members is not None and name not in seen.members:
        found.append("it is no member of etcd that answers")
    return found


def other_kubelet(runs: str, made: str) -> str:
    """What is said of a node whose kubelet is not of the version that it was made with."""
    return f"{_KUBELET} {runs}, and {made} was put there"


def mending(fault: str) -> str:
    """How a person mends a fault, as an order."""
    if fault.startswith(UNSEEN):
        return "start it, or replace it"
    if fault.startswith(_KUBELET):
        return "install that again and start the kubelet anew, or replace the machine"
    if "etcd" in fault and MANIFESTS not in fault:
        return "look at /var/log/pods/kube-system_etcd-* there, or replace the machine"
    if "was added" in fault:
        return "remove it, or replace the machine"
    if MANIFESTS in fault and "was changed" in fault:
        # kubeadm waits, for five minutes, until the kubelet runs something else than it does now.
        return (
            "once its kubelet runs what was changed (half a minute later), run `kubeadm upgrade node phase "
            "control-plane` there, or replace the machine"
        )
    return "put it back, or replace the machine"
