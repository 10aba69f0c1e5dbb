"""A file that kubectl and kind change too."""

import fcntl
import os
import stat
import subprocess
import sys
import threading
from contextlib import nullcontext
from pathlib import Path

import pytest

from tools import locked_file
from tools.console import Problem

PROJECT = Path(__file__).parents[2]

ADD_A_LINE = """
import sys
from pathlib import Path
from tools import locked_file
path = Path(sys.argv[1])
for turn in range(20):
    with locked_file.locked(path):
        before = path.read_text() if path.exists() else ""
        locked_file.replace(path, f"{before}{sys.argv[2]}-{turn}\\n")
"""

DIE_WITH_THE_LOCK = """
import os, sys
from pathlib import Path
from tools import locked_file
with locked_file.locked(Path(sys.argv[1])):
    os.kill(os.getpid(), 9)
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "config"


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(locked_file, "SECONDS", 0.1)


def test_of_several_that_write_at_once_none_loses_a_line_and_no_lock_is_left(path):
    writers = [
        subprocess.Popen([sys.executable, "-c", ADD_A_LINE, path, str(number)], cwd=PROJECT) for number in range(4)
    ]
    assert [writer.wait() for writer in writers] == [0] * 4
    assert sorted(path.read_text().splitlines()) == sorted(f"{n}-{turn}" for n in range(4) for turn in range(20))
    assert list(path.parent.iterdir()) == [path]


def test_the_lock_is_the_one_that_kubectl_takes_beside_the_link_and_beside_the_file(path, tmp_path):
    link = tmp_path / "folder/link"
    link.parent.mkdir()
    link.symlink_to(path)
    with locked_file.locked(link):
        assert Path(f"{link}.lock").exists()
        assert Path(f"{path}.lock").exists()
    assert not Path(f"{link}.lock").exists()
    assert not Path(f"{path}.lock").exists()


@pytest.mark.parametrize("way", ["link", "folder/../real"])
def test_a_folder_that_is_reached_another_way_has_one_lock_and_nobody_waits_for_their_own(tmp_path, impatient, way):
    for name in ("real", "folder"):
        (tmp_path / name).mkdir()
    (tmp_path / "link").symlink_to("real")
    with locked_file.locked(tmp_path / way / "config"):
        assert [lock.name for lock in (tmp_path / "real").iterdir()] == ["config.lock"]
    assert not list((tmp_path / "real").iterdir())


def test_a_lock_of_kubectl_is_waited_for(path):
    lock = Path(f"{path}.lock")
    lock.touch(mode=0)
    threading.Timer(0.1, lock.unlink).start()
    with locked_file.locked(path):
        assert lock.stat().st_size


def test_a_lock_of_kubectl_that_stays_is_named_with_what_to_do(path, impatient):
    lock = Path(f"{path}.lock")
    lock.touch()
    with (
        pytest.raises(Problem, match=rf"^{lock} says that another program .* since \d\d:.*; does none, remove it$"),
        locked_file.locked(path),
    ):
        pytest.fail("it was taken")
    assert lock.exists()


def test_a_lock_that_a_killed_run_of_ours_has_left_is_taken_over(path, impatient):
    assert subprocess.run([sys.executable, "-c", DIE_WITH_THE_LOCK, path], cwd=PROJECT).returncode == -9
    assert Path(f"{path}.lock").exists()
    with locked_file.locked(path):
        pass
    assert not Path(f"{path}.lock").exists()


def test_a_lock_that_another_run_of_ours_holds_is_not_taken_over(path, impatient):
    with locked_file.locked(path):
        descriptor = os.open(f"{path}.lock", os.O_RDWR)
        with pytest.raises(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(descriptor)
        with pytest.raises(Problem, match="another program changes that file"), locked_file.locked(path):
            pytest.fail("it was taken")


def test_a_failure_releases_the_lock(path):
    with pytest.raises(RuntimeError), locked_file.locked(path):
        raise RuntimeError
    assert list(path.parent.iterdir()) == []


def test_a_new_file_is_its_owner_s_alone_and_an_old_one_keeps_its_mode(path):
    old = os.umask(0)
    try:
        locked_file.replace(path, "new")
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o640)
    locked_file.replace(path, "newer")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert path.read_text() == "newer"


@pytest.mark.parametrize("may_give_it_to_the_group", [True, False])
def test_whoever_may_not_keep_the_owner_keeps_the_group_or_leaves_the_file_as_it_is(
    path, monkeypatch, may_give_it_to_the_group
):
    path.write_text("old")
    path.chmod(0o660)
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    given = []

    def chown(file, user, group):
        if user != -1 or not may_give_it_to_the_group:
            raise PermissionError
        given.append(group)

    monkeypatch.setattr(os, "chown", chown)
    group = path.stat().st_gid
    with nullcontext() if may_give_it_to_the_group else pytest.raises(PermissionError):
        locked_file.replace(path, "new")

    assert path.read_text() == ("new" if may_give_it_to_the_group else "old")
    assert given == [group] * may_give_it_to_the_group
    assert list(path.parent.iterdir()) == [path]


def test_a_link_stays_one_and_so_does_one_to_nothing_yet(path, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(path)
    locked_file.replace(link, "text")
    assert link.is_symlink()
    assert path.read_text() == "text"


@pytest.mark.parametrize(
    "make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to(path)], ids=["pipe", "folder", "loop"]
)
def test_what_is_no_file_is_neither_read_nor_put_away_for_one(path, make):
    make(path)
    kind = stat.S_IFMT(path.lstat().st_mode)
    with pytest.raises(OSError, match=r"no file|symbolic links"), locked_file.locked(path):
        pytest.fail("it was taken for a file")
    with pytest.raises(OSError, match=r"no file|symbolic links"):
        locked_file.replace(path, "text")
    assert stat.S_IFMT(path.lstat().st_mode) == kind
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_may_not_be_written_to_stays_though_its_folder_would_let_another_take_its_place(path, monkeypatch):
    path.write_text("guarded")
    monkeypatch.setattr(os, "access", lambda _path, mode: mode != os.W_OK)  # root may write to all
    with pytest.raises(PermissionError):
        locked_file.replace(path, "text")
    assert path.read_text() == "guarded"


def test_what_a_killed_run_has_half_written_is_in_nobody_s_way(path):
    Path(path.parent, ".config.slipway").write_text("hal")
    locked_file.replace(path, "whole")
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


def test_a_disk_that_is_full_leaves_the_file_as_it_was(path, monkeypatch):
    path.write_text("old")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        locked_file.replace(path, "new")
    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path]
