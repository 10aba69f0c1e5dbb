"""The commands behind make: what reaches them, and in which order they work."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.examples import MANAGED
from tools import cli, paths, snapshots
from tools.console import Problem

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with one stack, whose file is wrong, where nothing may be fetched or started."""
    monkeypatch.setattr(paths, "PROJECT", tmp_path)
    for module, name in ((cli.toolchain, "ensure"), (cli.engine, "ensure"), (cli.workspace, "prepare")):
        monkeypatch.setattr(module, name, lambda *_: pytest.fail("something was brought for a stack that is wrong"))
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks/Pulumi.dev-kind.yaml").write_text(
        'config:\n  slipway:target: kind\n  slipway:cluster: {version: "1.37", controlPlanes: 2}\n'
    )


@pytest.mark.parametrize("command", ["up", "preview"])
def test_a_stack_is_found_right_before_anything_is_brought_for_it(project, command):
    with pytest.raises(Problem, match=r"Pulumi\.dev-kind\.yaml: controlPlanes: 2 is no odd number"):
        cli.cli([command, "dev-kind"], standalone_mode=False)


@pytest.mark.parametrize("command", ["up", "preview", "refresh", "down", "env", "kubeconfig"])
@pytest.mark.parametrize("name", ["", "a b", "$(touch made)", "`touch made`", "x;touch made", "x'\"", "*"])
def test_make_hands_on_the_name_of_a_stack_letter_by_letter(command, name, tmp_path):
    # A make that runs these tests hands its own words on to every make below it.
    inherited = ("ARGS", "FROM", "STACK", "STACKS", "MAKEFLAGS", "MAKEOVERRIDES")
    environment = {key: value for key, value in os.environ.items() if key not in inherited}
    told = subprocess.run(
        ["make", "-s", "-f", PROJECT / "Makefile", command, "TOOLS=@printf '<%s>'", f"STACK={name.replace('$', '$$')}"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert told.stdout == f"<{command}><{name}>"
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def told(tmp_path, monkeypatch):
    """What Pulumi is told of a stack that is there."""
    told: list[tuple[str, ...]] = []
    monkeypatch.setattr(os, "environ", os.environ.copy())  # what a command sets is its own
    monkeypatch.setattr(paths, "KUBECONFIGS", tmp_path)
    monkeypatch.setattr(cli, "prepare", lambda _: None)
    monkeypatch.setattr(cli.workspace, "backend_is_own", lambda: True)
    monkeypatch.setattr(cli.engine, "stop_private_if_idle", lambda: False)
    monkeypatch.setattr(cli.Stack, "exists", True)
    monkeypatch.setattr(cli.Stack, "create", lambda _: None)
    monkeypatch.setattr(cli.Stack, "is_empty", True)
    monkeypatch.setattr(cli.Stack, "remove", lambda _: None)
    monkeypatch.setattr(cli.Stack, "pulumi", lambda _, *words: told.append(words))
    return told


def test_a_refresh_leaves_out_the_outputs_that_it_never_changes_unless_they_are_asked_for(told):
    cli.cli(["refresh", "dev-kind", "--suppress-outputs=false"], standalone_mode=False)
    assert told == [("refresh", "--yes", "--suppress-outputs", "--suppress-outputs=false")]


def test_a_refresh_passes_over_objects_of_a_cluster_that_does_not_answer(told, monkeypatch):
    monkeypatch.setattr(cli.Stack, "pulumi", lambda *_: told.append(os.environ["PULUMI_K8S_SKIP_UPDATE_UNREACHABLE"]))

    cli.cli(["refresh", "dev-kind"], standalone_mode=False)
    os.environ["PULUMI_K8S_SKIP_UPDATE_UNREACHABLE"] = "false"
    cli.cli(["refresh", "dev-kind"], standalone_mode=False)

    assert told == ["true", "false"]


@pytest.mark.parametrize(("name", "looks"), [("dev-kind", True), ("prod-gke", False), ("dev-docker-desktop", False)])
def test_a_shell_for_a_stack_looks_for_an_engine_where_its_cluster_runs_in_one(told, monkeypatch, capsys, name, looks):
    looked = []
    monkeypatch.setattr(cli.workspace, "prepare", lambda: None)
    monkeypatch.setattr(cli.toolchain, "ensure", lambda *_: None)
    monkeypatch.setattr(cli.engine, "find", lambda: looked.append("docker"))

    cli.cli(["env", name], standalone_mode=False)

    assert looked == ["docker"] * looks
    assert f"export KUBECONFIG={paths.KUBECONFIGS / name}.yaml\n" in capsys.readouterr().out


def test_a_destroyed_stack_is_told_to_need_nothing_more_whatever_pulumi_says(told, capsys):
    cli.cli(["down", "dev-kind"], standalone_mode=False)
    assert told == [("destroy", "--yes")]
    assert capsys.readouterr().err == (
        "  that is done as well: dev-kind is gone, and nothing but stacks/Pulumi.dev-kind.yaml is left of it\n"
    )


def test_whoever_destroys_a_stack_is_told_which_snapshots_stay(told, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(snapshots, "_folder", lambda _: tmp_path / "snapshots")
    kept = tmp_path / "snapshots/dev-kubeadm/dev-kubeadm-v1.37.2-20261125T000000Z.etcd.cms"
    kept.parent.mkdir(parents=True)
    kept.touch()

    cli.cli(["down", "dev-kubeadm"], standalone_mode=False)

    assert f"and snapshots in {kept.parent} that only a copy of its state opens, is left" in capsys.readouterr().err


def test_a_stack_that_is_destroyed_in_part_is_kept_and_told_to_go_on(told, monkeypatch, capsys):
    monkeypatch.setattr(cli.Stack, "is_empty", False)
    monkeypatch.setattr(cli.Stack, "remove", lambda _: pytest.fail("a stack was removed that is not empty"))

    cli.cli(["down", "dev-kind", "--target=urn"], standalone_mode=False)
    cli.cli(["down", "dev-kind", "--preview-only"], standalone_mode=False)

    assert told == [("destroy", "--yes", "--target=urn"), ("destroy", "--preview-only")]
    assert capsys.readouterr().err == "  dev-kind goes on, with all that was not to be destroyed\n" * 2


@pytest.mark.parametrize("target", MANAGED)
def test_a_protected_cluster_is_not_destroyed_and_the_one_way_to_give_it_up_is_told(told, target):
    with pytest.raises(Problem) as refused:
        cli.cli(["down", f"prod-{target}"], standalone_mode=False)

    assert str(refused.value) == (
        f"prod-{target} is protected from deletion: to give it up, write `deletionProtection: false` under "
        f"slipway:cluster in stacks/Pulumi.prod-{target}.yaml, run `make up STACK=prod-{target}`, then this again"
    )
    assert told == []


@pytest.mark.parametrize("version", ["1.99", "1.2", "2.0"])
def test_a_version_that_is_not_known_asks_for_no_kubectl_of_its_own(tmp_path, monkeypatch, version):
    monkeypatch.setattr(paths, "PROJECT", tmp_path)
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks/Pulumi.x.yaml").write_text(
        f'config: {{"slipway:target": kind, "slipway:cluster": {{version: "{version}"}}}}'
    )
    assert cli.kubectl_for(cli.Stack.find("x")) == {}


def test_what_the_machine_refuses_is_one_line_and_no_traceback(monkeypatch, capsys):
    monkeypatch.setenv("PATH", os.environ["PATH"])
    monkeypatch.setattr(sys, "argv", ["tools", "schema"])
    monkeypatch.setattr(paths, "PROJECT", Path("/dev/null"))
    assert cli.main() == 1
    assert capsys.readouterr().err == "error: /dev/null/stacks: Not a directory; mend that, then run this again\n"


def test_a_stack_that_was_never_made_is_destroyed_without_bringing_anything(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(paths, "STATE", tmp_path / "state")
    monkeypatch.setattr(paths, "KUBECONFIGS", tmp_path / "kubeconfigs")
    monkeypatch.setattr(cli.workspace, "backend_is_own", lambda: True)
    monkeypatch.setattr(cli.engine, "stop_private_if_idle", lambda: False)
    monkeypatch.setattr(cli, "prepare", lambda _: pytest.fail("something was brought"))
    cli.cli(["down", "dev-kind"], standalone_mode=False)
    assert "there is nothing to destroy" in capsys.readouterr().err


def test_make_hands_on_several_stacks_in_one_word_and_the_options_behind_them():
    inherited = ("ARGS", "FROM", "STACK", "STACKS", "MAKEFLAGS", "MAKEOVERRIDES")
    environment = {key: value for key, value in os.environ.items() if key not in inherited}
    told = subprocess.run(
        ["make", "-s", "kubeconfig", "TOOLS=@printf '<%s>'", "STACKS=dev-kind prod-gke", "ARGS=--use prod-gke"],
        cwd=PROJECT, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert told.stdout == "<kubeconfig><dev-kind prod-gke><--use><prod-gke>"


@pytest.fixture
def merged(tmp_path, monkeypatch):
    """What is merged, of stacks whose kubeconfig says which they are of."""
    merged = []
    monkeypatch.setattr(cli.user_kubeconfig, "merge", lambda *words: merged.append(words))
    monkeypatch.setattr(paths, "KUBECONFIGS", tmp_path)
    monkeypatch.setattr(cli.workspace, "backend_is_own", lambda: True)
    for stack in ("dev-kind", "prod-gke"):
        (tmp_path / f"{stack}.yaml").write_text(stack)
    return merged


def test_the_kubeconfigs_of_many_stacks_are_merged_together_each_once(merged):
    cli.cli(["kubeconfig", "dev-kind prod-gke", "dev-kind", "--file", "a b", "--ca", "files"], standalone_mode=False)
    assert merged == [({"dev-kind": "dev-kind", "prod-gke": "prod-gke"}, Path("a b"), None, "files")]


def test_where_no_stack_is_named_it_is_said_how_to(merged):
    with pytest.raises(Problem, match="no stack is named"):
        cli.cli(["kubeconfig", ""], standalone_mode=False)
    cli.cli(["kubeconfig"], standalone_mode=False)
    assert list(merged[0][0]) == ["dev-kind"]


def test_a_stack_that_was_never_made_has_nothing_to_merge_and_the_others_wait_for_it(merged, monkeypatch):
    monkeypatch.setattr(paths, "STATE", paths.KUBECONFIGS / "state")
    monkeypatch.setattr(cli.toolchain, "ensure", lambda *_: pytest.fail("something was brought"))
    with pytest.raises(Problem, match=r"^dev-aks has no kubeconfig yet: run `make up STACK=dev-aks` first$"):
        cli.cli(["kubeconfig", "dev-kind dev-aks"], standalone_mode=False)
    assert merged == []


def test_a_kubeconfig_of_a_stack_that_is_no_text_is_named_with_what_writes_it_anew(merged):
    saved = paths.KUBECONFIGS / "dev-kind.yaml"
    saved.write_bytes(b"\xff\xfe")
    with pytest.raises(
        Problem, match=rf"^{saved} is not UTF-8 text \(byte 1\): `make up STACK=dev-kind` writes it anew$"
    ):
        cli.cli(["kubeconfig"], standalone_mode=False)
    assert not merged


def test_a_backend_that_others_share_is_asked_for_the_kubeconfig_that_is_there_now(merged, monkeypatch, tmp_path):
    asked = []
    monkeypatch.setenv("KUBECONFIG", "/mine")
    monkeypatch.setattr(cli.workspace, "backend_is_own", lambda: False)
    monkeypatch.setattr(cli.workspace, "prepare", lambda: None)
    monkeypatch.setattr(cli.toolchain, "ensure", lambda *_: None)
    monkeypatch.setattr(cli.Stack, "exists", True)
    monkeypatch.setattr(cli.Stack, "create", lambda _: None)
    monkeypatch.setattr("tools.stack.run", lambda argv, cwd: asked.append(argv) or "from the backend")
    cli.cli(["kubeconfig", "prod-gke"], standalone_mode=False)
    assert merged == [({"prod-gke": "from the backend"}, None, None, None)]
    assert asked == [["pulumi", "stack", "output", "kubeconfig", "--show-secrets", "--stack", "prod-gke"]]
    assert os.environ["KUBECONFIG"] == "/mine"
