"""The table of targets: name → where its component lives. A target is imported only when a stack chooses it."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, NotRequired

from typing_extensions import TypedDict

from components import spec
from components.cluster import Cluster, ClusterArgs
from components.platform import access_args
from components.platform.access_args import StackAccess
from components.spec import Fault, SpecError


@dataclass(frozen=True)
class Target:
    """A place where a cluster can run."""

    name: str
    """What a stack file writes after `slipway:target:`."""

    summary: str
    """One phrase for tables."""

    module: str
    """The module with the component."""

    component: str
    """The component's class in that module."""

    arguments: str
    """Where the component's arguments are declared, `module:class`: there no SDK is needed."""

    extra: str | None = None
    """The extra of pyproject.toml with the target's SDK; none where it needs no SDK."""

    tools: tuple[str, ...] = ()
    """The programs that the target runs, beside Pulumi."""

    in_containers: bool = False
    """Whether the cluster's nodes are containers on this machine, which needs a container engine, unless a driver makes
    others of them."""

    protected: bool = False
    """Whether a cluster is protected from deletion unless its stack says otherwise."""

    def declared(self) -> type[ClusterArgs]:
        """What the component takes; no SDK is imported for it."""
        module, _, name = self.arguments.partition(":")
        return getattr(importlib.import_module(module), name)

    def cluster(self) -> type[Cluster]:
        """The target's component, whose module is imported only now.

        Raises:
            SpecError: The target's SDK is not installed.
        """
        try:
            return getattr(importlib.import_module(self.module), self.component)
        except ModuleNotFoundError as error:
            if self.extra is None or not (error.name or "").startswith(("pulumi_", "pulumiverse_")):
                raise
            fault = (
                f"{self.name} needs the package {error.name}, which is not installed; "
                f"run `uv sync --inexact --extra {self.extra}` (`make up` does it by itself)"
            )
            raise SpecError([Fault("slipway:target", fault)]) from error


TARGETS = {
    target.name: target
    for target in (
        Target(
            "kind",
            "Kubernetes in containers on this machine",
            module="components.local.kind",
            component="KindCluster",
            arguments="components.local.kind_args:KindArgs",
            tools=("kind", "kubectl"),
            in_containers=True,
        ),
        Target(
            "minikube",
            "Kubernetes in containers or virtual machines on this machine",
            module="components.local.minikube",
            component="MinikubeCluster",
            arguments="components.local.minikube_args:MinikubeArgs",
            tools=("minikube", "kubectl"),
            in_containers=True,
        ),
        Target(
            "k3d",
            "k3s in containers on this machine",
            module="components.local.k3d",
            component="K3dCluster",
            arguments="components.local.k3d_args:K3dArgs",
            tools=("k3d", "kubectl"),
            in_containers=True,
        ),
        Target(
            "existing",
            "A cluster that is there already",
            module="components.local.existing",
            component="ExistingCluster",
            arguments="components.local.existing_args:ExistingArgs",
            tools=("kubectl",),
        ),
        Target(
            "kubeadm",
            "Kubernetes on machines of your own",
            module="components.bootstrap.kubeadm",
            component="KubeadmCluster",
            arguments="components.bootstrap.kubeadm_args:KubeadmArgs",
            tools=("kubectl",),
            in_containers=True,
        ),
        Target(
            "gke",
            "Google Kubernetes Engine",
            module="components.managed.gke.cluster",
            component="GkeCluster",
            arguments="components.managed.gke.args:GkeArgs",
            extra="gcp",
            tools=("kubectl",),
            protected=True,
        ),
        Target(
            "eks",
            "Amazon Elastic Kubernetes Service",
            module="components.managed.eks.cluster",
            component="EksCluster",
            arguments="components.managed.eks.args:EksArgs",
            extra="aws",
            tools=("kubectl",),
            protected=True,
        ),
        Target(
            "aks",
            "Azure Kubernetes Service",
            module="components.managed.aks.cluster",
            component="AksCluster",
            arguments="components.managed.aks.args:AksArgs",
            extra="azure",
            tools=("kubectl",),
            protected=True,
        ),
        Target(
            "doks",
            "DigitalOcean Kubernetes",
            module="components.managed.doks.cluster",
            component="DoksCluster",
            arguments="components.managed.doks.args:DoksArgs",
            extra="digitalocean",
            tools=("kubectl",),
            protected=True,
        ),
        Target(
            "kapsule",
            "Scaleway Kubernetes Kapsule",
            module="components.managed.kapsule.cluster",
            component="KapsuleCluster",
            arguments="components.managed.kapsule.args:KapsuleArgs",
            extra="scaleway",
            tools=("kubectl",),
            protected=True,
        ),
    )
}


# A closed set, so that it is checked and documented like every other one.
Name = Enum("Name", {name: name for name in TARGETS}, type=str)


class StackFile(TypedDict):
    """A stack file as a whole."""

    config: dict[str, Any]
    """The stack's configuration. Keys of other namespaces, e.g. `gcp:project`, are free."""

    secretsprovider: NotRequired[str]
    """Pulumi's: what encrypts the stack's secrets, e.g. `awskms://…`. Default: a passphrase."""

    encryptedkey: NotRequired[str]
    """Pulumi's: the key of the stack's secrets, encrypted by the secrets provider."""

    encryptionsalt: NotRequired[str]
    """Pulumi's: the salt of the passphrase."""

    environment: NotRequired[Any]
    """Pulumi's: environments of Pulumi ESC to take configuration from."""


class Secret(TypedDict):
    """A value that Pulumi has encrypted: `pulumi config set --secret KEY` writes it."""

    secure: str
    """The encrypted value."""


class Settings(TypedDict):
    """The keys of its `config` that are Slipway's own."""

    target: Name
    """Where the cluster runs, e.g. `kind`."""

    cluster: dict[str, Any]
    """What the cluster is like; at least its `version`."""

    access: NotRequired[StackAccess]
    """Who may do what in the cluster: people and groups with roles."""

    ssh_private_key: NotRequired[Secret]
    """Private key with which machines are logged in to, with `driver: ssh`: in OpenSSH's format or PEM, and without a
    passphrase. Secret: `pulumi config set --secret slipway:sshPrivateKey <FILE`."""

    etcd_key: NotRequired[Secret]
    """Private key of `etcd.certificate`, with an etcd that is not the cluster's own: in PEM, and without a passphrase.
    Secret: `pulumi config set --secret slipway:etcdKey <FILE`."""

    snapshot_access_key: NotRequired[Secret]
    """Name of the key with which `snapshots` are sent to their bucket: it has to put objects there, and nothing else.
    Secret: `pulumi config set --secret slipway:snapshotAccessKey`."""

    snapshot_secret_key: NotRequired[Secret]
    """The key itself. Secret: `pulumi config set --secret slipway:snapshotSecretKey`."""


def find(settings: Mapping[str, Any]) -> Target:
    """The target that `settings` name.

    Raises:
        SpecError: There is none of that name, or something else is wrong at the top of the stack file.
    """
    if faults := _faults_at_the_top(settings):
        raise SpecError(faults)
    return TARGETS[settings["target"]]


def read(settings: Mapping[str, Any], stack: str) -> tuple[type[Cluster], ClusterArgs]:
    """The component that a stack chooses and its checked arguments, `name` among them.

    Args:
        settings: The keys of the stack file that are Slipway's own, from `spec.settings`.
        stack: Name of the stack, and of its cluster unless that has one of its own.

    Raises:
        SpecError: Something is wrong with the stack file; everything that was found, or a broken rule.
    """
    faults = _faults_at_the_top(settings)
    target, values = TARGETS.get(str(settings.get("target"))), settings.get("cluster")
    if target is None or not isinstance(values, dict):
        raise SpecError(faults)
    component = target.cluster()
    try:
        args = spec.parse(component.declared(), values)
    except SpecError as error:
        raise SpecError([*faults, *error.faults]) from None
    args.setdefault("name", stack)
    if faults := faults or [*component.faults(args), *_access_faults(settings, component, args)]:
        raise SpecError(faults)
    return component, args


def read_access(settings: Mapping[str, Any]) -> StackAccess | None:
    """Who may do what in the cluster of a stack that has been read; None where its file does not say."""
    return spec.parse(StackAccess, settings["access"]) if "access" in settings else None


def _access_faults(settings: Mapping[str, Any], component: type[Cluster], args: ClusterArgs) -> list[Fault]:
    access = read_access(settings)
    if access is None:
        return []
    ways = access_args.WAYS.get(settings["target"], access_args.ANY_WAY)
    faults = [*access_args.sdk_faults(), *access_args.faults_of(access, ways)]
    prefix = f"{spec.NAMESPACE}access"
    credentials = {access_args.credential_of(person, ways) for person in access.get("people", [])}
    return [
        *(Fault(f"{prefix}.{fault.key}" if fault.key else prefix, fault.message) for fault in faults),
        *component.check_access(args, credentials),
    ]


def _faults_at_the_top(settings: Mapping[str, Any]) -> list[Fault]:
    try:
        spec.parse(Settings, settings)
    except SpecError as error:
        return [Fault(spec.NAMESPACE + fault.key, fault.message) for fault in error.faults]
    return []
