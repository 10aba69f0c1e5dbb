"""Machines that exist: each is logged in to, made a node, and made what it was before when it leaves."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from ipaddress import AddressValueError, IPv4Address, IPv4Network
from typing import Any

import pulumi
from pulumi import dynamic

from components.bootstrap.plan import Distribution, Machine, Role
from components.declared import camel
from components.local.kind_config import POD_CIDR, SERVICE_CIDR
from components.machines.claim import Claim
from components.machines.driver import IN_PLACE_OF_THE_OLD, MachineDriver, MadeMachine, proxy_faults
from components.machines.machine_args import Host, HostRole
from components.machines.ssh_provider import SshMachineProvider
from components.spec import Fault

SSH_PRIVATE_KEY = "sshPrivateKey"
"""The secret of a stack with which its machines are logged in to."""

_HOST_KEY = re.compile(r"(ssh-(ed25519|rsa)|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/]{40,}={0,3}( [^\n]*)?")
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_USER = re.compile(r"[a-z_][a-z0-9_.-]{0,31}")


class SshDriver(MachineDriver):
    """Machines of a list."""

    kind = "slipway:SshMachine"

    @cached_property
    def hosts(self) -> Sequence[Host]:
        """The machines as the stack writes them: control planes first, else in the order in which they stand there."""
        return sorted(self.args["machines"].get("hosts", []), key=lambda host: host["role"] == HostRole.WORKER)

    @property
    def control_planes(self) -> int:
        """How many hosts are control planes."""
        return sum(host["role"] == HostRole.CONTROL_PLANE for host in self.hosts)

    @property
    def workers(self) -> int:
        """How many are not."""
        return len(self.hosts) - self.control_planes

    def machines(self) -> list[Machine]:
        """The hosts. Names follow from addresses, not from places: a host that goes would rename all after it."""
        return [
            Machine(
                _name(self.name, host),
                host["address"],
                Role.WORKER if host["role"] == HostRole.WORKER else Role.CONTROL_PLANE if index else Role.FIRST,
            )
            for index, host in enumerate(self.hosts)
        ]

    def count_faults(self) -> list[Fault]:
        """Whether there are hosts for a cluster, and nothing else says how many."""
        message = "with driver ssh there are as many machines as hosts; drop the key"
        spare = {"control_planes", "workers"} & self.args.keys()
        return [
            *(Fault(camel(key), message) for key in sorted(spare)),
            *(
                replace(fault, key="machines.hosts", message=f"of control planes {fault.message}")
                for fault in super().count_faults()
            ),
        ]

    def addresses(self, roles: Sequence[Role]) -> list[str]:
        """The hosts' addresses."""
        del roles
        return [host["address"] for host in self.hosts]

    def networks(self) -> Mapping[str, str]:
        """None is known: each host's address is looked at by itself."""
        return {}

    def faults(self) -> list[Fault]:
        """What is wrong with the hosts as they are written, and with how they are logged in to."""
        return [*self._login_faults(), *self._host_faults()]

    def _login_faults(self) -> Iterator[Fault]:
        yield from proxy_faults(self.args["machines"])
        yield from _account_faults("machines", self.args["machines"])

    def _host_faults(self) -> Iterator[Fault]:
        networks = {
            "podCidr": IPv4Network(self.args.get("pod_cidr", POD_CIDR)),
            "serviceCidr": IPv4Network(self.args.get("service_cidr", SERVICE_CIDR)),
        }
        seen: dict[str, str] = {}
        for index, host in enumerate(self.args["machines"].get("hosts", [])):
            place = f"machines.hosts[{index}]"
            yield from _account_faults(place, host)
            if not _HOST_KEY.fullmatch(host["host_key"]):
                message = "is no public key; write the line of /etc/ssh/ssh_host_ed25519_key.pub on the machine"
                yield Fault(f"{place}.hostKey", message)
            if "name" in host and not _NAME.fullmatch(host["name"]):
                message = f"{host['name']!r} is no host name; use at most 63 small letters, digits and hyphens inside"
                yield Fault(f"{place}.name", message)
            try:
                address = IPv4Address(host["address"])
            except AddressValueError:
                message = f"{host['address']!r} is no IPv4 address; write the one by which other nodes reach it"
                yield Fault(f"{place}.address", message)
                continue
            for key, network in networks.items():
                if address in network:
                    yield Fault(f"{place}.address", f"{address} is in {key} {network}; choose another network there")
            for key, value in (("address", host["address"]), ("name", _name(self.name, host))):
                if (other := seen.setdefault(value, place)) != place:
                    yield Fault(f"{place}.{key}", f"{value} is that of {other} too; each machine has one of its own")
                    break

    def prepare(self, fixed: Mapping[str, str], opts: pulumi.ResourceOptions) -> None:
        """Declare the claim on the machines."""
        self.claim = Claim(f"{self.name}-claim", self.name, fixed, opts)
        self.kubernetes_version = pulumi.Output.from_input(f"v{self.args['version'].removeprefix('v')}")

    def machine(self, machine: Machine, user_data: pulumi.Output[str], opts: pulumi.ResourceOptions) -> MadeMachine:
        """Declare a machine of the list."""
        machines = self.args["machines"]
        [host] = [one for one in self.hosts if one["address"] == machine.address]
        login = {
            "address": machine.address,
            "host_key": " ".join(host["host_key"].split()[:2]),
            "user": host.get("user", machines.get("user", "root")),
            "port": host.get("port", machines.get("port", 22)),
            **{key: machines[key] for key in ("identity_file", "proxy_jump", "proxy_command") if key in machines},
        }
        made = SshMachine(
            machine,
            self.claim,
            self.name,
            self.args.get("distribution", Distribution.DEBIAN_12),
            login,
            user_data,
            opts,
        )
        return MadeMachine(made, made.reach)


class SshMachine(dynamic.Resource, module="slipway", name="SshMachine"):
    """One machine."""

    reach: pulumi.Output[Any]

    def __init__(
        self,
        machine: Machine,
        claim: Claim,
        cluster: str,
        distribution: Distribution,
        login: Mapping[str, Any],
        user_data: pulumi.Output[str],
        opts: pulumi.ResourceOptions,
    ) -> None:
        key = None if "identity_file" in login else pulumi.Config("slipway").get_secret(SSH_PRIVATE_KEY)
        super().__init__(
            SshMachineProvider(),
            machine.name,
            {
                "name": machine.name,
                "address": machine.address,
                "cluster": cluster,
                "claim": claim.id,
                "control_plane": machine.role is not Role.WORKER,
                "distribution": distribution.value,
                "login": dict(login),
                "private_key": key,
                "user_data": user_data,
                "reach": None,
            },
            pulumi.ResourceOptions.merge(
                pulumi.ResourceOptions.merge(opts, IN_PLACE_OF_THE_OLD),
                pulumi.ResourceOptions(additional_secret_outputs=["reach"]),
            ),
        )


def _name(cluster: str, host: Host) -> str:
    return host.get("name", f"{cluster}-{host['address'].replace('.', '-')}")


def _account_faults(place: str, account: Mapping[str, Any]) -> Iterator[Fault]:
    if not _USER.fullmatch(account.get("user", "root")):
        yield Fault(f"{place}.user", f"{account['user']!r} is no user; write the one that may run sudo there")
    if not 1 <= account.get("port", 22) <= 65535:
        yield Fault(f"{place}.port", f"{account['port']} is no port; write one from 1 to 65535")
