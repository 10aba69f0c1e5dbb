"""That all nodes are Ready, as a resource that waits for it: where a pod network comes after the nodes.

This class is found again by its name when a stack is destroyed years later: it may be neither renamed nor moved.
"""

import json
import time
from typing import Any

from pulumi import dynamic

from components import progress
from components.bootstrap.kubectl import Kubectl, KubectlError, is_ready
from components.bootstrap.status import NodeError, looks
from components.provider import Provider

Properties = dict[str, Any]


class ReadinessProvider(Provider):
    """That all nodes are Ready.

    Inputs: `network` (which one, with its version), `nodes` (their names), `kubeconfig` (secret) and `minutes` (how
    long it may take). Nodes that come later wait for themselves.
    """

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> dynamic.DiffResult:
        """Another version of the network is waited for again."""
        return dynamic.DiffResult(changes=_olds["network"] != _news["network"])

    def create(self, props: Properties) -> dynamic.CreateResult:
        """Wait for all nodes."""
        _await_ready(props)
        return dynamic.CreateResult(props["network"], props)

    def update(self, _id: str, _olds: Properties, _news: Properties) -> dynamic.UpdateResult:
        """Wait for all nodes again."""
        _await_ready(_news)
        return dynamic.UpdateResult(_news)


def _await_ready(props: Properties) -> None:
    """Wait until all nodes are Ready.

    Raises:
        NodeError: Time is up.
    """
    deadline = time.monotonic() + 60 * float(props["minutes"])
    reason = "the API was not asked"
    with Kubectl.on(props["kubeconfig"]) as kubectl:
        for _ in looks(deadline):
            try:
                told = json.loads(kubectl.run("get", "nodes", "--output=json"))["items"]
            except KubectlError as error:
                reason = str(error)
            else:
                ready = {node["metadata"]["name"] for node in told if is_ready(node)}
                waiting = [name for name in props["nodes"] if name not in ready]
                if not waiting:
                    return
                reason = f"{', '.join(waiting[:3])}{' and others' if waiting[3:] else ''}"
                progress.status(f"waiting until {reason} is Ready")
    raise NodeError(
        f"{props['network']} has not made all nodes Ready within {props['minutes']:g} minutes: {reason}; "
        "`kubectl get pods --all-namespaces` tells what it waits for, and `bootstrapMinutes` allows it more time"
    )
