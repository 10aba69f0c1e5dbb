"""How a node fits itself to the machine that it runs on: not at all, where nothing is missing."""

import subprocess
from pathlib import Path

import pytest

from tools.bundle.node import FILES

CONFIG = """SystemdCgroup = true
restrict_oom_score_adj = false
"""
UNIT = """[Service]
ExecStart=/usr/local/bin/containerd
LimitNOFILE=infinity
OOMScoreAdjust=-999
TasksMax=infinity
"""
ALL_CAPABILITIES = "000001ffffffffff"
WITHOUT_SYS_RESOURCE = "000001fffeffffff"


@pytest.fixture
def start(tmp_path: Path):
    """Run the script as a node's entry point on a machine of that kind; gives its containerd's settings and unit."""
    config = tmp_path / "etc/containerd/config.toml"
    unit = tmp_path / "etc/systemd/system/containerd.service"
    for file, text in ((config, CONFIG), (unit, UNIT)):
        file.parent.mkdir(parents=True)
        file.write_text(text)

    def start(*, cgroup_v2: bool, capabilities: str) -> tuple[str, str]:
        (tmp_path / "status").write_text(f"Name:\tsh\nCapBnd:\t{capabilities}\n")
        (tmp_path / "cgroup").mkdir(exist_ok=True)
        if cgroup_v2:
            (tmp_path / "cgroup/cgroup.controllers").touch()
        text = (FILES / "fit-machine.sh").read_text()
        for theirs, ours in (("/etc/", "etc/"), ("/sys/fs/cgroup", "cgroup"), ("/proc/self/status", "status")):
            text = text.replace(theirs, f"{tmp_path}/{ours}")
        started = subprocess.run(
            ["sh", "-c", text, "fit-machine", "echo", "entry point"], capture_output=True, text=True
        )
        assert started.stdout == "entry point\n", started.stderr
        return config.read_text(), unit.read_text()

    return start


def test_where_nothing_is_missing_a_node_is_as_kinds_makers_configure_it(start):
    assert start(cgroup_v2=True, capabilities=ALL_CAPABILITIES) == (CONFIG, UNIT)


def test_on_cgroup_v1_systemd_does_not_manage_the_cgroups_of_pods(start):
    config, unit = start(cgroup_v2=False, capabilities=ALL_CAPABILITIES)

    assert config == CONFIG.replace("SystemdCgroup = true", "SystemdCgroup = false")
    assert unit == UNIT


def test_without_the_capability_nothing_lowers_an_oom_score_or_raises_a_limit(start):
    config, unit = start(cgroup_v2=True, capabilities=WITHOUT_SYS_RESOURCE)

    assert config == CONFIG.replace("restrict_oom_score_adj = false", "restrict_oom_score_adj = true")
    assert unit == "[Service]\nExecStart=/usr/local/bin/containerd\nTasksMax=infinity\n"


def test_a_node_that_starts_again_is_fitted_again_and_stays_the_same(start):
    once = start(cgroup_v2=False, capabilities=WITHOUT_SYS_RESOURCE)

    assert start(cgroup_v2=False, capabilities=WITHOUT_SYS_RESOURCE) == once
