"""Read the stack, build its target, export the contract."""

import os
import sys
from pathlib import Path

import pulumi

from components import kubeconfig, spec, targets
from components.cluster import CONTRACT

ERRORS_ARE_SHOWN = 32
"""The exit code after which Pulumi adds no message of its own."""


def main() -> None:
    """Build the cluster that this stack asks for."""
    stack = pulumi.get_stack()
    settings = spec.settings()
    component, args = targets.read(settings, stack)
    name = args.get("name", stack)
    cluster = component(name, args)
    for output in CONTRACT:
        pulumi.export(output, getattr(cluster, output))
    if access := targets.read_access(settings):
        from components.platform.access import access_to  # needs an SDK that no other stack does

        given = access_to(cluster, name, access)
        pulumi.export("people", given.people)
        pulumi.export("kubeconfigs", given.kubeconfigs)

    # A shell that `make env` set up has a kubeconfig of its own, which follows the cluster.
    if (folder := os.environ.get("SLIPWAY_KUBECONFIGS")) and not pulumi.runtime.is_dry_run():
        cluster.kubeconfig.apply(lambda text: save(Path(folder), stack, text))


def save(folder: Path, stack: str, text: str) -> None:
    """Keep the kubeconfig in `folder`; the cluster stands whether that works or not."""
    try:
        kubeconfig.save(folder, stack, text)
    except OSError as error:
        pulumi.log.warn(f"the kubeconfig could not be saved below {folder}: {error.strerror}")


try:
    main()
except spec.SpecError as error:
    for fault in error.faults:
        pulumi.log.error(f"stacks/Pulumi.{pulumi.get_stack()}.yaml: {fault}")
    sys.exit(ERRORS_ARE_SHOWN)
