"""The control plane of a DOKS cluster."""

from typing import Any

import pulumi

from components.managed.doks.args import POD_CIDR, SYSTEM_NODES, DoksArgs, DoksSso, has_public_nodes, tags_of
from components.managed.doks.network import Network
from components.managed.doks.resource import resource
from components.managed.doks.version import Version
from components.managed.managed_args import DEFAULT_MAINTENANCE, SERVICE_CIDR, Day, authorized_cidrs, is_exact
from components.managed.node_pools import NodePool
from components.managed.slim import SlimResource

OUTPUTS = (
    "name",
    "version",
    "endpoint",
    "ipv4Address",
    "kubeConfigs",
    "clusterUrn",
    "clusterSubnet",
    "serviceSubnet",
    "vpcUuid",
    "workerSubnetUuid",
    "status",
)

TOKEN_SECONDS = 600
"""How long the token lives that DigitalOcean's provider asks for and nobody uses."""

SYSTEM_POOL = {
    "name": "system",
    # A change of it would replace the whole cluster, so it is as small as can be and nobody's to choose:
    # https://github.com/digitalocean/terraform-provider-digitalocean/issues/424
    "size": "s-1vcpu-2gb",
    "nodeCount": SYSTEM_NODES,
    # Pods go there only when there is no other place for them.
    "taints": [{"key": "CriticalAddonsOnly", "value": "true", "effect": "PreferNoSchedule"}],
}
"""The one pool that DigitalOcean insists on, and that never changes."""


def control_plane(
    parent: pulumi.Resource, name: str, args: DoksArgs, network: Network, version: Version, guard: pulumi.Resource
) -> SlimResource:
    """The cluster, with no nodes but those of the pool that DigitalOcean insists on."""
    protected = args.get("deletion_protection", True)
    maintenance = args.get("maintenance", DEFAULT_MAINTENANCE)
    own = args.get("doks", {})
    inputs = {
        "region": args["region"],
        "version": version.slug,
        # CIS DOKS 3.3: it cannot be taken back, and newer versions have it unless told otherwise.
        "ha": args.get("highly_available", True),
        # CIS DOKS 3.2: new patches, in the window; never a new minor.
        "autoUpgrade": not is_exact(args["version"]),
        "maintenancePolicy": {
            "day": Day(maintenance.get("day", Day.ANY)).value,
            "startTime": f"{maintenance['hour']:02}:00",
        },
        # Slipway DOKS 7
        "surgeUpgrade": True,
        # Slipway DOKS 4
        "vpcUuid": network.id,
        "workerSubnetUuid": network.subnet_id,
        # Slipway DOKS 8: given ranges make the cluster VPC-native.
        "clusterSubnet": args.get("pod_cidr", POD_CIDR),
        "serviceSubnet": args.get("service_cidr", SERVICE_CIDR),
        # Slipway DOKS 3
        "isolatedWorkers": not has_public_nodes(args),
        # Slipway DOKS 1 and Slipway DOKS 2: your networks, and what the cluster's own nodes and pods come from.
        "controlPlaneFirewall": {
            "enabled": True,
            "allowedAddresses": [*authorized_cidrs(args), *network.seen_as],
        },
        # Slipway DOKS 11
        "ssos": [_sso(own["sso"])] if "sso" in own else None,
        "registryIntegration": own.get("registry", False),
        # Slipway DOKS 9
        "kubeconfigExpireSeconds": TOKEN_SECONDS,
        # Slipway DOKS 10: load balancers and disks go with the cluster.
        "destroyAllAssociatedResources": True,
        "nodePool": {**SYSTEM_POOL, "tags": tags_of(args)},
        "tags": tags_of(args),
        **_gpu_plugins(args.get("node_pools", [])),
    }
    return resource(
        "KubernetesCluster",
        f"{name}-cluster",
        {key: value for key, value in inputs.items() if value is not None},
        pulumi.ResourceOptions(
            parent=parent,
            protect=protected,
            ignore_changes=["version"] if version.runs else [],
            # Two clusters of one VPC may not share the addresses of pods and Services.
            delete_before_replace=True,
            additional_secret_outputs=["kubeConfigs"],
            # What nodes need from their first second to their last.
            depends_on=[guard, *network.ways_out],
            custom_timeouts=pulumi.CustomTimeouts(create="45m"),
        ),
        OUTPUTS,
    )


def _sso(sso: DoksSso) -> dict[str, Any]:
    return {
        "enabled": True,
        "required": sso.get("required", False),
        "issuerUrl": sso["issuer_url"],
        "clientId": sso["client_id"],
    }


def _gpu_plugins(pools: list[NodePool]) -> dict[str, Any]:
    """What makes GPUs known to Kubernetes. AMD's Droplets are called after its Instinct MI: `gpu-mi300x1-192gb`."""
    sizes = [pool["machine_type"] for pool in pools if "gpu" in pool]
    makers = {"amd" if size.startswith("gpu-mi") else "nvidia" for size in sizes}
    return {f"{maker}GpuDevicePlugin": {"enabled": True} for maker in sorted(makers)}
