"""CIDR plans: pure checks on the networks of a cluster."""

from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from itertools import combinations

from components.spec import Fault


def cidr_faults(networks: Mapping[str, str]) -> list[Fault]:
    """What is wrong with `networks` (key of the stack file → CIDR): no network of IPv4, or two that overlap."""
    faults: list[Fault] = []
    parsed: dict[str, IPv4Network] = {}
    for key, text in networks.items():
        try:
            network = ip_network(text, strict=False)
        except ValueError:
            faults.append(Fault(key, f"{text!r} is no network; write it like {_EXAMPLE}"))
            continue
        if isinstance(network, IPv6Network):
            faults.append(Fault(key, f"{text!r} is IPv6, which no target offers yet; choose an IPv4 network"))
        elif "/" not in text:
            faults.append(Fault(key, f"{text!r} is the address of one machine; write a network like {_EXAMPLE}"))
        elif str(network) != text:
            faults.append(Fault(key, f"{text!r} is no network; write {network}"))
        elif network.is_loopback or network.is_link_local or network.is_multicast or network.is_reserved:
            faults.append(Fault(key, f"{network} is never routed between machines; write a network like {_EXAMPLE}"))
        else:
            parsed[key] = network
    for (key, network), (other_key, other) in combinations(parsed.items(), 2):
        if network.overlaps(other):
            faults.append(Fault(key, f"{network} overlaps {other_key} {other}; choose networks that share no address"))
    return faults


def size_faults(key: str, network: str, prefixes: tuple[int, int], taker: str) -> list[Fault]:
    """Whether `taker` takes a network of such a size: its prefix is one from the largest to the smallest."""
    largest, smallest = prefixes
    if largest <= IPv4Network(network).prefixlen <= smallest:
        return []
    return [Fault(key, f"{taker} takes no such size as {network}; write one from /{largest} to /{smallest}")]


def room_faults(networks: Mapping[str, str], rooms: Mapping[str, tuple[int, int]], wanted: int) -> list[Fault]:
    """Which networks are too small for the nodes of a cluster.

    Args:
        networks: Key of the stack file → CIDR.
        rooms: Key → how many nodes find a place there, and the length of the prefix that would do.
        wanted: How many nodes there may be during an upgrade.
    """
    return [
        Fault(
            key,
            f"{networks[key]} has room for {max(room, 0)} nodes, and the pools may grow to {wanted} during an upgrade; "
            f"write a /{prefix} or larger, or lower maxNodes",
        )
        for key, (room, prefix) in rooms.items()
        if room < wanted
    ]


def prefix_for(addresses: int) -> int:
    """The length of the prefix of the smallest network that holds so many addresses."""
    return 32 - (addresses - 1).bit_length()


_EXAMPLE = "10.244.0.0/16"
