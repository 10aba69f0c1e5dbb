import json
import shutil
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft7Validator

from components import schema, spec, targets
from components.declared import documentation, keys
from components.spec import SpecError
from components.targets import TARGETS

PROJECT = Path(__file__).parents[2]
STACKS = sorted((PROJECT / "stacks").glob("Pulumi.*.yaml"))

GKE = """
secretsprovider: gcpkms://projects/p/locations/global/keyRings/r/cryptoKeys/k
config:
  gcp:project: my-project
  pulumi:disable-default-providers: ["*"]
  slipway:target: gke
  slipway:cluster:
    version: "1.37"
    region: europe-west1
    releaseChannel: stable
    apiAccess: {authorizedCidrs: [192.0.2.0/24]}
    nodePools:
      - {name: general, machineType: e2-standard-4, minNodes: 1, maxNodes: 5, labels: {a: b}}
"""


def kind(cluster, more=""):
    return f"config:\n  slipway:target: kind\n  slipway:cluster: {cluster}\n{more}"


@pytest.fixture(scope="module")
def validator():
    return Draft7Validator(schema.json_schema())


def is_refused_by_the_program(text):
    try:
        targets.read(spec.settings_in(yaml.safe_load(text)["config"]), "dev")
    except SpecError:
        return True
    return False


def test_the_schema_is_one_itself():
    Draft7Validator.check_schema(schema.json_schema())


@pytest.mark.parametrize("path", [schema.SCHEMA, schema.REFERENCE, schema.README], ids=str)
def test_the_files_in_git_say_what_the_code_declares(path, tmp_path):
    shutil.copy(PROJECT / schema.README, tmp_path)
    schema.write(tmp_path)
    assert (PROJECT / path).read_text() == (tmp_path / path).read_text(), "run `python -m tools schema`"


@pytest.mark.parametrize("stack", STACKS, ids=lambda path: path.name)
def test_every_stack_file_names_the_schema_and_fits_it(stack, validator):
    text = stack.read_text()
    assert text.startswith("# yaml-language-server: $schema=slipway.schema.json\n")
    assert [error.message for error in validator.iter_errors(yaml.safe_load(text))] == []
    assert not is_refused_by_the_program(text)


@pytest.mark.parametrize(
    "text",
    [
        GKE,
        kind('{version: "1.37"}'),
        kind('{version: "1.37", workers: 1, labels: {workers: {any.key/atAll: x}}, featureGates: {A: true}}'),
        kind('{version: "1.37"}', '  aws:token: {secure: v1:a:b}\nencryptionsalt: "v1:x"\n'),
    ],
)
def test_a_right_file_passes_in_the_editor_and_in_the_program(text, validator):
    assert [error.message for error in validator.iter_errors(yaml.safe_load(text))] == []
    assert not is_refused_by_the_program(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(text, id=name)
        for name, text in {
            "unquoted version": kind("{version: 1.30}"),
            "no version": kind("{workers: 1}"),
            "no value": kind("{version: }"),
            "an empty cluster": kind("{}"),
            "null for a cluster": kind(""),
            "a list for a cluster": kind("[version]"),
            "text for a cluster": kind("small"),
            "a misspelt key": kind('{version: "1.37", wrokers: 1}'),
            "a key in snake case": kind('{version: "1.37", control_planes: 1}'),
            "a key of another target": kind('{version: "1.37", region: europe-west1}'),
            "a number in quotes": kind('{version: "1.37", workers: "1"}'),
            "a fraction": kind('{version: "1.37", workers: 1.5}'),
            "true for a number": kind('{version: "1.37", workers: true}'),
            "text for true": kind('{version: "1.37", deletionProtection: "yes"}'),
            "a value out of a closed set": kind('{version: "1.37", cni: cilium}'),
            "false for a closed set": kind('{version: "1.37", cni: off}'),
            "a mapping for a list": kind('{version: "1.37", portMappings: {hostPort: 1}}'),
            "a missing key in a list": kind('{version: "1.37", portMappings: [{hostPort: 1}]}'),
            "an unknown key in a list": kind(
                '{version: "1.37", extraMounts: [{hostPath: a, containerPath: b, ro: 1}]}'
            ),
            "a number for a label": kind('{version: "1.37", labels: {workers: {a: 1}}}'),
            "text for a list of lists": kind('{version: "1.37", registryMirrors: {docker.io: https://a}}'),
            "a secret inside": kind('{version: "1.37", nodeImage: {secure: v1:a:b}}'),
            "a secret cluster": kind("{secure: v1:a:b}"),
            "a misspelt key of Slipway's": kind('{version: "1.37"}', "  slipway:clutser: {}\n"),
            "a misspelt target": kind('{version: "1.37"}').replace("target: kind", "target: knid"),
            "no target": 'config:\n  slipway:cluster: {version: "1.37"}\n',
            "no cluster": "config:\n  slipway:target: kind\n",
            "nothing of Slipway's": "config:\n  gcp:project: p\n",
            "a pool without its machines": GKE.replace("machineType: e2-standard-4, ", ""),
            "nodes that are no list": GKE.replace("[192.0.2.0/24]", "192.0.2.0/24"),
        }.items()
    ],
)
def test_a_wrong_file_is_refused_in_the_editor_as_in_the_program(text, validator):
    assert list(validator.iter_errors(yaml.safe_load(text))) != []
    assert is_refused_by_the_program(text)


@pytest.mark.parametrize("key", ["conifg", "encryptionSalt", "slipway:target"])
def test_an_unknown_key_beside_config_is_marked_in_the_editor(key, validator):
    document = yaml.safe_load(kind('{version: "1.37"}')) | {key: "x"}
    assert [key in error.message for error in validator.iter_errors(document)] == [True]


ROOTS = {name: target.declared() for name, target in TARGETS.items()}
DECLARATIONS = [
    *ROOTS.items(),
    *((f"{name} {path}", inner) for name, root in ROOTS.items() for path, inner in schema.nested(root)),
]
"""Every mapping that a target declares, with the path of keys that leads to it."""


@pytest.mark.parametrize("declared", [pytest.param(declared, id=path) for path, declared in DECLARATIONS])
def test_every_key_of_a_declaration_is_explained(declared):
    texts = documentation(declared)
    assert [name for name, key in keys(declared).items() if not texts.get(key.name)] == []
    assert declared.__doc__


def test_the_reference_page_shows_every_key_of_every_target():
    page = schema.reference()
    for _, declared in DECLARATIONS:
        for name in keys(declared):
            assert f"| `{name}` |" in page


def test_the_schema_is_readable_json_with_its_text_as_written():
    assert json.loads(schema.json_text()) == schema.json_schema()
    assert "\\u" not in schema.json_text()
