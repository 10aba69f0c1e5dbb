import subprocess
import sys

import pytest

from components import targets
from components.spec import SpecError
from components.targets import TARGETS, Target
from tests.examples import EXAMPLES

KIND = {"target": "kind", "cluster": {"version": "1.37"}}


def refusal(settings):
    with pytest.raises(SpecError) as refused:
        targets.read(settings, "dev")
    return str(refused.value).splitlines()


def test_a_stack_gives_its_component_and_arguments():
    component, args = targets.read({"target": "kind", "cluster": {"version": "1.37", "workers": 2}}, "dev")
    assert component.__name__ == "KindCluster"
    assert args == {"version": "1.37", "workers": 2, "name": "dev"}


def test_a_cluster_may_have_a_name_of_its_own():
    _, args = targets.read({"target": "kind", "cluster": {"version": "1.37", "name": "mine"}}, "dev")
    assert args["name"] == "mine"


def test_the_name_of_the_stack_meets_the_rules_for_names_too():
    with pytest.raises(SpecError, match=r"^name: 'My_Stack' "):
        targets.read(KIND, "My_Stack")


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({**KIND, "target": "knid"}, "slipway:target: 'knid' is none of its values; did you mean kind?"),
        ({**KIND, "target": '["kind"]'}, "slipway:target: '[\"kind\"]' is none of its values; did you mean kind?"),
        ({**KIND, "tagret": "x"}, "slipway:tagret: unknown key; did you mean target?"),
        ({"target": "kind"}, "slipway:cluster: is required: What the cluster is like; at least its `version`"),
        (
            {"target": "kind", "clutser": {"version": "1.37"}},
            "slipway:clutser: unknown key; did you mean cluster?",
        ),
        ({"target": "kind", "cluster": "1.37"}, "slipway:cluster: must be a mapping of keys to values, not '1.37'"),
        (
            {"target": "kind", "cluster": ["1.37"]},
            "slipway:cluster: must be a mapping of keys to values, not a list",
        ),
        # Pulumi hands on a key without a value as an empty text.
        ({"target": "kind", "cluster": ""}, "slipway:cluster: has no value; write a mapping of keys to values"),
        (
            {**KIND, "target": ""},
            "slipway:target: has no value; "
            "write one of kind, minikube, k3d, existing, kubeadm, gke, eks, aks, doks, kapsule",
        ),
        (
            {"target": "kind", "cluster": None},
            "slipway:cluster: has no value; write a mapping of keys to values",
        ),
    ],
)
def test_what_is_wrong_at_the_top_of_a_stack_file_is_refused_in_one_line(settings, fault):
    assert refusal(settings) == [fault]
    with pytest.raises(SpecError):
        targets.find(settings)


def test_faults_of_the_top_and_of_the_cluster_are_told_together():
    assert refusal({"target": "kind", "clutser": 1, "cluster": {"version": "1.37", "wrokers": 1}}) == [
        "slipway:clutser: unknown key; did you mean cluster?",
        "wrokers: unknown key; did you mean workers?",
    ]


def test_broken_rules_are_told_together():
    cluster = {"version": "latest", "controlPlanes": 2, "workers": -1}
    assert [line.partition(":")[0] for line in refusal({"target": "kind", "cluster": cluster})] == [
        "version",
        "controlPlanes",
        "workers",
    ]


def test_an_sdk_that_is_not_installed_is_named_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pulumi_gcp", None)
    for module in [name for name in sys.modules if name.startswith("components.managed.")]:
        monkeypatch.delitem(sys.modules, module)
    with pytest.raises(SpecError, match=r"gke needs the package pulumi_gcp.*uv sync --inexact --extra gcp"):
        TARGETS["gke"].cluster()


def test_a_mistake_in_a_targets_own_module_is_no_missing_sdk():
    broken = Target("x", "x", module="components.no_such_module", component="X", arguments="x:X", extra="gcp")
    with pytest.raises(ModuleNotFoundError):
        broken.cluster()


SDKS = {
    "gke": {"pulumi_gcp", "pulumi_gcp.container", "pulumi_gcp.projects", "pulumi_gcp.serviceaccount"},
    "eks": {"pulumi_aws", "pulumi_aws.eks"},
    "aks": {"pulumi_azure_native", "pulumi_azure_native.containerservice"},
    "kapsule": {"pulumiverse_scaleway", "pulumiverse_scaleway.kubernetes"},
}
"""Target → its cloud's SDK, and the parts of it that are loaded: networks alone would take longer than all the rest.
DigitalOcean's is one part of 190 modules, and none is."""


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)
def test_a_stack_imports_no_development_package_and_of_one_sdk_no_more_than_it_declares_with(example):
    settings = {"target": example.target, "cluster": dict(example.cluster)}
    program = (
        "import sys\n"
        "from components import targets\n"
        f"targets.read({settings!r}, 'dev')\n"
        'foreign = ("pulumi_", "pulumiverse", "pydantic", "jsonschema", "tools")\n'
        "for name in filter(lambda name: name.startswith(foreign), sys.modules):\n"
        '    if "." not in name or name.endswith("._inputs"):\n'
        '        print(name.removesuffix("._inputs"))\n'
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == SDKS.get(example.target, set())


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_what_a_target_declares_is_what_its_component_takes(target):
    assert target.declared() is target.cluster().declared()


def test_the_schema_for_editors_and_other_languages_needs_no_sdk():
    program = (
        "import sys\n"
        "from components import host, schema\n"
        "from components.targets import TARGETS\n"
        "schema.json_text(), schema.reference(), host.package_schema(TARGETS.values(), '1.2.3')\n"
        'print(*(name for name in sys.modules if name.startswith(("pulumi_", "pulumiverse"))))\n'
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
