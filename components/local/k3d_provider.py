"""k3d clusters as two dynamic resources: the claim on a name, and the cluster itself.

The claim is made in an instant and comes first, so that a create that was killed has left something in the state whose
delete sweeps up. Its id is a label of every container, which proves whose a cluster is: one of the same name without it
is never touched.

These classes are found again by their names when a stack is destroyed years later: neither may be renamed or moved.
"""

import uuid
from datetime import date

from pulumi import dynamic

from components import progress, versions
from components.local import k3d_cli, k3d_config, k3d_nodes, plan
from components.local.command import CommandError
from components.local.container_engine import Engine, EngineError
from components.local.k3d_cli import K3dError
from components.local.k3d_nodes import Node
from components.local.k3d_plan import missing, replacements, stopped, surplus, updates
from components.local.plan import faults_of_versions
from components.local.provider import Properties, change, failure, faults_of_mounts, outputs, whole
from components.provider import Provider
from components.spec import Fault, SpecError

OWN_NETWORK = "n-"
"""Begins a claim that may remove the cluster's network and volume with no node left: none was there before."""


class ClaimProvider(Provider):
    """The right to the name of a k3d cluster on this machine. Inputs: `name`. Its id is the label of our nodes."""

    def check(self, _olds: Properties, news: Properties) -> dynamic.CheckResult:
        """Refuse a name that somebody else's cluster has, at preview."""
        failures = []
        if _olds.get("name") != news["name"]:
            try:
                _refuse_taken(news["name"], k3d_nodes.nodes(Engine.find(), news["name"]))
            except (EngineError, K3dError) as error:
                failures.append(failure(error))
        return dynamic.CheckResult(news, failures)

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> dynamic.DiffResult:
        """A claim is on one name only."""
        changed = _olds["name"] != _news["name"]
        return dynamic.DiffResult(changes=changed, replaces=["name"] if changed else [])

    def create(self, props: Properties) -> dynamic.CreateResult:
        """Choose the label of the nodes to come; nothing is made yet."""
        claim = uuid.uuid4().hex[:16]
        if not Engine.find().has_network(k3d_config.network(props["name"])):
            claim = OWN_NETWORK + claim
        return dynamic.CreateResult(claim, {"name": props["name"]})

    def delete(self, _id: str, _props: Properties) -> None:
        """Sweep up what a create that was killed has left."""
        engine = _engine_of(_props["name"])
        with k3d_cli.only_one(_props["name"]) as lock:
            _sweep(engine, _props["name"], _id, lock)


class ClusterProvider(Provider):
    """A k3d cluster. Inputs: the arguments of `K3dArgs`, its `name`, and the `claim` that labels its nodes."""

    def check(self, _olds: Properties, news: Properties) -> dynamic.CheckResult:
        """Refuse at preview what no cluster can be made from. `_olds` is empty for a new one and a replacement."""
        news = whole(news)
        try:
            if faults := faults_of_versions(_olds, news, date.today()):
                raise SpecError(faults)
            if not _olds:
                Engine.find()
                if faults := [*_faults_of_release(news), *faults_of_mounts(news)]:
                    raise SpecError(faults)
        except (EngineError, CommandError, SpecError) as error:
            return dynamic.CheckResult(news, [failure(error)])
        return dynamic.CheckResult(news, [])

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> dynamic.DiffResult:
        """What changes in place and what makes the cluster anew, with the reason on the user's display."""
        _olds, _news = whole(_olds), whole(_news)
        replaced = replacements(_olds, _news)
        return change(_news["name"], replaced, stopped(_olds), updates(_olds, _news), "stopped, to be started again")

    def create(self, props: Properties) -> dynamic.CreateResult:
        """Have k3d make the cluster, or take over what an earlier run had it finish from the same arguments."""
        engine = Engine.find()
        props = whole(props)
        name, claim = props["name"], props["claim"]
        with k3d_cli.only_one(name) as lock:
            nodes = k3d_nodes.nodes(engine, name)
            if _is_finished(engine, nodes, props):
                progress.inform(f"{name} was finished by an earlier run, and is taken over as it is")
                version = k3d_nodes.version(engine, name)
            else:
                _sweep(engine, name, claim, lock)
                _refuse_taken(name, k3d_nodes.nodes(engine, name))
                k3d_cli.create(name, k3d_config.render(props, name=name, claim=claim, cgroup_v1=engine.cgroup_v1), lock)
                version = k3d_nodes.mark_complete(engine, name)
            # As with k3d itself, the API answers now, and nodes are Ready some seconds later: pods wait for them.
            config, statuses = k3d_cli.kubeconfig_of(name), _statuses(engine, name)
        return dynamic.CreateResult(name, {**props, **outputs(config, version, statuses)})

    def read(self, id_: str, props: Properties) -> dynamic.ReadResult:
        """Which nodes there are and whether they run; an empty id once none of ours is left."""
        engine = Engine.find()
        if not k3d_nodes.are_of(props["claim"], k3d_nodes.nodes(engine, props["name"])):
            return dynamic.ReadResult("", {})
        return dynamic.ReadResult(id_, {**props, "nodes": _statuses(engine, props["name"])})

    def update(self, _id: str, _olds: Properties, _news: Properties) -> dynamic.UpdateResult:
        """Start nodes that the last refresh found stopped, then add and remove workers."""
        engine = Engine.find()
        _olds, _news = whole(_olds), whole(_news)
        name, workers = _news["name"], _news["workers"]
        with k3d_cli.only_one(name) as lock:
            if stopped(_olds):
                k3d_cli.start(name, lock)
            kubelet = k3d_config.kubelet_arguments(cgroup_v1=engine.cgroup_v1)
            for number in missing({**_olds, "nodes": _statuses(engine, name)}, workers):
                # k3s refuses a new machine with the name of a node that it knows.
                k3d_nodes.forget(engine, name, *k3d_config.names_of_agent(name, number))
                progress.status(f"adding worker {number} to {name}")
                k3d_cli.add_worker(name, number, _news["claim"], kubelet, lock)
            for container in surplus(name, [node.container for node in k3d_nodes.nodes(engine, name)], workers):
                k3d_nodes.leave(engine, name, container)
                k3d_cli.remove_node(name, container, lock)
            # Those whose containers somebody has removed.
            for number in range(workers, _olds["workers"]):
                k3d_nodes.forget(engine, name, *k3d_config.names_of_agent(name, number))
            config, version = k3d_cli.kubeconfig_of(name), k3d_nodes.version(engine, name)
            statuses = _statuses(engine, name)
        return dynamic.UpdateResult({**_news, **outputs(config, version, statuses)})

    def delete(self, _id: str, _props: Properties) -> None:
        """Remove the cluster if its nodes bear our label; none being there is fine."""
        engine = _engine_of(_props["name"])
        with k3d_cli.only_one(_props["name"]) as lock:
            progress.status(f"deleting the nodes of {_props['name']}")
            _sweep(engine, _props["name"], _props["claim"], lock)


def _is_finished(engine: Engine, nodes: list[Node], props: Properties) -> bool:
    """Whether `nodes` are the whole cluster, made by k3d to its end from these very arguments."""
    name = props["name"]
    there = [node.container for node in nodes]
    wanted = {*k3d_config.servers(name, props["control_planes"]), k3d_config.load_balancer(name)}
    return (
        wanted <= set(there)
        and sorted(k3d_config.agents(name, there)) == list(range(props["workers"]))
        and all((node.claim, node.made_from) == (props["claim"], plan.digest(props)) for node in nodes)
        and k3d_nodes.is_complete(engine, name)
    )


def _sweep(engine: Engine, name: str, claim: str, lock: int) -> None:
    """Remove all that is left of a cluster of this claim; anybody else's stays."""
    nodes = k3d_nodes.nodes(engine, name)
    if k3d_nodes.are_of(claim, nodes):
        k3d_cli.delete(name, lock)
    elif nodes:
        return
    # k3d finds them by the nodes alone: a run that was killed before the first one has left them.
    if claim.startswith(OWN_NETWORK):
        engine.remove_network_if_unused(k3d_config.network(name))
        engine.remove_volume_if_unused(k3d_config.image_volume(name))


def _statuses(engine: Engine, name: str) -> list[dict[str, str]]:
    return [{"name": node.container, "status": node.status} for node in k3d_nodes.nodes(engine, name)]


def _refuse_taken(name: str, nodes: list[Node]) -> None:
    if nodes:
        marked = any(node.claim for node in nodes)
        whose = "made by another stack, or with a state that is gone" if marked else "not made by Slipway"
        raise K3dError(
            f"there is a k3d cluster {name} already, {whose}, and it is not touched; "
            f"write another `name` under slipway:cluster, or remove it (`k3d cluster delete {name}`)"
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


def _faults_of_release(props: Properties) -> list[Fault]:
    """Whether Slipway knows which release of k3s a minor is to have."""
    if props.get("node_image") or versions.is_patch(props["version"]):
        return []
    if versions.minor_of(props["version"]) in k3d_config.K3S_VERSIONS:
        return []
    known = ", ".join(k3d_config.K3S_VERSIONS)
    fault = f"no release of k3s is chosen for {props['version']}, only for {known}; write a patch, or a nodeImage"
    return [Fault("version", fault)]
