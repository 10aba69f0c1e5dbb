import pytest

from tests.engine.slipway import Stack
from tests.examples.eks import KEY, POOL


@pytest.fixture
def dev(standing):
    """The stack `dev-eks`, up: it is not protected."""
    return standing("dev-eks")


def done(stack: Stack, operation: str) -> list[str]:
    return [name.removeprefix(f"{stack.name}-") for each, name in stack.journal() if each == operation]


def since(stack: Stack, change) -> list[tuple[str, str]]:
    before = len(stack.journal())
    change()
    return [(operation, name.removeprefix(f"{stack.name}-")) for operation, name in stack.journal()[before:]]


def in_the_cloud(stack: Stack, name: str) -> str:
    """The id of a resource."""
    return next(each["id"] for each in stack.state() if each["urn"].endswith(f"::{stack.name}-{name}"))


BEFORE_NODES = {"eks-pod-identity-agent", "kube-proxy", "vpc-cni"}
AFTER_NODES = {"aws-ebs-csi-driver", "coredns", "metrics-server"}


def test_what_nodes_need_comes_before_them_and_what_needs_them_after(dev):
    created = done(dev, "create")
    nodes = created.index("general")

    assert {"cluster", "private-0-way-out", "nodes-AmazonEKSWorkerNodePolicy", *BEFORE_NODES} < set(created[:nodes])
    assert set(created[nodes:]) >= AFTER_NODES
    assert created.index("logs") < created.index("cluster")


def test_the_cluster_and_its_log_group_have_a_name_that_no_other_cluster_had(dev):
    name = in_the_cloud(dev, "cluster")

    assert name.startswith("dev-eks-") and name != "dev-eks-"
    assert in_the_cloud(dev, "logs") == f"/aws/eks/{name}/cluster"
    assert dev.outputs()["name"] == name


def test_add_ons_follow_a_new_minor_after_the_control_plane_and_before_the_nodes_they_serve(slipway):
    stack = slipway("dev-eks", version="1.36")
    stack.up()
    stack.set(version="1.37")

    updated = [name for operation, name in since(stack, stack.up) if operation == "update"]

    assert set(updated) == {"cluster", "general", *BEFORE_NODES, *AFTER_NODES}
    assert updated[0] == "cluster"
    assert set(updated[1:4]) == BEFORE_NODES
    assert updated[4] == "general"


def test_a_cluster_goes_over_to_auto_mode_and_back_without_being_replaced(dev):
    before = in_the_cloud(dev, "cluster")
    dev.set(compute="auto", nodePools=None)
    to = since(dev, dev.up)
    dev.set(compute=None, nodePools=[POOL])
    back = since(dev, dev.up)

    assert in_the_cloud(dev, "cluster") == before
    assert ("update", "cluster") in to and ("update", "cluster") in back
    assert {name for operation, name in to if operation == "delete"} >= {"general", "coredns", "vpc-cni"}
    assert {name for operation, name in back if operation == "create"} >= {"general", "coredns", "vpc-cni"}


OTHERS = {
    "secretsEncryption": {"key": KEY},
    "network": {"subnetIds": ["subnet-1", "subnet-2"]},
}


def test_another_key_for_secrets_and_another_network_are_refused_for_a_production_cluster(standing):
    prod = standing("prod-eks")
    prod.set(**OTHERS)

    run = prod.fails("preview")

    for key in OTHERS:
        assert any(f" {key}: a change from " in error and "replaces the cluster" in error for error in run.errors)


def test_another_key_and_another_network_replace_a_cluster_once_it_is_gone(dev):
    dev.set(**OTHERS, highlyAvailable=None)

    steps = [step for step in since(dev, dev.up) if step[1] in ("cluster", "general")]

    assert steps == [("delete", "general"), ("delete", "cluster"), ("create", "cluster"), ("create", "general")]
    assert dev.up().changes.keys() == {"same"}


def test_a_larger_disk_rolls_the_nodes_of_the_same_pool(dev):
    dev.set(nodePools=[{**POOL, "machineType": "t4g.medium", "spot": True, "diskGb": 200}])

    assert since(dev, dev.up) == [("update", "general-template"), ("update", "general")]


def test_another_machine_makes_a_new_pool_before_the_old_one_goes(dev):
    dev.set(nodePools=[{**POOL, "machineType": "m7g.large"}])

    steps = [step for step in since(dev, dev.up) if step[1] == "general"]

    assert steps == [("create", "general"), ("delete", "general")]
