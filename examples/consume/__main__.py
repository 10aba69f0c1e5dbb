"""Give a team the kubeconfig of a cluster that Slipway made, with the team's namespace chosen."""

import pulumi
import yaml

config = pulumi.Config()
cluster = pulumi.StackReference(config.require("cluster"))


def with_namespace(kubeconfig: str, namespace: str) -> str:
    """The same kubeconfig, whose contexts start in `namespace`."""
    document = yaml.safe_load(kubeconfig)
    for entry in document["contexts"]:
        entry["context"]["namespace"] = namespace
    return yaml.safe_dump(document, sort_keys=False)


# Secret in the stack that made it, and so in this one, with all that is derived from it.
kubeconfig = cluster.require_output("kubeconfig").apply(lambda text: with_namespace(text, config.require("namespace")))

pulumi.export("endpoint", cluster.require_output("endpoint"))
pulumi.export("kubernetes_version", cluster.require_output("kubernetes_version"))
pulumi.export("kubeconfig", kubeconfig)
