"""DOKS."""

from components.managed.controls import is_set
from tests.engine.stand_in.digitalocean import DIGITALOCEAN, GATEWAY_ADDRESS
from tests.examples.example import GIVEN_BACK, PROTECTED, UPGRADED, Example, Seen

CLUSTER = "KubernetesCluster"
POOL = {"name": "general", "machineType": "s-4vcpu-8gb", "minNodes": 2, "maxNodes": 6}
VPC = "c33931f2-a26a-4e61-b85c-4e95a2ec431b"
GIVEN_NETWORK = {"network": {"vpcId": VPC}}

DOKS = Example(
    target="doks",
    cluster={
        "version": "1.37",
        "region": "fra1",
        "nodePools": [POOL],
        "apiAccess": {"authorizedCidrs": ["203.0.113.0/24"]},
    },
    cloud=DIGITALOCEAN,
    features={
        "autoscaling": (Seen("KubernetesNodePool", "autoScale", True), Seen("KubernetesNodePool", "maxNodes", 6)),
        "gpu-nodes": (
            Seen(
                "KubernetesNodePool",
                "size",
                "gpu-h100x1-80gb",
                when={"nodePools": [{**POOL, "machineType": "gpu-h100x1-80gb", "gpu": {}}]},
            ),
            Seen(
                CLUSTER,
                "nvidiaGpuDevicePlugin.enabled",
                True,
                when={"nodePools": [{**POOL, "machineType": "gpu-h100x1-80gb", "gpu": {}}]},
            ),
        ),
        "labels-and-taints": (
            Seen(
                "KubernetesNodePool",
                "labels",
                {"team": "web"},
                when={"nodePools": [{**POOL, "labels": {"team": "web"}}]},
            ),
            Seen(
                "KubernetesNodePool",
                "taints",
                [{"key": "dedicated", "value": "web", "effect": "NoSchedule"}],
                when={
                    "nodePools": [
                        {**POOL, "taints": [{"key": "dedicated", "value": "web", "effect": "NoSchedule"}]},
                    ]
                },
            ),
        ),
        # DigitalOcean has these on, and no field that would turn them off.
        "network-policy": Seen(CLUSTER, "clusterSubnet", is_set),
        "load-balancer": GIVEN_BACK,
        "persistent-volumes": GIVEN_BACK,
        "surge-upgrades": Seen(CLUSTER, "surgeUpgrade", True),
        "in-place-upgrade": UPGRADED,
        "automatic-upgrades": Seen(CLUSTER, "autoUpgrade", True),
        "maintenance-window": Seen(
            CLUSTER,
            "maintenancePolicy",
            {"day": "sunday", "startTime": "04:00"},
            when={"maintenance": {"day": "sunday", "hour": 4}},
        ),
        "highly-available-control-plane": Seen(CLUSTER, "ha", True),
        "given-network": Seen(CLUSTER, "vpcUuid", VPC, when=GIVEN_NETWORK),
        "pod-cidr": Seen(CLUSTER, "clusterSubnet", "10.32.0.0/17", when={"podCidr": "10.32.0.0/17"}),
        "service-cidr": Seen(CLUSTER, "serviceSubnet", "10.21.0.0/20", when={"serviceCidr": "10.21.0.0/20"}),
        "private-nodes": Seen(CLUSTER, "isolatedWorkers", True),
        "authorized-networks": Seen(
            CLUSTER,
            "controlPlaneFirewall",
            {"enabled": True, "allowedAddresses": ["203.0.113.0/24", f"{GATEWAY_ADDRESS}/32"]},
        ),
        "tags": (
            Seen(CLUSTER, "tags", ["cost:42"], when={"tags": {"cost": "42"}}),
            Seen("KubernetesNodePool", "tags", ["cost:42"], when={"tags": {"cost": "42"}}),
        ),
        "deletion-protection": PROTECTED,
    },
    lacking={
        "fully-managed-nodes": {"compute": "auto"},
        "spot-nodes": {"nodePools": [{**POOL, "spot": True}]},
        "node-disk-size": {"nodePools": [{**POOL, "diskGb": 200}]},
        "upgrade-freezes": {"freezes": [{"first": "2026-12-20", "last": "2026-12-31"}]},
        "named-admins": {"admins": ["ann@example.com"]},
        "secrets-encryption": {"secretsEncryption": {"key": "k"}},
        "control-plane-logs": {"logs": ["audit"]},
    },
    made_for_a_network=("Vpc", "VpcNatGateway"),
    pinned={
        "region": "ams3",
        "nodeCidr": "10.1.0.0/16",
        "podCidr": "10.32.0.0/16",
        "serviceCidr": "10.9.0.0/20",
    },
    pinned_with={"doks.publicNodes": {"doks": {"publicNodes": True}}, "network": GIVEN_NETWORK},
    node_pool="KubernetesNodePool",
    exec_program="doctl",
)
