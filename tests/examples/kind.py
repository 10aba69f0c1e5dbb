"""kind, which has no stand-in: it is run for real in tests/clusters."""

from tests.examples.example import PROTECTED, ByTest, Example, Seen

NODES = "KindNodes"

KIND = Example(
    target="kind",
    cluster={"version": "1.37", "workers": 1},
    features={
        "labels-and-taints": ByTest("test_labels_taints_and_mirrors_change_in_the_running_cluster"),
        "node-repair": ByTest("test_stopped_nodes_show_up_at_a_refresh_and_the_next_up_starts_them"),
        "highly-available-control-plane": Seen(NODES, "control_planes", 3, when={"controlPlanes": 3}),
        "pod-cidr": Seen(NODES, "pod_cidr", "10.20.0.0/16", when={"podCidr": "10.20.0.0/16"}),
        "service-cidr": Seen(NODES, "service_cidr", "10.21.0.0/16", when={"serviceCidr": "10.21.0.0/16"}),
        "private-nodes": ByTest("test_the_first_up_makes_a_cluster_and_shows_the_steps_of_kind"),
        "private-api": ByTest("test_the_first_up_makes_a_cluster_and_shows_the_steps_of_kind"),
        "network-policy": Seen(NODES, "cni", "none", when={"cni": "none"}),
        "load-balancer": ByTest("test_a_pod_runs_and_answers_through_a_service"),
        "persistent-volumes": ByTest("test_a_volume_that_a_pod_claims_is_made"),
        "deletion-protection": PROTECTED,
    },
)
