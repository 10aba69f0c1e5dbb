"""Machines that are containers: a network that is the claim on a cluster's name too, the machines, their balancer.

The network is made in an instant and comes first, so that a create that was killed has left something in the state
whose delete sweeps up. Its id is a label of every container, which proves whose that is: one without it is never
touched.

These classes are found again by their names when a stack is destroyed years later: neither may be renamed or moved.
"""

import io
import json
import socket
import subprocess
import tarfile
import time
import uuid
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network
from typing import Any

from pulumi import dynamic

from components import progress, versions
from components.bootstrap.plan import API_PORT
from components.local.container_engine import WORK_SECONDS, Engine, EngineError
from components.local.kind_config import OFFLINE_REPOSITORY
from components.machines import release
from components.machines.claim_provider import fixed_failures
from components.provider import Provider

Properties = dict[str, Any]

CLAIM = "slipway.claim"
"""The label that says whose a container or a network is."""

SEED = "/var/lib/cloud/seed/nocloud"
"""Where cloud-init finds what NoCloud has for a machine."""

ENTRY_POINT = "/kind/bin/machine.sh"
BALANCER_CONFIG = "/etc/haproxy/haproxy.cfg"


class NetworkProvider(Provider):
    """The network of a cluster's machines, and the right to its name.

    Inputs: `name`, `cidr`, `version` and `fixed` (key of the stack file → what all machines of the cluster are booted
    with, and none takes in later). Outputs: the `image` that machines of that version are made from, and the
    `kubernetes_version` in it.
    """

    def check(self, _olds: Properties, news: Properties) -> dynamic.CheckResult:
        """Refuse a version without an image, a name that is taken, and what machines that stand would not take in."""
        failures = fixed_failures(_olds, news)
        try:
            if news["version"] != _olds.get("version"):
                _image(Engine.find(), news["version"])
            if not _olds:
                _refuse_network(Engine.find(), news["name"])
                _refuse_overlap(Engine.find(), news["name"], news["cidr"])
        except EngineError as error:
            failures.append(dynamic.CheckFailure("", str(error)))
        return dynamic.CheckResult(news, failures)

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> dynamic.DiffResult:
        """A network is what it was made as, but for the version that machines are to be of from now on."""
        replaced = [key for key in ("name", "cidr") if _olds[key] != _news[key]]
        changed = bool(replaced) or _olds["version"] != _news["version"]
        return dynamic.DiffResult(changes=changed, replaces=replaced, delete_before_replace=True)

    def update(self, _id: str, _olds: Properties, _news: Properties) -> dynamic.UpdateResult:
        """Find the image of another version."""
        return dynamic.UpdateResult({**_news, **_image(Engine.find(), _news["version"])})

    def create(self, props: Properties) -> dynamic.CreateResult:
        """Make the network, or take over the one that a create which was killed has left empty."""
        engine = Engine.find()
        name, claim = props["name"], uuid.uuid4().hex[:16]
        if _refuse_network(engine, name):
            engine.run("network", "rm", name)
        engine.run("network", "create", "--subnet", props["cidr"], "--label", f"{CLAIM}={claim}", name)
        return dynamic.CreateResult(claim, {**props, **_image(engine, props["version"])})

    def read(self, id_: str, props: Properties) -> dynamic.ReadResult:
        """Whether it is there; an empty id if not."""
        there = _is_our_network(Engine.find(), props["name"], id_)
        return dynamic.ReadResult(id_ if there else "", props if there else {})

    def delete(self, _id: str, _props: Properties) -> None:
        """Sweep up what a create that was killed has left, then remove the network."""
        engine = Engine.find()
        engine.remove(_containers(engine, _id))
        if _is_our_network(engine, _props["name"], _id):
            engine.run("network", "rm", _props["name"])


class _ContainerProvider(Provider):
    """What a machine and the balancer have in common: each is a container that bears the claim."""

    def read(self, id_: str, props: Properties) -> dynamic.ReadResult:
        """Whether it is there and runs; an empty id once it is gone."""
        found = _container(Engine.find(), props["name"])
        if not _is_ours(found, props["claim"]):
            return dynamic.ReadResult("", {})
        return dynamic.ReadResult(id_, {**props, "status": found["State"]["Status"]})

    def delete(self, _id: str, _props: Properties) -> None:
        """Remove the container with its volume; none of ours being there is fine."""
        engine = Engine.find()
        if _is_ours(_container(engine, _props["name"]), _props["claim"]):
            engine.remove([_props["name"]])


class MachineProvider(_ContainerProvider):
    """A machine.

    Inputs: `name`, `claim`, `network`, `address`, `image`, `user_data` (secret), whether it is to run a
    `control_plane`, and `release`, the version of Kubernetes that it has the programs and images of: those of another
    one are put beside them, for the node's upgrade.
    """

    def check(self, _olds: Properties, news: Properties) -> dynamic.CheckResult:
        """Refuse an image that is not there; what a machine was booted from stays as long as it lives."""
        if _olds:
            kept = {**news, **{key: _olds[key] for key in ("image", "user_data")}}
            fault = _release_fault(kept) if _has_other_release(_olds, news) else None
            return dynamic.CheckResult(kept, [dynamic.CheckFailure("", fault)] if fault else [])
        try:
            _refuse_container(Engine.find(), news["name"], news["claim"])
            # At the first preview the network has not told yet which one it is.
            there = not isinstance(news["image"], str) or Engine.find().has_image(news["image"])
        except EngineError as error:
            return dynamic.CheckResult(news, [dynamic.CheckFailure("", str(error))])
        fault = f"the image {news['image']} of {news['name']} is not in the container engine; run `make up`"
        return dynamic.CheckResult(news, [] if there else [dynamic.CheckFailure("", fault)])

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> dynamic.DiffResult:
        """What makes it another machine; one that was stopped is started again."""
        replaced = [key for key in ("name", "claim", "network", "address") if _olds[key] != _news[key]]
        changed = _olds.get("status", "running") != "running" or _has_other_release(_olds, _news)
        return dynamic.DiffResult(changes=bool(replaced) or changed, replaces=replaced, delete_before_replace=True)

    def create(self, props: Properties) -> dynamic.CreateResult:
        """Make the container, put the seed into it, start it. One that a killed create left is made anew."""
        engine = Engine.find()
        name = props["name"]
        _make_room(engine, name, props["claim"])
        engine.run(
            "create", "--name", name, "--hostname", name, "--tty", "--init=false",
            "--label", f"{CLAIM}={props['claim']}",
            "--network", props["network"], "--ip", props["address"],
            "--privileged", "--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined",
            "--cgroupns=private", "--tmpfs", "/tmp", "--tmpfs", "/run",  # noqa: S108 - paths inside the container
            "--volume", "/var", "--volume", "/lib/modules:/lib/modules:ro",
            "--restart", "unless-stopped", "--entrypoint", ENTRY_POINT, props["image"],
        )  # fmt: skip
        meta = {"instance-id": uuid.uuid4().hex, "local-hostname": name}
        _put(engine, name, SEED, {"user-data": props["user_data"], "meta-data": json.dumps(meta)})
        engine.run("start", name)
        return dynamic.CreateResult(meta["instance-id"], {**props, **_outputs(engine, name, "running")})

    def update(self, _id: str, _olds: Properties, _news: Properties) -> dynamic.UpdateResult:
        """Start it again, and put another release into it."""
        engine = Engine.find()
        engine.run("start", _news["name"])
        if _has_other_release(_olds, _news):
            progress.status(f"{_news['name']} gets the programs of {_news['release']}")
            label = f"{CLAIM}={_news['claim']}"
            release.put(engine, _news["name"], _news["release"], label, control_plane=_news["control_plane"])
        return dynamic.UpdateResult({**_news, **_outputs(engine, _news["name"], "running")})


class BalancerProvider(_ContainerProvider):
    """What people reach the API through. Inputs: `name`, `claim`, `network`, `address`, `image`, `config`, `port`."""

    def check(self, _olds: Properties, news: Properties) -> dynamic.CheckResult:
        """Refuse a name that is taken; what it was made from stays."""
        if _olds:
            return dynamic.CheckResult({**news, "image": _olds["image"]}, [])
        try:
            _refuse_container(Engine.find(), news["name"], news["claim"])
        except EngineError as error:
            return dynamic.CheckResult(news, [dynamic.CheckFailure("", str(error))])
        return dynamic.CheckResult(news, [])

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> dynamic.DiffResult:
        """Another list of control planes is taken in place."""
        replaced = [key for key in ("name", "claim", "network", "address") if _olds[key] != _news[key]]
        if _news.get("port") and _news["port"] != _olds["port"]:
            replaced.append("port")
        changed = _olds["config"] != _news["config"] or _olds.get("status", "running") != "running"
        return dynamic.DiffResult(changes=bool(replaced) or changed, replaces=replaced, delete_before_replace=True)

    def create(self, props: Properties) -> dynamic.CreateResult:
        """Make it, with a port of 127.0.0.1 that stays its own."""
        engine = Engine.find()
        name, port = props["name"], int(props.get("port") or 0) or _free_port()
        _make_room(engine, name, props["claim"])
        engine.run(
            "create", "--name", name, "--hostname", name, "--label", f"{CLAIM}={props['claim']}",
            "--network", props["network"], "--ip", props["address"], "--publish", f"127.0.0.1:{port}:{API_PORT}",
            "--restart", "unless-stopped", "--cap-drop", "ALL", "--user", "haproxy",
            "--entrypoint", "/usr/sbin/haproxy", props["image"], "-W", "-db", "-f", BALANCER_CONFIG,
        )  # fmt: skip
        _put(engine, name, "/etc/haproxy", {"haproxy.cfg": props["config"]}, mode=0o644)
        engine.run("start", name)
        return dynamic.CreateResult(name, {**props, "port": port, "status": "running"})

    def update(self, _id: str, _olds: Properties, _news: Properties) -> dynamic.UpdateResult:
        """Take the new list of control planes, without ending a connection."""
        engine = Engine.find()
        _put(engine, _news["name"], "/etc/haproxy", {"haproxy.cfg": _news["config"]}, mode=0o644)
        if _olds.get("status", "running") == "running":
            engine.run("kill", "--signal", "USR2", _news["name"])
        else:
            engine.run("start", _news["name"])
        return dynamic.UpdateResult({**_news, "port": _olds["port"], "status": "running"})


def _outputs(engine: Engine, name: str, status: str) -> Properties:
    return {"status": status, "reach": {"machine": name, "prefix": [engine.cli, "exec", "--interactive", name]}}


def _image(engine: Engine, version: str) -> Properties:
    """The image that machines are made from, and the version of Kubernetes in it."""
    for tag in engine.images(OFFLINE_REPOSITORY):
        if versions.same(version, tag):
            return {"image": f"{OFFLINE_REPOSITORY}:{tag}", "kubernetes_version": tag}
    raise EngineError(
        f"version: the container engine has no image {OFFLINE_REPOSITORY} of {version}, which machines are made from; "
        "`make up` builds it"
    )


def _has_other_release(olds: Properties, news: Properties) -> bool:
    return olds.get("release", news["release"]) != news["release"]


def _release_fault(machine: Properties) -> str | None:
    """Why a machine cannot be given another release."""
    version = machine["release"]
    try:
        # At a preview the network has not told yet which one it is.
        if not isinstance(version, str) or release.is_held(Engine.find(), version):
            return None
    except EngineError as error:
        return str(error)
    image = f"{release.REPOSITORY}:{version}"
    return f"version: the container engine has no {image}, which {machine['name']} is upgraded to; run `make up`"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def _container(engine: Engine, name: str) -> dict[str, Any]:
    """What the engine tells of a container; nothing where there is none."""
    told = _inspect(engine, name, ("container", "inspect"), ("container", "ls", "--all", "--format", "{{.Names}}"))
    return json.loads(told)[0] if told else {}


def _labels_of_network(engine: Engine, name: str) -> dict[str, str] | None:
    """The labels of a network; None where there is none."""
    ask = ("network", "inspect", "--format", "{{json .Labels}}")
    told = _inspect(engine, name, ask, ("network", "ls", "--format", "{{.Name}}"))
    return json.loads(told) or {} if told else None


def _inspect(engine: Engine, name: str, ask: Sequence[str], ask_for_names: Sequence[str]) -> str:
    try:
        return engine.run(*ask, name)
    except EngineError:
        # An engine that has stopped answering must not make anything look gone.
        if name in engine.run(*ask_for_names).split():
            raise
        return ""


def _is_ours(container: Mapping[str, Any], claim: object) -> bool:
    """Whether a container bears the claim; any one, where it is not known yet which that will be."""
    mark = (container["Config"]["Labels"] or {}).get(CLAIM) if container else None
    return mark == claim if isinstance(claim, str) else mark is not None


def _is_our_network(engine: Engine, name: str, claim: str) -> bool:
    return (_labels_of_network(engine, name) or {}).get(CLAIM) == claim


def _containers(engine: Engine, claim: str) -> list[str]:
    return engine.run("ps", "--all", "--quiet", "--filter", f"label={CLAIM}={claim}").split()


def _make_room(engine: Engine, name: str, claim: str) -> None:
    """Remove what a create that was killed has left of a container.

    Raises:
        EngineError: There is one of that name that is not ours.
    """
    if _refuse_container(engine, name, claim):
        engine.remove([name])


def _refuse_container(engine: Engine, name: str, claim: object) -> bool:
    """Whether there is a container of a name that is ours.

    Args:
        engine: Where it would be.
        name: Its name.
        claim: What ours bears; before there is a network it is not known, and then no text.

    Raises:
        EngineError: There is one that is not ours, as far as that is known.
    """
    found = _container(engine, name)
    if found and not _is_ours(found, claim):
        raise EngineError(
            f"there is a container {name} already, not made by this stack, and it is not touched; "
            f"write another `name` under slipway:cluster, or remove it (`{engine.cli} rm --force {name}`)"
        )
    return bool(found)


def _refuse_overlap(engine: Engine, name: str, cidr: str) -> None:
    """Refuse addresses that another network of the engine has.

    Raises:
        EngineError: It has.
    """
    names = engine.run("network", "ls", "--format", "{{.Name}}").split()
    try:
        told = json.loads(engine.run("network", "inspect", *names))
    except EngineError:
        return  # one has just gone; whether the engine takes the network it tells itself
    for network in told:
        other = network.get("Name") or network["name"]  # as podman has it
        ranges = (network.get("IPAM") or {}).get("Config") or network.get("subnets") or ()
        subnets = [one.get("Subnet") or one.get("subnet") or "" for one in ranges]
        for subnet in (one for one in subnets if one and ":" not in one):
            if other != name and IPv4Network(subnet, strict=False).overlaps(IPv4Network(cidr)):
                raise EngineError(
                    f"machines.cidr: {cidr} has addresses of {subnet}, which the engine's network {other} has; "
                    "write another one"
                )


def _refuse_network(engine: Engine, name: str) -> bool:
    """Whether there is a network of a name that a create which was killed has left empty.

    Raises:
        EngineError: There is another one.
    """
    labels = _labels_of_network(engine, name)
    if labels is not None and (CLAIM not in labels or _containers(engine, labels[CLAIM])):
        raise EngineError(
            f"there is a network {name} already, and it is not touched; write another `name` under "
            f"slipway:cluster, or remove it (`{engine.cli} network rm {name}`)"
        )
    return labels is not None


def _put(engine: Engine, container: str, folder: str, files: Mapping[str, str], mode: int = 0o600) -> None:
    """Write files into a container, running or not; what they hold is on no command line."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in files.items():
            data = content.encode()
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.mtime = len(data), mode, int(time.time())
            archive.addfile(entry, io.BytesIO(data))
    taking = [engine.cli, "cp", "-", f"{container}:{folder}"]
    try:
        done = subprocess.run(taking, input=packed.getvalue(), capture_output=True, timeout=WORK_SECONDS)
    except subprocess.TimeoutExpired:
        raise EngineError(f"{engine.cli} cp into {container} has not ended within {WORK_SECONDS} s") from None
    if done.returncode:
        raise EngineError(f"{engine.cli} cp into {container} failed: {done.stderr.decode().strip()}")
