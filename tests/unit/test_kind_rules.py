"""What a stack may not say about a kind cluster: each in one line, before any engine is asked."""

from typing import Any

import pytest

from components.local import kind_args

ARGS: Any = {"version": "1.37", "name": "demo", "workers": 1}
DIGEST = "a" * 64


def faults(**args):
    return list(map(str, kind_args.faults_of(ARGS | args)))


def port(host, **more):
    return {"container_port": 80, "host_port": host, **more}


def mount(here="/srv", there="/data"):
    return {"host_path": here, "container_path": there}


def taint(key="dedicated", value="gpu", effect="NoSchedule"):
    return {"key": key, "value": value, "effect": effect}


@pytest.mark.parametrize(
    "args",
    [
        {"name": "1"},
        {"name": "a--b"},
        {"control_planes": 5, "workers": 251},
        {"pod_cidr": "10.244.0.0/23", "service_cidr": "10.96.0.0/28"},
        {"api_port": 6443, "port_mappings": [port(6443, protocol="UDP"), port(6443, listen_address="127.0.0.2")]},
        {"extra_mounts": [mount("~/data"), mount("data", "/b"), mount("~", "/c")]},
        {"registry_mirrors": {"docker.io": [], "localhost:5000": ["http://[::1]:5000/v2/a_b~c", "http://localhost"]}},
        {"labels": {"workers": {"example.com/tier": "a.b_c", "on": ""}}},
        {"taints": {"workers": [taint(), taint(effect="NoExecute")]}},
        {"node_image": "localhost:5000/a/b__c:v1.37.9"},
        {"node_image": f"kindest/node@sha256:{DIGEST}"},
        {"node_image": f"kindest/node:latest@sha256:{DIGEST}"},
    ],
)
def test_what_works_is_taken(args):
    assert faults(**args) == []


@pytest.mark.parametrize(
    ("args", "fault"),
    [
        ({"name": "ünï"}, "name: 'ünï' cannot name a container; use small letters, digits and hyphens inside"),
        ({"name": "$(id)"}, "name: '$(id)' cannot name a container; use small letters, digits and hyphens inside"),
        ({"control_planes": 7}, "controlPlanes: 7 only wait for each other; write 1, 3 or 5"),
        ({"control_planes": 0}, "controlPlanes: 0 is no odd number, and etcd needs a majority; write 1"),
        (
            {"workers": 256},
            "podCidr: 10.244.0.0/16 has room for 256 nodes, and 257 are asked for; write fewer workers",
        ),
        (
            {"pod_cidr": "10.244.0.0/25"},
            "podCidr: kubeadm takes no such size as 10.244.0.0/25; write one from /8 to /24",
        ),
        (
            {"service_cidr": "10.96.0.0/29"},
            "serviceCidr: kubeadm takes no such size as 10.96.0.0/29; write one from /12 to /28",
        ),
        ({"node_image": ""}, "nodeImage: '' names no image; write it like kindest/node:v1.37.0, or drop nodeImage"),
        (
            {"node_image": "-x"},
            "nodeImage: '-x' names no image; write it like kindest/node:v1.37.0, or drop nodeImage",
        ),
        (
            {"node_image": f"kindest/node:v1.36.4@sha256:{DIGEST}"},
            f"nodeImage: kindest/node:v1.36.4@sha256:{DIGEST} runs Kubernetes v1.36.4, and version asks for 1.37; "
            'write version: "1.36", or drop nodeImage',
        ),
        ({"api_port": 70000}, "apiPort: 70000 is no port; write one from 1 to 65535"),
        (
            {"port_mappings": [port(-1)]},
            "portMappings[0].hostPort: -1 is no port; write one from 1 to 65535",
        ),
        (
            {"port_mappings": [port(80, listen_address="localhost")]},
            "portMappings[0].listenAddress: 'localhost' is no address; write one like 127.0.0.1",
        ),
        (
            {"port_mappings": [port(80), port(80, listen_address="0.0.0.0")]},  # noqa: S104
            "portMappings[1].hostPort: 80/TCP is published by portMappings[0].hostPort already; choose another",
        ),
        (
            {"port_mappings": [port(80)], "api_port": 80},
            "apiPort: 80/TCP is published by portMappings[0].hostPort already; choose another",
        ),
        (
            {"extra_mounts": [mount("")]},
            "extraMounts[0].hostPath: '' is no path that can be mounted; write one without `:`",
        ),
        (
            {"extra_mounts": [mount("/a:/b")]},
            "extraMounts[0].hostPath: '/a:/b' is no path that can be mounted; write one without `:`",
        ),
        (
            {"extra_mounts": [mount("~ada/data")]},
            "extraMounts[0].hostPath: '~ada/data' is somebody else's home; write ~/… or the whole path",
        ),
        *(
            (
                {"extra_mounts": [mount(there=there)]},
                f"extraMounts[0].containerPath: {there!r} is no place in a node; write a path like /data",
            )
            for there in ("data", "", "/", "/a/../b", "/a:ro", "/a\nb")
        ),
        (
            {"extra_mounts": [mount(there="/etc/slipway")]},
            "extraMounts[0].containerPath: /etc/slipway would hide what marks the node; choose another",
        ),
        (
            {"extra_mounts": [mount(), mount("/var", "/data/")]},
            "extraMounts[1].containerPath: /data/ is mounted twice; choose another",
        ),
        (
            {"feature_gates": {"A=true,B": True}},
            "featureGates: 'A=true,B' is no feature gate; write one like ImageVolume",
        ),
        *(
            (
                {"registry_mirrors": {registry: ["https://a.example"]}},
                f"registryMirrors: {registry!r} is no registry; write its host, like docker.io",
            )
            for registry in ("", "..", "../x", "a/b", "-x", "https://docker.io", "DOCKER.IO", "a\nb")
        ),
        *(
            (
                {"registry_mirrors": {"docker.io": [url]}},
                f"registryMirrors.docker.io: {url!r} is no URL of a mirror; write it like https://mirror.example.org",
            )
            for url in ("ftp://a", "https://", "https://a b", 'https://a"]\n[host."https://b', "https://a?b=c", "https://a\\b")
        ),
        (
            {"registry_mirrors": {"docker.io": ["https://a", "https://a"]}},
            "registryMirrors.docker.io: https://a stands there twice; once is enough",
        ),
        (
            {"workers": 0, "labels": {"workers": {"a": "b"}}},
            "labels.workers: is for workers, and there are none; write workers: 1 or more, or drop it",
        ),
        (
            {"workers": 0, "taints": {"workers": [taint()]}},
            "taints.workers: is for workers, and there are none; write workers: 1 or more, or drop it",
        ),
    ],
)  # fmt: skip
def test_what_no_cluster_can_be_made_from_is_refused_in_one_line_with_the_fix(args, fault):
    assert faults(**args) == [fault]


def test_a_credential_in_the_url_of_a_mirror_is_refused_without_being_told():
    [line] = faults(registry_mirrors={"docker.io": ["https://ada:hunter2@mirror.example.org"]})

    assert line.startswith("registryMirrors.docker.io: holds a credential")
    assert "hunter2" not in line


@pytest.mark.parametrize(
    "name", ["", "a b", "-a", "a-", "a/b/c", "/a", "a/", "Example.com/a", "a=b", "é", "a" * 64, "--all", "a\nb"]
)
def test_labels_and_taints_are_called_as_kubernetes_takes_it(name):
    [label] = faults(labels={"controlPlanes": {}, "workers": {name: "b"}})
    [key] = faults(taints={"workers": [taint(name)]})

    assert label.startswith(f"labels.workers: {name!r} cannot name a label; use at most 63 letters")
    assert key.startswith(f"taints.workers[0].key: {name!r} cannot name a taint; use at most 63 letters")


@pytest.mark.parametrize("value", ["b c", "-b", "b:c", "b/c", "b,c", "b" * 64, "b\n"])
def test_labels_and_taints_have_values_that_kubernetes_takes(value):
    [label] = faults(labels={"workers": {"a": value}})
    [worth] = faults(taints={"workers": [taint(value=value)]})

    assert label.startswith(f"labels.workers.a: {value!r} is no value of a label; use at most 63 letters")
    assert worth.startswith(f"taints.workers[0].value: {value!r} is no value of a taint; use at most 63 letters")


def test_a_node_has_a_taint_once_for_each_effect():
    assert faults(taints={"workers": [taint(), taint(value="other")]}) == [
        "taints.workers[1]: dedicated has this effect already; a node has one of each, drop one"
    ]
