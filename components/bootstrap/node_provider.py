"""A node of a cluster on own machines, as a resource that carries operations.

Create waits for what the machine says of its own bootstrap, read tells what has become of it, delete takes it out of
the cluster with nothing lost. This class is found again by its name when a stack is destroyed years later: it may be
neither renamed nor moved.
"""

import json
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from pulumi import dynamic

from components import progress
from components.bootstrap import serving
from components.bootstrap.kubectl import Kubectl, KubectlError, is_ready
from components.bootstrap.plan import Role
from components.machines.reach import Reach, ReachError

Properties = dict[str, Any]

STATUS = "/var/lib/slipway/status.json"
"""Where a machine writes how its bootstrap goes."""

INSTANCE = "/var/lib/cloud/data/instance-id"
"""What a driver gave its machine as an id, so that it can be told from another one of its name."""

PROXY_CONFIG = "/etc/haproxy/haproxy.cfg"

SECONDS_BETWEEN_LOOKS = 0.5
MOST_ATTEMPTS = 3
"""After so many failures of one step the machine is reported as failed; it goes on trying meanwhile."""


class NodeError(Exception):
    """A machine did not become a node, or a node could not leave: what, where, why and the fix."""

    __module__ = "builtins"  # so that Pulumi shows "NodeError: …" without the path of this class


class NodeProvider(dynamic.ResourceProvider):
    """One node.

    Inputs: `name`, `address`, `role`, `machine` (id of the machine's resource), `reach` (how to get there),
    `kubeconfig` (secret), `version` (such as `v1.37.2`), `minutes` (how long a bootstrap may take) and `await_ready`
    (whether a pod network comes with the cluster, without which no node gets Ready), `proxy` (the configuration of the
    node's own proxy, which changes with the control planes).
    """

    serialize_as_secret_always = False  # what is pickled is the name of a class

    def configure(self, req: dynamic.ConfigureRequest) -> None:
        """Prepare the process that this provider runs in."""
        # A user sees a message, not a traceback. At module level this would make the provider hang.
        sys.tracebacklimit = 0
        progress.leave_with_the_engine()

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> dynamic.DiffResult:
        """A node lives as long as its machine."""
        replaced = [key for key in ("name", "role", "machine") if _olds[key] != _news[key]]
        changed = any(_olds.get(key) != _news.get(key) for key in ("reach", "kubeconfig", "proxy"))
        return dynamic.DiffResult(changes=bool(replaced) or changed, replaces=replaced, delete_before_replace=True)

    def create(self, props: Properties) -> dynamic.CreateResult:
        """Wait until the machine has done all its steps and the node is Ready."""
        deadline = time.monotonic() + 60 * float(props["minutes"])
        _await_bootstrap(props["name"], Reach.of(props["reach"]), deadline, float(props["minutes"]))
        with Kubectl.on(props["kubeconfig"]) as kubectl:
            node = _await_node(kubectl, props, deadline)
        return dynamic.CreateResult(props["name"], {**props, **_facts(node)})

    def read(self, id_: str, props: Properties) -> dynamic.ReadResult:
        """What has become of it; an empty id once the cluster has no such node."""
        with Kubectl.on(props["kubeconfig"]) as kubectl:
            node = kubectl.node(props["name"])
        if node is None:
            return dynamic.ReadResult("", {})
        return dynamic.ReadResult(id_, {**props, **_facts(node)})

    def update(self, _id: str, _olds: Properties, _news: Properties) -> dynamic.UpdateResult:
        """Have the node know the control planes that there are now, and remember another way to it."""
        if _olds.get("proxy") != _news["proxy"]:
            _write_proxy(Reach.of(_news["reach"]), _news["proxy"])
        with Kubectl.on(_news["kubeconfig"]) as kubectl:
            node = kubectl.node(_news["name"])
        return dynamic.UpdateResult({**_news, **(_facts(node) if node else {})})

    def delete(self, _id: str, _props: Properties) -> None:
        """Drain the node, have it leave etcd and the cluster, and forget it; a machine that is gone is taken out."""
        name, reach = _props["name"], Reach.of(_props["reach"])
        with Kubectl.on(_props["kubeconfig"]) as kubectl:
            # A machine that is gone ends no pod of its own, and the API may not know for a while that it is gone.
            if _is_still_there(reach, _props["machine"]):
                node = kubectl.node(name)
                if node is not None and is_ready(node):
                    progress.status(f"draining {name}")
                    kubectl.run(
                        "drain", name, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=240s", seconds=300
                    )
                progress.status(f"{name} leaves the cluster")
                reach.run("kubeadm", "reset", "--force", seconds=120)
            elif _props["role"] != Role.WORKER:
                progress.status(f"{name} is taken out of etcd")
                _remove_member(kubectl, name)
            kubectl.run("delete", "node", name, "--ignore-not-found")


def _await_bootstrap(name: str, reach: Reach, deadline: float, minutes: float) -> None:
    """Wait for the machine's own word that all is done.

    Raises:
        NodeError: A step failed again and again, or time is up.
    """
    step, state = "its first boot", "running"
    before: dict[str, float] = {}  # how often each step had been tried before anybody looked
    while time.monotonic() < deadline:
        status: Properties
        try:
            status = json.loads(reach.run("cat", STATUS, seconds=20))
        except (ReachError, ValueError):
            status = {}  # not booted so far that there is one
        if status.get("state") == "done":
            return
        if status.get("steps"):
            last = status["steps"][-1]
            step, state = last["name"], last["state"]
            tried = last["attempts"] - before.setdefault(step, last["attempts"] - 1)
            if last["state"] == "failed" and tried >= MOST_ATTEMPTS:
                raise NodeError(_failure(name, last))
        progress.status(f"{name}: {step}")
        time.sleep(SECONDS_BETWEEN_LOOKS)
    raise NodeError(
        f"{name} has not become a node within {minutes:g} minutes: {step} is still {state}; look at "
        f"/var/log/slipway/{step}.log there, or allow it more time with `bootstrapMinutes`, then run `make up` again"
    )


def _failure(name: str, step: dict[str, Any]) -> str:
    return (
        f"{name}: the step {step['name']} failed {step['attempts']:.0f} times; its log ends with\n"
        f"{step['log_tail'].strip()}\n"
        f"(all of it: /var/log/slipway/{step['name']}.log there); the machine keeps trying: mend what is wrong and run "
        "`make up` again, or replace the machine"
    )


def _write_proxy(reach: Reach, configuration: str) -> None:
    """Give the node's proxy another configuration, without ending a connection."""
    reach.run("tee", PROXY_CONFIG, stdin=configuration)
    reach.run("systemctl", "reload", "haproxy")


def _await_node(kubectl: Kubectl, props: Properties, deadline: float) -> dict[str, Any]:
    """Wait until the node is Ready and its kubelet has a certificate to serve with.

    Raises:
        NodeError: Time is up.
    """
    name, reach = props["name"], Reach.of(props["reach"])
    reason, registered = "the API was not asked", False
    while time.monotonic() < deadline:
        try:
            node = kubectl.node(name)
            serving.approve(kubectl, name, props["address"])
        except KubectlError as error:
            reason = str(error)
        else:
            if node is None:
                reason = "the API knows no such node"
                if not registered:
                    # It was registered by its predecessor's name, and went with that: a kubelet registers at its start.
                    reach.run("systemctl", "restart", "kubelet")
                    registered = True
            elif props["await_ready"] and not is_ready(node):
                reason = "its kubelet does not say so"
            elif not serving.has_certificate(reach):
                reason = "its kubelet has no certificate to serve with (`kubectl get csr` tells what it asks for)"
            else:
                return node
        progress.status(f"{name}: waiting until it is Ready")
        time.sleep(SECONDS_BETWEEN_LOOKS)
    raise NodeError(
        f"{name} is not Ready after {props['minutes']:g} minutes: {reason}; `kubectl describe node {name}` says more, "
        "and `bootstrapMinutes` allows it more time"
    )


def _is_still_there(reach: Reach, machine: str) -> bool:
    """Whether the machine is there and the same one; another may have its name and address by now."""
    try:
        return reach.run("cat", INSTANCE, seconds=20).strip() == machine
    except ReachError:
        return False


def _remove_member(kubectl: Kubectl, name: str) -> None:
    """Take a control plane that is gone out of etcd, through a member that is left."""
    told = kubectl.run("get", "pods", "--namespace=kube-system", "--selector=component=etcd", "--output=json")
    pods = [
        pod["metadata"]["name"]
        for pod in json.loads(told)["items"]
        if pod["spec"]["nodeName"] != name and pod["status"]["phase"] == "Running"
    ]
    for pod in pods:
        etcdctl = (
            "exec", "--namespace=kube-system", pod, "--", "etcdctl",
            "--cacert=/etc/kubernetes/pki/etcd/ca.crt", "--cert=/etc/kubernetes/pki/etcd/server.crt",
            "--key=/etc/kubernetes/pki/etcd/server.key",
        )  # fmt: skip
        try:
            members = json.loads(kubectl.run(*etcdctl, "member", "list", "--write-out=json"))["members"]
            for member in members:
                # One that answers belongs to another machine of that name, which has joined meanwhile.
                if member.get("name") == name and not _answers(kubectl, etcdctl, member):
                    kubectl.run(*etcdctl, "member", "remove", f"{member['ID']:x}")
        except KubectlError:
            continue  # another member may be well
        return
    raise NodeError(f"no etcd member is left that could take {name} out; restore the cluster from a snapshot")


def _answers(kubectl: Kubectl, etcdctl: Sequence[str], member: Mapping[str, Any]) -> bool:
    if not member.get("clientURLs"):
        return False
    try:
        kubectl.run(*etcdctl, "endpoint", "health", f"--endpoints={','.join(member['clientURLs'])}")
    except KubectlError:
        return False
    return True


def _facts(node: dict[str, Any]) -> Properties:
    return {"kubelet_version": node["status"]["nodeInfo"]["kubeletVersion"], "ready": is_ready(node)}
