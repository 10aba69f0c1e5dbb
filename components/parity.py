"""The parity matrix, as data: what each target gives, by what, or why it lacks it.

A stack that asks for what its target lacks is refused by the feature's name. A waiver with a reason lets it pass: what
was asked for is then left out, and the stack's compliance report says so. The README's table, the contract's
`capabilities` and the refusals all come from here.
"""

from collections.abc import Mapping
from dataclasses import replace

from components.feature import Args, Feature, Means, Support, equal, key, lacking, native, never, other_means, pool
from components.spec import Fault

__all__ = ["FEATURES", "Feature", "Means", "Support", "capabilities", "lacking_faults"]

_ON_ONE_MACHINE = "its nodes are containers on this machine"
_ONLY_READ = "Slipway only reads it, and it has what it has"
_OWN_MACHINES = "there are as many machines as you say"

_FEATURES = {
    # What nodes there are
    "fully-managed-nodes": Feature(
        "Nodes managed as a whole (`compute: auto`)",
        equal("compute", "auto"),
        {
            "gke": native("Autopilot"),
            "eks": native("Auto Mode"),
            "aks": native("AKS Automatic"),
            "doks": lacking("DigitalOcean sells node pools only"),
            "kapsule": lacking("Scaleway sells node pools only"),
            **dict.fromkeys(("kind", "minikube", "k3d"), lacking(_ON_ONE_MACHINE)),
            "kubeadm": lacking(_OWN_MACHINES),
        },
    ),
    "autoscaling": Feature(
        "Node pools that grow and shrink",
        never,
        {
            "gke": native(),
            "eks": other_means(
                "Auto Scaling groups tagged for the Cluster Autoscaler, which you install; or `compute: auto`"
            ),
            "aks": native(),
            "doks": native(),
            "kapsule": native(),
            **dict.fromkeys(("kind", "minikube", "k3d"), lacking(_ON_ONE_MACHINE)),
            "kubeadm": lacking(_OWN_MACHINES),
        },
    ),
    "spot-nodes": Feature(
        "Spot nodes",
        pool("spot"),
        {
            "gke": native(),
            "eks": native(),
            "aks": native(),
            "doks": lacking("DigitalOcean sells no spot capacity"),
            "kapsule": lacking("Scaleway sells no spot capacity"),
            **dict.fromkeys(("kind", "minikube", "k3d"), lacking(_ON_ONE_MACHINE)),
            "kubeadm": lacking(_OWN_MACHINES),
        },
    ),
    "gpu-nodes": Feature(
        "GPU nodes",
        pool("gpu"),
        {
            "gke": native(),
            "eks": other_means("NVIDIA's driver is there, its device plugin is yours to install"),
            "aks": other_means("NVIDIA's driver is there, its device plugin is yours to install"),
            "doks": native("sizes with GPUs"),
            "kapsule": native("types with GPUs"),
            "kind": lacking(_ON_ONE_MACHINE),
            "minikube": lacking("`minikube start --gpus` is not passed on"),
            "k3d": lacking("`k3d cluster create --gpus` is not passed on"),
            "kubeadm": lacking("no driver gives machines a GPU"),
        },
    ),
    "node-disk-size": Feature(
        "Size of the nodes' disks",
        pool("disk_gb"),
        {
            "gke": native(),
            "eks": native(),
            "aks": native(),
            "doks": lacking("a Droplet's disk comes with its size; choose a machineType with a larger one"),
            "kapsule": native(),
            **dict.fromkeys(("kind", "k3d"), lacking(_ON_ONE_MACHINE)),
            "minikube": other_means("`diskGb`, of virtual machines"),
            "kubeadm": other_means("`controlPlaneSize` and `workerSize` of virtual machines"),
        },
    ),
    "labels-and-taints": Feature(
        "Labels and taints of nodes",
        never,
        {
            **dict.fromkeys(("gke", "eks", "aks", "doks", "kapsule", "kind"), native()),
            **dict.fromkeys(("minikube", "k3d", "kubeadm"), lacking("`kubectl label` and `kubectl taint` set them")),
        },
    ),
    "node-repair": Feature(
        "Repair of broken nodes",
        never,
        {
            **dict.fromkeys(("gke", "eks", "aks", "kapsule"), native()),
            # https://github.com/digitalocean/container-blueprints/pull/4
            "doks": lacking("broken nodes stay; `doctl kubernetes cluster node-pool replace-node` replaces one"),
            **dict.fromkeys(
                ("kind", "minikube"), other_means("`make refresh` finds stopped nodes, the next `make up` starts them")
            ),
            "k3d": other_means("`make refresh` finds stopped nodes and lost workers, the next `make up` mends them"),
            "kubeadm": other_means("`make refresh` finds stopped machines, the next `make up` starts them"),
        },
    ),
    "surge-upgrades": Feature(
        "Upgrades that add nodes before they take any",
        never,
        {
            **dict.fromkeys(("gke", "eks", "aks", "doks", "kapsule"), native()),
            **dict.fromkeys(("kind", "k3d"), lacking("a new version is a new cluster")),
            "minikube": lacking("each node is upgraded in its place"),
            "kubeadm": lacking(_OWN_MACHINES),
        },
    ),
    # Versions
    "in-place-upgrade": Feature(
        "Upgrade in place",
        never,
        {
            **dict.fromkeys(("gke", "eks", "aks", "doks", "kapsule"), native()),
            **dict.fromkeys(("kind", "k3d"), lacking("a new version is a new cluster")),
            "minikube": native("a minor at a time"),
            "kubeadm": native("one node after the other"),
        },
    ),
    "automatic-upgrades": Feature(
        "Upgrades that come by themselves",
        never,
        {
            "gke": native("release channels"),
            "eks": other_means("patches come by themselves; a minor only when asked for, or once its support ends"),
            "aks": native("patches"),
            "doks": native("patches"),
            "kapsule": native("patches"),
            **dict.fromkeys(("kind", "k3d"), lacking("it lives until it is made anew")),
            **dict.fromkeys(("minikube", "kubeadm"), lacking("nothing happens by itself")),
        },
    ),
    "upgrade-freezes": Feature(
        "Days without upgrades",
        key("freezes"),
        {
            "gke": native(),
            "eks": lacking("EKS upgrades when it is asked to, and you choose when"),
            "aks": native(),
            "doks": lacking("its window comes every week"),
            "kapsule": lacking("its window comes every week"),
            **dict.fromkeys(("kind", "minikube", "k3d", "kubeadm"), lacking("nothing happens by itself")),
        },
    ),
    "maintenance-window": Feature(
        "A maintenance window",
        key("maintenance"),
        {
            "gke": native(),
            "eks": lacking("EKS upgrades when it is asked to, and you choose when"),
            "aks": native(),
            "doks": native(),
            "kapsule": native(),
            **dict.fromkeys(("kind", "minikube", "k3d", "kubeadm"), lacking("nothing happens by itself")),
        },
    ),
    "highly-available-control-plane": Feature(
        "A control plane that survives the loss of a machine",
        never,
        {
            "gke": native("three zones"),
            "eks": native("always"),
            "aks": native("the Standard tier"),
            "doks": native(),
            "kapsule": native("a dedicated control plane"),
            **dict.fromkeys(("kind", "k3d"), native("three containers, on one machine")),
            "minikube": native("three nodes, on one machine"),
            "kubeadm": native("any odd number, each node with a proxy of its own"),
        },
    ),
    # Networks
    "given-network": Feature(
        "A network that is there already",
        key("network"),
        {
            **dict.fromkeys(("gke", "eks", "aks", "doks", "kapsule"), native()),
            "kind": lacking("kind has a network of its own"),
            "minikube": lacking("minikube has networks of its own"),
            "k3d": lacking("k3d makes a network for each cluster"),
            "kubeadm": other_means(
                "virtual machines and machines that you have are in yours; containers have their own"
            ),
        },
    ),
    "pod-cidr": Feature(
        "Choice of the pods' addresses",
        key("pod_cidr"),
        {
            "gke": native(),
            "eks": lacking("pods have addresses of their nodes' subnets; make nodeCidr as large as pods need"),
            "aks": native(),
            "doks": native(),
            "kapsule": native(),
            **dict.fromkeys(("kind", "minikube", "k3d", "kubeadm"), native()),
        },
    ),
    "service-cidr": Feature(
        "Choice of the Services' addresses",
        key("service_cidr"),
        dict.fromkeys(("gke", "eks", "aks", "doks", "kapsule", "kind", "minikube", "k3d", "kubeadm"), native()),
    ),
    "private-nodes": Feature(
        "Nodes without public addresses",
        never,
        {
            **dict.fromkeys(("gke", "eks", "aks", "kapsule"), native()),
            "doks": native("isolated workers, behind a NAT gateway"),
            **dict.fromkeys(("kind", "minikube", "k3d"), native("on a network of this machine")),
            "kubeadm": native("on a network of this machine, or of yours"),
        },
    ),
    "private-api": Feature(
        "An API without a public address",
        never,
        {
            "gke": native("a DNS name behind IAM"),
            "eks": native(),
            "aks": native(),
            "doks": lacking("the API has a public address; apiAccess.authorizedCidrs says who reaches it"),
            "kapsule": lacking("the API has a public address; apiAccess.authorizedCidrs says who reaches it"),
            **dict.fromkeys(("kind", "k3d"), native("on loopback")),
            "minikube": native("on loopback, or in a network of this machine"),
            "kubeadm": native("on loopback, or in a network of yours"),
        },
    ),
    "authorized-networks": Feature(
        "An API that only listed networks reach",
        key("api_access"),
        {
            "gke": native(),
            "eks": native(),
            "aks": native(),
            "doks": native("the control plane's firewall"),
            "kapsule": native("the cluster's ACL"),
            **dict.fromkeys(("kind", "k3d"), lacking("the API is on loopback")),
            "minikube": lacking("the API is on this machine"),
            "kubeadm": lacking("the API is on loopback, or in a network whose firewall is yours"),
        },
    ),
    "network-policy": Feature(
        "Network policies",
        never,
        {
            "gke": native("Dataplane V2"),
            "eks": native("the VPC CNI"),
            "aks": native("Cilium"),
            "doks": native("Cilium"),
            "kapsule": native("Cilium"),
            "kind": other_means("`cni: none`, then a CNI of your choice"),
            **dict.fromkeys(("minikube", "kubeadm"), other_means("`cni: calico` or `cni: cilium`")),
            "k3d": native("k3s' own controller"),
        },
    ),
    "load-balancer": Feature(
        "Services of type LoadBalancer",
        never,
        {
            **dict.fromkeys(("gke", "eks", "aks", "doks", "kapsule"), native()),
            "kind": other_means("portMappings, to a NodePort"),
            "minikube": other_means("`minikube tunnel`"),
            "k3d": native("k3s' own, on the nodes; portMappings publish them"),
            "kubeadm": lacking("there is no cloud"),
        },
    ),
    # Storage
    "persistent-volumes": Feature(
        "Persistent volumes",
        never,
        {
            "gke": native(),
            "eks": native("the EBS CSI add-on"),
            "aks": native(),
            "doks": native(),
            "kapsule": native(),
            **dict.fromkeys(("kind", "minikube", "k3d"), native("folders of the node")),
            "kubeadm": lacking("there is no cloud"),
        },
    ),
    # Who may do what
    "named-admins": Feature(
        "Administrators named in the stack",
        key("admins"),
        {
            "gke": lacking("whoever has roles/container.admin in the project's IAM administers its clusters"),
            "eks": native("access entries"),
            "aks": native("groups of Entra ID"),
            "doks": lacking("whoever has a token of the team administers its clusters"),
            "kapsule": lacking("whoever has KubernetesFullAccess in the project's IAM administers its clusters"),
            **dict.fromkeys(
                ("kind", "minikube", "k3d", "kubeadm"), lacking("whoever has the kubeconfig administers it")
            ),
        },
    ),
    "workload-identity": Feature(
        "Cloud identities for pods",
        never,
        {
            "gke": native("Workload Identity"),
            "eks": native("Pod Identity"),
            "aks": native("Workload Identity"),
            "doks": lacking("DigitalOcean knows no identity but tokens"),
            "kapsule": lacking("Scaleway knows no identity of pods"),
            **dict.fromkeys(("kind", "minikube", "k3d", "kubeadm"), lacking("there is no cloud")),
        },
    ),
    # Secrets, logs, names
    "secrets-encryption": Feature(
        "Secrets encrypted with a key of yours",
        key("secrets_encryption"),
        {
            "gke": native("Cloud KMS"),
            "eks": native("KMS"),
            "aks": native("Key Vault"),
            "doks": lacking("DigitalOcean's API takes no key"),
            "kapsule": lacking("Scaleway's API takes no key"),
            **dict.fromkeys(("kind", "minikube"), lacking("etcd is a folder on this machine")),
            "k3d": lacking("its data is a folder on this machine"),
            "kubeadm": native("secretbox, with a key in the encrypted state"),
        },
    ),
    "control-plane-logs": Feature(
        "Logs of the control plane",
        key("logs"),
        {
            "gke": native("Cloud Logging"),
            "eks": native("CloudWatch"),
            "aks": native("Log Analytics"),
            "doks": lacking("DigitalOcean's API offers none"),
            "kapsule": lacking("Cockpit collects them by itself, and there is nothing to choose"),
            "kind": lacking("`kind export logs` writes them to a folder"),
            "minikube": lacking("`minikube logs` prints them"),
            "k3d": lacking("`docker logs` prints them"),
            "kubeadm": native("audit log on each control plane"),
        },
    ),
    "tags": Feature(
        "Tags for billing",
        key("tags"),
        {
            **dict.fromkeys(("gke", "eks", "aks", "doks", "kapsule"), native()),
            **dict.fromkeys(("kind", "minikube", "k3d", "kubeadm"), lacking("nobody bills for it")),
        },
    ),
    "deletion-protection": Feature(
        "Protection from deletion",
        never,
        {
            "gke": native("and Pulumi's protect"),
            "eks": native("and Pulumi's protect"),
            "aks": other_means("a management lock on its resource group, and Pulumi's protect"),
            "doks": other_means("Pulumi's protect"),
            "kapsule": other_means("Pulumi's protect"),
            **dict.fromkeys(("kind", "minikube", "k3d"), other_means("Pulumi's protect")),
            "existing": other_means("it is never deleted, and Pulumi's protect keeps the stack from forgetting it"),
            "kubeadm": other_means("Pulumi's protect"),
        },
    ),
}

FEATURES: Mapping[str, Feature] = {
    # All that a cluster which is there already gives is its own affair.
    name: replace(feature, support={"existing": lacking(_ONLY_READ), **feature.support})
    for name, feature in _FEATURES.items()
}
"""Name, which a waiver uses → what it is. The order is that of the README's table."""


def capabilities(target: str) -> dict[str, str]:
    """What `target` gives: feature → `native`, `other means` or `lacking`."""
    return {name: feature.support[target].means.value for name, feature in FEATURES.items()}


def lacking_faults(target: str, args: Args, waivers: Mapping[str, str]) -> list[Fault]:
    """What `args` ask of `target` that it lacks, and no waiver lets pass."""
    return [
        Fault(
            asking,
            f"{target} lacks {name}: {feature.support[target].how}; "
            f"drop it, or write why it may be lacking under `waivers`, as `{name}: …`",
        )
        for name, feature in FEATURES.items()
        if (asking := feature.asked_by(args)) and feature.support[target].means is Means.LACKING and name not in waivers
    ]
