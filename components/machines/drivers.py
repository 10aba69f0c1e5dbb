"""The table of drivers: what a stack writes → where the driver lives. One is imported only when a stack chooses it."""

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata

from components.bootstrap.kubeadm_args import KubeadmArgs
from components.declared import camel, documentation, keys
from components.machines.driver import MachineDriver
from components.machines.machine_args import (
    ContainerMachines,
    Driver,
    LibvirtMachines,
    Machines,
    ProxmoxMachines,
    SshMachines,
    VsphereMachines,
)
from components.spec import Fault, SpecError
from components.state import State


@dataclass(frozen=True)
class Entry:
    """Where a driver lives, and what it needs."""

    module: str
    name: str

    keys: type
    """What a stack may say about such machines, beside `driver`."""

    required: Sequence[str] = ()
    """Those of the keys that must be there, as a stack file writes them."""

    extra: str | None = None
    """The extra of pyproject.toml with its SDK; none where it needs no SDK."""

    sdk: str | None = None
    """That SDK's Python package."""


DRIVERS: Mapping[Driver, Entry] = {
    Driver.CONTAINER: Entry("components.machines.container", "ContainerDriver", ContainerMachines),
    Driver.SSH: Entry("components.machines.ssh", "SshDriver", SshMachines, required=("hosts",)),
    Driver.LIBVIRT: Entry(
        "components.machines.libvirt",
        "LibvirtDriver",
        LibvirtMachines,
        required=("uri", "image", "cidr"),
        extra="libvirt",
        sdk="pulumi-libvirt",
    ),
    Driver.PROXMOX: Entry(
        "components.machines.proxmox",
        "ProxmoxDriver",
        ProxmoxMachines,
        required=("nodes", "image", "cidr"),
        extra="proxmox",
        sdk="pulumi-proxmoxve",
    ),
    Driver.VSPHERE: Entry(
        "components.machines.vsphere",
        "VsphereDriver",
        VsphereMachines,
        required=("computeCluster", "datastore", "portGroup", "image", "cidr"),
        extra="vsphere",
        sdk="pulumi-vsphere",
    ),
}


def of(name: str, args: KubeadmArgs, state: State | None = None) -> MachineDriver:
    """The driver of a cluster's machines.

    Args:
        name: Name of the cluster.
        args: What the stack says.
        state: What its last run left; none is needed to look at `args`.

    Raises:
        SpecError: Its SDK is not installed.
    """
    chosen = args["machines"]["driver"]
    entry = DRIVERS[Driver(chosen)]
    if entry.sdk:
        try:
            metadata.version(entry.sdk)
        except metadata.PackageNotFoundError as error:
            fault = (
                f"{chosen} needs the package {entry.sdk}, which is not installed; "
                f"run `uv sync --inexact --extra {entry.extra}` (`make up` does it by itself)"
            )
            raise SpecError([Fault("machines.driver", fault)]) from error
    driver: type[MachineDriver] = getattr(importlib.import_module(entry.module), entry.name)
    return driver(name, args, state or {})


def key_faults(machines: Machines) -> list[Fault]:
    """Which keys of another driver a stack writes, and which it leaves out that its own driver needs."""
    chosen = machines["driver"]
    entry = DRIVERS[Driver(chosen)]
    own, texts = keys(entry.keys), documentation(entry.keys)
    written = [camel(key) for key in machines if key != "driver"]
    return [
        *(
            Fault(f"machines.{key}", f"says nothing to driver {chosen}; drop it, or choose the driver that it is for")
            for key in written
            if key not in own
        ),
        *(
            Fault(f"machines.{key}", f"is required with driver {chosen}: {' '.join(texts[own[key].name].split())}")
            for key in entry.required
            if key not in written
        ),
    ]
