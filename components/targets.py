"""The table of targets: name → where its component lives. A target is imported only when a stack chooses it."""

import importlib
from dataclasses import dataclass
from types import ModuleType

from components.cluster import Cluster
from components.spec import Fault, SpecError, nearest


@dataclass(frozen=True)
class Target:
    """A place where a cluster can run."""

    name: str
    """What a stack file writes after `slipway:target:`."""

    summary: str
    """One phrase for tables."""

    module: str
    """The module with the component, its arguments `Args` and its rules `check`."""

    component: str
    """The component's class in that module."""

    extra: str | None = None
    """The extra of pyproject.toml with the target's SDK; none where it needs no SDK."""

    tools: tuple[str, ...] = ()
    """The programs that the target runs, beside Pulumi."""

    in_containers: bool = False
    """Whether the cluster's nodes are containers on this machine, which needs a container engine."""

    protected: bool = False
    """Whether a cluster is protected from deletion unless its stack says otherwise."""

    def load(self) -> ModuleType:
        """The target's module.

        Raises:
            SpecError: The target's SDK is not installed.
        """
        try:
            return importlib.import_module(self.module)
        except ModuleNotFoundError as error:
            if self.extra is None or not (error.name or "").startswith("pulumi_"):
                raise
            raise SpecError(
                [
                    Fault(
                        "slipway:target",
                        f"{self.name} needs the package {error.name}, which is not installed; "
                        f"run `uv sync --inexact --extra {self.extra}` (`make up` does it by itself)",
                    )
                ]
            ) from error

    def cluster(self) -> type[Cluster]:
        """The target's component.

        Raises:
            SpecError: The target's SDK is not installed.
        """
        return getattr(self.load(), self.component)


TARGETS = {
    target.name: target
    for target in (
        Target(
            "kind",
            "Kubernetes in containers on this machine",
            module="components.local.kind",
            component="KindCluster",
            tools=("kind", "kubectl"),
            in_containers=True,
        ),
        Target(
            "gke",
            "Google Kubernetes Engine: regional, private, autoscaled",
            module="components.managed.gke",
            component="GkeCluster",
            extra="gcp",
            tools=("kubectl",),
            protected=True,
        ),
    )
}


def find(name: str) -> Target:
    """The target of that name.

    Raises:
        SpecError: There is none.
    """
    if name in TARGETS:
        return TARGETS[name]
    raise SpecError([Fault("slipway:target", f"there is no target {name!r}; {nearest(name, TARGETS)}")])
