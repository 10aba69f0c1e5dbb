"""The keys of Secrets on a cluster's control planes."""

from collections.abc import Mapping

import pulumi
from pulumi import dynamic

from components.bootstrap.encryption_provider import EncryptionProvider


class SecretsKeys(dynamic.Resource, module="slipway", name="SecretsKeys"):
    """That all control planes encrypt Secrets with the newest key, and know no other."""

    generation: pulumi.Output[int]
    """Of the key that all of them have."""

    def __init__(
        self,
        name: str,
        control_planes: Mapping[str, pulumi.Input[object]],
        keys: pulumi.Input[object],
        kubeconfig: pulumi.Input[str],
        generation: int,
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__(
            EncryptionProvider(),
            name,
            {"control_planes": control_planes, "keys": keys, "kubeconfig": kubeconfig, "generation": generation},
            pulumi.ResourceOptions.merge(
                opts, pulumi.ResourceOptions(additional_secret_outputs=["keys", "kubeconfig"])
            ),
        )
