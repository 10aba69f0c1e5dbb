"""How kubectl reaches a DOKS cluster: no credential is kept, DigitalOcean's own program is asked for one."""

import pulumi

from components.managed.api import Api
from components.managed.caller import Caller
from components.managed.slim import SlimResource

CALLER = Caller(
    cloud="DigitalOcean",
    # https://www.pulumi.com/registry/packages/digitalocean/installation-configuration/
    variables=("DIGITALOCEAN_TOKEN", "DIGITALOCEAN_ACCESS_TOKEN"),
    files=(),
    settings=("digitalocean:token",),
    log_in="export DIGITALOCEAN_TOKEN=…",
    program="doctl",
    install="get it from https://docs.digitalocean.com/reference/doctl/how-to/install/, then run `doctl auth init`",
)


def api_of(cluster: SlimResource) -> Api:
    """The API, whose CA's certificate is no secret though it comes with a token."""
    authority = cluster.output("kubeConfigs").apply(lambda configs: configs[0]["clusterCaCertificate"])
    return Api(cluster.output("endpoint"), pulumi.Output.unsecret(authority))


def exec_kubeconfig(name: str, api: Api, cluster: SlimResource) -> pulumi.Output[str]:
    """A kubeconfig that has kubectl ask DigitalOcean's own program.

    As `doctl kubernetes cluster kubeconfig save` writes it:
    https://github.com/digitalocean/doctl/blob/main/commands/kubernetes.go
    """
    return api.kubeconfig(
        name,
        {
            "apiVersion": "client.authentication.k8s.io/v1beta1",
            "command": CALLER.program,
            "args": ["kubernetes", "cluster", "kubeconfig", "exec-credential", "--version=v1beta1", cluster.id],
            "installHint": CALLER.install,
        },
    )
