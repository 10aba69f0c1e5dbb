"""The step that upgrades what kubeadm has made of a control plane, and has its kubelet wait for nothing meanwhile."""

import os
import subprocess

import pytest

from components.bootstrap.cloud_init import FILES

PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")

KUBEADM = """\
echo "$*" >>told
for one in etcd kube-apiserver kube-controller-manager kube-scheduler; do
  cp manifests/$one.yaml $one.new
  mv $one.new manifests/$one.yaml
  kill "$(cat $one.pid)"
  [ "$HURRIED" = all ] || [ $one = kube-controller-manager ] || [ $one = kube-scheduler ] || continue
  for _ in $(seq 300); do
    if [ -e restarted ]; then rm restarted; continue 2; fi
    sleep 0.1
  done
  exit 1
done
if [ -e restarted ]; then exit 1; fi
"""
"""Changes one program after the other, and waits until the kubelet has started anew where that is to be."""


@pytest.mark.parametrize(("shared", "hurried", "times"), [("yes", "all", 4), ("", "some", 2)])
def test_a_kubelet_is_started_anew_once_a_program_that_was_changed_has_ended(tmp_path, shared, hurried, times):
    (tmp_path / "bin").mkdir()
    (tmp_path / "manifests").mkdir()
    programs = {
        "kubeadm": KUBEADM,
        # `pgrep --oldest --full "^NAME ..."`
        "pgrep": 'name=${3#^}; cat "${name%% *}.pid"',
        "systemctl": "touch restarted; echo $* >>restarts",
    }
    for name, script in programs.items():
        (tmp_path / "bin" / name).write_text(f"#!/bin/bash\ncd {tmp_path}\n{script}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    (tmp_path / "plan.env").touch()
    (tmp_path / "upgrade.env").write_text(f"KUBERNETES=1.37.2\nAPPLY=\nSHARED={shared}\n")
    running = {name: subprocess.Popen(["sleep", "60"]) for name in PROGRAMS}
    for name, process in running.items():
        (tmp_path / f"{name}.pid").write_text(str(process.pid))
        (tmp_path / "manifests" / f"{name}.yaml").write_text(name)
    script = (
        (FILES / "steps/kubeadm-upgrade.sh").read_text().replace("/etc/kubernetes/manifests", f"{tmp_path}/manifests")
    )
    script = script.replace("/etc/slipway", str(tmp_path)).replace(
        "/etc/kubernetes/super-admin.conf", f"{tmp_path}/none"
    )
    environment = {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}", "HURRIED": hurried}
    step = subprocess.Popen(["bash", "-c", script], env=environment)
    try:
        # They are this process's children, and are not gone before it has asked for them.
        for process in running.values():
            process.wait(30)
        assert step.wait(40) == 0
    finally:
        for process in (step, *running.values()):
            process.kill()
            process.wait()
    assert (tmp_path / "restarts").read_text() == "restart kubelet\n" * times
    assert (tmp_path / "told").read_text() == f"upgrade node --patches {tmp_path}/patches\n"
