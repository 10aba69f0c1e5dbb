"""What a stack says about its machines. Each driver has keys of its own; all stand below `machines`."""

from enum import StrEnum
from typing import NotRequired

from typing_extensions import TypedDict


class Driver(StrEnum):
    """Where machines come from."""

    CONTAINER = "container"
    SSH = "ssh"


class HostRole(StrEnum):
    """What a machine of a list becomes."""

    CONTROL_PLANE = "control-plane"
    WORKER = "worker"


class Choice(TypedDict):
    """Which driver there is."""

    driver: Driver
    """`ssh`: machines that exist. `container`: system containers on this machine, for trying a production cluster out
    and for tests."""


class ContainerMachines(TypedDict):
    """Machines that are containers."""

    cidr: NotRequired[str]
    """Addresses of the machines, with `driver: container`. Default: 10.89.0.0/24."""


class Host(TypedDict):
    """A machine that exists."""

    address: str
    """IPv4 address by which it is logged in to, and by which other nodes reach it."""

    role: HostRole
    """What it becomes."""

    host_key: str
    """The machine's public key, so that nobody else is logged in to: the line of /etc/ssh/ssh_host_ed25519_key.pub
    there."""

    name: NotRequired[str]
    """Its host name, and the name of its node. Default: the cluster's name and the address, such as
    `prod-192-168-10-11`."""

    user: NotRequired[str]
    """Who is logged in. Default: that of `machines`."""

    port: NotRequired[int]
    """Where its ssh listens. Default: that of `machines`."""


class SshMachines(TypedDict):
    """Machines that exist."""

    hosts: NotRequired[list[Host]]
    """The machines, with `driver: ssh`. The first control plane of the list starts the cluster."""

    user: NotRequired[str]
    """Who is logged in, with `driver: ssh`: root, or somebody who may run sudo without a password. Default: root."""

    port: NotRequired[int]
    """Where ssh listens, with `driver: ssh`. Default: 22."""

    identity_file: NotRequired[str]
    """Private key to log in with, on the machine that Pulumi runs on, with `driver: ssh`. Default: the secret
    `slipway:sshPrivateKey`, or else what your ssh finds: an agent, or keys in ~/.ssh."""

    proxy_jump: NotRequired[str]
    """Host to go through, as with `ssh -J`, with `driver: ssh`. Your own known_hosts must have its key."""

    proxy_command: NotRequired[str]
    """Command that connects instead, as ssh's ProxyCommand, with `driver: ssh`."""


class Machines(Choice, ContainerMachines, SshMachines):
    """Where the machines come from."""
