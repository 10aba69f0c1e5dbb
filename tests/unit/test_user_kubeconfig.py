import stat

import pytest
import yaml

from components import kubeconfig
from tools import paths, user_kubeconfig
from tools.console import Problem


def config(name, server="https://127.0.0.1:6443"):
    return kubeconfig.build(name, server, None, {"token": "t"})


@pytest.fixture
def theirs(tmp_path, monkeypatch):
    """The user's own kubeconfig, with a context of theirs."""
    monkeypatch.setattr(paths, "KUBECONFIGS", tmp_path / "private")
    paths.KUBECONFIGS.mkdir()
    path = tmp_path / "home/config"
    path.parent.mkdir()
    path.write_text(config("work"))
    path.chmod(0o600)
    monkeypatch.setenv("KUBECONFIG", str(path))
    return path


@pytest.fixture
def stack():
    def stack(text):
        (paths.KUBECONFIGS / "dev-kind.yaml").write_text(text)
        return "dev-kind"

    return stack


def contexts(path):
    return [entry["name"] for entry in yaml.safe_load(path.read_text())["contexts"]]


def test_merging_adds_the_cluster_and_keeps_the_current_context(theirs, stack):
    user_kubeconfig.merge(stack(config("dev-kind")))
    assert contexts(theirs) == ["work", "dev-kind"]
    assert yaml.safe_load(theirs.read_text())["current-context"] == "work"


def test_forgetting_a_stack_leaves_the_user_s_kubeconfig_as_it_was(theirs, stack):
    before = yaml.safe_load(theirs.read_text())
    user_kubeconfig.merge(stack(config("dev-kind")))
    user_kubeconfig.forget("dev-kind")
    assert yaml.safe_load(theirs.read_text()) == before
    assert list(paths.KUBECONFIGS.iterdir()) == []


def test_merging_again_replaces_what_was_merged_before(theirs, stack):
    user_kubeconfig.merge(stack(config("dev-kind")))
    user_kubeconfig.merge(stack(config("dev-kind", "https://127.0.0.1:7443")))
    user_kubeconfig.forget("dev-kind")
    assert contexts(theirs) == ["work"]


def test_the_private_kubeconfig_of_make_env_is_never_the_user_s(theirs, stack, monkeypatch, tmp_path):
    private = stack(config("dev-kind")) and paths.KUBECONFIGS / "dev-kind.yaml"
    monkeypatch.setenv("KUBECONFIG", str(private))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    user_kubeconfig.merge("dev-kind")
    assert contexts(tmp_path / "home/.kube/config") == ["dev-kind"]
    assert contexts(private) == ["dev-kind"]


def test_a_new_kubeconfig_is_its_owner_s_alone_and_an_old_one_keeps_its_mode(theirs, stack):
    theirs.chmod(0o640)
    user_kubeconfig.merge(stack(config("dev-kind")))
    assert stat.S_IMODE(theirs.stat().st_mode) == 0o640
    theirs.unlink()
    user_kubeconfig.merge("dev-kind")
    assert stat.S_IMODE(theirs.stat().st_mode) == 0o600


def test_a_kubeconfig_behind_a_link_stays_behind_it(theirs, stack, tmp_path, monkeypatch):
    link = tmp_path / "link"
    link.symlink_to(theirs)
    monkeypatch.setenv("KUBECONFIG", str(link))
    user_kubeconfig.merge(stack(config("dev-kind")))
    assert link.is_symlink()
    assert contexts(theirs) == ["work", "dev-kind"]


def test_a_file_that_is_no_kubeconfig_is_left_as_it_is(theirs, stack):
    theirs.write_text("kind: Pod\n")
    with pytest.raises(Problem, match="cannot be changed: it is no kubeconfig"):
        user_kubeconfig.merge(stack(config("dev-kind")))
    assert theirs.read_text() == "kind: Pod\n"


def test_a_file_that_is_no_text_is_left_as_it_is(theirs, stack):
    theirs.write_bytes(b"\xff\xfe")
    with pytest.raises(Problem, match=r"config cannot be changed: 'utf-8' codec .*; mend it, or set KUBECONFIG"):
        user_kubeconfig.merge(stack(config("dev")))
    assert theirs.read_bytes() == b"\xff\xfe"


@pytest.mark.parametrize("place", ["/dev/null/config", "/proc/no/config", "/proc"])
def test_a_place_that_takes_no_kubeconfig_is_named_with_the_way_out(theirs, stack, monkeypatch, place):
    monkeypatch.setenv("KUBECONFIG", place)
    with pytest.raises(Problem, match=rf"^{place} cannot be changed: .*; mend it, or set KUBECONFIG to another file$"):
        user_kubeconfig.merge(stack(config("dev")))


def test_a_stack_that_was_never_made_has_nothing_to_merge(theirs):
    with pytest.raises(Problem, match="run `make up STACK=dev-kind` first"):
        user_kubeconfig.merge("dev-kind")


def test_a_kubeconfig_that_came_with_a_stack_goes_with_it(theirs, stack):
    theirs.unlink()
    user_kubeconfig.merge(stack(config("dev-kind")))
    user_kubeconfig.forget("dev-kind")
    assert not theirs.exists()
