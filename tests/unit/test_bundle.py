"""The offline bundle: its key, its manifest, which images go in, and how it gets into an engine."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from tools import bundle, paths
from tools.bundle import distribution, images, making, manifest, node, recipe
from tools.bundle.node import LABEL
from tools.console import Problem
from tools.engine.packages import Programs
from tools.toolchain import golang

VERSIONS = {
    "kubernetes": "v1.37.2",
    "etcd": "v3.7.0",
    "coredns": "v1.14.6",
    "flannel": "v0.28.10",
    "local-path-provisioner": "v0.0.30",
}
ASKED = (
    "registry.k8s.io/kube-apiserver:v1.37.2",
    "registry.k8s.io/kube-controller-manager:v1.37.2",
    "registry.k8s.io/kube-scheduler:v1.37.2",
    "registry.k8s.io/kube-proxy:v1.37.2",
    "registry.k8s.io/coredns/coredns:v1.14.6",
    "registry.k8s.io/pause:3.10.2",
    "registry.k8s.io/etcd:3.7.0-0",
)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A node's root file system, as far as images need one."""
    folder = tmp_path / "root"
    for file in (
        "usr/sbin/nft",
        "usr/sbin/conntrack",
        "usr/lib/x86_64-linux-gnu/xtables/libxt_statistic.so",
        "bin/busybox",
    ):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).touch()
    needed = {"/usr/lib/x86_64-linux-gnu/xtables/libxt_statistic.so": "/lib/libm.so.6"}
    monkeypatch.setattr(
        distribution,
        "libraries",
        lambda _, *files: {"/lib/libc.so.6", *(needed[file] for file in files if file in needed)},
    )
    monkeypatch.setattr(images, "run", lambda _: "busybox\nsh\nwget\n")
    return folder


@pytest.mark.parametrize("name", ASKED)
def test_every_image_that_kubeadm_asks_for_is_made_under_that_very_name(name, root):
    assert images.kubeadm_image(name, Path("/bundle/bin"), VERSIONS, root).names == (name,)


def test_an_image_that_is_not_known_is_refused_by_name(root):
    with pytest.raises(Problem, match=r"registry\.k8s\.io/kube-dns:v2"):
        images.kubeadm_image("registry.k8s.io/kube-dns:v2", Path("/bundle/bin"), VERSIONS, root)


@pytest.mark.parametrize("name", ["registry.k8s.io/etcd:3.6.8-0", "registry.k8s.io/coredns/coredns:v1.14.2"])
def test_an_image_of_another_version_than_the_one_that_is_locked_is_refused(name, root):
    with pytest.raises(Problem, match=name):
        images.kubeadm_image(name, Path("/bundle/bin"), VERSIONS, root)


def test_iptables_finds_what_its_extensions_are_linked_to(root):
    image = images.kubeadm_image("registry.k8s.io/kube-proxy:v1.37.2", Path("/bundle/bin"), VERSIONS, root)

    assert "/lib/libm.so.6" in image.files  # the statistic match, which every Service of several pods uses


def test_an_image_to_try_a_cluster_with_is_there(root):
    made = {image.names[0]: image for image in images.more_images(Path("/bundle/bin"), VERSIONS, root)}

    assert made[images.BUSYBOX].links["/bin/wget"] == "busybox"


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the locked modules."""
    folder = tmp_path / "modules"
    shutil.copytree(golang.MODULES, folder)
    monkeypatch.setattr(golang, "MODULES", folder)
    return folder


@pytest.mark.parametrize(
    "module",
    ["kubernetes-1.37", "etcd", "coredns", "containerd", "cni-plugins", "flannel", "local-path-provisioner", "runc"],
)
def test_the_key_of_a_bundle_changes_with_every_program_that_is_in_it(module, modules):
    before = recipe.of("1.37").key
    with (modules / module / "go.sum").open("a") as sums:
        sums.write("example.org/new v1.0.0 h1:abc=\n")

    assert recipe.of("1.37").key != before


def test_the_key_of_a_bundle_changes_with_how_it_is_put_together(tmp_path, monkeypatch):
    before = recipe.of("1.37").key
    changed = tmp_path / "pause.c"
    changed.write_text("int main(void) { return 0; }")
    sources = recipe.own_sources()
    monkeypatch.setattr(recipe, "own_sources", lambda: [*sources, changed])

    assert recipe.of("1.37").key != before


def test_the_key_of_a_bundle_does_not_change_with_go(monkeypatch):
    before = recipe.of("1.37").key
    monkeypatch.setattr(golang, "_on_path", lambda: ("/usr/bin/go", "go1.99.0"))

    assert recipe.of("1.37").key == before


def test_a_minor_gets_the_companions_that_its_kubeadm_asks_for():
    versions = {minor: recipe.of(minor).versions for minor in ("1.36", "1.37")}

    assert (versions["1.36"]["etcd"], versions["1.36"]["coredns"]) == ("v3.6.8", "v1.14.2")
    assert (versions["1.37"]["etcd"], versions["1.37"]["coredns"]) == ("v3.7.0", "v1.14.6")


def test_a_minor_that_cannot_be_built_is_refused_with_those_that_can():
    with pytest.raises(Problem, match=r"1\.20.*1\.36, 1\.37"):
        recipe.of("1.20")


@pytest.fixture
def made(tmp_path: Path) -> bundle.Bundle:
    """A complete bundle of two small files."""
    folder = tmp_path / "v1.37.2-key"
    (folder / "images").mkdir(parents=True)
    (folder / "images/pause.tar").write_text("pause")
    (folder / "kind-node.tar").write_text("node")
    manifest.write(folder, {"kubernetes": "v1.37.2"})
    return bundle.Bundle(folder, "v1.37.2", "slipway.local/kind-node:v1.37.2", "key")


def test_an_untouched_bundle_is_what_its_manifest_says(made):
    bundle.verify(made)

    assert manifest.read(made.folder)["files"]["images/pause.tar"]["size"] == len("pause")


@pytest.mark.parametrize("content", ["paus3", "pause and more"], ids=["same size", "another size"])
def test_a_changed_file_is_found(made, content):
    (made.folder / "images/pause.tar").write_text(content)

    with pytest.raises(Problem, match=r"images/pause\.tar is not what its manifest says"):
        bundle.verify(made)


def test_a_missing_file_is_found(made):
    (made.folder / "kind-node.tar").unlink()

    with pytest.raises(Problem, match=r"kind-node\.tar is missing"):
        bundle.verify(made)


def test_a_bundle_without_a_manifest_is_not_complete(made):
    (made.folder / manifest.NAME).unlink()

    with pytest.raises(Problem, match="no complete bundle"):
        bundle.verify(made)


def test_a_bundle_that_is_there_is_not_built_again(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "CACHE", tmp_path)
    built: list[Path] = []

    def build(_: recipe.Recipe, folder: Path, node_image: str) -> None:
        folder.mkdir()
        built.append(folder)

    monkeypatch.setattr(making, "build", build)

    first = bundle.ensure("1.37")

    assert bundle.ensure("1.37") == first
    assert built == [first.folder]
    assert first.node_image == f"slipway.local/kind-node:{first.version}"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sys.platform": "darwin"}, "on Linux only"),
        ({"os.geteuid": lambda: 1000}, "sudo make bundle"),
        ({"shutil.disk_usage": lambda _: SimpleNamespace(free=3 * 2**30)}, "3.0 GiB free"),
    ],
    ids=["not Linux", "not root", "no room"],
)
def test_a_machine_that_cannot_build_is_told_before_anything_is_done(tmp_path, monkeypatch, change, said):
    able = {
        "sys.platform": "linux",
        "os.geteuid": lambda: 0,
        "shutil.disk_usage": lambda _: SimpleNamespace(free=2**40),
    }
    for name, value in {**able, **change}.items():
        monkeypatch.setattr(f"tools.bundle.making.{name}", value)

    with pytest.raises(Problem, match=said):
        making.refuse_what_cannot_work(tmp_path)


ENGINE = """#!/bin/sh
echo "$@" >>"$0.calls"
case "$1 $2" in 'image inspect') [ -e "$0.image" ] || exit 1; cat "$0.image" ;; esac
"""


@pytest.fixture
def engine(tmp_path: Path) -> Path:
    """A container engine that has no image, or what its `.image` says: id and label."""
    program = tmp_path / "docker"
    program.write_text(ENGINE)
    program.chmod(0o755)
    return program


def asked_of(engine: Path) -> list[str]:
    return [" ".join(line.split()[:2]) for line in Path(f"{engine}.calls").read_text().splitlines()]


def test_an_engine_without_the_node_image_gets_it(made, engine):
    bundle.load(made, str(engine))

    assert asked_of(engine) == ["image inspect", "load --input"]


def test_an_engine_that_has_the_very_image_is_left_alone(made, engine):
    Path(f"{engine}.image").write_text("sha256:abc key\n")
    bundle.load(made, str(engine))

    assert asked_of(engine) == ["image inspect"]


def test_an_image_of_another_bundle_is_replaced_and_does_not_stay(made, engine):
    Path(f"{engine}.image").write_text("sha256:abc another\n")
    bundle.load(made, str(engine))

    assert asked_of(engine) == ["image inspect", "load --input", "image rm"]


def test_the_node_image_tells_which_bundle_it_comes_from():
    image = node.image(Path("/root"), "slipway.local/kind-node:v1.37.2", "key")

    assert image.config["Labels"] == {LABEL: "key"}


def test_the_pod_network_takes_kinds_pod_subnet_and_pulls_nothing(tmp_path):
    (tmp_path / "Documentation").mkdir()
    container = {"image": "ghcr.io/flannel-io/flannel:v1", "command": ["/opt/bin/flanneld"], "volumeMounts": []}
    pod = {"initContainers": [container], "containers": [container]}
    network = {"Network": "10.0.0.0/8", "Backend": {"Type": "vxlan"}}
    documents = [
        {"kind": "ConfigMap", "data": {"net-conf.json": json.dumps(network), "cni-conf.json": "{}"}},
        {"kind": "DaemonSet", "spec": {"template": {"spec": pod}}},
    ]
    (tmp_path / "Documentation/kube-flannel.yml").write_text(yaml.safe_dump_all(documents))

    text = node.pod_network(tmp_path, VERSIONS)
    settings, daemons = yaml.safe_load_all(text)

    assert text.startswith("# would you kindly template this file\n# would you kindly patch this file\n")
    assert json.loads(settings["data"]["net-conf.json"]) == {**network, "Network": "{{ .PodSubnet }}"}
    (made,) = daemons["spec"]["template"]["spec"]["containers"]
    assert (made["image"], made["imagePullPolicy"]) == ("slipway.local/flannel:v0.28.10", "Never")
    assert "initContainers" not in daemons["spec"]["template"]["spec"]


def test_the_storage_class_uses_images_of_the_bundle():
    documents = {document["kind"]: document for document in yaml.safe_load_all(node.storage(VERSIONS))}
    (container,) = documents["Deployment"]["spec"]["template"]["spec"]["containers"]

    assert container["image"] == "slipway.local/local-path-provisioner:v0.0.30"
    assert images.BUSYBOX in container["command"]
    helper = yaml.safe_load(documents["ConfigMap"]["data"]["helperPod.yaml"])
    assert helper["spec"]["containers"][0]["image"] == images.BUSYBOX


def test_a_mirror_is_the_one_that_apt_uses_for_the_distribution_itself(monkeypatch):
    targets = "http://old.example/|buster|buster|main\nhttp://a.example/|bookworm|bookworm|main\n"
    monkeypatch.setattr(distribution, "run", lambda _: targets + "http://a.example/|bookworm|bookworm|contrib\n")

    assert distribution._mirror("bookworm") == ("http://a.example/", ["main"])
    with pytest.raises(Problem, match="apt knows no mirror of trixie"):
        distribution._mirror("trixie")


def test_what_debootstrap_found_wrong_is_told_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(distribution, "_suite", lambda: "bookworm")
    monkeypatch.setattr(distribution, "_mirror", lambda _: ("http://a.example/", ["main"]))

    def fail(argv: list[str], *, env: dict[str, str], log: Path) -> str:
        log.write_text("I: Retrieving\nE: Couldn't download packages: jq\nW: more\n")
        raise Problem("debootstrap failed with 1: W: more")

    monkeypatch.setattr(distribution, "run", fail)
    program = tmp_path / "usr/sbin/debootstrap"
    program.parent.mkdir(parents=True)
    program.touch(mode=0o755)

    with pytest.raises(Problem, match=r"http://a\.example/: Couldn't download packages: jq") as failed:
        distribution.node_root(tmp_path / "root", Programs(tmp_path))
    assert "\n" not in str(failed.value)
    assert not (tmp_path / "root").exists()
