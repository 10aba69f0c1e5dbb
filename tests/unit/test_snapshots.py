"""Snapshots of etcd: what is asked of a machine, how they are kept, and who can open them."""

import base64
import json
import subprocess
from datetime import UTC, datetime
from typing import Any

import pytest

from components.bootstrap import snapshots
from components.bootstrap.snapshots import Snapshot, SnapshotError
from components.machines.reach import Reach, ReachError
from tools import snapshots as tools
from tools.console import Problem

NOW = datetime(2026, 11, 25, tzinfo=UTC)


@pytest.fixture(scope="module")
def key():
    return snapshots.make_key(NOW)


@pytest.fixture
def sealed(key, tmp_path):
    """A snapshot as a control plane makes it: by the same command of openssl as in snapshot.sh."""
    certificate, plain, path = tmp_path / "crt", tmp_path / "plain", tmp_path / "demo-v1.37.2-20261125T000000Z.etcd.cms"
    certificate.write_text(key["certificate"])
    plain.write_bytes(b"all that a cluster knows\n" * 1000)
    (command,) = (line for line in snapshots.TAKE.splitlines() if line.startswith("openssl"))
    script = f'certificate={certificate} snapshot={plain}\n{command}\nmv "$snapshot.cms" {path}'
    subprocess.run(["sh", "-c", script], check=True)
    return path


def test_what_openssl_seals_on_a_machine_the_state_opens(sealed, key):
    assert snapshots.read(sealed, key) == b"all that a cluster knows\n" * 1000
    assert b"cluster knows" not in sealed.read_bytes()


def test_a_snapshot_of_another_cluster_is_refused_in_one_line(sealed):
    with pytest.raises(SnapshotError, match="it is damaged, no snapshot, or of another cluster") as refused:
        snapshots.read(sealed, snapshots.make_key(NOW))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("harm", [lambda data: data[:-700], lambda data: b"", lambda data: b"PK" + data])
def test_a_damaged_snapshot_is_refused_in_one_line(sealed, key, harm):
    sealed.write_bytes(harm(sealed.read_bytes()))
    with pytest.raises(SnapshotError, match="it is damaged, no snapshot, or of another cluster"):
        snapshots.read(sealed, key)


def test_a_snapshot_that_is_not_there_is_told(key, tmp_path):
    with pytest.raises(SnapshotError, match="cannot be read: No such file or directory"):
        snapshots.read(tmp_path / "none", key)


class Machine:
    """A control plane that answers what it is told to."""

    machine = "control-plane-1"

    def __init__(self, answer="", fails=None):
        self.answer, self.fails, self.files = answer, fails, {}

    def put(self, files, seconds=0):
        self.files.update(files)

    def run(self, *words, stdin="", seconds=0):
        if self.fails:
            raise self.fails
        self.ran = (words, stdin)
        return self.answer


def test_a_machine_gets_the_certificate_and_never_the_key(key):
    machine: Any = Machine(f"v1.37.2\n{base64.b64encode(b'sealed').decode()}")

    assert snapshots.take(machine, key["certificate"]) == Snapshot("v1.37.2", b"sealed")
    assert machine.files == {snapshots.CERTIFICATE: (0o644, key["certificate"])}
    assert machine.ran == (("bash", "-s"), snapshots.TAKE)


@pytest.mark.parametrize(
    ("machine", "reason"),
    [
        (Machine(fails=ReachError("control-plane-1: `bash` failed: etcd does not run here")), "etcd does not run here"),
        (Machine("v1.37.2\nc2VhbGV"), "control-plane-1 sent nothing, or half of one"),
        (Machine("v1.37.2\n"), "control-plane-1 sent nothing, or half of one"),
        (Machine("\nc2VhbGVk"), "control-plane-1 sent nothing, or half of one"),
        (Machine(""), "control-plane-1 sent nothing, or half of one"),
    ],
)
def test_a_snapshot_that_is_not_taken_says_why(machine, reason):
    with pytest.raises(SnapshotError, match=f"no snapshot of etcd was taken: .*{reason}"):
        snapshots.take(machine, "certificate")


def test_a_snapshot_is_kept_for_its_owner_under_a_name_that_tells_what_it_is(tmp_path):
    path = snapshots.keep(tmp_path / "kept", "demo", Snapshot("v1.37.2", b"sealed"))

    assert path.parent == tmp_path / "kept/demo"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]
    assert snapshots.version_fault(path, "1.37") is None
    assert snapshots.version_fault(path, "1.36") == (
        f"{path} is of Kubernetes 1.37.2, which 1.36 cannot read; write at least its minor version"
    )


def test_a_snapshot_that_cannot_be_kept_says_where_and_why(tmp_path):
    (tmp_path / "demo").touch()
    with pytest.raises(
        SnapshotError, match=r"cannot be kept as .*demo/demo-v1\.37\.2-.*: (File exists|Not a directory)"
    ):
        snapshots.keep(tmp_path, "demo", Snapshot("v1.37.2", b"sealed"))


def test_a_snapshot_comes_to_a_machine_whole_or_not_at_all():
    machine: Any = Machine()
    snapshots.give(machine, b"\x00etcd")

    assert machine.files == {f"{snapshots.RESTORED}.new": (0o600, b"\x00etcd")}
    assert machine.ran[0] == ("mv", f"{snapshots.RESTORED}.new", snapshots.RESTORED)


def test_binary_files_reach_a_machine_as_they_are(tmp_path):
    data = bytes(range(256))
    # The tests' stand-in for a machine is a folder: tar's own root would be this machine's.
    Reach("here", ("sh", "-c", f"tar --extract --directory={tmp_path}", "tar")).put({"/some/file": (0o600, data)})

    assert (tmp_path / "some/file").read_bytes() == data


# Restoring

URN = "urn:pulumi:dev::slipway::slipway:index:KubeadmCluster"


def resource(kind, name, **more):
    type_ = f"pulumi-python:dynamic/slipway:{kind}"
    return {"urn": f"{URN}${type_}::{name}", "type": type_, "outputs": {}, **more}


def secret(value):
    return {tools._SPECIAL: "1b47061264138c4ac30d75fd1eb44270", "plaintext": json.dumps(value)}


class Used:
    """A stack, as the commands take it, and what they do to it."""

    def __init__(self, resources):
        self.name, self.cluster = "dev-kubeadm", {}
        self.resources, self.imported, self.ran = resources, None, None
        self.goes_wrong = None

    def check(self):
        return {"version": "1.37", "name": "demo"}

    def run(self, words, *, cwd, stdin=b""):
        if "import" in words:
            self.resources = self.imported = json.loads(stdin)["deployment"]["resources"]
        return json.dumps({"version": 3, "deployment": {"resources": self.resources}})

    def pulumi(self, *words):
        self.ran = words
        if self.goes_wrong:
            self.goes_wrong()
            raise Problem("pulumi up of dev-kubeadm failed (255); the reason stands above")


@pytest.fixture
def used(key, monkeypatch):
    machine = resource("ContainerMachine", "demo-cp", protect=True)
    machine_keys = resource("MachineKeys", "demo-worker-keys")
    native = {"urn": f"{URN}$libvirt:index/domain:Domain::demo-worker", "type": "libvirt:index/domain:Domain"}
    node = resource("Node", "demo-cp-node", dependencies=[machine["urn"]])
    keys = resource("Keys", "demo-keys", protect=True, outputs={"pki": secret({"snapshots": key})})
    rotated = resource("SecretsKeys", "demo-secrets", dependencies=[node["urn"]])
    other = resource("Other", "other", dependencies=[node["urn"], keys["urn"]])
    stack = Used([keys, machine, machine_keys, {**native, "protect": True}, node, rotated, other])
    monkeypatch.setattr(tools, "run", stack.run)
    monkeypatch.setenv(tools.RESTORE, "")
    return stack


def test_a_restore_forgets_the_nodes_and_makes_every_machine_anew(used, sealed):
    tools.restore(used, sealed, "--yes")

    kept = {one["urn"].rpartition("::")[2]: one for one in used.imported}
    assert list(kept) == ["demo-keys", "demo-cp", "demo-worker-keys", "demo-worker", "other"]
    assert kept["other"]["dependencies"] == [kept["demo-keys"]["urn"]]
    assert [name for name, one in kept.items() if "protect" in one] == ["demo-keys"]
    replaced = sorted(kept[name]["urn"] for name in ("demo-cp", "demo-worker-keys"))
    assert used.ran == ("up", "--yes", "--replace", replaced[0], "--replace", replaced[1])
    assert tools.os.environ[tools.RESTORE] == str(sealed)


def test_a_restore_that_nobody_has_begun_leaves_the_state_as_it_was(used, sealed, capsys):
    before = used.resources
    used.goes_wrong = lambda: None

    with pytest.raises(Problem, match="pulumi up of dev-kubeadm failed"):
        tools.restore(used, sealed)

    assert used.imported == before
    assert "nothing was made anew, and dev-kubeadm knows its nodes again" in capsys.readouterr().err


def test_a_restore_that_has_begun_is_gone_on_with_by_another_one(used, sealed):
    before = used.resources
    used.goes_wrong = lambda: used.resources[1].update(id="another")

    with pytest.raises(Problem, match="pulumi up of dev-kubeadm failed"):
        tools.restore(used, sealed)

    assert used.resources != before
    assert not [one for one in used.resources if one["type"].endswith(":Node")]


def test_a_restore_from_what_does_not_open_changes_nothing(used, tmp_path):
    (tmp_path / "file").write_bytes(b"something else")
    with pytest.raises(Problem, match="cannot be opened with the key of this stack"):
        tools.restore(used, tmp_path / "file")
    assert (used.imported, used.ran) == (None, None)


def test_a_restore_of_what_is_newer_changes_nothing(used, sealed):
    newer = sealed.rename(sealed.with_name("demo-v1.38.0-20261125T000000Z.etcd.cms"))
    with pytest.raises(Problem, match=r"is of Kubernetes 1\.38\.0, which 1\.37 cannot read"):
        tools.restore(used, newer)
    assert (used.imported, used.ran) == (None, None)


def test_a_stack_without_keys_takes_no_snapshot(used):
    used.resources = []
    with pytest.raises(Problem, match="holds no keys"):
        tools.take(used)


def test_a_state_that_is_older_than_snapshots_says_what_to_do(used):
    used.resources = [resource("Keys", "demo-keys", outputs={"pki": secret({})})]
    with pytest.raises(Problem, match="run `make up STACK=dev-kubeadm`"):
        tools.take(used)
