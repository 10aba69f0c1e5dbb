"""The rules that a cluster on own machines must keep. No machine is asked."""

import re
from importlib.util import find_spec
from ipaddress import IPv4Address, IPv4Network

from components import versions
from components.bootstrap import charts, external_etcd, schedule_rules, virtual_ip
from components.bootstrap.kubeadm_args import BOOTSTRAP_MINUTES, KubeadmArgs
from components.bootstrap.plan import Packages, PodNetwork
from components.local.kind_config import POD_CIDR, SERVICE_CIDR
from components.machines import drivers
from components.machines.driver import MachineDriver
from components.network import cidr_faults, size_faults
from components.spec import Fault

LONGEST_NAME = 40
"""The longest machine is NAME-control-plane-9, and a host name has 63 letters at most."""

NODE_POD_PREFIX = 24
"""A node's share of the pods' addresses, which kubeadm leaves at its default."""

POD_PREFIXES = (NODE_POD_PREFIX - 16, NODE_POD_PREFIX)
SERVICE_PREFIXES = (12, 28)


def faults_of(args: KubeadmArgs) -> list[Fault]:
    """What is wrong with `args`, as far as it can be known without asking anybody.

    Raises:
        SpecError: The SDK of the machines' driver is not installed.
    """
    driver = drivers.of(args.get("name", ""), args)
    unread = drivers.key_faults(args["machines"])
    return [
        *versions.syntax_faults(args["version"]),
        *_name_faults(args.get("name")),
        *(unread or [*driver.count_faults(), *_network_faults(args, driver)]),
        *_software_faults(args, driver),
        *_pod_network_faults(args),
        *_front_faults(args, driver),
        *(external_etcd.faults(args["etcd"]) if "etcd" in args else []),
        *_limit_faults(args),
        *schedule_rules.faults_of(args),
    ]


def _name_faults(name: str | None) -> list[Fault]:
    if name is None:
        return []
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", name):
        return [Fault("name", f"{name!r} cannot name a machine; use small letters, digits and hyphens inside")]
    if len(name) > LONGEST_NAME:
        return [Fault("name", f"{name!r} has {len(name)} letters; {LONGEST_NAME} at most, or host names grow too long")]
    return []


def _network_faults(args: KubeadmArgs, driver: MachineDriver) -> list[Fault]:
    """The sizes are those that kubeadm takes: `cmd/kubeadm/app/apis/kubeadm/validation` of Kubernetes."""
    pods, services = args.get("pod_cidr", POD_CIDR), args.get("service_cidr", SERVICE_CIDR)
    if faults := cidr_faults({"podCidr": pods, "serviceCidr": services, **driver.networks()}):
        return faults
    sizes = [
        *size_faults("podCidr", pods, POD_PREFIXES, "kubeadm"),
        *size_faults("serviceCidr", services, SERVICE_PREFIXES, "kubeadm"),
    ]
    if sizes:
        return sizes
    nodes = driver.control_planes + driver.workers
    if nodes > (room := 1 << (NODE_POD_PREFIX - IPv4Network(pods).prefixlen)):
        message = f"{pods} has room for {room} nodes, and {nodes} are asked for; write a larger one"
        faults.append(Fault("podCidr", message))
    return [*faults, *driver.faults(), *_virtual_ip_faults(args, driver)]


def _virtual_ip_faults(args: KubeadmArgs, driver: MachineDriver) -> list[Fault]:
    if "virtual_ip" not in args:
        return []
    clusters_own = {"podCidr": args.get("pod_cidr", POD_CIDR), "serviceCidr": args.get("service_cidr", SERVICE_CIDR)}
    faults = virtual_ip.faults(args["virtual_ip"], clusters_own, driver.networks())
    return faults or driver.address_faults(IPv4Address(args["virtual_ip"]))


def _software_faults(args: KubeadmArgs, driver: MachineDriver) -> list[Fault]:
    """Whether it is said where programs come from, and only where they do not come with the machines."""
    if driver.brings_all:
        message = f"machines of driver {args['machines']['driver']} come with all programs; drop the key"
        return [Fault(key, message) for key in ("distribution", "packages", "mirror") if key in args]
    faults = []
    version, mirrored = args["version"], driver.packages is Packages.MIRROR
    if not versions.syntax_faults(version) and not versions.is_patch(version):
        message = f'{version} is a minor, and packages are of a patch; write it whole, like "{version}.2"'
        faults.append(Fault("version", message))
    if mirrored and not re.fullmatch(r"https?://[^\s/]+(/[^\s]*[^\s/])?", args.get("mirror", "")):
        message = "`packages: mirror` needs the URL of one, without a / at its end, like https://mirror.example.org"
        faults.append(Fault("mirror", message))
    elif "@" in args.get("mirror", ""):
        # Not repeated, since a password has no place here either.
        message = "names somebody with a password, which all machines would show; use a mirror that asks for none"
        faults.append(Fault("mirror", message))
    if not mirrored and "mirror" in args:
        faults.append(Fault("mirror", "nothing is taken from it; write `packages: mirror` too, or drop the key"))
    return faults


def _pod_network_faults(args: KubeadmArgs) -> list[Fault]:
    """Whether what installs a chart is there."""
    cni = args.get("cni", PodNetwork.FLANNEL)
    if cni not in charts.CHARTS or find_spec("pulumi_kubernetes"):
        return []
    message = (
        f"{cni} needs the package pulumi-kubernetes, which is not installed; run `uv sync --inexact --extra "
        f"{charts.EXTRA}` (`make up` does it by itself)"
    )
    return [Fault("cni", message)]


_ENDPOINT = re.compile(r"(?!-)[a-z0-9-]+(\.[a-z0-9-]+)*(:(?P<port>[0-9]{1,5}))?")


def _front_faults(args: KubeadmArgs, driver: MachineDriver) -> list[Fault]:
    """Whether it is said where people find the API, and only where the driver brings no such place."""
    chosen = args["machines"]["driver"]
    if driver.brings_all:
        message = f"driver {chosen} has a place of its own, on 127.0.0.1; drop the key"
        return [Fault("endpoint", message)] if "endpoint" in args else []
    faults = []
    if "api_port" in args:
        faults.append(
            Fault("apiPort", "is for driver container; write a port at the end of `endpoint`, or drop the key")
        )
    if "endpoint" not in args:
        message = (
            "is required: host name or address under which people reach the API, a load balancer's or that of an only "
            "control plane; or write `virtualIp`, an address that control planes hold among themselves"
        )
        return [*faults, *([] if "virtual_ip" in args else [Fault("endpoint", message)])]
    match = _ENDPOINT.fullmatch(args["endpoint"])
    if match is None or not 1 <= int(match["port"] or 6443) <= 65535:
        message = f"{args['endpoint']!r} is no host; write one like api.example.org or 192.168.10.10:6443"
        faults.append(Fault("endpoint", message))
    return faults


def _limit_faults(args: KubeadmArgs) -> list[Fault]:
    faults = []
    if not 1 <= (minutes := args.get("bootstrap_minutes", BOOTSTRAP_MINUTES)) <= 240:
        faults.append(Fault("bootstrapMinutes", f"{minutes} is no such time; write minutes from 1 to 240"))
    if not 1 <= (port := args.get("api_port", 1)) <= 65535:
        faults.append(Fault("apiPort", f"{port} is no port; write one from 1 to 65535"))
    if (folder := args.get("snapshot_folder", "")).startswith("~") and not folder.startswith("~/"):
        faults.append(Fault("snapshotFolder", f"{folder!r} is nobody's folder here; write ~/… or a whole path"))
    if "etcd" in args and args.get("authority_generation", 1) != 1:
        message = "new CAs come with a restore, and whoever has this etcd restores it; drop the key"
        faults.append(Fault("authorityGeneration", message))
    return faults
