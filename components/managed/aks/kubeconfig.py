"""How kubectl reaches an AKS cluster: no credential is kept, Microsoft's own program is asked for one."""

import base64

import pulumi
from pulumi_azure_native import containerservice

from components import kubeconfig
from components.managed.aks.args import AksArgs
from components.managed.aks.resource import SDK
from components.managed.api import Api
from components.managed.caller import Caller
from components.managed.managed_args import authorized_cidrs
from components.managed.slim import SlimResource, ask

SERVER = "6dae42f8-4368-4678-94ff-3960e28e3630"
"""The application of AKS in Entra ID, the same in every tenant: https://azure.github.io/kubelogin/concepts/aks.html."""

CALLER = Caller(
    cloud="Azure",
    # https://www.pulumi.com/registry/packages/azure-native/installation-configuration/
    variables=("ARM_CLIENT_ID", "ARM_USE_MSI", "ARM_USE_OIDC", "AZURE_CLIENT_ID", "AZURE_CONFIG_DIR"),
    files=("~/.azure/azureProfile.json",),
    settings=("azure-native:clientId", "azure-native:useMsi", "azure-native:useOidc"),
    log_in="az login",
    program="kubelogin",
    install="install it with `az aks install-cli`",
)


def api_of(cluster: containerservice.ManagedCluster, args: AksArgs, group: SlimResource) -> Api:
    """The API, whose CA's certificate AKS tells in a kubeconfig only."""
    is_public = bool(authorized_cidrs(args)) or args.get("aks", {}).get("public_dns_name", False)
    told = ask(
        SDK,
        "azure-native:containerservice:listManagedClusterUserCredentials",
        {"resourceGroupName": group.output("name"), "resourceName": cluster.name},
        cluster,
    )
    authority = told.apply(
        lambda credentials: kubeconfig.cluster_of(base64.b64decode(credentials["kubeconfigs"][0]["value"]).decode())[
            "certificate-authority-data"
        ]
    )
    host = cluster.fqdn if is_public else cluster.private_fqdn
    return Api(pulumi.Output.concat("https://", host, ":443"), authority)


def exec_kubeconfig(name: str, api: Api) -> pulumi.Output[str]:
    """A kubeconfig that has kubectl ask Microsoft's own program.

    That of AKS itself would have every user type a code into a browser: https://github.com/Azure/AKS/issues/4990.
    """
    return api.kubeconfig(
        name,
        {
            "apiVersion": "client.authentication.k8s.io/v1beta1",
            "command": CALLER.program,
            "args": ["get-token", "--login", "azurecli", "--server-id", SERVER],
            "installHint": CALLER.install,
            "provideClusterInfo": False,
        },
    )
