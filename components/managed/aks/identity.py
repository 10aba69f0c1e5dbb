"""Who an AKS cluster is: the identity that its control plane acts as, and what that and the nodes' own may do."""

from dataclasses import dataclass

import pulumi
from pulumi_azure_native import containerservice

from components.managed.aks.args import AksArgs
from components.managed.aks.network import Network
from components.managed.aks.resource import resource
from components.managed.slim import SlimResource

# https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
NETWORK_CONTRIBUTOR = "4d97b98b-1d4f-4787-a291-c67834d212e7"
KEY_VAULT_CRYPTO_USER = "12338af0-0e69-4776-bea7-57ae8d297424"
ACR_PULL = "7f951dda-4ed3-4680-a7ca-43fe172d538d"


@dataclass(frozen=True)
class Identity:
    """Who the control plane is."""

    account: SlimResource
    grants: tuple[SlimResource, ...]


def identities(
    parent: pulumi.Resource, name: str, args: AksArgs, group: SlimResource, network: Network | None
) -> Identity:
    """An identity that may join the cluster's subnets, and no more: AKS's own would come too late for that."""
    account = resource(
        "managedidentity:UserAssignedIdentity",
        f"{name}-control-plane",
        {"resourceGroupName": group.output("name"), "location": args["region"], "tags": args.get("tags")},
        pulumi.ResourceOptions(parent=parent),
        outputs=("name", "principalId", "tenantId"),
    )
    # https://learn.microsoft.com/azure/aks/api-server-vnet-integration
    scopes = {"nodes": network.node_subnet_id, "api": network.api_subnet_id} if network else {}
    principal = account.output("principalId")
    grants = (
        grant(parent, f"{name}-control-plane-{what}", group, principal, NETWORK_CONTRIBUTOR, subnet)
        for what, subnet in scopes.items()
    )
    return Identity(account, tuple(grants))


def may_pull(
    parent: pulumi.Resource,
    name: str,
    args: AksArgs,
    group: SlimResource,
    cluster: containerservice.ManagedCluster,
) -> list[SlimResource]:
    """What lets nodes pull from the registries asked for: their identity is AKS's to make, with the cluster."""
    kubelet = cluster.identity_profile.apply(lambda profile: (profile or {})["kubeletidentity"].object_id or "")
    return [
        grant(parent, f"{name}-nodes-pull-{index}", group, kubelet, ACR_PULL, registry)
        for index, registry in enumerate(args.get("aks", {}).get("registries", []))
    ]


def grant(
    parent: pulumi.Resource,
    name: str,
    group: SlimResource,
    principal: pulumi.Input[str],
    role: str,
    scope: pulumi.Input[str],
) -> SlimResource:
    """A role for an identity on one thing."""
    subscription = group.id.apply(lambda id_: "/".join(id_.split("/")[:3]))
    return resource(
        "authorization:RoleAssignment",
        name,
        {
            "principalId": principal,
            # Said, so that Azure does not look for an identity that its directory may not know yet.
            "principalType": "ServicePrincipal",
            "roleDefinitionId": pulumi.Output.concat(
                subscription, "/providers/Microsoft.Authorization/roleDefinitions/", role
            ),
            "scope": scope,
        },
        pulumi.ResourceOptions(parent=parent),
        outputs=(),
    )
