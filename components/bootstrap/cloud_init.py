"""The user-data of a machine: everything that makes it a node, as cloud-init takes it. Pure.

cloud-init only puts files into place and starts a unit of systemd, which runs the steps in `files/steps` and goes on
after a kill, as cloud-init itself would not.
"""

import shlex
from collections.abc import Iterable
from pathlib import Path

import yaml
from yaml.representer import BaseRepresenter

from components import kubeconfig
from components.bootstrap import flannel, hardening, host, kubeadm_config, packages, pki, proxy, virtual_ip
from components.bootstrap.pki import ClientCertificate, Pki
from components.bootstrap.plan import API_PORT, LIBRARY, POD_NETWORK, PROXY_PORT, Machine, Plan, PodNetwork, Role

FILES = Path(__file__).parent / "files"

UNIT = "slipway-bootstrap.service"


def user_data(plan: Plan, machine: Machine, keys: Pki, credential: ClientCertificate | None) -> str:
    """The user-data of one machine of the plan. It holds secrets.

    Args:
        plan: The cluster.
        machine: The machine.
        keys: Of the cluster; a worker gets none of them.
        credential: What the machine joins with; None for the only control plane. The first of several has one too: it
            joins where it takes the place of one that is lost.

    Raises:
        ValueError: The only control plane has what to join with, or another machine has not.
    """
    if (credential is None) is (_may_join(plan, machine)):
        raise ValueError(f"{machine.name} is to be {machine.role}: all machines but the only control plane may join")
    cloud_config = {
        "hostname": machine.name,
        "manage_etc_hosts": False,
        "ssh_pwauth": False,
        "package_update": False,
        "package_upgrade": False,
        "write_files": [
            {"path": path, "permissions": mode, "content": content}
            for path, mode, content in _files(plan, machine, keys, credential)
        ],
        "runcmd": [
            ["systemctl", "daemon-reload"],
            ["systemctl", "enable", "--now", "--no-block", UNIT],
        ],
    }
    return "#cloud-config\n" + yaml.dump(cloud_config, Dumper=_Dumper, sort_keys=False, width=4096)


def steps(plan: Plan, machine: Machine) -> list[str]:
    """What makes a machine a node, in this order."""
    first = ["prepare-host", "install", "containerd", "api-proxy"]
    # Late: who joins has been told to the others by then, and two of them cannot take each other for gone.
    last = [*(["virtual-ip"] if plan.virtual_ip else []), "tidy"]
    match machine.role:
        case Role.FIRST:
            network = ["pod-network"] if plan.cni is PodNetwork.FLANNEL else []
            before, after = (["restore-etcd"], ["forget-nodes"]) if plan.restored else ([], [])
            return [*first, *before, "kubeadm-init", *after, *network, "kubelet-by-proxy", *last]
        case Role.CONTROL_PLANE:
            return [*first, "await-first", "await-leave", "kubeadm-join", "kubelet-by-proxy", *last]
        case Role.WORKER:
            # Of a worker's predecessor only a snapshot tells: else it was taken out before this machine was made.
            predecessor = ["await-leave"] if plan.restored else []
            return [*first, "await-first", *predecessor, "kubeadm-join", "tidy"]


def _files(
    plan: Plan, machine: Machine, keys: Pki, credential: ClientCertificate | None
) -> Iterable[tuple[str, str, str]]:
    """Path, mode and content of all that is put into place."""
    yield f"{LIBRARY}/bootstrap.py", "0700", (FILES / "bootstrap.py").read_text()
    own_steps = steps(plan, machine)
    digits = len(str(len(own_steps)))  # a machine takes them in the order of their names
    for number, step in enumerate(own_steps, start=1):
        script = packages.step(plan) if step == "install" else step
        yield f"{LIBRARY}/steps/{number:0{digits}}0-{step}.sh", "0600", (FILES / f"steps/{script}.sh").read_text()
    if machine.role is Role.FIRST and _may_join(plan, machine):
        yield f"{LIBRARY}/await-leave.sh", "0600", (FILES / "steps/await-leave.sh").read_text()
    if machine.role is Role.FIRST and plan.etcd_endpoints:
        yield f"{LIBRARY}/etcd-is-ours.sh", "0600", (FILES / "etcd-is-ours.sh").read_text()
    yield f"/etc/systemd/system/{UNIT}", "0644", (FILES / UNIT).read_text()

    for path, content in {**host.files(plan, machine), **packages.files(plan)}.items():
        yield path, "0644", content
    yield "/etc/slipway/haproxy.cfg", "0644", proxy.proxy(plan.control_planes)
    held = virtual_ip.told(plan.virtual_ip, plan.control_planes, machine)
    if held:
        for path, content in virtual_ip.files(machine.address, held).items():
            yield path, "0644", content
    yield "/etc/slipway/ca.crt", "0644", keys["cluster"]["certificate"]
    told = {
        "PROXY_PORT": str(PROXY_PORT),
        "POD_CIDR": plan.pod_cidr,
        "PACKAGES": plan.packages,
        **({"ADDRESS": machine.address} if plan.restored else {}),
        **({"VIRTUAL_IP": held["address"]} if held else {}),
        **({"ETCD_ENDPOINTS": " ".join(plan.etcd_endpoints)} if plan.etcd_endpoints else {}),
        "LEFT_BEHIND": ",".join(kubeadm_config.LEFT_BEHIND),
        "OTHERS": " ".join(f"{one.address}:{API_PORT}" for one in plan.control_planes if one != machine),
        **packages.settings(plan),
    }
    yield "/etc/slipway/plan.env", "0644", "".join(f"{key}={shlex.quote(value)}\n" for key, value in told.items())
    # kubeadm insists on the folder.
    yield f"{kubeadm_config.PATCHES}/README", "0644", "What only this machine needs.\n"

    if machine.role is Role.FIRST:
        yield "/etc/slipway/kubeadm-init.yaml", "0600", kubeadm_config.init(plan, machine)
    if _may_join(plan, machine):
        yield "/etc/slipway/kubeadm-join.yaml", "0600", kubeadm_config.join(plan, machine)
    if "pod-network" in own_steps:
        yield POD_NETWORK, "0644", flannel.manifest(plan)
    if credential is not None:
        yield kubeadm_config.JOIN_KUBECONFIG, "0600", join_kubeconfig(plan.name, keys, credential)
    if machine.role is not Role.WORKER:
        for name, content in pki.files(keys).items():
            yield f"/etc/kubernetes/pki/{name}", "0600", content
        for name, content in hardening.files(keys["encryption_keys"]).items():
            yield f"{hardening.FOLDER}/{name}", "0600", content


def _may_join(plan: Plan, machine: Machine) -> bool:
    return machine.role is not Role.FIRST or len(plan.control_planes) > 1


def join_kubeconfig(cluster: str, keys: Pki, credential: ClientCertificate) -> str:
    """What a machine joins with."""
    return kubeconfig.build(
        cluster,
        f"https://127.0.0.1:{PROXY_PORT}",
        pki.base64_of(keys["cluster"]["certificate"]),
        {
            "client-certificate-data": pki.base64_of(credential["certificate"]),
            "client-key-data": pki.base64_of(credential["key"]),
        },
    )


class _Dumper(yaml.CSafeDumper):
    """Writes text of several lines as a block, as a person would; some five times as fast as PyYAML without its C."""


def _text(dumper: BaseRepresenter, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)
