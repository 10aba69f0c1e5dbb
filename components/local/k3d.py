"""k3d: k3s in containers on this machine, for development and tests.

Makes the nodes' containers, a load balancer before them, their network and a volume for images through the real `k3d`
program, in the container engine that answers. Leaves alone: the user's kubeconfig, clusters of other makers, images
once pulled.

Workers are added and removed in place, and stopped nodes are started; everything else makes the cluster anew, which a
preview shows with its reason.
"""

import pulumi
from pulumi import dynamic

from components.cluster import Cluster
from components.local import k3d_config
from components.local.k3d_args import K3dArgs, faults_of
from components.local.k3d_provider import ClaimProvider, ClusterProvider
from components.spec import Fault


class K3dCluster(Cluster):
    """A k3d cluster on this machine."""

    target = "k3d"

    def __init__(self, name: str, args: K3dArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        name = args.get("name", name)
        protect = args.get("deletion_protection", False)

        claim = _Claim(ClaimProvider(), f"{name}-claim", {"name": name}, pulumi.ResourceOptions(parent=self))
        cluster = _Nodes(
            ClusterProvider(),
            f"{name}-nodes",
            {**_inputs(args), "name": name, "claim": claim.id},
            pulumi.ResourceOptions(
                parent=self,
                protect=protect,
                additional_secret_outputs=["kubeconfig"],
                custom_timeouts=pulumi.CustomTimeouts(create="15m", update="15m", delete="5m"),
            ),
        )

        self.gone_with = cluster

        self.finish(
            name=name,
            kubeconfig=cluster.kubeconfig,
            endpoint=cluster.endpoint,
            ca_certificate=cluster.ca_certificate,
            kubernetes_version=cluster.kubernetes_version,
            pod_cidr=args.get("pod_cidr", k3d_config.POD_CIDR),
            service_cidr=args.get("service_cidr", k3d_config.SERVICE_CIDR),
        )

    @staticmethod
    def check(args: K3dArgs) -> list[Fault]:
        """What is wrong with `args`, as far as it can be known without asking anybody."""
        return faults_of(args)


class _Claim(dynamic.Resource, module="slipway", name="K3dClaim"):
    pass


class _Nodes(dynamic.Resource, module="slipway", name="K3dNodes"):
    kubeconfig: pulumi.Output[str]
    endpoint: pulumi.Output[str]
    ca_certificate: pulumi.Output[str]
    kubernetes_version: pulumi.Output[str]

    def __init__(
        self, provider: ClusterProvider, name: str, props: dict[str, object], opts: pulumi.ResourceOptions
    ) -> None:
        outputs = dict.fromkeys(("kubeconfig", "endpoint", "ca_certificate", "kubernetes_version", "nodes"))
        super().__init__(provider, name, {**props, **outputs}, opts)


def _inputs(args: K3dArgs) -> dict[str, object]:
    inputs: dict[str, object] = {
        key: value for key, value in args.items() if key not in ("name", "deletion_protection")
    }
    # A program in another language sends every number as a float.
    return {
        **inputs,
        "control_planes": int(args.get("control_planes", 1)),
        "workers": int(args.get("workers", 0)),
    }
