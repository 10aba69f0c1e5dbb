"""The address of the API that control planes hold among themselves, one at a time: keepalived, on each of them. Pure.

They tell each other by VRRP, each to each, since many networks carry no multicast. Nobody takes the address from one
whose API server is ready: what is moved without need ends connections without need.
"""

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import AddressValueError, IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

from components.bootstrap.plan import API_PORT, LIBRARY, Machine, Role
from components.spec import Fault

FILES = Path(__file__).parent / "files"

UNIT = "slipway-virtual-ip.service"
CONFIG = "/etc/slipway/virtual-ip.conf"
"""keepalived's configuration, but for the interface, which each machine finds by its own address."""

_CONFIG = """\
global_defs {{
  vrrp_version 3
  # Whoever asks the API server needs no rights for it.
  script_user nobody
  enable_script_security
}}

# An API server that is about to end says so ten seconds before: the address is gone by then. While etcd elects its
# leader none is ready, and the address stays.
vrrp_script ready {{
  script "/usr/bin/curl --silent --insecure --fail --max-time 3 --output /dev/null https://127.0.0.1:{port}/readyz"
  interval 1
  timeout 4
  fall 5
  rise 2
  init_fail
}}

vrrp_instance api {{
  state BACKUP
  nopreempt
  interface INTERFACE
  virtual_router_id {router}
  priority {priority}
  unicast_src_ip {own}
  # Pods and other networks are at least one hop away: nobody there can have the address given up.
  check_unicast_src
  unicast_peer {{
{peers}
  }}
  virtual_ipaddress {{
    {address}/32 dev INTERFACE
  }}
  track_script {{
    ready
  }}
}}
"""


def told(address: str | None, machines: Iterable[Machine], machine: Machine) -> Mapping[str, Any] | None:
    """What a machine is told of the address; None where there is none, or the machine never holds it."""
    if address is None or machine.role is Role.WORKER:
        return None
    return {"address": address, "control_planes": [one.address for one in machines if one.role is not Role.WORKER]}


def configuration(own: str, address: str, control_planes: Sequence[str]) -> str:
    """How one control plane holds the address.

    Args:
        own: Its own address.
        address: That which all of them hold.
        control_planes: Addresses of all of them. Of two that claim it at once, the first one of these gets it.
    """
    # With no peer at all keepalived would tell everybody, by multicast.
    peers = [one for one in control_planes if one != own] or ["127.0.0.1"]
    return _CONFIG.format(
        port=API_PORT,
        router=router_id(address),
        priority=200 - 10 * control_planes.index(own),
        own=own,
        peers="\n".join(f"    {peer} min_ttl 255" for peer in peers),
        address=address,
    )


def router_id(address: str) -> int:
    """What is told from other virtual addresses of a network by: from 1 to 255."""
    return IPv4Address(address).packed[-1] or 255


def files(own: str, told: Mapping[str, Any]) -> Mapping[str, str]:
    """What a control plane has to hold the address: path → content."""
    return {
        CONFIG: configuration(own, **told),
        f"{LIBRARY}/virtual-ip.sh": (FILES / "virtual-ip.sh").read_text(),
        f"/etc/systemd/system/{UNIT}": (FILES / UNIT).read_text(),
    }


def faults(text: str, clusters_own: Mapping[str, str], machines_own: Mapping[str, str]) -> list[Fault]:
    """Why an address cannot be the one.

    Args:
        text: As the stack writes it.
        clusters_own: Key of the stack file → network of pods or Services.
        machines_own: Key of the stack file → network of machines, as far as it is known.
    """
    try:
        address = IPv4Address(text)
    except AddressValueError:
        return [Fault("virtualIp", f"{text!r} is no IPv4 address; {_WRITE}")]
    if (
        address.is_unspecified
        or address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_reserved
    ):
        return [Fault("virtualIp", f"{address} is no address that other machines could ask; {_WRITE}")]
    for key, network in clusters_own.items():
        if address in IPv4Network(network):
            return [Fault("virtualIp", f"{address} is in {key} {network}; {_WRITE}")]
    for key, text in machines_own.items():
        network = IPv4Network(text)
        if address not in network or address in (network[0], network[-1]):
            return [Fault("virtualIp", f"{address} is no machine's address in {key} {network}; {_WRITE}")]
    return []


_WRITE = "write one of the control planes' own network that no machine has"
