"""What a stack says about its machines. Each driver has keys of its own; all stand below `machines`."""

from enum import StrEnum
from typing import NotRequired

from typing_extensions import TypedDict


class Driver(StrEnum):
    """Where machines come from."""

    CONTAINER = "container"
    SSH = "ssh"
    LIBVIRT = "libvirt"
    PROXMOX = "proxmox"
    VSPHERE = "vsphere"


class HostRole(StrEnum):
    """What a machine of a list becomes."""

    CONTROL_PLANE = "control-plane"
    WORKER = "worker"


class Choice(TypedDict):
    """Which driver there is."""

    driver: Driver
    """`libvirt`, `proxmox`, `vsphere`: virtual machines that are made there. `ssh`: machines that exist. `container`:
    system containers on this machine, for trying a production cluster out and for tests."""


class Addresses(TypedDict):
    """Where machines are that are made."""

    cidr: NotRequired[str]
    """Network of the machines. With `driver: container` it is made; default: 10.89.0.0/24. Virtual machines are put
    into one that is there, and it must be said which."""


class ContainerMachines(Addresses):
    """Machines that are containers."""


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


class Proxies(TypedDict):
    """How machines are reached that are logged in to."""

    proxy_jump: NotRequired[str]
    """Host to go through to the machines, as with `ssh -J`; not with `driver: container`. Your own known_hosts must
    have its key."""

    proxy_command: NotRequired[str]
    """Command that connects to the machines instead, as ssh's ProxyCommand; not with `driver: container`."""


class SshMachines(Proxies):
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


class Size(TypedDict):
    """How large a virtual machine is."""

    cpus: NotRequired[int]
    """Virtual CPUs. Default: 2."""

    memory_gb: NotRequired[int]
    """Memory, in GiB. Default: 4."""

    disk_gb: NotRequired[int]
    """Its disk, in GiB. Default: 20."""


class VirtualMachines(Addresses, Proxies):
    """Virtual machines, whatever makes them."""

    image: NotRequired[str]
    """What virtual machines are made from. With `driver: libvirt` a cloud image, by its URL, or its path on the machine
    that Pulumi runs on; with `driver: proxmox` a cloud image, by its URL, or a template, by its number; with
    `driver: vsphere` a template, by its name or path. Another one is for machines that are made from then on."""

    gateway: NotRequired[str]
    """The router of virtual machines. Default: the first address of `cidr`."""

    nameservers: NotRequired[list[str]]
    """Whom virtual machines ask for names. Default: the router."""

    first_control_plane: NotRequired[str]
    """Address of the first control plane that is a virtual machine; the others have those that follow. Default: the
    11th of `cidr`."""

    first_worker: NotRequired[str]
    """Address of the first worker that is a virtual machine; the others have those that follow. Default: the 32nd of
    `cidr`."""

    control_plane_size: NotRequired[Size]
    """How large control planes are that are virtual machines. Another size is for those that are made from then on."""

    worker_size: NotRequired[Size]
    """How large workers are that are virtual machines. Another size is for those that are made from then on."""


class Bridged(TypedDict):
    """Virtual machines that are attached to a bridge."""

    bridge: NotRequired[str]
    """Bridge of the host that machines are attached to. With `driver: libvirt` it is instead of `network`; with
    `driver: proxmox` its default is vmbr0."""


class Downloaded(TypedDict):
    """Virtual machines from an image that is fetched."""

    image_checksum: NotRequired[str]
    """What `image` must hold, as `sha256:…` or `sha512:…`, in hexadecimal: with `driver: proxmox`, where that is a URL,
    and with `driver: libvirt`, where it is a path. Default: whatever is there is taken."""


class LibvirtMachines(VirtualMachines, Bridged, Downloaded):
    """Virtual machines of libvirt."""

    uri: NotRequired[str]
    """Whom libvirt is asked at, with `driver: libvirt`, such as `qemu+ssh://admin@rack1/system`
    (https://libvirt.org/uri.html)."""

    pool: NotRequired[str]
    """Storage pool of disks and images, with `driver: libvirt`. Default: default."""

    network: NotRequired[str]
    """Network of libvirt that machines are attached to, with `driver: libvirt`. Default: default."""


class ProxmoxMachines(VirtualMachines, Bridged, Downloaded):
    """Virtual machines of Proxmox VE."""

    nodes: NotRequired[list[str]]
    """Nodes of Proxmox VE that machines are made on, with `driver: proxmox`: control planes and workers go from one to
    the next."""

    storage: NotRequired[str]
    """Storage of disks, with `driver: proxmox`. Default: local-lvm."""

    file_storage: NotRequired[str]
    """Storage of images and snippets, with `driver: proxmox`, which must be allowed there. Default: local."""

    vlan: NotRequired[int]
    """VLAN of machines, with `driver: proxmox`. Default: none."""


class VsphereMachines(VirtualMachines):
    """Virtual machines of vSphere."""

    datacenter: NotRequired[str]
    """Datacenter of machines, with `driver: vsphere`. Default: the only one."""

    compute_cluster: NotRequired[str]
    """Cluster of hosts that machines run on, with `driver: vsphere`."""

    datastore: NotRequired[str]
    """Datastore of disks, with `driver: vsphere`."""

    port_group: NotRequired[str]
    """Network that machines are attached to, with `driver: vsphere`: a port group, or one of NSX."""

    folder: NotRequired[str]
    """Folder of machines below the datacenter's, with `driver: vsphere`. Default: that folder itself."""


class Machines(Choice, ContainerMachines, SshMachines, LibvirtMachines, ProxmoxMachines, VsphereMachines):
    """Where the machines come from."""
