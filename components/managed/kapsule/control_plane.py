"""The control plane of a Kapsule cluster, and who reaches it."""

import pulumi
from pulumiverse_scaleway import kubernetes

from components.managed.kapsule.args import KapsuleArgs, control_plane_offer, tags_of
from components.managed.kapsule.network import Network
from components.managed.managed_args import DEFAULT_MAINTENANCE, POD_CIDR, SERVICE_CIDR, Day, authorized_cidrs, is_exact

AUTOSCALER: kubernetes.ClusterAutoscalerConfigArgsDict = {
    # What the Cluster Autoscaler does unasked. Left out, the provider sends zeros: a node that goes gives its pods no
    # second to end, and pods of priority -1 count as nothing.
    "max_graceful_termination_sec": 600,
    "expendable_pods_priority_cutoff": -10,
    # A change of these two replaces the cluster: they are Scaleway's own defaults, and no key of a stack leads here.
    "skip_nodes_with_local_storage": True,
    "log_level": 2,
}
"""https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/FAQ.md#what-are-the-parameters-to-ca."""


def control_plane(
    parent: pulumi.Resource, name: str, args: KapsuleArgs, network: Network, guard: pulumi.Resource
) -> kubernetes.Cluster:
    """The cluster without nodes."""
    protected = args.get("deletion_protection", True)
    maintenance = args.get("maintenance", DEFAULT_MAINTENANCE)
    own = args.get("kapsule", {})
    return kubernetes.Cluster(
        f"{name}-cluster",
        region=args["region"],
        # Slipway KAPSULE 8
        type=control_plane_offer(args).value,
        version=args["version"].removeprefix("v"),
        # Slipway KAPSULE 4. The provider takes patches that come by themselves with a version like 1.37 only, and a
        # version like 1.37.2 only without them.
        auto_upgrade={
            "enable": not is_exact(args["version"]),
            # Slipway KAPSULE 11
            "maintenance_window_day": Day(maintenance.get("day", Day.ANY)).value,
            "maintenance_window_start_hour": maintenance["hour"],
        },
        # Slipway KAPSULE 9: Scaleway upgrades the control plane first, then one pool after the other.
        upgrade_pools=True,
        # Slipway KAPSULE 5
        cni="cilium",
        private_network_id=network.id,
        pod_cidr=args.get("pod_cidr", POD_CIDR),
        service_cidr=args.get("service_cidr", SERVICE_CIDR),
        autoscaler_config=AUTOSCALER,
        # Said even when there is none: left out, one that was trusted once would stay so.
        open_id_connect_config={**own.get("open_id_connect", {"issuer_url": "", "client_id": ""})},
        # Slipway KAPSULE 7. Volumes of class `retain` go too. The network stays, since something is left in it.
        delete_additional_resources=not own.get("keep_volumes_and_load_balancers", False),
        tags=tags_of(args),
        opts=pulumi.ResourceOptions(
            parent=parent,
            protect=protected,
            depends_on=[guard, *network.ways_out],
            # An upgrade replaces every node of every pool, one at a time.
            custom_timeouts=pulumi.CustomTimeouts(create="30m", update="6h", delete="45m"),
        ),
    )


def api_acl(
    parent: pulumi.Resource, name: str, args: KapsuleArgs, network: Network, cluster: kubernetes.Cluster
) -> kubernetes.Acl:
    """Who reaches the API: the networks of the stack, and the nodes by their gateway."""
    rules: list[kubernetes.AclAclRuleArgsDict] = [
        {"ip": cidr, "description": "apiAccess.authorizedCidrs"} for cidr in authorized_cidrs(args)
    ]
    nodes = pulumi.Output.concat(network.gateway_address, "/32")
    # Slipway KAPSULE 1: without an ACL the API is open to 0.0.0.0/0.
    return kubernetes.Acl(
        f"{name}-acl",
        region=args["region"],
        cluster_id=cluster.id,
        acl_rules=[*rules, {"ip": nodes, "description": "the gateway of the nodes"}],
        opts=pulumi.ResourceOptions(
            parent=parent,
            # Deleted by itself, the provider would open the API to the world first.
            deleted_with=cluster,
        ),
    )
