"""The container engine on this machine, docker or podman, as kind uses it: through its command line."""

import functools
import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

CLUSTER_LABEL = "io.x-k8s.kind.cluster"
ROLE_LABEL = "io.x-k8s.kind.role"
ANSWER_SECONDS = 20
"""An engine that does not answer a question within this time counts as not running."""

WORK_SECONDS = 900
"""What an engine may take for one command; one that hangs answers nobody."""

_CGROUP_VERSION = {"docker": "{{.CgroupVersion}}", "podman": "{{.Host.CgroupsVersion}}"}


class EngineError(Exception):
    """The engine is missing, stopped, or refused a command: one line with the fix."""

    __module__ = "builtins"  # so that Pulumi shows "EngineError: …" without the path of this class


@dataclass(frozen=True)
class Node:
    """A container that kind made as a node, or as the load balancer of several control planes."""

    container: str
    role: str
    """`control-plane`, `worker` or `external-load-balancer`."""

    status: str
    """The engine's word: `running`, `exited`, `created`, …"""

    mounts: tuple[str, ...]
    """Where things are mounted in it."""


@dataclass(frozen=True)
class Engine:
    """A container engine that answers."""

    cli: str
    """`docker` or `podman`."""

    cgroup_v1: bool
    """Whether containers run on cgroup v1, which a kubelet takes only when told to."""

    @staticmethod
    @functools.cache
    def find() -> "Engine":
        """The engine that kind will use: what `KIND_EXPERIMENTAL_PROVIDER` names, else docker, else podman.

        Raises:
            EngineError: None of them answers.
        """
        chosen = os.environ.get("KIND_EXPERIMENTAL_PROVIDER")
        for cli in [chosen] if chosen in _CGROUP_VERSION else _CGROUP_VERSION:
            ask = [cli, "info", "--format", _CGROUP_VERSION[cli]]
            try:
                done = subprocess.run(ask, capture_output=True, text=True, timeout=ANSWER_SECONDS, check=True)
            except (OSError, subprocess.SubprocessError):
                continue
            if (version := done.stdout.strip().removeprefix("v")) in ("1", "2"):
                return Engine(cli, cgroup_v1=version == "1")
        raise EngineError(
            "no container engine answers; start Docker or Podman (`make up` starts a private engine where it can)"
        )

    @property
    def network(self) -> str:
        """The network that kind puts nodes into."""
        return os.environ.get("KIND_EXPERIMENTAL_DOCKER_NETWORK", "kind")

    def nodes(self, cluster: str | None = None) -> list[Node]:
        """The nodes of a cluster of that name, whoever made it, by name; of every kind cluster where none is named."""
        label = CLUSTER_LABEL if cluster is None else f"{CLUSTER_LABEL}={cluster}"
        return sorted(map(_node, self.inspected(label)), key=lambda node: node.container)

    def inspected(self, label: str) -> list[dict[str, Any]]:
        """All containers with `label`, a name or `name=value`, as the engine tells them."""
        ask = ["ps", "--all", "--filter", f"label={label}", "--format", "{{.Names}}"]
        names = self.run(*ask).split()
        while names:
            try:
                return json.loads(self.run("inspect", *names))
            except EngineError:
                left = self.run(*ask).split()
                if left == names:
                    raise
                names = left  # some went between the two questions: another stack's may be on their way out
        return []

    def images(self, repository: str) -> list[str]:
        """The tags of `repository` that the engine holds, newest first."""
        return self.run("image", "ls", "--format", "{{.Tag}}", repository).split()

    def has_image(self, reference: str) -> bool:
        """Whether the engine holds the image, so that nothing would be pulled."""
        return self._ask("image", "inspect", reference).returncode == 0

    def has_network(self, name: str | None = None) -> bool:
        """Whether a network exists: that of kind's nodes unless one is named."""
        return self._ask("network", "inspect", name or self.network).returncode == 0

    def remove_network_if_unused(self, name: str | None = None) -> None:
        """Remove a network, that of kind's nodes unless one is named; one that some container still uses stays."""
        self._ask("network", "rm", name or self.network)

    def remove_volume_if_unused(self, name: str) -> None:
        """Remove a volume; one that some container still uses stays, and none being there is fine."""
        self._ask("volume", "rm", name)

    def run(self, *words: str, stdin: str | None = None) -> str:
        """Run a command of the engine and return what it printed.

        Raises:
            EngineError: It failed.
        """
        done = self._ask(*words, stdin=stdin)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["it printed nothing"])[-1]
            raise EngineError(f"{self.cli} {words[0]} failed: {last}")
        return done.stdout

    def _ask(self, *words: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                [self.cli, *words], input=stdin or "", capture_output=True, text=True, timeout=WORK_SECONDS
            )
        except OSError as error:
            raise EngineError(f"{self.cli} cannot be run: {error.strerror}; is it still on PATH?") from None
        except subprocess.TimeoutExpired:
            raise EngineError(
                f"{self.cli} {words[0]} has not ended within {WORK_SECONDS} s; does its engine hang?"
            ) from None

    def remove(self, containers: Sequence[str]) -> None:
        """Remove containers with their volumes, running or not."""
        if containers:
            self.run("rm", "--force", "--volumes", *containers)


def _node(inspected: dict[str, Any]) -> Node:
    return Node(
        container=inspected["Name"].removeprefix("/"),
        role=inspected["Config"]["Labels"].get(ROLE_LABEL, ""),
        status=inspected["State"]["Status"],
        mounts=tuple(mount["Destination"] for mount in inspected["Mounts"]),
    )
