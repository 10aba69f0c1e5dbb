"""Every stack of a cloud on the real engine, with a stand-in for the cloud: up, up again, change, destroy."""

from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from components import targets
from tests.engine.slipway import PROJECT, Stack
from tests.examples import EXAMPLES, MANAGED
from tests.examples.example import Example


def cluster_of(name: str) -> Mapping[str, Any]:
    document = yaml.safe_load((PROJECT / "stacks" / f"Pulumi.{name}.yaml").read_text())
    return document["config"]["slipway:cluster"]


STACKS = [f"{stage}-{target}" for target in MANAGED for stage in ("prod", "dev")]
PRODUCTION = [stack for stack in STACKS if stack.startswith("prod-")]


def example_of(stack: str) -> Example:
    return EXAMPLES[stack.partition("-")[2]]


def control_plane(stack: Stack) -> str:
    """The name of the cloud's own resource for the cluster."""
    return f"{stack.name}-cluster"


def pools(stack: Stack) -> list[str]:
    return [f"{stack.name}-{pool['name']}" for pool in cluster_of(stack.name).get("nodePools", [])]


def unprotect(stack: Stack) -> None:
    stack.set(deletionProtection=False)
    stack.up()


def test_every_target_in_a_cloud_has_a_stack_for_production_and_a_small_one():
    clouds = [name for name, target in targets.TARGETS.items() if target.extra]
    found = {file.name.split(".")[1] for file in (PROJECT / "stacks").glob("Pulumi.*.yaml")}

    assert {f"{stage}-{cloud}" for cloud in clouds for stage in ("prod", "dev")} <= found


@pytest.mark.parametrize("name", STACKS)
def test_a_second_up_and_a_refresh_change_nothing(standing, name):
    stack = standing(name)

    assert set(stack.up().changes) == {"same"}
    assert set(stack.refresh().changes) <= {"refresh", "same"}


@pytest.mark.parametrize("name", STACKS)
def test_a_preview_makes_nothing(slipway, name):
    stack = slipway(name)

    assert set(stack.preview().changes) == {"create"}
    assert stack.journal() == []


@pytest.mark.parametrize("name", STACKS)
def test_more_nodes_are_an_update_of_the_pool_alone(standing, name):
    stack = standing(name)
    stack.set(**example_of(name).bigger(cluster_of(name)))

    run = stack.up()

    assert set(run.changes) == {"same", "update"}
    assert run.changes["update"] == len(pools(stack))
    assert {name for operation, name in stack.journal() if operation == "update"} == set(pools(stack))


@pytest.mark.parametrize("name", STACKS)
def test_a_new_version_goes_to_the_control_plane_before_the_pools(slipway, name):
    stack = slipway(name, version="1.36")
    stack.up()
    stack.set(version="1.37")
    before = len(stack.journal())

    run = stack.up()

    updated = [name for operation, name in stack.journal()[before:] if operation == "update"]
    assert set(run.changes) == {"same", "update"}
    assert updated[0] == control_plane(stack)
    assert stack.outputs()["kubernetes_version"].startswith("v1.37")


@pytest.mark.parametrize("name", PRODUCTION)
def test_two_minors_at_once_are_refused_at_preview(slipway, name):
    stack = slipway(name, version="1.35")
    stack.up()
    stack.set(version="1.37")
    before = stack.journal()

    run = stack.fails("preview")

    assert any('write "1.36" first' in error for error in run.errors), run.output
    assert stack.journal() == before


@pytest.mark.parametrize("name", STACKS)
def test_a_pool_more_and_a_pool_less_leave_the_others_alone(standing, name):
    stack = standing(name)
    first, *others = cluster_of(name)["nodePools"]
    more = {**first, "name": "batch"}
    stack.set(nodePools=[first, *others, more])
    assert set(stack.up().changes) == {"same", "create"}

    stack.set(nodePools=[*others, more])
    run = stack.up()

    assert set(run.changes) == {"same", "delete"}
    assert ("delete", f"{name}-{first['name']}") in stack.journal()


# The guard


@pytest.mark.parametrize("name", PRODUCTION)
def test_what_would_replace_a_production_cluster_fails_the_preview_and_names_each_key(standing, name):
    stack = standing(name)
    before = stack.journal()
    stack.set(**example_of(name).pinned)

    run = stack.fails("preview")

    for key in example_of(name).pinned:
        assert any(f" {key}: a change from " in error and f"`make up STACK={name}`" in error for error in run.errors)
    assert "Traceback" not in run.output
    assert stack.journal() == before


@pytest.mark.parametrize(
    ("name", "key"),
    [(stack, key) for stack in STACKS if stack not in PRODUCTION for key in example_of(stack).pinned],
)
def test_what_the_guard_refuses_would_really_replace_the_cluster(standing, name, key):
    stack = standing(name)
    other = example_of(name).pinned[key]
    stack.set(**{key: not other if cluster_of(name).get(key) == other else other})

    run = stack.preview()

    assert {step.operation for step in run.steps if step.name == control_plane(stack)} & REPLACED


@pytest.mark.parametrize(
    ("name", "key"), [(stack, key) for stack in PRODUCTION for key in example_of(stack).pinned_with]
)
def test_what_takes_more_than_one_key_is_refused_by_the_guard_and_would_replace_the_cluster(standing, name, key):
    stack = standing(name)
    written, changes = stack.file.read_text(), example_of(name).pinned_with[key]
    stack.set(**changes)
    assert any(f" {key}: a change from " in error for error in stack.fails("preview").errors)

    stack.file.write_text(written)
    unprotect(stack)
    stack.set(**changes)
    run = stack.preview()

    assert {step.operation for step in run.steps if step.name == control_plane(stack)} & REPLACED


REPLACED = {"replace", "create-replacement"}


# Destroy


@pytest.mark.parametrize("name", PRODUCTION)
def test_a_production_cluster_is_not_destroyed_and_nothing_around_it_is(standing, name):
    stack = standing(name)
    before, state = stack.journal(), made(stack)

    run = stack.fails("destroy")

    # Pulumi's own words, which know nothing of stack files: they name the seal, so that nothing else was come to.
    # What `make down` says instead names the one way, which a test of the commands asserts.
    refused = [error for error in run.errors if "it is protected" in error]
    assert len(refused) == 1 and f"::{name}-seal" in refused[0], run.output
    assert "Traceback" not in run.output
    assert stack.journal() == before
    # A pool that goes with its cluster would be forgotten without the cloud being asked.
    assert made(stack) == state


def made(stack: Stack) -> set[str]:
    """What is in the state; providers aside, which Pulumi makes and drops as it needs them."""
    return {resource["urn"] for resource in stack.state() if not resource["type"].startswith("pulumi:providers:")}


@pytest.mark.parametrize("name", STACKS)
def test_once_unprotected_everything_goes_and_nothing_before_what_stands_on_it(standing, name):
    stack = standing(name)
    if name in PRODUCTION:
        unprotect(stack)
    depends = {resource["urn"]: resource.get("dependencies") or [] for resource in stack.state()}

    stack.destroy()

    assert stack.state() == []
    deleted = [name for operation, name in stack.journal() if operation == "delete"]
    place = {name: index for index, name in enumerate(deleted)}
    for urn, needed in depends.items():
        name_of = urn.rpartition("::")[2]
        for below in (each.rpartition("::")[2] for each in needed):
            if name_of in place and below in place:
                assert place[name_of] < place[below], f"{below} went before {name_of}, which needs it"


@pytest.mark.parametrize("name", STACKS)
def test_pools_go_with_their_cluster_or_before_it_where_the_cloud_insists(standing, name):
    stack = standing(name)
    if name in PRODUCTION:
        unprotect(stack)

    stack.destroy()

    assert ("delete", control_plane(stack)) in stack.journal()
    deleted = {name for operation, name in stack.journal() if operation == "delete"}
    assert deleted & set(pools(stack)) == (set(pools(stack)) if example_of(name).pools_go_first else set())


# Failure and secrets


@pytest.mark.parametrize("name", PRODUCTION)
def test_a_run_that_the_cloud_refuses_half_way_is_finished_by_the_next_one(slipway, name):
    stack = slipway(name)
    stack.environment["STAND_IN_REFUSES"] = control_plane(stack)
    run = stack.fails("up")
    assert any(f"the quota does not allow for {control_plane(stack)}" in error for error in run.errors)
    assert "Traceback" not in run.output

    del stack.environment["STAND_IN_REFUSES"]
    assert set(stack.up().changes) == {"same", "create"}


@pytest.mark.parametrize("name", STACKS)
def test_a_stack_exports_the_contract_and_its_kubeconfig_stays_secret(standing, name):
    stack = standing(name)
    kubeconfig = stack.outputs(show_secrets=True)["kubeconfig"]

    assert stack.outputs()["kubeconfig"] == "[secret]"
    assert stack.outputs()["endpoint"] == yaml.safe_load(kubeconfig)["clusters"][0]["cluster"]["server"]
    asked = f"command: {example_of(name).exec_program}"
    assert asked in kubeconfig
    assert asked not in stack.state_file().read_text()


@pytest.mark.parametrize("name", PRODUCTION)
def test_bad_input_is_refused_at_preview_in_one_line_and_nothing_is_made(slipway, name):
    stack = slipway(name, regoin="somewhere")

    run = stack.fails("preview")

    assert len(run.errors) == 1, run.output
    assert run.errors[0] == f"stacks/Pulumi.{name}.yaml: regoin: unknown key; did you mean region?"
    assert stack.journal() == []
