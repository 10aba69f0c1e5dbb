"""The package for other languages: its schema, and a component made as a program in another language makes it."""

import subprocess
import sys
from enum import Enum
from pathlib import Path
from typing import Any, get_args, get_origin

import pulumi
import pytest
import yaml
from pulumi.errors import InputPropertiesError
from typing_extensions import is_typeddict

from components.cluster import CONTRACT
from components.declared import camel, documentation, keys, plain
from components.host import PACKAGE, Host, package_schema
from components.local.kind import KindCluster
from components.platform.access_args import EXTRA, AccessArgs
from components.spec import SpecError, parse
from components.targets import TARGETS

PROJECT = Path(__file__).parents[2]
COMPONENTS = [target.cluster() for target in TARGETS.values()]


@pytest.fixture(scope="module")
def package():
    return package_schema(TARGETS.values(), "1.2.3")


@pytest.fixture
def host():
    return Host(TARGETS.values())


def nested(kind: Any, found: dict[str, type]) -> dict[str, type]:
    """The declared types below `kind`, by name."""
    kind = plain(kind)
    if is_typeddict(kind) or (isinstance(kind, type) and issubclass(kind, Enum)):
        found[kind.__name__] = kind
    inner = [key.type for key in keys(kind).values()] if is_typeddict(kind) else list(get_args(kind))
    for part in inner:
        nested(part, found)
    return found


DECLARED = {
    name: kind
    for declared in [*(component.declared() for component in COMPONENTS), AccessArgs]
    for name, kind in nested(declared, {}).items()
}


def test_every_target_is_a_component_of_the_package(package):
    assert package["name"] == PACKAGE
    assert package["version"] == "1.2.3"
    components = {f"slipway:index:{target.component}" for target in TARGETS.values()}
    assert set(package["resources"]) == {*components, "slipway:index:Access"}
    assert all(resource["isComponent"] for resource in package["resources"].values())


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_component_takes_what_it_declares(package, component):
    resource = package["resources"][f"slipway:index:{component.__name__}"]
    declared = keys(component.declared())
    assert set(resource["inputProperties"]) == set(declared)
    assert resource["requiredInputs"] == sorted(name for name, key in declared.items() if key.required)


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_component_gives_the_contract_and_its_kubeconfig_is_secret(package, component):
    properties = package["resources"][f"slipway:index:{component.__name__}"]["properties"]
    assert set(properties) == {camel(output) for output in CONTRACT}
    assert {name for name, value in properties.items() if value.get("secret")} == {"kubeconfig"}


def test_the_rights_of_people_are_a_component_that_takes_and_gives_what_is_secret_as_such(package):
    access = package["resources"]["slipway:index:Access"]
    assert set(access["inputProperties"]) == set(keys(AccessArgs))
    assert access["requiredInputs"] == ["kubeconfig"]
    assert access["inputProperties"]["kubeconfig"]["secret"]
    assert {name: value.get("secret", False) for name, value in access["properties"].items()} == {
        "people": False,
        "kubeconfigs": True,
    }


@pytest.mark.parametrize(("name", "kind"), DECLARED.items(), ids=list(DECLARED))
def test_a_declared_type_is_in_the_package_as_it_is(package, name, kind):
    arguments: dict[Any, str] = {AccessArgs: "slipway:index:Access"}
    arguments |= {component.declared(): f"slipway:index:{component.__name__}" for component in COMPONENTS}
    if is_typeddict(kind):
        if kind in arguments:
            described = package["resources"][arguments[kind]]["inputProperties"]
        else:
            described = package["types"][f"slipway:index:{name}"]["properties"]
        texts = documentation(kind)
        assert {key: value["description"] for key, value in described.items()} == {
            camel(key): text for key, text in texts.items()
        }
    else:
        entries = package["types"][f"slipway:index:{name}"]["enum"]
        assert [entry["value"] for entry in entries] == [member.value for member in kind]


def test_a_key_that_may_be_left_out_of_a_nested_type_is_not_required(package):
    for name, kind in DECLARED.items():
        if is_typeddict(kind) and f"slipway:index:{name}" in package["types"]:
            required = package["types"][f"slipway:index:{name}"].get("required", [])
            assert sorted(required) == sorted(key for key, declared in keys(kind).items() if declared.required), name


def test_no_declared_type_needs_what_the_sdk_cannot_pass_on():
    for kind in DECLARED.values():
        if is_typeddict(kind):
            for key in keys(kind).values():
                assert get_origin(plain(key.type)) in (None, list, dict), f"{kind.__name__}.{key.name}"


def test_a_component_is_made_from_what_another_language_sends(deploy, host):
    asked = {
        "version": "1.37",
        "controlPlanes": 3.0,
        "workers": 1.0,
        "cni": "none",
        "portMappings": [{"containerPort": 30080.0, "hostPort": 8080.0, "protocol": "TCP"}],
        "labels": {"workers": {"disk": "ssd"}},
    }
    made = deploy(lambda: host.construct("dev", "slipway:index:KindCluster", asked) and None)
    inputs = made.the("KindNodes").inputs
    assert inputs["name"] == "dev"
    assert inputs["control_planes"] == 3
    assert inputs["port_mappings"] == [{"container_port": 30080, "host_port": 8080, "protocol": "TCP"}]
    assert inputs["labels"] == {"workers": {"disk": "ssd"}}
    assert made.the("KindCluster").name == "dev"


def test_its_state_is_the_contract_under_the_names_of_the_schema(deploy, host):
    states = []

    def program():
        states.append(host.construct("dev", "slipway:index:KindCluster", {"version": "1.37"}).state)

    deploy(program)
    assert set(states[0]) == {camel(output) for output in CONTRACT}
    assert isinstance(states[0]["kubeconfig"], pulumi.Output)


def test_options_of_the_program_that_asks_are_the_components(deploy, host):
    def program():
        parent = pulumi.ComponentResource("my:module:Platform", "platform")
        host.construct("dev", "slipway:index:KindCluster", {"version": "1.37"}, pulumi.ResourceOptions(parent=parent))

    assert deploy(program).the("KindCluster").parent == "platform"


@pytest.mark.parametrize(
    ("component", "inputs", "faults"),
    [
        ("KindCluster", {}, [("version", "is required: Kubernetes version in quotes")]),
        ("KindCluster", {"version": "1.37", "controlPlanes": 2.0}, [("controlPlanes", "2 is no odd number")]),
        ("KindCluster", {"version": "1.37", "workers": 1.5}, [("workers", "must be a whole number, not 1.5")]),
        (
            "KindCluster",
            {"version": "1.37", "workres": 1.0, "cni": "cilium"},
            [("workres", "unknown key; did you mean workers?"), ("cni", "'cilium' is none of its values")],
        ),
        (
            "GkeCluster",
            {"version": "1.37", "region": "europe-west1", "nodePools": [{"name": "a"}]},
            [
                ("nodePools[0].machineType", "is required"),
                ("nodePools[0].minNodes", "is required"),
                ("nodePools[0].maxNodes", "is required"),
            ],
        ),
    ],
)
def test_what_a_stack_file_may_not_say_another_language_may_not_either(host, component, inputs, faults):
    with pytest.raises(InputPropertiesError) as refused:
        host.construct("dev", f"slipway:index:{component}", inputs)
    told = [(error["property_path"], error["reason"]) for error in refused.value.errors or []]
    assert [key for key, _ in told] == [key for key, _ in faults]
    for (_, said), (_, begins) in zip(told, faults, strict=True):
        assert said.startswith(begins)


def test_a_program_in_python_meets_the_same_rules():
    with pytest.raises(SpecError, match=r"^workers: -1 is less than none"):
        KindCluster("dev", {"version": "1.37", "workers": -1})


def test_the_example_in_yaml_asks_for_what_the_package_gives(package):
    example = yaml.safe_load((PROJECT / "examples/yaml/Pulumi.yaml").read_text())
    components = {f"slipway:{component.__name__}": component for component in COMPONENTS}
    for resource in example["resources"].values():
        component = components[resource["type"]]
        assert component.check({**parse(component.declared(), resource["properties"]), "name": "shop"}) == []
    given = {f"shop.{name}" for name in package["resources"]["slipway:index:GkeCluster"]["properties"]}
    assert {value.strip("${}") for value in example["outputs"].values()} <= given


def test_the_plugin_is_one_that_pulumi_starts_with_every_targets_sdk():
    plugin = yaml.safe_load((PROJECT / "plugin/PulumiPlugin.yaml").read_text())
    program = yaml.safe_load((PROJECT / "Pulumi.yaml").read_text())
    assert plugin["runtime"]["name"] == "python"
    assert plugin["requiredPulumiVersion"] == program["requiredPulumiVersion"]
    extras = ",".join(sorted({EXTRA, *(target.extra for target in TARGETS.values() if target.extra)}))
    assert f'dependencies = ["slipway[{extras}]"]' in (PROJECT / "plugin/pyproject.toml").read_text()


def test_the_plugins_own_folder_hides_no_module_of_the_standard_library():
    names = {path.stem for path in (PROJECT / "plugin").iterdir()}
    assert names.isdisjoint(sys.stdlib_module_names)


def test_the_plugin_answers_with_the_port_it_listens_on():
    with subprocess.Popen(
        [sys.executable, "-u", str(PROJECT / "plugin"), "127.0.0.1:1"], stdout=subprocess.PIPE, text=True
    ) as plugin:
        try:
            assert plugin.stdout is not None
            assert plugin.stdout.readline().strip().isdigit()
        finally:
            plugin.kill()
