"""Where the private engine's cgroups go, from what two kinds of machine say of themselves."""

from pathlib import Path

import pytest

from tools.console import Problem
from tools.engine import cgroups
from tools.engine.cgroups import Cgroup

V1_OWN = """\
9:name=systemd:/
5:cpu,cpuacct:/
4:memory:/user.slice/session-1
3:cpuset:/
0::/
"""
V1_MOUNTS = """\
25 20 0:21 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro,mode=755
26 25 0:22 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd
27 25 0:23 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
28 25 0:24 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
29 25 0:25 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset
30 25 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
"""
V2_OWN = "0::/user.slice/user-0.slice/session-1.scope\n"
V2_MOUNTS = "35 24 0:30 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
IN_A_CONTAINER = "28 25 0:24 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"


def test_version_1_gets_a_cgroup_in_each_hierarchy_below_the_session_and_one_of_version_2_beside_them():
    assert cgroups.plan("slipway-1", own=V1_OWN, mounts=V1_MOUNTS) == [
        Cgroup("/sys/fs/cgroup/systemd/slipway-1", "systemd", "none,name=systemd"),
        Cgroup("/sys/fs/cgroup/cpu,cpuacct/slipway-1", "cpu,cpuacct", "cpu,cpuacct"),
        Cgroup("/sys/fs/cgroup/memory/user.slice/session-1/slipway-1", "memory", "memory"),
        Cgroup("/sys/fs/cgroup/cpuset/slipway-1", "cpuset", "cpuset"),
        Cgroup("/sys/fs/cgroup/unified/slipway-1", "unified", ""),
    ]


def test_version_2_gets_one_at_the_top():
    assert cgroups.plan("slipway-1", own=V2_OWN, mounts=V2_MOUNTS) == [Cgroup("/sys/fs/cgroup/slipway-1", "", "")]


def test_a_hierarchy_that_shows_only_a_part_is_entered_from_there():
    own = "4:memory:/docker/abc/session\n"

    assert cgroups.plan("slipway-1", own=own, mounts=IN_A_CONTAINER) == [
        Cgroup("/sys/fs/cgroup/memory/session/slipway-1", "memory", "memory")
    ]


def test_a_machine_without_cgroups_is_told_so():
    with pytest.raises(Problem, match="no cgroup hierarchy is mounted"):
        cgroups.plan("slipway-1", own="0::/\n", mounts="25 20 0:21 / / rw - ext4 /dev/vda rw\n")


def test_a_cpuset_is_filled_before_anybody_enters(tmp_path):
    (tmp_path / "cpuset.cpus").write_text("0-3")
    (tmp_path / "cpuset.mems").write_text("0")
    folder = tmp_path / "slipway-1"
    folder.mkdir()
    # The kernel makes these files with the folder.
    for name in ("cpuset.cpus", "cpuset.mems", "cgroup.clone_children"):
        (folder / name).touch()

    assert cgroups.make([Cgroup(str(folder), "cpuset", "cpuset")]) == []

    assert (folder / "cpuset.cpus").read_text() == "0-3"
    assert (folder / "cpuset.mems").read_text() == "0"
    assert (folder / "cgroup.clone_children").read_text() == "1"


def test_a_version_2_top_that_hands_nothing_on_is_refused(tmp_path):
    (tmp_path / "cgroup.controllers").write_text("pids")
    (tmp_path / "cgroup.subtree_control").write_text("pids")

    with pytest.raises(Problem, match="does not hand on the cgroup controllers cpu, cpuset, memory"):
        cgroups.make([Cgroup(str(tmp_path / "slipway-1"), "", "")])


def test_controllers_are_switched_off_again_only_in_the_boot_that_switched_them_on(tmp_path):
    control = tmp_path / "cgroup.subtree_control"
    control.write_text("untouched")
    engine = Cgroup(str(tmp_path / "slipway-1"), "", "")

    cgroups.remove([engine], ["cpu"])
    assert control.read_text() == "untouched"

    Path(engine.folder).mkdir()
    cgroups.remove([engine], ["cpu"])
    assert control.read_text() == "-cpu"
    assert not Path(engine.folder).exists()


def test_cgroups_are_removed_from_the_innermost_outwards(tmp_path):
    folder = tmp_path / "slipway-1"
    (folder / "docker/abc/kubepods").mkdir(parents=True)

    cgroups.remove([Cgroup(str(folder), "pids", "pids")], [])

    assert not folder.exists()
