"""Where the logs of an AKS cluster's control plane are kept."""

import pulumi
from pulumi_azure_native import containerservice

from components.managed.aks.args import AksArgs
from components.managed.aks.resource import resource
from components.managed.managed_args import DEFAULT_LOGS, ControlPlaneLog
from components.managed.slim import SlimResource

RETENTION_DAYS = 90

CATEGORIES = {
    # https://learn.microsoft.com/azure/aks/monitor-aks-reference#resource-logs. With reads, since those of Secrets are
    # what an audit is for; `kube-audit-admin` would be cheaper and leave them out.
    ControlPlaneLog.API: "kube-apiserver",
    ControlPlaneLog.AUDIT: "kube-audit",
    ControlPlaneLog.AUTHENTICATOR: "guard",
    ControlPlaneLog.CONTROLLER_MANAGER: "kube-controller-manager",
    ControlPlaneLog.SCHEDULER: "kube-scheduler",
}


def control_plane_logs(
    parent: pulumi.Resource,
    name: str,
    args: AksArgs,
    group: SlimResource,
    cluster: containerservice.ManagedCluster,
) -> list[SlimResource]:
    """A workspace of the cluster's own, with the logs asked for."""
    logs = args.get("logs", DEFAULT_LOGS)
    if not logs:
        return []
    child = pulumi.ResourceOptions(parent=parent)
    workspace = resource(
        "operationalinsights:Workspace",
        f"{name}-logs",
        {
            "resourceGroupName": group.output("name"),
            "location": args["region"],
            "sku": {"name": "PerGB2018"},
            "retentionInDays": RETENTION_DAYS,
            "tags": args.get("tags"),
        },
        child,
    )
    setting = resource(
        "monitor:DiagnosticSetting",
        f"{name}-control-plane-logs",
        {
            "resourceUri": cluster.id,
            "workspaceId": workspace.id,
            # Tables of their own, each with its columns, and cheaper to search than the common one.
            "logAnalyticsDestinationType": "Dedicated",
            # CIS AKS 2.1.1
            "logs": [{"category": CATEGORIES[ControlPlaneLog(log)], "enabled": True} for log in logs],
        },
        # Never `deleted_with`: Azure keeps such a setting when its resource is gone.
        child,
    )
    return [setting]
