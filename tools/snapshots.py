"""Snapshots of etcd of a stack on own machines: taking one now, and making the cluster anew from one."""

import copy
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from components.bootstrap import snapshots
from components.bootstrap.kubeadm_changes import RESTORE
from components.bootstrap.plan import Role
from components.bootstrap.snapshots import SnapshotError, SnapshotKey
from components.machines.reach import Reach
from tools import paths
from tools.console import Problem, say, step
from tools.run import run
from tools.stack import Stack

_OURS = "pulumi-python:dynamic/slipway:"
_KEYS = f"{_OURS}Keys"
_MACHINES = (f"{_OURS}ContainerMachine", f"{_OURS}SshMachine", f"{_OURS}MachineKeys")
"""What is replaced for a machine to be: a virtual one goes with its keys."""

_GONE_WITH_THEM = (f"{_OURS}Node", f"{_OURS}SecretsKeys", f"{_OURS}SnapshotSchedule")
_SPECIAL = "4dabf18193072939515e22adb298388d"
"""What Pulumi marks special values in its state by; https://www.pulumi.com/docs/iac/concepts/state-and-backends/."""


def take(stack: Stack) -> Path:
    """Take a snapshot on the first control plane that gives one, and keep it where those before upgrades are.

    Raises:
        Problem: There is none.
    """
    _refuse_etcd_of_others(stack)
    resources = _exported(stack, secrets=True)["deployment"].get("resources", [])
    certificate = _key(stack, resources)["certificate"]
    fault = Problem(f"{stack.name} has no control plane: run `make up STACK={stack.name}` first")
    folder = _folder(stack)
    for node in _nodes(resources):
        if node["role"] == Role.WORKER:
            continue
        try:
            with step(f"Taking a snapshot of etcd on {node['name']}"):
                taken = snapshots.take(Reach.of(node["reach"]), certificate)
            return snapshots.keep(folder, stack.check().get("name", stack.name), taken)
        except SnapshotError as error:
            fault = Problem(str(error))
    raise fault


def restore(stack: Stack, path: Path, *words: str) -> None:
    """Make all machines of a stack anew, with what a snapshot holds.

    The nodes are forgotten first: nobody is left to drain them, and what the API no longer knows cannot leave it.

    Raises:
        Problem: It is not the stack's own snapshot, or making the machines failed; then it may be run again.
    """
    _refuse_etcd_of_others(stack)
    if not path.is_file():
        raise Problem(f"there is no snapshot {path}; `make restore` takes one by FROM=PATH")
    known = _exported(stack, secrets=True)["deployment"].get("resources", [])
    try:
        snapshots.read(path, _key(stack, known))
    except SnapshotError as error:
        raise Problem(str(error)) from None
    if fault := snapshots.version_fault(path, stack.check()["version"]):
        raise Problem(fault)

    before = _exported(stack)
    resources = before["deployment"]["resources"]
    machines = sorted(one["urn"] for one in resources if one["type"] in _MACHINES)
    gone = {one["urn"] for one in resources if one["type"] in _GONE_WITH_THEM}
    kept = [_without(one, gone) for one in copy.deepcopy(resources) if one["urn"] not in gone]
    _import(stack, {**before, "deployment": {**before["deployment"], "resources": kept}})
    say(f"{stack.name} forgets its {len(gone)} nodes; their machines are made anew")
    os.environ[RESTORE] = str(path.resolve())
    try:
        stack.pulumi("up", *words, *(word for urn in machines for word in ("--replace", urn)))
    except Problem:
        # Somebody has said no, or the preview: machines that stand would be those of nodes that nobody knows.
        if _made(_exported(stack)["deployment"]["resources"]) == _made(kept):
            _import(stack, before)
            say(f"nothing was made anew, and {stack.name} knows its nodes again")
        raise


def _made(resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """Which resources there are, as far as one that was made anew is another one."""
    return {(one["urn"], one.get("id", "")) for one in resources}


def _import(stack: Stack, state: dict[str, Any]) -> None:
    run(["pulumi", "stack", "import", "--stack", stack.name], cwd=paths.STACKS, stdin=json.dumps(state).encode())


def folder_of(stack: Stack) -> Path | None:
    """Where snapshots of the stack's cluster lie, if there are any."""
    if stack.driver is None:
        return None
    own = _folder(stack) / stack.cluster.get("name", stack.name)
    return own if any(own.glob(snapshots.FILES)) else None


def _folder(stack: Stack) -> Path:
    return paths.PROJECT / Path(stack.cluster.get("snapshotFolder", snapshots.FOLDER)).expanduser()


def _refuse_etcd_of_others(stack: Stack) -> None:
    if "etcd" in stack.cluster:
        raise Problem(
            f"{stack.name} has an etcd that is not its own (`etcd` in its file): whoever has that takes snapshots of "
            "it, and starts it with one"
        )


def _without(resource: dict[str, Any], gone: set[str]) -> dict[str, Any]:
    """A resource that depends on nothing that is gone; a machine that is lost is protected from nothing."""
    if resource["type"] != _KEYS:
        resource.pop("protect", None)
    if "dependencies" in resource:
        resource["dependencies"] = [urn for urn in resource["dependencies"] if urn not in gone]
    for name, urns in resource.get("propertyDependencies", {}).items():
        resource["propertyDependencies"][name] = [urn for urn in urns or () if urn not in gone]
    return resource


def _exported(stack: Stack, *, secrets: bool = False) -> dict[str, Any]:
    words = ["pulumi", "stack", "export", "--stack", stack.name, *(["--show-secrets"] if secrets else [])]
    return json.loads(run(words, cwd=paths.STACKS))


def _nodes(resources: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for one in resources:
        if one["type"] == f"{_OURS}Node":
            yield _plain(one["outputs"])


def _key(stack: Stack, resources: list[dict[str, Any]]) -> SnapshotKey:
    """What the stack's snapshots are encrypted for.

    Raises:
        Problem: Its state has none.
    """
    for one in resources:
        if one["type"] == _KEYS:
            if found := _plain(one["outputs"])["pki"].get("snapshots"):
                return found
            raise Problem(f"the state of {stack.name} is older than snapshots are: run `make up STACK={stack.name}`")
    raise Problem(
        f"the state of {stack.name} holds no keys: a snapshot is taken of, and opened by, a stack of the target "
        "kubeadm that has been made"
    )


def _plain(value: Any) -> Any:
    """A value of the state without its wrapping."""
    if isinstance(value, dict):
        if _SPECIAL in value:
            return _plain(json.loads(value["plaintext"]))
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list) else value
