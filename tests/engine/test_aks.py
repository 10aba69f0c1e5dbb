"""What the engine makes of an AKS stack, beyond what holds in every cloud."""

import re

import pytest

OFFICE = {"authorizedCidrs": ["203.0.113.0/24"]}


def inputs_of(stack, name):
    return next(each["inputs"] for each in stack.state() if each["urn"].endswith(f"::{name}"))


@pytest.mark.parametrize("change", [{"machineType": "Standard_D8s_v5"}, {"diskGb": 200}], ids=str)
def test_a_pool_that_aks_cannot_change_is_replaced_by_a_new_one_before_it_goes_and_the_cluster_stays(standing, change):
    stack = standing("prod-aks")
    before = inputs_of(stack, "prod-aks-general")["agentPoolName"]
    general = {"name": "general", "machineType": "Standard_D4s_v5", "minNodes": 1, "maxNodes": 5}
    stack.set(nodePools=[{**general, **change}])

    run = stack.up()

    assert stack.journal()[-2:] == [("create", "prod-aks-general"), ("delete", "prod-aks-general")]
    assert set(run.changes) <= {"same", "create-replacement", "replace", "delete-replaced"}
    after = inputs_of(stack, "prod-aks-general")["agentPoolName"]
    assert before != after
    assert all(re.fullmatch("[a-z][a-z0-9]{0,11}", name) for name in (before, after))


def test_what_aks_cannot_change_in_its_own_pool_fails_the_preview_of_a_production_stack(standing):
    stack = standing("prod-aks")
    stack.set(aks={"systemNodes": {"machineType": "Standard_D8s_v5"}, "zones": ["1"]})

    run = stack.fails("preview")

    for key in ("aks.systemNodes.machineType", "aks.zones"):
        assert any(f" {key}: a change from " in error for error in run.errors), run.output


def test_and_would_really_replace_the_cluster(standing):
    stack = standing("dev-aks")
    stack.set(aks={"systemNodes": {"machineType": "Standard_D8s_v5"}})

    operations = {step.operation for step in stack.preview().steps if step.name == "dev-aks-cluster"}
    assert "create-replacement" in operations


def test_one_up_lifts_the_lock_and_touches_no_machine(standing):
    stack = standing("prod-aks")
    before = len(stack.journal())
    stack.set(deletionProtection=False)

    stack.up()

    assert stack.journal()[before:] == [("delete", "prod-aks-lock")]


def test_a_cluster_that_moves_to_another_region_gets_a_vault_of_another_name(standing):
    stack = standing("dev-aks")
    before = inputs_of(stack, "dev-aks-keys")["vaultName"]
    stack.set(region="northeurope")

    stack.up()

    # The old one keeps its name among the deleted ones, where its keys can be brought back.
    assert inputs_of(stack, "dev-aks-keys")["vaultName"] != before


def test_an_automatic_cluster_comes_up_stays_and_goes(slipway):
    stack = slipway("dev-aks", compute="auto", nodePools=None, highlyAvailable=None, apiAccess=OFFICE)
    assert set(stack.up().changes) == {"create"}
    assert set(stack.up().changes) == {"same"}

    stack.destroy()

    assert stack.state() == []
