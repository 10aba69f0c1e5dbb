import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import psutil
import pytest

from tools import paths, stack, workspace
from tools.console import Problem
from tools.stack import Stack


@pytest.fixture
def clone(tmp_path, own_home, monkeypatch):
    """A clone of the project with one stack, and its own `.slipway`."""
    monkeypatch.setattr(paths, "PROJECT", tmp_path)
    monkeypatch.setattr(workspace, "OWN_BACKEND", f"file://{own_home}/state")
    monkeypatch.setenv("PULUMI_BACKEND_URL", workspace.OWN_BACKEND)
    (tmp_path / "stacks").mkdir()
    workspace.prepare()
    return tmp_path


@pytest.fixture
def write(clone):
    def write(text, name="dev-kind"):
        (clone / f"stacks/Pulumi.{name}.yaml").write_text(text)
        return Stack.find(name)

    return write


KIND = 'config:\n  slipway:target: kind\n  slipway:cluster: {version: "1.37"}\n'


def test_a_stack_without_a_file_is_refused_with_the_nearest_one(write):
    write(KIND)
    with pytest.raises(Problem, match=r"did you mean dev-kind\?"):
        Stack.find("dev-knid")


def test_a_stack_file_that_is_not_yaml_is_refused_with_its_line(write):
    with pytest.raises(Problem, match=r"Pulumi.dev-kind.yaml is not YAML \(line 2\)"):
        write("config:\n\tslipway:target: kind\n").check()


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (b"config:\n  slipway:target: kind # caf\xe9\n", "is not UTF-8 text (byte 37); save it as such"),
        (b"config: '\0'\n", "is not YAML: special characters are not allowed"),
        (b"config: {a: 1, b: 2, a: 3}\n", "is not YAML (line 1): 'a' stands there twice"),
        (KIND.encode() + b"  slipway:cluster: {}\n", "is not YAML (line 4): 'slipway:cluster' stands there twice"),
        (
            b"config:\n  slipway:cluster: &a {b: *a}\n",
            "holds an alias (`*…`) that stands inside of what it repeats",
        ),
    ],
)
def test_a_stack_file_that_cannot_be_read_is_refused_in_one_line(clone, text, what):
    (clone / "stacks/Pulumi.dev-kind.yaml").write_bytes(text)
    with pytest.raises(Problem) as refused:
        Stack.find("dev-kind").check()
    assert str(refused.value) == f"stacks/Pulumi.dev-kind.yaml {what}"


def test_a_mapping_may_be_merged_into_several_others(write):
    common = 'config:\n  other:common: &c {version: "1.36", workers: 1}\n'
    args = write(KIND.replace("config:\n", common).replace('{version: "1.37"', '{<<: *c, version: "1.37"')).check()
    assert args["version"] == "1.37"
    assert args["workers"] == 1


@pytest.mark.parametrize("name", ["", "../dev-kind", "x/../dev-kind", "a b", "a\nb"])
def test_a_name_that_no_stack_can_have_is_refused_with_those_there_are(write, name):
    write(KIND)
    with pytest.raises(Problem, match=r"^there is no stack .*(dev-kind)\??$"):
        Stack.find(name)


def test_a_fault_names_the_file_the_key_and_the_fix(write):
    with pytest.raises(Problem) as raised:
        write(KIND.replace("version", "verson")).check()
    assert str(raised.value) == "stacks/Pulumi.dev-kind.yaml: verson: unknown key; did you mean version?"


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        ("secretsProvider: awskms://a", "secretsProvider: unknown key; did you mean secretsprovider?"),
        ("encryptionSalt: v1:a", "encryptionSalt: unknown key; did you mean encryptionsalt?"),
        ("secretsprovider: 1", "secretsprovider: must be text, and without quotes it reads as 1; put it in quotes"),
    ],
)
def test_a_key_of_pulumi_s_that_is_misspelt_is_refused_with_the_right_one(write, written, fault):
    with pytest.raises(Problem) as raised:
        write(f"{KIND}{written}\n").check()
    assert str(raised.value) == f"stacks/Pulumi.dev-kind.yaml: {fault}"


def test_a_misspelt_config_is_refused_with_the_right_one(write):
    with pytest.raises(Problem) as raised:
        write(KIND.replace("config", "conifg")).check()
    assert str(raised.value) == "stacks/Pulumi.dev-kind.yaml: conifg: unknown key; did you mean config?"


def test_a_cloud_stack_is_production_until_its_file_gives_it_up(write):
    gke = "config:\n  slipway:target: gke\n  slipway:cluster: {version: '1.37'%s}\n"
    assert write(gke % "", "prod-gke").is_production
    assert not write(gke % ", deletionProtection: false", "prod-gke").is_production
    assert not write(KIND).is_production


def test_the_copy_keeps_the_salt_of_an_earlier_run_and_the_file_in_git_never_gets_one(write):
    dev = write(KIND)
    dev.copy.write_text(f"encryptionsalt: v1:abc:def\n{KIND}")
    dev._write_copy()
    assert dev.copy.read_text() == f"encryptionsalt: v1:abc:def\n{KIND}"
    assert dev.file.read_text() == KIND


def test_the_copy_takes_the_salt_of_a_stack_file_whose_values_it_encrypted(write):
    dev = write(f"encryptionsalt: v1:own:own\n{KIND}  other:key:\n    secure: v1:x\n")
    dev.copy.write_text("encryptionsalt: v1:abc:def\n")
    dev._write_copy()
    assert dev.copy.read_text() == dev.file.read_text()


def test_a_salt_that_another_clone_left_in_the_stack_file_is_passed_over(write):
    dev = write(f"encryptionsalt: v1:theirs:theirs\n{KIND}")
    dev._write_copy()
    assert dev.copy.read_text() == KIND
    dev.copy.write_text(f"encryptionsalt: v1:abc:def\n{KIND}")
    dev._write_copy()
    assert dev.copy.read_text() == f"encryptionsalt: v1:abc:def\n{KIND}"


def test_in_a_backend_of_the_user_s_the_stack_file_s_salt_is_the_one(write, monkeypatch):
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://team-state")
    dev = write(f"encryptionsalt: v1:team:team\n{KIND}")
    dev._write_copy()
    assert dev.copy.read_text() == dev.file.read_text()


@pytest.fixture
def lock(clone):
    """Put a lock of a process into the state, as Pulumi writes it."""

    def lock(pid, taken=None, hostname=None):
        folder = clone / ".slipway/state/.pulumi/locks/organization/slipway/dev-kind"
        folder.mkdir(parents=True, exist_ok=True)
        moment = (taken or datetime.now(UTC)).isoformat(timespec="microseconds").replace("+00:00", "123Z")
        content = {"pid": pid, "username": "me", "hostname": hostname or os.uname().nodename, "timestamp": moment}
        (folder / "lock.json").write_text(json.dumps(content))

    return lock


@pytest.fixture
def cancelled(monkeypatch):
    calls = []
    monkeypatch.setattr(stack, "run", lambda argv, **_: calls.append(argv[1]))
    return calls


def ended_process():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_the_lock_of_a_dead_run_is_cancelled(write, lock, cancelled):
    lock(ended_process())
    write(KIND)._clear_lock_of_a_dead_run()
    assert cancelled == ["cancel"]


def test_the_lock_of_a_run_that_still_works_is_respected(write, lock, cancelled):
    lock(os.getpid())
    with pytest.raises(Problem, match=f"another run works on dev-kind \\(process {os.getpid()} since [0-9:]{{8}}\\)"):
        write(KIND)._clear_lock_of_a_dead_run()
    assert cancelled == []


def test_a_lock_older_than_the_process_of_its_number_is_a_dead_run_s(write, lock, cancelled):
    lock(os.getpid(), taken=datetime.fromtimestamp(psutil.Process().create_time(), UTC) - timedelta(hours=1))
    write(KIND)._clear_lock_of_a_dead_run()
    assert cancelled == ["cancel"]


def test_the_lock_of_another_machine_is_never_cancelled(write, lock, cancelled):
    lock(ended_process(), hostname="elsewhere")
    with pytest.raises(Problem, match="another run works on dev-kind"):
        write(KIND)._clear_lock_of_a_dead_run()
    assert cancelled == []


@pytest.mark.parametrize(("backend", "goes"), [(None, True), ("s3://team-state", False)])
def test_the_backups_of_a_stack_that_is_gone_go_with_it_unless_the_backend_is_the_user_s(
    write, monkeypatch, backend, goes
):
    calls = []
    monkeypatch.setattr(stack, "run", lambda argv, **_: calls.append(argv))
    if backend:
        monkeypatch.setenv("PULUMI_BACKEND_URL", backend)
    write(KIND).remove()
    [argv] = calls
    assert argv[:3] == ["pulumi", "stack", "rm"]
    assert ("--remove-backups" in argv) is goes


def test_an_interrupted_pulumi_ends_its_work_before_make_does(write, clone, monkeypatch):
    stack = write(KIND)
    fake = paths.BIN / "pulumi"
    fake.write_text("#!/bin/sh\ntrap 'sleep 0.5; echo state is written > ended; exit 1' INT\nkill -INT $PPID $$\n")
    fake.chmod(0o700)
    monkeypatch.setenv("PATH", f"{paths.BIN}{os.pathsep}{os.environ['PATH']}")

    with pytest.raises(KeyboardInterrupt):
        stack.pulumi("up")

    assert (clone / "ended").read_text() == "state is written\n"


@pytest.mark.parametrize(
    ("cni", "extras"), [("cilium", ["kubernetes"]), ("calico", ["kubernetes"]), ("flannel", []), ("[cilium]", [])]
)
def test_a_pod_network_that_comes_as_a_chart_brings_what_installs_it(write, cni, extras):
    cluster = f'{{version: "1.37", machines: {{driver: container}}, cni: {cni}}}'
    stack = write(f"config:\n  slipway:target: kubeadm\n  slipway:cluster: {cluster}\n", "dev-kubeadm")

    assert stack.extras == extras


@pytest.mark.parametrize(
    ("target", "more", "extras"),
    [("kind", "", ["kubernetes"]), ("gke", ", region: europe-west1", ["gcp", "kubernetes"])],
)
def test_people_with_rights_bring_what_gives_them(write, target, more, extras):
    text = (
        f'config:\n  slipway:target: {target}\n  slipway:cluster: {{version: "1.37"{more}}}\n  slipway:access: {{}}\n'
    )
    assert write(text).extras == extras


@pytest.mark.parametrize(
    ("target", "more", "wanted"),
    [
        ("minikube", "", True),
        ("minikube", ", driver: docker", True),
        ("minikube", ", driver: kvm2", False),
        ("minikube", ", driver: none", False),
        ("k3d", "", True),
        ("existing", ", context: mine", False),
    ],
)
def test_an_engine_is_had_for_clusters_in_dockers_containers_alone(write, target, more, wanted):
    text = f'config:\n  slipway:target: {target}\n  slipway:cluster: {{version: "1.37"{more}}}\n'

    assert write(text).in_containers is wanted
