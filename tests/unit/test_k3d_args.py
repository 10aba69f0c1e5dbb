"""What a k3d stack may ask for, and the line that refuses what it may not."""

import pytest

from components.local.k3d import K3dCluster

MAPPING = {"container_port": 80, "host_port": 8080}
MOUNT = {"host_path": "data", "container_path": "/data"}


def faults(**args: object) -> list[str]:
    return list(map(str, K3dCluster.check({"version": "1.37", **args})))


@pytest.mark.parametrize(
    "args",
    [
        {},
        {"name": "dev-1", "control_planes": 3, "workers": 5},
        {"port_mappings": [MAPPING, {**MAPPING, "protocol": "UDP"}], "api_port": 6443},
        {"registry_mirrors": {"docker.io": ["https://mirror.example.org", "http://10.0.0.5:5000"]}},
        {"pod_cidr": "10.1.0.0/16", "service_cidr": "10.2.0.0/16", "extra_mounts": [MOUNT]},
        {"node_image": "rancher/k3s:v1.37.1-k3s2"},
    ],
)
def test_what_k3d_can_make_is_accepted(args):
    assert faults(**args) == []


@pytest.mark.parametrize(
    ("args", "line"),
    [
        ({"version": "latest"}, "version: 'latest' is no Kubernetes version"),
        ({"name": "Dev_K3s"}, "name: 'Dev_K3s' cannot name a container; use small letters"),
        ({"name": "d" * 33}, f"name: '{'d' * 33}' has 33 letters, and k3d takes 32 at most"),
        ({"control_planes": 2}, "controlPlanes: 2 is no odd number, and etcd needs a majority; write 1 or 3"),
        ({"workers": -1}, "workers: -1 is less than none; write 0 or more"),
        ({"pod_cidr": "10.43.0.0/16"}, "podCidr: 10.43.0.0/16 overlaps serviceCidr 10.43.0.0/16"),
        ({"pod_cidr": "10.1.0.0/23", "workers": 2}, "podCidr: 10.1.0.0/23 has room for 2 nodes, and 3 are asked for"),
        (
            {"node_image": "rancher/k3s:v1.36.1-k3s1"},
            "nodeImage: rancher/k3s:v1.36.1-k3s1 runs Kubernetes v1.36.1, and",
        ),
        (
            {"node_image": "Rancher K3s"},
            "nodeImage: 'Rancher K3s' names no image; write it like rancher/k3s:v1.37.2-k3s1",
        ),
        ({"port_mappings": [MAPPING], "api_port": 8080}, "apiPort: 8080/TCP is published by portMappings[0]"),
        ({"extra_mounts": [{**MOUNT, "host_path": "$HOME/x"}]}, "extraMounts[0]: holds a `$`, which k3d takes for a"),
        ({"extra_mounts": [{**MOUNT, "container_path": "data"}]}, "extraMounts[0].containerPath: data is no place"),
        ({"registry_mirrors": {"docker.io": ["mirror"]}}, "registryMirrors.docker.io: 'mirror' is no URL"),
    ],
)
def test_what_k3d_cannot_make_is_refused_in_one_line_with_its_key(args, line):
    [fault] = faults(**args)

    assert fault.replace("'data'", "data").startswith(line)
