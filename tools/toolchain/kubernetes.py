"""How Kubernetes' own programs are built from its module, so that they know their version."""

from tools.toolchain.golang import GoBuild


def kubernetes(version: str, *programs: str) -> GoBuild:
    """The build of programs of one version, which `modules/kubernetes-MINOR` locks.

    Args:
        version: Such as `v1.37.2`.
        programs: Such as `kubectl`.
    """
    major, minor, _ = version.removeprefix("v").split(".")
    # Without these flags the programs call themselves v0.0.0-master, and kubeadm refuses to work.
    facts = {
        "gitVersion": version,
        "gitMajor": major,
        "gitMinor": minor,
        "gitCommit": "0" * 40,
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
    }
    flags = [
        f"-X {package}.{name}={value}"
        for package in ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
        for name, value in facts.items()
    ]
    return GoBuild(
        f"kubernetes-{major}.{minor}",
        tuple(f"k8s.io/kubernetes/cmd/{program}" for program in programs),
        ldflags=" ".join(flags),
    )
