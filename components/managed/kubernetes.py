"""The way into a managed cluster for programs that put something there."""

import pulumi
import pulumi_kubernetes

from components.managed.managed_cluster import ManagedCluster


def kubernetes_provider(
    name: str, cluster: ManagedCluster, opts: pulumi.ResourceOptions | None = None
) -> pulumi_kubernetes.Provider:
    """A Kubernetes provider for `cluster`.

    What is made with it comes once nodes, add-ons and administrators' rights are there, and goes before they do, so
    that a load balancer or disk that a Service or claim asked the cloud for is given back by the cluster, and not
    leaked. For that reason do not set `deleted_with` on Services of type LoadBalancer. A new
    kubeconfig replaces nothing.

    Args:
        name: Name of the provider.
        cluster: Where it leads.
        opts: Further options.
    """
    return pulumi_kubernetes.Provider(
        name,
        kubeconfig=cluster.kubeconfig,
        cluster_identifier=cluster.cluster_identifier,
        opts=pulumi.ResourceOptions.merge(pulumi.ResourceOptions(depends_on=list(cluster.ends)), opts),
    )
