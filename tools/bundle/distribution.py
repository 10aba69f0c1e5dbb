"""What comes from the distribution's packages: the C compiler, and the root file system of a node.

A node runs the distribution of the machine that builds it, from the mirror that this machine's own apt uses: that one
is reachable, and its keys are trusted already. Nothing is installed on the machine itself.
"""

import hashlib
import platform
import shutil
from collections.abc import Mapping
from pathlib import Path

from filelock import FileLock

from tools.console import Problem
from tools.engine.packages import Programs, unpack
from tools.run import run

BUILD_PACKAGES = ("debootstrap", "gcc", "libc6-dev", "libseccomp-dev", "pkg-config")

NODE_PACKAGES = (
    "systemd", "systemd-sysv", "dbus", "kmod", "mount", "procps", "util-linux", "e2fsprogs",
    # What kubeadm's preflight, the kubelet, kube-proxy and flannel call.
    "conntrack", "ebtables", "ethtool", "ipset", "iproute2", "iptables", "nftables", "socat",
    # What kind calls in a node.
    "ca-certificates", "curl", "jq", "pigz",
    # What makes a machine of a node: its first boot, its way in, and what the API is reached by. cloud-init needs a
    # virtual package that python3-cffi-backend provides, and debootstrap resolves none.
    "cloud-init", "python3-cffi-backend", "openssh-server", "sudo", "haproxy", "keepalived",
    # For tests, and for whoever looks around in a node.
    "busybox-static", "iputils-ping", "netbase",
)  # fmt: skip


def build_programs(cache: Path) -> Programs:
    """The programs and libraries that building needs, unpacked unless this machine has them."""
    folder = cache / "build-tools"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        return unpack(folder, "a C compiler and debootstrap", "60 MB", BUILD_PACKAGES)


def compiler(programs: Programs) -> Mapping[str, str]:
    """The environment in which cgo finds compiler, headers and static libraries, unpacked or this machine's own."""
    root = programs.root
    triplet = f"{platform.machine()}-linux-gnu"
    libraries = root / "usr/lib" / triplet
    include = f"-isystem {root}/usr/include/{triplet} -isystem {root}/usr/include"
    return {
        **programs.environment,
        "CC": "gcc",
        "CGO_CFLAGS": f"-O2 {include}",
        "CGO_LDFLAGS": f"-B{libraries} -L{libraries}",
        "PKG_CONFIG_PATH": f"{libraries}/pkgconfig",
        # Paths in libseccomp's own file are as if it were installed; the flags above point to where it is.
        "PKG_CONFIG_ALLOW_SYSTEM_CFLAGS": "0",
    }


def node_root(root: Path, programs: Programs) -> None:
    """Make the root file system of a node in `root` unless it is there; there is none until it is complete.

    Raises:
        Problem: A package could not be fetched or did not install.
    """
    root.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{root}.lock"):
        if not root.is_dir():
            fresh = root.with_name(f"{root.name}.new")
            shutil.rmtree(fresh, ignore_errors=True)
            _debootstrap(fresh, programs, root.with_name(f"{root.name}.log"))
            fresh.replace(root)


def _debootstrap(root: Path, programs: Programs, log: Path) -> None:
    suite = _suite()
    mirror, components = _mirror(suite)
    share = programs.root / "usr/share/debootstrap"
    own = {"DEBOOTSTRAP_DIR": str(share)} if share.is_dir() else {}  # one that the machine has knows its folder
    log.unlink(missing_ok=True)
    try:
        run(
            [
                # All that it starts and mounts ends with this process, however that ends: the next one starts anew in
                # the same folder.
                "setpriv", "--pdeathsig", "KILL",
                "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
                programs.find("debootstrap"), "--variant=minbase",
                f"--components={','.join(components)}", f"--include={','.join(NODE_PACKAGES)}", suite, root, mirror,
            ],
            env={**programs.environment, **own}, log=log,
        )  # fmt: skip
    except Problem as problem:
        errors = [line.removeprefix("E: ") for line in log.read_text().splitlines() if line.startswith("E: ")]
        why = f"{errors[-1]} (all of it: {log})" if errors else str(problem)
        raise Problem(f"a node's root file system cannot be made from the packages at {mirror}: {why}") from problem
    for downloaded in ("var/cache/apt/archives/*.deb", "var/cache/apt/*.bin", "var/lib/apt/lists/*_*"):
        for leftover in root.glob(downloaded):
            leftover.unlink()
    (root / "etc/hostname").unlink(missing_ok=True)
    (root / "etc/machine-id").write_text("")  # every node makes its own
    (root / "etc/resolv.conf").write_text("")  # what debootstrap leaves is this machine's


def key() -> str:
    """Changes with the distribution and the packages of a node's root file system."""
    return f"{_suite()}-{hashlib.sha256(','.join(NODE_PACKAGES).encode()).hexdigest()[:8]}"


def libraries(root: Path, *files: str) -> set[str]:
    """The shared libraries of programs and libraries in `root`, and their loader, as the loader itself finds them."""
    words = run(["chroot", root, "ldd", *files]).split()
    return {word for word in words if word.startswith("/") and not word.endswith(":")}


def _suite() -> str:
    release = platform.freedesktop_os_release()
    if "VERSION_CODENAME" not in release or not shutil.which("apt-get"):
        raise Problem(
            f"{release.get('PRETTY_NAME', 'this system')} has no apt, and a node's root file system is made of "
            "Debian's or Ubuntu's packages; build the bundle on one of those"
        )
    return release["VERSION_CODENAME"]


def _mirror(suite: str) -> tuple[str, list[str]]:
    """The mirror that apt uses for a suite, and those of its components that a node's packages are in."""
    form = "$(REPO_URI)|$(RELEASE)|$(CODENAME)|$(COMPONENT)"
    targets = run(["apt-get", "indextargets", "--format", form, "Created-By: Packages"])
    found: dict[str, list[str]] = {}
    for line in targets.splitlines():
        uri, release, codename, component = line.split("|")
        if suite in (release, codename) and component in ("main", "universe"):  # the latter is Ubuntu's
            found.setdefault(uri, []).append(component)
    for uri, components in found.items():
        if "main" in components:
            return uri, components
    raise Problem(f"apt knows no mirror of {suite}; add one to /etc/apt/sources.list, then run `apt-get update`")
