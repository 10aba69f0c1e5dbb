"""The parity matrix, as data: what each target gives, by what, or why it lacks it.

A stack that asks for what its target lacks is refused by the feature's name. A waiver with a reason lets it pass: what
was asked for is then left out, and the stack's compliance report says so. The README's table, the contract's
`capabilities` and the refusals all come from here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from components.declared import camel
from components.spec import Fault

Args = Mapping[str, Any]


class Means(StrEnum):
    """How a target gives a feature."""

    NATIVE = "native"
    OTHER = "other means"
    LACKING = "lacking"


@dataclass(frozen=True)
class Support:
    """What one target does about one feature."""

    means: Means
    how: str = ""
    """By what other means, or why not, in a phrase; of what is native, perhaps what it is called there."""


@dataclass(frozen=True)
class Feature:
    """Something that a cluster may have."""

    title: str
    """As a row of the table: `Spot nodes`."""

    asked_by: Callable[[Args], str | None]
    """The key, as a stack file writes it, that asks for the feature; None where the arguments do not."""

    support: Mapping[str, Support]
    """Target → what it does; every target is there."""


def _native(how: str = "") -> Support:
    return Support(Means.NATIVE, how)


def _other(how: str) -> Support:
    return Support(Means.OTHER, how)


def _lacking(why: str) -> Support:
    return Support(Means.LACKING, why)


def _never(_args: Args) -> None:
    """Nothing asks for it: it is there or not."""


def _key(*names: str) -> Callable[[Args], str | None]:
    """The key at a path of names, if the stack writes it."""

    def asked(args: Args) -> str | None:
        value: Any = args
        for name in names:
            if not isinstance(value, Mapping) or name not in value:
                return None
            value = value[name]
        return ".".join(map(camel, names))

    return asked


def _pool(name: str) -> Callable[[Args], str | None]:
    """The key of the first pool that has `name`, and not as false."""

    def asked(args: Args) -> str | None:
        pools: Sequence[Args] = args.get("node_pools", [])
        return next(
            (f"nodePools[{i}].{camel(name)}" for i, pool in enumerate(pools) if pool.get(name, False) is not False),
            None,
        )

    return asked


def _is(name: str, value: object) -> Callable[[Args], str | None]:
    """The key `name`, if it has this value."""
    return lambda args: camel(name) if args.get(name) == value else None


_ON_ONE_MACHINE = "its nodes are containers on this machine"

FEATURES: Mapping[str, Feature] = {
    # What nodes there are
    "fully-managed-nodes": Feature(
        "Nodes managed as a whole (`compute: auto`)",
        _is("compute", "auto"),
        {
            "gke": _native("Autopilot"),
            "eks": _native("Auto Mode"),
            "aks": _native("AKS Automatic"),
            "doks": _lacking("DigitalOcean sells node pools only"),
            "kapsule": _lacking("Scaleway sells node pools only"),
            "kind": _lacking(_ON_ONE_MACHINE),
        },
    ),
    "autoscaling": Feature(
        "Node pools that grow and shrink",
        _never,
        {
            "gke": _native(),
            "eks": _other(
                "Auto Scaling groups tagged for the Cluster Autoscaler, which you install; or `compute: auto`"
            ),
            "aks": _native(),
            "doks": _native(),
            "kapsule": _native(),
            "kind": _lacking(_ON_ONE_MACHINE),
        },
    ),
    "spot-nodes": Feature(
        "Spot nodes",
        _pool("spot"),
        {
            "gke": _native(),
            "eks": _native(),
            "aks": _native(),
            "doks": _lacking("DigitalOcean sells no spot capacity"),
            "kapsule": _lacking("Scaleway sells no spot capacity"),
            "kind": _lacking(_ON_ONE_MACHINE),
        },
    ),
    "gpu-nodes": Feature(
        "GPU nodes",
        _pool("gpu"),
        {
            "gke": _native(),
            "eks": _native("the image with NVIDIA's driver"),
            "aks": _other("NVIDIA's driver is there, its device plugin is yours to install"),
            "doks": _native("sizes with GPUs"),
            "kapsule": _native("types with GPUs"),
            "kind": _lacking(_ON_ONE_MACHINE),
        },
    ),
    "node-disk-size": Feature(
        "Size of the nodes' disks",
        _pool("disk_gb"),
        {
            "gke": _native(),
            "eks": _native(),
            "aks": _native(),
            "doks": _lacking("a Droplet's disk comes with its size; choose a machineType with a larger one"),
            "kapsule": _native(),
            "kind": _lacking(_ON_ONE_MACHINE),
        },
    ),
    "labels-and-taints": Feature(
        "Labels and taints of nodes",
        _never,
        dict.fromkeys(("gke", "eks", "aks", "doks", "kapsule", "kind"), _native()),
    ),
    "node-repair": Feature(
        "Repair of broken nodes",
        _never,
        {
            **dict.fromkeys(("gke", "eks", "aks", "kapsule"), _native()),
            # https://github.com/digitalocean/container-blueprints/pull/4
            "doks": _lacking("broken nodes stay; `doctl kubernetes cluster node-pool replace-node` replaces one"),
            "kind": _other("`make refresh` finds stopped nodes, the next `make up` starts them"),
        },
    ),
    "surge-upgrades": Feature(
        "Upgrades that add nodes before they take any",
        _never,
        {
            **dict.fromkeys(("gke", "eks", "aks", "doks", "kapsule"), _native()),
            "kind": _lacking("a new version is a new cluster"),
        },
    ),
    # Versions
    "in-place-upgrade": Feature(
        "Upgrade in place",
        _never,
        {
            **dict.fromkeys(("gke", "eks", "aks", "doks", "kapsule"), _native()),
            "kind": _lacking("a new version is a new cluster"),
        },
    ),
    "automatic-upgrades": Feature(
        "Upgrades that come by themselves",
        _never,
        {
            "gke": _native("release channels"),
            "eks": _other("patches come by themselves; a minor only when asked for, or once its support ends"),
            "aks": _native("patches"),
            "doks": _native("patches"),
            "kapsule": _native("patches"),
            "kind": _lacking("it lives until it is made anew"),
        },
    ),
    "maintenance-window": Feature(
        "A maintenance window",
        _key("maintenance"),
        {
            "gke": _native(),
            "eks": _lacking("EKS upgrades when it is asked to, and you choose when"),
            "aks": _native(),
            "doks": _native(),
            "kapsule": _native(),
            "kind": _lacking("nothing happens by itself"),
        },
    ),
    "highly-available-control-plane": Feature(
        "A control plane that survives the loss of a machine",
        _never,
        {
            "gke": _native("three zones"),
            "eks": _native("always"),
            "aks": _native("the Standard tier"),
            "doks": _native(),
            "kapsule": _native("a dedicated control plane"),
            "kind": _native("three containers, on one machine"),
        },
    ),
    # Networks
    "given-network": Feature(
        "A network that is there already",
        _key("network"),
        {
            **dict.fromkeys(("gke", "eks", "aks", "doks", "kapsule"), _native()),
            "kind": _lacking("kind has a network of its own"),
        },
    ),
    "pod-cidr": Feature(
        "Choice of the pods' addresses",
        _key("pod_cidr"),
        {
            "gke": _native(),
            "eks": _lacking("pods have addresses of their nodes' subnets; make nodeCidr as large as pods need"),
            "aks": _native(),
            "doks": _native(),
            "kapsule": _native(),
            "kind": _native(),
        },
    ),
    "service-cidr": Feature(
        "Choice of the Services' addresses",
        _key("service_cidr"),
        dict.fromkeys(("gke", "eks", "aks", "doks", "kapsule", "kind"), _native()),
    ),
    "private-nodes": Feature(
        "Nodes without public addresses",
        _never,
        {
            **dict.fromkeys(("gke", "eks", "aks", "kapsule"), _native()),
            "doks": _native("isolated workers, behind a NAT gateway"),
            "kind": _native("on a network of this machine"),
        },
    ),
    "private-api": Feature(
        "An API without a public address",
        _never,
        {
            "gke": _native("a DNS name behind IAM"),
            "eks": _native(),
            "aks": _native(),
            "doks": _lacking("the API has a public address; apiAccess.authorizedCidrs says who reaches it"),
            "kapsule": _lacking("the API has a public address; apiAccess.authorizedCidrs says who reaches it"),
            "kind": _native("on loopback"),
        },
    ),
    "authorized-networks": Feature(
        "An API that only listed networks reach",
        _key("api_access"),
        {
            "gke": _native(),
            "eks": _native(),
            "aks": _native(),
            "doks": _native("the control plane's firewall"),
            "kapsule": _native("the cluster's ACL"),
            "kind": _lacking("the API is on loopback"),
        },
    ),
    "network-policy": Feature(
        "Network policies",
        _never,
        {
            "gke": _native("Dataplane V2"),
            "eks": _native("the VPC CNI"),
            "aks": _native("Cilium"),
            "doks": _native("Cilium"),
            "kapsule": _native("Cilium"),
            "kind": _other("`cni: false`, then a CNI of your choice"),
        },
    ),
    "load-balancer": Feature(
        "Services of type LoadBalancer",
        _never,
        {
            **dict.fromkeys(("gke", "eks", "aks", "doks", "kapsule"), _native()),
            "kind": _other("portMappings, to a NodePort"),
        },
    ),
    # Storage
    "persistent-volumes": Feature(
        "Persistent volumes",
        _never,
        {
            "gke": _native(),
            "eks": _native("the EBS CSI add-on"),
            "aks": _native(),
            "doks": _native(),
            "kapsule": _native(),
            "kind": _native("folders of the node"),
        },
    ),
    # Who may do what
    "named-admins": Feature(
        "Administrators named in the stack",
        _key("admins"),
        {
            "gke": _lacking("whoever has roles/container.admin in the project's IAM administers its clusters"),
            "eks": _native("access entries"),
            "aks": _native("groups of Entra ID"),
            "doks": _lacking("whoever has a token of the team administers its clusters"),
            "kapsule": _lacking("whoever has KubernetesFullAccess in the project's IAM administers its clusters"),
            "kind": _lacking("whoever has the kubeconfig administers it"),
        },
    ),
    "workload-identity": Feature(
        "Cloud identities for pods",
        _never,
        {
            "gke": _native("Workload Identity"),
            "eks": _native("Pod Identity"),
            "aks": _native("Workload Identity"),
            "doks": _lacking("DigitalOcean knows no identity but tokens"),
            "kapsule": _lacking("Scaleway knows no identity of pods"),
            "kind": _lacking("there is no cloud"),
        },
    ),
    # Secrets, logs, names
    "secrets-encryption": Feature(
        "Secrets encrypted with a key of yours",
        _key("secrets_encryption"),
        {
            "gke": _native("Cloud KMS"),
            "eks": _native("KMS"),
            "aks": _native("Key Vault"),
            "doks": _lacking("DigitalOcean's API takes no key"),
            "kapsule": _lacking("Scaleway's API takes no key"),
            "kind": _lacking("etcd is a folder on this machine"),
        },
    ),
    "control-plane-logs": Feature(
        "Logs of the control plane",
        _key("logs"),
        {
            "gke": _native("Cloud Logging"),
            "eks": _native("CloudWatch"),
            "aks": _native("Log Analytics"),
            "doks": _lacking("DigitalOcean's API offers none"),
            "kapsule": _lacking("Cockpit collects them by itself, and there is nothing to choose"),
            "kind": _lacking("`kind export logs` writes them to a folder"),
        },
    ),
    "tags": Feature(
        "Tags for billing",
        _key("tags"),
        {
            **dict.fromkeys(("gke", "eks", "aks", "doks", "kapsule"), _native()),
            "kind": _lacking("nobody bills for it"),
        },
    ),
    "deletion-protection": Feature(
        "Protection from deletion",
        _never,
        {
            "gke": _native("and Pulumi's protect"),
            "eks": _native("and Pulumi's protect"),
            "aks": _other("a management lock on its resource group, and Pulumi's protect"),
            "doks": _other("Pulumi's protect"),
            "kapsule": _other("Pulumi's protect"),
            "kind": _other("Pulumi's protect"),
        },
    ),
}
"""Name, which a waiver uses → what it is. The order is that of the README's table."""


def capabilities(target: str) -> dict[str, str]:
    """What `target` gives: feature → `native`, `other means` or `lacking`."""
    return {name: feature.support[target].means.value for name, feature in FEATURES.items()}


def lacking_faults(target: str, args: Args, waivers: Mapping[str, str]) -> list[Fault]:
    """What `args` ask of `target` that it lacks, and no waiver lets pass."""
    return [
        Fault(
            key,
            f"{target} lacks {name}: {feature.support[target].how}; "
            f"drop it, or write why it may be lacking under `waivers`, as `{name}: …`",
        )
        for name, feature in FEATURES.items()
        if (key := feature.asked_by(args)) and feature.support[target].means is Means.LACKING and name not in waivers
    ]
