"""One example a target: what the conformance suites need to know to hold every target to the same promises."""

from tests.examples.aks import AKS
from tests.examples.doks import DOKS
from tests.examples.eks import EKS
from tests.examples.example import Example
from tests.examples.existing import EXISTING
from tests.examples.gke import GKE
from tests.examples.k3d import K3D
from tests.examples.kapsule import KAPSULE
from tests.examples.kind import KIND
from tests.examples.kubeadm import KUBEADM
from tests.examples.minikube import MINIKUBE

EXAMPLES: dict[str, Example] = {
    example.target: example for example in (KIND, MINIKUBE, K3D, EXISTING, KUBEADM, GKE, EKS, AKS, DOKS, KAPSULE)
}

MANAGED = {name: example for name, example in EXAMPLES.items() if example.cloud}
"""Those in a cloud."""
