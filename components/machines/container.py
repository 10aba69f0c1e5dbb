"""Machines that are containers on this machine, with systemd and cloud-init: a production cluster, tried at home."""

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pulumi
from pulumi import dynamic

from components.bootstrap.plan import Machine, Role
from components.bootstrap.proxy import balancer
from components.machines.container_provider import BalancerProvider, MachineProvider, NetworkProvider
from components.machines.driver import IN_PLACE_OF_THE_OLD, Front, MachineDriver, MadeMachine
from components.spec import Fault

CIDR = "10.89.0.0/24"

_BALANCER, _FIRST_CONTROL_PLANE, _FIRST_WORKER = 2, 11, 32
"""Places in the network. Each machine keeps its own, however many there are."""


class ContainerDriver(MachineDriver):
    """Containers in a network of their own, and one more before the API."""

    kind = "slipway:ContainerMachine"
    brings_all = True

    @property
    def cidr(self) -> str:
        """Addresses of the machines."""
        return self.args["machines"].get("cidr", CIDR)

    @property
    def api_host(self) -> str:
        """The engine publishes the API on loopback alone."""
        return "127.0.0.1"

    def fixed(self) -> Mapping[str, str]:
        """What containers, once made, do not take in."""
        return {"machines.cidr": self.cidr}

    def addresses(self, roles: Sequence[Role]) -> list[str]:
        """The address of each machine, by role and place: one that is added or goes moves no other."""
        network = IPv4Network(self.cidr)
        control_planes = sum(role is not Role.WORKER for role in roles)
        return [
            str(
                network[_FIRST_WORKER + index - control_planes if role is Role.WORKER else _FIRST_CONTROL_PLANE + index]
            )
            for index, role in enumerate(roles)
        ]

    def networks(self) -> Mapping[str, str]:
        """Where all containers are."""
        return {"machines.cidr": self.cidr}

    def faults(self) -> list[Fault]:
        """Whether every machine finds a place."""
        last = IPv4Network(self.cidr).num_addresses - 1
        faults = []
        for role, wanted, room in (
            ("control planes", self.control_planes, min(last, _FIRST_WORKER) - _FIRST_CONTROL_PLANE),
            ("workers", self.workers, last - _FIRST_WORKER),
        ):
            if wanted > (places := max(0, room)):
                message = f"{self.cidr} has room for {places} {role}, and {wanted} are asked for; write a larger one"
                faults.append(Fault("machines.cidr", message))
        return faults

    def address_faults(self, address: IPv4Address) -> list[Fault]:
        """Whether it is in a place that no machine ever has, nor the engine or the balancer."""
        network = IPv4Network(self.cidr)
        first, last = network[_BALANCER + 1], network[min(_FIRST_CONTROL_PLANE, network.num_addresses - 1) - 1]
        if first <= address <= last:
            return []
        return [Fault("virtualIp", f"{address} is, or may become, a container's; write one from {first} to {last}")]

    def prepare(self, fixed: Mapping[str, str], opts: pulumi.ResourceOptions) -> None:
        """Declare the network, which finds the image too."""
        self.network = Network(f"{self.name}-network", self.cidr, self.args["version"], fixed, opts)
        self.kubernetes_version = self.network.kubernetes_version

    def front(self, machines: Sequence[Machine], opts: pulumi.ResourceOptions) -> Front:
        """Declare the container before the API."""
        front = Balancer(
            f"{self.name}-api",
            self.network,
            str(IPv4Network(self.cidr)[_BALANCER]),
            balancer(machines),
            self.args.get("api_port"),
            opts,
        )
        return Front(pulumi.Output.concat("https://127.0.0.1:", front.port.apply(lambda port: f"{port:.0f}")), [front])

    def machine(self, machine: Machine, user_data: pulumi.Output[str], opts: pulumi.ResourceOptions) -> MadeMachine:
        """Declare a container."""
        made = ContainerMachine(machine, self.network, user_data, opts)
        return MadeMachine(made, made.reach)


class Network(dynamic.Resource, module="slipway", name="ContainerNetwork"):
    """The network of a cluster's machines; its id marks what is ours."""

    image: pulumi.Output[str]
    kubernetes_version: pulumi.Output[str]

    def __init__(
        self, name: str, cidr: str, version: str, fixed: Mapping[str, str], opts: pulumi.ResourceOptions
    ) -> None:
        inputs = {"name": name, "cidr": cidr, "version": version, "fixed": dict(fixed)}
        super().__init__(NetworkProvider(), name, {**inputs, **dict.fromkeys(("image", "kubernetes_version"))}, opts)


class ContainerMachine(dynamic.Resource, module="slipway", name="ContainerMachine"):
    """One machine."""

    reach: pulumi.Output[Any]

    def __init__(
        self,
        machine: Machine,
        network: Network,
        user_data: pulumi.Input[str],
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__(
            MachineProvider(),
            machine.name,
            {
                "name": machine.name,
                "claim": network.id,
                "network": network._name,
                "address": machine.address,
                "control_plane": machine.role is not Role.WORKER,
                "image": network.image,
                "user_data": user_data,
                "release": network.kubernetes_version,
                **dict.fromkeys(("reach", "status")),
            },
            pulumi.ResourceOptions.merge(opts, IN_PLACE_OF_THE_OLD),
        )


class Balancer(dynamic.Resource, module="slipway", name="ContainerBalancer"):
    """What people reach the API through, on a port of 127.0.0.1."""

    port: pulumi.Output[int]

    def __init__(
        self,
        name: str,
        network: Network,
        address: str,
        config: str,
        port: int | None,
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__(
            BalancerProvider(),
            name,
            {
                "name": name,
                "claim": network.id,
                "network": network._name,
                "address": address,
                "image": network.image,
                "config": config,
                "port": port,
                "status": None,
            },
            pulumi.ResourceOptions.merge(opts, IN_PLACE_OF_THE_OLD),
        )
