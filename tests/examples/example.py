"""What an example tells about its target."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.engine.stand_in.cloud import Cloud

Changes = Mapping[str, Any]
"""Keys of `slipway:cluster`, as a stack file spells them; None takes a key out."""


@dataclass(frozen=True)
class Seen:
    """How one sees in what a target declares that it gives a feature."""

    kind: str
    """The last part of a resource's type: one such resource at least must have the field as wanted."""

    path: str
    """Path of the field, as the provider spells it; a number picks from a list."""

    wanted: Any
    """The value, or a function that says whether a value will do."""

    when: Changes = field(default_factory=dict)
    """What a stack writes to have it."""


@dataclass(frozen=True)
class ByTest:
    """A feature that no single field shows: the test that shows it."""

    name: str
    """Name of the test function."""


Evidence = Seen | tuple[Seen, ...] | ByTest

# Tests that hold every cloud to a feature.
UPGRADED = ByTest("test_a_new_version_goes_to_the_control_plane_before_the_pools")
GIVEN_BACK = ByTest("test_load_balancers_and_volumes_go_before_the_nodes_so_that_the_cluster_gives_them_back")
PROTECTED = ByTest("test_protection_follows_the_table_of_targets_unless_a_stack_says_otherwise")


@dataclass(frozen=True)
class Example:
    """A target, and how its promises show."""

    target: str

    cluster: Mapping[str, Any]
    """What a stack file says under `slipway:cluster`: a production cluster where the target is a cloud."""

    features: Mapping[str, Evidence]
    """Feature of the parity matrix → how it shows; every one that the target does not lack is there."""

    lacking: Mapping[str, Changes] = field(default_factory=dict)
    """Feature that the target lacks → how a stack asks for it; those that no key asks for are left out."""

    cloud: Cloud | None = None
    """The stand-in's table."""

    made_for_a_network: tuple[str, ...] = ()
    """Kinds of resources (last part of the type) that are not made in a given network."""

    pinned: Mapping[str, Any] = field(default_factory=dict)
    """Key of the stack file → another value, which would make the cloud replace the cluster."""

    pinned_with: Mapping[str, Changes] = field(default_factory=dict)
    """Further such keys, as the guard names them → what a stack writes to change them."""

    node_pool: str = ""
    """Kind of the resource that is one node pool."""

    pools_go_first: bool = False
    """Whether the cloud deletes no cluster that still has pools."""

    bigger: Callable[[Mapping[str, Any]], Changes] = lambda cluster: {
        "nodePools": [{**pool, "maxNodes": pool["maxNodes"] + 1} for pool in cluster["nodePools"]]
    }
    """A change that every cloud makes in place, from what the stack says."""

    exec_program: str = ""
    """The program that the kubeconfig asks for a credential."""
