"""What is done inside the nodes of a running kind cluster, through the engine and the nodes' own kubectl."""

import json
import time
from collections.abc import Iterable, Mapping
from typing import Any

from components import progress
from components.local import kind_config
from components.local.container_engine import Engine, EngineError
from components.local.kind_cli import KindError

READY_SECONDS = 180
"""How long nodes may take to be Ready once kind is done or a node was started; an idle machine needs some ten."""

_COMPLETE = "/kind/slipway-complete"
_VERSION = "/kind/version"
_CERTS = "/etc/containerd/certs.d"


def await_ready(engine: Engine, props: Mapping[str, Any]) -> None:
    """Wait until every node is Ready, or only registered where the cluster has no CNI that could make it so.

    Raises:
        KindError: Some node is not after `READY_SECONDS`.
    """
    wanted = props["control_planes"] + props["workers"]
    deadline = time.monotonic() + READY_SECONDS
    waiting: list[str] = ["the control plane"]
    while time.monotonic() < deadline:
        try:
            nodes = json.loads(_kubectl(engine, props["name"], "get", "nodes", "--output", "json"))["items"]
        except EngineError:
            nodes = []  # the API does not answer yet
        waiting = [node["metadata"]["name"] for node in nodes if props.get("cni") != "none" and not _is_ready(node)]
        if len(nodes) >= wanted and not waiting:
            return
        progress.status(f"waiting for {', '.join(waiting) or 'nodes'} to be ready")
        time.sleep(0.3)
    raise KindError(
        f"{', '.join(waiting)} of {props['name']} not ready after {READY_SECONDS} s; "
        "`kubectl describe nodes` tells why; the next run goes on from here"
    )


def configure(engine: Engine, olds: Mapping[str, Any], news: Mapping[str, Any]) -> None:
    """Bring the nodes' labels, taints and registry mirrors from those of `olds` to those of `news`."""
    name = news["name"]
    for role, nodes in _by_role(news).items():
        old, new = _of_role(olds, "labels", role, {}), _of_role(news, "labels", role, {})
        words = [f"{key}={value}" for key, value in new.items()] + [f"{key}-" for key in old if key not in new]
        if old != new:
            _kubectl(engine, name, "label", "node", *nodes, *words, "--overwrite")
        old, new = (set(map(_taint, _of_role(props, "taints", role, []))) for props in (olds, news))
        if gone := {_taint_key(taint) for taint in old} - {_taint_key(taint) for taint in new}:
            _kubectl(engine, name, "taint", "node", *nodes, *(f"{key}-" for key in sorted(gone)))
        if new - old:
            _kubectl(engine, name, "taint", "node", *nodes, *sorted(new - old), "--overwrite")
    old, new = olds.get("registry_mirrors", {}), news.get("registry_mirrors", {})
    for container in kind_config.nodes(name, news["control_planes"], news["workers"]):
        for registry in old.keys() - new.keys():
            engine.run("exec", container, "rm", "-r", "-f", f"{_CERTS}/{registry}")
        for registry in (key for key in new if new[key] != old.get(key)):
            engine.run("exec", container, "mkdir", "-p", f"{_CERTS}/{registry}")
            text = kind_config.hosts_toml(registry, new[registry])
            engine.run("exec", "-i", container, "cp", "/dev/stdin", f"{_CERTS}/{registry}/hosts.toml", stdin=text)


def mark_complete(engine: Engine, name: str) -> str:
    """Remember in the cluster itself that kind has finished it: a run that is killed from here on may be adopted.

    Returns:
        The cluster's version, as `version` tells it: both in one command, for each takes a tenth of a second.
    """
    return engine.run("exec", f"{name}-control-plane", "sh", "-c", f"touch {_COMPLETE} && cat {_VERSION}").strip()


def is_complete(engine: Engine, name: str) -> bool:
    """Whether kind has finished the cluster, in this run or in one that was killed afterwards."""
    try:
        engine.run("exec", f"{name}-control-plane", "test", "-e", _COMPLETE)
    except EngineError:
        return False
    return True


def version(engine: Engine, name: str) -> str:
    """The Kubernetes version of the cluster, e.g. `v1.37.2`: what its node image says."""
    return engine.run("exec", f"{name}-control-plane", "cat", _VERSION).strip()


def start(engine: Engine, containers: Iterable[str]) -> None:
    """Start stopped nodes, in the order given."""
    for container in containers:
        progress.status(f"starting {container}")
        engine.run("start", container)


def _kubectl(engine: Engine, name: str, *words: str) -> str:
    config = "--kubeconfig=/etc/kubernetes/admin.conf"
    return engine.run("exec", f"{name}-control-plane", "kubectl", config, *words)


def _is_ready(node: Mapping[str, Any]) -> bool:
    return any(state["type"] == "Ready" and state["status"] == "True" for state in node["status"]["conditions"])


def _by_role(props: Mapping[str, Any]) -> dict[str, list[str]]:
    roles = {
        "control_planes": kind_config.nodes(props["name"], props["control_planes"], 0),
        "workers": kind_config.nodes(props["name"], 0, props["workers"]),
    }
    return {role: nodes for role, nodes in roles.items() if nodes}


def _of_role(props: Mapping[str, Any], key: str, role: str, default: Any) -> Any:
    return (props.get(key) or {}).get(role, default)


def _taint(taint: Mapping[str, str]) -> str:
    return f"{taint['key']}={taint.get('value', '')}:{taint['effect']}"


def _taint_key(taint: str) -> str:
    key, _, rest = taint.partition("=")
    return f"{key}:{rest.rpartition(':')[2]}"
