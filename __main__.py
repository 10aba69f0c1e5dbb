"""Read the stack, build its target, export the contract."""

import os

import pulumi

from components import kubeconfig, spec, targets
from components.cluster import CONTRACT


def main() -> None:
    """Build the cluster that this stack asks for."""
    stack = pulumi.get_stack()
    wanted = spec.read(pulumi.Config("slipway"))
    target = targets.find(wanted.target)
    module = target.load()
    args = spec.parse(module.Args, wanted.cluster, module.check)
    cluster = target.cluster()(args.get("name", stack), args)
    for output in CONTRACT:
        pulumi.export(output, getattr(cluster, output))

    # A shell that `make env` set up has a kubeconfig of its own; it follows the cluster.
    if (folder := os.environ.get("SLIPWAY_KUBECONFIGS")) and not pulumi.runtime.is_dry_run():
        cluster.kubeconfig.apply(lambda text: kubeconfig.save(folder, stack, text))


try:
    main()
except spec.SpecError as error:
    raise pulumi.RunError(f"stacks/Pulumi.{pulumi.get_stack()}.yaml: {error}") from None
