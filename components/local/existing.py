"""Any cluster that a kubeconfig has a context of: Docker Desktop's, Rancher Desktop's, OrbStack's, colima's, or others.

Makes nothing and changes nothing: it reads the kubeconfig, asks the cluster for its version and networks, and gives the
contract, so that what is written for a cluster of Slipway's works on that one too. Destroying the stack forgets it.
"""

import pulumi
from pulumi import dynamic

from components.cluster import Cluster
from components.local.existing_args import ExistingArgs, faults_of
from components.local.existing_provider import ExistingProvider
from components.spec import Fault


class ExistingCluster(Cluster):
    """A cluster that is there already."""

    target = "existing"

    def __init__(self, name: str, args: ExistingArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        name = args.get("name", name)

        inputs = {"name": name, "version": args["version"], "context": args["context"]}
        if "kubeconfig" in args:
            inputs["kubeconfig_path"] = args["kubeconfig"]
        found = _Context(
            ExistingProvider(),
            f"{name}-context",
            inputs,
            pulumi.ResourceOptions(
                parent=self,
                protect=args.get("deletion_protection", False),
                additional_secret_outputs=["kubeconfig"],
            ),
        )

        self.finish(
            name=name,
            kubeconfig=found.kubeconfig,
            endpoint=found.endpoint,
            ca_certificate=found.ca_certificate,
            kubernetes_version=found.kubernetes_version,
            pod_cidr=found.pod_cidr,
            service_cidr=found.service_cidr,
        )

    @staticmethod
    def check(args: ExistingArgs) -> list[Fault]:
        """What is wrong with `args`, as far as it can be known without asking anybody."""
        return faults_of(args)


class _Context(dynamic.Resource, module="slipway", name="ExistingContext"):
    kubeconfig: pulumi.Output[str]
    endpoint: pulumi.Output[str]
    ca_certificate: pulumi.Output[str | None]
    kubernetes_version: pulumi.Output[str]
    pod_cidr: pulumi.Output[str | None]
    service_cidr: pulumi.Output[str | None]

    def __init__(
        self, provider: ExistingProvider, name: str, props: dict[str, str], opts: pulumi.ResourceOptions
    ) -> None:
        outputs = ("kubeconfig", "endpoint", "ca_certificate", "kubernetes_version", "pod_cidr", "service_cidr")
        super().__init__(provider, name, {**props, **dict.fromkeys(outputs)}, opts)
