"""Pod networks that come as a chart: what a cluster asks for, and when all nodes are said to be Ready."""

import pickle
import sys
from typing import Any

import pytest

from components.bootstrap import charts, kubeadm_rules, readiness_provider, status
from components.bootstrap.kubeadm import KubeadmCluster, fixed
from components.bootstrap.plan import PodNetwork
from components.bootstrap.readiness_provider import ReadinessProvider
from components.bootstrap.status import NodeError
from tests.examples.kubeadm import outputs
from tests.unit.fake_node import Clock, Cluster
from tests.unit.test_ssh_machines import ARGS as SSH_ARGS

CHARTED = list(charts.CHARTS)
ARGS: Any = {"version": "1.36", "name": "demo", "machines": {"driver": "container"}}


@pytest.fixture
def made(deploy_once):
    """What a cluster with a pod network asks for."""

    def make(cni: PodNetwork, state: Any = None, args: Any = ARGS, **changes: Any) -> Any:
        wanted = {**args, "cni": cni, **changes}
        return deploy_once(KubeadmCluster, "demo", wanted, outputs=outputs(), state=state or {})

    return make


def kubernetes(deployment: Any) -> list[Any]:
    return [one for one in deployment.resources if one.type.startswith("kubernetes:")]


@pytest.mark.parametrize("cni", CHARTED)
def test_a_chart_is_installed_once_every_node_has_joined_and_no_node_waits_for_it(made, cni):
    deployment = made(cni)
    nodes = deployment.of("Node")
    [provider] = [one for one in deployment.resources if one.type == "pulumi:providers:kubernetes"]

    assert {node.inputs["await_ready"] for node in nodes} == {False}
    assert {node.name for node in nodes} <= provider.dependencies
    assert "kubeconfig" in provider.secrets


@pytest.mark.parametrize("cni", CHARTED)
def test_a_cluster_is_told_of_once_all_its_nodes_are_ready_with_the_chart(made, cni):
    deployment = made(cni)
    readiness = deployment.the("Readiness")

    assert deployment.the("Release").name in readiness.dependencies
    assert readiness.inputs["nodes"] == [node.inputs["name"] for node in deployment.of("Node")]
    assert readiness.inputs["network"] == f"{cni} {charts.CHARTS[cni].version}"
    assert "kubeconfig" in readiness.secrets


@pytest.mark.parametrize("cni", CHARTED)
def test_nodes_wait_until_they_are_ready_wherever_the_chart_is_there_already(made, cni):
    urn = "urn:pulumi:test::slipway::slipway:index:KubeadmCluster$pulumi-python:dynamic/slipway:Readiness::demo-ready"
    state = {urn: {"network": "an older one"}}

    assert {node.inputs["await_ready"] for node in made(cni, state=state).of("Node")} == {True}


@pytest.mark.parametrize("cni", CHARTED)
def test_whoever_destroys_all_needs_no_api_for_it(made, cni):
    deployment = made(cni)

    assert {one.deleted_with for one in [*kubernetes(deployment), deployment.the("Readiness")]} == {"demo-keys"}


def test_another_certificate_makes_it_no_other_cluster(made):
    [provider] = [one for one in made(PodNetwork.CILIUM).resources if one.type == "pulumi:providers:kubernetes"]

    assert provider.inputs["clusterIdentifier"] == "demo-keys"


def test_calico_s_operator_comes_after_the_types_of_its_objects_in_a_namespace_that_may_use_the_nodes_network(made):
    deployment = made(PodNetwork.CALICO)
    release, namespace = deployment.the("Release"), deployment.the("Namespace")
    [types] = [one for one in deployment.resources if one.type == "kubernetes:helm.sh/v4:Chart"]

    assert types.inputs["version"] == release.inputs["version"]
    assert namespace.name in types.dependencies
    assert namespace.name in release.dependencies
    assert namespace.inputs["metadata"] == {
        "name": release.inputs["namespace"],
        "labels": {"pod-security.kubernetes.io/enforce": "privileged"},
    }


def test_calico_gives_pods_the_addresses_of_the_stack_and_leaves_services_to_kube_proxy(made):
    told = made(PodNetwork.CALICO, pod_cidr="10.20.0.0/16").the("Release").inputs["values"]["installation"]

    assert [pool["cidr"] for pool in told["calicoNetwork"]["ipPools"]] == ["10.20.0.0/16"]
    assert told["calicoNetwork"]["linuxDataplane"] == "Iptables"


def test_cilium_gives_pods_the_addresses_that_kubernetes_gives_each_node(made):
    told = made(PodNetwork.CILIUM).the("Release").inputs["values"]

    assert told["ipam"] == {"mode": "kubernetes"}
    assert told["kubeProxyReplacement"] is False


@pytest.mark.parametrize(("nodes", "replicas"), [(1, 1), (2, 2), (5, 2)])
def test_no_operator_waits_for_a_node_that_there_is_not(nodes, replicas):
    assert charts.values(PodNetwork.CILIUM, "10.244.0.0/16", nodes)["operator"]["replicas"] == replicas


def test_a_mirror_has_charts_below_the_name_of_their_makers_place(made):
    mirrored = {"packages": "mirror", "mirror": "https://mirror.example.org/slipway"}
    there, here = (
        {one.inputs["repositoryOpts"]["repo"] for one in kubernetes(deployment) if "repositoryOpts" in one.inputs}
        for deployment in (made(PodNetwork.CALICO, args=SSH_ARGS), made(PodNetwork.CALICO, args=SSH_ARGS, **mirrored))
    )

    assert there == {"https://docs.tigera.io/calico/charts"}
    assert here == {"https://mirror.example.org/slipway/docs.tigera.io/calico/charts"}


@pytest.mark.parametrize("cni", [PodNetwork.FLANNEL, PodNetwork.NONE])
def test_no_other_pod_network_needs_an_sdk(deploy, monkeypatch, cni):
    monkeypatch.setitem(sys.modules, "components.bootstrap.pod_network", None)
    monkeypatch.setattr(kubeadm_rules, "find_spec", lambda _: None)

    deployment = deploy(lambda: KubeadmCluster("demo", {**ARGS, "cni": cni}), outputs=outputs())

    assert {node.inputs["await_ready"] for node in deployment.of("Node")} == {cni is PodNetwork.FLANNEL}


@pytest.mark.parametrize("cni", CHARTED)
def test_a_chart_without_what_installs_it_is_refused(monkeypatch, cni):
    monkeypatch.setattr(kubeadm_rules, "find_spec", lambda _: None)

    [fault] = KubeadmCluster.check({**ARGS, "cni": cni})

    assert str(fault) == (
        f"cni: {cni} needs the package pulumi-kubernetes, which is not installed; "
        "run `uv sync --inexact --extra kubernetes` (`make up` does it by itself)"
    )


def test_another_pod_network_is_something_that_machines_do_not_take_in():
    assert {fixed({**ARGS, "cni": cni})["cni"] for cni in PodNetwork} == {"flannel", "calico", "cilium", "none"}


@pytest.mark.parametrize(
    ("cni", "version", "said"),
    [
        (PodNetwork.CILIUM, "1.36.3", None),
        (PodNetwork.CALICO, "1.37", None),
        (PodNetwork.FLANNEL, "1.37", None),
        (
            PodNetwork.CILIUM,
            "1.37",
            "cni: the makers of cilium test its 1.20.2 with Kubernetes 1.33 to 1.36, and not with 1.37",
        ),
    ],
)
def test_a_version_that_the_makers_of_a_pod_network_do_not_test_is_warned_of(cni, version, said):
    assert charts.untested(cni, version) == said


READINESS: Any = {
    "network": "cilium 1.20.2",
    "nodes": ["demo-control-plane-1", "demo-worker-1"],
    "kubeconfig": "apiVersion: v1",
    "minutes": 15.0,
}


@pytest.fixture
def cluster(monkeypatch):
    """A cluster of which one node is Ready."""
    cluster = Cluster()
    cluster.has("demo-control-plane-1")
    cluster.has("demo-worker-1", ready=False)
    cluster.stands_in(monkeypatch)
    return cluster


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(readiness_provider, "time", clock)
    monkeypatch.setattr(status, "time", clock)
    return clock


def test_all_nodes_are_waited_for_though_nobody_answers_meanwhile(cluster, clock):
    cluster.answers = False

    def happens(now: float) -> None:
        cluster.answers = now > 1010
        if now > 1020:
            cluster.has("demo-worker-1")

    clock.meanwhile = happens

    ReadinessProvider().create(READINESS)

    assert 1020 < clock.now < 1025


def test_a_node_that_does_not_get_ready_is_told_in_time(cluster, clock):
    with pytest.raises(NodeError) as raised:
        ReadinessProvider().create(READINESS)

    assert clock.now == pytest.approx(1000 + 15 * 60, abs=1)
    assert str(raised.value) == (
        "cilium 1.20.2 has not made all nodes Ready within 15 minutes: demo-worker-1; "
        "`kubectl get pods --all-namespaces` tells what it waits for, and `bootstrapMinutes` allows it more time"
    )


def test_only_another_version_of_the_network_is_waited_for_again(cluster, clock):
    cluster.has("demo-worker-1")
    newer = {**READINESS, "network": "cilium 1.21.0"}
    grown = {**READINESS, "nodes": [*READINESS["nodes"], "demo-worker-2"], "kubeconfig": "another"}

    assert not ReadinessProvider().diff("", READINESS, grown).changes
    assert ReadinessProvider().diff("", READINESS, newer).changes
    assert ReadinessProvider().update("", READINESS, newer).outs == newer


def test_the_state_holds_no_code_of_the_provider():
    assert len(pickle.dumps(ReadinessProvider())) < 100
