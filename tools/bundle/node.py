"""A node image for kind: a root file system with Kubernetes and all images, and kind's own entry point and units."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import yaml

from tools.bundle import images
from tools.bundle.image import Image
from tools.run import run

FILES = Path(__file__).parent / "files"
LABEL = "slipway.bundle"
"""Tells which bundle an image comes from."""

_ENABLED = ("containerd", "kubelet", "undo-mount-hacks")
# systemd-binfmt would write to what the whole machine shares; the others have nothing to do in a container.
_MASKED = ("systemd-binfmt.service",)
_STARTED_BY_THE_DISTRIBUTION = (
    "etc/systemd/system/*.wants/*",
    "lib/systemd/system/multi-user.target.wants/*",
    "lib/systemd/system/basic.target.wants/*",
    "lib/systemd/system/local-fs.target.wants/*",
    "lib/systemd/system/sockets.target.wants/*udev*",
    "lib/systemd/system/sockets.target.wants/*initctl*",
    "lib/systemd/system/sysinit.target.wants/systemd-tmpfiles-setup.service",
)
"""What kind's recipe keeps from starting (images/base/Dockerfile of its sources)."""


def assemble(
    root: Path,
    *,
    base: Path,
    bundle: Path,
    store: Path,
    kind: Path,
    flannel: Path,
    versions: Mapping[str, str],
    pause: str,
) -> None:
    """Put a node's file system together in `root`.

    Args:
        root: Where it goes; what is there is replaced.
        base: A node's root file system.
        bundle: Folder with the `bin` and `cni` of the bundle.
        store: A containerd root with all images.
        kind: Sources of kind.
        flannel: Sources of flannel.
        versions: Versions of all that goes in.
        pause: Name of the image that holds a pod's namespaces.
    """
    shutil.rmtree(root, ignore_errors=True)
    run(["cp", "--archive", "--reflink=auto", base, root])
    for pattern in _STARTED_BY_THE_DISTRIBUTION:
        for unit in root.glob(pattern):
            unit.unlink()
    with (root / "etc/systemd/journald.conf").open("a") as journald:
        journald.write("ReadKMsg=no\n")

    files = kind / "images/base/files"
    for part in ("etc", "kind", "usr/local/bin"):
        shutil.copytree(files / part, root / part, dirs_exist_ok=True, copy_function=shutil.copyfile)
    for script in ("fit-machine.sh", "machine.sh"):
        shutil.copyfile(FILES / script, root / "kind/bin" / script)
    # A node of kind has no first boot; machine.sh takes this file away.
    (root / "etc/cloud/cloud-init.disabled").touch()
    (root / "var/lib/cloud/seed/nocloud").mkdir(mode=0o700, parents=True)
    for folder in ("usr/local/bin", "kind/bin"):
        for script in (root / folder).iterdir():
            script.chmod(0o755)  # modules keep no modes
    for folder in ("opt/cni/bin", "etc/cni/net.d", "etc/kubernetes/manifests", "kind/manifests"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for program, folder in (
        *((name, "usr/bin") for name in ("kubeadm", "kubelet", "kubectl")),
        *((name, "usr/local/bin") for name in ("containerd", "containerd-shim-runc-v2", "ctr")),
        ("runc", "usr/local/sbin"),
    ):
        shutil.copy(bundle / "bin" / program, root / folder / program)
    for plugin in (bundle / "cni").iterdir():
        shutil.copy(plugin, root / "opt/cni/bin" / plugin.name)

    _configure_containerd(root, bundle, pause)
    (root / "kind/version").write_text(versions["kubernetes"])
    (root / "kind/manifests/default-cni.yaml").write_text(pod_network(flannel, versions))
    (root / "kind/manifests/default-storage.yaml").write_text(storage(versions))
    run(["chroot", root, "systemctl", "--quiet", "enable", *_ENABLED])
    run(["chroot", root, "systemctl", "--quiet", "mask", *_MASKED])
    run(["cp", "--archive", "--reflink=auto", store, root / "var/lib/containerd"])


def image(root: Path, name: str, key: str) -> Image:
    """The image of an assembled node."""
    return Image(
        (name,),
        tree=root,
        config={
            "Entrypoint": ["/kind/bin/fit-machine.sh", "/usr/local/bin/entrypoint", "/sbin/init"],
            "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "container=docker"],
            "Labels": {LABEL: key},
            "StopSignal": "SIGRTMIN+3",
        },
    )


def pod_network(flannel: Path, versions: Mapping[str, str]) -> str:
    """The manifest of the pod network: flannel's own, with the bundle's image and without what it would install.

    kind's kindnet is no module that proxies have. kind fills in the pod subnet and adds where the API is, as the first
    lines ask.
    """
    manifests = [part for part in yaml.safe_load_all((flannel / "Documentation/kube-flannel.yml").read_text()) if part]
    for manifest in manifests:
        if manifest["kind"] == "DaemonSet":
            pod = manifest["spec"]["template"]["spec"]
            del pod["initContainers"]  # they install a CNI plugin, in whose place the plain bridge plugin is configured
            (container,) = pod["containers"]
            container |= {"image": images.flannel(versions), "imagePullPolicy": "Never"}
            container["command"] = ["/bin/sh", "/flannel.sh"]
            container["volumeMounts"].append({"name": "cni", "mountPath": "/etc/cni/net.d"})
        elif manifest["kind"] == "ConfigMap":
            network = json.loads(manifest["data"]["net-conf.json"])
            manifest["data"] = {"net-conf.json": json.dumps({**network, "Network": "{{ .PodSubnet }}"})}
    return "# would you kindly template this file\n# would you kindly patch this file\n" + yaml.safe_dump_all(manifests)


def storage(versions: Mapping[str, str]) -> str:
    """The manifest of the default storage class."""
    text = (FILES / "storage.yaml").read_text()
    return text.replace(": PROVISIONER", f": {images.provisioner(versions)}").replace(
        "BUSYBOX\n", f"{images.BUSYBOX}\n"
    )


def _configure_containerd(root: Path, bundle: Path, pause: str) -> None:
    config = root / "etc/containerd/config.toml"
    lines = [
        f'  sandbox_image = "{pause}"' if line.strip().startswith("sandbox_image") else line
        for line in config.read_text().splitlines()
    ]
    config.write_text("\n".join(lines) + "\n")
    # As kind's recipe does: a node tells its pods a machine identity of its own.
    spec = json.loads(run([bundle / "bin/ctr", "oci", "spec"]))
    spec.setdefault("hooks", {}).setdefault("createContainer", []).append({"path": "/kind/bin/mount-product-files.sh"})
    spec["process"].pop("rlimits", None)
    (root / "etc/containerd/cri-base.json").write_text(json.dumps(spec))
