"""GKE."""

from components.managed.controls import is_set
from tests.engine.stand_in.gcp import GCP
from tests.examples.example import GIVEN_BACK, UPGRADED, Example, Seen

POOL = {"name": "general", "machineType": "e2-standard-4", "minNodes": 1, "maxNodes": 5}
KEY = "projects/p/locations/europe-west1/keyRings/r/cryptoKeys/k"
GIVEN_NETWORK = {
    "network": {
        "id": "projects/p/global/networks/shared",
        "subnetId": "projects/p/regions/europe-west1/subnetworks/shared",
        "podRange": "pods",
        "serviceRange": "services",
    }
}

GKE = Example(
    target="gke",
    cluster={"version": "1.37", "region": "europe-west1", "nodePools": [POOL]},
    cloud=GCP,
    features={
        "fully-managed-nodes": Seen("Cluster", "enableAutopilot", True, when={"compute": "auto", "nodePools": None}),
        "autoscaling": Seen("NodePool", "autoscaling.totalMaxNodeCount", 5),
        "spot-nodes": Seen("NodePool", "nodeConfig.spot", True, when={"nodePools": [{**POOL, "spot": True}]}),
        "gpu-nodes": Seen(
            "NodePool",
            "nodeConfig.guestAccelerators.0.type",
            "nvidia-l4",
            when={"nodePools": [{**POOL, "machineType": "g2-standard-4", "gpu": {"type": "nvidia-l4"}}]},
        ),
        "node-disk-size": Seen("NodePool", "nodeConfig.diskSizeGb", 50, when={"nodePools": [{**POOL, "diskGb": 50}]}),
        "labels-and-taints": (
            Seen(
                "NodePool",
                "nodeConfig.labels",
                {"team": "web"},
                when={"nodePools": [{**POOL, "labels": {"team": "web"}}]},
            ),
            Seen(
                "NodePool",
                "nodeConfig.taints",
                [{"key": "dedicated", "value": "web", "effect": "NO_SCHEDULE"}],
                when={
                    "nodePools": [
                        {**POOL, "taints": [{"key": "dedicated", "value": "web", "effect": "NoSchedule"}]},
                    ]
                },
            ),
        ),
        "node-repair": Seen("NodePool", "management.autoRepair", True),
        "surge-upgrades": Seen("NodePool", "upgradeSettings", {"maxSurge": 1, "maxUnavailable": 0}),
        "in-place-upgrade": UPGRADED,
        "automatic-upgrades": Seen("Cluster", "releaseChannel.channel", "STABLE", when={"releaseChannel": "stable"}),
        "upgrade-freezes": Seen(
            "Cluster",
            "maintenancePolicy.maintenanceExclusions.0.endTime",
            "2027-01-01T00:00:00Z",
            when={"freezes": [{"first": "2026-12-20", "last": "2026-12-31"}]},
        ),
        "maintenance-window": Seen(
            "Cluster",
            "maintenancePolicy.recurringWindow.recurrence",
            "FREQ=WEEKLY;BYDAY=SU",
            when={"maintenance": {"day": "sunday", "hour": 22}},
        ),
        "highly-available-control-plane": Seen("Cluster", "location", "europe-west1"),
        "given-network": Seen(
            "Cluster",
            "subnetwork",
            "projects/p/regions/europe-west1/subnetworks/shared",
            when=GIVEN_NETWORK,
        ),
        "pod-cidr": Seen(
            "Subnetwork", "secondaryIpRanges.0.ipCidrRange", "10.20.0.0/16", when={"podCidr": "10.20.0.0/16"}
        ),
        "service-cidr": Seen(
            "Subnetwork", "secondaryIpRanges.1.ipCidrRange", "10.21.0.0/20", when={"serviceCidr": "10.21.0.0/20"}
        ),
        "private-nodes": Seen("NodePool", "networkConfig.enablePrivateNodes", True),
        "private-api": Seen("Cluster", "controlPlaneEndpointsConfig.ipEndpointsConfig.enabled", False),
        "authorized-networks": Seen(
            "Cluster",
            "masterAuthorizedNetworksConfig.cidrBlocks",
            [{"cidrBlock": "203.0.113.0/24"}],
            when={"apiAccess": {"authorizedCidrs": ["203.0.113.0/24"]}},
        ),
        "network-policy": Seen("Cluster", "datapathProvider", "ADVANCED_DATAPATH"),
        # GKE has both on, and nothing is to be set.
        "load-balancer": GIVEN_BACK,
        "persistent-volumes": GIVEN_BACK,
        "workload-identity": Seen("Cluster", "workloadIdentityConfig.workloadPool", "my-project.svc.id.goog"),
        "secrets-encryption": (
            Seen("Cluster", "databaseEncryption.keyName", is_set),
            Seen("Cluster", "databaseEncryption.keyName", KEY, when={"secretsEncryption": {"key": KEY}}),
        ),
        "control-plane-logs": Seen(
            "Cluster",
            "loggingConfig.enableComponents",
            ["SYSTEM_COMPONENTS", "WORKLOADS", "SCHEDULER"],
            when={"logs": ["scheduler"]},
        ),
        "tags": Seen("Cluster", "resourceLabels", {"cost": "42"}, when={"tags": {"cost": "42"}}),
        "deletion-protection": Seen("Cluster", "deletionProtection", True),
    },
    lacking={"named-admins": {"admins": ["user:ann@example.com"]}},
    made_for_a_network=("Network", "Subnetwork", "Router", "RouterNat"),
    pinned={
        "region": "europe-west4",
        "highlyAvailable": False,
        "nodeCidr": "10.1.0.0/16",
        "podCidr": "10.32.0.0/14",
        "serviceCidr": "10.9.0.0/20",
    },
    pinned_with={"compute": {"compute": "auto", "nodePools": None}, "network": GIVEN_NETWORK},
    node_pool="NodePool",
    exec_program="gke-gcloud-auth-plugin",
)
