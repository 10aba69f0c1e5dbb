"""k3d, which has no stand-in in Pulumi: k3d itself is played in tests/unit/test_k3d_provider.py."""

from tests.examples.example import PROTECTED, ByTest, Example, Seen

NODES = "K3dNodes"

K3D = Example(
    target="k3d",
    cluster={"version": "1.37", "workers": 1},
    features={
        "node-repair": ByTest("test_a_lost_worker_is_made_again_and_a_lost_control_plane_makes_the_cluster_anew"),
        "highly-available-control-plane": Seen(NODES, "control_planes", 3, when={"controlPlanes": 3}),
        "pod-cidr": Seen(NODES, "pod_cidr", "10.20.0.0/16", when={"podCidr": "10.20.0.0/16"}),
        "service-cidr": Seen(NODES, "service_cidr", "10.21.0.0/16", when={"serviceCidr": "10.21.0.0/16"}),
        "private-nodes": ByTest("test_k3d_is_told_what_was_reviewed"),
        "private-api": ByTest("test_k3d_writes_nothing_into_the_users_kubeconfig_and_listens_on_loopback_unless_told"),
        "network-policy": ByTest("test_k3s_own_parts_are_left_on"),
        "load-balancer": ByTest("test_k3s_own_parts_are_left_on"),
        "persistent-volumes": ByTest("test_k3s_own_parts_are_left_on"),
        "deletion-protection": PROTECTED,
    },
)
