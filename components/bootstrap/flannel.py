"""flannel: the pod network, as its makers publish it."""

from pathlib import Path

from components.bootstrap.plan import Plan

VERSION = "v0.28.10"

_MANIFEST = Path(__file__).parent / "files" / "kube-flannel.yml"
"""Documentation/kube-flannel.yml of that version (https://github.com/flannel-io/flannel), unchanged."""

_NETWORK = '"Network": "10.244.0.0/16"'


def manifest(plan: Plan) -> str:
    """The manifest for the pods' network of a cluster."""
    return _MANIFEST.read_text().replace(_NETWORK, f'"Network": "{plan.pod_cidr}"')
