import base64
import os
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from components import kubeconfig
from components.local.existing_kubeconfig import OWN
from tools import locked_file, paths, user_kubeconfig
from tools.console import Problem
from tools.user_kubeconfig import Authority

PROJECT = Path(__file__).parents[2]

MERGE = """
import os, sys
from pathlib import Path
from components import kubeconfig
from tools import paths, user_kubeconfig
paths.KUBECONFIGS = Path(sys.argv[1])
for number in range(5):
    name = f"{sys.argv[2]}-{number}"
    user_kubeconfig.merge({name: kubeconfig.build("c", "https://x", None, {"token": "t"})})
"""


def config(server="https://127.0.0.1:6443", user=None, authority=None):
    return kubeconfig.build("kind", server, authority, {"token": "t"} if user is None else user)


@pytest.fixture
def theirs(tmp_path, monkeypatch):
    """The user's own kubeconfig, with a context of theirs."""
    monkeypatch.setattr(paths, "KUBECONFIGS", tmp_path / "private")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    paths.KUBECONFIGS.mkdir()
    path = tmp_path / "home/config"
    path.parent.mkdir()
    path.write_text("# mine\n" + kubeconfig.build("work", "https://work", None, {"token": "t"}))
    path.chmod(0o600)
    monkeypatch.setenv("KUBECONFIG", str(path))
    monkeypatch.delenv(OWN, raising=False)
    return path


def merge(*stacks, server="https://127.0.0.1:6443", user=None, **how):
    user_kubeconfig.merge({stack: config(server, user) for stack in stacks or ("dev-kind",)}, **how)


def contexts(path):
    return [entry["name"] for entry in yaml.safe_load(path.read_text())["contexts"]]


def current(path):
    return yaml.safe_load(path.read_text()).get("current-context", "")


def body(path, key, index=-1):
    return yaml.safe_load(path.read_text())[key][index][kubeconfig.LISTS[key]]


def certificate(days):
    """A PEM certificate that ends in so many days."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    end = datetime.now(UTC) + timedelta(days=days)
    signed = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(end - timedelta(days=365)).not_valid_after(end).sign(key, hashes.SHA256())
    )  # fmt: skip
    return signed.public_bytes(serialization.Encoding.PEM)


def encoded(pem):
    return base64.b64encode(pem).decode()


def test_many_stacks_are_merged_at_once_and_the_current_context_is_kept(theirs, capsys):
    merge("dev-kind", "prod-gke", "dev-kubeadm")
    assert contexts(theirs) == ["work", "dev-kind", "prod-gke", "dev-kubeadm"]
    assert current(theirs) == "work"
    assert capsys.readouterr().err == (
        f"  {theirs} has dev-kind, prod-gke, dev-kubeadm; `kubectl --context dev-kind …` uses it\n"
    )


def test_forgetting_stacks_leaves_the_user_s_kubeconfig_byte_by_byte_as_it_was(theirs):
    before = theirs.read_bytes()
    merge("dev-kind", "prod-gke")
    user_kubeconfig.forget("dev-kind")
    assert contexts(theirs) == ["work", "prod-gke"]
    user_kubeconfig.forget("prod-gke")
    assert theirs.read_bytes() == before
    assert list(paths.KUBECONFIGS.rglob("*.*")) == []


def test_merging_again_replaces_what_was_merged_before_and_the_same_again_touches_nothing(theirs):
    merge()
    merge(server="https://127.0.0.1:7443")
    assert body(theirs, "clusters") == {"server": "https://127.0.0.1:7443"}
    before = theirs.stat()
    merge(server="https://127.0.0.1:7443")
    assert theirs.stat() == before
    user_kubeconfig.forget("dev-kind")
    assert contexts(theirs) == ["work"]


def test_the_current_context_is_changed_when_that_is_asked_for(theirs, capsys):
    merge("dev-kind", "prod-gke", use="prod-gke")
    assert current(theirs) == "prod-gke"
    assert "prod-gke is the current context" in capsys.readouterr().err
    merge(use="work")
    assert current(theirs) == "work"


def test_a_context_that_does_not_exist_is_refused_and_nothing_is_merged(theirs):
    before = theirs.read_bytes()
    with pytest.raises(Problem, match=r"there is no context 'dev' in it: it has work, dev-kind; nothing was merged"):
        merge(use="dev")
    with pytest.raises(Problem, match="there is no context ''"):
        merge(use="")
    assert theirs.read_bytes() == before
    assert list(paths.KUBECONFIGS.iterdir()) == []


def test_an_entry_of_somebody_else_s_is_neither_written_over_nor_removed(theirs):
    before = theirs.read_bytes()
    with pytest.raises(
        Problem, match="config has the cluster and the context and the user 'work' already, not from this stack"
    ) as told:
        merge("dev-kind", "work", user={"token": "ours"})
    assert "\n" not in str(told.value)
    assert theirs.read_bytes() == before
    user_kubeconfig.forget("work")
    assert theirs.read_bytes() == before


def test_two_clones_that_have_a_stack_of_one_name_do_not_take_it_from_each_other(theirs, monkeypatch, tmp_path):
    merge()
    before = theirs.read_bytes()
    monkeypatch.setattr(paths, "KUBECONFIGS", tmp_path / "other")
    with pytest.raises(Problem, match="the user 'dev-kind' already, not from this stack"):
        merge()
    user_kubeconfig.forget("dev-kind")
    assert theirs.read_bytes() == before


def test_a_file_of_its_own_is_made_and_each_file_is_cleaned_up(theirs, tmp_path, capsys):
    own = tmp_path / "new/team.yaml"
    merge()
    merge(file=own)
    assert contexts(own) == ["dev-kind"]
    assert current(own) == ""
    assert stat.S_IMODE(own.stat().st_mode) == 0o600
    assert f"kubectl --kubeconfig {own} --context dev-kind" in capsys.readouterr().err
    user_kubeconfig.forget("dev-kind")
    assert contexts(theirs) == ["work"]
    assert not own.exists()


def test_a_file_in_which_somebody_has_written_since_stays(theirs, tmp_path):
    own = tmp_path / "team.yaml"
    merge(file=own)
    own.write_text(f"# for the team\n{own.read_text()}")
    user_kubeconfig.forget("dev-kind")
    assert own.read_text().startswith("# for the team\n")
    assert contexts(own) == []


def test_a_file_that_a_stack_was_never_in_stops_nobody_from_forgetting_it(theirs, tmp_path):
    broken, away = tmp_path / "broken.yaml", tmp_path / "disk/away.yaml"
    merge()
    for file in (broken, away):
        merge("prod-gke", file=file)
    broken.write_bytes(b"\xff")
    away.parent.rename(tmp_path / "unmounted")

    user_kubeconfig.forget("dev-kind")

    assert contexts(theirs) == ["work"]
    (tmp_path / "unmounted").rename(away.parent)
    broken.unlink()
    user_kubeconfig.forget("prod-gke")
    assert not away.exists()


def test_an_empty_file_that_was_there_stays(theirs):
    theirs.write_text("")
    merge()
    user_kubeconfig.forget("dev-kind")
    assert contexts(theirs) == []


@pytest.mark.parametrize("gone", ["file", "folder"])
def test_a_kubeconfig_that_is_gone_is_in_no_destroy_s_way(theirs, tmp_path, gone):
    own = tmp_path / "new/team.yaml"
    merge(file=own)
    own.unlink()
    if gone == "folder":
        own.parent.rmdir()
    user_kubeconfig.forget("dev-kind")
    assert own.parent.exists() is (gone == "file")
    assert not own.exists()
    assert list(paths.KUBECONFIGS.rglob("*.json")) == []


def test_the_private_kubeconfig_of_make_env_is_never_the_user_s(theirs, monkeypatch, tmp_path, capsys):
    private, usual = paths.KUBECONFIGS / "dev-kind.yaml", tmp_path / "home/.kube/config"
    private.write_text(config())
    monkeypatch.setenv("KUBECONFIG", str(private))
    merge()
    assert contexts(usual) == ["dev-kind"]
    # In that shell kubectl reads the private one, unless it is told another.
    assert f"`kubectl --kubeconfig {usual} --context dev-kind …` uses it" in capsys.readouterr().err
    assert private.read_text() == config()
    with pytest.raises(Problem, match="is Slipway's own"):
        merge(file=private)


def test_in_a_shell_of_make_env_the_user_s_own_is_what_kubeconfig_was_before(theirs, monkeypatch, tmp_path):
    monkeypatch.setenv(OWN, str(theirs))
    monkeypatch.setenv("KUBECONFIG", str(paths.KUBECONFIGS / "dev-kind.yaml"))
    merge()
    assert contexts(theirs) == ["work", "dev-kind"]
    assert not (tmp_path / "home/.kube/config").exists()


@pytest.mark.parametrize(
    ("there", "chosen"), [(["a", "b"], "a"), (["b", "c"], "b"), ([], "c")], ids=["first", "second", "none"]
)
def test_of_a_list_the_first_file_that_is_there_is_taken_or_else_the_last_as_kubectl_does(
    theirs, monkeypatch, tmp_path, there, chosen
):
    listed = [tmp_path / name for name in "abc"]
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join(["", *map(str, listed)]))
    for name in there:
        (tmp_path / name).touch()
    merge()
    assert contexts(tmp_path / chosen) == ["dev-kind"]


def test_an_entry_of_the_same_name_in_another_file_of_the_list_is_refused(theirs, monkeypatch, tmp_path):
    other, broken = tmp_path / "other", tmp_path / "broken"
    other.write_text(kubeconfig.build("dev-kind", "https://other", None, {}))
    broken.write_text("a: [")
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join(map(str, (theirs, broken, other))))
    with pytest.raises(Problem, match=f"^{other} has entries called dev-kind already"):
        merge()
    assert contexts(theirs) == ["work"]


def test_a_new_kubeconfig_is_its_owner_s_alone_and_an_old_one_keeps_its_mode(theirs):
    theirs.chmod(0o640)
    merge()
    assert stat.S_IMODE(theirs.stat().st_mode) == 0o640
    theirs.unlink()
    merge()
    assert stat.S_IMODE(theirs.stat().st_mode) == 0o600


def test_a_kubeconfig_behind_a_link_stays_behind_it(theirs, tmp_path, monkeypatch):
    link = tmp_path / "link"
    link.symlink_to(theirs)
    monkeypatch.setenv("KUBECONFIG", str(link))
    merge()
    assert link.is_symlink()
    assert contexts(theirs) == ["work", "dev-kind"]
    user_kubeconfig.forget("dev-kind")
    assert link.is_symlink()
    assert contexts(theirs) == ["work"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"kind: Pod\n", "it is no kubeconfig: its kind is not Config of v1"),
        (b"\xff\xfe", r"it is not UTF-8 text \(byte 1\)"),
        (b"apiVersion: v1\nclusters:\n- cluster: {server: 'htt", r"it is not YAML \(line 3\)"),
        (b"users:\n- name: a\n  user:\n    client-key-data: Q0E", "it is cut off: client-key-data of user 'a'"),
        (bytes(100), "it is not YAML"),
        (b"clusters: 0\n", "its clusters are not a list of entries with names"),
        (b"current-context: [a]\n", "its current-context is no name"),
    ],
    ids=["another kind", "no text", "half-written", "cut off", "zeros", "a number", "a list"],
)
def test_a_broken_kubeconfig_is_left_as_it_is_with_one_line(theirs, content, why):
    merge()
    theirs.write_bytes(content)
    for change in (merge, lambda: user_kubeconfig.forget("dev-kind")):
        with pytest.raises(Problem, match=rf"^{theirs} cannot be changed: {why}.*; mend it, or choose .*$"):
            change()
        assert theirs.read_bytes() == content


@pytest.mark.parametrize("place", ["/dev/null/config", "/proc/no/config", "/proc"])
def test_a_place_that_takes_no_kubeconfig_is_named_with_the_way_out(theirs, monkeypatch, place):
    monkeypatch.setenv("KUBECONFIG", place)
    with pytest.raises(Problem, match=rf"^{place} cannot be changed: .*; mend it, or choose another file"):
        merge()


def test_the_home_of_nobody_is_told(theirs, monkeypatch):
    with pytest.raises(Problem, match=r"^~nobody-here/config leads nowhere: there is no such user; write ~/… or"):
        merge(file=Path("~nobody-here/config"))
    monkeypatch.setenv("KUBECONFIG", "~nobody-here/config")
    with pytest.raises(Problem, match="leads nowhere"):
        merge()


def test_a_stack_s_own_kubeconfig_that_is_broken_is_told_by_the_stack(theirs):
    with pytest.raises(Problem, match=r"the kubeconfig of dev cannot be merged: it is not YAML.*`make up STACK=dev`"):
        user_kubeconfig.merge({"dev": "a: ["})


@pytest.mark.parametrize(
    "user", [{"exec": "gke"}, {"exec": {"command": 5}}, {"client-key": 5}, {"token": b"t"}, {5: 5}]
)
def test_a_value_of_another_kind_in_a_stack_s_own_kubeconfig_is_told_by_the_stack(theirs, user):
    before = theirs.read_bytes()
    with pytest.raises(Problem, match=r"^the kubeconfig of dev cannot be merged: a value in it is not .*`make up"):
        user_kubeconfig.merge({"dev": config(user=user)})
    assert theirs.read_bytes() == before


def test_a_user_with_a_program_of_nothing_is_merged_as_kubectl_reads_it(theirs):
    merge(user={"token": "t", "exec": None})
    assert contexts(theirs) == ["work", "dev-kind"]


def test_a_ca_that_is_no_text_goes_into_no_file(theirs):
    with pytest.raises(Problem, match="the kubeconfig of dev cannot be merged: the certificate of its CA is no text"):
        user_kubeconfig.merge({"dev": config(authority="/w==")}, authority=Authority.FILES)


def test_a_link_that_leads_to_itself_is_told(theirs, tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(Problem, match=r"loop cannot be changed: Too many levels of symbolic links; mend it, or"):
        merge(file=tmp_path / "loop")


def test_another_file_that_is_in_the_way_is_named(theirs):
    (paths.KUBECONFIGS / "merged").write_text("")
    with pytest.raises(Problem, match=rf"^{theirs} cannot be changed: {paths.KUBECONFIGS}/merged: File exists; mend"):
        merge()


def test_a_run_that_was_killed_before_it_wrote_has_left_nothing_that_is_nobody_s(theirs, monkeypatch):
    before = theirs.read_bytes()
    merge()
    replace = locked_file.replace

    def killed(path, text):
        if path == theirs:
            raise KeyboardInterrupt
        replace(path, text)

    monkeypatch.setattr(locked_file, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        merge(server="https://new")
    monkeypatch.setattr(locked_file, "replace", replace)

    merge(server="https://newer")
    assert body(theirs, "clusters") == {"server": "https://newer"}
    user_kubeconfig.forget("dev-kind")
    assert theirs.read_bytes() == before


def test_of_several_merges_at_once_none_is_lost(theirs):
    runs = [
        subprocess.Popen([sys.executable, "-c", MERGE, paths.KUBECONFIGS, word], cwd=PROJECT, stderr=subprocess.DEVNULL)
        for word in "abc"
    ]
    assert [run.wait() for run in runs] == [0] * 3
    assert sorted(contexts(theirs)) == sorted(["work", *(f"{word}-{number}" for word in "abc" for number in range(5))])
    for name in contexts(theirs)[1:]:
        user_kubeconfig.forget(name)
    assert contexts(theirs) == ["work"]


def test_what_is_known_of_merges_is_for_its_owner_alone(theirs):
    merge(user={"token": "secret"})
    (record,) = (paths.KUBECONFIGS / "merged").iterdir()
    assert "secret" in record.read_text()
    assert stat.S_IMODE(record.stat().st_mode) == 0o600
    assert stat.S_IMODE(record.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "kept", ["", "[]", "{}", '{"target": 1, "merged": {}}', '{"target": "x", "merged": [], "made": 1}']
)
def test_what_is_known_of_merges_and_is_broken_is_told_with_its_own_name_and_nothing_is_changed(theirs, kept):
    merge()
    [known] = (paths.KUBECONFIGS / "merged").iterdir()
    known.write_text(kept)
    before = theirs.read_bytes()
    for change in (lambda: merge(server="https://new"), lambda: user_kubeconfig.forget("dev-kind")):
        with pytest.raises(Problem, match=rf"^{known} is broken, which tells .*: remove it, and take .*$"):
            change()
    assert theirs.read_bytes() == before


def test_a_ca_is_put_into_a_file_and_back_when_that_is_asked_for(theirs):
    pem = certificate(1)
    user_kubeconfig.merge({"dev-kind": config(authority=encoded(pem))}, authority=Authority.FILES)
    path = Path(body(theirs, "clusters")["certificate-authority"])
    assert path.read_bytes() == pem
    assert path.is_relative_to(paths.KUBECONFIGS)
    user_kubeconfig.merge({"other": theirs.read_text().replace("current-context: work", "current-context: dev-kind")})
    assert body(theirs, "clusters")["certificate-authority"] == str(path)

    named = kubeconfig.use(theirs.read_text(), "dev-kind")
    user_kubeconfig.merge({"dev-kind": named}, authority=Authority.EMBEDDED)
    assert body(theirs, "clusters", 1) == {
        "server": "https://127.0.0.1:6443",
        "certificate-authority-data": encoded(pem),
    }
    user_kubeconfig.forget("dev-kind")
    assert not path.exists()


def test_a_ca_s_file_that_is_not_there_cannot_be_embedded(theirs):
    text = config().replace("server:", "certificate-authority: /no/ca.crt\n    server:")
    with pytest.raises(Problem, match=r"the kubeconfig of dev cannot be merged: /no/ca.crt: No such file"):
        user_kubeconfig.merge({"dev": text}, authority=Authority.EMBEDDED)


@pytest.mark.parametrize(
    ("ca", "user", "told"),
    [
        ([-1], 30, ["CA"]),
        ([30], -1, ["user"]),
        ([-1, 30], 30, []),
        ([-1], -2, ["CA", "user"]),
        ([30], 30, []),
    ],
)
def test_a_certificate_that_has_expired_is_told_in_a_line_and_merged(theirs, tmp_path, capsys, ca, user, told):
    path = tmp_path / "user.crt"
    path.write_bytes(certificate(user))
    authority = encoded(b"".join(map(certificate, ca)))
    user_kubeconfig.merge(
        {"dev": config(authority=authority, user={"client-certificate": str(path), "client-key": "k"})}
    )
    lines = capsys.readouterr().err.splitlines()[:-1]
    assert [line.partition("'s certificate")[0] for line in lines] == [f"  dev: its {what}" for what in told]
    assert all(line.endswith(": `make up STACK=dev` mends that") for line in lines)
    assert contexts(theirs) == ["work", "dev"]
