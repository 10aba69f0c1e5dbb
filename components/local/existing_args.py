"""What a stack says about a cluster that is there already, and the rules it must keep. Pure: no file is read."""

from typing import NotRequired

from components import versions
from components.cluster import ClusterArgs
from components.spec import Fault


class ExistingArgs(ClusterArgs):
    """A cluster that is there already: of Docker Desktop, Rancher Desktop, OrbStack or colima, or made elsewhere."""

    context: str
    """Which context of the kubeconfig it is, e.g. `docker-desktop`: `kubectl config get-contexts` lists them."""

    kubeconfig: NotRequired[str]
    """The kubeconfig with that context; relative to the project, `~` is your home. Default: what kubectl uses, that is
    KUBECONFIG, else ~/.kube/config."""


def faults_of(args: ExistingArgs) -> list[Fault]:
    """What is wrong with `args`, as far as it can be known without asking anybody."""
    faults = versions.syntax_faults(args["version"])
    if not args["context"]:
        faults.append(Fault("context", "is empty; write one of those that `kubectl config get-contexts` lists"))
    if args.get("kubeconfig") == "":
        faults.append(Fault("kubeconfig", "is empty; write a path, or drop the key for the one that kubectl uses"))
    faults += [
        Fault(key, f"{written!r} has letters that nobody sees; write it without")
        for key, written in (("context", args["context"]), ("kubeconfig", args.get("kubeconfig", "")))
        if not written.isprintable()
    ]
    return faults
