"""The contract of a driver: which machines a cluster has, what comes before them, and how each is made.

kubeadm knows nothing else of machines, so that a cluster is the same whatever it stands on.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import Any, ClassVar

import pulumi

from components.bootstrap.kubeadm_args import KubeadmArgs
from components.bootstrap.plan import API_PORT, Machine, Packages, Role
from components.machines.machine_args import Machines
from components.nodes import count_faults
from components.spec import Fault
from components.state import State, outputs_of

MOST_CONTROL_PLANES = 7

IN_PLACE_OF_THE_OLD = pulumi.ResourceOptions(delete_before_replace=True)
"""For what has a name or an address that no other may have meanwhile. The engine does not ask a provider about it where
a replacement is asked for by name (`--replace`)."""


@dataclass(frozen=True)
class MadeMachine:
    """A machine, whatever has made it."""

    resource: pulumi.CustomResource
    """Its id is another one once the machine is another one, though it may have the same name."""

    reach: pulumi.Output[Any]
    """How it is reached: what `Reach.of` takes."""

    parts: Mapping[str, pulumi.CustomResource] = field(default_factory=dict)
    """What else has been made for it, such as its `disk`."""


@dataclass(frozen=True)
class Front:
    """What people and other machines reach the API through."""

    url: pulumi.Output[str]

    before: Sequence[pulumi.Resource] = ()
    """What must stand before the API can be asked there."""


class MachineDriver(ABC):
    """Where the machines of one cluster come from. Until `prepare` is called nothing is declared, and no program asked.

    Args:
        name: Name of the cluster.
        args: What the stack says, checked against what is declared but perhaps not against any rule.
        state: What its last run left.
    """

    brings_all: ClassVar[bool] = False
    """Whether its machines have all programs and images from the start, and a front of their own."""

    kind: ClassVar[str]
    """The type of the resource that is a machine."""

    kubernetes_version: pulumi.Output[str]
    """The version that its machines become nodes of, such as `v1.37.2`; from `prepare`."""

    def __init__(self, name: str, args: KubeadmArgs, state: State) -> None:
        self.name = name
        self.args = args
        self.state = state

    @property
    def control_planes(self) -> int:
        """How many control planes the stack asks for."""
        return self.args.get("control_planes", 1)

    @property
    def workers(self) -> int:
        """How many workers the stack asks for."""
        return self.args.get("workers", 1)

    @property
    def packages(self) -> Packages:
        """Where the machines have their programs from."""
        return Packages.INSTALLED if self.brings_all else Packages(self.args.get("packages", Packages.UPSTREAM))

    @property
    def endpoint(self) -> str:
        """Host name or address under which people reach the API, perhaps with a port."""
        return self.args.get("endpoint", self.args.get("virtual_ip", ""))

    @property
    def api_host(self) -> str:
        """The same without a port."""
        return self.endpoint.partition(":")[0]

    def machines(self) -> list[Machine]:
        """The machines of the cluster, the first control plane first, then the other ones, then workers."""
        roles = [Role.FIRST, *[Role.CONTROL_PLANE] * (self.control_planes - 1), *[Role.WORKER] * self.workers]
        names = [
            *(f"{self.name}-control-plane-{index + 1}" for index in range(self.control_planes)),
            *(f"{self.name}-worker-{index + 1}" for index in range(self.workers)),
        ]
        return [Machine(*each) for each in zip(names, self.addresses(roles), roles, strict=True)]

    def has_lost(self, machine: Machine) -> bool:
        """Whether a node stands in the state whose machine does not: another one takes its place."""
        node = outputs_of(self.state, "slipway:Node", f"{machine.name}-node")
        return bool(node) and not outputs_of(self.state, self.kind, machine.name)

    def fixed(self) -> Mapping[str, str]:
        """Key of the stack file → what its machines, once made, do not take in."""
        return {"endpoint": self.endpoint}

    def count_faults(self) -> list[Fault]:
        """What is wrong with the numbers of machines."""
        return count_faults(self.control_planes, self.workers, MOST_CONTROL_PLANES)

    @abstractmethod
    def addresses(self, roles: Sequence[Role]) -> list[str]:
        """The address of each machine, by role and place: one that is added or goes moves no other."""

    @abstractmethod
    def networks(self) -> Mapping[str, str]:
        """Key of the stack file → network of the machines (CIDR), which shares no address with pods and Services."""

    @abstractmethod
    def faults(self) -> list[Fault]:
        """What is wrong with what the stack says of its machines, once their networks have been found right."""

    def address_faults(self, address: IPv4Address) -> list[Fault]:
        """Why control planes cannot hold an address that is in the machines' network, as far as that is known."""
        return [
            Fault("virtualIp", f"{address} is the address of {machine.name}; write one that no machine has")
            for machine in self.machines()
            if machine.address == str(address)
        ]

    @abstractmethod
    def prepare(self, fixed: Mapping[str, str], opts: pulumi.ResourceOptions) -> None:
        """Declare what comes before any machine, and have it refuse another `fixed` while the cluster stands."""

    def front(self, machines: Sequence[Machine], opts: pulumi.ResourceOptions) -> Front:
        """Declare what people reach the API through; where the driver brings nothing, they have it already."""
        del machines, opts
        host, _, port = self.endpoint.partition(":")
        return Front(pulumi.Output.from_input(f"https://{host}:{port or API_PORT}"))

    @abstractmethod
    def machine(self, machine: Machine, user_data: pulumi.Output[str], opts: pulumi.ResourceOptions) -> MadeMachine:
        """Declare a machine that boots with `user_data`, a secret; other user-data later does not replace it."""

    def settle(self, machine: Machine, node: pulumi.Resource, opts: pulumi.ResourceOptions) -> None:
        """Declare what comes once a machine is a node, where the driver has anything left to do."""
        del machine, node, opts


def proxy_faults(machines: Machines) -> list[Fault]:
    """What is wrong with how a stack says that machines are connected to."""
    if "proxy_jump" in machines and "proxy_command" in machines:
        return [Fault("machines.proxyCommand", "is left out where there is `proxyJump`; drop one of them")]
    return []
