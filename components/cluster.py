"""Cluster: what every target takes, and the contract that every target returns.

Whoever can use one Slipway cluster can use them all: a stack exports these outputs, another stack reads them by
StackReference, and what is secret stays secret.
"""

import inspect
from collections.abc import Collection, Sequence
from typing import Any, ClassVar, NotRequired

import pulumi
from typing_extensions import TypedDict

from components import parity
from components.spec import Fault, SpecError
from components.state import State, last_state

CONTRACT = (
    "name",
    "kubeconfig",
    "endpoint",
    "ca_certificate",
    "kubernetes_version",
    "pod_cidr",
    "service_cidr",
    "capabilities",
)
"""The outputs of every target, in the order in which a stack exports them."""


class ClusterArgs(TypedDict):
    """What every target takes."""

    version: str
    """Kubernetes version in quotes: a minor (`"1.37"`, any patch of it) or an exact patch (`"1.37.2"`)."""

    name: NotRequired[str]
    """Name of the cluster where it lives, and in kubeconfigs. Default: the stack's name, or the component's."""

    deletion_protection: NotRequired[bool]
    """Whether destroying or replacing the cluster is refused. Default: true in a cloud, false on a laptop."""


class Cluster(pulumi.ComponentResource):
    """A Kubernetes cluster, wherever it runs.

    Targets subclass this, say by `target` which row of the table of targets they are, declare their arguments as the
    type of their constructor's `args`, say in `check` which of them cannot be made, and end their constructor with
    `finish`.
    """

    target: ClassVar[str]
    """Name of the target, as a stack file writes it."""

    name: pulumi.Output[str]
    """Name of the cluster where it lives."""

    kubeconfig: pulumi.Output[str]
    """Kubeconfig of the cluster as YAML, with one context. Secret."""

    endpoint: pulumi.Output[str]
    """URL of the Kubernetes API, e.g. `https://127.0.0.1:6443`."""

    ca_certificate: pulumi.Output[str | None]
    """PEM certificate of the CA that signs the API's. None where a public CA signs it."""

    kubernetes_version: pulumi.Output[str]
    """The version that the control plane runs, e.g. `v1.37.2`."""

    pod_cidr: pulumi.Output[str | None]
    """Addresses of pods. None where the target does not tell."""

    service_cidr: pulumi.Output[str | None]
    """Addresses of Services. None where the target does not tell."""

    capabilities: pulumi.Output[dict[str, str]]
    """What this target gives: feature → `native`, `other means` or `lacking`."""

    ends: Sequence[pulumi.Resource] = ()
    """All that nothing else of the cluster depends on: what is put into the cluster comes after it, and goes first."""

    gone_with: pulumi.Resource | None = None
    """What takes all that is in the cluster with it when it is deleted. None where each thing has to be deleted: the
    cluster outlives its stack, or has to give back to a cloud what things in it have asked for."""

    cluster_identifier: pulumi.Output[str] | None = None
    """What tells the cluster from another one in its place. A Kubernetes provider that has it is replaced only with the
    cluster, and never because the kubeconfig reads differently. None where the CA tells clusters apart."""

    last: State
    """What the last `up` left, read before anything is declared."""

    def __init__(self, name: str, args: ClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Check `args` and register the component.

        Args:
            name: Name of the component, and of the cluster unless `args` has one.
            args: What the target takes.
            opts: Options of the component.

        Raises:
            SpecError: `args` break a rule of the target.
        """
        if faults := self.faults({**args, "name": args.get("name", name)}):
            raise SpecError(faults)
        self.last = last_state()
        super().__init__(f"slipway:index:{type(self).__name__}", name, None, opts)

    @classmethod
    def declared(cls) -> type[ClusterArgs]:
        """The arguments that this target takes."""
        return inspect.get_annotations(cls.__init__)["args"]

    @classmethod
    def faults(cls, args: Any) -> list[Fault]:
        """What is wrong with `args`, `name` among them: what every target refuses, or else what this one does."""
        if not args["name"]:
            return [Fault("name", "is empty; write a name, or drop the key for the name of the stack")]
        return cls.check(args)

    @staticmethod
    def check(args: Any) -> list[Fault]:
        """What is wrong with `args`, as far as it can be known without asking anybody."""
        raise NotImplementedError

    @staticmethod
    def check_access(args: Any, credentials: Collection[str]) -> list[Fault]:
        """What is wrong with `args` where people come with these credentials, such as `token`; nothing, for most."""
        return []

    def finish(
        self,
        *,
        name: pulumi.Input[str],
        kubeconfig: pulumi.Input[str],
        endpoint: pulumi.Input[str],
        ca_certificate: pulumi.Input[str | None],
        kubernetes_version: pulumi.Input[str],
        pod_cidr: pulumi.Input[str | None],
        service_cidr: pulumi.Input[str | None],
    ) -> None:
        """Set the contract's outputs and register them: the last line of every target's constructor."""
        self.name = pulumi.Output.from_input(name)
        self.kubeconfig = pulumi.Output.secret(kubeconfig)
        self.endpoint = pulumi.Output.from_input(endpoint)
        self.ca_certificate = pulumi.Output.from_input(ca_certificate)
        self.kubernetes_version = pulumi.Output.from_input(kubernetes_version)
        self.pod_cidr = pulumi.Output.from_input(pod_cidr)
        self.service_cidr = pulumi.Output.from_input(service_cidr)
        self.capabilities = pulumi.Output.from_input(parity.capabilities(self.target))
        self.register_outputs({output: getattr(self, output) for output in CONTRACT})
