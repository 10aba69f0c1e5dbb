"""The keys of a cluster as a resource."""

from typing import Any

import pulumi
from pulumi import dynamic

from components.bootstrap.pki_provider import PkiProvider


class Keys(dynamic.Resource, module="slipway", name="Keys"):
    """Keys, authorities, and the administrator's certificate: in the state, encrypted."""

    # Not declared any closer: the SDK prints a value whose type it finds to be another one, and these are secret.
    pki: pulumi.Output[Any]
    """A `Pki`."""

    admin: pulumi.Output[Any]
    """A `ClientCertificate`."""

    admin_expires: pulumi.Output[str]
    """When the administrator's certificate ends (ISO 8601); in its last third of life, `pulumi up` renews it."""

    def __init__(
        self,
        name: str,
        cluster: str,
        opts: pulumi.ResourceOptions,
        *,
        encryption_generation: int = 1,
        authority_generation: int = 1,
    ) -> None:
        secret = pulumi.ResourceOptions(additional_secret_outputs=["pki", "admin"])
        super().__init__(
            PkiProvider(),
            name,
            {
                "name": cluster,
                "encryption_generation": encryption_generation,
                "authority_generation": authority_generation,
                **dict.fromkeys(("pki", "admin", "admin_expires")),
            },
            pulumi.ResourceOptions.merge(opts, secret),
        )
