"""The control plane of an AKS cluster, with the one pool that is part of it, and when AKS may work on it."""

from collections.abc import Sequence
from typing import Any

import pulumi
from pulumi_azure_native import containerservice

from components.managed.aks.args import SURGE_NODES, AksArgs, AksOutbound, dns_address, system_nodes
from components.managed.aks.identity import Identity
from components.managed.aks.network import Network
from components.managed.aks.node_pools import node_settings
from components.managed.aks.resource import resource, without_aliases
from components.managed.encryption import Encryption
from components.managed.managed_args import (
    DEFAULT_MAINTENANCE,
    POD_CIDR,
    SERVICE_CIDR,
    Day,
    Freeze,
    Maintenance,
    authorized_cidrs,
    is_exact,
    is_extended,
)
from components.managed.slim import SlimResource
from components.state import State, outputs_of

OUTBOUND = {AksOutbound.NAT_GATEWAY: "userAssignedNATGateway", AksOutbound.ROUTES: "userDefinedRouting"}

REPLACED_WITH = (
    "sku.name",
    "apiServerAccessProfile.subnetId",
    "agentPoolProfiles[0].vmSize",
    "agentPoolProfiles[0].availabilityZones",
    "agentPoolProfiles[0].vnetSubnetID",
)
"""What AKS refuses to change and the provider takes for an update: better told at preview than by a late error."""


def running_version(state: State, name: str) -> str:
    """The version that ran at the last `up` or refresh: AKS Automatic brings minors by itself."""
    cluster = outputs_of(state, "azure-native:containerservice:ManagedCluster", f"{name}-cluster")
    return cluster.get("currentKubernetesVersion", "")


def control_plane(
    parent: pulumi.Resource,
    name: str,
    args: AksArgs,
    group: SlimResource,
    network: Network | None,
    identity: Identity,
    encryption: Encryption,
) -> containerservice.ManagedCluster:
    """The cluster with the nodes that AKS itself needs, and none for pods of yours unless AKS looks after all nodes."""
    protected = args.get("deletion_protection", True)
    authorized = authorized_cidrs(args)
    public_name = args.get("aks", {}).get("public_dns_name", False)
    service_cidr = args.get("service_cidr", SERVICE_CIDR)
    return containerservice.ManagedCluster(
        f"{name}-cluster",
        resource_group_name=group.output("name"),
        location=args["region"],
        # AKS's own choice has the group's, the cluster's and the region's name in 80 letters.
        node_resource_group=pulumi.Output.concat(group.output("name"), "-nodes"),
        kubernetes_version=args["version"],
        identity={
            "type": containerservice.ResourceIdentityType.USER_ASSIGNED,
            "user_assigned_identities": [identity.account.id],
        },
        # CIS AKS 5.5.1 and CIS AKS 5.5.2
        aad_profile={"managed": True, "enable_azure_rbac": True, "admin_group_object_ids": args.get("admins", [])},
        api_server_access_profile={
            # Slipway AKS 1
            "disable_run_command": True,
            # Slipway AKS 13
            "enable_vnet_integration": True,
            **({"subnet_id": network.api_subnet_id} if network else {}),
            # CIS AKS 5.4.1 and CIS AKS 5.4.2
            **(
                {"enable_private_cluster": False, "authorized_ip_ranges": authorized}
                if authorized
                else {
                    "enable_private_cluster": True,
                    "enable_private_cluster_public_fqdn": public_name,
                    "private_dns_zone": "none" if public_name else "system",
                }
            ),
        },
        security_profile={
            # CIS AKS 5.2.1
            "workload_identity": {"enabled": True},
            # CIS AKS 5.3.1
            "azure_key_vault_kms": {
                "enabled": True,
                "key_id": encryption.key,
                "key_vault_network_access": "Public",
            },
        },
        oidc_issuer_profile={"enabled": True},
        storage_profile={
            "disk_csi_driver": {"enabled": True},
            "file_csi_driver": {"enabled": True},
            "snapshot_controller": {"enabled": True},
        },
        network_profile={
            "network_plugin": "azure",
            "network_plugin_mode": "overlay",
            "network_dataplane": "cilium",
            # CIS AKS 5.4.4
            "network_policy": "cilium",
            "pod_cidr": args.get("pod_cidr", POD_CIDR),
            "service_cidr": service_cidr,
            "dns_service_ip": dns_address(service_cidr),
            "load_balancer_sku": "standard",
            **({"outbound_type": OUTBOUND[network.outbound]} if network else {}),
        },
        tags=args.get("tags"),
        **(_with_pools(name, args, network) if network else _auto()),
        opts=pulumi.ResourceOptions(
            parent=parent,
            protect=protected,
            replace_on_changes=list(REPLACED_WITH),
            # The subnets come with their NAT gateway; what the control plane may do must be granted before it is made.
            depends_on=[*identity.grants, *encryption.grants],
            custom_timeouts=pulumi.CustomTimeouts(create="45m", update="90m", delete="45m"),
            transformations=[without_aliases],
        ),
    )


def tier(args: AksArgs) -> str:
    """What is paid for the control plane: https://learn.microsoft.com/azure/aks/free-standard-pricing-tiers."""
    if is_extended(args):
        return "Premium"
    return "Standard" if args.get("highly_available", True) else "Free"


def _with_pools(name: str, args: AksArgs, network: Network) -> dict[str, Any]:
    """What a cluster with pools of yours sets, and AKS Automatic has built in and does not let one set.

    https://github.com/Azure/terraform-azurerm-avm-res-containerservice-managedcluster/blob/main/locals.resource_body.tf
    """
    return {
        "sku": {"name": "Base", "tier": tier(args)},
        "dns_prefix": name,
        "enable_rbac": True,
        # CIS AKS 5.5.1
        "disable_local_accounts": True,
        # Slipway AKS 7
        "node_resource_group_profile": {"restriction_level": "ReadOnly"},
        # https://learn.microsoft.com/azure/aks/long-term-support
        "support_plan": "AKSLongTermSupport" if is_extended(args) else "KubernetesOfficial",
        # Slipway AKS 15 and Slipway AKS 6. A stack that names the patch brings the next one itself.
        "auto_upgrade_profile": {
            "upgrade_channel": "none" if is_exact(args["version"]) else "patch",
            "node_os_upgrade_channel": "SecurityPatch",
        },
        "metrics_profile": {"cost_analysis": {"enabled": tier(args) != "Free"}},
        "agent_pool_profiles": [_system_pool(args, network)],
    }


def _auto() -> dict[str, Any]:
    """What makes AKS look after all nodes, its own too: no pool is named."""
    return {
        "sku": {"name": "Automatic", "tier": "Standard"},
        "node_provisioning_profile": {"mode": "Auto"},
    }


def _system_pool(args: AksArgs, network: Network) -> dict[str, Any]:
    """The pool that AKS insists on. It is part of the cluster for good, so it runs AKS's own pods and no other.

    A change of any pool that is part of a cluster touches all of them, and one that is taken out of the list stays:
    https://github.com/pulumi/pulumi-azure-native/issues/1686 and 4264. So it is the only one.
    """
    machine, least, most = system_nodes(args)
    return {
        "name": "system",
        "mode": "System",
        **node_settings(args, network, machine),
        "osDiskSizeGB": 128,
        "minCount": least,
        "maxCount": most,
        "nodeTaints": ["CriticalAddonsOnly=true:NoSchedule"],
        "upgradeSettings": {"maxSurge": str(SURGE_NODES)},
    }


MAINTENANCE = {"versions": "aksManagedAutoUpgradeSchedule", "nodes": "aksManagedNodeOSUpgradeSchedule"}
"""The names that AKS looks for: https://learn.microsoft.com/azure/aks/planned-maintenance."""


def maintenance_windows(
    parent: pulumi.Resource,
    name: str,
    args: AksArgs,
    group: SlimResource,
    cluster: containerservice.ManagedCluster,
) -> list[SlimResource]:
    """When AKS may bring new versions, and when it may patch the nodes."""
    return [
        resource(
            "containerservice:MaintenanceConfiguration",
            f"{name}-maintenance-of-{what}",
            {
                "resourceGroupName": group.output("name"),
                "resourceName": cluster.name,
                "configName": config,
                # Slipway AKS 16
                "maintenanceWindow": window(args.get("maintenance", DEFAULT_MAINTENANCE), args.get("freezes", [])),
            },
            pulumi.ResourceOptions(parent=parent, deleted_with=cluster),
        )
        for what, config in MAINTENANCE.items()
    ]


def window(maintenance: Maintenance, freezes: Sequence[Freeze]) -> dict[str, Any]:
    """When AKS may work on the cluster: four hours are the least that it takes."""
    day = Day(maintenance.get("day", Day.ANY))
    daily = day is Day.ANY
    return {
        "schedule": {"daily": {"intervalDays": 1}}
        if daily
        else {"weekly": {"intervalWeeks": 1, "dayOfWeek": day.capitalize()}},
        "durationHours": 4,
        "startTime": f"{maintenance['hour']:02}:00",
        "utcOffset": "+00:00",
        **({"notAllowedDates": [{"start": one["first"], "end": one["last"]} for one in freezes]} if freezes else {}),
    }


def lock(parent: pulumi.Resource, name: str, args: AksArgs, identity: Identity) -> list[SlimResource]:
    """What keeps everybody, owners too, from deleting the group: Azure deletes none with something locked in it.

    It is on the identity that the cluster lives by. On the cluster, all pools would inherit it, and none could ever be
    replaced: https://learn.microsoft.com/azure/azure-resource-manager/management/lock-resources.
    """
    if not args.get("deletion_protection", True):
        return []
    made = resource(
        "authorization:ManagementLockByScope",
        f"{name}-lock",
        {
            "scope": identity.account.id,
            # Slipway AKS 8
            "level": "CanNotDelete",
            "notes": f"The AKS cluster {name} lives by it. Slipway: write deletionProtection: false to lift it.",
        },
        pulumi.ResourceOptions(parent=parent),
        outputs=(),
    )
    return [made]
