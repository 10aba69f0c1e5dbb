"""minikube: Kubernetes in containers or virtual machines of this machine, or on this machine itself.

Makes the cluster through the real `minikube` program, in a MINIKUBE_HOME of its own. Leaves alone: the user's
kubeconfig, the user's own home of minikube with its clusters and settings, and what was downloaded once.

A newer version, workers and stopped nodes change in place; everything else makes the cluster anew, which a preview
shows with its reason.
"""

import pulumi
from pulumi import dynamic

from components.cluster import Cluster
from components.local import minikube_config
from components.local.minikube_args import MinikubeArgs, MinikubeDriver, faults_of
from components.local.minikube_provider import ClaimProvider, ClusterProvider
from components.spec import Fault


class MinikubeCluster(Cluster):
    """A minikube cluster on this machine."""

    target = "minikube"

    def __init__(self, name: str, args: MinikubeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        name = args.get("name", name)
        protect = args.get("deletion_protection", False)

        claim = _Claim(ClaimProvider(), f"{name}-claim", {"name": name}, pulumi.ResourceOptions(parent=self))
        cluster = _Nodes(
            ClusterProvider(),
            f"{name}-nodes",
            {**_inputs(args), "name": name, "claim": claim.id, "home": claim.home},
            pulumi.ResourceOptions(
                parent=self,
                protect=protect,
                additional_secret_outputs=["kubeconfig"],
                custom_timeouts=pulumi.CustomTimeouts(create="30m", update="30m", delete="5m"),
            ),
        )

        self.gone_with = cluster

        self.finish(
            name=name,
            kubeconfig=cluster.kubeconfig,
            endpoint=cluster.endpoint,
            ca_certificate=cluster.ca_certificate,
            kubernetes_version=cluster.kubernetes_version,
            pod_cidr=args.get("pod_cidr", minikube_config.POD_CIDR),
            service_cidr=args.get("service_cidr", minikube_config.SERVICE_CIDR),
        )

    @staticmethod
    def check(args: MinikubeArgs) -> list[Fault]:
        """What is wrong with `args`, as far as it can be known without asking anybody."""
        return faults_of(args)


class _Claim(dynamic.Resource, module="slipway", name="MinikubeClaim"):
    home: pulumi.Output[str]

    def __init__(
        self, provider: ClaimProvider, name: str, props: dict[str, object], opts: pulumi.ResourceOptions
    ) -> None:
        super().__init__(provider, name, {**props, "home": None}, opts)


class _Nodes(dynamic.Resource, module="slipway", name="MinikubeNodes"):
    kubeconfig: pulumi.Output[str]
    endpoint: pulumi.Output[str]
    ca_certificate: pulumi.Output[str]
    kubernetes_version: pulumi.Output[str]

    def __init__(
        self, provider: ClusterProvider, name: str, props: dict[str, object], opts: pulumi.ResourceOptions
    ) -> None:
        outputs = dict.fromkeys(("kubeconfig", "endpoint", "ca_certificate", "kubernetes_version", "nodes"))
        super().__init__(provider, name, {**props, **outputs}, opts)


def _inputs(args: MinikubeArgs) -> dict[str, object]:
    inputs: dict[str, object] = {
        key: value for key, value in args.items() if key not in ("name", "deletion_protection")
    }
    # A program in another language sends every number as a float.
    numbers = {key: int(args[key]) for key in ("cpus", "memory_mb", "disk_gb") if key in args}
    return {
        **inputs,
        **numbers,
        "driver": args.get("driver", MinikubeDriver.DOCKER),
        "control_planes": int(args.get("control_planes", 1)),
        "workers": int(args.get("workers", 0)),
    }
