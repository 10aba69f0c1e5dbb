"""Node pools, as every cloud takes them: what a stack asks for, and the rules that hold everywhere."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NotRequired

from typing_extensions import TypedDict

from components.nodes import Taint, label_faults, taint_faults
from components.spec import Fault

_NAME = re.compile(r"[a-z]([a-z0-9-]*[a-z0-9])?")


class Gpu(TypedDict):
    """The GPUs of each node. Where the machine type says all, `gpu: {}` is enough."""

    type: NotRequired[str]
    """What the cloud calls the GPU, e.g. `nvidia-l4`. GKE only: elsewhere the machine type says it."""

    count: NotRequired[int]
    """How many a node has. GKE only. Default: 1."""


class NodePool(TypedDict):
    """Nodes of one kind, as many as the pods need."""

    name: str
    """Name of the pool, unique in its cluster."""

    machine_type: str
    """What the cloud calls the machine, e.g. `e2-standard-4`."""

    min_nodes: int
    """The fewest nodes, counted over all zones."""

    max_nodes: int
    """The most nodes, counted over all zones."""

    disk_gb: NotRequired[int]
    """Size of each node's disk in GB. Default: 100."""

    spot: NotRequired[bool]
    """Whether the nodes are cheap ones that the cloud may take back at any time. Default: false."""

    gpu: NotRequired[Gpu]
    """The GPUs of each node, with what they need to run. Required with a machine that has any. Default: none."""

    labels: NotRequired[dict[str, str]]
    """Kubernetes labels of the nodes."""

    taints: NotRequired[list[Taint]]
    """Taints of the nodes."""


@dataclass(frozen=True)
class Machines:
    """What a cloud calls its machines, and what their names tell. A pattern is for `re.fullmatch`."""

    kind: str
    """As a sentence names one: `machine of Google Cloud`."""

    pattern: str
    """What a name is like."""

    example: str
    """One without GPUs, for errors."""

    with_gpus: str
    """What the name of a machine with GPUs is like."""

    gpu_example: str
    """One with GPUs, for errors."""

    gpu: str = "{}"
    """What a stack writes under `gpu` for that one."""

    without_choice: bool = True
    """Whether the name tells all of the GPUs, so that `gpu` has nothing to say."""

    takes_gpus: str = "(?!)"
    """What the name of a machine is like that has GPUs only when asked. Default: there is none."""

    largest_disk_gb: int = 65536
    """Of a node. The default is more than any cloud has: https://cloud.google.com/compute/docs/disks#pdspecs."""

    def faults(self, key: str, machine: str) -> list[Fault]:
        """Whether `machine`, which stands at `key`, is one of the cloud's."""
        if re.fullmatch(self.pattern, machine):
            return []
        return [Fault(key, f"{machine!r} is no {self.kind}; write one like {self.example}")]

    def gpu_faults(self, key: str, pool: NodePool) -> list[Fault]:
        """Whether `gpu` and the machine of the pool at `key` go together."""
        machine = pool["machine_type"]
        if re.fullmatch(self.with_gpus, machine):
            if "gpu" not in pool:
                need = f"is required with {machine}, whose GPUs are of no use without their driver"
                return [Fault(f"{key}.gpu", f"{need}; write `gpu: {self.gpu}`, or a machineType like {self.example}")]
        elif "gpu" in pool and not re.fullmatch(self.takes_gpus, machine):
            return [
                Fault(f"{key}.gpu", f"{machine} has no GPU; drop it, or write a machineType like {self.gpu_example}")
            ]
        return [
            Fault(f"{key}.gpu.{part}", f"says nothing here: {machine} tells all of its GPUs; write `gpu: {self.gpu}`")
            for part in pool.get("gpu", {})
            if self.without_choice
        ]


def node_pool_faults(pools: Sequence[NodePool], *, longest_name: int, machines: Machines) -> list[Fault]:
    """What is wrong with `pools` on any cloud.

    Args:
        pools: What a stack asks for.
        longest_name: How many letters the cloud leaves for the name of a pool.
        machines: The cloud's.
    """
    if not pools:
        return [Fault("nodePools", "is empty, and pods need nodes; write at least one pool")]
    faults: list[Fault] = []
    for index, pool in enumerate(pools):
        key = f"nodePools[{index}]"
        faults += _name_faults(f"{key}.name", pool["name"], longest_name)
        faults += machines.faults(f"{key}.machineType", pool["machine_type"]) or machines.gpu_faults(key, pool)
        least, most = pool["min_nodes"], pool["max_nodes"]
        if least < 0:
            faults.append(Fault(f"{key}.minNodes", f"{least} is less than none; write 0 or more"))
        if most < 1:
            faults.append(Fault(f"{key}.maxNodes", f"{most} gives no node at all; write 1 or more, or drop the pool"))
        elif least > most:
            faults.append(Fault(f"{key}.minNodes", f"{least} is more than maxNodes {most}; write {most} or fewer"))
        if (disk := pool.get("disk_gb", SMALLEST_DISK_GB)) < SMALLEST_DISK_GB:
            faults.append(Fault(f"{key}.diskGb", f"{disk} GB do not hold system and images; write {SMALLEST_DISK_GB}"))
        elif disk > machines.largest_disk_gb:
            largest = machines.largest_disk_gb
            faults.append(Fault(f"{key}.diskGb", f"{disk} GB are more than a node may have; write {largest}"))
        faults += label_faults(f"{key}.labels", pool.get("labels", {}))
        faults += taint_faults(f"{key}.taints", pool.get("taints", []))
    for name, count in Counter(pool["name"] for pool in pools).items():
        if count > 1:
            faults.append(Fault("nodePools", f"{count} pools are called {name!r}; give each a name of its own"))
    return faults


SMALLEST_DISK_GB = 20
"""Room for a node's system, logs and a few images."""


def _name_faults(key: str, name: str, longest: int) -> list[Fault]:
    if not _NAME.fullmatch(name):
        return [Fault(key, f"{name!r} cannot name a pool; use small letters, digits and hyphens, a letter first")]
    if len(name) > longest:
        return [
            Fault(key, f"{name!r} has {len(name)} letters; use {longest} at most, the cluster's name comes before it")
        ]
    return []
