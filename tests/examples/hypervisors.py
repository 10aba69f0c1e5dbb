"""The drivers of virtual machines: what a stack says to each, and what a machine is there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.engine.stand_in.cloud import Cloud
from tests.engine.stand_in.libvirt import LIBVIRT
from tests.engine.stand_in.proxmoxve import PROXMOXVE
from tests.engine.stand_in.vsphere import VSPHERE


@dataclass(frozen=True)
class Hypervisor:
    """One driver."""

    cloud: Cloud
    """The stand-in's table."""

    machines: Mapping[str, Any]
    """What a stack says of its machines, as a stack file spells it."""

    kind: str
    """The last part of the type of what is a machine."""

    parts: Sequence[str] = ()
    """What follows a machine's name in those of the resources that it is made of, its keys aside."""

    images: int = 0
    """How many resources come before the machines of a stack, for their image."""

    settled: Sequence[str] = ()
    """The same for what comes once a machine is a node."""


NETWORK = {"cidr": "192.168.10.0/24"}

HYPERVISORS: Mapping[str, Hypervisor] = {
    "libvirt": Hypervisor(
        cloud=LIBVIRT,
        machines={
            "driver": "libvirt",
            "uri": "qemu+ssh://admin@rack1/system",
            "image": "https://cloud.debian.org/images/cloud/bookworm/latest/debian-12-genericcloud-amd64.qcow2",
            **NETWORK,
        },
        kind="Domain",
        parts=("disk", "seed"),
        images=1,
    ),
    "proxmox": Hypervisor(
        cloud=PROXMOXVE,
        machines={
            "driver": "proxmox",
            "nodes": ["pve1", "pve2", "pve3"],
            "image": "https://cloud.debian.org/images/cloud/bookworm/latest/debian-12-genericcloud-amd64.qcow2",
            **NETWORK,
        },
        kind="VmLegacy",
        parts=("user-data", "meta-data", "network-data"),
        images=3,
        settled=("user-data-blanked",),
    ),
    "vsphere": Hypervisor(
        cloud=VSPHERE,
        machines={
            "driver": "vsphere",
            "computeCluster": "racks",
            "datastore": "ssd",
            "portGroup": "nodes",
            "image": "templates/debian-12",
            **NETWORK,
        },
        kind="VirtualMachine",
    ),
}
