"""CIDR plans: pure checks on the networks of a cluster."""

from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from itertools import combinations

from components.spec import Fault


def cidr_faults(networks: Mapping[str, str]) -> list[Fault]:
    """What is wrong with `networks` (key of the stack file → CIDR): not a network, IPv6, or two that overlap."""
    faults: list[Fault] = []
    parsed: dict[str, IPv4Network | IPv6Network] = {}
    for key, text in networks.items():
        try:
            parsed[key] = ip_network(text)
        except ValueError as error:
            faults.append(Fault(key, f"{text!r} is no network ({error}); write it like 10.244.0.0/16"))
            continue
        if "/" not in text:
            faults.append(Fault(key, f"{text!r} is the address of one machine; write a network like 10.244.0.0/16"))
    for key, network in parsed.items():
        if network.version == 6:
            faults.append(Fault(key, f"{network} is IPv6, which no target offers yet; choose an IPv4 network"))
    for (key, network), (other_key, other) in combinations(parsed.items(), 2):
        if network.version == other.version and network.overlaps(other):
            faults.append(Fault(key, f"{network} overlaps {other_key} {other}; choose networks that share no address"))
    return faults
