"""What only Kapsule has, on the real engine: order, and what Scaleway's provider does by itself."""

import pytest

from tests.engine.stand_in.scaleway import ADMIN_TOKEN

POOL = {"name": "general", "machineType": "POP2-4C-16G", "minNodes": 1, "maxNodes": 5}

GIVEN = {"privateNetworkId": "fr-par/6d0c4b1e-8f3c-4f6e-9a55-2f4d1c0f7a10", "gatewayAddress": "198.51.100.9"}


@pytest.fixture
def fresh(slipway):
    """The stack `prod-kapsule`, not up yet."""
    return slipway("prod-kapsule")


@pytest.fixture
def prod(standing):
    """The stack `prod-kapsule`, up."""
    return standing("prod-kapsule")


def deleted(stack):
    return [name for operation, name in stack.journal() if operation == "delete"]


def test_the_second_up_changes_nothing(fresh):
    assert set(fresh.up().changes) == {"create"}
    assert set(fresh.up().changes) == {"same"}


def test_one_provider_makes_everything(prod):
    providers = [each for each in prod.state() if each["type"].startswith("pulumi:providers:scaleway")]

    assert len(providers) == 1


def test_the_api_is_closed_before_nodes_come(prod):
    created = [name for operation, name in prod.journal() if operation == "create"]

    assert created[-3:] == ["prod-kapsule-cluster", "prod-kapsule-acl", "prod-kapsule-general"]
    assert created.index("prod-kapsule-nat") < created.index("prod-kapsule-cluster")


def test_an_upgrade_is_one_update_of_the_cluster_which_takes_its_pools_along(fresh):
    fresh.set(version="1.36")
    fresh.up()
    fresh.set(version="1.37")

    fresh.up()

    assert [name for operation, name in fresh.journal() if operation == "update"] == ["prod-kapsule-cluster"]


def test_a_pool_of_other_machines_stands_before_the_old_one_goes(prod):
    prod.set(nodePools=[{**POOL, "machineType": "POP2-8C-32G"}])

    assert prod.preview().reasons("prod-kapsule-general") == ["nodeType"]
    prod.up()
    assert prod.journal()[-2:] == [("create", "prod-kapsule-general"), ("delete", "prod-kapsule-general")]


def test_a_larger_control_plane_is_bought_in_place(prod):
    prod.set(kapsule={"controlPlane": "kapsule-dedicated-8"})

    prod.up()

    assert prod.journal()[-1] == ("update", "prod-kapsule-cluster")


def test_destroying_never_opens_the_api_and_leaves_no_address_behind(prod):
    prod.set(deletionProtection=False)
    prod.up()
    prod.destroy()

    assert prod.state() == []
    gone = deleted(prod)
    assert gone[0] == "prod-kapsule-cluster"
    assert not {"prod-kapsule-acl", "prod-kapsule-general"} & set(gone)
    assert gone.index("prod-kapsule-nat") < gone.index("prod-kapsule-gateway") < gone.index("prod-kapsule-address")
    assert gone.index("prod-kapsule-nat") < gone.index("prod-kapsule-network") < gone.index("prod-kapsule-vpc")


def test_a_given_network_has_something_left_in_it_until_the_cluster_is_gone(fresh):
    fresh.set(network=GIVEN, deletionProtection=False)
    fresh.up()
    fresh.destroy()

    assert fresh.journal()[0] == ("create", "prod-kapsule-anchor")
    assert deleted(fresh) == ["prod-kapsule-cluster", "prod-kapsule-anchor"]


def test_in_another_given_network_something_is_left_too(fresh):
    fresh.set(network=GIVEN, deletionProtection=False)
    fresh.up()
    fresh.set(network={**GIVEN, "privateNetworkId": "fr-par/0f4a9f62-5a0c-4a53-8f0e-3f1d2b7c9e11"})

    run = fresh.preview()

    # The provider calls it a change in place and makes none.
    assert run.reasons("prod-kapsule-anchor") == ["sources"]
    assert run.reasons("prod-kapsule-cluster") == ["privateNetworkId"]


def test_the_administrators_token_is_encrypted_in_the_state_and_in_no_output(prod):
    assert ADMIN_TOKEN not in prod.state_file().read_text()
    assert ADMIN_TOKEN not in str(prod.outputs(show_secrets=True))
