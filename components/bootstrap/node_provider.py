"""A node of a cluster on own machines, as a resource that carries operations.

Create waits for what the machine says of its own bootstrap, read tells what has become of it, delete takes it out of
the cluster with nothing lost. This class is found again by its name when a stack is destroyed years later: it may be
neither renamed nor moved.
"""

import base64
import contextlib
import json
import threading
import time
import uuid
from pathlib import Path
from typing import Any

import yaml
from pulumi import dynamic

from components import progress
from components.bootstrap import drift, etcd_members, pki, serving, snapshots, upkeep, virtual_ip
from components.bootstrap.cloud_init import UNIT
from components.bootstrap.kubeadm_config import JOIN_KUBECONFIG
from components.bootstrap.kubectl import Kubectl, KubectlError, is_ready
from components.bootstrap.plan import Role
from components.bootstrap.status import NodeError, await_steps, looks
from components.bootstrap.upgrade import DRAIN_SECONDS, MARK, upgrade
from components.machines.reach import Reach, ReachError, Unreachable
from components.provider import Provider

Properties = dict[str, Any]

INSTANCE = "/var/lib/slipway/instance"
"""What a machine that became a node is told from another one of its name by."""

PROXY_CONFIG = "/etc/haproxy/haproxy.cfg"

ASKING_STEPS = ("await-leave", "kubeadm-join")
"""The steps of a machine that show the API what it is to join with."""


_ONE_LEAVES_AT_A_TIME = threading.Lock()


class NodeProvider(Provider):
    """One node.

    Inputs: `name`, `address`, `role`, `machine` (id of the machine's resource), `reach` (how to get there),
    `kubeconfig` (secret), `version` (such as `v1.37.2`), `programs` (where those of that version come from: the `step`
    that installs them, and its `settings`), `minutes` (how long a bootstrap or an upgrade may take) and `await_ready`
    (whether a pod network comes with the cluster, without which no node gets Ready), `proxy` (the configuration of the
    node's own proxy, which changes with the control planes), `credential` (secret: a fresh kubeconfig to join with, for
    a machine that boots so late that its own has ended; never kept), `snapshots` (where a snapshot of etcd is taken
    before the upgrade: the `cluster`, the `certificate` it is encrypted for and the `folder` it is kept in),
    `restore` (secret: the `path` of the snapshot that etcd is to start with, and the `key` that opens it; never kept),
    `virtual_ip` (of a control plane: what `virtual_ip.told` tells of the address that they hold among themselves),
    `etcd` (of a control plane, secret: the files with which an etcd is asked that is not the cluster's own),
    `pod_network` (the manifest that an upgrade brings, of one node alone) and `leftovers` (control planes that are to
    be taken out of etcd, each by `name`, `address` and, as far as it is known, `reach`; of one node alone, secret and
    never kept). Outputs beside what is looked at: `instance` and `approval`, by which kubelets' certificates are
    approved.
    """

    def check(self, _olds: Properties, news: Properties) -> dynamic.CheckResult:
        """Keep no credential to join with once the machine has joined, and no key of snapshots."""
        return dynamic.CheckResult({**news, **(_USED if _olds else {})}, [])

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> dynamic.DiffResult:
        """A node lives as long as its machine; what has grown old is renewed, and what was changed there is told."""
        name = _news["name"]
        old = upkeep.is_due(_olds, pki.now())
        if old:
            progress.inform(
                f"{name}: its certificates, the first of which ends {_olds['certificates_expire']}, are renewed"
            )
        replaced = [key for key in ("name", "machine") if _olds[key] != _news[key]]
        if (_olds["role"] == Role.WORKER) is not (_news["role"] == Role.WORKER):
            replaced.append("role")  # which control plane starts the cluster matters no more once it stands
        if not replaced:  # with another machine all of it goes
            for fault in _olds.get("drift") or ():
                progress.warn(f"{name}: {fault}; {drift.mending(fault)}, then `make refresh`")
        told = ("reach", "kubeconfig", "proxy", "version", "virtual_ip", "etcd")
        changed = any(_olds.get(key) != _news.get(key) for key in told)
        changed |= (
            old or bool(_news.get("leftovers")) or _olds.get("approval") != serving.APPROVAL or upkeep.was_unseen(_olds)
        )
        return dynamic.DiffResult(changes=bool(replaced) or changed, replaces=replaced, delete_before_replace=True)

    def create(self, props: Properties) -> dynamic.CreateResult:
        """Wait until the machine has done all its steps and the node is Ready, of the version that is asked for.

        It boots as an older one where a run was killed, and another version was written before the next one.
        """
        minutes, reach = float(props["minutes"]), Reach.of(props["reach"])
        deadline = time.monotonic() + 60 * minutes
        await_steps(
            reach,
            deadline,
            late=f"{props['name']} has not become a node within {minutes:g} minutes",
            mend="the machine keeps trying: mend what is wrong and run `make up` again, or replace the machine",
            begun=lambda step: _supply(step, reach, props),
        )
        with Kubectl.on(props["kubeconfig"]) as kubectl:
            node = _await_node(kubectl, props, deadline)
            _take_leftovers_out(kubectl, props)
            if _facts(node)["kubelet_version"] != props["version"] or _cluster_is_older(kubectl, props):
                _take_snapshot(reach, props)
                upgrade(kubectl, props)
                node = _await_node(kubectl, props, deadline)
            serving.have_approved(kubectl, reach, props)
        own = {"instance": uuid.uuid4().hex, "approval": serving.APPROVAL, "leftovers": [], **_USED}
        reach.run("tee", INSTANCE, stdin=own["instance"])
        seen = upkeep.look(reach, props["name"], {})
        return dynamic.CreateResult(props["name"], {**props, **own, **_facts(node), **seen})

    def read(self, id_: str, props: Properties) -> dynamic.ReadResult:
        """What has become of it; an empty id once the cluster has no such node."""
        with Kubectl.on(props["kubeconfig"]) as kubectl:
            node = kubectl.node(props["name"])
        if node is None:
            return dynamic.ReadResult("", {})
        seen, facts = upkeep.look(Reach.of(props["reach"]), props["name"], props), _facts(node)
        # In the middle of an upgrade the state does not know the newer one yet.
        is_upgraded = MARK in node["metadata"].get("annotations", {})
        if (runs := facts["kubelet_version"]) != props["version"] and not is_upgraded:
            seen["drift"].append(drift.other_kubelet(runs, props["version"]))
        approval = props.get("approval") if serving.is_known(node, props["address"]) else None
        return dynamic.ReadResult(id_, {**props, "approval": approval, **facts, **seen})

    def update(self, _id: str, _olds: Properties, _news: Properties) -> dynamic.UpdateResult:
        """Upgrade the node, tell it which control planes there are, renew what is old, remember another way to it."""
        name, reach = _news["name"], Reach.of(_news["reach"])
        upgraded = _olds["version"] != _news["version"]
        changed = []
        if _olds.get("proxy") != _news["proxy"]:
            _write_proxy(reach, _news["proxy"])
            changed.append(PROXY_CONFIG)
        if _news.get("virtual_ip") and _olds.get("virtual_ip") != _news["virtual_ip"]:
            _write_virtual_ip(reach, _olds, _news)
            changed.append(virtual_ip.CONFIG)
        other_etcd_client = _olds.get("etcd") != _news.get("etcd")
        if other_etcd_client:
            reach.put({path: (0o600, content) for path, content in _news["etcd"].items()})
        # Who asks etcd takes another certificate when it starts again, as with certificates of the cluster's own.
        if old := other_etcd_client or upkeep.is_due(_olds, pki.now()):
            progress.status(f"{name}: renewing certificates")
            upkeep.renew(reach)
        with Kubectl.on(_news["kubeconfig"]) as kubectl:
            _take_leftovers_out(kubectl, _news)
            if upgraded:
                _take_snapshot(reach, _news)
                upgrade(kubectl, _news)
            if old:
                node = _await_node(kubectl, _news, time.monotonic() + 60 * float(_news["minutes"]))
            else:
                node = kubectl.node(name)
            approval = _olds.get("approval")
            if node and approval != serving.APPROVAL:
                serving.have_approved(kubectl, reach, _news)
                approval = serving.APPROVAL
                changed += serving.ON_CONTROL_PLANES
        facts = _facts(node) if node else {}
        kept = {"instance": _olds.get("instance"), "approval": approval, "leftovers": []}
        # kubeadm has written other manifests: what is there now is as it should be.
        seen = upkeep.look(reach, name, {} if upgraded else _olds, changed)
        return dynamic.UpdateResult({**_news, **kept, **facts, **seen})

    def delete(self, _id: str, _props: Properties) -> None:
        """Drain the node, have it leave etcd and the cluster, and forget it; a machine that is gone is taken out."""
        name, reach = _props["name"], Reach.of(_props["reach"])
        # Those that were made in one run follow each other in no state: they would leave etcd, and end pods, at once.
        with _ONE_LEAVES_AT_A_TIME, Kubectl.on(_props["kubeconfig"]) as kubectl:
            # A machine that is gone ends no pod of its own, and the API may not know for a while that it is gone.
            if _is_still_there(reach, _props.get("instance")):
                node = kubectl.node(name)
                if node is not None and is_ready(node):
                    if _has_member(_props) and not etcd_members.has_others(kubectl, name):
                        raise NodeError(
                            f"{name} is the only control plane, and all that the cluster knows would go with it: add "
                            "others first, or make it anew from a snapshot (`make restore`)"
                        )
                    progress.status(f"draining {name}")
                    kubectl.run(
                        "drain", name, "--ignore-daemonsets", "--delete-emptydir-data",
                        f"--timeout={DRAIN_SECONDS}s", seconds=DRAIN_SECONDS + 60,
                    )  # fmt: skip
                progress.status(f"{name} leaves the cluster")
                # A reset that cannot take its member out says so, goes well, and empties its disk all the same: those
                # that are left may not be enough for a vote then. The address comes after it, as this may be refused.
                _leave_etcd(kubectl, _props, though_it_answers=True)
                if _props.get("virtual_ip"):
                    # It tells the others, and one of them has the address before its API server ends.
                    reach.run("systemctl", "disable", "--now", virtual_ip.UNIT)
                reach.run("kubeadm", "reset", "--force", "--skip-phases=remove-etcd-member", seconds=300)
            _take_out(kubectl, _props)


def _take_out(kubectl: Kubectl, props: Properties, *, though_it_answers: bool = False) -> None:
    """Take a node out of the cluster whose machine is gone, or no node any more."""
    _leave_etcd(kubectl, props, though_it_answers=though_it_answers)
    kubectl.run("delete", "node", props["name"], "--ignore-not-found")


def _leave_etcd(kubectl: Kubectl, props: Properties, *, though_it_answers: bool) -> None:
    """Take a control plane out of the cluster's own etcd.

    Raises:
        NodeError: No other member could do that.
    """
    name = props["name"]
    if not _has_member(props):
        return
    progress.status(f"{name} is taken out of etcd")
    if refused := etcd_members.remove(kubectl, name, props["address"], though_it_answers=though_it_answers):
        raise NodeError(
            f"{name} cannot be taken out of etcd: {refused}; mend or replace members that do not answer first, and "
            "where too few are left for that, restore the cluster from a snapshot"
        )


def _has_member(props: Properties) -> bool:
    return props["role"] != Role.WORKER and not props.get("etcd")


def _take_leftovers_out(kubectl: Kubectl, props: Properties) -> None:
    """Take control planes out whose machines go after this, and which no node of theirs has leave."""
    for one in props.get("leftovers") or ():
        # It would join once more.
        for unit in (UNIT, "kubelet") if one["reach"] else ():
            with contextlib.suppress(ReachError):
                Reach.of(one["reach"]).run("systemctl", "disable", "--now", unit)
        _take_out(kubectl, {**props, **one, "role": Role.CONTROL_PLANE}, though_it_answers=True)


_USED = {"credential": "", "restore": None}
"""What a machine needs once, while it becomes a node."""


def _supply(step: str, reach: Reach, props: Properties) -> None:
    """Give a machine what the step needs that it has begun."""
    if step in ASKING_STEPS:
        _renew_credential(reach, props["credential"])
    if step == "await-leave":
        _take_predecessor_out(props)
    if step == "restore-etcd" and (restore := props.get("restore")):
        progress.status(f"{props['name']}: bringing the snapshot")
        snapshots.give(reach, snapshots.read(Path(restore["path"]), restore["key"]))


def _take_snapshot(reach: Reach, node: Properties) -> None:
    """Take a snapshot before an upgrade, where one is wanted.

    Raises:
        SnapshotError: There is none; nothing was changed yet.
    """
    wanted = node.get("snapshots")
    if node.get("etcd") and node["role"] == Role.FIRST:
        progress.inform("no snapshot is taken before this upgrade: etcd is not the cluster's own, its owner saves it")
    if not wanted:
        return
    progress.status("taking a snapshot of etcd")
    taken = snapshots.take(reach, wanted["certificate"])
    path = snapshots.keep(Path(wanted["folder"]).expanduser(), wanted["cluster"], taken)
    progress.inform(f"a snapshot of etcd is in {path}, should the upgrade be regretted")


def _take_predecessor_out(props: Properties) -> None:
    """Take a node out that no state knows, since it joined after its create had failed: its machine was replaced.

    The machine that waits has not joined yet, and so whoever has its name is another one.
    """
    with Kubectl.on(props["kubeconfig"]) as kubectl:
        try:
            if kubectl.node(props["name"]) is not None:
                _take_out(kubectl, props)
        except (KubectlError, NodeError) as error:
            progress.inform(f"{props['name']}: whether another node has its name is not known: {error}")


def _renew_credential(reach: Reach, fresh: str) -> None:
    """Give a machine another credential to join with, if its own has ended or soon will."""
    try:
        held = yaml.safe_load(reach.run("cat", JOIN_KUBECONFIG))
    except ReachError:
        return  # it joins nobody, or has joined
    certificate = base64.b64decode(held["users"][0]["user"]["client-certificate-data"]).decode()
    if fresh and pki.is_old(certificate, pki.now()):
        reach.put({JOIN_KUBECONFIG: (0o600, fresh)})


def _write_proxy(reach: Reach, configuration: str) -> None:
    """Give the node's proxy another configuration; connections that it has end half a minute later at the latest."""
    reach.run("tee", PROXY_CONFIG, stdin=configuration)
    reach.run("systemctl", "reload", "haproxy")


def _write_virtual_ip(reach: Reach, olds: Properties, news: Properties) -> None:
    """Tell a control plane with which others it shares an address, without giving that up.

    Those that leave are still told who has it, until they are gone: they would take it else.
    """
    address, control_planes = news["virtual_ip"]["address"], news["virtual_ip"]["control_planes"]
    leaving = [one for one in olds["virtual_ip"]["control_planes"] if one not in control_planes]
    configuration = virtual_ip.configuration(news["address"], address, [*control_planes, *leaving])
    reach.put({virtual_ip.CONFIG: (0o644, configuration)})
    reach.run("systemctl", "reload", virtual_ip.UNIT)


def _cluster_is_older(kubectl: Kubectl, props: Properties) -> bool:
    """Whether the first control plane has joined an older cluster, as where it is replaced and upgraded in one run."""
    if props["role"] != Role.FIRST:
        return False
    told = kubectl.run("get", "configmap", "kubeadm-config", "--namespace=kube-system", "--output=json")
    return yaml.safe_load(json.loads(told)["data"]["ClusterConfiguration"])["kubernetesVersion"] != props["version"]


def _await_node(kubectl: Kubectl, props: Properties, deadline: float) -> dict[str, Any]:
    """Wait until the node is Ready and its kubelet has a certificate to serve with.

    Raises:
        NodeError: Time is up.
    """
    name, reach = props["name"], Reach.of(props["reach"])
    reason, registered = "the API was not asked", False
    for _ in looks(deadline):
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
    raise NodeError(
        f"{name} is not Ready after {props['minutes']:g} minutes: {reason}; `kubectl describe node {name}` says more, "
        "and `bootstrapMinutes` allows it more time"
    )


def _is_still_there(reach: Reach, instance: str | None) -> bool:
    """Whether the machine is there and the same one; another may have its name and address by now."""
    try:
        return reach.run("sh", "-c", f"cat {INSTANCE} 2>/dev/null || true").strip() == instance
    except Unreachable:
        return False
    except ReachError as error:
        unknown = f"{error}; whether it is still a node cannot be told: mend that, and run `make up` again"
        raise NodeError(unknown) from None


def _facts(node: dict[str, Any]) -> Properties:
    told = node["status"]["nodeInfo"]
    return {
        "kubelet_version": told["kubeletVersion"],
        "container_runtime": told["containerRuntimeVersion"],
        "ready": is_ready(node),
    }
