"""The table of drivers: what a stack writes → where the driver lives. One is imported only when a stack chooses it."""

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from components.bootstrap.kubeadm_args import KubeadmArgs
from components.declared import camel, documentation, keys
from components.machines.driver import MachineDriver
from components.machines.machine_args import ContainerMachines, Driver, Machines, SshMachines
from components.spec import Fault, SpecError


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


DRIVERS: Mapping[Driver, Entry] = {
    Driver.CONTAINER: Entry("components.machines.container", "ContainerDriver", ContainerMachines),
    Driver.SSH: Entry("components.machines.ssh", "SshDriver", SshMachines, required=("hosts",)),
}


def of(name: str, args: KubeadmArgs) -> MachineDriver:
    """The driver of a cluster's machines.

    Raises:
        SpecError: Its SDK is not installed.
    """
    chosen = args["machines"]["driver"]
    entry = DRIVERS[Driver(chosen)]
    try:
        driver: type[MachineDriver] = getattr(importlib.import_module(entry.module), entry.name)
    except ModuleNotFoundError as error:
        if entry.extra is None or not (error.name or "").startswith("pulumi_"):
            raise
        fault = (
            f"{chosen} needs the package {error.name}, which is not installed; "
            f"run `uv sync --inexact --extra {entry.extra}` (`make up` does it by itself)"
        )
        raise SpecError([Fault("machines.driver", fault)]) from error
    return driver(name, args)


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
