"""What a cluster on own machines is to be: plain values, from which everything that boots a machine is rendered."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

API_PORT = 6443
"""Where an API server listens, on every control plane."""

PROXY_PORT = 8443
"""Where the proxy of a node listens on loopback: the address of the API for whatever runs on the node."""

DNS_DOMAIN = "cluster.local"

LIBRARY = "/usr/local/lib/slipway"
"""Where a machine has what Slipway runs on it."""

POD_NETWORK = "/etc/slipway/pod-network.yaml"
"""Where the first control plane has the manifest of the pod network."""


class Role(StrEnum):
    """What a machine is in the cluster."""

    FIRST = "first"
    """The control plane that starts the cluster."""

    CONTROL_PLANE = "control-plane"
    """A control plane that joins."""

    WORKER = "worker"


class Distribution(StrEnum):
    """What runs on a machine before Slipway comes."""

    DEBIAN_12 = "debian-12"
    DEBIAN_13 = "debian-13"
    UBUNTU_22_04 = "ubuntu-22.04"
    UBUNTU_24_04 = "ubuntu-24.04"
    ROCKY_9 = "rocky-9"

    @property
    def family(self) -> str:
        """Its name without its version."""
        return self.partition("-")[0]


class PodNetwork(StrEnum):
    """The pod network that the cluster starts with."""

    FLANNEL = "flannel"
    CALICO = "calico"
    CILIUM = "cilium"
    NONE = "none"
    """Nodes are Ready once you install one."""


class Packages(StrEnum):
    """Where containerd and Kubernetes come from."""

    UPSTREAM = "upstream"
    """The repositories of the Kubernetes project, of Docker for containerd, and the distribution's own."""

    MIRROR = "mirror"
    """The same and all images from a mirror of your own; the distribution's own as the machine has them."""

    INSTALLED = "installed"
    """The machine's image has them already, and all images of containers too."""


@dataclass(frozen=True)
class Machine:
    """One machine of a cluster."""

    name: str
    """Its host name, and the name of its node."""

    address: str
    """Where other machines reach it (IPv4)."""

    role: Role


@dataclass(frozen=True)
class Plan:
    """A cluster on own machines."""

    name: str
    version: str
    """Of Kubernetes, in full and with its v: `v1.37.2`."""

    machines: Sequence[Machine]
    """The first control plane first, then the others, then workers."""

    pod_cidr: str
    service_cidr: str
    endpoint: str
    """Host name or address under which people and other machines reach the API; perhaps the first control plane's."""

    cni: PodNetwork = PodNetwork.FLANNEL
    distribution: Distribution = Distribution.DEBIAN_12
    packages: Packages = Packages.INSTALLED
    virtual_ip: str | None = None
    """Address that control planes hold among themselves (IPv4)."""

    etcd_endpoints: Sequence[str] = ()
    """URLs of an etcd that is not the cluster's own; empty where control planes run one."""

    restored: bool = False
    """Whether the first control plane's etcd starts with a snapshot, which is given to it while it boots."""

    minutes: int = 15
    """How long a machine may take to become a node."""

    mirror: str | None = None
    """URL of what `Packages.MIRROR` takes: packages below the name of the host that has them first, such as
    `URL/pkgs.k8s.io/core:/stable:/v1.37/deb/`, and images below that of their registry, such as
    `URL/v2/registry.k8s.io/pause`."""

    @cached_property
    def control_planes(self) -> list[Machine]:
        """The machines that run the control plane, the first one first."""
        return [machine for machine in self.machines if machine.role is not Role.WORKER]

    @property
    def api_names(self) -> list[str]:
        """All names and addresses under which the API's certificate must hold, beside those that kubeadm adds."""
        names = [self.endpoint, *([self.virtual_ip] if self.virtual_ip else []), "127.0.0.1", "localhost"]
        for machine in self.control_planes:
            names += [machine.name, machine.address]
        return list(dict.fromkeys(names))
