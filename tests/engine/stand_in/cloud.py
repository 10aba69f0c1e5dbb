"""What a stand-in knows about a cloud: for each type, its name, what it computes and what it cannot change in place."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Properties = dict[str, Any]


UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What the engine takes for a value that is not known yet."""


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

    goes_back: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    """Inputs that make the resource anew when their value becomes less, each with what tells less from more."""

    deletes_first: bool = False
    """Whether the provider would delete a resource before it makes the one that replaces it."""

    refuses_delete: Callable[[Properties], str | None] = lambda outputs: None
    """Why the cloud or its provider will not delete the resource, if so."""

    def outputs(self, project: str, inputs: Properties, *, known: bool = True) -> Properties:
        """The resource's properties once it is made, or, while that is not `known`, what a preview tells of them."""
        computed = self.computed(project, inputs)
        return _merged(inputs, computed if known else _unknown(computed))


@dataclass(frozen=True)
class Cloud:
    """One cloud's provider."""

    package: str
    """Name of its Pulumi package, e.g. `gcp`."""

    distribution: str
    """Name of its Python package, whose version the stand-in claims to have."""

    kinds: Mapping[str, Kind] = field(default_factory=dict)
    """Type token → what is known of it. The stand-in refuses types that are not here."""

    components: Mapping[str, str] = field(default_factory=dict)
    """Type token of a component that the provider itself makes → that of what is in it."""

    functions: Mapping[str, Callable[[str, Properties], Properties]] = field(default_factory=dict)
    """Token of a function → what it tells, from the provider's project and the function's arguments."""


def _merged(below: Properties, above: Properties) -> Properties:
    both = {
        key: _merged(below[key], value) if isinstance(value, dict) and isinstance(below.get(key), dict) else value
        for key, value in above.items()
    }
    return {**below, **both}


def _unknown(value: Any) -> Any:
    return {key: _unknown(inner) for key, inner in value.items()} if isinstance(value, Mapping) else UNKNOWN
