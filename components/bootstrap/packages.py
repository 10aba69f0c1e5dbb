"""Where a machine's programs come from: repositories whose keys are known beforehand, a mirror, or its image.

containerd comes as Docker's package `containerd.io`, signed, for all distributions and with runc in it: Debian 12 and
Ubuntu 22.04 have 1.6 and 1.7 alone, which no kubelet here takes, and the containerd project has no packages. Version 3
of its configuration is what all of 2.x read; 2.3 and later call it 4 once they have.
"""

from collections.abc import Mapping
from pathlib import Path

from components import versions
from components.bootstrap.plan import Distribution, Packages, Plan

FILES = Path(__file__).parent / "files"

KUBERNETES_KEY = "DE15B14486CD377B9E876E1A234654DA9A296436"
"""Fingerprint of what signs the packages of pkgs.k8s.io, which is made valid for longer each time before it ends."""

DOCKER_KEYS = {
    "debian": "9DC858229FC7DD38854AE2D88D81803C0EBFCD88",
    "ubuntu": "9DC858229FC7DD38854AE2D88D81803C0EBFCD88",
    "rocky": "060A61C51B558A7F742B77AAC52FEB6B621E9F35",
}
"""Fingerprints of what signs Docker's packages (https://docs.docker.com/engine/install/)."""

REGISTRIES = ("registry.k8s.io", "ghcr.io", "docker.io", "quay.io")
"""Where a cluster's images come from, unless a mirror has them."""


def settings(plan: Plan) -> Mapping[str, str]:
    """What the step that installs is told."""
    if plan.packages is Packages.INSTALLED:
        return {"KUBERNETES": plan.version.removeprefix("v")}
    family = plan.distribution.family
    return {
        "KUBERNETES": plan.version.removeprefix("v"),
        "KUBERNETES_REPOSITORY": f"{_host(plan, 'pkgs.k8s.io')}/core:/stable:/v{versions.minor_of(plan.version)}",
        "KUBERNETES_KEY": KUBERNETES_KEY,
        # Rocky's packages are those of the distribution that it is built from.
        "DOCKER_REPOSITORY": f"{_host(plan, 'download.docker.com')}/linux/{family if family != 'rocky' else 'rhel'}",
        "DOCKER_KEY": DOCKER_KEYS[family],
    }


def step(plan: Plan) -> str:
    """The file of the step that installs."""
    if plan.packages is Packages.INSTALLED:
        return "install-nothing"
    return "install-with-dnf" if plan.distribution is Distribution.ROCKY_9 else "install-with-apt"


def source(plan: Plan) -> Mapping[str, object]:
    """What a node is told of where programs come from: the step that takes them, and its settings."""
    return {"step": step(plan), "settings": settings(plan)}


def files(plan: Plan) -> Mapping[str, str]:
    """How containerd is configured: path → content. An image that brings containerd brings its configuration."""
    if plan.packages is Packages.INSTALLED:
        return {}
    return {
        "/etc/slipway/containerd.toml": (FILES / "containerd.toml").read_text(),
        **{f"/etc/containerd/certs.d/{name}/hosts.toml": _mirror(plan, name) for name in _mirrored(plan)},
    }


def _host(plan: Plan, name: str) -> str:
    return f"{plan.mirror}/{name}" if plan.packages is Packages.MIRROR else f"https://{name}"


def _mirrored(plan: Plan) -> tuple[str, ...]:
    return REGISTRIES if plan.packages is Packages.MIRROR else ()


def _mirror(plan: Plan, registry: str) -> str:
    """Have containerd ask the mirror and nobody else (https://github.com/containerd/containerd/blob/main/docs/hosts.md)."""
    url = f"{plan.mirror}/v2/{registry}"
    return f"""\
server = "{url}"
[host."{url}"]
capabilities = ["pull", "resolve"]
override_path = true
"""
