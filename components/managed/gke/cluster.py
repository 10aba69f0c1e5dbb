"""GKE: a private cluster on Google Cloud, regional unless a stack says otherwise.

Makes a network of its own with NAT, a key for Secrets, the control plane, node pools and a service account for the
nodes. Leaves alone: the project, its enabled APIs and everything inside the cluster, whose API may be out of reach from
where Pulumi runs.

The comments in these modules that begin with CIS name the item of the CIS GKE Benchmark 1.9 that the setting below them
answers; `controls.py` lists them.
"""

import pulumi

from components.managed.caller import warn_of_missing
from components.managed.gke.args import GkeArgs, access_faults, faults_of, pinned
from components.managed.gke.control_plane import control_plane, offered_versions, running_version
from components.managed.gke.controls import CONTROLS
from components.managed.gke.encryption import secrets_encryption
from components.managed.gke.identity import identities
from components.managed.gke.kubeconfig import CALLER, api_of, exec_kubeconfig
from components.managed.gke.network import private_network
from components.managed.gke.node_pools import node_pools
from components.managed.guard import guard
from components.managed.managed_args import POD_CIDR, SERVICE_CIDR
from components.managed.managed_cluster import ManagedCluster
from components.managed.seal import seal


class GkeCluster(ManagedCluster):
    """A GKE cluster with private nodes, in a network of its own or a given one."""

    target = "gke"
    controls = CONTROLS
    check = staticmethod(faults_of)
    check_access = staticmethod(access_faults)

    def __init__(self, name: str, args: GkeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        name = args.get("name", name)
        warn_of_missing(CALLER, self)

        watch = guard(
            self,
            name,
            args,
            self.last,
            pinned=pinned(args),
            offered=offered_versions(self, args),
            runs=running_version(self.last, name),
        )
        network = private_network(self, name, args, watch)
        identity = identities(self, name)
        encryption = secrets_encryption(self, name, args)
        cluster = control_plane(self, name, args, network, identity, encryption, watch)
        self.control_plane = cluster
        self.cluster_identifier = cluster.id
        self.node_pools = node_pools(self, name, args, cluster, identity)
        self.ends = [cluster, *self.node_pools.values()]
        seal(self, name, args, self.ends)

        api = api_of(cluster, args)
        self.finish(
            name=cluster.name,
            kubeconfig=exec_kubeconfig(name, api),
            endpoint=api.endpoint,
            ca_certificate=api.certificate,
            kubernetes_version=pulumi.Output.concat("v", cluster.master_version),
            pod_cidr=None if "network" in args else args.get("pod_cidr", POD_CIDR),
            service_cidr=None if "network" in args else args.get("service_cidr", SERVICE_CIDR),
        )
