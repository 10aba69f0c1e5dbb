"""A pod network that comes as a chart, on the real engine: with a stand-in for Kubernetes' plugin, and for kubectl."""

import json
import os

import pytest

from components.bootstrap import charts
from components.bootstrap.plan import PodNetwork

PROGRAM = """
import pulumi

from components.bootstrap.keys import Keys
from components.bootstrap.plan import PodNetwork
from components.bootstrap.pod_network import pod_network

cluster = pulumi.ComponentResource("slipway:index:KubeadmCluster", "demo")
keys = Keys("demo-keys", "demo", pulumi.ResourceOptions(parent=cluster))
made = pod_network(
    "demo",
    PodNetwork("CNI"),
    pod_cidr="10.244.0.0/16",
    mirror=None,
    nodes=["demo-control-plane-1"],
    kubeconfig=pulumi.Output.secret(keys.admin_expires.apply(lambda _: "apiVersion: v1")),
    keys=keys,
    minutes=1,
    parent=cluster,
)
pulumi.export("network", made.id)
"""

READY = {
    "items": [
        {"metadata": {"name": "demo-control-plane-1"}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}
    ]
}


@pytest.fixture
def stack(slipway, tmp_path, request):
    """A stack of the pod network alone, in a cluster whose only node is Ready."""
    stack = slipway("dev-kubeadm")
    (stack.project / "__main__.py").write_text(PROGRAM.replace("CNI", request.param))
    kubectl = tmp_path / "programs/kubectl"
    kubectl.parent.mkdir()
    kubectl.write_text(f"#!/bin/sh\necho '{json.dumps(READY)}'\n")
    kubectl.chmod(0o755)
    stack.environment["PATH"] = os.pathsep.join([str(kubectl.parent), stack.environment["PATH"]])
    return stack


MADE = {
    PodNetwork.CALICO: ["demo-tigera-operator", "demo-calico-types-inside", "demo-calico"],
    PodNetwork.CILIUM: ["demo-cilium"],
}


@pytest.mark.parametrize(("stack", "cni"), [(cni, cni) for cni in charts.CHARTS], indirect=["stack"])
def test_a_pod_network_is_installed_in_order_stays_as_it_is_and_goes_with_its_cluster(stack, cni):
    stack.preview()
    stack.up()
    assert stack.journal() == [("create", name) for name in MADE[cni]]
    assert stack.outputs()["network"] == f"{cni} {charts.CHARTS[cni].version}"

    assert set(stack.up().changes) == {"same"}

    stack.destroy()
    assert stack.state() == []
    assert stack.journal() == [("create", name) for name in MADE[cni]]
