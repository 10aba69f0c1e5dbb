"""What every target promises, held against each of them: a new target needs an example here."""

from typing import Any

import pytest

from components import targets
from components.cluster import CONTRACT
from tests.engine.stand_in.gcp import GCP
from tests.unit.recording import Deployment

EXAMPLES: dict[str, dict[str, Any]] = {
    "kind": {"version": "1.37", "workers": 1},
    "gke": {
        "version": "1.37",
        "region": "europe-west1",
        "nodePools": [{"name": "general", "machineType": "e2-standard-4", "minNodes": 1, "maxNodes": 5}],
    },
}
"""Target → what a stack file says under `slipway:cluster`."""

KIND_NODES = {
    "kubeconfig": "apiVersion: v1",
    "endpoint": "https://127.0.0.1:6443",
    "ca_certificate": "-----BEGIN CERTIFICATE-----",
    "kubernetes_version": "v1.37.2",
    "nodes": [],
}

MAY_BE_NONE = {"ca_certificate", "pod_cidr", "service_cidr"}


@pytest.fixture(params=targets.TARGETS)
def target(request):
    return targets.TARGETS[request.param]


@pytest.fixture
def made(deploy, target):
    """What a stack of this target asks for."""

    def make(*, preview: bool = False, **changes: Any) -> Deployment:
        settings = {"target": target.name, "cluster": {**EXAMPLES[target.name], **changes}}
        component, args = targets.read(settings, "test")

        def program() -> None:
            component("test", args)

        outputs = {"pulumi-python:dynamic/slipway:KindNodes": KIND_NODES}
        return deploy(program, clouds=[GCP], preview=preview, outputs=outputs)

    return make


@pytest.fixture
def component(made, target):
    return made().the(target.component)


def test_every_output_of_the_contract_is_registered(component):
    # A value that is none is not sent.
    assert set(CONTRACT) - MAY_BE_NONE <= component.outputs.keys() <= set(CONTRACT)


def test_the_kubeconfig_is_secret(component):
    assert "kubeconfig" in component.secret_outputs


def test_the_endpoint_is_a_url_and_the_version_one_of_kubernetes(component):
    assert component.outputs["endpoint"].startswith("https://")
    assert component.outputs["kubernetes_version"].startswith("v1.37.")


def test_every_target_tells_the_same_capabilities(component):
    told = component.outputs["capabilities"]

    assert told.keys() == {
        "autoscaling",
        "highly available control plane",
        "in-place upgrade",
        "load balancer",
        "persistent volumes",
        "private API",
    }
    assert set(told.values()) <= {"native", "other means", "lacking"}


def test_every_resource_belongs_to_the_component_and_bears_its_name(made):
    children = [resource for resource in made().resources if resource.custom]

    assert children
    assert {child.parent for child in children} == {"test"}
    assert all(child.name.startswith("test-") for child in children)


def test_a_preview_asks_for_the_same_resources_as_an_up(made):
    asked = [[(resource.type, resource.name) for resource in made(preview=way).resources] for way in (True, False)]

    assert sorted(asked[0]) == sorted(asked[1])


def test_protection_follows_the_table_of_targets_unless_a_stack_says_otherwise(made, target):
    def protected(**changes):
        return any(resource.protect for resource in made(**changes).resources)

    assert protected() is target.protected
    assert protected(deletionProtection=True) is True
    assert protected(deletionProtection=False) is False
