"""Pod networks that come as a chart of their makers: which one, from where, and what it is told. Pure.

Both leave Services to kube-proxy. Neither has values that differ from run to run: whatever did would be a change.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components import versions
from components.bootstrap.plan import PodNetwork


@dataclass(frozen=True)
class Chart:
    """A chart that Helm installs."""

    name: str
    version: str

    place: str
    """Where its makers publish it, without `https://`; a mirror has it below that name."""

    namespace: str

    def repository(self, mirror: str | None) -> str:
        """URL of the repository that has it."""
        return f"{mirror}/{self.place}" if mirror else f"https://{self.place}"


CILIUM = Chart("cilium", "1.20.2", "helm.cilium.io", "kube-system")
CALICO = Chart("tigera-operator", "v3.33.0", "docs.tigera.io/calico/charts", "tigera-operator")

CALICO_TYPES = Chart("crd.projectcalico.org.v1", CALICO.version, CALICO.place, CALICO.namespace)
"""What the operator's objects are; too much for a Secret, where Helm would keep a release of it
(https://github.com/tigera/docs/pull/2636)."""

EXTRA = "kubernetes"
"""The extra of pyproject.toml with the SDK that installs them."""

CHARTS: Mapping[PodNetwork, Chart] = {PodNetwork.CALICO: CALICO, PodNetwork.CILIUM: CILIUM}

TESTED: Mapping[PodNetwork, Sequence[str]] = {
    PodNetwork.CALICO: ("1.35", "1.36", "1.37"),
    PodNetwork.CILIUM: ("1.33", "1.34", "1.35", "1.36"),
}
"""Minors of Kubernetes that the makers test these versions with
(https://docs.tigera.io/calico/latest/getting-started/kubernetes/requirements and
https://docs.cilium.io/en/stable/network/kubernetes/compatibility/)."""


def values(cni: PodNetwork, pod_cidr: str, nodes: int) -> Mapping[str, Any]:
    """What a chart is told beyond its defaults.

    Args:
        cni: Which pod network.
        pod_cidr: Addresses of pods.
        nodes: How many nodes there are.
    """
    if cni is PodNetwork.CILIUM:
        return {
            "kubeProxyReplacement": False,
            # Each node's share of the pods' addresses is the one that Kubernetes gives it.
            "ipam": {"mode": "kubernetes"},
            # No two of them find room on one node.
            "operator": {"replicas": min(nodes, 2)},
            # It comes with certificates that are made anew each time the chart is rendered.
            "hubble": {"enabled": False},
        }
    return {
        "installation": {
            "cni": {"type": "Calico"},
            "calicoNetwork": {
                # By default it may be eBPF, which would take Services from kube-proxy.
                "linuxDataplane": "Iptables",
                "bgp": "Disabled",
                "nodeAddressAutodetectionV4": {"kubernetes": "NodeInternalIP"},
                "ipPools": [
                    {
                        "name": "default-ipv4-ippool",
                        "cidr": pod_cidr,
                        "encapsulation": "VXLAN",
                        "natOutgoing": "Enabled",
                        "nodeSelector": "all()",
                    }
                ],
            },
        },
        # What shows flows to people; policies need neither.
        "goldmane": {"enabled": False},
        "whisker": {"enabled": False},
    }


def untested(cni: PodNetwork, version: str) -> str | None:
    """What is to be said where nobody has tried a pod network with a version of Kubernetes, if so."""
    tested = TESTED.get(cni)
    if tested is None or versions.minor_of(version) in tested:
        return None
    return (
        f"cni: the makers of {cni} test its {CHARTS[cni].version} with Kubernetes {tested[0]} to {tested[-1]}, and not "
        f"with {versions.minor_of(version)}"
    )
