"""kubeadm's configuration, v1beta4: what `kubeadm init` and `kubeadm join` read.

https://kubernetes.io/docs/reference/config-api/kubeadm-config.v1beta4/
"""

from typing import Any

import yaml

from components.bootstrap import external_etcd, hardening
from components.bootstrap.plan import API_PORT, DNS_DOMAIN, PROXY_PORT, Machine, Plan, Role

PATCHES = "/etc/slipway/patches"
"""Where a machine has what only it needs; empty on an ordinary one."""

JOIN_KUBECONFIG = "/etc/slipway/join.kubeconfig"
SOCKET = "unix:///run/containerd/containerd.sock"
API_VERSION = "kubeadm.k8s.io/v1beta4"

LEFT_BEHIND = (
    *(f"Port-{port}" for port in (API_PORT, 10250, 10257, 10259, 2379, 2380)),
    *(f"DirAvailable--{one}" for one in ("etc-kubernetes-manifests", "var-lib-etcd")),
    *(
        f"FileAvailable--etc-kubernetes-manifests-{one}.yaml"
        for one in ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
    ),
    *(f"FileAvailable--etc-kubernetes-{one}" for one in ("bootstrap-kubelet.conf", "kubelet.conf", "pki-ca.crt")),
)
"""kubeadm's checks of what an attempt leaves behind that was killed: another attempt goes on with it. All others stay
what they are. Names as in `kubeadm/app/preflight/checks.go`."""


def init(plan: Plan, machine: Machine) -> str:
    """What starts the cluster."""
    return yaml.safe_dump_all(
        [
            {
                "apiVersion": API_VERSION,
                "kind": "InitConfiguration",
                # There must be one while the rights of joining machines are made; the step deletes it right after.
                "bootstrapTokens": [{"ttl": "15m0s"}],
                "localAPIEndpoint": _own(machine),
                "nodeRegistration": _registration(machine),
                "patches": {"directory": PATCHES},
                "timeouts": _timeouts(plan),
            },
            {
                "apiVersion": API_VERSION,
                "kind": "ClusterConfiguration",
                "clusterName": plan.name,
                "kubernetesVersion": plan.version,
                "controlPlaneEndpoint": f"127.0.0.1:{PROXY_PORT}",
                "networking": {
                    "podSubnet": plan.pod_cidr,
                    "serviceSubnet": plan.service_cidr,
                    "dnsDomain": DNS_DOMAIN,
                },
                "encryptionAlgorithm": "ECDSA-P256",
                **_control_plane(plan),
            },
            {
                "apiVersion": "kubelet.config.k8s.io/v1beta1",
                "kind": "KubeletConfiguration",
                **hardening.kubelet_settings(),
            },
            {
                "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
                "kind": "KubeProxyConfiguration",
                "mode": "iptables",
                # The machine's settings are made beforehand.
                "conntrack": {"maxPerCore": 0, "min": 0},
            },
        ],
        sort_keys=False,
    )


def join(plan: Plan, machine: Machine) -> str:
    """What a machine joins the cluster with."""
    control_plane = {"controlPlane": {"localAPIEndpoint": _own(machine)}} if machine.role is not Role.WORKER else {}
    return yaml.dump(
        {
            "apiVersion": API_VERSION,
            "kind": "JoinConfiguration",
            "discovery": {"file": {"kubeConfigPath": JOIN_KUBECONFIG}},
            "nodeRegistration": _registration(machine),
            "patches": {"directory": PATCHES},
            "timeouts": _timeouts(plan),
            **control_plane,
        },
        Dumper=yaml.CSafeDumper,
        sort_keys=False,
    )


def _timeouts(plan: Plan) -> dict[str, str]:
    """How long an API server that has just begun may take: kubeadm's minute is too short for slow machines.

    One that is given up begins anew with the next attempt, and is no faster then.
    """
    return {
        "controlPlaneComponentHealthCheck": f"{max(4, plan.minutes // 4)}m0s",
        "kubernetesAPICall": f"{max(3, plan.minutes // 4)}m0s",
    }


def _own(machine: Machine) -> dict[str, Any]:
    return {"advertiseAddress": machine.address, "bindPort": API_PORT}


def _registration(machine: Machine) -> dict[str, Any]:
    return {
        "name": machine.name,
        "criSocket": SOCKET,
        "kubeletExtraArgs": [{"name": "node-ip", "value": machine.address}],
    }


def _control_plane(plan: Plan) -> dict[str, Any]:
    settings = hardening.cluster_settings()
    settings["apiServer"]["certSANs"] = plan.api_names
    return {**settings, **({"etcd": external_etcd.settings(plan.etcd_endpoints)} if plan.etcd_endpoints else {})}
