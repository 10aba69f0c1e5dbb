"""How kubectl reaches a Kapsule cluster: no credential is kept, Scaleway's own program is asked for one."""

import pulumi
from pulumiverse_scaleway import kubernetes

from components.managed.api import Api
from components.managed.caller import Caller

CALLER = Caller(
    cloud="Scaleway",
    # https://github.com/scaleway/scaleway-sdk-go/blob/master/scw/README.md#scaleway-config
    variables=("SCW_SECRET_KEY", "SCW_CONFIG_PATH"),
    files=("~/.config/scw/config.yaml",),
    settings=("scaleway:secretKey",),
    log_in="scw init",
    program="scw",
    install="install it as https://github.com/scaleway/scaleway-cli#installation says",
)


def api_of(cluster: kubernetes.Cluster) -> Api:
    """The API, whose CA's certificate is no secret though it comes with an administrator's token."""
    return Api(cluster.apiserver_url, pulumi.Output.unsecret(cluster.kubeconfigs[0].cluster_ca_certificate))


def exec_kubeconfig(name: str, api: Api) -> pulumi.Output[str]:
    """A kubeconfig that has kubectl ask Scaleway's own program.

    As `scw k8s kubeconfig get` writes it:
    https://github.com/scaleway/scaleway-cli/blob/master/internal/namespaces/k8s/v1/custom_kubeconfig.go
    """
    return api.kubeconfig(
        name,
        {
            # What the program answers with; this version of it insists on being told that nobody is asked anything.
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": CALLER.program,
            "args": ["k8s", "exec-credential"],
            "interactiveMode": "Never",
            "installHint": CALLER.install,
        },
    )
