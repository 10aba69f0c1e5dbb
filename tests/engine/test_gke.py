import pytest
import yaml

from tests.engine.slipway import PASSPHRASE

POOL = {"name": "general", "machineType": "e2-standard-4", "minNodes": 1, "maxNodes": 5}


@pytest.fixture
def fresh(slipway):
    """The stack `prod-gke`, not up yet."""
    return slipway("prod-gke")


@pytest.fixture
def prod(standing):
    """The stack `prod-gke`, up."""
    return standing("prod-gke")


def cluster_of(stack):
    return next(resource for resource in stack.state() if resource["type"] == "gcp:container/cluster:Cluster")


# Up, change, destroy


def test_a_preview_makes_nothing(fresh):
    assert fresh.preview().changes == {"create": 10}
    assert fresh.journal() == []


def test_the_second_up_changes_nothing(fresh):
    assert fresh.up().changes == {"create": 10}
    assert fresh.up().changes == {"same": 10}


def test_a_refresh_finds_nothing_to_change(prod):
    assert set(prod.refresh().changes) <= {"refresh", "same"}
    assert prod.up().changes == {"same": 10}


def test_more_nodes_are_an_update_of_the_pool_alone(prod):
    prod.set(nodePools=[{**POOL, "maxNodes": 9}])

    assert prod.up().changes == {"same": 9, "update": 1}
    assert prod.journal()[-1] == ("update", "prod-gke-general")


def test_more_nodes_at_least_do_not_replace_the_pool(prod):
    prod.set(nodePools=[{**POOL, "minNodes": 4}])

    assert prod.up().changes == {"same": 9, "update": 1}


def test_a_new_version_is_an_update_of_the_control_plane_alone(fresh):
    fresh.set(version="1.36")
    fresh.up()
    fresh.set(version="1.37")

    assert fresh.up().changes == {"same": 9, "update": 1}
    assert fresh.outputs()["kubernetes_version"].startswith("v1.37.")


def test_a_pool_that_must_be_replaced_is_replaced_by_a_new_one_before_it_goes(prod):
    prod.set(nodePools=[{**POOL, "spot": True}])

    assert prod.preview().reasons("prod-gke-general") == ["nodeConfig.spot"]
    assert prod.up().changes["same"] == 9
    assert prod.journal()[-2:] == [("create", "prod-gke-general"), ("delete", "prod-gke-general")]


def test_a_pool_more_and_a_pool_less_leave_the_others_alone(prod):
    prod.set(nodePools=[POOL, {**POOL, "name": "batch"}])
    assert prod.up().changes == {"same": 10, "create": 1}

    prod.set(nodePools=[{**POOL, "name": "batch"}])
    assert prod.up().changes == {"same": 10, "delete": 1}


def test_what_would_replace_a_protected_cluster_is_refused_at_preview(prod):
    before = prod.journal()
    prod.set(region="europe-west4")

    run = prod.fails("preview")

    assert "prod-gke-cluster" in run.output
    assert any("protect" in error for error in run.errors)
    assert prod.journal() == before


# Destroy


def test_a_protected_cluster_is_not_destroyed_and_nothing_around_it_is(prod):
    before = prod.journal()

    run = prod.fails("destroy")

    assert any("prod-gke-cluster" in error and "protect" in error for error in run.errors)
    assert prod.journal() == before


def test_once_deletion_protection_is_lifted_everything_goes_and_nothing_before_what_stands_on_it(prod):
    prod.set(deletionProtection=False)
    prod.up()

    prod.destroy()

    assert prod.state() == []
    deleted = [name for operation, name in prod.journal() if operation == "delete"]
    assert deleted[0] == "prod-gke-cluster"
    assert deleted.index("prod-gke-nat") < deleted.index("prod-gke-router") < deleted.index("prod-gke-network")
    assert deleted.index("prod-gke-nat") < deleted.index("prod-gke-subnet") < deleted.index("prod-gke-network")


def test_pools_go_with_their_cluster_and_are_not_deleted_one_by_one(prod):
    prod.set(deletionProtection=False)
    prod.up()
    prod.destroy()

    assert ("delete", "prod-gke-general") not in prod.journal()


# Failure


def test_a_run_that_the_cloud_refuses_half_way_is_finished_by_the_next_one(fresh):
    fresh.environment["STAND_IN_REFUSES"] = "prod-gke-cluster"
    run = fresh.fails("up")
    assert any("the quota does not allow for prod-gke-cluster" in error for error in run.errors)
    assert "Traceback" not in run.output

    del fresh.environment["STAND_IN_REFUSES"]
    assert fresh.up().changes == {"same": 8, "create": 2}


# Order


def test_nodes_come_when_they_can_pull_images_and_write_logs(prod):
    created = [name for operation, name in prod.journal() if operation == "create"]

    assert created[-2:] == ["prod-gke-cluster", "prod-gke-general"]
    assert {"prod-gke-nat", "prod-gke-nodes-logs", "prod-gke-nodes-images"} < set(created[:-2])


# Outputs and secrets


def test_a_stack_exports_the_contract_and_its_kubeconfig_stays_secret(prod):
    kubeconfig = yaml.safe_load(prod.outputs(show_secrets=True)["kubeconfig"])

    assert prod.outputs()["kubeconfig"] == "[secret]"
    assert prod.outputs()["endpoint"] == kubeconfig["clusters"][0]["cluster"]["server"]
    assert prod.outputs()["service_cidr"] == "10.8.0.0/20"


def test_the_kubeconfig_is_encrypted_in_the_state_and_never_shown(fresh):
    run = fresh.up()

    assert "gke-gcloud-auth-plugin" not in fresh.state_file().read_text()
    assert "gke-gcloud-auth-plugin" not in run.output
    assert PASSPHRASE not in fresh.state_file().read_text()


def test_protection_is_in_the_state_where_other_tools_see_it(prod):
    assert cluster_of(prod)["protect"] is True
    assert cluster_of(prod)["inputs"]["deletionProtection"] is True


# Refusals


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {"region": "europe-west1-b"},
            "region: 'europe-west1-b' is a zone, whose failure would take the cluster along",
        ),
        ({"regoin": "europe-west1"}, "regoin: unknown key; did you mean region?"),
        ({"apiAccess": {"authorizedCidrs": ["0.0.0.0/0"]}}, "apiAccess.authorizedCidrs: lets the whole internet in"),
        ({"releaseChannel": "regulr"}, "releaseChannel: 'regulr' is none of its values; did you mean regular?"),
    ],
)
def test_bad_input_is_refused_at_preview_in_one_line_and_nothing_is_made(fresh, changes, line):
    fresh.set(**changes)

    run = fresh.fails("preview")

    assert len(run.errors) == 1, run.output
    assert run.errors[0].startswith(f"stacks/Pulumi.prod-gke.yaml: {line}")
    assert "\n" not in run.errors[0]
    assert fresh.journal() == []
