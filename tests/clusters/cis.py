"""What a cluster on own machines really is, item by item of the CIS benchmark: processes, files and objects."""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import yaml

from components.managed.controls import Resource

LOOK = r"""
import glob, grp, json, os, pwd
PROGRAMS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd", "kubelet")
K = "/etc/kubernetes"
FILES = {
    "the API server's manifest": [K + "/manifests/kube-apiserver.yaml"],
    "the controller manager's manifest": [K + "/manifests/kube-controller-manager.yaml"],
    "the scheduler's manifest": [K + "/manifests/kube-scheduler.yaml"],
    "etcd's manifest": [K + "/manifests/etcd.yaml"],
    "a file of the pod network": ["/etc/cni/net.d/*", "/var/lib/cni/networks/*/*"],
    "etcd's data": ["/var/lib/etcd"],
    "an administrator's kubeconfig": [K + "/admin.conf", K + "/super-admin.conf"],
    "the scheduler's kubeconfig": [K + "/scheduler.conf"],
    "the controller manager's kubeconfig": [K + "/controller-manager.conf"],
    "a certificate": [K + "/pki/*.crt", K + "/pki/*/*.crt"],
    "a key": [K + "/pki/*.key", K + "/pki/*/*.key"],
    "a folder of keys": [K + "/pki", K + "/pki/etcd"],
    "the kubelet's unit": [
        folder + "/systemd/system/kubelet.service" + name
        for folder in ("/etc", "/usr/lib")
        for name in ("", ".d/*.conf")
    ],
    "kube-proxy's kubeconfig": ["/etc/kubernetes/proxy.conf", "/var/lib/kube-proxy/kubeconfig*"],
    "the kubelet's kubeconfig": [K + "/kubelet.conf"],
    "the CA's certificate": [K + "/pki/ca.crt"],
    "the kubelet's configuration": ["/var/lib/kubelet/config.yaml"],
}
programs = {}
for process in glob.glob("/proc/[0-9]*/cmdline"):
    try:
        words = open(process).read().split("\0")
    except OSError:
        continue
    name = os.path.basename(words[0])
    if name in PROGRAMS:
        flags = (word[2:].partition("=") for word in words[1:] if word.startswith("--"))
        programs[name] = {flag: value for flag, _, value in flags}
files = []
for what, patterns in FILES.items():
    for path in (path for pattern in patterns for path in glob.glob(pattern)):
        facts = os.stat(path)
        owner = pwd.getpwuid(facts.st_uid).pw_name + ":" + grp.getgrgid(facts.st_gid).gr_name
        mode = format(facts.st_mode & 0o7777, "o")
        files.append({"what": what, "path": path, "mode": mode, "owner": owner, "pki": path.startswith(K + "/pki")})
kubelet = open("/var/lib/kubelet/config.yaml").read()
encryption = K + "/slipway/encryption.yaml"
encryption = open(encryption).read() if os.path.exists(encryption) else None
print(json.dumps({"programs": programs, "files": files, "kubelet": kubelet, "encryption": encryption}))
"""
"""Run on a machine, by a Python without YAML."""

KINDS = {
    "kube-apiserver": "ApiServer",
    "kube-controller-manager": "ControllerManager",
    "kube-scheduler": "Scheduler",
    "etcd": "Etcd",
    "kubelet": "KubeletArguments",
}


def measure(machines: Iterable[str], on: Callable[..., str], kubectl: Callable[..., str]) -> list[Resource]:
    """Everything that an item of the benchmark is about.

    Args:
        machines: Their names.
        on: Runs something on a machine.
        kubectl: Asks the cluster.
    """
    found = []
    for machine in machines:
        told = json.loads(on(machine, "python3", "-c", LOOK))
        found += [
            Resource(f"measured:{KINDS[name]}", f"{machine} {name}", flags) for name, flags in told["programs"].items()
        ]
        found += [Resource("measured:File", f"{machine} {file['path']}", file) for file in told["files"]]
        found.append(Resource("measured:Kubelet", machine, yaml.safe_load(told["kubelet"])))
        if told["encryption"]:
            (rule,) = yaml.safe_load(told["encryption"])["resources"]
            provider = next(iter(rule["providers"][0]))
            found.append(Resource("measured:EncryptionConfiguration", machine, {"provider": provider}))
    proxy = json.loads(kubectl("get", "configmap", "kube-proxy", "--namespace=kube-system", "--output=json"))
    found.append(Resource("measured:KubeProxy", "kube-proxy", yaml.safe_load(proxy["data"]["config.conf"])))
    found.append(Resource("measured:Objects", "cluster", dict(_objects(kubectl))))
    return found


def _objects(kubectl: Callable[..., str]) -> Iterator[tuple[str, list[str]]]:
    def every(kind: str) -> list[dict[str, Any]]:
        return json.loads(kubectl("get", kind, "--all-namespaces", "--output=json"))["items"]

    def named(things: Iterable[dict[str, Any]]) -> list[str]:
        return sorted(thing["metadata"]["name"] for thing in things)

    def everybody_may(verb: str, kind: str) -> list[str]:
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {
                "user": "anybody",
                "groups": ["system:authenticated"],
                "resourceAttributes": {"verb": verb, "resource": kind},
            },
        }
        told = json.loads(kubectl("create", "--filename=-", "--output=json", stdin=json.dumps(review)))
        return [verb] if told["status"]["allowed"] else []

    bindings = [one for one in every("clusterrolebindings") if one["roleRef"]["name"] == "cluster-admin"]
    yield "bindings_to_cluster_admin", [name for name in named(bindings) if name != "cluster-admin"]
    yield (
        "everybody_may_read_secrets",
        [word for verb in ("get", "list", "watch") for word in everybody_may(verb, "secrets")],
    )
    yield "everybody_may_create_pods", everybody_may("create", "pods")
    roles = [*every("roles"), *every("clusterroles")]
    fields = ("apiGroups", "resources", "verbs", "nonResourceURLs")
    yield (
        "roles_with_wildcards",
        named(
            role
            for role in roles
            if any("*" in rule.get(field, []) for rule in role["rules"] or [] for field in fields)
        ),
    )
    accounts = {(one["metadata"]["namespace"], one["metadata"]["name"]): one for one in every("serviceaccounts")}
    mounts = {key: one.get("automountServiceAccountToken", True) for key, one in accounts.items()}
    yield (
        "default_accounts_with_token",
        sorted(space for (space, name), does in mounts.items() if does and name == "default"),
    )
    pods = every("pods")

    def has_token(pod: dict[str, Any]) -> bool:
        account = pod["metadata"]["namespace"], pod["spec"].get("serviceAccountName")
        return pod["spec"].get("automountServiceAccountToken", mounts.get(account, False))

    yield "pods_with_token", named(pod for pod in pods if has_token(pod))

    def with_container(field: str) -> list[str]:
        return named(
            pod for pod in pods if any(one.get("securityContext", {}).get(field) for one in pod["spec"]["containers"])
        )

    yield "privileged", with_container("privileged")
    yield "escalating", with_container("allowPrivilegeEscalation")
    for key, field in {"host_pid": "hostPID", "host_ipc": "hostIPC", "host_network": "hostNetwork"}.items():
        yield key, named(pod for pod in pods if pod["spec"].get(field))
