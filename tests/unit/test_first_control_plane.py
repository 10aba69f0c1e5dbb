"""The step that starts a cluster, or joins the one that goes on without the machine whose place it takes."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from components.bootstrap.cloud_init import FILES


@dataclass
class Box:
    """A machine whose programs only write down what they are told to do."""

    folder: Path

    def program(self, name: str, script: str) -> None:
        (self.folder / "bin" / name).write_text(f'#!/bin/sh\necho "{name} $*" >>{self.folder}/told\n{script}\n')
        (self.folder / "bin" / name).chmod(0o755)

    def answers(self, *machines: str) -> None:
        """Let the API of these machines answer, and no other one."""
        known = " | ".join(f"*//{machine}/readyz" for machine in machines) or "none"
        self.program("curl", f"for url; do :; done; case $url in {known}) ;; *) exit 7;; esac")

    def run(self, attempt: int = 1) -> list[str]:
        """Run the step; what was told to kubeadm and kubectl meanwhile."""
        told = self.folder / "told"
        told.write_text("")
        script = (FILES / "steps/kubeadm-init.sh").read_text().replace("/usr/local/lib/slipway", f"{FILES}/steps")
        for path in ("/etc/slipway", "/var/lib/slipway"):
            script = script.replace(path, str(self.folder))
        path = f"{self.folder}/bin:{os.environ['PATH']}"
        environment = {"PATH": path, "SLIPWAY_ATTEMPT": str(attempt)}
        subprocess.run(["bash", "-c", script], env=environment, capture_output=True, check=False)
        words = [line.split() for line in told.read_text().splitlines()]
        return [" ".join(line[:2]) for line in words if line[0] != "curl"]


@pytest.fixture
def box(tmp_path):
    box = Box(tmp_path)
    (tmp_path / "bin").mkdir()
    (tmp_path / "plan.env").write_text("OTHERS='10.89.0.12:6443 10.89.0.13:6443'\nLEFT_BEHIND=Port-6443\n")
    box.program("kubeadm", "exit 0")
    box.program("kubectl", "exit 0")
    box.answers()
    return box


def test_a_cluster_is_started_where_nobody_answers(box):
    assert box.run() == ["kubeadm init", "kubectl --kubeconfig"]


def test_the_only_control_plane_asks_nobody(box):
    (box.folder / "plan.env").write_text("OTHERS=''\n")

    assert box.run() == ["kubeadm init", "kubectl --kubeconfig"]


def test_a_machine_in_the_place_of_a_lost_one_joins_and_starts_no_second_cluster(box):
    box.answers("10.89.0.13:6443")

    # Not before the lost one is out of the cluster.
    assert box.run() == ["kubectl --kubeconfig", "kubeadm join"]
    # Nor does it once a join has failed.
    assert box.run(attempt=2) == ["kubeadm join"]


def test_a_machine_that_was_killed_while_it_started_the_cluster_goes_on_with_it_though_others_have_joined(box):
    box.program("kubeadm", "exit 1")
    box.run()
    box.program("kubeadm", "exit 0")
    box.answers("10.89.0.12:6443", "10.89.0.13:6443")

    assert box.run(attempt=2) == ["kubeadm init", "kubectl --kubeconfig"]


def test_only_what_an_attempt_leaves_behind_is_ignored_by_the_next_one(box):
    box.program("kubeadm", f'echo "$*" >>{box.folder}/options; exit 1')
    box.run()
    box.run(attempt=2)

    first, second = (box.folder / "options").read_text().splitlines()
    assert "--ignore-preflight-errors" not in first
    assert second.endswith("--ignore-preflight-errors=Port-6443")
