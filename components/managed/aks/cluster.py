"""AKS: a private cluster on Azure, over three zones unless a stack says otherwise.

Makes a resource group with a network of its own and its NAT gateway, an identity for the control plane, a key for
Secrets, the control plane with the nodes that AKS itself needs, node pools, and a workspace for logs. Leaves alone: the
subscription, its registered providers and everything inside the cluster, whose API may be out of reach from where
Pulumi runs.

The comments in these modules that begin with CIS name the item of the CIS AKS Benchmark 1.8 that the setting below them
answers; `controls.py` lists them.
"""

import pulumi

from components.managed.aks.args import AksArgs, faults_of, pinned
from components.managed.aks.control_plane import control_plane, lock, maintenance_windows, running_version
from components.managed.aks.controls import CONTROLS
from components.managed.aks.encryption import secrets_encryption
from components.managed.aks.identity import identities, may_pull
from components.managed.aks.kubeconfig import CALLER, api_of, exec_kubeconfig
from components.managed.aks.logs import control_plane_logs
from components.managed.aks.network import private_network
from components.managed.aks.node_pools import node_pools
from components.managed.aks.resource_group import resource_group
from components.managed.caller import warn_of_missing
from components.managed.guard import guard
from components.managed.managed_args import POD_CIDR, SERVICE_CIDR
from components.managed.managed_cluster import ManagedCluster
from components.managed.seal import seal


class AksCluster(ManagedCluster):
    """An AKS cluster with private nodes, in a network of its own or a given one."""

    target = "aks"
    controls = CONTROLS
    check = staticmethod(faults_of)

    def __init__(self, name: str, args: AksArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        name = args.get("name", name)
        warn_of_missing(CALLER, self)

        # The provider has no function that tells which versions a region offers.
        watch = guard(self, name, args, self.last, pinned=pinned(args), runs=running_version(self.last, name))
        group = resource_group(self, name, args, watch)
        network = private_network(self, name, args, group)
        identity = identities(self, name, args, group, network)
        encryption = secrets_encryption(self, name, args, group, identity)
        cluster = control_plane(self, name, args, group, network, identity, encryption)
        self.control_plane = cluster
        self.cluster_identifier = cluster.id
        windows = maintenance_windows(self, name, args, group, cluster)
        self.node_pools = node_pools(self, name, args, group, cluster, network)
        pulls = may_pull(self, name, args, group, cluster)
        logs = control_plane_logs(self, name, args, group, cluster)
        locks = lock(self, name, args, identity)
        self.ends = [*windows, *self.node_pools.values(), *pulls, *logs, *locks]
        seal(self, name, args, self.ends)

        api = api_of(cluster, args, group)
        self.finish(
            name=cluster.name,
            kubeconfig=exec_kubeconfig(name, api),
            endpoint=api.endpoint,
            ca_certificate=api.certificate,
            kubernetes_version=pulumi.Output.concat("v", cluster.current_kubernetes_version),
            pod_cidr=args.get("pod_cidr", POD_CIDR),
            service_cidr=args.get("service_cidr", SERVICE_CIDR),
        )
