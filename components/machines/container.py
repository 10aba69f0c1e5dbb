"""Machines that are containers on this machine, with systemd and cloud-init: a production cluster, tried at home."""

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network
from typing import Any

import pulumi
from pulumi import dynamic

from components.bootstrap.plan import Role
from components.machines.container_provider import BalancerProvider, MachineProvider, NetworkProvider

CIDR = "10.89.0.0/24"

_BALANCER, _FIRST_CONTROL_PLANE, _FIRST_WORKER = 2, 11, 32
"""Places in the network. Each machine keeps its own, however many there are."""


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
        name: str,
        network: Network,
        address: str,
        user_data: pulumi.Input[str],
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__(
            MachineProvider(),
            name,
            {
                "name": name,
                "claim": network.id,
                "network": network._name,
                "address": address,
                "image": network.image,
                "user_data": user_data,
                "release": network.kubernetes_version,
                **dict.fromkeys(("reach", "status")),
            },
            opts,
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
            opts,
        )


def balancer_address(cidr: str) -> str:
    """The balancer's address."""
    return str(IPv4Network(cidr)[_BALANCER])


def addresses(cidr: str, roles: Sequence[Role]) -> list[str]:
    """The address of each machine, by role and place: one that is added or goes moves no other."""
    network = IPv4Network(cidr)
    control_planes = sum(role is not Role.WORKER for role in roles)
    return [
        str(network[_FIRST_WORKER + index - control_planes if role is Role.WORKER else _FIRST_CONTROL_PLANE + index])
        for index, role in enumerate(roles)
    ]


def room_for_control_planes(cidr: str) -> int:
    """How many control planes find a place in a network."""
    return max(0, min(IPv4Network(cidr).num_addresses - 1, _FIRST_WORKER) - _FIRST_CONTROL_PLANE)


def room_for_workers(cidr: str) -> int:
    """How many workers find a place in a network."""
    return max(0, IPv4Network(cidr).num_addresses - 1 - _FIRST_WORKER)
