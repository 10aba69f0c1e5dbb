"""A base image for minikube's nodes that needs no registry, and what minikube else would download.

    python -m tests.by_hand.minikube_base 1.35

It follows minikube's own recipe (deploy/kicbase) on the root file system of the offline bundle's nodes, with containerd
alone, and holds all images that a cluster pulls: Kubernetes' own, minikube's storage provisioner, and in the place of
kindnetd, which is no module, a script that does the same. (minikube takes all images out again where one is missing.)
What is printed is what `minikube start --base-image` takes. Needs root and a container engine.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

from components.local.container_engine import Engine
from tests.by_hand.cloud_image import INSTALL
from tools import bundle, engine, paths
from tools.bundle import distribution, image, images, manifest, node, store
from tools.bundle.image import Image
from tools.console import step
from tools.run import run
from tools.toolchain import golang
from tools.toolchain.golang import GoBuild

NAME = "slipway.local/minikube-base"
KINDNETD = "docker.io/kindest/kindnetd:v20260213-ea8e5717"
STORAGE_PROVISIONER = "gcr.io/k8s-minikube/storage-provisioner:v5"
"""As minikube 1.38.1 asks for them: pkg/minikube/bootstrapper/images/images.go."""

DOWNLOADED = ("kubeadm", "kubectl", "kubelet")

# What kindnetd does: pods of a node get addresses of its podCIDR, and those of other nodes are reached by them.
ROUTES = r"""
set -eu
export PATH=/bin
while :; do
  kubectl get nodes --output='jsonpath={range .items[*]}{.spec.podCIDR} {.status.addresses[0].address}{"\n"}{end}' |
    while read -r pods address; do
      if [ "$address" != "$HOST_IP" ]; then
        ip route replace "$pods" via "$address"
      elif [ ! -e /etc/cni/net.d/10-kindnet.conflist ]; then
        cat >/etc/cni/net.d/.new <<CONFIG
{"cniVersion": "0.3.1", "name": "kindnet", "plugins": [
  {"type": "ptp", "ipMasq": true, "ipam": {
    "type": "host-local", "ranges": [[{"subnet": "$pods"}]], "routes": [{"dst": "0.0.0.0/0"}]
  }},
  {"type": "portmap", "capabilities": {"portMappings": true}}
]}
CONFIG
        mv /etc/cni/net.d/.new /etc/cni/net.d/10-kindnet.conflist
      fi
    done
  sleep 5
done
"""

# As in minikube's Dockerfile, without what kind's nodes have and minikube writes itself.
SETTLE = r"""
groupadd -f docker
useradd -m -s /bin/bash -g docker -G sudo docker
usermod -p '*' docker
echo '%sudo ALL=(ALL) NOPASSWD:ALL' >/etc/sudoers.d/20-passwordless-sudo
chmod 0440 /etc/sudoers.d/20-passwordless-sudo
install -d -o docker -g docker -m 0700 /home/docker/.ssh
printf '%s\n' 'PubkeyAcceptedAlgorithms +ssh-rsa' 'HostkeyAlgorithms +ssh-rsa' >>/etc/ssh/sshd_config
echo 'PasswordAuthentication no' >>/etc/ssh/sshd_config
systemctl --quiet disable containerd kubelet
systemctl --quiet enable ssh
rm -rf /etc/systemd/system/kubelet.service /etc/systemd/system/kubelet.service.d /usr/bin/kubeadm /usr/bin/kubelet
sed -ri 's/dns files/files dns/g' /etc/nsswitch.conf
chmod 0755 /usr/local/bin/entrypoint
# minikube writes into containerd's configuration what not every machine lets it do, and restarts it.
mkdir /etc/systemd/system/containerd.service.d
printf '[Service]\nExecStartPre=/kind/bin/fit-machine.sh true\n' >/etc/systemd/system/containerd.service.d/fit.conf
"""


def make(minor: str) -> str:
    """Make the image of a minor of Kubernetes in the engine, and put what is downloaded into minikube's cache."""
    made = bundle.ensure(minor)
    facts = manifest.read(made.folder)
    name = f"{NAME}:{facts['kubernetes']}"
    crictl = golang.build(GoBuild("crictl", ("sigs.k8s.io/cri-tools/cmd/crictl",)))
    provisioner = golang.build(GoBuild("minikube-storage", ("k8s.io/minikube/cmd/storage-provisioner",)))
    recipe = golang.source("minikube", "k8s.io/minikube") / "deploy/kicbase"
    base = paths.CACHE / f"bundles/root-{distribution.key()}"
    with tempfile.TemporaryDirectory(dir=paths.CACHE) as folder:
        work = Path(folder)
        root, log = work / "root", work / "log"
        with step("Filling the nodes' containerd"):
            own = {"kindnetd": _kindnetd(base, made.folder / "bin"), "storage": _storage(provisioner)}
            for short, one in own.items():
                image.write(one, work / f"{short}.tar")
            archives = [made.folder / one for one in facts["images"].values()] + [work / f"{one}.tar" for one in own]
            store.fill(work / "store", made.folder / "bin", archives, log)
        with step("Putting the file system together"):
            node.assemble(
                root,
                base=base,
                bundle=made.folder,
                store=work / "store",
                kind=golang.source("kind", "sigs.k8s.io/kind"),
                flannel=golang.source("flannel", "github.com/flannel-io/flannel"),
                versions=facts["versions"],
                pause=next(one for one in facts["images"] if "/pause:" in one),
            )
            run(["unshare", "--mount", "sh", "-euc", INSTALL, root, "rsync"], log=log)
            (root / "etc/resolv.conf").write_text("")
            shutil.copyfile(recipe / "entrypoint", root / "usr/local/bin/entrypoint")
            shutil.copyfile(recipe / "containerd.toml", root / "etc/containerd/config.toml")
            shutil.copy(crictl / "crictl", root / "usr/local/bin/crictl")
            run(["chroot", root, "sh", "-euc", SETTLE], log=log)
        with step(f"Loading {name}"):
            image.write(node.image(root, name, "by hand"), work / "image.tar")
            Engine.find().run("load", "--input", str(work / "image.tar"))
    cache = paths.CACHE / "minikube" / "linux" / image.ARCHITECTURE / facts["kubernetes"]
    cache.mkdir(parents=True, exist_ok=True)
    for program in DOWNLOADED:
        shutil.copy(made.folder / "bin" / program, cache / program)
    return name


def _kindnetd(base: Path, programs: Path) -> Image:
    return Image(
        (KINDNETD,),
        {"/bin/busybox": base / "bin/busybox", "/bin/kubectl": programs / "kubectl"},
        {**images.BASE, "/routes.sh": ROUTES},
        {f"/bin/{applet}": "busybox" for applet in ("sh", "cat", "ip", "mv", "sleep")},
        config={"Entrypoint": ["/bin/sh", "/routes.sh"]},
    )


def _storage(programs: Path) -> Image:
    return Image(
        (STORAGE_PROVISIONER,),
        {"/storage-provisioner": programs / "storage-provisioner"},
        images.BASE,
        config={"Entrypoint": ["/storage-provisioner"]},
    )


if __name__ == "__main__":
    os.environ.update(engine.ensure().environment)
    print(make(sys.argv[1]))
