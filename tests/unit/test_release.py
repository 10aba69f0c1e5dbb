"""What a machine is upgraded to gets into it: tar is the real one, docker a script whose container is a folder."""

import io
import tarfile

import pytest

from components.local.container_engine import Engine, EngineError
from components.machines import release

DOCKER = """#!/bin/sh
case $1 in
  create) echo "$@" >>"$HOME/created"; echo source ;;
  cp) cat "$HOME/packed-$(basename "$2").tar" ;;
  exec) shift; [ "$1" = --interactive ] && shift; shift; "$@" ;;
  rm) shift $(($# - 1)); echo "$1" >>"$HOME/removed" ;;
esac
"""
CTR = """#!/bin/sh
[ "$*" = "--namespace k8s.io images import --local -" ] || exit 64
took=$(cat)
[ "$took" != "$BROKEN" ] || { echo "ctr: unexpected EOF" >&2; exit 1; }
echo "$took" >>"$HOME/imported"
"""
IMAGES = [
    "coredns-v1.14.6",
    "etcd-3.7.0-0",
    "kube-apiserver-v1.37.2",
    "kube-controller-manager-v1.37.2",
    "kube-proxy-v1.37.2",
    "kube-scheduler-v1.37.2",
    "pause-3.10.2",
]


@pytest.fixture
def home(tmp_path, monkeypatch):
    for name, script in (("docker", DOCKER), ("ctr", CTR)):
        (tmp_path / name).write_text(script)
        (tmp_path / name).chmod(0o755)
    packed(tmp_path / "packed-v1.37.2.tar", {"v1.37.2/kubeadm": "kubeadm v1.37.2"})
    packed(tmp_path / "packed-images.tar", {f"images/{name}.tar": name for name in IMAGES})
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("BROKEN", "nothing")
    monkeypatch.setattr(release, "PROGRAMS", str(tmp_path / "programs"))
    return tmp_path


def packed(path, files):
    with tarfile.open(path, "w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content.encode()))


def put(*, control_plane):
    engine = Engine("docker", cgroup_v1=False)
    release.put(engine, "demo-1", "v1.37.2", "slipway.claim=ours", control_plane=control_plane)


def test_a_control_plane_gets_the_programs_and_every_image(home):
    put(control_plane=True)

    assert (home / "programs/v1.37.2/kubeadm").read_text() == "kubeadm v1.37.2"
    assert (home / "imported").read_text().split() == IMAGES


def test_a_worker_gets_no_image_that_runs_on_control_planes_alone(home):
    put(control_plane=False)

    assert (home / "programs/v1.37.2/kubeadm").exists()
    assert (home / "imported").read_text().split() == ["coredns-v1.14.6", "kube-proxy-v1.37.2", "pause-3.10.2"]


@pytest.mark.parametrize("broken", ["kube-proxy-v1.37.2", "nothing"])
def test_what_it_is_put_from_bears_the_mark_of_the_cluster_and_is_removed_whatever_happens(home, monkeypatch, broken):
    monkeypatch.setenv("BROKEN", broken)
    try:
        put(control_plane=False)
    except EngineError as error:
        assert broken != "nothing", error

    assert "--label slipway.claim=ours slipway.local/release:v1.37.2" in (home / "created").read_text()
    assert (home / "removed").read_text().split() == ["source"]


def test_an_image_that_containerd_refuses_is_told_with_what_it_said(home, monkeypatch):
    monkeypatch.setenv("BROKEN", "kube-proxy-v1.37.2")

    with pytest.raises(EngineError, match=r"source:/images does not get into demo-1: ctr: unexpected EOF"):
        put(control_plane=False)


def test_a_release_that_does_not_come_out_of_its_image_is_told(home):
    (home / "packed-v1.37.2.tar").unlink()

    with pytest.raises(EngineError, match=r"v1\.37\.2 does not get into demo-1"):
        put(control_plane=True)
