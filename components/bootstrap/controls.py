"""The CIS Kubernetes Benchmark 2.0, as far as something can be read off a cluster made by kubeadm. Pure.

The items and what they look at are those of kube-bench's list for it, those that it leaves to a person too
(https://github.com/aquasecurity/kube-bench/tree/main/cfg/cis-2.0). What is declared is reported by `make compliance`; a
test measures the same items on real machines.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from components.bootstrap import external_etcd, hardening
from components.managed.controls import Control, Line, Resource, is_set, report

ROOT = "root:root"


def _within(most: int) -> Callable[[Any], bool]:
    """Whether a mode, such as `600`, gives nobody more than `most` does."""
    return lambda mode: mode is not None and not int(mode, 8) & ~most


def _has(*words: str) -> Callable[[Any], bool]:
    return lambda value: set(words) <= set(_words(value))


def _lacks(*words: str) -> Callable[[Any], bool]:
    return lambda value: not set(words) & set(_words(value))


def _at_least(least: int) -> Callable[[Any], bool]:
    return lambda value: value is not None and int(value) >= least


def _words(value: Any) -> list[str]:
    return value.split(",") if value else []


def _strong(value: Any) -> bool:
    # Go knows ChaCha20's suites by their names with and without what they hash by.
    known = {suite.removesuffix("_SHA256") for suite in hardening.CIPHERS}
    names = value if isinstance(value, list) else _words(value)
    return bool(names) and {name.removesuffix("_SHA256") for name in names} <= known


def _file(number: str, what: str, most: int = 0o600, owner: str = ROOT) -> tuple[Control, Control]:
    """Two items that follow each other: who may read and write a file, and whose it is."""
    section, _, last = number.rpartition(".")
    about = {"what": what}
    return (
        Control(f"CIS {number}", f"nobody reads or writes {what} who need not", "File", "mode", _within(most), about),
        Control(f"CIS {section}.{int(last) + 1}", f"{what} belongs to {owner}", "File", "owner", owner, about),
    )


def _api(number: str, title: str, flag: str, wanted: Any = is_set) -> Control:
    return Control(f"CIS {number}", title, "ApiServer", flag, wanted)


def _manager(number: str, title: str, flag: str, wanted: Any = is_set) -> Control:
    return Control(f"CIS {number}", title, "ControllerManager", flag, wanted)


def _etcd(number: str, title: str, flag: str, wanted: Any = is_set) -> Control:
    return Control(f"CIS {number}", title, "Etcd", flag, wanted)


def _kubelet(number: str, title: str, field: str, wanted: Any = is_set) -> Control:
    return Control(f"CIS {number}", title, "Kubelet", field, wanted)


def _cluster(number: str, title: str, field: str) -> Control:
    """Something of which there should be none: the value is a list of what there is."""
    return Control(f"CIS {number}", title, "Objects", field, [])


CONTROLS = (
    *_file("1.1.1", "the API server's manifest"),
    *_file("1.1.3", "the controller manager's manifest"),
    *_file("1.1.5", "the scheduler's manifest"),
    *_file("1.1.7", "etcd's manifest"),
    *_file("1.1.9", "a file of the pod network"),
    *_file("1.1.11", "etcd's data", 0o700, "etcd:etcd"),
    *_file("1.1.13", "an administrator's kubeconfig"),
    *_file("1.1.15", "the scheduler's kubeconfig"),
    *_file("1.1.17", "the controller manager's kubeconfig"),
    Control("CIS 1.1.19", "all of the PKI is root's", "File", "owner", ROOT, {"pki": True}),
    Control(
        "CIS 1.1.20", "certificates are root's to write", "File", "mode", _within(0o644), {"what": "a certificate"}
    ),
    Control("CIS 1.1.21", "keys are read by root alone", "File", "mode", _within(0o600), {"what": "a key"}),
    _api("1.2.1", "nobody asks the API without a name", "anonymous-auth", "false"),
    _api("1.2.2", "no token is kept in a file", "token-auth-file", None),
    _api(
        "1.2.3", "no Service takes traffic of others by external IPs", "enable-admission-plugins",
        _has("DenyServiceExternalIPs"),
    ),
    _api("1.2.4", "the API server shows kubelets a certificate", "kubelet-client-certificate"),
    _api("1.2.4", "the API server shows kubelets a certificate", "kubelet-client-key"),
    _api("1.2.5", "the API server checks kubelets' certificates", "kubelet-certificate-authority"),
    _api("1.2.6", "not everybody may do everything", "authorization-mode", _lacks("AlwaysAllow")),
    _api("1.2.7", "a kubelet may do what its own pods need", "authorization-mode", _has("Node")),
    _api("1.2.8", "rights are given by roles", "authorization-mode", _has("RBAC")),
    _api("1.2.9", "events cannot flood the API", "enable-admission-plugins", _has("EventRateLimit")),
    _api("1.2.10", "not everything is admitted", "enable-admission-plugins", _lacks("AlwaysAdmit")),
    _api(
        "1.2.11", "a pod may use an image only if it may pull it", "enable-admission-plugins", _has("AlwaysPullImages")
    ),
    _api("1.2.12", "pods have service accounts", "disable-admission-plugins", _lacks("ServiceAccount")),
    _api(
        "1.2.13", "nothing is made in a namespace that ends", "disable-admission-plugins", _lacks("NamespaceLifecycle")
    ),
    _api("1.2.14", "a kubelet changes its own node alone", "enable-admission-plugins", _has("NodeRestriction")),
    _api("1.2.15", "the API server tells nothing by profiling", "profiling", "false"),
    _api("1.2.16", "requests are logged", "audit-log-path"),
    _api("1.2.17", "logs of requests are kept for 30 days", "audit-log-maxage", _at_least(30)),
    _api("1.2.18", "ten files of them are kept", "audit-log-maxbackup", _at_least(10)),
    _api("1.2.19", "each of 100 MB", "audit-log-maxsize", _at_least(100)),
    _api("1.2.21", "tokens of deleted accounts are refused", "service-account-lookup", _lacks("false")),
    _api("1.2.22", "tokens are checked by a key of their own", "service-account-key-file"),
    _api("1.2.23", "the API server shows etcd a certificate", "etcd-certfile"),
    _api("1.2.23", "the API server shows etcd a certificate", "etcd-keyfile"),
    _api("1.2.24", "the API is served by TLS", "tls-cert-file"),
    _api("1.2.24", "the API is served by TLS", "tls-private-key-file"),
    _api("1.2.25", "client certificates are of the cluster's CA", "client-ca-file"),
    _api("1.2.26", "the API server checks etcd's certificate", "etcd-cafile"),
    _api("1.2.27", "Secrets are encrypted at rest", "encryption-provider-config"),
    Control(
        "CIS 1.2.28", "and by a strong cipher", "EncryptionConfiguration", "provider",
        lambda value: value in ("aescbc", "kms", "secretbox"),
    ),
    _api("1.2.29", "the API's ciphers are strong", "tls-cipher-suites", _strong),
    _api("1.2.30", "tokens of pods end when they say so", "service-account-extend-token-expiration", "false"),
    _manager("1.3.1", "ended pods are removed", "terminated-pod-gc-threshold"),
    _manager("1.3.2", "the controller manager tells nothing by profiling", "profiling", "false"),
    _manager("1.3.3", "each controller has rights of its own", "use-service-account-credentials", "true"),
    _manager("1.3.4", "tokens are signed by a key of their own", "service-account-private-key-file"),
    _manager("1.3.5", "pods know the cluster's CA", "root-ca-file"),
    _manager(
        "1.3.6", "kubelets' certificates are renewed", "feature-gates", _lacks("RotateKubeletServerCertificate=false")
    ),
    _manager("1.3.7", "the controller manager listens on loopback", "bind-address", "127.0.0.1"),
    Control("CIS 1.4.1", "the scheduler tells nothing by profiling", "Scheduler", "profiling", "false"),
    Control("CIS 1.4.2", "the scheduler listens on loopback", "Scheduler", "bind-address", "127.0.0.1"),
    _etcd("2.1", "etcd is served by TLS", "cert-file"),
    _etcd("2.1", "etcd is served by TLS", "key-file"),
    _etcd("2.2", "etcd asks clients for a certificate", "client-cert-auth", "true"),
    _etcd("2.3", "etcd signs none for itself", "auto-tls", _lacks("true")),
    _etcd("2.4", "members talk by TLS", "peer-cert-file"),
    _etcd("2.4", "members talk by TLS", "peer-key-file"),
    _etcd("2.5", "members ask each other for a certificate", "peer-client-cert-auth", "true"),
    _etcd("2.6", "members sign none for themselves", "peer-auto-tls", _lacks("true")),
    _etcd("2.7", "etcd has a CA of its own", "trusted-ca-file", "/etc/kubernetes/pki/etcd/ca.crt"),
    _api("3.2.1", "it is said which requests are logged", "audit-policy-file"),
    *_file("4.1.1", "the kubelet's unit"),
    *_file("4.1.3", "kube-proxy's kubeconfig"),
    *_file("4.1.5", "the kubelet's kubeconfig"),
    *_file("4.1.7", "the CA's certificate", 0o644),
    *_file("4.1.9", "the kubelet's configuration"),
    _kubelet("4.2.1", "nobody asks a kubelet without a name", "authentication.anonymous.enabled", False),
    _kubelet("4.2.2", "a kubelet asks the API who may do what", "authorization.mode", "Webhook"),
    _kubelet("4.2.3", "client certificates are of the cluster's CA", "authentication.x509.clientCAFile"),
    _kubelet("4.2.4", "a kubelet has no port without TLS", "readOnlyPort", lambda port: not port),
    _kubelet("4.2.5", "idle streams end", "streamingConnectionIdleTimeout", lambda time: time not in ("0", "0s")),
    _kubelet("4.2.6", "a kubelet makes the chains it needs", "makeIPTablesUtilChains", lambda made: made is not False),
    Control("CIS 4.2.7", "a node is called what its machine is", "KubeletArguments", "hostname-override", None),
    _kubelet("4.2.8", "events are not dropped", "eventRecordQPS", lambda rate: rate is None or rate >= 0),
    _kubelet("4.2.9", "a kubelet serves by TLS", "tlsCertFile"),
    _kubelet("4.2.10", "a kubelet renews its certificate", "rotateCertificates", lambda does: does is not False),
    _kubelet(
        "4.2.11", "also the one that it serves with", "featureGates.RotateKubeletServerCertificate",
        lambda does: does is not False,
    ),
    _kubelet("4.2.12", "a kubelet's ciphers are strong", "tlsCipherSuites", _strong),
    _kubelet("4.2.13", "a pod cannot start any number of processes", "podPidsLimit", _at_least(1)),
    _kubelet("4.2.14", "system calls of pods are filtered", "seccompDefault", True),
    Control(
        "CIS 4.3.1", "kube-proxy's metrics are on loopback", "KubeProxy", "metricsBindAddress",
        lambda address: not address or address.startswith("127.0.0.1"),
    ),
    _cluster("5.1.1", "few may do everything", "bindings_to_cluster_admin"),
    _cluster("5.1.2", "not everybody reads Secrets", "everybody_may_read_secrets"),
    _cluster("5.1.3", "roles say what they allow", "roles_with_wildcards"),
    _cluster("5.1.4", "not everybody makes pods", "everybody_may_create_pods"),
    _cluster("5.1.5", "default accounts bring no token", "default_accounts_with_token"),
    _cluster("5.1.6", "only who asks the API has a token", "pods_with_token"),
    _cluster("5.2.2", "no container is privileged", "privileged"),
    _cluster("5.2.3", "no pod sees the host's processes", "host_pid"),
    _cluster("5.2.4", "no pod sees the host's IPC", "host_ipc"),
    _cluster("5.2.5", "no pod is in the host's network", "host_network"),
    _cluster("5.2.6", "no container gains rights", "escalating"),
)  # fmt: skip

REASONS: Mapping[str, str] = {
    "CIS 1.1.9": "the pod network's plugins write them; they hold addresses and no secret",
    "CIS 1.1.12": "kubeadm runs etcd as root in its pod; the machine has no user etcd, and the folder is root's alone",
    "CIS 1.2.1": "balancers ask for health without a name; authentication-config allows that and cluster-info alone",
    "CIS 1.2.9": "the plugin is alpha; API Priority and Fairness, which is on, shares the API out",
    "CIS 1.2.11": "no pod could start while its registry is away, nor from images that a machine has offline",
    "CIS 4.2.9": "a kubelet gets its certificate from the cluster's CA and renews it, which a file would stop",
    "CIS 5.1.1": "kubeadm:cluster-admins is the group of the administrators, whose rights can be taken away",
    "CIS 5.1.3": "they are Kubernetes's own, which the API server makes again",
    "CIS 5.1.5": "such an account has no rights; a namespace's owner turns its token off",
    "CIS 5.1.6": "CoreDNS, kube-proxy and flannel ask the API",
    "CIS 5.2.2": "kube-proxy sets the rules of the node's network",
    "CIS 5.2.5": "the control plane, kube-proxy and flannel are what the network is made by",
}  # fmt: skip
"""Item that is not kept → why."""

FOR_A_PERSON: Mapping[str, str] = {
    "CIS 1.2.20": "requests end after a minute, the API server's default",
    "CIS 3.1.1": "the administrator has a certificate for a year; give people OIDC",
    "CIS 3.1.2": "no person has an account's token",
    "CIS 3.1.3": "no token to join with is left",
    "CIS 3.2.2": "changes are logged with what they say, Secrets, ConfigMaps and tokens never with what is in them",
    "CIS 5.1.7": "nobody, but for the API server's own certificate to kubelets; super-admin.conf is removed",
    "CIS 5.1.8": "as Kubernetes has it",
    "CIS 5.1.9": "as Kubernetes has it",
    "CIS 5.1.10": "as Kubernetes has it",
    "CIS 5.1.11": "as Kubernetes has it, and the control planes themselves for what kubelets serve with",
    "CIS 5.1.12": "as Kubernetes has it",
    "CIS 5.1.13": "as Kubernetes has it",
    "CIS 5.2.1": "PodSecurity, in every namespace but kube-system",
    "CIS 5.2.7": "warned of and audited (restricted); a namespace enforces it by a label",
    "CIS 5.2.8": "warned of and audited (restricted)",
    "CIS 5.2.9": "beyond the usual ones refused (baseline), all others warned of and audited",
    "CIS 5.2.10": "refused (baseline)",
    "CIS 5.2.11": "refused (baseline)",
    "CIS 5.2.12": "refused (baseline)",
    "CIS 5.3.1": "flannel has no policies: choose another pod network where you need them",
    "CIS 5.3.2": "yours to write",
    "CIS 5.4.1": "yours to write",
    "CIS 5.4.2": "yours to choose",
    "CIS 5.5.1": "yours to choose",
    "CIS 5.6.1": "yours to make",
    "CIS 5.6.2": "the runtime's profile is every pod's default",
    "CIS 5.6.3": "yours to write; PodSecurity warns of what is missing",
    "CIS 5.6.4": "yours to keep empty",
}
"""Item that no look at a setting answers → how it stands on a cluster that was just made."""

_BY_KUBEADM: Mapping[str, Mapping[str, Any]] = {
    # https://github.com/kubernetes/kubernetes/blob/v1.37.2/cmd/kubeadm/app/phases/controlplane/manifests.go
    "ApiServer": {
        "authorization-mode": "Node,RBAC",
        "client-ca-file": "/etc/kubernetes/pki/ca.crt",
        "enable-admission-plugins": "NodeRestriction",
        "etcd-cafile": "/etc/kubernetes/pki/etcd/ca.crt",
        "etcd-certfile": "/etc/kubernetes/pki/apiserver-etcd-client.crt",
        "etcd-keyfile": "/etc/kubernetes/pki/apiserver-etcd-client.key",
        "kubelet-client-certificate": "/etc/kubernetes/pki/apiserver-kubelet-client.crt",
        "kubelet-client-key": "/etc/kubernetes/pki/apiserver-kubelet-client.key",
        "service-account-key-file": "/etc/kubernetes/pki/sa.pub",
        "tls-cert-file": "/etc/kubernetes/pki/apiserver.crt",
        "tls-private-key-file": "/etc/kubernetes/pki/apiserver.key",
    },
    "ControllerManager": {
        "bind-address": "127.0.0.1",
        "root-ca-file": "/etc/kubernetes/pki/ca.crt",
        "service-account-private-key-file": "/etc/kubernetes/pki/sa.key",
        "use-service-account-credentials": "true",
    },
    "Scheduler": {"bind-address": "127.0.0.1"},
    # https://github.com/kubernetes/kubernetes/blob/v1.37.2/cmd/kubeadm/app/phases/etcd/local.go
    "Etcd": {
        "cert-file": "/etc/kubernetes/pki/etcd/server.crt",
        "client-cert-auth": "true",
        "key-file": "/etc/kubernetes/pki/etcd/server.key",
        "peer-cert-file": "/etc/kubernetes/pki/etcd/peer.crt",
        "peer-client-cert-auth": "true",
        "peer-key-file": "/etc/kubernetes/pki/etcd/peer.key",
        "trusted-ca-file": "/etc/kubernetes/pki/etcd/ca.crt",
    },
    # https://github.com/kubernetes/kubernetes/blob/v1.37.2/cmd/kubeadm/app/componentconfigs/kubelet.go
    "Kubelet": {
        "authentication": {
            "anonymous": {"enabled": False},
            "x509": {"clientCAFile": "/etc/kubernetes/pki/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "rotateCertificates": True,
    },
    "KubeProxy": {},
}  # fmt: skip
"""What kubeadm itself tells each program."""


ETCD_FILES = ("caFile", "certFile", "keyFile")
"""What kubeadm calls those with which API servers ask etcd, and their arguments all but for the case."""


def declared(*, own_etcd: bool = True) -> list[Resource]:
    """Every program's settings, as a cluster is made with them: kubeadm's own, and those of `hardening` over them.

    Args:
        own_etcd: Whether control planes run etcd; else nothing is declared of it.
    """
    settings = hardening.cluster_settings()
    ours: dict[str, Mapping[str, Any]] = {
        "ApiServer": _flags(settings["apiServer"]["extraArgs"]),
        "ControllerManager": _flags(settings["controllerManager"]["extraArgs"]),
        "Scheduler": _flags(settings["scheduler"]["extraArgs"]),
        "Kubelet": hardening.kubelet_settings(),
    }
    if not own_etcd:
        told = external_etcd.settings(())["external"]
        ours["ApiServer"] = {**ours["ApiServer"], **{f"etcd-{name.lower()}": told[name] for name in ETCD_FILES}}
    programs = [
        Resource(f"kubeadm:{kind}", kind, {**defaults, **ours.get(kind, {})})
        for kind, defaults in _BY_KUBEADM.items()
        if own_etcd or kind != "Etcd"
    ]
    encryption = Resource("kubeadm:EncryptionConfiguration", "EncryptionConfiguration", {"provider": hardening.CIPHER})
    return [*programs, encryption]


def compliance(*, own_etcd: bool = True) -> list[Line]:
    """How a cluster keeps the items that its programs' settings answer; a cluster has no say in them.

    Args:
        own_etcd: Whether control planes run etcd.
    """
    not_own = [] if own_etcd else report([control for control in CONTROLS if control.kind == "Etcd"], [], {})
    return [
        *report_of(declared(own_etcd=own_etcd)),
        *(replace(line, why="etcd is not the cluster's own") for line in not_own),
    ]


def report_of(resources: Sequence[Resource]) -> list[Line]:
    """How `resources` keep the items that are about their kinds."""
    kinds = {resource.type.rpartition(":")[2] for resource in resources}
    return report([control for control in CONTROLS if control.kind in kinds], resources, REASONS)


def _flags(arguments: Iterable[Mapping[str, str]]) -> dict[str, str]:
    return {argument["name"]: argument["value"] for argument in arguments}
