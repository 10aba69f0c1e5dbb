"""Azure, as far as Slipway uses it.

What is replaced rather than updated is what pulumi-azure-native says: the parts of a resource's path
(provider/pkg/provider/diff.go) and its own list (provider/pkg/gen/replacement.go). It gives a random name to what
stands right in a resource group or on a scope (provider/pkg/resources/resources.go, AutoNamer), and of what it did not
name itself it deletes the old one before it makes the new one (provider/pkg/provider/provider.go, Diff).
All in github.com/pulumi/pulumi-azure-native.
"""

import base64
from collections.abc import Callable

from components import kubeconfig
from tests.engine.stand_in.cloud import Cloud, Kind, Properties

CA_CERTIFICATE = "-----BEGIN CERTIFICATE-----\nc3RhbmQtaW4=\n-----END CERTIFICATE-----\n"
PRINCIPAL = "22222222-2222-2222-2222-222222222222"
TENANT = "33333333-3333-3333-3333-333333333333"
KUBELET = "44444444-4444-4444-4444-444444444444"


def _group(subscription: str, inputs: Properties) -> str:
    return f"/subscriptions/{subscription}/resourceGroups/{inputs['resourceGroupName']}"


def _in_group(*path: str) -> Callable[[str, Properties], str]:
    """The id of a resource in a group, from pairs of a collection and the input with the name in it."""

    def identity(subscription: str, inputs: Properties) -> str:
        pairs = zip(path[::2], path[1::2], strict=True)
        parts = [f"{collection}/{inputs[name]}" for collection, name in pairs]
        return f"{_group(subscription, inputs)}/providers/{'/'.join(parts)}"

    return identity


def _on_scope(scope: str, collection: str, name: str) -> Callable[[str, Properties], str]:
    return lambda subscription, inputs: f"{inputs[scope]}/providers/{collection}/{inputs[name]}"


def _kind(collection: str, named_by: str, *, longest: int, replaced: tuple[str, ...] = ()) -> Kind:
    """A type of resource right in a resource group, which the provider names."""
    return Kind(
        identity=_in_group(collection, named_by),
        computed=lambda subscription, inputs: {"name": inputs.get(named_by)},
        named_by=named_by,
        longest_name=longest,
        replaced=("resourceGroupName", named_by, *replaced),
    )


def _cluster_outputs(subscription: str, inputs: Properties) -> Properties:
    access, prefix = inputs.get("apiServerAccessProfile", {}), inputs.get("dnsPrefix", "automatic")
    region, identities = inputs.get("location"), inputs.get("identity", {}).get("userAssignedIdentities", [])
    is_private = access.get("enablePrivateCluster", False)
    has_zone = is_private and access.get("privateDNSZone") != "none"
    return {
        "name": inputs.get("resourceName"),
        # A list on the way there, a mapping on the way back.
        "identity": {"userAssignedIdentities": {id_: {"principalId": PRINCIPAL} for id_ in identities}},
        "currentKubernetesVersion": f"{inputs.get('kubernetesVersion')}.2",
        "identityProfile": {"kubeletidentity": {"objectId": KUBELET}},
        "oidcIssuerProfile": {"issuerURL": f"https://{region}.oic.prod-aks.azure.com/{TENANT}/"},
        "fqdn": None if has_zone else f"{prefix}-1a2b3c4d.hcp.{region}.azmk8s.io",
        "privateFQDN": f"{prefix}-1a2b3c4d.privatelink.{region}.azmk8s.io" if has_zone else None,
    }


def _credentials(subscription: str, args: Properties) -> Properties:
    user = {"exec": {"command": "kubelogin", "args": ["get-token", "--login", "devicecode"]}}
    authority = base64.b64encode(CA_CERTIFICATE.encode()).decode()
    text = kubeconfig.build(args["resourceName"], "https://somewhere:443", authority, user)
    return {"kubeconfigs": [{"name": "clusterUser", "value": base64.b64encode(text.encode()).decode()}]}


AZURE_NATIVE = Cloud(
    package="azure-native",
    distribution="pulumi-azure-native",
    kinds={
        "azure-native:resources:ResourceGroup": Kind(
            identity=_group,
            computed=lambda subscription, inputs: {"name": inputs.get("resourceGroupName")},
            named_by="resourceGroupName",
            longest_name=90,
            replaced=("resourceGroupName", "location"),
        ),
        "azure-native:network:PublicIPAddress": _kind(
            "Microsoft.Network/publicIPAddresses",
            "publicIpAddressName",
            longest=80,
            replaced=("location", "publicIPAddressVersion", "publicIPPrefix", "sku"),
        ),
        "azure-native:network:NatGateway": _kind("Microsoft.Network/natGateways", "natGatewayName", longest=80),
        "azure-native:network:VirtualNetwork": _kind(
            "Microsoft.Network/virtualNetworks", "virtualNetworkName", longest=64, replaced=("location",)
        ),
        "azure-native:network:Subnet": Kind(
            identity=_in_group("Microsoft.Network/virtualNetworks", "virtualNetworkName", "subnets", "subnetName"),
            computed=lambda subscription, inputs: {"name": inputs.get("subnetName")},
            named_by=None,
            replaced=("resourceGroupName", "virtualNetworkName", "subnetName"),
            deletes_first=True,
        ),
        "azure-native:managedidentity:UserAssignedIdentity": Kind(
            identity=_in_group("Microsoft.ManagedIdentity/userAssignedIdentities", "resourceName"),
            computed=lambda subscription, inputs: {
                "name": inputs.get("resourceName"),
                "principalId": PRINCIPAL,
                "tenantId": TENANT,
            },
            named_by="resourceName",
            longest_name=128,
            replaced=("resourceGroupName", "resourceName"),
        ),
        "azure-native:authorization:RoleAssignment": Kind(
            identity=_on_scope("scope", "Microsoft.Authorization/roleAssignments", "roleAssignmentName"),
            named_by="roleAssignmentName",
            longest_name=90,
            replaced=("roleAssignmentName", "principalId", "scope"),
        ),
        "azure-native:authorization:ManagementLockByScope": Kind(
            identity=_on_scope("scope", "Microsoft.Authorization/locks", "lockName"),
            named_by="lockName",
            longest_name=260,
            replaced=("lockName", "scope"),
        ),
        "azure-native:keyvault:Vault": Kind(
            identity=_in_group("Microsoft.KeyVault/vaults", "vaultName"),
            computed=lambda subscription, inputs: {"name": inputs.get("vaultName")},
            named_by="vaultName",
            longest_name=24,
            replaced=("resourceGroupName", "vaultName"),
            deletes_first=True,
        ),
        "azure-native:keyvault:Key": Kind(
            identity=_in_group("Microsoft.KeyVault/vaults", "vaultName", "keys", "keyName"),
            computed=lambda subscription, inputs: {
                "name": inputs.get("keyName"),
                "keyUriWithVersion": f"https://{inputs.get('vaultName')}.vault.azure.net/keys/secrets/0123456789abcdef",
            },
            named_by=None,
            replaced=("resourceGroupName", "vaultName", "keyName"),
            deletes_first=True,
        ),
        "azure-native:operationalinsights:Workspace": _kind(
            "Microsoft.OperationalInsights/workspaces", "workspaceName", longest=63
        ),
        "azure-native:monitor:DiagnosticSetting": Kind(
            identity=_on_scope("resourceUri", "Microsoft.Insights/diagnosticSettings", "name"),
            longest_name=260,
            replaced=("name", "resourceUri"),
        ),
        "azure-native:containerservice:ManagedCluster": Kind(
            identity=_in_group("Microsoft.ContainerService/managedClusters", "resourceName"),
            computed=_cluster_outputs,
            named_by="resourceName",
            longest_name=63,
            replaced=(
                "resourceGroupName",
                "resourceName",
                "diskEncryptionSetID",
                "dnsPrefix",
                "fqdnSubdomain",
                "linuxProfile",
                "location",
                "nodeResourceGroup",
                "windowsProfile",
                "networkProfile.serviceCidr",
                "networkProfile.serviceCidrs",
                "networkProfile.dnsServiceIP",
                "networkProfile.networkMode",
                "networkProfile.networkPlugin",
                "networkProfile.networkPluginMode",
                "networkProfile.podCidr",
                "networkProfile.networkDataplane",
                "networkProfile.networkPolicy",
                "networkProfile.outboundType",
            ),
        ),
        "azure-native:containerservice:AgentPool": Kind(
            identity=_in_group(
                "Microsoft.ContainerService/managedClusters", "resourceName", "agentPools", "agentPoolName"
            ),
            computed=lambda subscription, inputs: {"name": inputs.get("agentPoolName")},
            named_by="agentPoolName",
            longest_name=12,
            replaced=("resourceGroupName", "resourceName", "agentPoolName", "vmSize", "gpuInstanceProfile"),
            deletes_first=True,
        ),
        "azure-native:containerservice:MaintenanceConfiguration": Kind(
            identity=_in_group(
                "Microsoft.ContainerService/managedClusters", "resourceName", "maintenanceConfigurations", "configName"
            ),
            computed=lambda subscription, inputs: {"name": inputs.get("configName")},
            named_by=None,
            replaced=("resourceGroupName", "resourceName", "configName"),
            deletes_first=True,
        ),
    },
    functions={"azure-native:containerservice:listManagedClusterUserCredentials": _credentials},
)
