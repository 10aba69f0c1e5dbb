"""Resources and functions of an SDK's module that is too large to import.

Importing `pulumi_gcp.compute`, `pulumi_aws.ec2` or `pulumi_azure_native.network` builds the classes of hundreds of
resources, of which a cluster needs a handful, and takes seconds. Tests hold what is passed here against the SDK's own
types all the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import metadata
from typing import Any

import pulumi


class SlimResource(pulumi.CustomResource):
    """A resource that its provider and its state take for one of the SDK's own."""

    def __init__(
        self,
        distribution: str,
        token: str,
        name: str,
        inputs: Mapping[str, Any],
        opts: pulumi.ResourceOptions,
        outputs: Iterable[str] = ("name",),
    ) -> None:
        """Declare a resource.

        Args:
            distribution: The SDK's Python package, e.g. `pulumi-gcp`.
            token: The resource's type, e.g. `gcp:compute/routerNat:RouterNat`.
            name: Its name in Pulumi.
            inputs: Its arguments, spelled as the provider spells them: `ipCidrRange`.
            opts: Its options.
            outputs: What the cloud tells of it and others need, spelled so too: read it with `output`.
        """
        self._outputs = frozenset(outputs)
        super().__init__(
            token,
            name,
            {**dict.fromkeys(self._outputs), **inputs},
            # As the SDK does: all resources of one cloud share one provider of one version.
            pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(version=_version(distribution))),
        )

    def output(self, name: str) -> pulumi.Output[Any]:
        """An output that the constructor named."""
        return getattr(self, name)


def type_of(package: str, kind: str) -> str:
    """A resource's type as providers that come from Terraform spell it: `gcp:kms/keyRing:KeyRing` for `kms:KeyRing`."""
    module, _, name = kind.partition(":")
    return f"{package}:{module}/{name[0].lower()}{name[1:]}:{name}"


def ask(
    distribution: str, token: str, args: Mapping[str, Any], parent: pulumi.Resource | None
) -> pulumi.Output[dict[str, Any]]:
    """What a function of a cloud's provider tells, by the names that the provider uses.

    Args:
        distribution: The SDK's Python package, e.g. `pulumi-gcp`.
        token: The function, e.g. `gcp:organizations/getProject:getProject`.
        args: Its arguments, spelled as the provider spells them.
        parent: Whose provider is asked.
    """
    opts = pulumi.InvokeOutputOptions(parent=parent, version=_version(distribution))
    return pulumi.runtime.invoke_output(token, dict(args), opts)


def answer(distribution: str, token: str, args: Mapping[str, Any], parent: pulumi.Resource, key: str) -> Sequence[Any]:
    """The list that `ask` would tell as `key`, waited for: what must be known before anything is declared.

    It is empty where the provider itself is made by the same program, and cannot be asked yet.

    Raises:
        RunError: The cloud does not answer.
    """
    opts = pulumi.InvokeOptions(parent=parent, version=_version(distribution))
    try:
        told = pulumi.runtime.invoke(token, dict(args), opts).value or {}
    except Exception as error:  # the SDK raises nothing more telling
        raise pulumi.RunError(str(error)) from error
    return told.get(key, [])


@cache
def _version(distribution: str) -> str:
    """Looked up once: each time reads a file."""
    return metadata.version(distribution)
