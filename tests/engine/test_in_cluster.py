"""What a program puts into a managed cluster, on the real engine."""

import pytest

from tests.examples import MANAGED

PROGRAM = """
import pulumi
from pulumi_kubernetes.core.v1 import PersistentVolumeClaim, Service

from components import spec, targets
from components.managed.kubernetes import kubernetes_provider

stack = pulumi.get_stack()
component, args = targets.read(spec.settings(), stack)
cluster = component(stack, args)
inside = pulumi.ResourceOptions(provider=kubernetes_provider("inside", cluster))
Service("web", spec={"type": "LoadBalancer", "ports": [{"port": 80}]}, opts=inside)
disk = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
PersistentVolumeClaim("data", spec=disk, opts=inside)
pulumi.export("identifier", cluster.cluster_identifier)
"""


@pytest.fixture
def shop(slipway):
    """Stack `dev-<target>` with a load balancer and a volume inside, up."""

    def make(target):
        stack = slipway(f"dev-{target}")
        (stack.project / "__main__.py").write_text(PROGRAM)
        stack.up()
        return stack

    return make


@pytest.mark.parametrize("target", MANAGED)
def test_load_balancers_and_volumes_go_before_the_nodes_so_that_the_cluster_gives_them_back(shop, target):
    stack = shop(target)
    provider = next(each for each in stack.state() if each["type"] == "pulumi:providers:kubernetes")
    assert provider["inputs"]["clusterIdentifier"] == stack.outputs()["identifier"]
    cluster, nodes = f"dev-{target}-cluster", f"dev-{target}-general"
    assert set(map(name_of, provider["dependencies"])) >= {cluster, nodes}
    # Add-ons and administrators' rights too: all that the seal stands before.
    seal = next(each for each in stack.state() if each["urn"].endswith("-seal"))
    assert set(provider["dependencies"]) >= set(seal["dependencies"])

    stack.destroy()

    deleted = [name for operation, name in stack.journal() if operation == "delete"]
    # Elsewhere nodes go with their cluster, and the cloud is not asked.
    assert (nodes in deleted) is MANAGED[target].pools_go_first
    last = deleted.index(nodes if nodes in deleted else cluster)
    assert {"web", "data"} <= set(deleted[:last])
    assert last <= deleted.index(cluster)


def name_of(urn):
    return urn.rpartition("::")[2]
