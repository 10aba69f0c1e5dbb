"""What a stack may make of a cluster that stands, judged by the last run's state before anything is declared."""

import os
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from components import versions
from components.bootstrap import snapshots
from components.bootstrap.kubeadm_args import KubeadmArgs
from components.bootstrap.plan import Machine, Role
from components.spec import Fault, SpecError
from components.state import State, outputs_by_name, outputs_of

RESTORE = "SLIPWAY_RESTORE"
"""Environment variable: the snapshot that a cluster begins with, for the one run that restores it."""


def restore_fault(path: str, args: KubeadmArgs, machines: list[Machine], state: State) -> Fault | None:
    """Why a cluster cannot begin with a snapshot, if so."""
    if "etcd" in args:
        return Fault(RESTORE, "etcd is not the cluster's own: whoever has it starts it with a snapshot")
    if outputs_of(state, "slipway:Node", f"{machines[0].name}-node"):
        return Fault(RESTORE, "the cluster stands already; `make restore` makes its machines anew")
    if not Path(path).is_file():
        return Fault(RESTORE, f"there is no snapshot {path}")
    fault = snapshots.version_fault(Path(path), args["version"])
    return Fault("version", fault) if fault else None


def authority_fault(generation: int, keys: Mapping[str, Any]) -> Fault | None:
    """Why a cluster does not get new CAs, if so: whoever was made with the old ones believes no other."""
    made = keys.get("authority_generation", generation)
    if generation <= made:
        return None  # a lower one is refused by whoever has made them
    message = (
        f"a cluster that stands takes no new CAs: run `make snapshot` with {made:g}, then write {generation} and run "
        "`make restore`, which makes all machines anew"
    )
    return Fault("authorityGeneration", message)


def upgrade_faults(
    version: str, machines: list[Machine], lost: Collection[str], state: State, today: date
) -> list[Fault]:
    """Why nodes cannot be of a version, if so: new ones, or those that stand, or not while machines are added."""
    told = outputs_by_name(state, "slipway:Node")
    nodes = {one.name: told.get(f"{one.name}-node", {}) for one in machines}
    running = sorted({str(node["version"]) for node in nodes.values() if "version" in node}, key=_order)
    if not running:
        # What is restored has been somebody's cluster, whatever its age.
        fault = None if os.environ.get(RESTORE) else versions.support_fault(version, today)
        return [fault] if fault else []
    if all(versions.same(version, one) for one in running):
        return []
    # Where an upgrade has stopped, nodes are of two versions.
    for fault in (
        _patch_fault(running[-1], version),
        versions.upgrade_fault(running[-1], version),
        versions.upgrade_fault(running[0], version),
        versions.support_fault(version, today),
    ):
        if fault:
            return [fault]
    # The first node's upgrade is the cluster's: from then on whoever comes is as old as that, and others wait for it.
    if versions.same(version, str(nodes[machines[0].name].get("version", ""))):
        return []
    back = f'it cannot join what is older than itself; write "{versions.minor_of(running[0])}" and run `make up`, then'
    for name, node in nodes.items():
        if not node or name in lost:
            came = "has lost its machine" if node else "is new"
            then = "upgrade" if node else "upgrade; or upgrade first, then add machines"
            message = f"{version} is another one than that of the nodes that run, and {name} {came}: {back} {then}"
            return [Fault("version", message)]
    return []


def leftovers(machines: list[Machine], made: Mapping[str, Mapping[str, Any]], state: State) -> list[dict[str, Any]]:
    """Control planes that are not asked for any more, and that no node would have leave, though they may be in etcd.

    They joined, or did not, in a run whose create of their node failed, or a run that took them away has stopped.

    Args:
        machines: That the stack asks for.
        made: Name → outputs of the machines that stand.
        state: What the last run left.

    Raises:
        SpecError: One is to become a worker in the same run.
    """
    wanted = {machine.name: machine for machine in machines}
    found = []
    for name, machine in sorted(made.items()):
        # Virtual ones do not tell what they are, and are called by it.
        was_control_plane = machine.get("control_plane", "-control-plane-" in name)
        if not was_control_plane or outputs_of(state, "slipway:Node", f"{name}-node"):
            continue
        if name not in wanted:
            reach = machine.get("reach")
            found.append(
                {
                    "name": name,
                    "address": machine.get("address", ""),
                    "reach": reach if isinstance(reach, Mapping) and "machine" in reach else None,
                }
            )
        elif wanted[name].role is Role.WORKER:
            message = (
                f"{name} was to be a control plane, may be in etcd, and is no node yet; take it away in one run, and "
                "write it as a worker in the next"
            )
            raise SpecError([Fault("machines.hosts", message)])
    return found


def as_booted(machines: list[Machine], state: State) -> list[Machine]:
    """The machines as they are booted: the first one joins where it takes the place of one that is lost.

    Once another control plane is a node, whoever comes starts no second cluster, though nobody may answer just now.
    """
    first, *others = machines
    joined = [
        one.name
        for one in others
        if one.role is not Role.WORKER and outputs_of(state, "slipway:Node", f"{one.name}-node")
    ]
    return [replace(first, role=Role.CONTROL_PLANE), *others] if joined else machines


def _patch_fault(running: str, wanted: str) -> Fault | None:
    """Why nodes that run `running` are not made `wanted`, if that is an older patch: a step that nobody tests."""
    if not versions.is_patch(wanted) or versions.minor_of(wanted) != versions.minor_of(running):
        return None
    if _order(wanted) >= _order(running):
        return None
    return Fault("version", f"{wanted} is older than {running}, which runs, and nodes never go back; write {running}")


def _order(version: str) -> tuple[int, ...]:
    return versions.numbers(version.removeprefix("v"))
