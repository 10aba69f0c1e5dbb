"""minikube, which has no stand-in in Pulumi: minikube itself is played in tests/unit/test_minikube_provider.py."""

from tests.examples.example import PROTECTED, ByTest, Example, Seen

NODES = "MinikubeNodes"
TOLD = ByTest("test_minikube_is_told_all_that_its_own_settings_could_change")

MINIKUBE = Example(
    target="minikube",
    cluster={"version": "1.37", "workers": 1},
    features={
        "node-disk-size": Seen(NODES, "disk_gb", 40, when={"driver": "kvm2", "diskGb": 40}),
        "node-repair": ByTest("test_a_stopped_node_is_found_by_a_refresh_and_started_by_the_next_update"),
        "in-place-upgrade": ByTest("test_the_next_minor_is_an_upgrade_in_place_and_all_else_makes_the_cluster_anew"),
        "highly-available-control-plane": Seen(NODES, "control_planes", 3, when={"controlPlanes": 3}),
        "pod-cidr": Seen(NODES, "pod_cidr", "10.20.0.0/16", when={"podCidr": "10.20.0.0/16"}),
        "service-cidr": Seen(NODES, "service_cidr", "10.21.0.0/16", when={"serviceCidr": "10.21.0.0/16"}),
        "private-nodes": TOLD,
        "private-api": TOLD,
        "network-policy": Seen(NODES, "cni", "calico", when={"cni": "calico"}),
        "load-balancer": TOLD,
        "persistent-volumes": TOLD,
        "deletion-protection": PROTECTED,
    },
)
