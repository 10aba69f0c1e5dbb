"""What a bundle is made of: programs, their locked versions, and the key that changes when any of it does."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.console import Problem
from tools.toolchain import golang
from tools.toolchain.golang import GoBuild
from tools.toolchain.kubernetes import kubernetes

KUBERNETES = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-proxy",
    "kube-scheduler",
    "kubeadm",
    "kubectl",
    "kubelet",
)

_CONTAINERD = "github.com/containerd/containerd/v2"
_ETCD = "go.etcd.io/etcd"
_FLANNEL = "github.com/flannel-io/flannel"
_CNI = "github.com/containernetworking/plugins"
_CNI_PLUGINS = (
    "ipam/host-local",
    "main/bridge",
    "main/loopback",
    "main/ptp",
    "meta/bandwidth",
    "meta/firewall",
    "meta/portmap",
    "meta/tuning",
)


@dataclass(frozen=True)
class Recipe:
    """What one Kubernetes version's bundle is made of."""

    version: str
    """Of Kubernetes, such as `v1.37.2`."""

    kubernetes: GoBuild
    etcd: GoBuild
    coredns: GoBuild
    containerd: GoBuild
    cni_plugins: GoBuild
    flannel: GoBuild
    provisioner: GoBuild
    runc: GoBuild
    """Needs a C compiler, whose environment is added when it is built."""

    versions: Mapping[str, str]
    """Versions of the companions, as their go.mod lock them."""

    @property
    def without_c(self) -> tuple[GoBuild, ...]:
        """All that needs no C compiler, in the order of building: what shares most packages comes first."""
        return (
            self.kubernetes,
            self.coredns,
            self.provisioner,
            self.etcd,
            self.flannel,
            self.containerd,
            self.cni_plugins,
        )

    @property
    def key(self) -> str:
        """Changes with whatever goes into the bundle; not with Go, since a newer one is no reason to build it anew."""
        builds = [golang.digest(build, go="") for build in (*self.without_c, self.runc)]
        sources = [hashlib.sha256(file.read_bytes()).hexdigest() for file in own_sources()]
        return hashlib.sha256(json.dumps([builds, sources]).encode()).hexdigest()[:12]


def of(minor: str) -> Recipe:
    """What the bundle of a Kubernetes minor is made of.

    Raises:
        Problem: No module locks that minor.
    """
    module = f"kubernetes-{minor}"
    if not (golang.MODULES / module).is_dir():
        known = sorted(folder.name.removeprefix("kubernetes-") for folder in golang.MODULES.glob("kubernetes-*"))
        raise Problem(f"no offline bundle of Kubernetes {minor} can be built here; choose one of {', '.join(known)}")
    version = golang.version(module, "k8s.io/kubernetes")
    etcd, coredns = _for_minor("etcd", minor), _for_minor("coredns", minor)
    containerd_version = golang.version("containerd", _CONTAINERD)
    flannel_version = golang.version("flannel", _FLANNEL)
    return Recipe(
        version=version,
        kubernetes=kubernetes(version, *KUBERNETES),
        etcd=GoBuild(
            etcd, tuple(f"{_ETCD}/{part}/v3" for part in ("etcdctl", "etcdutl", "server")), names={"server": "etcd"}
        ),
        coredns=GoBuild(coredns, (".",)),
        containerd=GoBuild(
            "containerd",
            tuple(f"{_CONTAINERD}/cmd/{name}" for name in ("containerd", "containerd-shim-runc-v2", "ctr")),
            ldflags=f"-X {_CONTAINERD}/version.Version={containerd_version} -X {_CONTAINERD}/version.Revision=",
            # Snapshotters that no node here uses; the first two need C libraries.
            tags=("no_btrfs", "no_devmapper", "no_zfs"),
        ),
        cni_plugins=GoBuild("cni-plugins", tuple(f"{_CNI}/plugins/{plugin}" for plugin in _CNI_PLUGINS)),
        flannel=GoBuild("flannel", (".",), ldflags=f"-X {_FLANNEL}/pkg/version.Version={flannel_version}"),
        provisioner=GoBuild("local-path-provisioner", ("github.com/rancher/local-path-provisioner",)),
        runc=GoBuild(
            "runc",
            ("github.com/opencontainers/runc",),
            # Static, so that it runs in any root.
            ldflags="-extldflags -static",
            tags=("seccomp", "netgo", "osusergo", "static_build"),
            cgo=True,
        ),
        versions={
            "kubernetes": version,
            "etcd": golang.version(etcd, f"{_ETCD}/server/v3"),
            "coredns": golang.version(coredns, "github.com/coredns/coredns"),
            "containerd": containerd_version,
            "runc": golang.version("runc", "github.com/opencontainers/runc"),
            "cni-plugins": golang.version("cni-plugins", _CNI),
            "flannel": flannel_version,
            "local-path-provisioner": golang.version(
                "local-path-provisioner", "github.com/rancher/local-path-provisioner"
            ),
            "kind": golang.version("kind", "sigs.k8s.io/kind"),
        },
    )


def _for_minor(name: str, minor: str) -> str:
    """The module of a companion whose version depends on Kubernetes': its own for that minor, if there is one."""
    own = f"{name}-for-{minor}"
    return own if (golang.MODULES / own).is_dir() else name


def own_sources() -> list[Path]:
    """What tells how a bundle is put together."""
    return sorted(file for file in Path(__file__).parent.rglob("*") if file.suffix in {".py", ".c", ".yaml", ".sh"})
