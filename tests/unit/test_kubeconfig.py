import base64
import os
import stat
from contextlib import nullcontext
from pathlib import Path

import pytest
import yaml

from components import kubeconfig

HERE = Path("/folder")


def named(name, server="https://127.0.0.1:1", user=None):
    built = kubeconfig.build("cluster", server, "Q0E=", {"token": name} if user is None else user)
    return kubeconfig.renamed(built, name, HERE)


def merged(existing, *names, before=None, **how):
    return kubeconfig.merge(existing, {name: named(name, **how) for name in names}, before or {})


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


def test_of_several_clusters_the_one_of_the_current_context_is_told():
    config = yaml.safe_load(kubeconfig.build("a", "https://a.example", None, {"token": "of a"}))
    other = yaml.safe_load(kubeconfig.build("b", "https://b.example", None, {"token": "of b"}))
    both = yaml.safe_dump({**other, **{key: config[key] + other[key] for key in ("clusters", "contexts", "users")}})

    assert kubeconfig.cluster_of(both) == {"server": "https://b.example"}
    assert kubeconfig.user_of(both) == {"token": "of b"}
    with pytest.raises(ValueError, match="2 clusters, and no current context that tells which"):
        kubeconfig.cluster_of(both.replace("current-context: b", "current-context: c"))


def test_a_public_ca_needs_no_certificate():
    built = kubeconfig.build("dev", "https://example.org", None, {})
    assert kubeconfig.cluster_of(built) == {"server": "https://example.org"}


THEIRS = """\
# made by hand
apiVersion: v1
kind: Config
current-context: mine   # the one I work with
preferences: {colors: true}
clusters:
- cluster: {server: "https://mine", new-field: 1}
  name: mine
contexts:
# careful
- context: {cluster: mine, user: mine, namespace: web}
  name: mine
users:
- name: mine
  user: {tokenFile: token}
my-own-key: [1, 2]
"""


def test_a_stack_s_cluster_user_and_context_are_called_by_the_stack():
    assert named("dev") == {
        "clusters": {"server": "https://127.0.0.1:1", "certificate-authority-data": "Q0E="},
        "contexts": {"cluster": "dev", "user": "dev"},
        "users": {"token": "dev"},
    }


def test_of_several_contexts_the_current_one_is_taken_with_all_that_it_says():
    text = merged(merged("", "one"), "two", server="https://two")
    text = kubeconfig.use(text, "two").replace("user: two\n", "user: two\n    namespace: web\n", 1)
    assert kubeconfig.renamed(text, "dev", HERE) == {
        "clusters": {"server": "https://two", "certificate-authority-data": "Q0E="},
        "contexts": {"cluster": "dev", "user": "dev", "namespace": "web"},
        "users": {"token": "two"},
    }


def test_relative_paths_start_where_the_kubeconfig_lay_and_programs_of_path_are_looked_for_there():
    user = {"client-certificate": "a.crt", "client-key": "/keys/a", "exec": {"command": "./login", "args": ["x/y"]}}
    text = yaml.safe_dump(
        {
            "clusters": [{"name": "c", "cluster": {"certificate-authority": "ca/ca.crt"}}],
            "users": [{"name": "u", "user": user}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        }
    )
    found = kubeconfig.renamed(text, "dev", HERE)
    assert found["clusters"] == {"certificate-authority": "/folder/ca/ca.crt"}
    assert found["users"] == {
        "client-certificate": "/folder/a.crt",
        "client-key": "/keys/a",
        "exec": {"command": "/folder/login", "args": ["x/y"]},
    }
    assert kubeconfig.renamed(text.replace("./login", "aws"), "dev", HERE)["users"]["exec"]["command"] == "aws"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("current-context: cluster", ""), None),
        (("current-context: cluster", "current-context: other"), "there is no context 'other' in it"),
        (("    user: cluster", "    user: other"), "its context 'cluster' has no user: there is no 'other' in it"),
        (("    cluster: cluster\n", ""), "its context 'cluster' has no cluster: there is no None in it"),
    ],
)
def test_a_kubeconfig_that_lacks_a_part_is_refused_by_that_part(change, why):
    text = kubeconfig.build("cluster", "https://x", None, {}).replace(*change)
    with nullcontext() if why is None else pytest.raises(ValueError, match=why):
        assert kubeconfig.renamed(text, "dev", HERE)["clusters"] == {"server": "https://x"}


def test_merging_adds_and_leaves_every_byte_that_is_there():
    text = merged(THEIRS, "dev", "prod")
    assert list(yaml.safe_load(text)["contexts"]) == [
        {"name": "mine", "context": {"cluster": "mine", "user": "mine", "namespace": "web"}},
        {"name": "dev", "context": {"cluster": "dev", "user": "dev"}},
        {"name": "prod", "context": {"cluster": "prod", "user": "prod"}},
    ]
    rest = iter(text.splitlines())
    assert [line for line in THEIRS.splitlines() if line not in rest] == []
    assert kubeconfig.remove(text, {name: [named(name)] for name in ("dev", "prod")}) == THEIRS


def test_merging_the_same_again_changes_nothing():
    text = merged(THEIRS, "dev")
    assert merged(text, "dev", before={"dev": [named("dev")]}) == text


@pytest.mark.parametrize("empty", ["", "apiVersion: v1\nkind: Config\n", "clusters: null\ncontexts:\nusers: []\n"])
def test_merging_never_chooses_a_context(empty):
    assert not yaml.safe_load(merged(empty, "dev")).get("current-context")


def test_a_new_kubeconfig_says_what_it_is_first():
    assert merged("", "dev").startswith("apiVersion: v1\nkind: Config\nclusters:\n")


def test_what_a_merge_has_put_there_is_brought_up_to_date_and_keeps_what_was_added_since():
    text = merged(THEIRS, "dev", server="https://old", user={"token": "old"})
    text = text.replace("    server: https://old\n", "    server: https://old\n    proxy-url: socks5://p\n")
    text = text.replace("    user: dev\n", "    user: dev\n    namespace: web # often\n")

    before = {"dev": [named("dev", "https://old", {"token": "old"})]}
    text = merged(text, "dev", before=before, server="https://new", user={"exec": {"command": "login"}})

    entries = {key: yaml.safe_load(text)[key][1] for key in kubeconfig.LISTS}
    assert entries["clusters"]["cluster"] == {
        "proxy-url": "socks5://p",
        "server": "https://new",
        "certificate-authority-data": "Q0E=",
    }
    assert entries["users"]["user"] == {"exec": {"command": "login"}}
    assert "namespace: web # often" in text


def test_two_that_want_one_name_are_refused_by_it_and_by_what_it_names():
    with pytest.raises(kubeconfig.Taken, match=r"^the cluster and the context and the user 'mine'$"):
        merged(THEIRS, "dev", "mine")
    text = merged("", "dev", server="https://another")
    with pytest.raises(kubeconfig.Taken, match=r"^the cluster and the context and the user 'dev'$"):
        merged(text, "dev")


def test_an_entry_that_says_already_what_it_is_to_say_is_left_and_is_somebody_s_unless_a_merge_put_it_there():
    text = merged(THEIRS, "dev")
    assert merged(text, "dev", before={"dev": [named("dev")]}) == text
    with pytest.raises(kubeconfig.Taken, match=r"^the cluster and the context and the user 'dev'$"):
        merged(text, "dev", before={})


def test_an_empty_user_is_not_taken_for_somebody_s_who_has_a_token():
    with pytest.raises(kubeconfig.Taken, match="the user 'dev'"):
        merged(merged("", "dev"), "dev", user={})


def test_removing_the_cluster_in_use_leaves_no_dangling_context():
    text = kubeconfig.use(merged(THEIRS, "dev"), "dev")
    left = kubeconfig.remove(text, {"dev": [named("dev")]})
    assert left == THEIRS.replace("current-context: mine ", "current-context: '' ")


def test_an_entry_that_was_changed_since_stays_and_one_that_was_only_added_to_goes():
    text = (
        merged("", "dev")
        .replace("https://127.0.0.1:1", "https://tunnel")
        .replace("user: dev\n", "user: dev\n    a: b\n")
    )
    left = yaml.safe_load(kubeconfig.remove(text, {"dev": [named("dev")]}))
    assert [entry["name"] for entry in left["clusters"]] == ["dev"]
    assert left["contexts"] == left["users"] == []


def test_what_kubectl_leaves_out_or_adds_when_it_writes_is_no_change():
    put = named("dev", user={"exec": {"command": "login", "args": [], "provideClusterInfo": False}})
    text = kubeconfig.merge("", {"dev": put}, {}).replace("      args: []\n", "      env: null\n")
    assert yaml.safe_load(kubeconfig.remove(text, {"dev": [put]}))["users"] == []


def test_the_current_context_is_changed_in_its_place():
    text = merged(THEIRS, "dev")
    assert kubeconfig.use(text, "dev") == text.replace("current-context: mine ", "current-context: dev ")


def test_a_context_that_does_not_exist_is_refused_with_those_that_do():
    with pytest.raises(ValueError, match=r"^there is no context 'de' in it: it has mine, dev$"):
        kubeconfig.use(merged(THEIRS, "dev"), "de")
    with pytest.raises(ValueError, match=r"^there is no context 'de' in it: it has none$"):
        kubeconfig.use("", "de")


@pytest.mark.parametrize(
    ("text", "is_empty"),
    [
        ("", True),
        ("apiVersion: v1\nkind: Config\nclusters: []\nusers: null\ncurrent-context: ''\npreferences: {}\n", True),
        ("# mine\n", False),
        ("preferences: {colors: true}\n", False),
        (THEIRS, False),
    ],
)
def test_only_what_says_nothing_at_all_is_empty(text, is_empty):
    assert kubeconfig.is_empty(text) is is_empty


BROKEN = [
    ("a: [", "it is not YAML"),
    ("- a", "it is no mapping"),
    ("just text", "it is no mapping"),
    ("kind: Pod", "its kind is not Config of v1"),
    ("apiVersion: v2", "its kind is not Config of v1"),
    ("clusters: [a, b]", "its clusters are not a list of entries with names"),
    ("users: {a: b}", "its users are not a list of entries with names"),
    ("contexts: [{context: {}}]", "its contexts are not a list of entries with names"),
    ("users: [{name: a, user: {}}, {name: a, user: {}}]", "kubectl refuses it: it has two users called 'a'"),
    ("users:\n- name: a\n  user: tok", "one of its users is cut off: it has no fields under `user`"),
    ("users: [{name: a, user: {client-key-data: Q0E}}]", "it is cut off: client-key-data of user 'a' is not base64"),
    ("users: [{name: a, user: {client-key-data: Y Q==}}]", "it is cut off: client-key-data of user 'a' is not base64"),
    ("users: [{name: a, user: {client-key-data: é}}]", "it is cut off: client-key-data of user 'a' is not base64"),
    ("clusters: [{name: a, cluster: {server: x}}]\n---\nkind: Config\n", "it is not YAML"),
]


@pytest.mark.parametrize(("text", "why"), BROKEN)
def test_what_is_no_kubeconfig_is_refused(text, why):
    for change in (
        lambda: merged(text, "dev"),
        lambda: kubeconfig.remove(text, {}),
        lambda: kubeconfig.use(text, "a"),
        lambda: kubeconfig.names(text),
        lambda: kubeconfig.renamed(text, "dev", HERE),
    ):
        with pytest.raises(ValueError, match=why):
            change()


def test_base64_on_several_lines_is_what_kubectl_reads():
    assert kubeconfig.names('users: [{name: a, user: {client-key-data: "Y\\nQ=\\r\\n="}}]') == {"a"}


def test_ten_megabytes_lose_nothing():
    data = base64.b64encode(b"x" * 3000).decode()
    mine = "".join(
        f"- name: m{i}  # number {i}\n  user: {{client-key-data: {data}, new: [{i}]}}\n" for i in range(2500)
    )
    text = f"# large\nusers:\n{mine}clusters: []\ncontexts: []\n"
    assert len(text) > 10_000_000
    more = merged(text, "dev")
    assert kubeconfig.remove(more, {"dev": [named("dev")]}) == text


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
