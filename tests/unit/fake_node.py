"""A machine and the API of its cluster, as the resource of a node sees them: what they tell, and what was asked."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest import MonkeyPatch

from components.bootstrap.kubectl import Kubectl, KubectlError
from components.bootstrap.status import STATUS
from components.machines.reach import Reach, ReachError, Unreachable


@dataclass
class Clock:
    """Time, which passes when somebody sleeps; things may happen meanwhile."""

    now: float = 1000
    meanwhile: Callable[[float], object] = lambda _now: None

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.meanwhile(self.now)


@dataclass
class Machine:
    """A machine: its files, and what was run there."""

    files: dict[str, str] = field(default_factory=dict)
    ran: list[tuple[str, ...]] = field(default_factory=list)
    answers: bool = True
    refuses: str = ""
    """A program that fails."""

    starts: Callable[[str], object] = lambda _folder: None
    """What becomes of the steps in a folder that are started."""

    sight: dict[str, Any] = field(default_factory=lambda: {"files": {}, "certificates": {}, "members": None})
    """What it tells of itself."""

    def stands_in(self, patch: MonkeyPatch) -> None:
        """Be what every `Reach` leads to."""
        patch.setattr(Reach, "run", lambda _, *words, stdin="", seconds=60: self.run(words, stdin))
        patch.setattr(Reach, "put", lambda _, files, seconds=60: self.put(files))

    def does(self, *steps: Mapping[str, Any], state: str = "running") -> None:
        """Let its bootstrap be so far."""
        self.files[STATUS] = json.dumps({"version": 1, "state": state, "steps": steps})

    def run(self, words: tuple[str, ...], stdin: str) -> str:
        """What `Reach.run` is here."""
        if not self.answers:
            raise Unreachable("demo: it is gone, or does not run")
        if words[0] == self.refuses:
            raise ReachError(f"demo: `{words[0]}` failed: refused")
        match words:
            case ["cat" | "test" as word, *_, path]:
                if path not in self.files:
                    raise ReachError(f"demo: `{word}` failed: no such file")
                return self.files[path]
            case ["sh", "-c", script]:
                return self.files.get(script.split()[1], "")
            case ["python3", "-"]:
                return json.dumps(self.sight)
            case ["tee", path]:
                self.files[path] = stdin
            case ["systemctl", "show", *_]:
                return "inactive\n"
            case ["systemd-run", *_, folder]:
                self.starts(folder)
        self.ran.append(words)
        return ""

    def put(self, files: Mapping[str, tuple[int, str]]) -> None:
        """What `Reach.put` is here."""
        self.files |= {path: content for path, (_, content) in files.items()}


@dataclass
class Cluster:
    """The API: nodes, requests for certificates, and etcd behind it."""

    nodes: dict[str, dict[str, Any]] = field(default_factory=dict)
    requests: list[dict[str, Any]] = field(default_factory=list)
    members: dict[str, int] = field(default_factory=dict)
    """Name → id."""

    healthy: set[str] = field(default_factory=set)
    """Members that answer."""

    asked: list[tuple[str, ...]] = field(default_factory=list)
    answers: bool = True
    refuses: str = ""
    """A verb that fails."""

    version: str = "v1.37.2"
    """Of the cluster, as kubeadm knows it."""

    leaderless: set[str] = field(default_factory=set)
    """Whose lease is not renewed."""

    def stands_in(self, patch: MonkeyPatch) -> None:
        """Be what every `Kubectl` asks."""
        patch.setattr(Kubectl, "run", lambda _, *words, stdin="", seconds=60: self.run(words))

    def has(self, name: str, *, ready: bool = True, version: str = "v1.37.2") -> None:
        """Let there be a node."""
        conditions = [{"type": "MemoryPressure", "status": "False"}, {"type": "Ready", "status": str(ready)}]
        versions = {"kubeletVersion": version, "containerRuntimeVersion": "containerd://2.4.2"}
        status = {"conditions": conditions, "nodeInfo": versions}
        self.nodes[name] = {"metadata": {"name": name, "annotations": {}}, "spec": {}, "status": status}

    def did(self, *words: str) -> list[tuple[str, ...]]:
        """What was asked that begins with these words."""
        return [asked for asked in self.asked if asked[: len(words)] == words]

    def run(self, words: tuple[str, ...]) -> str:
        """What `Kubectl.run` is here."""
        if not self.answers or words[0] == self.refuses:
            raise KubectlError(f"kubectl {words[0]} failed: {'refused' if self.answers else 'connection refused'}")
        self.asked.append(words)
        match words:
            case ["get", "node", name, *_]:
                return json.dumps(self.nodes[name]) if name in self.nodes else ""
            case ["get", "certificatesigningrequests", *_]:
                return json.dumps({"items": self.requests})
            case ["get", "configmap", "kubeadm-config", *_]:
                return json.dumps({"data": {"ClusterConfiguration": f"kubernetesVersion: {self.version}\n"}})
            case ["get", "pods", *_]:
                return json.dumps({"items": [_etcd_pod(name) for name in self.members]})
            case ["exec", _, pod, "--", "etcdctl", *asked]:
                return self._etcdctl(pod.removeprefix("etcd-"), asked)
            case ["delete", "node", name, *_]:
                self.nodes.pop(name, None)
            case ["get", "nodes", "--output=json"]:
                return json.dumps({"items": list(self.nodes.values())})
            case ["get", "nodes", "--selector=node-role.kubernetes.io/control-plane", *_]:
                return json.dumps({"items": [node for name, node in self.nodes.items() if "control-plane" in name]})
            case ["get", "lease", name, *_]:
                renewed = 0 if name in self.leaderless else len(self.asked)
                return json.dumps({"spec": {"renewTime": f"2026-11-25T12:00:00.{renewed:06}Z"}})
            case ["annotate", "node", name, note]:
                notes, (key, _, value) = self.nodes[name]["metadata"]["annotations"], note.partition("=")
                if value:
                    notes[key] = value
                else:
                    notes.pop(key.removesuffix("-"), None)
            case ["label", "node", name, label, "--overwrite"]:
                key, _, value = label.partition("=")
                if name in self.nodes:
                    self.nodes[name]["metadata"]["labels"] = {key: value}
            case ["drain", name, *_]:
                self.nodes[name]["spec"]["unschedulable"] = True
            case ["uncordon", name]:
                self.nodes[name]["spec"].pop("unschedulable")
        return ""

    def _etcdctl(self, through: str, words: Sequence[str]) -> str:
        if through not in self.healthy:
            raise KubectlError("kubectl exec failed: container not found")
        match [word for word in words if not word.startswith(("--cacert", "--cert", "--key"))]:
            case ["member", "list", *_]:
                told = [
                    # One that never started has neither a name nor an address for clients.
                    {"name": name, "ID": number, "clientURLs": [f"https://{name}:2379"]}
                    if "://" not in name
                    else {"ID": number, "peerURLs": [name]}
                    for name, number in self.members.items()
                ]
                return json.dumps({"members": told})
            case ["member", "remove", number]:
                self.members = {name: one for name, one in self.members.items() if one != int(number, 16)}
            case ["endpoint", "health", where]:
                if not any(f"https://{name}:2379" in where for name in self.healthy):
                    raise KubectlError("kubectl exec failed: unhealthy cluster")
        return ""


def step(name: str, state: str, attempts: int = 1, log: str = "") -> dict[str, Any]:
    """A step of a machine's bootstrap, as its status tells it."""
    told = {"name": name, "state": state, "started": 1.0, "ended": None, "attempts": attempts}
    return {**told, "log_tail": log} if log else told


def _etcd_pod(member: str) -> dict[str, Any]:
    # What the API was last told stands, though the machine may be gone.
    return {
        "metadata": {"name": f"etcd-{member}"},
        "spec": {"nodeName": member},
        "status": {"phase": "Running"},
    }
