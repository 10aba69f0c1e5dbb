"""A pod network that comes as a chart, put into a cluster whose nodes wait for one.

Imported only for such a network: nothing else here needs Kubernetes' SDK.
"""

from collections.abc import Sequence

import pulumi
from pulumi import dynamic
from pulumi_kubernetes import Provider
from pulumi_kubernetes.helm import v3, v4

from components.bootstrap import charts
from components.bootstrap.plan import PodNetwork
from components.bootstrap.readiness_provider import ReadinessProvider
from components.managed.slim import SlimResource


class Readiness(dynamic.Resource, module="slipway", name="Readiness"):
    """That all nodes are Ready with a pod network."""

    def __init__(
        self,
        name: str,
        network: str,
        nodes: Sequence[str],
        kubeconfig: pulumi.Input[str],
        minutes: int,
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__(
            ReadinessProvider(),
            name,
            {"network": network, "nodes": list(nodes), "kubeconfig": kubeconfig, "minutes": minutes},
            pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(additional_secret_outputs=["kubeconfig"])),
        )


def pod_network(
    name: str,
    cni: PodNetwork,
    *,
    pod_cidr: str,
    mirror: str | None,
    nodes: Sequence[str],
    kubeconfig: pulumi.Output[str],
    keys: pulumi.CustomResource,
    minutes: int,
    parent: pulumi.Resource,
) -> Readiness:
    """Install a pod network, and wait until all nodes are Ready with it.

    Args:
        name: Of the cluster.
        cni: One of `charts.CHARTS`.
        pod_cidr: Addresses of pods.
        mirror: URL of what charts are taken from; None for their makers' own places.
        nodes: Names of the nodes.
        kubeconfig: Known once all of them have joined. A provider that asks earlier finds nobody, and says so for good.
        keys: The cluster's. Whoever destroys them destroys the cluster, and nothing in it has to go first.
        minutes: How long it may take.
        parent: The cluster.
    """
    chart = charts.CHARTS[cni]
    provider = Provider(
        f"{name}-kubernetes",
        kubeconfig=kubeconfig,
        # A renewed certificate makes it no other cluster.
        cluster_identifier=keys.id,
        opts=pulumi.ResourceOptions(parent=parent),
    )
    inside = pulumi.ResourceOptions(parent=parent, provider=provider, deleted_with=keys)
    before = _types(name, mirror, inside) if cni is PodNetwork.CALICO else []
    release = v3.Release(
        f"{name}-{cni}",
        chart=chart.name,
        version=chart.version,
        namespace=chart.namespace,
        repository_opts=v3.RepositoryOptsArgs(repo=chart.repository(mirror)),
        values=charts.values(cni, pod_cidr, len(nodes)),
        timeout=60 * minutes,
        # A run that is killed leaves objects behind, with a release that nobody knows.
        take_ownership=True,
        opts=pulumi.ResourceOptions.merge(inside, pulumi.ResourceOptions(depends_on=before)),
    )
    return Readiness(
        f"{name}-ready",
        f"{cni} {chart.version}",
        nodes,
        kubeconfig,
        minutes,
        pulumi.ResourceOptions(parent=parent, depends_on=[release], deleted_with=keys),
    )


def _types(name: str, mirror: str | None, inside: pulumi.ResourceOptions) -> list[pulumi.Resource]:
    """What must be there before Calico's operator is: its namespace, and the types of its objects."""
    types = charts.CALICO_TYPES
    # The operator is on its node's own network, which pods elsewhere may not be.
    labels = {"pod-security.kubernetes.io/enforce": "privileged"}
    namespace = SlimResource(
        "pulumi-kubernetes",
        "kubernetes:core/v1:Namespace",
        f"{name}-{types.namespace}",
        {"metadata": {"name": types.namespace, "labels": labels}},
        inside,
        outputs=(),
    )
    chart = v4.Chart(
        f"{name}-calico-types",
        chart=types.name,
        version=types.version,
        namespace=types.namespace,
        repository_opts=v4.RepositoryOptsArgs(repo=types.repository(mirror)),
        opts=pulumi.ResourceOptions.merge(inside, pulumi.ResourceOptions(depends_on=[namespace])),
    )
    return [namespace, chart]
