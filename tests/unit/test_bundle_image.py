"""Images written without an engine: the same bytes for the same input, and archives that engines read."""

import hashlib
import json
import os
import tarfile
from pathlib import Path
from typing import IO

import pytest

from tools.bundle import image
from tools.bundle.image import Image


@pytest.fixture
def program(tmp_path: Path) -> Path:
    file = tmp_path / "program"
    file.write_bytes(b"\x7fELF and more")
    file.chmod(0o755)
    return file


def member(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    content = tar.extractfile(name)
    assert content is not None
    return content


def read(archive: Path) -> tuple[dict, dict, list[tarfile.TarInfo]]:
    """Manifest, configuration and the layer's entries."""
    with tarfile.open(archive) as tar:
        (manifest,) = json.load(member(tar, "manifest.json"))
        config = json.load(member(tar, manifest["Config"]))
        with tarfile.open(fileobj=member(tar, manifest["Layers"][0])) as layer:
            return manifest, config, layer.getmembers()


def test_the_same_input_gives_the_same_bytes(tmp_path, program):
    def write(name: str, files: dict[str, Path]) -> bytes:
        image.write(Image(("slipway.local/a:1",), files, {"/etc/group": "root"}, {"/bin/sh": "a"}), tmp_path / name)
        return (tmp_path / name).read_bytes()

    first = write("first.tar", {"/bin/a": program, "/bin/b": program})
    os.utime(program, (1_000_000_000, 1_000_000_000))

    assert write("second.tar", {"/bin/b": program, "/bin/a": program}) == first


def test_entries_are_in_the_same_order_whatever_order_they_were_named_in(tmp_path, program):
    image.write(Image(("slipway.local/a:1",), {f"/{letter}": program for letter in "hbgacefd"}), tmp_path / "a.tar")

    assert [entry.name for entry in read(tmp_path / "a.tar")[2]] == list("abcdefgh")


def test_another_input_gives_another_image(tmp_path, program):
    made = []
    for content in (b"one", b"two"):
        program.write_bytes(content)
        image.write(Image(("slipway.local/a:1",), {"/bin/a": program}), tmp_path / "a.tar")
        made.append(read(tmp_path / "a.tar")[0]["Config"])

    assert made[0] != made[1]


def test_an_archive_names_its_image_and_the_digests_of_what_is_in_it(tmp_path, program):
    image.write(Image(("slipway.local/a:1", "slipway.local/a:v1"), {"/bin/a": program}), tmp_path / "a.tar")
    manifest, config, _ = read(tmp_path / "a.tar")

    with tarfile.open(tmp_path / "a.tar") as tar:
        layer = member(tar, "layer.tar").read()
        text = member(tar, manifest["Config"]).read()
    assert manifest["RepoTags"] == ["slipway.local/a:1", "slipway.local/a:v1"]
    assert manifest["Config"] == f"{hashlib.sha256(text).hexdigest()}.json"
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(layer).hexdigest()}"]


def test_files_belong_to_root_whoever_built_them_and_can_be_run(tmp_path, program):
    image.write(Image(("slipway.local/a:1",), {"/usr/bin/a": program}), tmp_path / "a.tar")
    entries = {entry.name: entry for entry in read(tmp_path / "a.tar")[2]}

    assert [(e.uid, e.gid, e.mtime) for e in entries.values()] == [(0, 0, 0)] * 3
    assert entries["usr/bin/a"].mode == 0o755
    assert entries["usr"].isdir()


def test_a_whole_tree_keeps_modes_links_and_empty_folders(tmp_path):
    root = tmp_path / "root"
    (root / "empty").mkdir(parents=True)
    (root / "data").mkdir(mode=0o700)
    (root / "data/file").write_text("x")
    (root / "data/second-name").hardlink_to(root / "data/file")
    (root / "link").symlink_to("data")
    image.write(Image(("slipway.local/node:1",), tree=root), tmp_path / "node.tar")
    entries = {entry.name: entry for entry in read(tmp_path / "node.tar")[2]}

    assert entries["empty"].isdir()
    assert entries["data"].mode == 0o700
    assert entries["link"].linkname == "data"
    assert entries["data/second-name"].linkname == "data/file"
    assert {entry.mtime for entry in entries.values()} == {0}


def test_an_archive_that_was_not_finished_does_not_have_its_name(tmp_path):
    with pytest.raises(FileNotFoundError):
        image.write(Image(("slipway.local/a:1",), {"/bin/a": tmp_path / "missing"}), tmp_path / "a.tar")

    assert not (tmp_path / "a.tar").exists()
