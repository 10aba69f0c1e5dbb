"""What every target promises, held against each of them by its example: a new target needs one in tests/examples."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from components import parity, targets
from components.cluster import CONTRACT
from components.managed import controls
from components.managed.controls import Verdict, field_of
from components.parity import FEATURES, Means
from components.spec import SpecError
from tests.examples import EXAMPLES, MANAGED, kubeadm
from tests.examples.example import ByTest, Example, Seen
from tests.unit.recording import Deployment

TESTS = Path(__file__).parents[1]

_CLUSTER = {
    "kubeconfig": "apiVersion: v1",
    "endpoint": "https://127.0.0.1:6443",
    "ca_certificate": "-----BEGIN CERTIFICATE-----",
    "kubernetes_version": "v1.37.2",
}
DEVELOPMENT = {
    f"pulumi-python:dynamic/slipway:{kind}": outputs
    for kind, outputs in {
        "KindNodes": {**_CLUSTER, "nodes": []},
        "MinikubeClaim": {"home": "/home/ann/.local/state/slipway/minikube/0123abcd"},
        "MinikubeNodes": {**_CLUSTER, "nodes": []},
        "K3dNodes": {**_CLUSTER, "kubernetes_version": "v1.37.2+k3s1", "nodes": []},
        "ExistingContext": {**_CLUSTER, "pod_cidr": None, "service_cidr": None},
    }.items()
}
"""Of dynamic resources, which no cloud's table knows."""

MAY_BE_NONE = {"ca_certificate", "pod_cidr", "service_cidr"}


def changed(example: Example, changes: Any) -> dict[str, Any]:
    cluster = {**example.cluster, **changes}
    return {key: value for key, value in cluster.items() if value is not None}


def read(example: Example, changes: Any) -> tuple[Any, Any]:
    return targets.read({"target": example.target, "cluster": changed(example, changes)}, "test")


@pytest.fixture
def made(deploy_once):
    """What a stack of an example, with some keys changed, asks for; deployed once."""

    def make(example: Example, *, preview: bool = False, **changes: Any) -> Deployment:
        component, args = read(example, changes)
        clouds = [example.cloud] if example.cloud else []
        return deploy_once(
            component, "test", args, clouds=clouds, preview=preview, outputs={**DEVELOPMENT, **kubeadm.outputs()}
        )

    return make


@pytest.fixture(params=list(EXAMPLES.values()), ids=list(EXAMPLES))
def example(request) -> Example:
    return request.param


@pytest.fixture(params=list(MANAGED.values()), ids=list(MANAGED))
def managed(request) -> Example:
    return request.param


@pytest.fixture
def target(example):
    return targets.TARGETS[example.target]


@pytest.fixture
def component(made, example, target):
    return made(example).the(target.component)


def test_every_target_has_an_example():
    assert EXAMPLES.keys() == targets.TARGETS.keys()


# The contract


def test_every_output_of_the_contract_is_registered(component):
    # A value that is none is not sent.
    assert set(CONTRACT) - MAY_BE_NONE <= component.outputs.keys() <= set(CONTRACT)


def test_the_kubeconfig_is_secret(component):
    assert "kubeconfig" in component.secret_outputs


def test_the_endpoint_is_a_url_and_the_version_one_of_kubernetes(component):
    assert component.outputs["endpoint"].startswith("https://")
    # A cloud that chooses patches by itself may tell the minor only.
    assert re.fullmatch(r"v1\.37(\.\S+)?", component.outputs["kubernetes_version"])


def test_the_capabilities_are_those_of_the_parity_matrix(component, example):
    assert component.outputs["capabilities"] == parity.capabilities(example.target)


def test_every_resource_belongs_to_the_component_and_bears_its_name(made, example):
    children = [resource for resource in made(example).resources if resource.custom]

    assert children
    assert {child.parent for child in children} == {"test"}
    assert all(child.name.startswith("test-") for child in children)


def test_a_preview_asks_for_the_same_resources_as_an_up(made, example):
    asked = [
        [(resource.type, resource.name) for resource in made(example, preview=way).resources] for way in (True, False)
    ]

    assert sorted(asked[0]) == sorted(asked[1])


def test_protection_follows_the_table_of_targets_unless_a_stack_says_otherwise(made, example, target):
    def protected(**changes):
        return any(resource.protect for resource in made(example, **changes).resources)

    assert protected() is target.protected
    assert protected(deletionProtection=True) is True
    assert protected(deletionProtection=False) is False


# Parity: what the matrix says is so

GIVEN = [
    (example, name)
    for example in EXAMPLES.values()
    for name, feature in FEATURES.items()
    if feature.support[example.target].means is not Means.LACKING
]
LACKING = [
    (example, name)
    for example in MANAGED.values()
    for name, feature in FEATURES.items()
    if feature.support[example.target].means is Means.LACKING
]
ASKED = [(example, name) for example, name in LACKING if name in example.lacking]


def of_each(pairs):
    return {"argvalues": pairs, "ids": [f"{example.target}-{name}" for example, name in pairs]}


def test_every_feature_says_something_of_every_target():
    assert {name for name, feature in FEATURES.items() if feature.support.keys() != targets.TARGETS.keys()} == set()


@pytest.mark.parametrize(("example", "feature"), **of_each(GIVEN))
def test_a_feature_that_the_target_gives_shows_in_what_it_declares(made, example, feature):
    evidence = example.features[feature]
    if isinstance(evidence, ByTest):
        assert any(f"def {evidence.name}(" in file.read_text() for file in TESTS.rglob("test_*.py"))
        return
    for seen in [evidence] if isinstance(evidence, Seen) else evidence:
        found = made(example, **seen.when).of(seen.kind)
        values = [field_of(resource.inputs, seen.path) for resource in found]
        assert found, f"no {seen.kind} is declared"
        # A field that is never set shows nothing, whatever is wanted of it.
        assert any(value is not None and shows(seen, value) for value in values), values


def shows(seen: Seen, value: Any) -> bool:
    return seen.wanted(value) if callable(seen.wanted) else value == seen.wanted


def test_no_setting_stands_for_two_features(example):
    shown = [
        (seen.kind, seen.path, repr(seen.wanted), repr(seen.when))
        for evidence in example.features.values()
        if not isinstance(evidence, ByTest)
        for seen in ([evidence] if isinstance(evidence, Seen) else evidence)
    ]

    assert sorted(each for each in set(shown) if shown.count(each) > 1) == []


@pytest.mark.parametrize(("example", "feature"), **of_each(LACKING))
def test_a_feature_that_the_target_lacks_says_why(example, feature):
    assert FEATURES[feature].support[example.target].how


@pytest.mark.parametrize(("example", "feature"), **of_each(ASKED))
def test_what_a_target_lacks_is_refused_by_its_name_and_let_pass_by_a_waiver_with_a_reason(made, example, feature):
    with pytest.raises(SpecError, match=f"lacks {feature}: .* `waivers`"):
        read(example, example.lacking[feature])
    with pytest.raises(SpecError, match=f"waivers.{feature}: gives no reason"):
        read(example, {**example.lacking[feature], "waivers": {feature: " "}})

    waived = made(example, **{**example.lacking[feature], "waivers": {feature: "we can do without"}})
    assert kinds(waived) == kinds(made(example))


def kinds(deployment):
    return sorted((resource.type, resource.name) for resource in deployment.resources)


def test_every_lacking_feature_that_a_key_asks_for_has_an_example_of_asking(managed):
    askable = {name for example, name in LACKING if example is managed and FEATURES[name].asked_by(EVERYTHING)}

    assert managed.lacking.keys() == askable


EVERYTHING = {
    "compute": "auto",
    "maintenance": {},
    "freezes": [],
    "network": {},
    "pod_cidr": "",
    "service_cidr": "",
    "api_access": {},
    "admins": [],
    "secrets_encryption": {},
    "logs": [],
    "tags": {},
    "node_pools": [{"spot": True, "gpu": {}, "disk_gb": 1}],
}
"""Arguments that ask for all that can be asked for."""


def test_a_waiver_of_nothing_that_is_known_is_refused(managed):
    with pytest.raises(
        SpecError, match=r"waivers\.spot-node: is neither a feature nor a rule; did you mean spot-nodes\?"
    ):
        read(managed, {"waivers": {"spot-node": "we can do without"}})


def test_a_waiver_of_what_the_target_has_is_refused(managed):
    with pytest.raises(SpecError, match=rf"waivers\.tags: {managed.target} has tags, .*; drop it") as error:
        read(managed, {"waivers": {"tags": "we can do without"}})
    assert len(error.value.faults) == 1


# Security


@pytest.fixture
def report(made, managed):
    resources = [controls.Resource(each.type, each.name, each.inputs) for each in made(managed).resources]
    return controls.report(targets.TARGETS[managed.target].cluster().controls, resources, {})  # ty: ignore


OPTIONAL = {"CIS GKE 5.8.2", "Slipway DOKS 11"}
"""What only the user can have: a group in a domain, an identity provider."""


def test_a_production_cluster_keeps_every_rule_unasked(report):
    failed = {(line.id, line.field, line.value) for line in report if line.verdict is not Verdict.PASSED}

    assert {line for line in failed if line[0] not in OPTIONAL} == set()


def test_every_rule_is_broken_by_a_resource_that_says_nothing(managed):
    """A rule that an empty resource keeps watches over a default of the cloud's, and must name the switch."""
    for control in targets.TARGETS[managed.target].cluster().controls:  # ty: ignore
        if control.is_kept_by({}):
            assert not control.is_kept_by(nested(control.field, True)), control.id


def nested(path: str, value: Any) -> Any:
    first, _, rest = path.partition(".")
    return {first: nested(rest, value) if rest else value}


def test_every_setting_that_a_rule_asks_for_bears_its_id(managed):
    folder = Path(targets.__file__).parent / "managed" / managed.target
    text = "".join(file.read_text() for file in folder.glob("*.py") if file.name != "controls.py")
    listed = {control.id for control in targets.TARGETS[managed.target].cluster().controls}  # ty: ignore
    commented = set(re.findall(r"(?:CIS|Slipway) [A-Z]+ [0-9.]*[0-9]", text))

    assert commented == listed - OFF_BY_DEFAULT


OFF_BY_DEFAULT = {"CIS GKE 5.8.3", "CIS GKE 5.10.2"}
"""What no code sets, since the cloud leaves it off."""


def test_the_kubeconfig_asks_a_program_and_holds_no_credential(made, managed):
    text = made(managed).the(targets.TARGETS[managed.target].component).outputs["kubeconfig"]
    user = yaml.safe_load(text)["users"][0]["user"]

    assert user.keys() == {"exec"}
    assert user["exec"]["command"] == managed.exec_program
    assert user["exec"]["apiVersion"].startswith("client.authentication.k8s.io/v1")


# Networks


def test_a_given_network_is_lived_in_and_none_is_made(made, managed):
    given = managed.features["given-network"]
    assert isinstance(given, Seen)

    assert {kind for kind in managed.made_for_a_network if not made(managed).of(kind)} == set()
    assert {kind for kind in managed.made_for_a_network if made(managed, **given.when).of(kind)} == set()


# The seal


def test_everything_stands_behind_the_seal_so_that_a_refused_destroy_takes_nothing(made, managed):
    needs = {each.name: each.dependencies for each in made(managed).resources if each.custom}
    (seal,) = (one for one in made(managed).of("Stash") if one.name.endswith("-seal"))
    behind, left = {seal.name}, [seal.name]
    while left:
        new = needs[left.pop()] - behind
        behind |= new
        left += new & needs.keys()

    assert needs.keys() - behind == set()


# The guard


def test_every_key_that_the_guard_holds_a_cluster_to_has_another_value_in_the_example(made, managed):
    (guard,) = (one for one in made(managed).of("Stash") if one.name.endswith("-guard"))

    assert guard.inputs["input"]["pinned"].keys() == managed.pinned.keys() | managed.pinned_with.keys()


# Node pools


def test_pools_are_named_by_pulumi_and_go_with_their_cluster_where_the_cloud_lets_them(made, managed):
    pools = made(managed).of(managed.node_pool)

    assert pools
    assert all("name" not in pool.inputs for pool in pools)
    assert {bool(pool.deleted_with) for pool in pools} == {not managed.pools_go_first}


@pytest.mark.parametrize(
    ("pool", "message"),
    [
        ({"minNodes": 6, "maxNodes": 5}, r"nodePools\[0\]\.minNodes: 6 is more than maxNodes 5; write 5 or fewer"),
        ({"minNodes": 0, "maxNodes": 0}, r"nodePools\[0\]\.maxNodes: 0 gives no node at all"),
        ({"name": "Web_1"}, r"nodePools\[0\]\.name: 'Web_1' cannot name a pool"),
        ({"name": "a" * 64}, r"nodePools\[0\]\.name: .* has 64 letters; use"),
        ({"labels": {"a b": "c"}}, r"nodePools\[0\]\.labels: 'a b' cannot name a label"),
    ],
)
def test_a_bad_pool_is_refused_in_one_line(managed, pool, message):
    first, *rest = managed.cluster["nodePools"]
    with pytest.raises(SpecError, match=message) as error:
        read(managed, {"nodePools": [{**first, **pool}, *rest]})
    assert len(error.value.faults) == 1


@pytest.fixture
def gpu_pool(managed):
    evidence = managed.features["gpu-nodes"]
    return (evidence[0] if isinstance(evidence, tuple) else evidence).when["nodePools"][0]


def test_a_machine_with_gpus_is_refused_in_a_pool_that_does_not_ask_for_them(managed, gpu_pool):
    unasked = {key: value for key, value in gpu_pool.items() if key != "gpu"}
    machine = gpu_pool["machineType"]
    fix = rf"write `gpu: .*`, or a machineType like {managed.cluster['nodePools'][0]['machineType']}$"
    with pytest.raises(
        SpecError, match=rf"nodePools\[0\]\.gpu: is required with {machine}, whose GPUs .*; {fix}"
    ) as error:
        read(managed, {"nodePools": [unasked]})
    assert len(error.value.faults) == 1


def test_gpus_are_refused_of_a_machine_that_has_none(managed, gpu_pool):
    first, *_ = managed.cluster["nodePools"]
    fix = f"drop it, or write a machineType like {gpu_pool['machineType']}$"
    with pytest.raises(SpecError, match=rf"nodePools\[0\]\.gpu: {first['machineType']} has no GPU; {fix}") as error:
        read(managed, {"nodePools": [{**first, "gpu": gpu_pool["gpu"]}]})
    assert len(error.value.faults) == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"nodePools": None}, "nodePools: is required"),
        ({"nodePools": []}, "nodePools: is empty"),
        ({"apiAccess": {"authorizedCidrs": ["0.0.0.0/0"]}}, "authorizedCidrs: lets the whole internet in"),
        ({"apiAccess": {"authorizedCidrs": ["0.0.0.0/1", "128.0.0.0/1"]}}, "authorizedCidrs: lets the whole internet"),
        ({"apiAccess": {"authorizedCidrs": []}}, "authorizedCidrs: lets nobody in"),
        ({"maintenance": {"hour": 24}}, "maintenance.hour: 24 is no hour of a day; write 0 to 23"),
        ({"freezes": [{"first": "2026-12-20", "last": "soon"}]}, "freezes.0..last: 'soon' is no day; write one like"),
        (
            {"freezes": [{"first": "2026-12-20", "last": "2026-12-19"}]},
            "freezes.0..last: 2026-12-19 is before 2026-12-20",
        ),
        ({"name": ""}, "name: is empty; write a name, or drop the key for the name of the stack"),
        ({"region": "nowhere at all"}, "region: 'nowhere at all' is no region"),
        ({"version": "latest"}, "version: 'latest' is no Kubernetes version"),
    ],
)
def test_what_no_cloud_can_make_is_refused_in_one_line(managed, changes, message):
    waivable = {"maintenance": "maintenance-window", "freezes": "upgrade-freezes"}
    asked = {waivable[key] for key in changes if key in waivable}
    changes = {**changes, "waivers": {feature: "not asked here" for feature in asked if feature in managed.lacking}}
    with pytest.raises(SpecError, match=message) as error:
        read(managed, changes)
    assert len(error.value.faults) == 1
