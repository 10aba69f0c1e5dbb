"""A cluster that is there already, as one dynamic resource that only reads.

Its check asks the cluster, at every preview: what it finds there is the resource's own, so that a change of it, a new
certificate say, is an update.

This class is found again by its name when a stack is destroyed years later: it may not be renamed or moved.
"""

import base64
import hashlib
import json
from typing import Any

import yaml
from pulumi import dynamic

from components import versions
from components.bootstrap.kubectl import Kubectl, KubectlError
from components.kubeconfig import cluster_of
from components.local import existing_kubeconfig
from components.local.existing_kubeconfig import DOCKER_DESKTOP, KubeconfigError
from components.local.provider import Properties, failure
from components.provider import Provider
from components.spec import Fault, SpecError


class ExistingProvider(Provider):
    """What a cluster tells of itself. Inputs: `name`, `version`, `context` and perhaps `kubeconfig_path`."""

    def check(self, _olds: Properties, news: Properties) -> dynamic.CheckResult:
        """Ask the cluster, and refuse at preview what does not answer or runs another version."""
        try:
            found = _found(news)
        except (KubeconfigError, KubectlError, SpecError) as error:
            return dynamic.CheckResult(news, [failure(error)])
        # The state of inputs is not secret: what tells a change is not what changed.
        return dynamic.CheckResult({**news, "seen": _digest(found)}, [])

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> dynamic.DiffResult:
        """Whatever is found differently is taken over; nothing is ever made anew."""
        keys = ("name", "version", "context", "kubeconfig_path", "seen")
        return dynamic.DiffResult(changes=any(_olds.get(key) != _news.get(key) for key in keys), replaces=[])

    def create(self, props: Properties) -> dynamic.CreateResult:
        """Read the cluster; nothing is made."""
        return dynamic.CreateResult(props["name"], {**props, **_found(props)})

    def update(self, _id: str, _olds: Properties, _news: Properties) -> dynamic.UpdateResult:
        """Read it again."""
        return dynamic.UpdateResult({**_news, **_found(_news)})

    def read(self, id_: str, props: Properties) -> dynamic.ReadResult:
        """What was read stays: whether it is still so, the next preview finds out and tells."""
        return dynamic.ReadResult(id_, props)

    def delete(self, _id: str, _props: Properties) -> None:
        """Nothing was made, and nothing goes."""


def _found(props: Properties) -> dict[str, Any]:
    """What the cluster tells of itself, as outputs.

    Raises:
        KubeconfigError: Its kubeconfig cannot be had.
        KubectlError: It does not answer.
        SpecError: It runs another version than the stack says.
    """
    name, context = props["name"], props["context"]
    text = existing_kubeconfig.read(props.get("kubeconfig_path"), context, name)
    cluster = cluster_of(text)
    with Kubectl.on(text) as kubectl:
        try:
            running = json.loads(kubectl.run("get", "--raw", "/version"))["gitVersion"]
            fault = _fault_of_version(props["version"], running)
        except (KubectlError, AttributeError, KeyError, TypeError, ValueError) as error:
            why = str(error) if isinstance(error, KubectlError) else "what answers is no Kubernetes"
            raise KubectlError(
                f"the cluster of context {context!r} ({cluster['server']}) does not answer: {why}; {_fix(context, why)}"
            ) from None
        if fault:
            raise SpecError([fault])
        pods, services = _pod_cidr(kubectl), _service_cidr(kubectl)
    ca = cluster.get("certificate-authority-data")
    return {
        "kubeconfig": text,
        "endpoint": cluster["server"],
        "ca_certificate": base64.b64decode(ca).decode() if ca else None,
        "kubernetes_version": running,
        "pod_cidr": pods,
        "service_cidr": services,
    }


def _fault_of_version(wanted: str, running: str) -> Fault | None:
    plain = _plain(running)
    if versions.same(wanted, plain):
        return None
    return Fault(
        "version",
        f"the cluster runs {running}, and nothing here upgrades it; "
        f'write version: "{versions.minor_of(plain)}", or choose another context',
    )


def _plain(running: str) -> str:
    """`v1.37.2` of `v1.37.2+k3s1`, `v1.37.2-eks-0123abc` or `v1.37.2+orb1`."""
    return running.partition("+")[0].partition("-")[0]


def _fix(context: str, why: str) -> str:
    if "getting credentials" in why:  # client-go's words for a program of the user's (`exec`)
        return "mend that, or write another context, and try again"
    if context == DOCKER_DESKTOP:
        return "start Docker Desktop (`docker desktop start`), see that its Kubernetes is on, and try again"
    return "start it, or write another context, and try again"


def _service_cidr(kubectl: Kubectl) -> str | None:
    """What the API gives Services addresses from; Kubernetes tells it since 1.33."""
    told = _told(kubectl, "/apis/networking.k8s.io/v1/servicecidrs/kubernetes")
    cidrs = (told or {}).get("spec", {}).get("cidrs") or [None]
    return cidrs[0]


def _pod_cidr(kubectl: Kubectl) -> str | None:
    """What kubeadm was told, where it made the cluster; no API tells it of others."""
    told = _told(kubectl, "/api/v1/namespaces/kube-system/configmaps/kubeadm-config")
    try:
        configuration = yaml.safe_load((told or {}).get("data", {}).get("ClusterConfiguration", "")) or {}
        subnets = configuration.get("networking", {}).get("podSubnet")
        return subnets.split(",")[0] if subnets else None
    except (AttributeError, yaml.YAMLError):
        return None  # somebody has written something else there, and nothing depends on it


def _told(kubectl: Kubectl, path: str) -> dict[str, Any] | None:
    """What the API says at a path; none where it does not say, or not to this user."""
    try:
        return json.loads(kubectl.run("get", "--raw", path))
    except (KubectlError, ValueError):
        return None


def _digest(found: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()
