"""The control plane of a GKE cluster."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pulumi
from pulumi_gcp import container

from components.managed.encryption import Encryption
from components.managed.gke.args import GkeArgs, location
from components.managed.gke.identity import Identity
from components.managed.gke.network import Network
from components.managed.gke.resource import SDK
from components.managed.managed_args import (
    DEFAULT_LOGS,
    DEFAULT_MAINTENANCE,
    ControlPlaneLog,
    Day,
    Freeze,
    Maintenance,
    ReleaseChannel,
    authorized_cidrs,
    is_auto,
)
from components.managed.slim import answer
from components.state import State, outputs_of

# Audit logs and who was let in stand in Cloud Audit Logs, always.
LOG_COMPONENTS = {
    ControlPlaneLog.API: "APISERVER",
    ControlPlaneLog.CONTROLLER_MANAGER: "CONTROLLER_MANAGER",
    ControlPlaneLog.SCHEDULER: "SCHEDULER",
}


def offered_versions(parent: pulumi.Resource, args: GkeArgs) -> Sequence[str]:
    """The versions that a control plane can be made with there."""
    function = "gcp:container/getEngineVersions:getEngineVersions"
    return answer(SDK, function, {"location": location(args)}, parent, "validMasterVersions")


def running_version(state: State, name: str) -> str:
    """The version that ran at the last `up` or refresh: a release channel brings minors by itself."""
    return outputs_of(state, "gcp:container/cluster:Cluster", f"{name}-cluster").get("masterVersion", "")


def control_plane(
    parent: pulumi.Resource,
    name: str,
    args: GkeArgs,
    network: Network,
    identity: Identity,
    encryption: Encryption,
    guard: pulumi.Resource,
) -> container.Cluster:
    """The cluster without nodes; with `compute: auto`, one that makes its own."""
    protected = args.get("deletion_protection", True)
    authorized = authorized_cidrs(args)
    own = args.get("gke", {})
    return container.Cluster(
        f"{name}-cluster",
        location=location(args),
        min_master_version=args["version"],
        # CIS GKE 5.5.4
        release_channel={"channel": ReleaseChannel(args.get("release_channel", "regular")).name},
        maintenance_policy={
            "recurring_window": window(args.get("maintenance", DEFAULT_MAINTENANCE)),
            "maintenance_exclusions": [exclusion(freeze) for freeze in args.get("freezes", [])] or None,
        },
        network=network.id,
        subnetwork=network.subnet_id,
        # CIS GKE 5.6.2
        networking_mode="VPC_NATIVE",
        ip_allocation_policy={
            "cluster_secondary_range_name": network.pod_range,
            "services_secondary_range_name": network.service_range,
        },
        # CIS GKE 5.6.5, and CIS GKE 5.6.4: GKE itself says that the endpoint is private once there is no IP endpoint.
        private_cluster_config={"enable_private_nodes": True, "enable_private_endpoint": not authorized},
        control_plane_endpoints_config={
            "dns_endpoint_config": {
                "allow_external_traffic": not authorized,
                "enable_k8s_tokens_via_dns": own.get("service_account_tokens", False),
            },
            "ip_endpoints_config": {"enabled": bool(authorized)},
        },
        # CIS GKE 5.6.3: also not open to other customers' machines in Google Cloud.
        master_authorized_networks_config={
            "cidr_blocks": [{"cidr_block": cidr} for cidr in authorized],
            "gcp_public_cidrs_access_enabled": False,
        }
        if authorized
        else None,
        # CIS GKE 5.8.1
        master_auth={"client_certificate_config": {"issue_client_certificate": False}},
        # CIS GKE 5.8.2
        authenticator_groups_config={"security_group": own["security_group"]} if "security_group" in own else None,
        # Slipway GKE 2
        anonymous_authentication_config={"mode": "LIMITED"},
        # CIS GKE 4.1.9 and CIS GKE 4.1.10
        rbac_binding_config={
            "enable_insecure_binding_system_authenticated": False,
            "enable_insecure_binding_system_unauthenticated": False,
        },
        # CIS GKE 5.3.1
        database_encryption={"state": "ENCRYPTED", "key_name": encryption.key},
        binary_authorization={"evaluation_mode": "PROJECT_SINGLETON_POLICY_ENFORCE"}
        if own.get("binary_authorization", False)
        else None,
        # CIS GKE 5.10.4
        security_posture_config={"mode": "BASIC", "vulnerability_mode": "VULNERABILITY_DISABLED"},
        # CIS GKE 5.7.1
        logging_config={
            "enable_components": [
                "SYSTEM_COMPONENTS",
                "WORKLOADS",
                *(LOG_COMPONENTS[log] for log in args.get("logs", DEFAULT_LOGS) if log in LOG_COMPONENTS),
            ]
        },
        monitoring_config={"enable_components": ["SYSTEM_COMPONENTS"], "managed_prometheus": {"enabled": True}},
        cost_management_config={"enabled": True},
        resource_labels=args.get("tags"),
        # Slipway GKE 1
        deletion_protection=protected,
        **(_auto(identity) if is_auto("gke", args) else _with_pools(identity)),
        opts=pulumi.ResourceOptions(
            parent=parent,
            protect=protected,
            # Once the first pool is gone, Google answers with some other pool's configuration.
            ignore_changes=["node_config"],
            # What nodes need from their first second to their last.
            depends_on=[guard, *network.ways_out, *identity.grants, *encryption.grants],
            custom_timeouts=pulumi.CustomTimeouts(create="45m", update="90m", delete="45m"),
        ),
    )


def window(maintenance: Maintenance) -> container.ClusterMaintenancePolicyRecurringWindowArgsDict:
    """When GKE may work on the cluster. It insists on 48 hours in any 32 days: four a day, or twelve a week.

    https://cloud.google.com/kubernetes-engine/docs/concepts/maintenance-windows-and-exclusions#maintenance_windows
    """
    day, start = Day(maintenance.get("day", Day.ANY)), maintenance["hour"]
    daily = day is Day.ANY
    end = start + (4 if daily else 12)
    # The date only says from when on.
    return {
        "start_time": f"2026-01-01T{start:02}:00:00Z",
        "end_time": f"2026-01-0{1 + end // 24}T{end % 24:02}:00:00Z",
        "recurrence": "FREQ=DAILY" if daily else f"FREQ=WEEKLY;BYDAY={day.name[:2]}",
    }


def exclusion(freeze: Freeze) -> container.ClusterMaintenancePolicyMaintenanceExclusionArgsDict:
    """When GKE may not bring a version: from midnight before the first day to midnight after the last, in UTC.

    https://cloud.google.com/kubernetes-engine/docs/concepts/maintenance-windows-and-exclusions#exclusions
    """
    after = date.fromisoformat(freeze["last"]) + timedelta(days=1)
    return {
        "exclusion_name": f"from-{freeze['first']}-to-{freeze['last']}",
        "start_time": f"{freeze['first']}T00:00:00Z",
        "end_time": f"{after}T00:00:00Z",
        "exclusion_options": {"scope": "NO_UPGRADES"},
    }


def _with_pools(identity: Identity) -> dict[str, Any]:
    """What a cluster with pools of yours sets, and Autopilot has built in."""
    return {
        # Slipway GKE 4
        "datapath_provider": "ADVANCED_DATAPATH",
        # CIS GKE 5.6.1
        "enable_intranode_visibility": True,
        # CIS GKE 5.2.2
        "workload_identity_config": {
            "workload_pool": pulumi.Output.concat(identity.account.project, ".svc.id.goog"),
        },
        # CIS GKE 5.5.5
        "enable_shielded_nodes": True,
        # GKE insists on a first pool. It lives for minutes and gets our account, since the default one may not exist.
        "remove_default_node_pool": True,
        "initial_node_count": 1,
        "node_config": {
            "service_account": identity.account.email,
            "shielded_instance_config": {"enable_secure_boot": True, "enable_integrity_monitoring": True},
        },
    }


def _auto(identity: Identity) -> dict[str, Any]:
    """What makes GKE look after the nodes, which run as our account too."""
    return {
        "enable_autopilot": True,
        "cluster_autoscaling": {"auto_provisioning_defaults": {"service_account": identity.account.email}},
    }
