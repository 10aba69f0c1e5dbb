import os
import stat

import pytest
import yaml

from components import kubeconfig


def config(name, server="https://127.0.0.1:1", **more):
    return (
        kubeconfig.build(name, server, "Q0E=", {"token": name}) + yaml.safe_dump(more)
        if more
        else kubeconfig.build(name, server, "Q0E=", {"token": name})
    )


def test_a_built_kubeconfig_has_one_context_and_uses_it():
    built = yaml.safe_load(kubeconfig.build("dev", "https://127.0.0.1:6443", "Q0E=", {"exec": {"command": "login"}}))
    assert built == {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": "dev", "cluster": {"server": "https://127.0.0.1:6443", "certificate-authority-data": "Q0E="}}
        ],
        "contexts": [{"name": "dev", "context": {"cluster": "dev", "user": "dev"}}],
        "users": [{"name": "dev", "user": {"exec": {"command": "login"}}}],
        "current-context": "dev",
    }


def test_a_public_ca_needs_no_certificate():
    built = kubeconfig.build("dev", "https://example.org", None, {})
    assert kubeconfig.cluster_of(built) == {"server": "https://example.org"}


def test_merging_keeps_what_is_there_and_the_current_context():
    merged = yaml.safe_load(kubeconfig.merge(config("mine"), config("dev")))
    assert [entry["name"] for entry in merged["contexts"]] == ["mine", "dev"]
    assert [entry["name"] for entry in merged["clusters"]] == ["mine", "dev"]
    assert [entry["name"] for entry in merged["users"]] == ["mine", "dev"]
    assert merged["current-context"] == "mine"


def test_merging_again_replaces_the_older_entries():
    merged = kubeconfig.merge(config("dev", "https://old"), config("dev", "https://new"))
    assert kubeconfig.cluster_of(merged)["server"] == "https://new"
    assert kubeconfig.merge(merged, config("dev", "https://new")) == merged


@pytest.mark.parametrize("empty", ["", "apiVersion: v1\nkind: Config\n", "clusters: null\ncontexts:\nusers: []\n"])
def test_merging_into_nothing_takes_the_new_context(empty):
    merged = kubeconfig.merge(empty, config("dev"))
    assert kubeconfig.current_context(merged) == "dev"


def test_merging_keeps_preferences_and_whatever_else_is_in_the_file():
    merged = yaml.safe_load(kubeconfig.merge(config("mine") + "preferences: {colors: true}\n", config("dev")))
    assert merged["preferences"] == {"colors": True}


def test_removing_takes_out_what_merging_put_in():
    mine = config("mine")
    assert kubeconfig.remove(kubeconfig.merge(mine, config("dev")), config("dev")) == mine


def test_removing_the_cluster_in_use_leaves_no_dangling_context():
    left = kubeconfig.remove(config("dev"), config("dev"))
    assert kubeconfig.current_context(left) == ""


def test_an_entry_that_was_changed_since_stays():
    changed = kubeconfig.merge("", config("dev", "https://changed"))
    assert kubeconfig.cluster_of(kubeconfig.remove(changed, config("dev")))["server"] == "https://changed"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: [", "it is not YAML"),
        ("- a", "its kind is not Config"),
        ("kind: Pod", "its kind is not Config"),
        ("just text", "its kind is not Config"),
        ("clusters: [a, b]", "its clusters are not a list of entries with names"),
        ("users: {a: b}", "its users are not a list of entries with names"),
        ("contexts: [{context: {}}]", "its contexts are not a list of entries with names"),
    ],
)
def test_what_is_no_kubeconfig_is_refused(text, why):
    with pytest.raises(ValueError, match=why):
        kubeconfig.merge(text, config("dev"))
    with pytest.raises(ValueError, match=why):
        kubeconfig.remove(text, config("dev"))


def test_a_saved_kubeconfig_is_for_its_owner_alone_whatever_the_umask(tmp_path):
    old = os.umask(0)
    try:
        kubeconfig.save(tmp_path / "new" / "folder", "dev", "text")
    finally:
        os.umask(old)
    saved = tmp_path / "new" / "folder" / "dev.yaml"
    assert saved.read_text() == "text"
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    assert stat.S_IMODE(saved.parent.stat().st_mode) == 0o700


def test_saving_again_replaces_the_file_and_leaves_no_other(tmp_path):
    kubeconfig.save(tmp_path, "dev", "old")
    (tmp_path / "dev.yaml").chmod(0o644)
    kubeconfig.save(tmp_path, "dev", "new")
    assert (tmp_path / "dev.yaml").read_text() == "new"
    assert stat.S_IMODE((tmp_path / "dev.yaml").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["dev.yaml"]


def test_a_link_in_the_way_is_replaced_and_not_followed(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("untouched")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "dev.yaml").symlink_to(elsewhere)
    kubeconfig.save(folder, "dev", "text")
    assert elsewhere.read_text() == "untouched"
    assert (folder / "dev.yaml").read_text() == "text"
