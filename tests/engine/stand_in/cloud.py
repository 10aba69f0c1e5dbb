"""What a stand-in knows about a cloud: for each type, its name, what it computes and what it cannot change in place."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Properties = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """One type of resource."""

    computed: Callable[[str, Properties], Properties] = lambda project, inputs: {}
    """What the cloud adds to a resource's inputs, from the provider's project and those inputs."""

    identity: Callable[[str, Properties], str] = lambda project, inputs: inputs["name"]
    """The id that the cloud gives."""

    named_by: str | None = "name"
    """The input that Pulumi fills with a unique name when a program does not."""

    longest_name: int = 63

    replaced: tuple[str, ...] = ()
    """The inputs whose change makes the resource anew, e.g. `nodeConfig.spot`; all below them are meant too."""

    refuses_delete: Callable[[Properties], str | None] = lambda outputs: None
    """Why the cloud or its provider will not delete the resource, if so."""


@dataclass(frozen=True)
class Cloud:
    """One cloud's provider."""

    package: str
    """Name of its Pulumi package, e.g. `gcp`."""

    distribution: str
    """Name of its Python package, whose version the stand-in claims to have."""

    kinds: Mapping[str, Kind] = field(default_factory=dict)
    """Type token → what is known of it. The stand-in refuses types that are not here."""
