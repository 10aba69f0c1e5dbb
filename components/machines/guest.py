"""What a virtual machine is told before it boots, whatever makes it. Pure.

Nobody but the program can log in to such a machine, and nobody but the machine answers: both keys are made before it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import yaml

USER = "slipway"
"""Who is logged in: a user with nothing but the program's key and the right to become root."""

INTERFACE = "eth0"


@dataclass(frozen=True)
class Lan:
    """The network that machines are put into."""

    network: IPv4Network
    gateway: str
    nameservers: Sequence[str]


def mac(vendor: str, address: str) -> str:
    """The hardware address that belongs to an address: one that no other machine of the network has.

    Args:
        vendor: Its first half, in which a hypervisor wants it.
        address: The machine's.
    """
    # VMware takes no more than these 22 bits.
    own = int(IPv4Address(address)) & 0x3FFFFF
    return ":".join([vendor, *(f"{own >> shift & 0xFF:02x}" for shift in (16, 8, 0))])


def network(lan: Lan, address: str, hardware: str) -> dict[str, Any]:
    """The network of a machine: https://docs.cloud-init.io/en/latest/reference/network-config-format-v2.html."""
    interface = {
        "match": {"macaddress": hardware},
        # Without a name of its own, what is written for NetworkManager and ifupdown is of no interface.
        "set-name": INTERFACE,
        "dhcp4": False,
        "addresses": [f"{address}/{lan.network.prefixlen}"],
        # Not `default`, which cloud-init itself does not read where it does not leave all to netplan.
        "routes": [{"to": "0.0.0.0/0", "via": lan.gateway}],
        "nameservers": {"addresses": list(lan.nameservers)},
    }
    return {"version": 2, "ethernets": {INTERFACE: interface}}


def meta_data(machine: str, instance: str) -> dict[str, Any]:
    """Who a machine is; as another instance it does everything anew."""
    return {"instance-id": instance, "local-hostname": machine}


def user_data(node: str, keys: Mapping[str, Any]) -> str:
    """What makes a machine a node, and lets the program in, and nobody else.

    Args:
        node: What makes it a node: a mapping at whose end there is room for more keys.
        keys: The machine's, from `machine_keys_provider`.
    """
    login = {
        "users": [
            {
                "name": USER,
                "shell": "/bin/bash",
                "lock_passwd": True,
                "sudo": "ALL=(ALL) NOPASSWD:ALL",
                "ssh_authorized_keys": [keys["login"]["public"]],
            }
        ],
        "disable_root": True,
        "allow_public_ssh_keys": False,
        "ssh_deletekeys": True,
        "ssh_keys": {"ed25519_private": keys["host"]["private"], "ed25519_public": keys["host"]["public"]},
    }
    # YAML's own reader and writer take longer for what makes a node than all else that is done for a machine.
    return node + yaml.safe_dump(login, sort_keys=False, width=4096)
