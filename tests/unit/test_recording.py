from typing import Any

import pulumi
import pytest
from pulumi import dynamic
from pulumi_gcp import container, projects

from tests.engine.stand_in.gcp import GCP


class Provider(dynamic.ResourceProvider):
    pass


class Nodes(dynamic.Resource, module="slipway", name="Nodes"):
    kubeconfig: pulumi.Output[str]

    def __init__(self, name, opts=None):
        super().__init__(Provider(), name, {"workers": 2, "kubeconfig": None}, opts)


def one(make):
    """A program that makes one thing."""

    def program() -> None:
        make()

    return program


def cluster(name="c", **changes: Any):
    return container.Cluster(name, location="europe-west1", **changes)


PLANTED = {
    "a misspelt key": (
        {"release_channel": {"chanel": "REGULAR"}},
        "Cluster.releaseChannel.chanel: .* no such property",
    ),
    "a missing key": ({"release_channel": {}}, "Cluster.releaseChannel.channel: .* requires it"),
    "a misspelt key in a list": (
        {"node_pools": [{"node_config": {"spots": True}}]},
        r"Cluster.nodePools\[0\].nodeConfig.spots: .* no such property",
    ),
    "text for a number": ({"initial_node_count": "three"}, "Cluster.initialNodeCount: 'three' is no int"),
    "a fraction for a whole number": ({"initial_node_count": 1.5}, "Cluster.initialNodeCount: 1.5 is no int"),
    "text for a boolean": ({"enable_shielded_nodes": "true"}, "Cluster.enableShieldedNodes: 'true' is no bool"),
    "a number for text": ({"min_master_version": 1.37}, "Cluster.minMasterVersion: 1.37 is no str"),
    "a boolean for a number": ({"initial_node_count": True}, "Cluster.initialNodeCount: True is no int"),
    "text for an object": ({"release_channel": "REGULAR"}, "Cluster.releaseChannel: 'REGULAR' is no Cluster"),
    "text for a list": ({"node_locations": "europe-west1-b"}, "Cluster.nodeLocations: 'europe-west1-b' is no"),
    "a number in a mapping of text": ({"resource_labels": {"cost": 42}}, "Cluster.resourceLabels.cost: 42.0 is no str"),
}


@pytest.mark.parametrize(("changes", "message"), PLANTED.values(), ids=PLANTED.keys())
@pytest.mark.parametrize("preview", [False, True])
def test_a_planted_error_is_caught(deploy, changes, message, preview):
    with pytest.raises(AssertionError, match=message):
        deploy(one(lambda: cluster(**changes)), clouds=[GCP], preview=preview)


def test_right_arguments_pass(deploy):
    right = {"release_channel": {"channel": "REGULAR"}, "initial_node_count": 3, "resource_labels": {"team": "web"}}

    assert deploy(one(lambda: cluster(**right)), clouds=[GCP]).the("Cluster").inputs["initialNodeCount"] == 3


def test_a_type_that_no_sdk_declares_is_caught(deploy):
    with pytest.raises(LookupError, match="gcp:container/cluster:Klaster"):
        deploy(one(lambda: pulumi.CustomResource("gcp:container/cluster:Klaster", "c", {})), clouds=[GCP])


def test_two_resources_of_one_name_are_caught(deploy):
    with pytest.raises(AssertionError, match="two resources of type gcp:container/cluster:Cluster are called c"):
        deploy(one(lambda: [cluster(), cluster()]), clouds=[GCP])


def test_asking_the_cloud_is_caught(deploy):
    with pytest.raises(AssertionError, match="gcp:container/getAwsVersions:getAwsVersions"):
        deploy(one(lambda: container.get_aws_versions(location="europe-west1")), clouds=[GCP])


def test_options_are_recorded(deploy):
    def program() -> None:
        first = cluster("first")
        cluster(
            "second",
            opts=pulumi.ResourceOptions(
                parent=first,
                depends_on=[first],
                deleted_with=first,
                protect=True,
                ignore_changes=["node_config"],
                replace_on_changes=["network"],
                replacement_trigger="another day",
                delete_before_replace=False,
                additional_secret_outputs=["endpoint"],
                custom_timeouts=pulumi.CustomTimeouts(delete="15m"),
            ),
        )

    first, second = deploy(program, clouds=[GCP]).of("Cluster")

    assert (first.parent, first.protect, first.deleted_with) == (None, False, None)
    assert (second.parent, second.protect, second.deleted_with) == ("first", True, "first")
    assert second.dependencies == {"first"}
    assert second.ignore_changes == {"nodeConfig"}
    assert (first.replace_on_changes, second.replace_on_changes) == (set(), {"network"})
    assert (first.replacement_trigger, second.replacement_trigger) == (None, "another day")
    # What is said to be off is more than what is not said: the provider may have it on.
    assert (first.delete_before_replace, second.delete_before_replace) == (None, False)
    assert "endpoint" in second.additional_secret_outputs
    assert second.timeouts == {"delete": "15m"}


def test_an_input_that_comes_from_another_resource_is_a_dependency(deploy):
    def program() -> None:
        container.NodePool("pool", cluster=cluster("parent").name, location="europe-west1")

    assert deploy(program, clouds=[GCP]).the("NodePool").dependencies == {"parent"}


def test_a_secret_input_is_told_and_unwrapped(deploy):
    made = deploy(one(lambda: cluster(description=pulumi.Output.secret("hush"))), clouds=[GCP]).the("Cluster")

    assert (made.secrets, made.inputs["description"]) == ({"description"}, "hush")


def test_a_secret_input_makes_what_depends_on_it_secret(deploy):
    def program() -> None:
        account = pulumi.Output.secret("who")
        member = projects.IAMMember("m", project="p", role="r", member=account)
        projects.IAMMember("n", project="p", role="r", member=member.member)

    assert [grant.secrets for grant in deploy(program, clouds=[GCP]).of("IAMMember")] == [{"member"}, {"member"}]


def test_dynamic_resources_pass_and_give_the_outputs_asked_for(deploy):
    seen = []

    def program() -> None:
        nodes = Nodes("n", pulumi.ResourceOptions(additional_secret_outputs=["kubeconfig"]))
        nodes.kubeconfig.apply(seen.append)

    made = deploy(program, outputs={"pulumi-python:dynamic/slipway:Nodes": {"kubeconfig": "apiVersion: v1"}})

    assert made.the("Nodes").inputs["workers"] == 2
    assert seen == ["apiVersion: v1"]


def test_configuration_is_the_one_given(deploy):
    seen = []
    deploy(one(lambda: seen.append(pulumi.Config("slipway").get("target"))), config={"slipway:target": "kind"})

    assert seen == ["kind"]
