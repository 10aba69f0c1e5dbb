"""The keys of Secrets on a cluster's control planes, as a resource.

This class is found again by its name when a stack is destroyed years later: it may be neither renamed nor moved.
"""

from typing import Any

from pulumi import dynamic

from components.bootstrap import encryption
from components.bootstrap.kubectl import Kubectl
from components.machines.reach import Reach
from components.provider import Provider

Properties = dict[str, Any]


class EncryptionProvider(Provider):
    """That all control planes encrypt with the newest key, and know no other.

    Inputs: `control_planes` (name → how to get there), `keys` (secret, the newest first), `kubeconfig` (secret) and
    `generation`, which rises with a new key. In the state, `generation` is what all control planes have come to.
    """

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> dynamic.DiffResult:
        """A new key is brought to all; whoever comes later is booted with it."""
        return dynamic.DiffResult(changes=any(_olds[key] != _news[key] for key in ("generation", "control_planes")))

    def create(self, props: Properties) -> dynamic.CreateResult:
        """Nothing is to be done on new machines; those of an older state may know older keys."""
        return dynamic.CreateResult("secrets", self._rotated(props))

    def update(self, _id: str, _olds: Properties, _news: Properties) -> dynamic.UpdateResult:
        """Bring a new key to all control planes."""
        return dynamic.UpdateResult(self._rotated(_news))

    def _rotated(self, props: Properties) -> Properties:
        reaches = {name: Reach.of(reach) for name, reach in props["control_planes"].items()}
        with Kubectl.on(props["kubeconfig"]) as kubectl:
            encryption.rotate(reaches, props["keys"], kubectl)
        return props
