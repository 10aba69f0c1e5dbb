"""What kind is told, against texts that were reviewed."""

from pathlib import Path

import pytest

from components.local import kind_config

GOLDENS = Path(__file__).parent / "goldens"
MARK = "/etc/slipway/claim/0123456789abcdef/0123456789ab"

SMALL = {"control_planes": 1, "workers": 1, "version": "1.37"}
EVERYTHING = {
    "control_planes": 3,
    "workers": 2,
    "version": "1.37",
    "node_image": "kindest/node:v1.37.0",
    "pod_cidr": "10.1.0.0/16",
    "service_cidr": "10.2.0.0/16",
    "cni": "none",
    "api_port": 6443,
    "port_mappings": [
        {"container_port": 30080, "host_port": 8080},
        {"container_port": 30053, "host_port": 5353, "listen_address": "192.168.1.5", "protocol": "UDP"},
    ],
    "extra_mounts": [
        {"host_path": "/srv/data", "container_path": "/data"},
        {"host_path": "/etc/ssl/certs", "container_path": "/certs", "read_only": True},
    ],
    "feature_gates": {"ImageVolume": True},
    "registry_mirrors": {"docker.io": ["https://mirror.example.org"]},
    "labels": {"workers": {"tier": "app"}},
    "taints": {"workers": [{"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}]},
}


@pytest.mark.parametrize(("golden", "args"), [("kind-small.yaml", SMALL), ("kind-everything.yaml", EVERYTHING)])
def test_the_configuration_is_what_was_reviewed(golden, args):
    text = kind_config.render(args, name="demo", mark=MARK, cgroup_v1=False)

    assert text == (GOLDENS / golden).read_text()


def test_a_kubelet_is_told_to_accept_cgroup_v1_only_where_there_is_no_other():
    old = kind_config.render(SMALL, name="demo", mark=MARK, cgroup_v1=True)
    new = kind_config.render(SMALL, name="demo", mark=MARK, cgroup_v1=False)

    assert "failCgroupV1: false" in old
    assert "failCgroupV1" not in new


def test_a_mount_is_found_from_the_project_and_from_home(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/ada")
    mounts = [{"host_path": "data", "container_path": "/a"}, {"host_path": "~/data", "container_path": "/b"}]

    text = kind_config.render({**SMALL, "extra_mounts": mounts}, name="demo", mark=MARK, cgroup_v1=False)

    assert f"hostPath: {tmp_path}/data" in text
    assert "hostPath: /home/ada/data" in text


@pytest.mark.parametrize(
    "change", [{"workers": 2}, {"version": "1.36"}, {"labels": {"workers": {"tier": "db"}}}, {"claim": "another"}]
)
def test_a_half_made_node_of_other_arguments_has_another_mark(change):
    assert kind_config.mark_of("c", SMALL) != kind_config.mark_of("c", {**SMALL, **change})


def test_a_mark_does_not_depend_on_how_the_provider_was_pickled():
    assert kind_config.mark_of("c", SMALL) == kind_config.mark_of("c", {**SMALL, "__provider": "gASV"})


def test_several_control_planes_stand_behind_a_load_balancer():
    assert kind_config.containers("demo", 1, 2) == ["demo-control-plane", "demo-worker", "demo-worker2"]
    assert kind_config.containers("demo", 3, 0) == [
        "demo-control-plane",
        "demo-control-plane2",
        "demo-control-plane3",
        "demo-external-load-balancer",
    ]


def test_mirrors_are_asked_in_their_order_before_the_registry_itself():
    assert kind_config.hosts_toml("docker.io", ["https://a.example.org", "http://b.example.org"]) == (
        'server = "https://registry-1.docker.io"\n'
        '\n[host."https://a.example.org"]\n  capabilities = ["pull", "resolve"]\n'
        '\n[host."http://b.example.org"]\n  capabilities = ["pull", "resolve"]\n'
    )
    assert kind_config.hosts_toml("ghcr.io", []).startswith('server = "https://ghcr.io"')
