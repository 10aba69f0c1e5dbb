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


PRIVATE_NETWORKS = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
"""https://datatracker.ietf.org/doc/html/rfc1918#section-3."""


def private_faults(key: str, network: str) -> list[Fault]:
    """Whether `network` is one that no network of the internet has."""
    if any(IPv4Network(network).subnet_of(private) for private in PRIVATE_NETWORKS):
        return []
    return [Fault(key, f"{network} is public; write a part of {', '.join(map(str, PRIVATE_NETWORKS))}")]


def room_faults(
    networks: Mapping[str, str], wanted: int, *, pod_prefix: int, reserved: int, parts: int = 1
) -> list[Fault]:
    """Which networks are too small for the nodes of a cluster.

    Args:
        networks: CIDRs by the keys of the stack file, of which `nodeCidr`, where it is there, and `podCidr` count.
        wanted: How many nodes there may be during an upgrade.
        pod_prefix: The length of the prefix of a node's share of the pods' addresses.
        reserved: How many addresses of the nodes' network no node has.
        parts: Nodes have one of so many equal parts of `nodeCidr`.
    """
    sizes = {key: IPv4Network(networks[key]).num_addresses for key in ("nodeCidr", "podCidr") if key in networks}
    rooms = {"nodeCidr": sizes.get("nodeCidr", 0) // parts - reserved, "podCidr": sizes["podCidr"] >> 32 - pod_prefix}
    needs = {"nodeCidr": (wanted + reserved) * parts, "podCidr": wanted << 32 - pod_prefix}
    return [
        Fault(
            key,
            f"{networks[key]} has room for {max(rooms[key], 0)} nodes, and the pools may grow to {wanted} during an "
            f"upgrade; write a /{prefix_for(needs[key])} or larger, or lower maxNodes",
        )
        for key in sizes
        if rooms[key] < wanted
    ]


def prefix_for(addresses: int) -> int:
    """The length of the prefix of the smallest network that holds so many addresses."""
    return 32 - (addresses - 1).bit_length()


_EXAMPLE = "10.244.0.0/16"
