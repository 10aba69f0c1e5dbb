"""How kubectl reaches a GKE cluster: no credential is kept, Google's own program is asked for one."""

import pulumi
from pulumi_gcp import container

from components.managed.api import Api
from components.managed.caller import Caller
from components.managed.gke.args import GkeArgs
from components.managed.managed_args import authorized_cidrs

CALLER = Caller(
    cloud="Google Cloud",
    # https://cloud.google.com/docs/authentication/application-default-credentials, and the provider's own variables.
    variables=("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CREDENTIALS", "GOOGLE_OAUTH_ACCESS_TOKEN", "CLOUDSDK_CONFIG"),
    files=("~/.config/gcloud/application_default_credentials.json",),
    settings=("gcp:credentials", "gcp:accessToken"),
    log_in="gcloud auth application-default login",
    program="gke-gcloud-auth-plugin",
    install="install it with `gcloud components install gke-gcloud-auth-plugin`",
)


def api_of(cluster: container.Cluster, args: GkeArgs) -> Api:
    """The API, by its DNS name, for which a public CA signs, unless listed networks reach its address."""
    if authorized_cidrs(args):
        authority = cluster.master_auth.apply(lambda auth: auth.cluster_ca_certificate)
        return Api(pulumi.Output.concat("https://", cluster.endpoint), authority)
    name = cluster.control_plane_endpoints_config.dns_endpoint_config.endpoint
    return Api(pulumi.Output.concat("https://", name), pulumi.Output.from_input(None))


def exec_kubeconfig(name: str, api: Api) -> pulumi.Output[str]:
    """A kubeconfig that has kubectl ask Google's own program.

    https://cloud.google.com/kubernetes-engine/docs/how-to/cluster-access-for-kubectl
    """
    return api.kubeconfig(
        name,
        {
            "apiVersion": "client.authentication.k8s.io/v1beta1",
            "command": CALLER.program,
            "installHint": CALLER.install,
            "provideClusterInfo": True,
        },
    )
