"""What all drivers of virtual machines share: where the machines are, how large, what they boot with, how reached.

A machine is what its keys belong to: with others, asked for by their name, all that it is made of is made anew, since
what it is booted with is good for one boot. Nothing else that a stack changes touches a machine that stands.
"""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv4Network
from typing import Any, ClassVar

import pulumi
from pulumi import dynamic

from components.bootstrap.plan import Machine, Role
from components.declared import camel
from components.machines import guest
from components.machines.claim import Claim
from components.machines.driver import IN_PLACE_OF_THE_OLD, MachineDriver, MadeMachine, proxy_faults
from components.machines.guest import Lan
from components.machines.machine_args import Size
from components.machines.machine_keys_provider import MachineKeysProvider
from components.spec import Fault
from components.state import outputs_of

FIRST_CONTROL_PLANE, FIRST_WORKER = 11, 32
"""Places in the network, where a stack does not say others."""

MACHINE_KEYS = "pulumi-python:dynamic/slipway:MachineKeys"

SIZE = {"cpus": 2, "memory_gb": 4, "disk_gb": 20}

LEAST = {
    "control_plane_size": {"cpus": 2, "memory_gb": 2, "disk_gb": 10},
    "worker_size": {"cpus": 1, "memory_gb": 1, "disk_gb": 10},
}
"""What kubeadm insists on of a control plane, and what a node needs to run anything beside its own."""


@dataclass(frozen=True)
class Guest:
    """A machine that is to be made."""

    name: str
    mac: str
    size: Size

    instance: pulumi.Output[str]
    """A word that no other machine ever has, nor what takes its place."""

    user_data: pulumi.Output[str]
    """Secret."""

    meta_data: pulumi.Output[dict[str, Any]]
    network: dict[str, Any]


class MachineKeys(dynamic.Resource, module="slipway", name="MachineKeys"):
    """The keys of one machine."""

    # Not declared any closer: the SDK prints a value whose type it finds to be another one, and these are secret.
    keys: pulumi.Output[Any]

    def __init__(self, machine: str, claim: Claim, lost: bool, opts: pulumi.ResourceOptions) -> None:
        secret = pulumi.ResourceOptions(additional_secret_outputs=["keys"])
        super().__init__(
            MachineKeysProvider(),
            f"{machine}-keys",
            {"name": machine, "claim": claim.id, "lost": lost, "keys": None},
            pulumi.ResourceOptions.merge(part(opts), secret),
        )


class VirtualDriver(MachineDriver):
    """Virtual machines with addresses that the stack gives them, in a network that is there."""

    vendor: ClassVar[str]
    """The first half of the machines' hardware addresses."""

    # Where the machines are

    @property
    def cidr(self) -> str:
        """Network of the machines."""
        return self.args["machines"].get("cidr", "")

    @property
    def lan(self) -> Lan:
        """The network that they are put into."""
        machines, network = self.args["machines"], IPv4Network(self.cidr)
        gateway = machines.get("gateway", str(network[1]))
        return Lan(network, gateway, machines.get("nameservers", [gateway]))

    def addresses(self, roles: Sequence[Role]) -> list[str]:
        """The address of each machine, by role and place: one that is added or goes moves no other."""
        control_plane, worker = self._first()
        control_planes = sum(role is not Role.WORKER for role in roles)
        return [
            str(worker + index - control_planes if role is Role.WORKER else control_plane + index)
            for index, role in enumerate(roles)
        ]

    def networks(self) -> Mapping[str, str]:
        """Where all of them are."""
        return {"machines.cidr": self.cidr}

    def fixed(self) -> Mapping[str, str]:
        """What machines that stand do not take in: where they are."""
        control_plane, worker = self._first()
        places = {"machines.firstControlPlane": str(control_plane), "machines.firstWorker": str(worker)}
        return {**super().fixed(), "machines.cidr": self.cidr, **places}

    # What is wrong

    def faults(self) -> list[Fault]:
        """What is wrong with where the machines are and how large, and with what is the driver's own."""
        return [
            *(list(self._lan_faults()) or self._place_faults()),
            *self._size_faults(),
            *proxy_faults(self.args["machines"]),
            *self._own_faults(),
        ]

    def address_faults(self, address: IPv4Address) -> list[Fault]:
        """Whether somebody has it already, whom the stack names."""
        if any(self._lan_faults()):
            return []  # where the machines are is not known
        lan = self.lan
        for key, others in (("gateway", [lan.gateway]), ("nameservers", lan.nameservers)):
            if str(address) in others:
                return [Fault("virtualIp", f"{address} is of machines.{key}; write one that nobody has")]
        return super().address_faults(address)

    @abstractmethod
    def _own_faults(self) -> Iterator[Fault]:
        """What is wrong with the keys that no other driver has, and with the image."""

    def _lan_faults(self) -> Iterator[Fault]:
        machines, network = self.args["machines"], IPv4Network(self.cidr)
        inside = {
            key: value
            for key, value in (
                ("gateway", machines.get("gateway")),
                ("firstControlPlane", machines.get("first_control_plane")),
                ("firstWorker", machines.get("first_worker")),
            )
            if value is not None
        }
        for key, value in inside.items():
            address = _address(value)
            if address is None:
                yield Fault(f"machines.{key}", f"{value!r} is no IPv4 address; write one of {network}")
            elif address not in network or address in (network[0], network[-1]):
                yield Fault(f"machines.{key}", f"{value} is no machine's address in cidr {network}; write one of it")
        for index, value in enumerate(machines.get("nameservers", [])):
            if _address(value) is None:
                message = f"{value!r} is no IPv4 address; write that of a server which answers for names"
                yield Fault(f"machines.nameservers[{index}]", message)

    def _place_faults(self) -> Iterator[Fault]:
        """Whether every machine finds a place, and none takes that of another one or of what else is there."""
        network, (control_plane, worker) = self.lan.network, self._first()
        for role, wanted, first, other in (
            ("control planes", self.control_planes, control_plane, worker),
            ("workers", self.workers, worker, control_plane),
        ):
            end = other if other >= first else network[-1]
            if wanted > (room := max(0, int(end) - int(first))):
                message = (
                    f"there is room for {room} {role} from {first} on, and {wanted} are asked for; write a larger "
                    "network, or other addresses as `firstControlPlane` and `firstWorker`"
                )
                yield Fault("machines.cidr", message)
                return
        taken = {machine.address: machine for machine in self.machines()}
        for key, address in (("gateway", self.lan.gateway), *(("nameservers", one) for one in self.lan.nameservers)):
            if machine := taken.get(address):
                first = "firstWorker" if machine.role is Role.WORKER else "firstControlPlane"
                yield Fault(f"machines.{key}", f"{address} is to be that of {machine.name}; write another `{first}`")
                return

    def _size_faults(self) -> Iterator[Fault]:
        for key, least in LEAST.items():
            for part, lowest in least.items():
                if (value := self._size(key)[part]) < lowest:
                    message = f"{value} is too little for a {key.removesuffix('_size').replace('_', ' ')}"
                    yield Fault(f"machines.{camel(key)}.{camel(part)}", f"{message}; write {lowest} or more")

    def _first(self) -> tuple[IPv4Address, IPv4Address]:
        """The addresses of the first control plane and of the first worker."""
        machines, start = self.args["machines"], IPv4Network(self.cidr).network_address
        return (
            IPv4Address(machines.get("first_control_plane", start + FIRST_CONTROL_PLANE)),
            IPv4Address(machines.get("first_worker", start + FIRST_WORKER)),
        )

    def _size(self, key: str) -> dict[str, int]:
        return {**SIZE, **self.args["machines"].get(key, {})}

    # What is made

    def prepare(self, fixed: Mapping[str, str], opts: pulumi.ResourceOptions) -> None:
        """Declare the claim on the machines, and what else the driver has before any of them."""
        self.claim = Claim(f"{self.name}-claim", self.name, fixed, opts)
        self.kubernetes_version = pulumi.Output.from_input(f"v{self.args['version'].removeprefix('v')}")
        self._prepare(opts)

    @abstractmethod
    def _prepare(self, opts: pulumi.ResourceOptions) -> None:
        """Declare what comes before the machines: where the hypervisor is, and the image."""

    def machine(self, machine: Machine, user_data: pulumi.Output[str], opts: pulumi.ResourceOptions) -> MadeMachine:
        """Declare a machine's keys, all that it is made of, and how it is reached with them."""
        opts = pulumi.ResourceOptions.merge(opts, IN_PLACE_OF_THE_OLD)
        keys = MachineKeys(machine.name, self.claim, self._is_lost(machine), opts)
        hardware = guest.mac(self.vendor, machine.address)
        made, parts = self._machine(
            Guest(
                name=machine.name,
                mac=hardware,
                size=Size(**self._size("worker_size" if machine.role is Role.WORKER else "control_plane_size")),
                instance=keys.id,
                user_data=pulumi.Output.secret(
                    pulumi.Output.all(user_data, keys.keys).apply(lambda known: guest.user_data(*known))
                ),
                meta_data=keys.id.apply(lambda id: guest.meta_data(machine.name, id)),
                network=guest.network(self.lan, machine.address, hardware),
            ),
            opts,
        )
        reach = pulumi.Output.secret(keys.keys.apply(lambda known: self._reach(machine, known)))
        return MadeMachine(made, reach, {"keys": keys, **parts})

    @abstractmethod
    def _machine(
        self, guest: Guest, opts: pulumi.ResourceOptions
    ) -> tuple[pulumi.CustomResource, Mapping[str, pulumi.CustomResource]]:
        """Declare a machine, whose id is another one once it is another one, and what it is made of."""

    def _is_lost(self, machine: Machine) -> bool:
        """Whether somebody has taken away what a machine is, but for its keys."""
        known = outputs_of(self.state, MACHINE_KEYS, f"{machine.name}-keys")
        return bool(known) and not outputs_of(self.state, self.kind, machine.name)

    def _reach(self, machine: Machine, keys: Mapping[str, Any]) -> dict[str, Any]:
        machines = self.args["machines"]
        login = {
            "address": machine.address,
            "host_key": " ".join(keys["host"]["public"].split()[:2]),
            "user": guest.USER,
            "private_key": keys["login"]["private"],
            **{key: machines[key] for key in ("proxy_jump", "proxy_command") if key in machines},
        }
        return {"machine": machine.name, "login": login}


def standing(opts: pulumi.ResourceOptions, *keys: str) -> pulumi.ResourceOptions:
    """Options of what a machine is made of: another value of `keys` is for machines that are made from then on."""
    return pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(ignore_changes=list(keys)))


def part(opts: pulumi.ResourceOptions, *keys: str) -> pulumi.ResourceOptions:
    """The same for what goes with the machine. That alone is protected: what a lost one has left is in nobody's way."""
    return standing(pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(protect=False)), *keys)


def _address(text: str) -> IPv4Address | None:
    try:
        return IPv4Address(text)
    except AddressValueError:
        return None
