"""What k3d is told. After a change that is meant, `python -m tests.unit.test_k3d_config` writes the goldens anew."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from components.local import k3d_config

GOLDENS = Path(__file__).parent / "goldens"
SMALL: dict[str, Any] = {"version": "1.37", "control_planes": 1, "workers": 0}
EVERYTHING: dict[str, Any] = {
    "version": "1.37.1",
    "control_planes": 3,
    "workers": 2,
    "pod_cidr": "10.1.0.0/16",
    "service_cidr": "10.2.0.0/16",
    "cni": "none",
    "api_port": 6443,
    "port_mappings": [
        {"container_port": 80, "host_port": 8080},
        {"container_port": 30053, "host_port": 5353, "listen_address": "::1", "protocol": "UDP"},
    ],
    "extra_mounts": [{"host_path": "/srv/data", "container_path": "/data", "read_only": True}],
    "registry_mirrors": {"docker.io": ["https://mirror.example.org"]},
}


def rendered(name: str) -> str:
    args = {"small": SMALL, "everything": EVERYTHING}[name]
    return k3d_config.render(args, name="dev", claim="n-0123456789abcdef", cgroup_v1=name == "everything")


@pytest.mark.parametrize("name", ["small", "everything"])
def test_k3d_is_told_what_was_reviewed(name):
    assert rendered(name) == (GOLDENS / f"k3d-{name}.yaml").read_text()


@pytest.mark.parametrize("name", ["small", "everything"])
def test_k3d_writes_nothing_into_the_users_kubeconfig_and_listens_on_loopback_unless_told(name):
    config = yaml.safe_load(rendered(name))

    assert config["options"]["kubeconfig"] == {"updateDefaultKubeconfig": False, "switchCurrentContext": False}
    assert config["kubeAPI"]["hostIP"] == "127.0.0.1"
    assert all(port["port"].startswith(("127.0.0.1:", "[::1]:")) for port in config["ports"])


def test_no_port_leads_to_a_worker_that_k3d_would_not_take_out_of_the_load_balancer():
    config = yaml.safe_load(rendered("everything"))

    assert {each for port in config["ports"] for each in port["nodeFilters"]} == {"server:*:proxy"}


def test_k3s_own_parts_are_left_on():
    """Network policies, load balancer, ingress and volumes come unasked; only a stack without a CNI drops any."""
    told = k3d_config.render(SMALL, name="dev", claim="n-1", cgroup_v1=False)

    assert "--disable" not in told
    assert rendered("everything").count("--disable") == 1


@pytest.mark.parametrize(
    ("version", "node_image", "image"),
    [
        ("1.37", None, "rancher/k3s:v1.37.2-k3s1"),
        ("1.37.1", None, "rancher/k3s:v1.37.1-k3s1"),
        ("v1.36.0", None, "rancher/k3s:v1.36.0-k3s1"),
        ("1.37", "registry.example.org/k3s:mine", "registry.example.org/k3s:mine"),
    ],
)
def test_a_version_names_one_image_and_no_other_tomorrow(version, node_image, image):
    assert k3d_config.image(version, node_image) == image


def test_a_kubelet_takes_cgroup_v1_only_where_the_engine_runs_on_it():
    told = k3d_config.render(SMALL, name="dev", claim="n-1", cgroup_v1=False)

    assert "fail-cgroupv1" not in told
    assert "--kubelet-arg=fail-cgroupv1=false" in rendered("everything")


def test_workers_are_known_by_their_numbers_whether_made_with_the_cluster_or_added():
    names = ["k3d-dev-agent-0", "k3d-dev-agent-2-0", "k3d-dev-server-0", "k3d-dev-agent-1-agent-0", "k3d-other-agent-1"]

    assert k3d_config.agents("dev", names) == {0: "k3d-dev-agent-0", 2: "k3d-dev-agent-2-0"}


if __name__ == "__main__":
    for each in ("small", "everything"):
        (GOLDENS / f"k3d-{each}.yaml").write_text(rendered(each))
