"""kind clusters as two dynamic resources: the claim on a name, and the cluster itself.

The claim is made in an instant and comes first, so that a create that was killed has left something in the state whose
delete sweeps up. Its id is mounted into every node as an empty file, which proves whose a node is: a cluster of the same
name without it is never touched.

These classes are found again by their names when a stack is destroyed years later: neither may be renamed or moved.
"""

import base64
import sys
import uuid
from datetime import date
from typing import Any

from pulumi import dynamic

from components import kubeconfig, progress
from components.local import kind_cli, kind_config, kind_image, kind_nodes
from components.local.container_engine import Engine, EngineError, Node
from components.local.kind_cli import KindError
from components.local.kind_plan import faults_of_versions, replacements, stopped, updates
from components.spec import SpecError

Properties = dict[str, Any]

LOAD_BALANCER = "external-load-balancer"
SHARED_NETWORK = "n-"
"""Begins a claim that may remove kind's network in the end: Slipway had kind make it."""


class _Provider(dynamic.ResourceProvider):
    """What both have in common."""

    serialize_as_secret_always = False  # what is pickled is the name of a class

    def configure(self, req: dynamic.ConfigureRequest) -> None:
        # A user sees a message, not a traceback. At module level this would make the provider hang.
        sys.tracebacklimit = 0
        progress.leave_with_the_engine()


class ClaimProvider(_Provider):
    """The right to the name of a kind cluster on this machine. Inputs: `name`. Its id is the mark of our nodes."""

    def check(self, _olds: Properties, news: Properties) -> dynamic.CheckResult:
        failures = []
        if _olds.get("name") != news["name"]:
            try:
                engine = Engine.find()
                if foreign := engine.nodes(news["name"]):
                    failures.append(dynamic.CheckFailure("name", _taken(news["name"], foreign)))
            except EngineError as error:
                failures.append(dynamic.CheckFailure("name", str(error)))
        return dynamic.CheckResult(news, failures)

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> dynamic.DiffResult:
        changed = _olds["name"] != _news["name"]
        return dynamic.DiffResult(changes=changed, replaces=["name"] if changed else [])

    def create(self, props: Properties) -> dynamic.CreateResult:
        engine = Engine.find()
        if foreign := engine.nodes(props["name"]):
            raise KindError(_taken(props["name"], foreign))
        claim = uuid.uuid4().hex[:16]
        if not engine.has_network() or _network_is_ours(engine):
            claim = SHARED_NETWORK + claim
        return dynamic.CreateResult(claim, {"name": props["name"]})

    def delete(self, _id: str, _props: Properties) -> None:
        engine = Engine.find()
        name = _props["name"]
        with kind_cli.only_one(name) as lock:
            _remove(engine, name, _id, lock)
            if _id.startswith(SHARED_NETWORK) and engine.has_network() and not engine.nodes():
                # A container of the user's own may still use it: then the engine refuses, and is right.
                engine.remove_network_if_unused()


class ClusterProvider(_Provider):
    """A kind cluster. Inputs: the arguments of `KindArgs`, its `name`, and the `claim` that marks its nodes."""

    def check(self, _olds: Properties, news: Properties) -> dynamic.CheckResult:
        failures = [
            dynamic.CheckFailure(fault.key, fault.message) for fault in faults_of_versions(_olds, news, date.today())
        ]
        if not failures and not _olds:
            try:
                kind_image.choose(Engine.find(), news)
            except SpecError as error:
                failures += [dynamic.CheckFailure(fault.key, fault.message) for fault in error.faults]
            except EngineError as error:
                failures.append(dynamic.CheckFailure("version", str(error)))
        return dynamic.CheckResult(news, failures)

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> dynamic.DiffResult:
        replaced = replacements(_olds, _news)
        for reason in replaced.values():
            progress.inform(f"{_news['name']} is replaced: {reason}")
        return dynamic.DiffResult(
            changes=bool(replaced or updates(_olds, _news)),
            replaces=list(replaced),
            delete_before_replace=True,  # the containers of both would have the same names
        )

    def create(self, props: Properties) -> dynamic.CreateResult:
        engine = Engine.find()
        name, claim = props["name"], props["claim"]
        mark = kind_config.mark_of(claim, props)
        with kind_cli.only_one(name) as lock:
            config = _adopt(engine, props, mark)
            image = kind_image.choose(engine, props)
            if config is None:
                _remove(engine, name, claim, lock)
                if foreign := engine.nodes(name):
                    raise KindError(_taken(name, foreign))
                text = kind_config.render(props, name=name, mark=mark, cgroup_v1=engine.has_cgroup_v1())
                config = kind_cli.create(name, text, image, lock)
                kind_nodes.mark_complete(engine, name)
            kind_nodes.configure(engine, {}, props)
            kind_nodes.await_ready(engine, props)
        return dynamic.CreateResult(name, {**props, "node_image_used": image, **_outputs(engine, props, config)})

    def read(self, id_: str, props: Properties) -> dynamic.ReadResult:
        nodes = _ours(Engine.find().nodes(props["name"]), props["claim"])
        if not nodes:
            return dynamic.ReadResult("", {})
        return dynamic.ReadResult(id_, {**props, "nodes": _statuses(nodes)})

    def update(self, _id: str, _olds: Properties, _news: Properties) -> dynamic.UpdateResult:
        engine = Engine.find()
        with kind_cli.only_one(_news["name"]):
            if names := stopped(_olds):
                kind_nodes.start(engine, names)
            kind_nodes.await_ready(engine, _news)
            kind_nodes.configure(engine, _olds, _news)
            config = kind_cli.kubeconfig_of(_news["name"])
        used = {"node_image_used": _olds["node_image_used"]}
        return dynamic.UpdateResult({**_news, **used, **_outputs(engine, _news, config)})

    def delete(self, _id: str, _props: Properties) -> None:
        with kind_cli.only_one(_props["name"]) as lock:
            _remove(Engine.find(), _props["name"], _props["claim"], lock)


def _adopt(engine: Engine, props: Properties, mark: str) -> str | None:
    """The kubeconfig of the cluster, if a run that was killed since had kind finish it from the same arguments."""
    name = props["name"]
    nodes = engine.nodes(name)
    marked = all(mark in node.mounts or node.role == LOAD_BALANCER for node in nodes)
    wanted = kind_config.containers(name, props["control_planes"], props["workers"])
    if not marked or [node.container for node in nodes] != wanted or not kind_nodes.is_complete(engine, name):
        return None
    progress.inform(f"{name} was finished by an earlier run; taken over as it is")
    return kind_cli.kubeconfig_of(name)


def _outputs(engine: Engine, props: Properties, config: str) -> Properties:
    cluster = kubeconfig.cluster_of(config)
    return {
        "kubeconfig": config,
        "endpoint": cluster["server"],
        "ca_certificate": base64.b64decode(cluster["certificate-authority-data"]).decode(),
        "kubernetes_version": kind_nodes.version(engine, props["name"]),
        "nodes": _statuses(engine.nodes(props["name"])),
    }


def _statuses(nodes: list[Node]) -> list[dict[str, str]]:
    return [{"name": node.container, "status": node.status} for node in nodes]


def _ours(nodes: list[Node], claim: str) -> list[Node]:
    """Those of `nodes` that bear the mark of `claim`, with their load balancer, which kind gives no mounts."""
    prefix = f"{kind_config.MARK}/{claim}/"
    marked = [node for node in nodes if any(mount.startswith(prefix) for mount in node.mounts)]
    foreign = [node for node in nodes if node not in marked and node.role != LOAD_BALANCER]
    return marked + [node for node in nodes if node.role == LOAD_BALANCER and not foreign]


def _remove(engine: Engine, name: str, claim: str, lock: int) -> None:
    """Remove the nodes of `claim`, and nobody else's."""
    nodes = engine.nodes(name)
    ours = _ours(nodes, claim)
    if nodes and ours == nodes:
        progress.status(f"deleting {name}")
        kind_cli.delete(name, lock)
    else:
        engine.remove([node.container for node in ours])


def _network_is_ours(engine: Engine) -> bool:
    """Whether kind's network, which exists, was made for clusters of ours and is used by no other cluster."""
    nodes = [node for node in engine.nodes() if node.role != LOAD_BALANCER]
    shared = f"{kind_config.MARK}/{SHARED_NETWORK}"
    return bool(nodes) and all(any(mount.startswith(shared) for mount in node.mounts) for node in nodes)


def _taken(name: str, nodes: list[Node]) -> str:
    marked = any(mount.startswith(kind_config.MARK) for node in nodes for mount in node.mounts)
    whose = "another stack's" if marked else "not made by Slipway"
    return (
        f"there is a kind cluster {name} already, {whose}, and it will not be touched; "
        f"write another `name` under slipway:cluster, or remove it (`kind delete cluster --name {name}`)"
    )
