"""How kubectl reaches a Kapsule cluster: no credential is kept, Scaleway's own program is asked for one."""

import pulumi

from components import kubeconfig
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


def exec_kubeconfig(name: str, endpoint: pulumi.Output[str], authority: pulumi.Output[str]) -> pulumi.Output[str]:
    """A kubeconfig that holds no credential: kubectl asks Scaleway's own program for one.

    As `scw k8s kubeconfig get` writes it:
    https://github.com/scaleway/scaleway-cli/blob/master/internal/namespaces/k8s/v1/custom_kubeconfig.go
    """
    user = {
        "exec": {
            # What the program answers with; this version of it insists on being told that nobody is asked anything.
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": CALLER.program,
            "args": ["k8s", "exec-credential"],
            "interactiveMode": "Never",
            "installHint": CALLER.install,
        }
    }
    return pulumi.Output.all(endpoint, authority).apply(
        lambda known: kubeconfig.build(name, server=known[0], ca_certificate=known[1], user=user)
    )
