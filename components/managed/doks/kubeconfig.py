"""How kubectl reaches a DOKS cluster: no credential is kept, DigitalOcean's own program is asked for one."""

import pulumi

from components import kubeconfig
from components.managed.caller import Caller
from components.managed.slim import SlimResource

CALLER = Caller(
    cloud="DigitalOcean",
    # https://www.pulumi.com/registry/packages/digitalocean/installation-configuration/
    variables=("DIGITALOCEAN_TOKEN", "DIGITALOCEAN_ACCESS_TOKEN"),
    files=(),
    settings=("digitalocean:token",),
    log_in="pulumi config set --secret digitalocean:token",
    program="doctl",
    install="get it from https://docs.digitalocean.com/reference/doctl/how-to/install/, then run `doctl auth init`",
)


def api_of(cluster: SlimResource) -> tuple[pulumi.Output[str], pulumi.Output[str]]:
    """The URL of the API and its CA's certificate in base64, which is no secret though it comes with a token."""
    authority = cluster.output("kubeConfigs").apply(lambda configs: configs[0]["clusterCaCertificate"])
    return cluster.output("endpoint"), pulumi.Output.unsecret(authority)


def exec_kubeconfig(name: str, cluster: SlimResource) -> pulumi.Output[str]:
    """A kubeconfig that holds no credential: kubectl asks DigitalOcean's own program for one."""
    endpoint, authority = api_of(cluster)
    return pulumi.Output.all(endpoint, authority, cluster.id).apply(
        lambda known: kubeconfig.build(
            name,
            server=known[0],
            ca_certificate=known[1],
            user={
                "exec": {
                    "apiVersion": "client.authentication.k8s.io/v1beta1",
                    "command": CALLER.program,
                    "args": ["kubernetes", "cluster", "kubeconfig", "exec-credential", "--version=v1beta1", known[2]],
                    "installHint": CALLER.install,
                }
            },
        )
    )
