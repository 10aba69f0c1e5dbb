"""What a kind stack may ask for, and the line that refuses what it may not."""

import pytest

from components.local.kind import KindCluster

MAPPING = {"container_port": 30080, "host_port": 8080}


def faults(**args: object) -> list[str]:
    return list(map(str, KindCluster.check({"version": "1.37", **args})))


@pytest.mark.parametrize(
    "args",
    [
        {},
        {"name": "dev-1", "control_planes": 3, "workers": 5},
        {"port_mappings": [MAPPING, {**MAPPING, "protocol": "UDP"}], "api_port": 6443},
        {"registry_mirrors": {"docker.io": ["https://mirror.example.org", "http://10.0.0.5:5000"]}},
        {"pod_cidr": "10.1.0.0/16", "service_cidr": "10.2.0.0/16"},
    ],
)
def test_what_kind_can_make_is_accepted(args):
    assert faults(**args) == []


@pytest.mark.parametrize(
    ("args", "line"),
    [
        ({"version": "latest"}, "version: 'latest' is no Kubernetes version"),
        ({"name": "Dev_Kind"}, "name: 'Dev_Kind' cannot name a container; use small letters"),
        ({"name": "développement"}, "name: 'développement' cannot name a container"),
        ({"name": "-dev"}, "name: '-dev' cannot name a container"),
        ({"name": "d" * 41}, f"name: '{'d' * 41}' has 41 letters; 40 at most"),
        ({"control_planes": 2}, "controlPlanes: 2 is no odd number, and etcd needs a majority; write 1 or 3"),
        ({"control_planes": 0}, "controlPlanes: 0 is no odd number, and etcd needs a majority; write 1"),
        ({"workers": -1}, "workers: -1 is less than none; write 0 or more"),
        ({"pod_cidr": "10.96.0.0/12"}, "podCidr: 10.96.0.0/12 overlaps serviceCidr 10.96.0.0/16"),
        ({"port_mappings": [MAPPING, MAPPING]}, "portMappings[1].hostPort: 8080/TCP is published by portMappings[0]"),
        ({"port_mappings": [MAPPING], "api_port": 8080}, "apiPort: 8080/TCP is published by portMappings[0]"),
        ({"port_mappings": [{**MAPPING, "host_port": 70000}]}, "portMappings[0].hostPort: 70000 is no port"),
        ({"registry_mirrors": {"docker.io": ["mirror"]}}, "registryMirrors.docker.io: 'mirror' is no URL"),
    ],
)
def test_what_kind_cannot_make_is_refused_in_one_line_with_its_key(args, line):
    [fault] = faults(**args)

    assert fault.startswith(line)
