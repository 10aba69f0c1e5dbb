"""The cluster rung: the plain command, a real container engine, real clusters."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from components import versions
from components.local.container_engine import Engine
from components.local.kind_config import OFFLINE_REPOSITORY
from tests.clusters import machine
from tests.clusters.runs import Commands
from tests.engine.slipway import Stack, environment
from tools import engine as engines
from tools import node_image, paths, snapshots
from tools.engine import packages
from tools.engine.private import PrivateEngine

PROGRAMS = ("pulumi", "pulumi-language-python", "pulumi-language-python-exec", "kind", "kubectl")
VERSION = "1.37"
PREFIX = "slipway-test-"
"""How the clusters of all tests are named."""


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """The container engine that answers, with the node image in it; one that was started for the tests ends with them.

    The private one must leave the machine as it was before, clusters or not. Tests that were killed leave clusters,
    which come up again with it and would be in the way of these: they go first, and an engine that held nothing else
    begins anew.
    """
    private = PrivateEngine(paths.CACHE / "engine")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in engines.ensure().environment.items():
            patch.setenv(name, value)
        remove_left_behind(Engine.find())
        begins_anew = engines.stop_private_if_idle()
        before = machine.look(private, packages.ensure(private.folder)) if begins_anew else {}
        engines.ensure()
        node_image.ensure({"version": VERSION})
        yield Engine.find()
        if begins_anew and engines.stop_private_if_idle():
            assert machine.differences(before, machine.look(private, packages.ensure(private.folder))) == {}


@pytest.fixture(scope="session")
def machine_image(engine: Engine) -> str:
    """The image that containers which stand in for machines are made from."""
    node_image.ensure_machine({"version": VERSION})
    (tag,) = (one for one in engine.images(OFFLINE_REPOSITORY) if versions.same(VERSION, one))
    return f"{OFFLINE_REPOSITORY}:{tag}"


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pulumi's own folder."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        pytest.fail(f"{', '.join(missing)} not on PATH; run the tests with `make test`, which brings them")
    return tmp_path_factory.mktemp("pulumi")


@pytest.fixture(scope="session")
def slipway(engine: Engine, home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Stack]]:
    """A stack of its own, from the file of a stack that is there, with some keys changed: `slipway("name", workers=2)`.

    In the end nothing may be left of it.
    """
    names: list[str] = []
    before = leftovers(engine)

    def make(name: str, of: str = "dev-kind", **cluster: Any) -> Stack:
        stack = Stack.made(tmp_path_factory.mktemp(name), of, environment(home))
        stack.set(name=name, **cluster)
        names.append(name)
        return stack

    yield make
    left = [node.container for name in names for node in engine.nodes(name)]
    engine.remove(left)
    assert left == []
    assert leftovers(engine) == before


@pytest.fixture(scope="session")
def pair(slipway: Callable[..., Stack], machine_image: str) -> Iterator[Stack]:
    """A control plane and a worker on machines of one's own, for tests that leave it as they found it."""
    stack = slipway("slipway-test-pair", of="dev-kubeadm", machines={"driver": "container", "cidr": "10.87.0.0/24"})
    stack.up()
    yield stack
    stack.destroy()


def remove_left_behind(engine: Engine) -> None:
    """Remove the containers and networks of tests that did not come to their end."""
    ours = f"name=^/?{PREFIX}"
    engine.remove(engine.run("ps", "--all", "--quiet", "--filter", ours).split())
    for network in engine.run("network", "ls", "--format", "{{.Name}}", "--filter", f"name=^{PREFIX}").split():
        engine.run("network", "rm", network)


def leftovers(engine: Engine) -> dict[str, set[str]]:
    """What an engine holds beside images."""
    return {
        kind: set(engine.run(*words).split())
        for kind, words in {
            "containers": ("ps", "--all", "--quiet", "--no-trunc"),
            "networks": ("network", "ls", "--format", "{{.Name}}"),
            "volumes": ("volume", "ls", "--quiet"),
        }.items()
    }


class Kubectl:
    """The command on a stack's cluster, by nothing but what the stack exports."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self._kubeconfig = folder / f"{stack.outputs()['name']}.kubeconfig"
        self._kubeconfig.touch(mode=0o600)
        self._kubeconfig.write_text(stack.outputs(show_secrets=True)["kubeconfig"])

    def __call__(self, *words: str, stdin: str = "") -> str:
        done = subprocess.run(
            ["kubectl", *words],
            env={**os.environ, "KUBECONFIG": str(self._kubeconfig)},
            input=stdin,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"kubectl {' '.join(words)} failed: {done.stderr}"
        return done.stdout

    def nodes(self) -> dict[str, Any]:
        """The nodes by name, once all are Ready."""
        self("wait", "nodes", "--all", "--for=condition=Ready", "--timeout=180s")
        items = json.loads(self("get", "nodes", "--output=json"))["items"]
        return {node["metadata"]["name"]: node for node in items}


ASK_A_SERVICE = """
until_it_goes_well() { for _ in $(seq 60); do "$@" && return; sleep 1; done; return 1; }
look() { nslookup web.default.svc.cluster.local | grep "Address: $WEB_SERVICE_HOST"; }
ask() { printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 5 "$WEB_SERVICE_HOST" 80 | grep it-works; }
until_it_goes_well look && until_it_goes_well ask
"""
"""What a pod asks the Service `web`, by its name and then itself, in a busybox that looks names up in nslookup alone.

A pod is Ready some seconds before DNS and every kube-proxy have heard of it."""


def said_by_a_pod(run: Kubectl, image: str, *command: str, options: Sequence[str] = ()) -> str:
    """What a command prints in a pod of its own, which must go well."""
    run("run", "one-more", f"--image={image}", "--restart=Never", *options, "--", *command)
    # Not attached to it: what a container says right before its end may be lost then.
    run("wait", "pod/one-more", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=180s")
    said = run("logs", "pod/one-more")
    run("delete", "pod/one-more", "--now")
    return said


@pytest.fixture
def kubectl(tmp_path: Path) -> Callable[[Stack], Kubectl]:
    """kubectl on a stack's cluster: `kubectl(stack)("get", "pods")`."""
    return lambda stack: Kubectl(stack, tmp_path)


@pytest.fixture
def commands_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Stack], Commands]:
    """What the commands behind `make` take for a stack of theirs: `snapshots.take(commands_of(stack))`."""

    def commands(stack: Stack) -> Commands:
        monkeypatch.setattr(paths, "STACKS", stack.project)
        monkeypatch.setattr(paths, "PROJECT", tmp_path)
        for name, value in stack.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv(snapshots.RESTORE, "")
        return Commands(stack)

    return commands
