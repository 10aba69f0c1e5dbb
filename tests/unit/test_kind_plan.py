"""What a change of a kind cluster's arguments means."""

from datetime import date
from typing import Any

import pytest

from components.local import kind_plan
from components.local.plan import faults_of_versions

TODAY = date(2026, 11, 24)
RUNNING: dict[str, Any] = {
    "name": "demo",
    "claim": "n-0123456789abcdef",
    "version": "1.37",
    "kubernetes_version": "v1.37.2",
    "control_planes": 1,
    "workers": 1,
    "nodes": [
        {"name": "demo-control-plane", "status": "running"},
        {"name": "demo-worker", "status": "running"},
    ],
}
WANTED = {key: RUNNING[key] for key in ("name", "claim", "version", "control_planes", "workers")}


def plan(olds=None, news=None):
    """The keys that replace the cluster, and those that change in place."""
    olds, news = {**RUNNING, **(olds or {})}, {**WANTED, **(news or {})}
    return list(kind_plan.replacements(olds, news)), kind_plan.updates(olds, news)


def test_the_same_arguments_change_nothing():
    assert plan() == ([], [])


@pytest.mark.parametrize("written", ["1.37", "1.37.2", "v1.37.2"])
def test_another_way_to_write_the_running_version_changes_nothing(written):
    assert plan(news={"version": written}) == ([], [])


@pytest.mark.parametrize(
    "change",
    [
        {"workers": 2},
        {"control_planes": 3},
        {"version": "1.36"},
        {"version": "1.37.1"},
        {"pod_cidr": "10.1.0.0/16"},
        {"port_mappings": [{"container_port": 80, "host_port": 8080}]},
        {"claim": "n-fedcba9876543210"},
    ],
)
def test_what_kind_cannot_change_makes_the_cluster_anew(change):
    assert plan(news=change) == (list(change), [])


def test_a_replacement_says_what_changes_and_why():
    reasons = kind_plan.replacements(RUNNING, {**WANTED, "workers": 2})

    assert reasons == {"workers": "workers 1 → 2, and kind cannot add a node to a running cluster or take one away"}


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        ({"version": "1.37"}, {"version": "1.36"}, "version '1.37' → '1.36'"),
        ({"pod_cidr": "10.1.0.0/16"}, {}, "podCidr 10.1.0.0/16 → unset"),
        ({"feature_gates": {"AllAlpha": True}}, {}, "featureGates {AllAlpha: true} → unset"),
        (
            {"port_mappings": [{"container_port": 80, "host_port": 8080}]},
            {"port_mappings": [{"container_port": 80, "host_port": 8081, "listen_address": "192.0.2.1"}]},
            "portMappings [{containerPort: 80, hostPort: 8080}] → "
            "[{containerPort: 80, hostPort: 8081, listenAddress: 192.0.2.1}]",
        ),
    ],
)
def test_a_replacement_shows_values_as_the_stack_file_writes_them(old, new, shown):
    [reason] = kind_plan.replacements({**RUNNING, **old}, {**WANTED, **new}).values()

    assert reason.startswith(f"{shown}, and ")


@pytest.mark.parametrize(
    "change",
    [
        {"labels": {"workers": {"tier": "app"}}},
        {"taints": {"workers": [{"key": "dedicated", "effect": "NoSchedule"}]}},
        {"registry_mirrors": {"docker.io": ["https://mirror.example.org"]}},
    ],
)
def test_labels_taints_and_mirrors_change_in_place(change):
    assert plan(news=change) == ([], list(change))


@pytest.mark.parametrize("key", ["node_image", "api_port"])
def test_what_is_no_longer_chosen_stays_as_it_runs(key):
    assert plan(olds={key: "chosen before"}) == ([], [])


def test_a_stopped_node_is_started_and_the_cluster_kept():
    nodes = [{**node, "status": "exited"} for node in RUNNING["nodes"]]

    assert plan(olds={"nodes": nodes}) == ([], ["nodes"])


def test_control_planes_start_before_the_workers_that_need_them():
    names = ("demo-worker", "demo-control-plane2", "demo-worker2", "demo-control-plane")
    nodes = [{"name": name, "status": "exited"} for name in names]

    assert kind_plan.stopped({"nodes": nodes}) == [
        "demo-control-plane",
        "demo-control-plane2",
        "demo-worker",
        "demo-worker2",
    ]


def test_a_removed_node_makes_the_cluster_anew():
    reasons = kind_plan.replacements({**RUNNING, "nodes": RUNNING["nodes"][:1]}, WANTED)

    assert list(reasons) == ["nodes"]
    assert reasons["nodes"].startswith("demo-worker is gone")


def test_a_new_cluster_takes_no_version_that_is_out_of_support():
    [fault] = faults_of_versions({}, {"version": "1.33"}, TODAY)

    assert "out of support since 2026-06-28" in fault.message


def test_a_running_cluster_may_keep_a_version_that_went_out_of_support():
    assert faults_of_versions({"version": "1.33"}, {"version": "1.33.4"}, TODAY) == []


def test_a_running_cluster_goes_to_no_version_that_is_out_of_support():
    assert faults_of_versions({"version": "1.37"}, {"version": "1.33"}, TODAY)
