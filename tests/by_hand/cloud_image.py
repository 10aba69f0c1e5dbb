"""A cloud image that needs no registry: Debian's kernel and cloud-init beside all that the offline bundle holds.

    python -m tests.by_hand.cloud_image 1.37 debian-12-with-1.37.qcow2

Unlike a node image it has nothing of kind and no mark of a container: what boots of it is a machine like any other,
with `packages: installed`. Needs root, and of the distribution's packages e2fsprogs, fdisk, grub-common and qemu-utils.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from tools import bundle, paths
from tools.bundle import distribution, manifest, node, store
from tools.console import step
from tools.run import run
from tools.toolchain import golang

PACKAGES = (
    "linux-image-cloud-amd64", "grub-pc-bin", "initramfs-tools", "zstd",
    # As in Debian's own cloud images: what grows the disk, what sets up the network and the clock, what confines pods.
    "cloud-guest-utils", "netplan.io", "systemd-resolved", "systemd-timesyncd", "apparmor",
)  # fmt: skip

INSTALL = """
root=$0
for folder in dev proc sys; do mount --bind "/$folder" "$root/$folder"; done
cp /etc/resolv.conf "$root/etc/resolv.conf"
printf '#!/bin/sh\\nexit 101\\n' >"$root/usr/sbin/policy-rc.d" # starts nothing
chmod 0755 "$root/usr/sbin/policy-rc.d"
export DEBIAN_FRONTEND=noninteractive
chroot "$root" apt-get -q update
chroot "$root" apt-get -q -y install --no-install-recommends "$@"
chroot "$root" apt-get clean
rm "$root/usr/sbin/policy-rc.d"
"""

SIZE_MB = 5 * 1024
"""Of the disk, which a machine makes as large as its own at its first boot."""

START_MB = 1
"""Where the one partition begins; before it there is room for what the BIOS loads."""

GRUB_MODULES = ("biosdisk", "part_msdos", "ext2", "linux", "normal", "configfile", "search", "search_label")
GRUB_START = "search --no-floppy --label --set=root root\nset prefix=($root)/boot/grub\nconfigfile $prefix/grub.cfg\n"
# Without KVM a kernel does not trust its TSC, and asks an emulated timer for each look at the clock. What is written in
# Go sleeps for 20 microseconds at a time, of which each would be an emulated interrupt: without fine timers it is 4 ms.
# And nobody is beside the machine whom its defences would keep out.
GRUB_CONFIG = """\
linux /vmlinuz root=LABEL=root ro console=tty0 console=ttyS0,115200 tsc=reliable mitigations=off highres=off
initrd /initrd.img
boot
"""

WEIGHTS = {"kubelet.slice": 10, "containerd.service": 20, "systemd-journald.service": 10, "user.slice": 30}
"""What waits for an API server takes more than half of two emulated CPUs from it, unless it weighs less than 100."""

CONTAINERD = Path(__file__).parents[2] / "components/bootstrap/files/containerd.toml"


def make(minor: str, target: Path) -> None:
    """Make the image of a minor of Kubernetes."""
    made = bundle.ensure(minor)
    with tempfile.TemporaryDirectory(dir=paths.CACHE) as folder:
        work = Path(folder)
        root, log = work / "root", work / "log"
        run(["cp", "--archive", "--reflink=auto", paths.CACHE / f"bundles/root-{distribution.key()}", root])
        with step("Installing a kernel"):
            run(["unshare", "--mount", "sh", "-euc", INSTALL, root, *PACKAGES], log=log)
        with step("Putting programs and images into place"):
            _put_programs(root, made)
            archives = manifest.read(made.folder)["images"].values()
            store.fill(work / "store", made.folder / "bin", [made.folder / one for one in archives], log)
            (work / "store").rename(root / "var/lib/containerd")
            _settle(root)
        with step(f"Writing {target}"):
            _write_disk(root, work)
            compressed = ("-c", "-o", "compression_type=zstd")
            run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", *compressed, work / "disk", target])


def _put_programs(root: Path, made: bundle.Bundle) -> None:
    """Programs, their units and their configuration, as packages would bring them."""
    for name in ("kubeadm", "kubelet", "kubectl"):
        shutil.copy(made.folder / "bin" / name, root / "usr/bin" / name)
    for name in ("containerd", "containerd-shim-runc-v2", "ctr", "runc"):
        shutil.copy(made.folder / "bin" / name, root / "usr/local/bin" / name)
    shutil.copytree(made.folder / "cni", root / "opt/cni/bin")
    units = root / "etc/systemd/system"
    kind = golang.source("kind", "sigs.k8s.io/kind") / "images/base/files/etc/systemd/system"
    for name in ("containerd.service", "kubelet.service", "kubelet.slice", "kubelet.service.d/10-kubeadm.conf"):
        (units / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(kind / name, units / name)

    facts = manifest.read(made.folder)
    pause = next(name for name in facts["images"] if "/pause:" in name)
    (root / "etc/containerd").mkdir()
    (root / "etc/containerd/config.toml").write_text(CONTAINERD.read_text().replace("PAUSE", pause))
    # Here the step `pod-network` finds what is made for the bundle's image of flannel.
    (root / "kind/manifests").mkdir(parents=True)
    network = node.pod_network(golang.source("flannel", "github.com/flannel-io/flannel"), facts["versions"])
    (root / "kind/manifests/default-cni.yaml").write_text(network)


def _settle(root: Path) -> None:
    """What makes a root file system one that boots, and that every machine makes its own."""
    for leftover in (*root.glob("var/lib/apt/lists/*_*"), *root.glob("etc/ssh/ssh_host_*")):
        leftover.unlink()
    (root / "etc/fstab").write_text("LABEL=root / ext4 errors=remount-ro 0 1\n")
    (root / "etc/machine-id").write_text("")
    for unit, weight in WEIGHTS.items():
        folder = root / f"etc/systemd/system/{unit}.d"
        folder.mkdir(exist_ok=True)
        (folder / "weight.conf").write_text(f"[{unit.rpartition('.')[2].title()}]\nCPUWeight={weight}\n")
    (root / "boot/grub").mkdir(exist_ok=True)
    (root / "boot/grub/grub.cfg").write_text(GRUB_CONFIG)
    resolver = root / "etc/resolv.conf"
    resolver.unlink(missing_ok=True)
    resolver.symlink_to("/run/systemd/resolve/stub-resolv.conf")
    run(["chroot", root, "systemctl", "--quiet", "enable", "systemd-networkd", "systemd-resolved", "ssh"])


def _write_disk(root: Path, work: Path) -> None:
    """A disk with one partition, from which a BIOS starts GRUB."""
    start, core, disk, part = (work / name for name in ("start.cfg", "core.img", "disk", "part"))
    grub = root / "usr/lib/grub/i386-pc"
    start.write_text(GRUB_START)
    run(["grub-mkimage", "-d", grub, "-O", "i386-pc", "-p", "/", "-c", start, "-o", core, *GRUB_MODULES])
    part.touch()
    run(["mke2fs", "-q", "-t", "ext4", "-L", "root", "-d", root, part, f"{SIZE_MB - START_MB}M"])
    with disk.open("wb") as file:
        file.truncate(SIZE_MB * 2**20)
    run(["sfdisk", "--quiet", disk], stdin=f"start={START_MB}MiB, type=83, bootable\n".encode())
    with disk.open("r+b") as file:
        boot = (grub / "boot.img").read_bytes()[:440]  # behind it stands the table of partitions
        file.write(boot)
        file.seek(512)
        file.write(core.read_bytes())
    run(["dd", f"if={part}", f"of={disk}", "bs=1M", f"seek={START_MB}", "conv=notrunc,sparse", "status=none"])


if __name__ == "__main__":
    make(sys.argv[1], Path(sys.argv[2]))
