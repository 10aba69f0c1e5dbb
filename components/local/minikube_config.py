"""What minikube is told: pure functions from arguments to its flags, and to the version that it is asked for."""

from collections.abc import Mapping, Sequence
from typing import Any

from components import versions
from components.spec import Fault, SpecError

POD_CIDR = "10.244.0.0/16"
SERVICE_CIDR = "10.96.0.0/12"
"""minikube's own: pkg/minikube/cni/cni.go and pkg/minikube/constants/constants.go."""

IN_CONTAINERS = ("docker", "podman")
"""The drivers whose nodes are containers."""

LEFT_BEHIND = ("podman", "qemu2")
"""The drivers whose machines are processes that come from minikube's own: conmon's, and QEMU's with `-daemonize`. Those
of the others are started by a service of this machine: dockerd, libvirtd or systemd."""

ONLY_PROFILE = "minikube"
"""The one name that `driver: none` takes: `validateBareMetal` of cmd/minikube/cmd/start.go."""

CONTAINER_RUNTIME = "containerd"
"""Written out, since minikube changed its own default in 1.39."""

HIGHLY_AVAILABLE = 3
"""How many control planes `--ha` makes."""


def flags(args: Mapping[str, Any], version: str, *, as_root: bool) -> list[str]:
    """The flags of `minikube start` for the cluster that `args` ask for.

    Args:
        args: The arguments of `MinikubeArgs`, in snake_case.
        version: The full version, from `choose`.
        as_root: Whether minikube is run by root.
    """
    driver, cni = args["driver"], args.get("cni", "default")
    optional = {
        "--cpus": args.get("cpus"),
        "--memory": f"{args['memory_mb']}mb" if "memory_mb" in args else None,
        "--disk-size": f"{args['disk_gb']}gb" if "disk_gb" in args else None,
        "--extra-config": f"kubeadm.pod-network-cidr={args['pod_cidr']}" if "pod_cidr" in args else None,
        "--feature-gates": ",".join(
            f"{gate}={str(on).lower()}" for gate, on in sorted(args.get("feature_gates", {}).items())
        ),
    }
    given = {
        "--driver": driver,
        "--kubernetes-version": version,
        "--nodes": args["control_planes"] + args["workers"],
        "--container-runtime": args.get("container_runtime", CONTAINER_RUNTIME),
        "--cni": {"default": "auto", "none": "false"}.get(cni, cni),
        "--service-cluster-ip-range": args.get("service_cidr", SERVICE_CIDR),
        **{flag: value for flag, value in optional.items() if value},
    }
    return [
        *(f"{flag}={value}" for flag, value in given.items()),
        *(["--ha"] if args["control_planes"] == HIGHLY_AVAILABLE else []),
        # In the user's own kubeconfig nothing is written at all; in ours, certificates are no paths of this machine.
        "--embed-certs",
        # minikube refuses to be run by root with these drivers, as the containers are privileged then in any case.
        *(["--force"] if as_root and driver in IN_CONTAINERS else []),
    ]


def choose(version: str, known: Sequence[str]) -> str:
    """The full version to ask minikube for, e.g. `v1.35.1`: the newest patch of a minor, or the very patch.

    Args:
        version: What a stack says.
        known: What this minikube knows, newest first.

    Raises:
        SpecError: It is of a minor that this minikube does not know.
    """
    released = [each for each in known if "-" not in each]
    minors = list(dict.fromkeys(map(versions.minor_of, released)))
    minor = versions.minor_of(version)
    if minor not in minors:
        fault = (
            f"this minikube makes no Kubernetes {minor}, only {minors[-1]} to {minors[0]}; "
            f'write version: "{minors[0]}", or install a newer minikube'
            if minors
            else "this minikube tells no version that it makes; install another one"
        )
        raise SpecError([Fault("version", fault)])
    if versions.is_patch(version):
        return f"v{version.removeprefix('v')}"
    return next(each for each in released if versions.minor_of(each) == minor)


_FOR_GOOD = "is written into the control plane when it starts"
_OF_MACHINE = "minikube does not change a machine that it has made"
FIXED = {
    "claim": "is what tells its nodes from other people's",
    "name": "is part of every node's name",
    "driver": "is where its nodes were made",
    "control_planes": "minikube makes either one control plane or three, and never one more",
    "cpus": _OF_MACHINE,
    "memory_mb": _OF_MACHINE,
    "disk_gb": _OF_MACHINE,
    "container_runtime": "holds all that runs",
    "cni": _FOR_GOOD,
    "pod_cidr": _FOR_GOOD,
    "service_cidr": _FOR_GOOD,
    "feature_gates": _FOR_GOOD,
}
"""What cannot change in place, and why; beside it, what `minikube_plan` judges."""
