"""Kapsule."""

from tests.engine.stand_in.scaleway import SCALEWAY
from tests.examples.example import GIVEN_BACK, PROTECTED, UPGRADED, Example, Seen

POOL = {"name": "general", "machineType": "POP2-4C-16G", "minNodes": 1, "maxNodes": 5}
GIVEN = "fr-par/6d0c4b1e-8f3c-4f6e-9a55-2f4d1c0f7a10"
GIVEN_NETWORK = {"network": {"privateNetworkId": GIVEN, "gatewayAddress": "198.51.100.9"}}

KAPSULE = Example(
    target="kapsule",
    cluster={
        "version": "1.37",
        "region": "fr-par",
        "apiAccess": {"authorizedCidrs": ["203.0.113.0/24"]},
        "nodePools": [POOL],
    },
    cloud=SCALEWAY,
    features={
        "autoscaling": (Seen("Pool", "autoscaling", True), Seen("Pool", "maxSize", 5)),
        "gpu-nodes": Seen(
            "Pool", "nodeType", "L4-1-24G", when={"nodePools": [{**POOL, "machineType": "L4-1-24G", "gpu": {}}]}
        ),
        "node-disk-size": Seen("Pool", "rootVolumeSizeInGb", 50, when={"nodePools": [{**POOL, "diskGb": 50}]}),
        "labels-and-taints": (
            Seen("Pool", "labels", {"team": "web"}, when={"nodePools": [{**POOL, "labels": {"team": "web"}}]}),
            Seen(
                "Pool",
                "taints",
                [{"key": "dedicated", "value": "web", "effect": "NoSchedule"}],
                when={
                    "nodePools": [
                        {**POOL, "taints": [{"key": "dedicated", "value": "web", "effect": "NoSchedule"}]},
                    ]
                },
            ),
        ),
        "node-repair": Seen("Pool", "autohealing", True),
        "surge-upgrades": Seen("Pool", "upgradePolicy", {"maxSurge": 1, "maxUnavailable": 0}),
        "in-place-upgrade": UPGRADED,
        "automatic-upgrades": Seen("Cluster", "autoUpgrade.enable", True),
        "maintenance-window": (
            Seen(
                "Cluster",
                "autoUpgrade.maintenanceWindowDay",
                "sunday",
                when={"maintenance": {"day": "sunday", "hour": 22}},
            ),
            Seen(
                "Cluster",
                "autoUpgrade.maintenanceWindowStartHour",
                22,
                when={"maintenance": {"day": "sunday", "hour": 22}},
            ),
        ),
        "highly-available-control-plane": Seen("Cluster", "type", "kapsule-dedicated-4"),
        "given-network": Seen(
            "Cluster",
            "privateNetworkId",
            GIVEN,
            when=GIVEN_NETWORK,
        ),
        "pod-cidr": Seen("Cluster", "podCidr", "10.20.0.0/16", when={"podCidr": "10.20.0.0/16"}),
        "service-cidr": Seen("Cluster", "serviceCidr", "10.21.0.0/20", when={"serviceCidr": "10.21.0.0/20"}),
        "private-nodes": Seen("Pool", "publicIpDisabled", True),
        "authorized-networks": Seen("Acl", "aclRules.0.ip", "203.0.113.0/24"),
        "network-policy": Seen("Cluster", "cni", "cilium"),
        # Both are built in:
        # https://www.scaleway.com/en/docs/kubernetes/reference-content/managed-kubernetes-service-definition/
        "load-balancer": GIVEN_BACK,
        "persistent-volumes": GIVEN_BACK,
        "tags": (
            Seen("Cluster", "tags", ["cost=42"], when={"tags": {"cost": "42"}}),
            Seen("Pool", "tags", ["cost=42"], when={"tags": {"cost": "42"}}),
        ),
        "deletion-protection": PROTECTED,
    },
    lacking={
        "fully-managed-nodes": {"compute": "auto"},
        "spot-nodes": {"nodePools": [{**POOL, "spot": True}]},
        "upgrade-freezes": {"freezes": [{"first": "2026-12-20", "last": "2026-12-31"}]},
        "named-admins": {"admins": ["ann@example.com"]},
        "secrets-encryption": {"secretsEncryption": {"key": "some-key"}},
        "control-plane-logs": {"logs": ["audit"]},
    },
    made_for_a_network=("Vpc", "PrivateNetwork", "PublicGatewayIp", "PublicGateway", "GatewayNetwork"),
    pinned={
        "region": "nl-ams",
        "nodeCidr": "10.1.0.0/20",
        "podCidr": "10.32.0.0/14",
        "serviceCidr": "10.9.0.0/20",
    },
    pinned_with={"network": GIVEN_NETWORK},
    node_pool="Pool",
    exec_program="scw",
)
