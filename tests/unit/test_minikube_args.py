"""What a minikube stack may ask for, the line that refuses what it may not, and what minikube is told."""

from typing import Any

import pytest

from components.local import minikube_config
from components.local.minikube import MinikubeCluster
from components.spec import SpecError
from tests.programs.minikube import KNOWN


def faults(**args: object) -> list[str]:
    return list(map(str, MinikubeCluster.check({"version": "1.35", **args})))


@pytest.mark.parametrize(
    "args",
    [
        {},
        {"name": "dev-1", "control_planes": 3, "workers": 5},
        {"driver": "kvm2", "cpus": 4, "memory_mb": 8192, "disk_gb": 40},
        {"driver": "kvm2", "cpus": 2, "memory_mb": 1800, "disk_gb": 2},
        {"driver": "none", "name": "minikube"},
        {"driver": "qemu2", "name": "dev", "disk_gb": 40},
        {"pod_cidr": "10.1.0.0/16", "service_cidr": "10.2.0.0/16", "feature_gates": {"ImageVolume": True}},
    ],
)
def test_what_minikube_can_make_is_accepted(args):
    assert faults(**args) == []


@pytest.mark.parametrize(
    ("args", "line"),
    [
        ({"version": "latest"}, "version: 'latest' is no Kubernetes version"),
        ({"name": "Dev"}, "name: 'Dev' cannot name a machine; use small letters"),
        ({"name": "d"}, "name: 'd' cannot name a machine; use small letters, digits and hyphens inside, two at least"),
        ({"control_planes": 5}, "controlPlanes: 5 is not what minikube makes; write 1 or 3"),
        ({"workers": -1}, "workers: -1 is less than none; write 0 or more"),
        (
            {"memory_mb": 0},
            "memoryMb: 0 is too little, and minikube starts no node with it; write 1800 or more, or drop",
        ),
        ({"cpus": 1}, "cpus: 1 is too little, and minikube starts no node with it; write 2 or more, or drop it"),
        ({"driver": "kvm2", "disk_gb": 1}, "diskGb: 1 is too little"),
        ({"disk_gb": 20}, "diskGb: is for virtual machines, and driver: docker makes containers; drop it"),
        (
            {"driver": "none", "cpus": 2},
            "cpus: is for machines that minikube makes, and with driver: none it takes this",
        ),
        (
            {"driver": "none", "workers": 1},
            "driver: none takes this machine, which is one node; write controlPlanes: 1",
        ),
        (
            {"driver": "none", "name": "dev"},
            "name: 'dev' is refused by minikube with driver: none, which has one name only; write name: minikube",
        ),
        (
            {"driver": "qemu2", "workers": 1},
            "driver: qemu2 has no network between machines; write driver: kvm2, or controlPlanes: 1, workers: 0",
        ),
        ({"driver": "qemu2", "control_planes": 3}, "driver: qemu2 has no network between machines"),
        ({"pod_cidr": "10.96.0.0/16"}, "podCidr: 10.96.0.0/16 overlaps serviceCidr 10.96.0.0/12"),
        (
            {"pod_cidr": "10.244.0.0/24", "workers": 1},
            "podCidr: 10.244.0.0/24 has room for 1 nodes, and 2 are asked for",
        ),
        ({"feature_gates": {"image-volume": True}}, "featureGates: 'image-volume' is no feature gate"),
    ],
)
def test_what_minikube_cannot_make_is_refused_in_one_line_with_its_key(args, line):
    [fault] = faults(**args)

    assert fault.startswith(line)


@pytest.mark.parametrize("driver", ["docker", "podman", "kvm2", "qemu2", "none"])
def test_every_driver_of_the_issue_is_one(driver):
    assert faults(driver=driver) == []


def flags(*, as_root: bool = False, **args: Any) -> list[str]:
    whole = {"driver": "docker", "control_planes": 1, "workers": 0, **args}
    return minikube_config.flags(whole, "v1.35.1", as_root=as_root)


def test_minikube_is_told_all_that_its_own_settings_could_change():
    assert flags() == [
        "--driver=docker",
        "--kubernetes-version=v1.35.1",
        "--nodes=1",
        "--container-runtime=containerd",
        "--cni=auto",
        "--service-cluster-ip-range=10.96.0.0/12",
        "--embed-certs",
    ]


def test_what_a_stack_chooses_reaches_minikube():
    told = flags(
        driver="kvm2", control_planes=3, workers=2, cpus=4, memory_mb=8192, disk_gb=40, container_runtime="cri-o",
        cni="none", pod_cidr="10.1.0.0/16", service_cidr="10.2.0.0/16", feature_gates={"B": False, "A": True},
    )  # fmt: skip

    assert {
        "--driver=kvm2", "--nodes=5", "--ha", "--cpus=4", "--memory=8192mb", "--disk-size=40gb",
        "--container-runtime=cri-o", "--cni=false", "--extra-config=kubeadm.pod-network-cidr=10.1.0.0/16",
        "--service-cluster-ip-range=10.2.0.0/16", "--feature-gates=A=true,B=false",
    } <= set(told)  # fmt: skip


@pytest.mark.parametrize(
    ("driver", "as_root", "forced"),
    [("docker", True, True), ("podman", True, True), ("docker", False, False), ("none", True, False)],
)
def test_root_is_let_run_containers_only(driver, as_root, forced):
    assert ("--force" in flags(driver=driver, as_root=as_root)) is forced


@pytest.mark.parametrize(
    ("version", "chosen"),
    [("1.35", "v1.35.1"), ("1.34", "v1.34.4"), ("1.35.0", "v1.35.0"), ("v1.35.9", "v1.35.9")],
)
def test_a_minor_is_its_newest_patch_that_minikube_knows_and_a_patch_is_itself(version, chosen):
    assert minikube_config.choose(version, KNOWN) == chosen


@pytest.mark.parametrize("version", ["1.36", "1.37.2", "1.32"])
def test_a_minor_that_minikube_does_not_know_or_has_not_released_is_refused(version):
    with pytest.raises(SpecError, match=r'only 1\.33 to 1\.35; write version: "1\.35", or install a newer minikube'):
        minikube_config.choose(version, KNOWN)
