"""The API of a cluster in a cloud, and the kubeconfig that leads there."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from components import kubeconfig


@dataclass(frozen=True)
class Api:
    """The API of a cluster."""

    endpoint: pulumi.Output[str]
    """Its URL."""

    authority: pulumi.Output[str | None]
    """Its CA's certificate in base64; none where a public CA signs for it."""

    @property
    def certificate(self) -> pulumi.Output[str | None]:
        """Its CA's certificate in PEM, if any."""
        return self.authority.apply(lambda encoded: encoded and base64.b64decode(encoded).decode())

    def kubeconfig(self, name: str, program: Mapping[str, Any]) -> pulumi.Output[str]:
        """A kubeconfig that holds no credential: kubectl asks a program for one.

        Args:
            name: Name of the cluster.
            program: Which one and how, as `exec` of a user says it. Values may be outputs of resources.
        """
        return pulumi.Output.all(self.endpoint, self.authority, dict(program)).apply(
            lambda known: kubeconfig.build(name, server=known[0], ca_certificate=known[1], user={"exec": known[2]})
        )
