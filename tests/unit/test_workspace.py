import json
import os
import stat

import pytest

from tools import paths, workspace
from tools.console import Problem
from tools.engine import Engine


@pytest.fixture(autouse=True)
def home(tmp_path, own_home, monkeypatch):
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "pulumi"))
    return tmp_path


def test_the_passphrase_is_made_once_and_only_its_owner_can_read_it():
    workspace.prepare()
    first = paths.PASSPHRASE.read_text()
    workspace.prepare()
    assert len(first) >= 40
    assert paths.PASSPHRASE.read_text() == first
    assert stat.S_IMODE(paths.PASSPHRASE.stat().st_mode) == 0o600
    assert stat.S_IMODE(paths.HOME.stat().st_mode) == 0o700


@pytest.mark.parametrize("kind", workspace.STATE_FILES)
def test_a_passphrase_that_is_gone_is_not_made_anew_while_there_is_state_that_needs_it(monkeypatch, kind):
    workspace.prepare()
    paths.PASSPHRASE.unlink()
    stacks = paths.STATE / ".pulumi/stacks/slipway"
    stacks.mkdir(parents=True)
    (stacks / f"dev-kind{kind}").write_text("{}")

    with pytest.raises(Problem, match=r"passphrase is gone, .*; put it back from a backup"):
        workspace.prepare()

    assert not paths.PASSPHRASE.exists()
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "theirs")
    workspace.prepare()


def test_state_lives_under_the_project_by_default():
    variables = workspace.environment("dev-kind", None)
    assert variables["PULUMI_BACKEND_URL"] == workspace.OWN_BACKEND
    assert variables["PULUMI_CONFIG_PASSPHRASE_FILE"] == str(paths.PASSPHRASE)


def test_a_shell_of_another_clone_changes_nothing_here(monkeypatch):
    monkeypatch.setenv("PULUMI_BACKEND_URL", "file:///elsewhere/.slipway/state")
    workspace.refuse_shell_of_another_clone()

    monkeypatch.setenv("SLIPWAY_KUBECONFIGS", "/elsewhere/.slipway/kubeconfigs")
    with pytest.raises(Problem, match=r"^this shell is that of /elsewhere \(`make env` there\)"):
        workspace.refuse_shell_of_another_clone()

    for name, value in workspace.environment("dev-kind", None).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PULUMI_BACKEND_URL", workspace.OWN_BACKEND)
    workspace.refuse_shell_of_another_clone()


def test_a_backend_of_the_user_s_wins_and_keeps_its_own_passphrase(monkeypatch):
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://team-state")
    variables = workspace.environment("dev-kind", None)
    assert "PULUMI_BACKEND_URL" not in variables
    assert "PULUMI_CONFIG_PASSPHRASE_FILE" not in variables


def test_a_login_of_the_user_s_wins(home):
    (home / "pulumi").mkdir()
    (home / "pulumi/credentials.json").write_text(json.dumps({"current": "https://api.pulumi.com"}))
    assert not workspace.backend_is_own()
    assert "PULUMI_BACKEND_URL" not in workspace.environment("dev-kind", None)


@pytest.mark.parametrize("name", ["PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"])
def test_a_passphrase_of_the_user_s_wins(monkeypatch, name):
    monkeypatch.setenv(name, "theirs")
    assert "PULUMI_CONFIG_PASSPHRASE_FILE" not in workspace.environment("dev-kind", None)


def test_a_shell_that_took_these_variables_over_gets_the_same_ones_again(monkeypatch):
    engine = Engine("docker", {"DOCKER_HOST": "unix:///e.sock", "PATH": f"/e/bin{os.pathsep}/usr/bin"}, private=True)
    first = workspace.environment("dev-kind", engine)
    for name, value in first.items():
        monkeypatch.setenv(name, value)
    assert workspace.environment("dev-kind", engine) == first


def test_the_programs_that_were_brought_come_first_on_path():
    folders = workspace.environment("dev-kind", None)["PATH"].split(os.pathsep)
    assert folders[0] == str(paths.BIN)


def test_each_stack_has_a_kubeconfig_of_its_own():
    assert workspace.kubeconfig("dev-kind") != workspace.kubeconfig("prod-gke")


@pytest.mark.parametrize(
    ("before", "kept"),
    [(None, ""), ("/home/ann/one:/home/ann/two", "/home/ann/one:/home/ann/two"), ("{own}/dev-kind.yaml", "")],
)
def test_the_users_own_kubeconfig_is_remembered_beside_that_of_the_stack(monkeypatch, before, kept):
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.delenv("SLIPWAY_OWN_KUBECONFIG", raising=False)
    if before:
        monkeypatch.setenv("KUBECONFIG", before.format(own=paths.KUBECONFIGS))
    variables = workspace.environment("dev-kind", None)
    assert variables["SLIPWAY_OWN_KUBECONFIG"] == kept

    # In a shell after `make env` KUBECONFIG is the stack's.
    for name in ("KUBECONFIG", "SLIPWAY_OWN_KUBECONFIG"):
        monkeypatch.setenv(name, variables[name])
    assert workspace.environment("dev-kind", None)["SLIPWAY_OWN_KUBECONFIG"] == kept
