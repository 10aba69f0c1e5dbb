"""The images in a bundle: what kubeadm asks for, by exactly its names, and what a cluster needs besides."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from tools.bundle import distribution
from tools.bundle.image import Image
from tools.console import Problem
from tools.run import run

FILES = Path(__file__).parent / "files"

BUSYBOX = "slipway.local/busybox:1"
"""A shell and small tools: for storage volumes, and for pods to try a cluster with."""

BASE = {
    "/etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnonroot:x:65532:65532::/:/bin/false\n",
    "/etc/group": "root:x:0:\nnonroot:x:65532:\n",
    "/etc/nsswitch.conf": "hosts: files dns\n",
    "/tmp/.keep": "",  # noqa: S108 - a path inside an image
}

_IPTABLES = tuple(f"{name}{suffix}" for name in ("iptables", "ip6tables") for suffix in ("", "-save", "-restore"))


def kubeadm_image(name: str, programs: Path, versions: Mapping[str, str], root: Path) -> Image:
    """The image that kubeadm asks for by `name`.

    Args:
        name: As `kubeadm config images list` prints it.
        programs: Folder with all programs of the bundle.
        versions: Versions of the companions, to hold against the tag.
        root: A node's root file system, which tools with their libraries come from.

    Raises:
        Problem: It is not known here, or asks for another version than there is.
    """
    repository, _, tag = name.rpartition(":")
    program = repository.rpartition("/")[2]
    match program:
        case "kube-apiserver" | "kube-controller-manager" | "kube-scheduler":
            return Image((name,), {f"/usr/local/bin/{program}": programs / program}, BASE)
        case "kube-proxy":
            files, links = network_tools(root, "/usr/sbin/conntrack", "/usr/sbin/ipset")
            return Image((name,), {f"/usr/local/bin/{program}": programs / program, **files}, BASE, links)
        case "etcd":
            _same_version(name, tag, versions)
            files = {f"/usr/local/bin/{tool}": programs / tool for tool in ("etcd", "etcdctl", "etcdutl")}
            return Image((name,), files, BASE)
        case "coredns":
            _same_version(name, tag, versions)
            return Image((name,), {"/coredns": programs / program}, BASE, config={"Entrypoint": ["/coredns"]})
        case "pause":
            return Image(
                (name,), {"/pause": programs / program}, config={"Entrypoint": ["/pause"], "User": "65535:65535"}
            )
    raise Problem(f"kubeadm asks for an image that this Slipway does not know: {name}; update Slipway")


def more_images(programs: Path, versions: Mapping[str, str], root: Path) -> Iterable[Image]:
    """The images of what kubeadm does not bring: pod network, storage, and one to try things with."""
    files, links = network_tools(root)
    busybox = {"/bin/busybox": root / "bin/busybox"}
    yield Image(
        (flannel(versions),),
        {"/opt/bin/flanneld": programs / "flannel", "/flannel.sh": FILES / "flannel.sh", **busybox, **files},
        BASE,
        {"/bin/sh": "busybox", **links},
        config={"Entrypoint": ["/bin/sh", "/flannel.sh"]},
    )
    yield Image(
        (provisioner(versions),), {"/usr/local/bin/local-path-provisioner": programs / "local-path-provisioner"}, BASE
    )
    applets = run(["chroot", root, "busybox", "--list"]).split()
    yield Image(
        (BUSYBOX,),
        busybox,
        BASE,
        {f"/bin/{applet}": "busybox" for applet in applets if applet != "busybox"},
        config={"Cmd": ["sh"]},
    )


def flannel(versions: Mapping[str, str]) -> str:
    """The name of flannel's image."""
    return f"slipway.local/flannel:{versions['flannel']}"


def provisioner(versions: Mapping[str, str]) -> str:
    """The name of the storage provisioner's image."""
    return f"slipway.local/local-path-provisioner:{versions['local-path-provisioner']}"


def network_tools(root: Path, *more: str) -> tuple[dict[str, Path], dict[str, str]]:
    """Files and links of nft, of iptables in front of it, and of `more` programs: out of a node's root."""
    tools = ["/usr/sbin/nft", "/usr/sbin/xtables-nft-multi", *more]
    extensions = [f"/{file.relative_to(root)}" for file in root.glob("usr/lib/*/xtables/*.so")]
    paths = {*tools, *extensions, *distribution.libraries(root, *tools, *extensions)}
    return {path: root / path.lstrip("/") for path in paths}, {
        f"/usr/sbin/{name}": "xtables-nft-multi" for name in _IPTABLES
    }


def _same_version(name: str, tag: str, versions: Mapping[str, str]) -> None:
    program = name.rpartition("/")[2].partition(":")[0]
    asked = "v" + tag.removeprefix("v").partition("-")[0]
    if asked != versions[program]:
        raise Problem(f"kubeadm asks for {name}, and what is locked in tools/toolchain/modules is {versions[program]}")
