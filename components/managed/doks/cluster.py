"""DOKS: a cluster on DigitalOcean whose API listed networks reach and whose nodes nobody does.

Makes a VPC with a NAT gateway, the control plane and node pools. Leaves alone: the team's tokens, projects and
registry, and everything inside the cluster, whose API may be out of reach from where Pulumi runs. DigitalOcean has no
identities of pods, keys for Secrets or logs of the control plane, so that there are no such parts.

The comments in these modules that begin with Slipway DOKS name the rule of `controls.py` that the setting below them
answers.
"""

import pulumi

from components.managed.caller import warn_of_missing
from components.managed.doks.args import POD_CIDR, DoksArgs, faults_of, pinned
from components.managed.doks.control_plane import control_plane
from components.managed.doks.controls import CONTROLS
from components.managed.doks.kubeconfig import CALLER, api_of, exec_kubeconfig
from components.managed.doks.network import private_network
from components.managed.doks.node_pools import node_pools
from components.managed.doks.version import offered_versions, plain, version_of
from components.managed.guard import guard
from components.managed.managed_args import SERVICE_CIDR
from components.managed.managed_cluster import ManagedCluster
from components.managed.seal import seal


class DoksCluster(ManagedCluster):
    """A DOKS cluster with private nodes, in a network of its own or a given one."""

    target = "doks"
    controls = CONTROLS
    check = staticmethod(faults_of)

    def __init__(self, name: str, args: DoksArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        name = args.get("name", name)
        warn_of_missing(CALLER, self)

        offered = offered_versions(self)
        watch = guard(
            self,
            name,
            args,
            self.last,
            pinned=pinned(args),
            offered=offered,
            irreversible={"highlyAvailable": args.get("highly_available", True)},
        )
        version = version_of(self, name, args, self.last, offered)
        network = private_network(self, name, args, watch)
        cluster = control_plane(self, name, args, network, version, watch)
        self.control_plane = cluster
        self.cluster_identifier = cluster.id
        self.node_pools = node_pools(self, name, args, cluster)
        self.ends = [cluster, *self.node_pools.values()]
        seal(self, name, args, self.ends)

        api = api_of(cluster)
        self.finish(
            name=cluster.output("name"),
            kubeconfig=exec_kubeconfig(name, api, cluster),
            endpoint=api.endpoint,
            ca_certificate=api.certificate,
            kubernetes_version=cluster.output("version").apply(lambda slug: f"v{plain(slug)}"),
            pod_cidr=args.get("pod_cidr", POD_CIDR),
            service_cidr=args.get("service_cidr", SERVICE_CIDR),
        )
