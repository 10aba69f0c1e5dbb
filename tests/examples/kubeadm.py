"""kubeadm, which has no stand-in: it is run for real in tests/clusters."""

from functools import cache
from typing import Any

from components.bootstrap import pki
from components.machines.machine_keys_provider import MachineKeysProvider
from tests.examples.example import PROTECTED, ByTest, Example, Seen

CONTROL_PLANES = "test_a_control_plane_that_was_killed_is_replaced_by_one_command"
FIRST_UP = "test_the_first_up_makes_every_machine_a_node"


@cache
def outputs() -> dict[str, dict[str, Any]]:
    """Type → what such a resource tells once it is made."""
    keys = pki.make(pki.now())
    told = {
        "ContainerNetwork": {"image": "slipway.local/node:v1.37.2", "kubernetes_version": "v1.37.2"},
        "Claim": {},
        "SshMachine": {"reach": {"machine": "test", "login": {"address": "192.168.7.11"}}},
        "MachineKeys": MachineKeysProvider().create({"name": "test"}).outs or {},
        "Keys": {"pki": keys, "admin": pki.admin(keys, pki.now())},
        "ContainerBalancer": {"port": 40123, "status": "running"},
        "ContainerMachine": {"reach": {"machine": "test", "prefix": ["docker", "exec"]}, "status": "running"},
        "Node": {"kubelet_version": "v1.37.2", "ready": True},
    }
    return {f"pulumi-python:dynamic/slipway:{kind}": one for kind, one in told.items()}


def in_user_data(text: str, **when: object) -> Seen:
    """A text in what some machine boots from."""
    return Seen("ContainerMachine", "user_data", lambda user_data: text in user_data, when=when)


KUBEADM = Example(
    target="kubeadm",
    cluster={"version": "1.37", "machines": {"driver": "container"}, "workers": 1},
    features={
        "node-disk-size": ByTest("test_every_machine_is_of_the_size_of_its_role"),
        "node-repair": ByTest(CONTROL_PLANES),
        "in-place-upgrade": ByTest("test_an_upgrade_in_place_loses_no_request_though_the_run_is_killed_in_the_middle"),
        "highly-available-control-plane": (
            in_user_data("server test-control-plane-3 10.89.0.13:6443", controlPlanes=3),
            Seen("Node", "role", "control-plane", when={"controlPlanes": 3}),
        ),
        "given-network": ByTest(
            "test_an_image_of_libvirt_may_be_a_file_and_machines_are_attached_to_a_bridge_if_a_stack_says_so"
        ),
        "pod-cidr": in_user_data("podSubnet: 10.20.0.0/16", podCidr="10.20.0.0/16"),
        "service-cidr": in_user_data("serviceSubnet: 10.21.0.0/16", serviceCidr="10.21.0.0/16"),
        "private-nodes": ByTest(FIRST_UP),
        "private-api": ByTest(FIRST_UP),
        "network-policy": Seen("Release", "chart", "cilium", when={"cni": "cilium"}),
        "secrets-encryption": in_user_data("secretbox"),
        "control-plane-logs": in_user_data("audit-log-path"),
        "deletion-protection": PROTECTED,
    },
)
