"""minikube clusters as two dynamic resources: the claim on a name, and the cluster itself.

The claim is made in an instant and comes first, so that a create that was killed has left something in the state whose
delete sweeps up. Its id names a MINIKUBE_HOME of the cluster's own: whatever is in there is ours, and nothing else is
ever touched.

These classes are found again by their names when a stack is destroyed years later: neither may be renamed or moved.
"""

import json
import os
import shutil
import uuid
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from pulumi import dynamic

from components import progress, versions
from components.local import minikube_cli, minikube_config, plan
from components.local.command import CommandError
from components.local.minikube_cli import NONEXISTENT, MinikubeError, Node
from components.local.minikube_plan import replacements, stopped, updates
from components.local.plan import faults_of_versions
from components.local.provider import Properties, change, failure, outputs, whole
from components.provider import Provider
from components.spec import Fault, SpecError

_LONGEST_SOCKET = 107
"""Of the path of a socket, which QEMU has in its machine's folder: `sun_path` of unix(7)."""


class ClaimProvider(Provider):
    """The right to the name of a minikube cluster on this machine. Inputs: `name`. Output: its `home`."""

    def check(self, _olds: Properties, news: Properties) -> dynamic.CheckResult:
        """Refuse a name that somebody else's cluster has, at preview."""
        failures = []
        if _olds.get("name") != news["name"]:
            try:
                if minikube_cli.is_taken(news["name"]):
                    failures.append(failure(_taken(news["name"])))
            except CommandError as error:
                failures.append(failure(error))
        return dynamic.CheckResult(news, failures)

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> dynamic.DiffResult:
        """A claim is on one name only."""
        changed = _olds["name"] != _news["name"]
        return dynamic.DiffResult(changes=changed, replaces=["name"] if changed else [])

    def create(self, props: Properties) -> dynamic.CreateResult:
        """Choose the home of the cluster to come; nothing is made yet."""
        claim = uuid.uuid4().hex[:8]
        return dynamic.CreateResult(claim, {"name": props["name"], "home": str(minikube_cli.home_of(claim))})

    def delete(self, _id: str, _props: Properties) -> None:
        """Sweep up what a create that was killed has left, and the home itself."""
        home = Path(_props["home"])
        with minikube_cli.only_one(_props["name"]) as lock:
            minikube_cli.delete(home, _props["name"], lock)
            shutil.rmtree(home, ignore_errors=True)


class ClusterProvider(Provider):
    """A minikube cluster. Inputs: the arguments of `MinikubeArgs`, its `name`, the `claim`, and the `home` of that."""

    def check(self, _olds: Properties, news: Properties) -> dynamic.CheckResult:
        """Refuse at preview what no cluster can be made from. `_olds` is empty for a new one and a replacement."""
        news = whole(news)
        try:
            if faults := faults_of_versions(_olds, news, date.today()):
                raise SpecError(faults)
            if not _olds or not versions.same(news["version"], _olds["version"]):
                flags = _flags(news)
                if not _olds:
                    if faults := _faults_of_sockets(news):
                        raise SpecError(faults)
                    minikube_cli.try_out(news["name"], flags)
        except (CommandError, SpecError) as error:
            return dynamic.CheckResult(news, [failure(error)])
        return dynamic.CheckResult(news, [])

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> dynamic.DiffResult:
        """What changes in place and what makes the cluster anew, with the reason on the user's display."""
        _olds, _news = whole(_olds), whole(_news)
        replaced = replacements(_olds, _news)
        return change(
            _news["name"], replaced, stopped(_olds), updates(_olds, _news), "not running, to be started or made again"
        )

    def create(self, props: Properties) -> dynamic.CreateResult:
        """Have minikube make the cluster, or take over what an earlier run had it finish from the same arguments."""
        props = whole(props)
        name, home = props["name"], Path(props["home"])
        with minikube_cli.only_one(name, props["driver"]) as lock:
            if _is_finished(home, props):
                progress.inform(f"{name} was finished by an earlier run, and is taken over as it is")
            else:
                minikube_cli.delete(home, name, lock)
                if minikube_cli.is_taken(name):
                    raise _taken(name)
            # On what is there already a start only tells how it is reached.
            config = minikube_cli.start(home, name, _flags(props), lock)
            _made(home).write_text(json.dumps({"from": plan.digest(props)}))
            nodes, version = minikube_cli.nodes(home, name), minikube_cli.version(home, name)
        return dynamic.CreateResult(name, {**props, **outputs(config, version, _statuses(nodes))})

    def read(self, id_: str, props: Properties) -> dynamic.ReadResult:
        """Which nodes there are and whether they run; an empty id once none is left."""
        nodes = minikube_cli.nodes(Path(props["home"]), props["name"])
        if all(node.status == NONEXISTENT for node in nodes):
            return dynamic.ReadResult("", {})
        return dynamic.ReadResult(id_, {**props, "nodes": _statuses(nodes)})

    def update(self, _id: str, _olds: Properties, _news: Properties) -> dynamic.UpdateResult:
        """Upgrade the cluster and start what is stopped, both by a start, then add and remove workers."""
        _olds, _news = whole(_olds), whole(_news)
        name, home = _news["name"], Path(_news["home"])
        running = _olds["kubernetes_version"]
        version = running if versions.same(_news["version"], running) else None
        with minikube_cli.only_one(name, _news["driver"]) as lock:
            config = minikube_cli.start(home, name, _flags({**_news, "workers": _olds["workers"]}, version), lock)
            workers = [node.name for node in minikube_cli.nodes(home, name) if node.worker]
            for _ in range(len(workers), _news["workers"]):
                minikube_cli.add_worker(home, name, lock)
            for worker in reversed(workers[_news["workers"] :]):
                minikube_cli.remove_node(home, name, worker.removeprefix(f"{name}-"), lock)
            nodes, version = minikube_cli.nodes(home, name), minikube_cli.version(home, name)
        return dynamic.UpdateResult({**_news, **outputs(config, version, _statuses(nodes))})

    def delete(self, _id: str, _props: Properties) -> None:
        """Remove the cluster; none being there is fine."""
        home = Path(_props["home"])
        with minikube_cli.only_one(_props["name"]) as lock:
            progress.status(f"deleting {_props['name']}")
            minikube_cli.delete(home, _props["name"], lock)
            _made(home).unlink(missing_ok=True)


def _flags(props: Properties, version: str | None = None) -> list[str]:
    """The flags of a start, with the version that runs where it is to go on."""
    version = version or minikube_config.choose(props["version"], minikube_cli.known_versions())
    return minikube_config.flags(props, version, as_root=os.geteuid() == 0)


def _made(home: Path) -> Path:
    """The file that tells from what the cluster in that home was made, written once it was made to its end."""
    return home / "made.json"


def _is_finished(home: Path, props: Properties) -> bool:
    """Whether an earlier run had the cluster made to its end from these very arguments, and it is still there."""
    try:
        made_from = json.loads(_made(home).read_text())["from"]
    except (OSError, ValueError, KeyError):
        return False
    if made_from != plan.digest(props):
        return False
    nodes = minikube_cli.nodes(home, props["name"])
    return bool(nodes) and all(node.status != NONEXISTENT for node in nodes)


def _statuses(nodes: Sequence[Node]) -> list[dict[str, str]]:
    return [{"name": node.name, "status": node.status} for node in nodes]


def _taken(name: str) -> MinikubeError:
    return MinikubeError(
        f"there is a minikube cluster {name} already, not made by this stack, and it is not touched; "
        f"write another `name` under slipway:cluster, or remove it (`minikube delete --profile {name}`)"
    )


def _faults_of_sockets(props: Properties) -> list[Fault]:
    """Whether QEMU could open its sockets: the system takes no longer path."""
    name = props["name"]
    longest = minikube_cli.home_of("0" * 8) / ".minikube/machines" / f"{name}-m02" / "monitor"
    if props["driver"] != "qemu2" or len(str(longest)) <= _LONGEST_SOCKET:
        return []
    fault = f"{name!r} makes {longest} too long for a socket of QEMU; write a shorter name, or set XDG_STATE_HOME"
    return [Fault("name", fault)]
