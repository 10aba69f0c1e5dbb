"""What is wrong with a machine that is to become a node. Pure: judged from what it has told of itself."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from components.bootstrap.plan import Distribution

MOST_SECONDS_OFF = 60
"""A certificate is not valid before it is made, and a credential to join with is valid for an hour."""

LEAST_FREE_MB = 4000
"""What images and etcd need at the start; a kubelet refuses to run pods on a disk that is nearly full."""


@dataclass(frozen=True)
class Wanted:
    """What a machine is to be."""

    name: str
    address: str
    cluster: str
    claim: str | None
    """The claim of its cluster; None before there is one."""

    distribution: Distribution

    def owns(self, claim: str) -> bool:
        """Whether what stands on the machine says that it is this one."""
        return claim.split()[:3] == [self.cluster, self.claim, self.name]


def told(lines: str) -> Mapping[str, str]:
    """What `files/look.sh` has printed."""
    return dict(line.split("=", 1) for line in lines.splitlines() if "=" in line)


def faults(wanted: Wanted, found: Mapping[str, str], now: float) -> Iterator[str]:
    """What is wrong with a machine, one line each.

    Args:
        wanted: What it is to be.
        found: From `told`.
        now: The time here, in seconds since 1970.
    """
    name = wanted.name
    claim, node = found.get("claim", ""), "node" in found
    if claim and not wanted.owns(claim):
        yield taken(wanted, claim)
    elif node and not claim:
        yield (
            f"{name}: is in a cluster already, which Slipway has not made; take another, or run `kubeadm reset` there"
        )
    elif not claim and "etcd" in found:
        yield (f"{name}: has something in /var/lib/etcd, which would be lost; move it away, or take another machine")
    if not claim and "haproxy" in found:
        yield (
            f"{name}: serves something by haproxy, whose place a node's own takes; end it there (`systemctl disable "
            "--now haproxy`), or take another machine"
        )
    if found["system"] != wanted.distribution and not found["system"].startswith(f"{wanted.distribution}."):
        yield f"{name}: runs {found['system']}, and `distribution` says {wanted.distribution}; write what it runs"
    if (missing := found.get("missing")) is not None:
        yield f"{name}: has no {missing}; install it there"
    if wanted.address not in (addresses := found["addresses"].split()):
        yield (
            f"{name}: has no address {wanted.address}, by which other nodes are to reach it; it has "
            f"{', '.join(addresses)}"
        )
    off = float(found["time"]) - now
    if abs(off) > MOST_SECONDS_OFF:
        way = "ahead of" if off > 0 else "behind"
        yield (
            f"{name}: its clock is {abs(off):.0f} seconds {way} the one here, and certificates would not be valid; "
            "have both keep the time (`timedatectl set-ntp true`)"
        )
    if int(found["free"]) < LEAST_FREE_MB and not node:
        yield f"{name}: has {found['free']} MB left at /var/lib, and a node needs {LEAST_FREE_MB}; make room there"


def taken(wanted: Wanted, claim: str) -> str:
    """What is to be said of a machine that is another one already, as what stands on it tells."""
    cluster, _, machine, *_ = [*claim.split(), "?", "?", "?"]
    return (
        f"{wanted.name}: is the machine {machine} of a cluster {cluster} already; take another one, or have it leave "
        "that one (`sudo sh /usr/local/lib/slipway/leave.sh` there)"
    )
