"""What machines are booted with, as it was reviewed: each file with its mode, for each distribution, role and way.

After a change that is meant, `python -m tests.unit.test_cloud_init` writes the goldens anew; read the difference. A
file that goes to machines as it stands in `components/bootstrap/files` is named there and not repeated.
"""

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from components.bootstrap import hardening, kubeadm_config, pki
from components.bootstrap.cloud_init import FILES, user_data
from components.bootstrap.external_etcd import EtcdClient
from components.bootstrap.pki import ClientCertificate, Pki
from components.bootstrap.plan import Distribution, Machine, Packages, Plan, PodNetwork, Role

GOLDENS = Path(__file__).parent / "goldens" / "cloud-init"

SCHEMA = json.loads((Path(__file__).parent / "cloud_init_schema.json").read_text())
"""The parts of schema-cloud-config-v1.json of cloud-init 22.4.2 (Debian 12) for the modules that are used here."""

MACHINES = (
    Machine("demo-control-plane-1", "10.0.0.11", Role.FIRST),
    Machine("demo-control-plane-2", "10.0.0.12", Role.CONTROL_PLANE),
    Machine("demo-control-plane-3", "10.0.0.13", Role.CONTROL_PLANE),
    Machine("demo-worker-1", "10.0.0.32", Role.WORKER),
)
ROLES = {Role.FIRST: MACHINES[0], Role.CONTROL_PLANE: MACHINES[1], Role.WORKER: MACHINES[3]}

PLAN = Plan(
    name="demo",
    version="v1.37.2",
    machines=MACHINES,
    pod_cidr="10.200.0.0/16",
    service_cidr="10.100.0.0/16",
    endpoint="api.example",
    packages=Packages.UPSTREAM,
)

KEYS: Pki = {
    "cluster": {"certificate": "cluster CA\n", "key": "cluster CA's key\n"},
    "etcd": {"certificate": "etcd CA\n", "key": "etcd CA's key\n"},
    "front_proxy": {"certificate": "front proxy CA\n", "key": "front proxy CA's key\n"},
    "service_accounts": {"key": "service accounts' key\n", "public_key": "service accounts' public key\n"},
    "encryption_keys": [{"name": "key2", "secret": "c2Vjb25k"}, {"name": "key1", "secret": "Zmlyc3Q="}],
    "snapshots": {"certificate": "snapshots\n", "key": "snapshots' key\n"},
}
ETCD: EtcdClient = {"authority": "others' CA\n", "certificate": "client\n", "key": "client's key\n"}
CREDENTIAL: ClientCertificate = {"certificate": "joining\n", "key": "joining's key\n"}

FEATURES = {
    "upstream": PLAN,
    "mirror": replace(PLAN, packages=Packages.MIRROR, mirror="https://mirror.example/slipway"),
    "installed": replace(PLAN, packages=Packages.INSTALLED),
    "no-cni": replace(PLAN, cni=PodNetwork.NONE),
    "restored": replace(PLAN, restored=True),
    "virtual-ip": replace(PLAN, virtual_ip="10.0.0.10"),
    "external-etcd": replace(PLAN, etcd_endpoints=("https://10.0.0.3:2379", "https://10.0.0.4:2379")),
}
SEEN_ON = {"no-cni": Role.FIRST, "virtual-ip": Role.CONTROL_PLANE, "external-etcd": Role.FIRST}
"""Features that change little, and the role that shows it."""

ON_EVERY_DISTRIBUTION = ("upstream", "mirror")
"""Where packages come from is another place on each; what else a feature changes is alike on all, as a test holds."""


def cases() -> Iterator[tuple[str, Plan, Machine]]:
    """All that is kept as a golden: every way on one distribution, and on every one what depends on its packages."""
    for distribution in Distribution:
        for role, machine in ROLES.items():
            for feature, plan in FEATURES.items():
                own = distribution is Distribution.DEBIAN_12 and role is SEEN_ON.get(feature, role)
                if feature in ON_EVERY_DISTRIBUTION or own:
                    yield f"{distribution}-{role}-{feature}", replace(plan, distribution=distribution), machine


CASES = [pytest.param(plan, machine, id=name) for name, plan, machine in cases()]


@cache
def rendered(plan: Plan, machine: Machine) -> str:
    return user_data(plan, machine, {**KEYS, "external_etcd": ETCD} if plan.etcd_endpoints else KEYS, CREDENTIAL)


@cache
def document(plan: Plan, machine: Machine) -> dict[str, Any]:
    return yaml.load(rendered(plan, machine), Loader=yaml.CSafeLoader)


def files(plan: Plan, machine: Machine) -> dict[str, dict[str, Any]]:
    return {file["path"]: file for file in document(plan, machine)["write_files"]}


def shown(plan: Plan, machine: Machine) -> str:
    """The golden of a rendering."""
    own = {file.read_text(): str(file.relative_to(FILES)) for file in FILES.rglob("*") if file.suffix in SUFFIXES}
    written = {
        path: {
            "permissions": file["permissions"],
            **({"as": own[file["content"]]} if file["content"] in own else {"content": file["content"]}),
        }
        for path, file in files(plan, machine).items()
    }
    return yaml.dump({**document(plan, machine), "write_files": written}, Dumper=Blocks, sort_keys=False, width=4096)


SUFFIXES = {".py", ".sh", ".service", ".toml"}


class Blocks(yaml.CSafeDumper):
    pass


Blocks.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None),
)


@pytest.mark.parametrize(("plan", "machine"), CASES)
def test_a_machine_is_booted_with_what_was_reviewed(plan, machine, request):
    assert shown(plan, machine) == (GOLDENS / f"{request.node.callspec.id}.yaml").read_text()


def content(plan: Plan, machine: Machine) -> dict[str, list[str]]:
    """Path, for a step without its number → lines."""
    told = files(plan, machine).items()
    return {re.sub(r"/steps/\d+-", "/steps/", path): file["content"].splitlines() for path, file in told}


def changes_of(feature: str, distribution: Distribution, machine: Machine) -> dict[str, list[str] | None]:
    """Path → the lines that a feature brings to a machine's files; none where it takes one away."""
    plain = content(replace(PLAN, distribution=distribution), machine)
    told = content(replace(FEATURES[feature], distribution=distribution), machine)
    brought = {path: [line for line in lines if line not in plain.get(path, ())] for path, lines in told.items()}
    changed = {path: lines for path, lines in brought.items() if lines or path not in plain}
    return {**changed, **dict.fromkeys(plain.keys() - told.keys())}


@pytest.mark.parametrize("feature", [one for one in FEATURES if one not in ON_EVERY_DISTRIBUTION])
@pytest.mark.parametrize("distribution", [one for one in Distribution if one is not Distribution.DEBIAN_12])
def test_a_feature_changes_the_same_on_every_distribution(distribution, feature):
    changed = [changes_of(feature, distribution, machine) for machine in ROLES.values()]

    assert changed == [changes_of(feature, Distribution.DEBIAN_12, machine) for machine in ROLES.values()]
    assert any(changed)


def test_no_golden_is_left_of_a_case_that_is_gone():
    assert {golden.stem for golden in GOLDENS.iterdir()} == {name for name, _, _ in cases()}


@pytest.mark.parametrize(("plan", "machine"), CASES)
def test_cloud_init_takes_every_rendering(plan, machine):
    text = rendered(plan, machine)
    assert text.startswith("#cloud-config\n")
    jsonschema.validate(document(plan, machine), SCHEMA)
    known = {key for name, module in SCHEMA["$defs"].items() if name[:3] == "cc_" for key in module["properties"]}
    assert set(document(plan, machine)) <= known, "a key that no module of cloud-init reads"


@pytest.mark.parametrize(("plan", "machine"), CASES)
def test_only_control_planes_see_the_key_of_an_authority(plan, machine):
    text = rendered(plan, machine)
    secrets = [KEYS[name]["key"].strip() for name in ("cluster", "front_proxy", "service_accounts")]
    secrets.append(ETCD["key"].strip() if plan.etcd_endpoints else KEYS["etcd"]["key"].strip())
    secrets += [key["secret"] for key in KEYS["encryption_keys"]]
    expected = machine.role is not Role.WORKER
    assert {secret: secret in text for secret in secrets} == dict.fromkeys(secrets, expected)


def test_no_machine_has_the_key_of_an_authority_of_an_etcd_that_is_not_the_cluster_s_own():
    for machine in MACHINES:
        assert KEYS["etcd"]["key"].strip() not in rendered(FEATURES["external-etcd"], machine)


@pytest.mark.parametrize(("plan", "machine"), CASES)
def test_no_secret_is_in_a_file_that_others_can_read(plan, machine):
    secret = re.compile(r"'s key|c2Vjb25k|Zmlyc3Q=|client-key-data")
    for path, file in files(plan, machine).items():
        if secret.search(file["content"]):
            assert int(file["permissions"], 8) & 0o077 == 0, path


@pytest.mark.parametrize("role", [Role.CONTROL_PLANE, Role.WORKER])
def test_a_machine_joins_through_its_own_proxy_with_a_credential_of_its_own(role):
    told = yaml.safe_load(files(PLAN, ROLES[role])[kubeadm_config.JOIN_KUBECONFIG]["content"])
    assert told["clusters"][0]["cluster"]["server"] == "https://127.0.0.1:8443"
    assert told["users"][0]["user"]["client-key-data"] == pki.base64_of(CREDENTIAL["key"])


@pytest.mark.parametrize("machine", MACHINES)
def test_no_machine_has_the_key_of_snapshots(machine):
    told = user_data(replace(PLAN, restored=True), machine, KEYS, CREDENTIAL)

    assert "service accounts" in told or machine.role is Role.WORKER
    assert "snapshots' key" not in told


ALONE = replace(PLAN, machines=[MACHINES[0], MACHINES[3]])


@pytest.mark.parametrize(
    ("plan", "machine", "credential"),
    [(ALONE, MACHINES[0], CREDENTIAL), (PLAN, MACHINES[0], None), (PLAN, MACHINES[1], None), (PLAN, MACHINES[3], None)],
)
def test_all_machines_but_the_only_control_plane_must_have_what_to_join_with(plan, machine, credential):
    with pytest.raises(ValueError, match=f"{machine.name} is to be {machine.role}: .* may join"):
        user_data(plan, machine, KEYS, credential)


def test_the_first_control_plane_joins_the_others_where_it_takes_the_place_of_a_lost_one():
    told = files(PLAN, MACHINES[0])

    assert "OTHERS='10.0.0.12:6443 10.0.0.13:6443'\n" in told["/etc/slipway/plan.env"]["content"]
    assert yaml.safe_load(told["/etc/slipway/kubeadm-join.yaml"]["content"])["controlPlane"]
    script = next(file["content"] for path, file in told.items() if path.endswith("-kubeadm-init.sh"))
    assert script.index("kubeadm join") < script.index("kubeadm init")


def test_the_only_control_plane_has_nobody_to_join():
    told = yaml.safe_load(user_data(ALONE, MACHINES[0], KEYS, None))["write_files"]

    assert not {"/etc/slipway/kubeadm-join.yaml", kubeadm_config.JOIN_KUBECONFIG} & {file["path"] for file in told}


@pytest.mark.parametrize(("plan", "machine"), CASES)
def test_the_steps_of_a_machine_are_in_the_order_that_they_are_named_by(plan, machine):
    steps = [path.rpartition("/")[2] for path in files(plan, machine) if "/steps/" in path]
    assert steps == sorted(steps)
    assert steps[0].endswith("0-prepare-host.sh")
    assert steps[-1].endswith("0-tidy.sh")


@pytest.mark.parametrize(("kubeadm", "machine"), [("init", MACHINES[0]), ("join", MACHINES[1])], ids=["init", "join"])
@pytest.mark.parametrize(("minutes", "seen"), [(1, "3m0s"), (15, "3m0s"), (60, "15m0s")])
def test_an_api_that_has_just_begun_gets_a_fourth_of_the_time_that_a_stack_gives_a_machine(
    kubeadm, machine, minutes, seen
):
    file = files(replace(PLAN, minutes=minutes), machine)[f"/etc/slipway/kubeadm-{kubeadm}.yaml"]
    asked = next(yaml.safe_load_all(file["content"]))

    assert asked["timeouts"]["kubernetesAPICall"] == seen


def test_a_mirror_is_all_that_a_machine_asks():
    own = {path: file["content"] for path, file in files(FEATURES["mirror"], MACHINES[0]).items()}
    urls = {
        url
        for path, content in own.items()
        # Comments tell where a rule comes from; images are named by their registry, which hosts.toml turns around.
        for url in re.findall(r"https://[a-z0-9.-]*", re.sub("#.*", "", content))
        if "/steps/" not in path
    }
    assert urls <= {"https://mirror.example", "https://127.0.0.1", "https://kubernetes.default.svc"}
    assert "https://mirror.example/slipway/pkgs.k8s.io/core:/stable:/v1.37" in own["/etc/slipway/plan.env"]


@pytest.mark.parametrize("packages", Packages)
def test_what_only_a_test_machine_needs_is_in_no_rendering(packages):
    plan = replace(PLAN, packages=packages, mirror="https://mirror.example")
    for machine in MACHINES:
        own = {path: file["content"] for path, file in files(plan, machine).items() if "/steps/" not in path}
        text = "\n".join(own.values())
        for word in ("failCgroupV1", "failSwapOn", "ignorePreflightErrors", "SHARED_KERNEL", "SystemVerification"):
            assert word not in text, machine.name


def test_whoever_has_no_name_reads_health_and_cluster_info_only():
    told = yaml.safe_load(hardening.files(KEYS["encryption_keys"])["authentication.yaml"])
    assert [condition["path"] for condition in told["anonymous"]["conditions"]] == [
        "/livez",
        "/readyz",
        "/healthz",
        "/api/v1/namespaces/kube-public/configmaps/cluster-info",
    ]


def test_the_first_encryption_key_writes_and_all_of_them_read():
    told = yaml.safe_load(hardening.files(KEYS["encryption_keys"])["encryption.yaml"])
    (resources,) = told["resources"]
    assert [next(iter(provider)) for provider in resources["providers"]] == ["secretbox", "identity"]
    assert [key["name"] for key in resources["providers"][0]["secretbox"]["keys"]] == ["key2", "key1"]


@pytest.mark.parametrize("script", sorted(FILES.rglob("*.sh")), ids=lambda script: script.stem)
def test_bash_can_read_a_step(script):
    subprocess.run(["bash", "-n", script], check=True)
    assert "set -euo pipefail" in script.read_text()


if __name__ == "__main__":
    GOLDENS.mkdir(exist_ok=True)
    for golden in GOLDENS.iterdir():
        golden.unlink()
    for name, plan, machine in cases():
        (GOLDENS / f"{name}.yaml").write_text(shown(plan, machine))
