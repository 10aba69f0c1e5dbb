"""GKE on the real engine, beyond what every target must do."""

import pytest

POOL = {"name": "general", "machineType": "e2-standard-4", "minNodes": 1, "maxNodes": 5}


@pytest.fixture
def prod(standing):
    """The stack `prod-gke`, up."""
    return standing("prod-gke")


def cluster_of(stack):
    return next(resource for resource in stack.state() if resource["type"] == "gcp:container/cluster:Cluster")


def test_more_nodes_at_least_do_not_replace_the_pool(prod):
    prod.set(nodePools=[{**POOL, "minNodes": 4}])

    assert prod.up().changes == {"same": 14, "update": 1}


def test_a_pool_that_must_be_replaced_is_replaced_by_a_new_one_before_it_goes(prod):
    prod.set(nodePools=[{**POOL, "spot": True}])

    assert prod.preview().reasons("prod-gke-general") == ["nodeConfig.spot"]
    assert prod.up().changes["same"] == 14
    assert prod.journal()[-2:] == [("create", "prod-gke-general"), ("delete", "prod-gke-general")]


def test_nodes_come_when_they_can_pull_images_and_write_logs(prod):
    created = [name for operation, name in prod.journal() if operation == "create"]

    assert created[-2:] == ["prod-gke-cluster", "prod-gke-general"]
    assert {"prod-gke-nat", "prod-gke-nodes-logs", "prod-gke-nodes-images"} < set(created[:-2])


def test_protection_is_in_the_state_where_other_tools_see_it(prod):
    assert cluster_of(prod)["protect"] is True
    assert cluster_of(prod)["inputs"]["deletionProtection"] is True


def test_autopilot_comes_up_and_goes_without_a_pool(slipway):
    stack = slipway("dev-gke", compute="auto", nodePools=None, highlyAvailable=None)

    stack.up()
    assert set(stack.up().changes) == {"same"}
    assert not [resource for resource in stack.state() if resource["type"].endswith(":NodePool")]
    stack.destroy()
    assert stack.state() == []
