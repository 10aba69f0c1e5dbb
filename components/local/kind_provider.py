"""kind clusters as two dynamic resources: the claim on a name, and the cluster itself.

The claim is made in an instant and comes first, so that a create that was killed has left something in the state whose
delete sweeps up. Its id is mounted into every node as an empty file, which proves whose a node is: a cluster of the
same name without it is never touched.

These classes are found again by their names when a stack is destroyed years later: neither may be renamed or moved.
"""

import uuid
from datetime import date

from pulumi import dynamic

from components import progress
from components.local import kind_cli, kind_config, kind_image, kind_nodes
from components.local.container_engine import Engine, EngineError, Node
from components.local.kind_cli import KindError
from components.local.kind_plan import replacements, stopped, updates
from components.local.plan import faults_of_versions
from components.local.provider import Properties, change, failure, faults_of_mounts, outputs, whole
from components.provider import Provider
from components.spec import SpecError

LOAD_BALANCER = "external-load-balancer"
SHARED_NETWORK = "n-"
"""Begins a claim that may remove kind's network in the end: Slipway had kind make it."""


class ClaimProvider(Provider):
    """The right to the name of a kind cluster on this machine. Inputs: `name`. Its id is the mark of our nodes."""

    def check(self, _olds: Properties, news: Properties) -> dynamic.CheckResult:
        """Refuse a name that somebody else's cluster has, at preview."""
        failures = []
        if _olds.get("name") != news["name"]:
            try:
                _refuse_taken(news["name"], Engine.find().nodes(news["name"]))
            except (EngineError, KindError) as error:
                failures.append(failure(error))
        return dynamic.CheckResult(news, failures)

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> dynamic.DiffResult:
        """A claim is on one name only."""
        changed = _olds["name"] != _news["name"]
        return dynamic.DiffResult(changes=changed, replaces=["name"] if changed else [])

    def create(self, props: Properties) -> dynamic.CreateResult:
        """Choose the mark of the nodes to come; nothing is made yet."""
        engine = Engine.find()
        claim = uuid.uuid4().hex[:16]
        if not engine.has_network() or _network_is_ours(engine):
            claim = SHARED_NETWORK + claim
        return dynamic.CreateResult(claim, {"name": props["name"]})

    def delete(self, _id: str, _props: Properties) -> None:
        """Sweep up what a create that was killed has left, and kind's network once nobody uses it."""
        name = _props["name"]
        engine = _engine_of(name)
        with kind_cli.only_one(name):
            engine.remove([node.container for node in _ours(engine.nodes(name), _id)])
            if _id.startswith(SHARED_NETWORK) and engine.has_network() and not engine.nodes():
                # A container of the user's own may still use it: then the engine refuses, and is right.
                engine.remove_network_if_unused()


class ClusterProvider(Provider):
    """A kind cluster. Inputs: the arguments of `KindArgs`, its `name`, and the `claim` that marks its nodes."""

    def check(self, _olds: Properties, news: Properties) -> dynamic.CheckResult:
        """Refuse at preview what no cluster can be made from. `_olds` is empty for a new one and a replacement."""
        news = whole(news)
        try:
            if faults := faults_of_versions(_olds, news, date.today()):
                raise SpecError(faults)
            if not _olds:
                _image(Engine.find(), news)
                if faults := faults_of_mounts(news):
                    raise SpecError(faults)
        except (EngineError, SpecError) as error:
            return dynamic.CheckResult(news, [failure(error)])
        return dynamic.CheckResult(news, [])

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> dynamic.DiffResult:
        """What changes in place and what makes the cluster anew, with the reason on the user's display."""
        _olds, _news = whole(_olds), whole(_news)
        replaced = replacements(_olds, _news)
        return change(_news["name"], replaced, stopped(_olds), updates(_olds, _news), "stopped, to be started again")

    def create(self, props: Properties) -> dynamic.CreateResult:
        """Have kind make the cluster, or take over what an earlier run had it finish from the same arguments."""
        engine = Engine.find()
        props = whole(props)
        name, claim = props["name"], props["claim"]
        mark = kind_config.mark_of(claim, props)
        with kind_cli.only_one(name) as lock:
            nodes = engine.nodes(name)
            if _is_finished(engine, nodes, props, mark):
                progress.inform(f"{name} was finished by an earlier run, and is taken over as it is")
                config, version = kind_cli.kubeconfig_of(name), kind_nodes.version(engine, name)
                statuses = _statuses(nodes)
            else:
                ours = _ours(nodes, claim)
                engine.remove([node.container for node in ours])
                _refuse_taken(name, [node for node in nodes if node not in ours])
                image = _image(engine, props)
                text = kind_config.render(props, name=name, mark=mark, cgroup_v1=engine.cgroup_v1)
                config = kind_cli.create(name, text, image, lock)
                version = kind_nodes.mark_complete(engine, name)
                # kind ends well only once every node runs.
                statuses = [{"name": container, "status": "running"} for container in _containers(props)]
            # As with kind itself, the API answers now, and nodes are Ready some seconds later: pods wait for them.
            kind_nodes.configure(engine, {}, props)
        return dynamic.CreateResult(name, {**props, **outputs(config, version, statuses)})

    def read(self, id_: str, props: Properties) -> dynamic.ReadResult:
        """Which nodes there are and whether they run; an empty id once none is left."""
        nodes = _ours(Engine.find().nodes(props["name"]), props["claim"])
        if not nodes:
            return dynamic.ReadResult("", {})
        return dynamic.ReadResult(id_, {**props, "nodes": _statuses(nodes)})

    def update(self, _id: str, _olds: Properties, _news: Properties) -> dynamic.UpdateResult:
        """Start nodes that the last refresh found stopped, then bring labels, taints and mirrors to what is wanted."""
        engine = Engine.find()
        _olds, _news = whole(_olds), whole(_news)
        with kind_cli.only_one(_news["name"]):
            if names := stopped(_olds):
                kind_nodes.start(engine, names)
                kind_nodes.await_ready(engine, _news)
            kind_nodes.configure(engine, _olds, _news)
            config, version = kind_cli.kubeconfig_of(_news["name"]), kind_nodes.version(engine, _news["name"])
            statuses = _statuses(engine.nodes(_news["name"]))
        return dynamic.UpdateResult({**_news, **outputs(config, version, statuses)})

    def delete(self, _id: str, _props: Properties) -> None:
        """Remove the nodes that bear our mark, with their volumes; none being there is fine."""
        name = _props["name"]
        engine = _engine_of(name)
        with kind_cli.only_one(name):
            progress.status(f"deleting the nodes of {name}")
            engine.remove([node.container for node in _ours(engine.nodes(name), _props["claim"])])


def _is_finished(engine: Engine, nodes: list[Node], props: Properties, mark: str) -> bool:
    """Whether `nodes` are the whole cluster, made by kind to its end from these very arguments."""
    return (
        [node.container for node in nodes] == _containers(props)
        and all(mark in node.mounts or node.role == LOAD_BALANCER for node in nodes)
        and kind_nodes.is_complete(engine, props["name"])
    )


def _containers(props: Properties) -> list[str]:
    return kind_config.containers(props["name"], props["control_planes"], props["workers"])


def _image(engine: Engine, props: Properties) -> str:
    return kind_image.choose(engine, props["version"], props["control_planes"], props.get("node_image"))


def _statuses(nodes: list[Node]) -> list[dict[str, str]]:
    return [{"name": node.container, "status": node.status} for node in nodes]


def _ours(nodes: list[Node], claim: str) -> list[Node]:
    """Those of `nodes` that bear the mark of `claim`, with their load balancer, which kind gives no mounts."""
    prefix = f"{kind_config.MARK}/{claim}/"
    marked = [node for node in nodes if any(mount.startswith(prefix) for mount in node.mounts)]
    foreign = [node for node in nodes if node not in marked and node.role != LOAD_BALANCER]
    return marked + [node for node in nodes if node.role == LOAD_BALANCER and not foreign]


def _network_is_ours(engine: Engine) -> bool:
    """Whether kind's network, which exists, was made for clusters of ours and is used by no other cluster."""
    nodes = [node for node in engine.nodes() if node.role != LOAD_BALANCER]
    shared = f"{kind_config.MARK}/{SHARED_NETWORK}"
    return bool(nodes) and all(any(mount.startswith(shared) for mount in node.mounts) for node in nodes)


def _refuse_taken(name: str, nodes: list[Node]) -> None:
    if nodes:
        marked = any(mount.startswith(kind_config.MARK) for node in nodes for mount in node.mounts)
        whose = "made by another stack, or with a state that is gone" if marked else "not made by Slipway"
        raise KindError(
            f"there is a kind cluster {name} already, {whose}, and it is not touched; "
            f"write another `name` under slipway:cluster, or remove it (`kind delete cluster --name {name}`)"
        )


def _engine_of(name: str) -> Engine:
    """The engine to delete the cluster from.

    Raises:
        EngineError: It does not answer.
    """
    try:
        return Engine.find()
    except EngineError:
        raise EngineError(
            f"{name} cannot be removed while its container engine does not answer; start that engine and try again, "
            "or, if the engine is gone for good, forget the stack: `pulumi stack rm --force --preserve-config`"
        ) from None
