"""Kapsule: a cluster on Scaleway with private nodes, and an API that listed networks reach.

Makes a Private Network of its own with a gateway, the control plane, the list of who reaches it, and node pools. Leaves
alone: the project, its IAM, and everything inside the cluster. Scaleway has no identities of pods, keys for Secrets or
choice of logs, so that there are no such parts.

The comments in these modules that begin with Slipway KAPSULE name the rule of `controls.py` that the setting below them
answers.
"""

import pulumi

from components.managed.caller import warn_of_missing
from components.managed.guard import guard
from components.managed.kapsule.args import KapsuleArgs, faults_of, pinned
from components.managed.kapsule.control_plane import api_acl, control_plane
from components.managed.kapsule.controls import CONTROLS
from components.managed.kapsule.kubeconfig import CALLER, api_of, exec_kubeconfig
from components.managed.kapsule.network import private_network
from components.managed.kapsule.node_pools import node_pools, running_version
from components.managed.managed_cluster import ManagedCluster
from components.managed.seal import seal


class KapsuleCluster(ManagedCluster):
    """A Kapsule cluster with private nodes, in a network of its own or a given one."""

    target = "kapsule"
    controls = CONTROLS
    check = staticmethod(faults_of)

    def __init__(self, name: str, args: KapsuleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        name = args.get("name", name)
        warn_of_missing(CALLER, self)

        # No function of the provider lists what Scaleway offers.
        watch = guard(self, name, args, self.last, pinned=pinned(args))
        network = private_network(self, name, args, watch)
        cluster = control_plane(self, name, args, network, watch)
        self.control_plane = cluster
        self.cluster_identifier = cluster.id
        acl = api_acl(self, name, args, network, cluster)
        pools = node_pools(self, name, args, cluster, acl)
        self.node_pools = {**pools}
        self.ends = [acl, *pools.values()]
        seal(self, name, args, self.ends)

        api = api_of(cluster)
        self.finish(
            name=cluster.name,
            kubeconfig=exec_kubeconfig(name, api),
            endpoint=api.endpoint,
            ca_certificate=api.certificate,
            kubernetes_version=running_version(cluster, pools),
            pod_cidr=cluster.pod_cidr,
            service_cidr=cluster.service_cidr,
        )
