"""EKS: a private cluster on AWS, over three zones.

Makes a network of its own with NAT, roles, a key for Secrets, the control plane with its logs, add-ons and node pools.
Leaves alone: the account, and everything inside the cluster beside the add-ons, since its API may be out of reach from
where Pulumi runs. So the Cluster Autoscaler is yours to install; with `compute: auto` EKS needs none.

The comments in these modules that begin with CIS name the item of the CIS EKS Benchmark 1.8 that the setting below them
answers; `controls.py` lists them.
"""

import pulumi

from components.managed.caller import warn_of_missing
from components.managed.eks.addons import addon_versions, addons
from components.managed.eks.args import ADDONS_AFTER_NODES, ADDONS_BEFORE_NODES, EksArgs, faults_of, pinned
from components.managed.eks.control_plane import control_plane, offered_versions, running_version
from components.managed.eks.controls import CONTROLS
from components.managed.eks.encryption import secrets_encryption
from components.managed.eks.identity import administrators, identities
from components.managed.eks.kubeconfig import CALLER, api_of, exec_kubeconfig
from components.managed.eks.network import private_network
from components.managed.eks.node_pools import node_pools
from components.managed.guard import guard
from components.managed.managed_args import NODE_CIDR, SERVICE_CIDR
from components.managed.managed_cluster import ManagedCluster
from components.managed.seal import seal


class EksCluster(ManagedCluster):
    """An EKS cluster with private nodes, in a network of its own or a given one."""

    target = "eks"
    controls = CONTROLS
    check = staticmethod(faults_of)

    def __init__(self, name: str, args: EksArgs, opts: pulumi.ResourceOptions | None = None) -> None:
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
        identity = identities(self, name, args)
        encryption = secrets_encryption(self, name, args, identity, watch)
        cluster = control_plane(self, name, args, network, identity, encryption, watch)
        self.control_plane = cluster
        self.cluster_identifier = cluster.arn
        admins = administrators(self, name, args, cluster)
        versions = addon_versions(self, name, args, self.last)
        before = addons(self, name, args, cluster, identity, versions, only=ADDONS_BEFORE_NODES)
        self.node_pools = node_pools(self, name, args, cluster, network, identity, before)
        nodes = list(self.node_pools.values())
        late = addons(self, name, args, cluster, identity, versions, only=ADDONS_AFTER_NODES, after=nodes)
        self.ends = [cluster, *admins, *before, *nodes, *late]
        seal(self, name, args, self.ends)

        api = api_of(cluster)
        self.finish(
            name=cluster.name,
            kubeconfig=exec_kubeconfig(name, api, cluster),
            endpoint=api.endpoint,
            ca_certificate=api.certificate,
            kubernetes_version=pulumi.Output.concat("v", cluster.version),
            # Pods have addresses of their nodes' subnets.
            pod_cidr=None if "network" in args else args.get("node_cidr", NODE_CIDR),
            service_cidr=args.get("service_cidr", SERVICE_CIDR),
        )
