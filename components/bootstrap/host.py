"""What a machine's kernel is told before Kubernetes comes.

https://kubernetes.io/docs/setup/production-environment/container-runtimes/
"""

from collections.abc import Mapping

from components.bootstrap.plan import Machine, Plan

MODULES = ("overlay", "br_netfilter", "nf_conntrack")

SYSCTLS: Mapping[str, int] = {
    "net.ipv4.ip_forward": 1,
    "net.bridge.bridge-nf-call-iptables": 1,
    "net.bridge.bridge-nf-call-ip6tables": 1,
    # kube-proxy is told to leave it alone.
    "net.netfilter.nf_conntrack_max": 1000000,
    # A watched file takes one of what root has, and 128 are gone with a dozen pods.
    "fs.inotify.max_user_instances": 8192,
    "fs.inotify.max_user_watches": 524288,
    # What a kubelet insists on: pkg/kubelet/cm/container_manager_linux.go of Kubernetes.
    "vm.overcommit_memory": 1,
    "vm.panic_on_oom": 0,
    "kernel.panic": 10,
    "kernel.panic_on_oops": 1,
    "kernel.keys.root_maxkeys": 1000000,
    "kernel.keys.root_maxbytes": 25000000,
}

_PODS_DEVICES = ("flannel*", "cni*", "veth*", "cali*", "vxlan.calico", "cilium*", "lxc*")

_UNMANAGED = f"""\
# The pod network's interfaces are its own: NetworkManager would take their addresses away.
[keyfile]
unmanaged-devices={";".join(f"interface-name:{device}" for device in _PODS_DEVICES)}
"""


def files(plan: Plan, machine: Machine) -> Mapping[str, str]:
    """What fits the host: path → content."""
    # A machine must know its own name, or its static pods start five seconds apart.
    known = dict.fromkeys([*plan.control_planes, machine])
    return {
        "/etc/modules-load.d/slipway.conf": "".join(f"{module}\n" for module in MODULES),
        "/etc/sysctl.d/90-slipway.conf": "".join(f"{key} = {value}\n" for key, value in SYSCTLS.items()),
        "/etc/slipway/hosts": "".join(f"{one.address} {one.name} # slipway\n" for one in known),
        **({"/etc/NetworkManager/conf.d/slipway.conf": _UNMANAGED} if plan.distribution.family == "rocky" else {}),
    }
