"""What only DOKS has to prove on the engine: the build that runs stays, and the stack's minor is followed."""

import json

import pytest

POOL = {"name": "general", "machineType": "s-4vcpu-8gb", "minNodes": 2, "maxNodes": 6}


@pytest.fixture
def fresh(slipway):
    """The stack `prod-doks`, not up yet."""
    return slipway("prod-doks")


@pytest.fixture
def prod(standing):
    """The stack `prod-doks`, up."""
    return standing("prod-doks")


def version_of(stack):
    return next(each for each in stack.state() if each["type"].endswith(":KubernetesCluster"))["outputs"]["version"]


def offers(stack, *slugs):
    stack.environment["STAND_IN_NEWS"] = json.dumps(slugs)


def drifts(stack, **inputs):
    stack.environment["STAND_IN_DRIFT"] = json.dumps({"prod-doks-cluster": inputs})


# Versions


def test_a_newer_patch_that_is_offered_changes_nothing(prod):
    offers(prod, "1.37.4-do.0")

    assert prod.up().changes == {"same": 7}
    assert version_of(prod) == "1.37.2-do.0"


def test_a_patch_that_digitalocean_brought_is_kept_and_replaces_nothing(prod):
    offers(prod, "1.37.4-do.0")
    drifts(prod, version="1.37.3-do.0")
    prod.refresh()

    assert version_of(prod) == "1.37.3-do.0"
    assert prod.up().changes == {"same": 7}
    assert version_of(prod) == "1.37.3-do.0"


def test_a_patch_that_the_same_run_finds_is_kept_too(prod):
    drifts(prod, version="1.37.3-do.0")

    run = prod.up("--refresh")

    assert not {"replace", "create-replacement", "update"} & run.changes.keys(), run.changes
    assert version_of(prod) == "1.37.3-do.0"


def test_a_new_minor_in_the_stack_file_upgrades_the_control_plane_and_the_pools_are_left_to_digitalocean(fresh):
    fresh.set(version="1.36")
    fresh.up()
    assert version_of(fresh) == "1.36.3-do.1"
    fresh.set(version="1.37")

    assert fresh.up().changes == {"same": 5, "update": 2}
    assert fresh.journal()[-1] == ("update", "prod-doks-cluster")
    assert version_of(fresh) == "1.37.2-do.0"
    assert fresh.outputs()["kubernetes_version"] == "v1.37.2"


def test_an_upgrade_that_was_refused_is_tried_again(fresh):
    fresh.set(version="1.36")
    fresh.up()
    fresh.set(version="1.37")
    fresh.environment["STAND_IN_REFUSES"] = "prod-doks-cluster"
    fresh.fails("up")
    del fresh.environment["STAND_IN_REFUSES"]

    fresh.up()

    assert version_of(fresh) == "1.37.2-do.0"


def test_a_minor_that_digitalocean_brought_is_not_gone_back_from(prod):
    drifts(prod, version="1.38.0-do.0")
    prod.refresh()

    (line,) = prod.fails("preview").errors

    assert line == (
        "stacks/Pulumi.prod-doks.yaml: version: 1.37 is older than 1.38.0, which runs, "
        'and a control plane never goes back; write "1.38"'
    )


def test_an_unprotected_cluster_is_replaced_by_one_of_a_build_that_can_be_had(fresh):
    fresh.set(deletionProtection=False)
    fresh.up()
    offers(fresh, "1.37.4-do.0")
    fresh.set(region="ams3")
    before = len(fresh.journal())

    fresh.up()

    assert version_of(fresh) == "1.37.4-do.0"
    done = fresh.journal()[before:]
    for name in ("prod-doks-cluster", "prod-doks-network"):
        # Neither two networks of one team nor two clusters of one network may overlap.
        assert done.index(("delete", name)) < done.index(("create", name))


# Node pools


def test_a_pool_of_other_machines_stands_before_the_old_one_goes(prod):
    prod.set(nodePools=[{**POOL, "machineType": "s-8vcpu-16gb"}])

    assert prod.preview().reasons("prod-doks-general") == ["size"]
    assert prod.up().changes["same"] == 6
    assert prod.journal()[-2:] == [("create", "prod-doks-general"), ("delete", "prod-doks-general")]


# What cannot be taken back


def test_high_availability_is_turned_on_in_place_and_never_off(fresh):
    fresh.set(highlyAvailable=False)
    fresh.up()
    fresh.set(highlyAvailable=True)
    assert fresh.up().changes == {"same": 5, "update": 2}

    fresh.set(highlyAvailable=False, deletionProtection=False)
    run = fresh.fails("preview")

    assert any("highlyAvailable: is true for the cluster prod-doks, and the cloud cannot take" in e for e in run.errors)


# Secrets


def test_the_token_of_the_provider_is_encrypted_in_the_state_and_shown_nowhere(fresh):
    run = fresh.up()

    assert "dop_v1_" not in fresh.state_file().read_text()
    assert "dop_v1_" not in run.output
    assert "dop_v1_" not in json.dumps(fresh.outputs(show_secrets=True))
