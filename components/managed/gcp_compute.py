"""Google Cloud's compute resources, without the SDK's compute module.

Importing that module builds the classes of some 280 resources, of which a cluster needs four, and takes three quarters
of the time of all imports. Tests hold what is passed here against the SDK's own types.
"""

from collections.abc import Mapping
from importlib import metadata
from typing import Any

import pulumi

SDK_VERSION = metadata.version("pulumi-gcp")


class ComputeResource(pulumi.CustomResource):
    """A resource of type `gcp:compute/…`, in the state just as the SDK would write it."""

    name: pulumi.Output[str]
    """Its name in Google Cloud."""

    def __init__(self, kind: str, name: str, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions) -> None:
        """Declare a resource.

        Args:
            kind: What it is, e.g. `RouterNat`.
            name: Its name in Pulumi.
            inputs: Its arguments, spelled as the provider spells them: `ipCidrRange`.
            opts: Its options.
        """
        super().__init__(
            f"gcp:compute/{kind[0].lower()}{kind[1:]}:{kind}",
            name,
            {"name": None, **inputs},
            # As the SDK does: all resources of one cloud share one provider of one version.
            pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(version=SDK_VERSION)),
        )
