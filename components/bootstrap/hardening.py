"""What makes a control plane safe beyond kubeadm's defaults: files beside it, and the arguments that name them.

The comments that begin with CIS name the item of the CIS Kubernetes Benchmark 2.0 that a setting answers;
`controls` has all of them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from components.bootstrap.pki import EncryptionKey

FOLDER = "/etc/kubernetes/slipway"
AUDIT_LOGS = "/var/log/kubernetes/audit"

CIPHER = "secretbox"
"""What Secrets are encrypted by in etcd."""

CIPHERS = (
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
)
"""For TLS 1.2; 1.3 has a fixed set of its own."""

ANONYMOUS = (
    "/livez",
    "/readyz",
    "/healthz",
    # What a machine that is to join waits for: the address of the API and its CA, which the machine has already.
    "/api/v1/namespaces/kube-public/configmaps/cluster-info",
)
"""All that may be asked without a name."""

_API_SERVER: Mapping[str, str] = {
    # CIS 1.2.1: instead of anonymous-auth, which health checks need.
    "authentication-config": f"{FOLDER}/authentication.yaml",
    # CIS 1.2.3, 1.2.14: the first one is kubeadm's own.
    "enable-admission-plugins": "NodeRestriction,DenyServiceExternalIPs",
    # CIS 1.2.5: a kubelet's certificate is the cluster's own, and is asked for by its address.
    "kubelet-certificate-authority": "/etc/kubernetes/pki/ca.crt",
    # CIS 1.2.15
    "profiling": "false",
    # CIS 1.2.16 to 1.2.19, 3.2.1
    "audit-policy-file": f"{FOLDER}/audit-policy.yaml",
    "audit-log-path": f"{AUDIT_LOGS}/audit.log",
    "audit-log-maxage": "30",
    "audit-log-maxbackup": "10",
    "audit-log-maxsize": "100",
    # CIS 1.2.27, 1.2.28
    "encryption-provider-config": f"{FOLDER}/encryption.yaml",
    "encryption-provider-config-automatic-reload": "true",
    # CIS 1.2.30
    "service-account-extend-token-expiration": "false",
    # CIS 1.2.29
    "tls-min-version": "VersionTLS12",
    "tls-cipher-suites": ",".join(CIPHERS),
    "admission-control-config-file": f"{FOLDER}/admission.yaml",
    # For upgrades: proxies have time to look elsewhere, and watches then end at once. By default it takes no request
    # any more from one moment to the next, and watches keep it for the whole of its 30 s.
    "shutdown-delay-duration": "10s",
    "shutdown-send-retry-after": "true",
}

_CONTROLLER_MANAGER: Mapping[str, str] = {
    # CIS 1.3.1
    "terminated-pod-gc-threshold": "1000",
    # CIS 1.3.2
    "profiling": "false",
}

_SCHEDULER: Mapping[str, str] = {
    # CIS 1.4.1
    "profiling": "false"
}


def cluster_settings() -> dict[str, Any]:
    """What kubeadm's ClusterConfiguration says of the control plane's programs."""
    return {
        "apiServer": {
            "extraArgs": _arguments(_API_SERVER),
            "extraVolumes": [
                {"name": "slipway", "hostPath": FOLDER, "mountPath": FOLDER, "readOnly": True, "pathType": "Directory"},
                {
                    "name": "audit-logs",
                    "hostPath": AUDIT_LOGS,
                    "mountPath": AUDIT_LOGS,
                    "pathType": "DirectoryOrCreate",
                },
            ],
        },
        "controllerManager": {"extraArgs": _arguments(_CONTROLLER_MANAGER)},
        "scheduler": {"extraArgs": _arguments(_SCHEDULER)},
    }


def kubelet_settings() -> dict[str, Any]:
    """What every kubelet is told beyond kubeadm's defaults."""
    return {
        # The machine's settings are made beforehand, and a kubelet does not change them.
        "protectKernelDefaults": True,
        # CIS 4.2.11: a certificate of the cluster's own CA, approved as `approver` has it.
        "serverTLSBootstrap": True,
        # CIS 4.2.12
        "tlsMinVersion": "VersionTLS12",
        "tlsCipherSuites": list(CIPHERS),
        # CIS 4.2.13
        "podPidsLimit": 4096,
        # CIS 4.2.14, 5.6.2
        "seccompDefault": True,
        # CIS 4.2.5
        "streamingConnectionIdleTimeout": "5m",
    }


def files(encryption_keys: Sequence[EncryptionKey]) -> Mapping[str, str]:
    """The files in `FOLDER`: name → content."""
    return {
        "authentication.yaml": _write(
            {
                "apiVersion": "apiserver.config.k8s.io/v1",
                "kind": "AuthenticationConfiguration",
                "anonymous": {"enabled": True, "conditions": [{"path": path} for path in ANONYMOUS]},
            }
        ),
        "audit-policy.yaml": _write(_AUDIT_POLICY),
        "encryption.yaml": _write(
            {
                "apiVersion": "apiserver.config.k8s.io/v1",
                "kind": "EncryptionConfiguration",
                "resources": [
                    {
                        "resources": ["secrets"],
                        # What was written before there was a key can be read, and is encrypted when written again.
                        "providers": [
                            {CIPHER: {"keys": [dict(key) for key in encryption_keys]}},
                            {"identity": {}},
                        ],
                    }
                ],
            }
        ),
        "admission.yaml": _write(_ADMISSION),
    }


def _arguments(arguments: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in arguments.items()]


def _write(document: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(document), sort_keys=False)


_AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        # Asked all the time, and telling nothing.
        {"level": "None", "nonResourceURLs": ["/healthz*", "/livez*", "/readyz*", "/version", "/openapi*"]},
        {"level": "None", "resources": [{"group": "coordination.k8s.io", "resources": ["leases"]}]},
        {"level": "None", "resources": [{"group": "", "resources": ["events"]}]},
        {"level": "None", "users": ["system:kube-proxy"], "verbs": ["watch"]},
        # Never what is in them.
        {
            "level": "Metadata",
            "resources": [
                {"group": "", "resources": ["secrets", "configmaps", "serviceaccounts/token"]},
                {"group": "authentication.k8s.io", "resources": ["tokenreviews"]},
            ],
        },
        {"level": "Metadata", "verbs": ["get", "list", "watch"]},
        {"level": "Request"},
    ],
}

_ADMISSION = {
    "apiVersion": "apiserver.config.k8s.io/v1",
    "kind": "AdmissionConfiguration",
    "plugins": [
        {
            "name": "PodSecurity",
            "configuration": {
                "apiVersion": "pod-security.admission.config.k8s.io/v1",
                "kind": "PodSecurityConfiguration",
                "defaults": {
                    # CIS 5.2.1 to 5.2.12: a namespace that needs more says so by its labels.
                    "enforce": "baseline",
                    "enforce-version": "latest",
                    "audit": "restricted",
                    "audit-version": "latest",
                    "warn": "restricted",
                    "warn-version": "latest",
                },
                "exemptions": {"usernames": [], "runtimeClasses": [], "namespaces": ["kube-system"]},
            },
        }
    ],
}
