"""GKE: a regional, private, autoscaling cluster on Google Cloud.

Makes a network of its own with NAT, the control plane, node pools and a service account for the nodes. Leaves alone:
the project, its enabled APIs and everything inside the cluster, whose API may be out of reach from where Pulumi runs.

The comments that begin with CIS name the item of the CIS GKE Benchmark 1.9 that the setting below them answers.
"""

import base64
import math
from dataclasses import dataclass
from datetime import date

import pulumi
from pulumi_gcp import container, projects, serviceaccount

from components import kubeconfig, versions
from components.cluster import Cluster
from components.managed.gcp_compute import ComputeResource
from components.managed.gke_args import (
    NODE_CIDR,
    POD_CIDR,
    SERVICE_CIDR,
    SURGE_NODES,
    GkeArgs,
    ReleaseChannel,
    account_id,
    authorized_cidrs,
    faults_of,
)
from components.managed.node_pools import NodePool
from components.nodes import Effect


class GkeCluster(Cluster):
    """A regional GKE cluster with private nodes, in a network of its own."""

    check = staticmethod(faults_of)

    def __init__(self, name: str, args: GkeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        name = args.get("name", name)
        if fault := versions.support_fault(args["version"], date.today()):
            pulumi.log.warn(f"{fault}; a cluster that runs it already may keep it", self)

        network = private_network(self, name, args)
        identity = node_identity(self, name)
        cluster = control_plane(self, name, args, network, identity)
        node_pools(self, name, args, cluster, identity)

        endpoint, authority = api_of(cluster, args)
        self.finish(
            name=cluster.name,
            kubeconfig=exec_kubeconfig(name, endpoint, authority),
            endpoint=endpoint,
            ca_certificate=authority.apply(lambda encoded: encoded and base64.b64decode(encoded).decode()),
            kubernetes_version=pulumi.Output.concat("v", cluster.master_version),
            pod_cidr=args.get("pod_cidr", POD_CIDR),
            service_cidr=args.get("service_cidr", SERVICE_CIDR),
            capabilities=CAPABILITIES,
        )


CAPABILITIES = {
    "autoscaling": "native",
    "highly available control plane": "native",
    "in-place upgrade": "native",
    "load balancer": "native",
    "persistent volumes": "native",
    "private API": "native",
}


# Network


@dataclass(frozen=True)
class Network:
    """Where a cluster lives."""

    vpc: ComputeResource
    subnet: ComputeResource
    nat: ComputeResource


def private_network(parent: pulumi.Resource, name: str, args: GkeArgs) -> Network:
    """A VPC with one subnet, whose machines reach the internet and are not reached from it."""
    child = pulumi.ResourceOptions(parent=parent)
    vpc = ComputeResource("Network", f"{name}-network", {"autoCreateSubnetworks": False}, child)
    subnet = ComputeResource(
        "Subnetwork",
        f"{name}-subnet",
        {
            "network": vpc.id,
            "region": args["region"],
            "ipCidrRange": args.get("node_cidr", NODE_CIDR),
            "secondaryIpRanges": [
                {"rangeName": "pods", "ipCidrRange": args.get("pod_cidr", POD_CIDR)},
                {"rangeName": "services", "ipCidrRange": args.get("service_cidr", SERVICE_CIDR)},
            ],
            # Nodes fetch GKE's own images this way, even while NAT is down.
            "privateIpGoogleAccess": True,
            # CIS 5.6.1: flow logs, thinned out since they are billed by volume.
            "logConfig": {
                "aggregationInterval": "INTERVAL_10_MIN",
                "flowSampling": 0.1,
                "metadata": "INCLUDE_ALL_METADATA",
            },
        },
        child,
    )
    router = ComputeResource("Router", f"{name}-router", {"network": vpc.id, "region": args["region"]}, child)
    nat = ComputeResource(
        "RouterNat",
        f"{name}-nat",
        {
            "router": router.name,
            "region": args["region"],
            "natIpAllocateOption": "AUTO_ONLY",
            "sourceSubnetworkIpRangesToNat": "LIST_OF_SUBNETWORKS",
            "subnetworks": [{"name": subnet.id, "sourceIpRangesToNats": ["ALL_IP_RANGES"]}],
            "logConfig": {"enable": True, "filter": "ERRORS_ONLY"},
        },
        child,
    )
    return Network(vpc, subnet, nat)


# Identity


@dataclass(frozen=True)
class Identity:
    """Who the nodes are."""

    account: serviceaccount.Account
    grants: list[projects.IAMMember]


NODE_ROLES = {
    # https://cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster#use_least_privilege_sa
    "logs": "roles/container.defaultNodeServiceAccount",
    "images": "roles/artifactregistry.reader",
}


def node_identity(parent: pulumi.Resource, name: str) -> Identity:
    """A service account that may do what a node must, and no more."""
    child = pulumi.ResourceOptions(parent=parent)
    # CIS 5.2.1: never the Compute Engine default account, which may edit the whole project. Its id is fixed: Google
    # allows 30 letters, which a random suffix would take from the name.
    account = serviceaccount.Account(
        f"{name}-nodes",
        account_id=account_id(name),
        display_name=f"Nodes of the GKE cluster {name}",
        opts=child,
    )
    grants = [
        projects.IAMMember(
            f"{name}-nodes-{what}",
            project=account.project,
            role=role,
            member=account.member,
            opts=child,
        )
        for what, role in NODE_ROLES.items()
    ]
    return Identity(account, grants)


# Control plane


def control_plane(
    parent: pulumi.Resource, name: str, args: GkeArgs, network: Network, identity: Identity
) -> container.Cluster:
    """The cluster without nodes."""
    protected = args.get("deletion_protection", True)
    authorized = authorized_cidrs(args)
    return container.Cluster(
        f"{name}-cluster",
        location=args["region"],
        min_master_version=args["version"],
        # CIS 5.5.4
        release_channel={"channel": ReleaseChannel(args.get("release_channel", "regular")).name},
        maintenance_policy={"daily_maintenance_window": {"start_time": "03:00"}},
        network=network.vpc.id,
        subnetwork=network.subnet.id,
        # CIS 5.6.2
        networking_mode="VPC_NATIVE",
        ip_allocation_policy={"cluster_secondary_range_name": "pods", "services_secondary_range_name": "services"},
        datapath_provider="ADVANCED_DATAPATH",
        # CIS 5.6.1
        enable_intranode_visibility=True,
        # CIS 5.6.5, and 5.6.4: GKE itself says that the endpoint is private once there is no IP endpoint.
        private_cluster_config={"enable_private_nodes": True, "enable_private_endpoint": not authorized},
        control_plane_endpoints_config={
            "dns_endpoint_config": {"allow_external_traffic": not authorized},
            "ip_endpoints_config": {"enabled": bool(authorized)},
        },
        # CIS 5.6.3: also not open to other customers' machines in Google Cloud.
        master_authorized_networks_config={
            "cidr_blocks": [{"cidr_block": cidr} for cidr in authorized],
            "gcp_public_cidrs_access_enabled": False,
        }
        if authorized
        else None,
        # CIS 5.8.1
        master_auth={"client_certificate_config": {"issue_client_certificate": False}},
        anonymous_authentication_config={"mode": "LIMITED"},
        rbac_binding_config={
            "enable_insecure_binding_system_authenticated": False,
            "enable_insecure_binding_system_unauthenticated": False,
        },
        # CIS 5.2.2
        workload_identity_config={"workload_pool": pulumi.Output.concat(identity.account.project, ".svc.id.goog")},
        # CIS 5.5.5
        enable_shielded_nodes=True,
        # CIS 5.10.4
        security_posture_config={"mode": "BASIC", "vulnerability_mode": "VULNERABILITY_DISABLED"},
        # CIS 5.7.1
        logging_config={"enable_components": ["SYSTEM_COMPONENTS", "WORKLOADS"]},
        monitoring_config={"enable_components": ["SYSTEM_COMPONENTS"], "managed_prometheus": {"enabled": True}},
        cost_management_config={"enabled": True},
        resource_labels=args.get("labels"),
        deletion_protection=protected,
        # GKE insists on a first pool. It lives for minutes and gets our account, since the default one may not exist.
        remove_default_node_pool=True,
        initial_node_count=1,
        node_config={
            "service_account": identity.account.email,
            "shielded_instance_config": {"enable_secure_boot": True, "enable_integrity_monitoring": True},
        },
        opts=pulumi.ResourceOptions(
            parent=parent,
            protect=protected,
            # Once the first pool is gone, Google answers with some other pool's configuration.
            ignore_changes=["node_config"],
            # What nodes need from their first second to their last.
            depends_on=[network.nat, *identity.grants],
            custom_timeouts=pulumi.CustomTimeouts(create="45m", update="90m", delete="45m"),
        ),
    )


def api_of(cluster: container.Cluster, args: GkeArgs) -> tuple[pulumi.Output[str], pulumi.Output[str | None]]:
    """The URL of the API and its CA's certificate in base64; none with a DNS name, for which a public CA signs."""
    if authorized_cidrs(args):
        authority = cluster.master_auth.apply(lambda auth: auth.cluster_ca_certificate)
        return pulumi.Output.concat("https://", cluster.endpoint), authority
    name = cluster.control_plane_endpoints_config.dns_endpoint_config.endpoint
    return pulumi.Output.concat("https://", name), pulumi.Output.from_input(None)


# Node pools

USUAL_ZONES = 3
"""GKE spreads a regional cluster over three zones of its region, wherever it has more."""


def node_pools(
    parent: pulumi.Resource, name: str, args: GkeArgs, cluster: container.Cluster, identity: Identity
) -> list[container.NodePool]:
    """The nodes. Pools get names of their own from Pulumi, so that a new one can stand before the old one goes."""
    return [
        container.NodePool(
            f"{name}-{pool['name']}",
            cluster=cluster.name,
            location=args["region"],
            # In each zone, and only at first: without it a pool starts empty and stays below its least number.
            # https://github.com/hashicorp/terraform-provider-google/issues/8270
            initial_node_count=math.ceil(pool["min_nodes"] / USUAL_ZONES),
            autoscaling={
                "total_min_node_count": pool["min_nodes"],
                "total_max_node_count": pool["max_nodes"],
                "location_policy": "ANY" if pool.get("spot", False) else "BALANCED",
            },
            # CIS 5.5.2 and 5.5.3
            management={"auto_repair": True, "auto_upgrade": True},
            upgrade_settings={"max_surge": SURGE_NODES, "max_unavailable": 0},
            node_drain_configs=[{"respect_pdb_during_node_pool_deletion": True}],
            network_config={"enable_private_nodes": True},
            node_config=_node_config(pool, args, identity),
            opts=pulumi.ResourceOptions(
                parent=parent,
                # A change of it would replace the pool.
                ignore_changes=["initial_node_count"],
                # With the whole cluster, its pools go without being drained first.
                deleted_with=cluster,
                custom_timeouts=pulumi.CustomTimeouts(create="45m", update="3h", delete="90m"),
            ),
        )
        for pool in args["node_pools"]
    ]


def _node_config(pool: NodePool, args: GkeArgs, identity: Identity) -> container.NodePoolNodeConfigArgsDict:
    return {
        "machine_type": pool["machine_type"],
        "spot": pool.get("spot", False),
        "disk_size_gb": pool.get("disk_gb", 100),
        # CIS 5.5.1
        "image_type": "COS_CONTAINERD",
        "service_account": identity.account.email,
        # The account's roles decide; scopes are the older, coarser fence.
        "oauth_scopes": ["https://www.googleapis.com/auth/cloud-platform"],
        "labels": pool.get("labels", {}),
        "resource_labels": args.get("labels", {}),
        "taints": [
            {"key": taint["key"], "value": taint.get("value", ""), "effect": Effect(taint["effect"]).name}
            for taint in pool.get("taints", [])
        ],
        # CIS 5.4.1: pods never see the node's own credentials.
        "metadata": {"disable-legacy-endpoints": "true"},
        "workload_metadata_config": {"mode": "GKE_METADATA"},
        "kubelet_config": {"insecure_kubelet_readonly_port_enabled": "FALSE"},
        # CIS 5.5.6 and 5.5.7
        "shielded_instance_config": {"enable_secure_boot": True, "enable_integrity_monitoring": True},
    }


# Kubeconfig


def exec_kubeconfig(
    name: str, endpoint: pulumi.Output[str], authority: pulumi.Output[str | None]
) -> pulumi.Output[str]:
    """A kubeconfig that holds no credential: kubectl asks Google's own program for one."""
    user = {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1beta1",
            "command": "gke-gcloud-auth-plugin",
            "installHint": "Install it with `gcloud components install gke-gcloud-auth-plugin`",
            "provideClusterInfo": True,
        }
    }
    return pulumi.Output.all(endpoint, authority).apply(
        lambda known: kubeconfig.build(name, server=known[0], ca_certificate=known[1], user=user)
    )
