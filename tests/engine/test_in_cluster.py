"""What a program puts into a managed cluster, on the real engine."""

import pytest

from tests.examples import MANAGED

PROGRAM = """
import pulumi
from pulumi_kubernetes.core.v1 import Service

from components import spec, targets
from components.managed.kubernetes import kubernetes_provider

stack = pulumi.get_stack()
component, args = targets.read(spec.settings(), stack)
cluster = component(stack, args)
inside = pulumi.ResourceOptions(provider=kubernetes_provider("inside", cluster))
Service("web", spec={"type": "LoadBalancer", "ports": [{"port": 80}]}, opts=inside)
pulumi.export("identifier", cluster.cluster_identifier)
"""


@pytest.fixture
def shop(slipway):
    """Stack `dev-<target>` with a load balancer inside, up."""

    def make(target):
        stack = slipway(f"dev-{target}")
        (stack.project / "__main__.py").write_text(PROGRAM)
        stack.up()
        return stack

    return make


@pytest.mark.parametrize("target", MANAGED)
def test_a_load_balancer_goes_before_the_nodes_so_that_the_cluster_gives_it_back(shop, target):
    stack = shop(target)
    provider = next(each for each in stack.state() if each["type"] == "pulumi:providers:kubernetes")
    assert provider["inputs"]["clusterIdentifier"] == stack.outputs()["identifier"]
    assert set(map(name_of, provider["dependencies"])) >= {
        f"dev-{target}-cluster",
        f"dev-{target}-general",
    }

    stack.destroy()

    deleted = [name for operation, name in stack.journal() if operation == "delete"]
    assert deleted.index("web") < deleted.index(f"dev-{target}-cluster")


def name_of(urn):
    return urn.rpartition("::")[2]
