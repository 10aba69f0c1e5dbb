"""A new key of Secrets on control planes that only remember."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
import yaml

from components.bootstrap import encryption, hardening, pki
from components.bootstrap.encryption import PATH, EncryptionError
from components.bootstrap.encryption_provider import EncryptionProvider
from components.bootstrap.kubectl import Kubectl, KubectlError
from components.machines.reach import Reach, ReachError
from tests.unit.fake_node import Clock

OLD, NEW = pki.encryption_key(1), pki.encryption_key(2)
NAMES = ("cp-1", "cp-2", "cp-3")
REACHES = {name: {"machine": name, "prefix": ["docker", "exec", name]} for name in NAMES}
PROPS: Any = {"control_planes": REACHES, "keys": [NEW, OLD], "kubeconfig": "apiVersion: v1", "generation": 2}


@dataclass
class Cluster:
    """Control planes, each with a file of keys, and Secrets that are encrypted with one of them."""

    files: dict[str, str]
    secrets: dict[str, str]
    """NAMESPACE/NAME → key."""

    stages: list[list[str]] = field(default_factory=list)
    """The names of keys of each control plane, whenever one of them has got others."""

    deaf: str = ""
    """A control plane whose API server reads no file again."""

    refuses: int = 0
    """How often it is refused to write Secrets again."""

    def keys(self, name: str) -> list[str]:
        (rule,) = yaml.safe_load(self.files[name])["resources"]
        return [key["name"] for key in rule["providers"][0]["secretbox"]["keys"]]

    def put(self, name: str, files: dict[str, tuple[int, str]]) -> None:
        ((path, (mode, content)),) = files.items()
        assert (path, mode) == (PATH, 0o600)
        self.files[name] = content
        self.stages.append([" ".join(self.keys(each)) for each in self.files])
        writers = {self.keys(each)[0] for each in self.files}
        read_by_all = set.intersection(*(set(self.keys(each)) for each in self.files))
        assert writers | set(self.secrets.values()) <= read_by_all, "somebody cannot read what is or will be written"

    def run(self, name: str, words: tuple[str, ...], stdin: str) -> str:
        match words:
            case ["cat", path] if path == PATH:
                return self.files[name]
            case ["sh", "-c", encryption.LOADED]:
                if name == self.deaf:
                    raise ReachError(f"{name}: `sh` failed: connection refused")
                digest = encryption.hashlib.sha256(self.files[name].encode()).hexdigest()
                return f'last_config_info{{hash="sha256:{digest}"}} 1'
            case ["python3", "-", key]:
                assert stdin == encryption.OLDER_KEYS
                return "".join(f"{secret}\n" for secret, by in self.secrets.items() if by != key)
        raise AssertionError(words)

    def kubectl(self, words: tuple[str, ...], stdin: str) -> str:
        if words[0] == "get":
            names = (secret.split("/") for secret in self.secrets)
            return json.dumps({"items": [{"metadata": {"namespace": space, "name": name}} for space, name in names]})
        assert words[0] == "replace"
        if self.refuses:
            self.refuses -= 1
            raise KubectlError("kubectl replace failed: the object has been modified")
        for one in json.loads(stdin)["items"]:
            self.secrets[f"{one['metadata']['namespace']}/{one['metadata']['name']}"] = self.keys(NAMES[0])[0]
        return ""


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(encryption, "time", clock)
    return clock


@pytest.fixture
def cluster(monkeypatch):
    """Three control planes that know the first key, and two Secrets."""
    file = hardening.files([OLD])["encryption.yaml"]
    cluster = Cluster(dict.fromkeys(NAMES, file), {"default/one": "key1", "team/two": "key1"})
    monkeypatch.setattr(Reach, "run", lambda self, *words, stdin="", **_: cluster.run(self.machine, words, stdin))
    monkeypatch.setattr(Reach, "put", lambda self, files: cluster.put(self.machine, files))
    monkeypatch.setattr(Kubectl, "run", lambda _, *words, stdin="", **__: cluster.kubectl(words, stdin))
    return cluster


def rotate():
    return EncryptionProvider().update("secrets", PROPS, dict(PROPS))


def test_all_learn_a_key_before_one_writes_with_it_and_forget_the_old_one_once_nothing_needs_it(cluster):
    assert rotate().outs == PROPS

    assert [cluster.stages[index] for index in (2, 5, 8)] == [["key1 key2"] * 3, ["key2 key1"] * 3, ["key2"] * 3]
    assert set(cluster.secrets.values()) == {"key2"}


def test_nothing_is_done_where_all_know_the_newest_key_alone(cluster):
    rotate()
    cluster.stages.clear()

    rotate()

    assert cluster.stages == []


@pytest.mark.parametrize("killed_after", range(1, 9))
def test_a_run_that_was_killed_anywhere_is_finished_by_the_next_one(cluster, monkeypatch, killed_after):
    def put(self: Reach, files: Any) -> None:
        if len(cluster.stages) == killed_after:
            raise KeyboardInterrupt
        cluster.put(self.machine, files)

    with monkeypatch.context() as patch:
        patch.setattr(Reach, "put", put)
        with pytest.raises(KeyboardInterrupt):
            rotate()

    rotate()

    assert [cluster.keys(name) for name in NAMES] == [["key2"]] * 3
    assert set(cluster.secrets.values()) == {"key2"}


def test_an_api_server_that_takes_no_new_keys_ends_it_before_anybody_writes_with_them(cluster):
    cluster.deaf = "cp-2"

    with pytest.raises(EncryptionError, match=r"the API server on cp-2 has not taken .*: cp-2: `sh` failed: conn"):
        rotate()

    assert [cluster.keys(name)[0] for name in NAMES] == ["key1"] * 3


def test_secrets_that_others_change_meanwhile_are_written_again_once_more(cluster):
    cluster.refuses = 2

    rotate()

    assert set(cluster.secrets.values()) == {"key2"}


def test_the_old_key_stays_while_a_secret_needs_it(cluster):
    cluster.refuses = 100

    with pytest.raises(EncryptionError, match=r"2 Secrets are still encrypted with an older key, default/one for one"):
        rotate()

    assert [cluster.keys(name) for name in NAMES] == [["key2", "key1"]] * 3


def test_a_new_generation_or_control_plane_is_a_change_and_another_kubeconfig_is_none():
    def changes(**news: Any) -> bool | None:
        return EncryptionProvider().diff("secrets", dict(PROPS), {**PROPS, **news}).changes

    assert (changes(), changes(kubeconfig="another")) == (False, False)
    assert changes(generation=3)
    assert changes(control_planes={"cp-1": REACHES["cp-1"]})
