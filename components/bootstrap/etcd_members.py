"""The members of etcd on control planes, asked through one that runs."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from components.bootstrap.kubectl import Kubectl, KubectlError

_PKI = "/etc/kubernetes/pki/etcd"


def remove(kubectl: Kubectl, name: str, address: str, *, though_it_answers: bool = False) -> str:
    """Take a control plane that is gone, or will be, out of etcd; why that cannot be, if so."""
    refused = "it is the only member that runs"
    peer = f"https://{address}:2380"
    for pod in _pods(kubectl):
        if pod == f"etcd-{name}":
            continue
        try:
            members = json.loads(_etcdctl(kubectl, pod, "member", "list", "--write-out=json"))["members"]
            for member in members:
                # One that was added and never started has no name.
                is_it = member.get("name") == name or peer in member.get("peerURLs", ())
                # One that answers belongs to another machine of that name, which has joined meanwhile.
                if is_it and (though_it_answers or not _answers(kubectl, pod, member)):
                    _etcdctl(kubectl, pod, "member", "remove", f"{member['ID']:x}")
        except KubectlError as error:
            refused = str(error)
            continue  # another member may be well
        return ""
    return refused


def has_others(kubectl: Kubectl, name: str) -> bool:
    """Whether another control plane than that of this name runs etcd."""
    return any(pod != f"etcd-{name}" for pod in _pods(kubectl))


def ailment(kubectl: Kubectl) -> str:
    """Why no member may be stopped now; nothing where etcd goes on without any one of them.

    Raises:
        KubectlError: No member could be asked.
    """
    refused = KubectlError("no etcd runs")
    for pod in _pods(kubectl):
        try:
            told = json.loads(_etcdctl(kubectl, pod, "member", "list", "--write-out=json"))["members"]
        except KubectlError as error:
            refused = error
            continue
        for member in told:
            if not _answers(kubectl, pod, member):
                return f"etcd does not answer on {member.get('name') or 'a machine that is about to join'}"
        # Control planes are of an odd number, and of an even one none may be missing that an odd one would bear.
        return f"etcd has {len(told)} members: one is about to come or to go" if len(told) % 2 == 0 else ""
    raise refused


def _pods(kubectl: Kubectl) -> Iterator[str]:
    told = kubectl.run("get", "pods", "--namespace=kube-system", "--selector=component=etcd", "--output=json")
    for pod in json.loads(told)["items"]:
        if pod["status"]["phase"] == "Running":
            yield pod["metadata"]["name"]


def _etcdctl(kubectl: Kubectl, pod: str, *words: str) -> str:
    keys = (f"--cacert={_PKI}/ca.crt", f"--cert={_PKI}/server.crt", f"--key={_PKI}/server.key")
    return kubectl.run("exec", "--namespace=kube-system", pod, "--", "etcdctl", *keys, *words)


def _answers(kubectl: Kubectl, pod: str, member: Mapping[str, Any]) -> bool:
    if not member.get("clientURLs"):
        return False
    try:
        _etcdctl(kubectl, pod, "endpoint", "health", f"--endpoints={','.join(member['clientURLs'])}")
    except KubectlError:
        return False
    return True
