"""The upgrade of one node to another version, in place: kubeadm's order, with gates that keep what runs running.

What changes a machine runs there as steps, as its bootstrap did: each says how it goes, is skipped once it is done, and
goes on though whoever started it is gone. So a run that was killed goes on where it stopped.
https://kubernetes.io/docs/tasks/administer-cluster/kubeadm/kubeadm-upgrade/
"""

import json
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from components import progress
from components.bootstrap import etcd_members
from components.bootstrap.kubectl import Kubectl, KubectlError, is_ready
from components.bootstrap.plan import API_PORT, LIBRARY, POD_NETWORK, Role
from components.bootstrap.status import NodeError, await_steps, looks
from components.machines.reach import Reach, ReachError

FILES = Path(__file__).parent / "files"

MARK = "slipway.dev/upgrade"
"""Annotation of a node while it is upgraded: whether it took pods before."""

ENDED = ("inactive", "failed")
"""The states of a unit that does nothing and will do nothing."""

DRAIN_SECONDS = 240
LEADERS = ("kube-controller-manager", "kube-scheduler")
"""Who makes up for a pod that a drain has ended; while one has no leader, nobody does."""


def upgrade(kubectl: Kubectl, node: Mapping[str, Any]) -> None:
    """Upgrade one node.

    Args:
        kubectl: On the cluster.
        node: The inputs of its resource.

    Raises:
        NodeError: It was not upgraded; it goes on from there the next time.
    """
    name, reach = node["name"], Reach.of(node["reach"])
    roll = _Roll(kubectl, name, node["version"], time.monotonic() + 60 * float(node["minutes"]))

    roll.until("the cluster is well enough", lambda: _ailment(kubectl, node))
    roll.until("the upgrade is noted", lambda: _mark(kubectl, name))
    roll.until("somebody makes up for its pods", _leaderless(kubectl))
    # Before kubeadm, not after it: each of the control plane's programs that it changes has the kubelet start anew.
    roll.drain()
    # Where it is the only one, its kubelet has to find it when it starts.
    shared = node["role"] != Role.WORKER and len(_control_planes(kubectl)) > 1
    steps = [
        ("take-kubeadm", _install(node, "kubeadm")),
        _step("kubeadm-upgrade"),
        *([_step("pod-network")] if node.get("pod_network") else []),
        ("take-kubelet", _install(node, "kubelet kubectl")),
        _step("close-kubelet-unit"),
        *([_step("end-api-server")] if shared else []),
        _step("kubelet-by-proxy"),
    ]
    roll.run(reach, node, steps, shared=shared)
    roll.until("it is Ready again", lambda: _unready(kubectl, node) or _ailment(kubectl, node))
    roll.until("it takes pods again", lambda: _unmark(kubectl, name))


class _Roll:
    """The upgrade of a node, as far as it has to do with waiting and with telling why it ends."""

    def __init__(self, kubectl: Kubectl, name: str, version: str, deadline: float) -> None:
        self.kubectl, self.name, self.version, self.deadline = kubectl, name, version, deadline

    def until(self, what: str, reason: Callable[[], str]) -> None:
        """Wait until there is no reason against it any more."""
        against = "the API was not asked"
        for _ in looks(self.deadline):
            try:
                against = reason()
            except (KubectlError, ReachError) as error:
                against = str(error)
            if not against:
                return
            progress.status(f"{self.name}: waiting until {what}")
        raise self._stopped(f"waiting until {what}: {against}")

    def run(self, reach: Reach, node: Mapping[str, Any], steps: Sequence[tuple[str, str]], *, shared: bool) -> None:
        """Have the machine run steps, and wait for its word that they are done."""
        folder, unit = f"{LIBRARY}/upgrades/{self.version}", "slipway-upgrade"
        settings = {
            **node["programs"]["settings"],
            "APPLY": "yes" if node["role"] == Role.FIRST else "",
            "SHARED": "yes" if shared else "",
        }
        files = {
            f"{LIBRARY}/bootstrap.py": (0o700, (FILES / "bootstrap.py").read_text()),
            "/etc/slipway/upgrade.env": (0o644, "".join(f"{k}={shlex.quote(v)}\n" for k, v in settings.items())),
        }
        if network := node.get("pod_network"):
            files[POD_NETWORK] = (0o644, network)
        for number, (step, script) in enumerate(steps, start=1):
            files[f"{folder}/steps/{number}0-{step}.sh"] = (0o600, script)
        try:
            # One that a killed run has started goes on, between two attempts too.
            if reach.run("systemctl", "show", "--property=ActiveState", "--value", unit).strip() in ENDED:
                reach.put(files)
                reach.run(
                    "systemd-run", "--quiet", f"--unit={unit}", "--collect", "--service-type=exec",
                    "--property=Restart=on-failure", "--property=RestartSec=2",
                    "--property=StartLimitBurst=3", "--property=StartLimitIntervalSec=1h",
                    "/usr/bin/python3", f"{LIBRARY}/bootstrap.py", folder,
                )  # fmt: skip
        except ReachError as error:
            raise self._stopped(str(error)) from None
        await_steps(
            reach,
            self.deadline,
            path=f"{folder}/status.json",
            late=f"{self.name} is not upgraded to {self.version} in time",
            mend=_GO_ON,
        )

    def drain(self) -> None:
        """Have all pods leave that can run elsewhere."""
        progress.status(f"draining {self.name}")
        try:
            self.kubectl.run(
                "drain", self.name, "--ignore-daemonsets", "--delete-emptydir-data",
                f"--timeout={DRAIN_SECONDS}s", seconds=DRAIN_SECONDS + 60,
            )  # fmt: skip
        except KubectlError as error:
            raise self._stopped(f"it cannot be drained: {error}") from None

    def _stopped(self, why: str) -> NodeError:
        return NodeError(f"{self.name} is not upgraded to {self.version}: {why}; {_GO_ON}")


_GO_ON = (
    "no other node is begun: mend what is wrong and run `make up` again, which goes on here; `make restore` goes back, "
    "to a snapshot"
)


def _step(name: str) -> tuple[str, str]:
    return name, (FILES / f"steps/{name}.sh").read_text()


def _install(node: Mapping[str, Any], programs: str) -> str:
    return f"export ONLY='{programs}'\n" + (FILES / f"steps/{node['programs']['step']}.sh").read_text()


def _ailment(kubectl: Kubectl, node: Mapping[str, Any]) -> str:
    """Why no control plane may be stopped now: one that is ill already may be the one that is needed."""
    # The node itself may be one that an upgrade has left in the middle.
    others = [one for one in _control_planes(kubectl) if one["metadata"]["name"] != node["name"]]
    ill = [one["metadata"]["name"] for one in others if node["await_ready"] and not is_ready(one)]
    if ill:
        return f"the control plane {ill[0]} is not Ready"
    return "" if node["role"] == Role.WORKER or node.get("etcd") else etcd_members.ailment(kubectl)


def _control_planes(kubectl: Kubectl) -> list[dict[str, Any]]:
    told = kubectl.run("get", "nodes", "--selector=node-role.kubernetes.io/control-plane", "--output=json")
    return json.loads(told)["items"]


def _leaderless(kubectl: Kubectl) -> Callable[[], str]:
    """Why a drain has to wait: a leader that renews its lease between two looks is there, whatever clocks say."""
    seen: dict[str, str] = {}
    fresh: set[str] = set()

    def reason() -> str:
        for leader in LEADERS:
            lease = json.loads(kubectl.run("get", "lease", leader, "--namespace=kube-system", "--output=json"))
            renewed = lease["spec"].get("renewTime") or ""
            if seen.setdefault(leader, renewed) != renewed:
                fresh.add(leader)
        stale = [leader for leader in LEADERS if leader not in fresh]
        return f"{stale[0]} has no leader" if stale else ""

    return reason


def _unready(kubectl: Kubectl, node: Mapping[str, Any]) -> str:
    """Why the node is not yet what it is to be. What its kubelet says counts once that is the new one."""
    found = kubectl.node(node["name"])
    if found is None:
        return "the API knows no such node"
    runs = found["status"]["nodeInfo"]["kubeletVersion"]
    if runs != node["version"]:
        return f"its kubelet is {runs} still"
    if node["await_ready"] and not is_ready(found):
        return "its kubelet does not say so"
    if node["role"] == Role.WORKER:
        return ""
    Reach.of(node["reach"]).run(
        "curl", "--silent", "--insecure", "--fail", "--max-time", "5", f"https://{node['address']}:{API_PORT}/readyz"
    )
    return ""


def _mark(kubectl: Kubectl, name: str) -> str:
    """Note whether the node took pods before the upgrade, unless a run before this one has."""
    node = kubectl.node(name) or {}
    if MARK not in node.get("metadata", {}).get("annotations", {}):
        before = "unschedulable" if node.get("spec", {}).get("unschedulable") else "schedulable"
        kubectl.run("annotate", "node", name, f"{MARK}={before}")
    return ""


def _unmark(kubectl: Kubectl, name: str) -> str:
    """Have the node take pods again, if it did."""
    node = kubectl.node(name) or {}
    if node.get("metadata", {}).get("annotations", {}).get(MARK) == "schedulable":
        kubectl.run("uncordon", name)
    kubectl.run("annotate", "node", name, f"{MARK}-")
    return ""
