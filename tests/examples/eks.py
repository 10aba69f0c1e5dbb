"""EKS."""

from components.managed.controls import is_set
from tests.engine.stand_in.aws import AWS
from tests.examples.example import UPGRADED, Example, Seen

POOL = {"name": "general", "machineType": "m7i.large", "minNodes": 2, "maxNodes": 5}
ADMIN = "arn:aws:iam::123456789012:role/Admin"
KEY = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"

EKS = Example(
    target="eks",
    cluster={"version": "1.37", "region": "eu-central-1", "admins": [ADMIN], "nodePools": [POOL]},
    cloud=AWS,
    features={
        "fully-managed-nodes": (
            Seen("Cluster", "computeConfig.enabled", True, when={"compute": "auto", "nodePools": None}),
            Seen("Cluster", "storageConfig.blockStorage.enabled", True, when={"compute": "auto", "nodePools": None}),
        ),
        "autoscaling": Seen("NodeGroup", "scalingConfig.maxSize", 5),
        "spot-nodes": Seen("NodeGroup", "capacityType", "SPOT", when={"nodePools": [{**POOL, "spot": True}]}),
        "gpu-nodes": Seen(
            "NodeGroup",
            "amiType",
            "AL2023_x86_64_NVIDIA",
            when={"nodePools": [{**POOL, "machineType": "g6.xlarge", "gpu": {}}]},
        ),
        "node-disk-size": Seen(
            "LaunchTemplate", "blockDeviceMappings.0.ebs.volumeSize", 50, when={"nodePools": [{**POOL, "diskGb": 50}]}
        ),
        "labels-and-taints": (
            Seen("NodeGroup", "labels", {"team": "web"}, when={"nodePools": [{**POOL, "labels": {"team": "web"}}]}),
            Seen(
                "NodeGroup",
                "taints",
                [{"key": "dedicated", "value": "web", "effect": "NO_SCHEDULE"}],
                when={
                    "nodePools": [
                        POOL,
                        {
                            **POOL,
                            "name": "web",
                            "taints": [{"key": "dedicated", "value": "web", "effect": "NoSchedule"}],
                        },
                    ]
                },
            ),
        ),
        "node-repair": Seen("NodeGroup", "nodeRepairConfig.enabled", True),
        "surge-upgrades": Seen("NodeGroup", "updateConfig.updateStrategy", "DEFAULT"),
        "in-place-upgrade": UPGRADED,
        "automatic-upgrades": Seen(
            "Cluster", "upgradePolicy.supportType", "EXTENDED", when={"releaseChannel": "extended"}
        ),
        "highly-available-control-plane": Seen("Cluster", "vpcConfig.subnetIds.2", is_set),
        "given-network": Seen(
            "Cluster",
            "vpcConfig.subnetIds",
            ["subnet-1", "subnet-2"],
            when={"network": {"subnetIds": ["subnet-1", "subnet-2"]}},
        ),
        "service-cidr": Seen(
            "Cluster",
            "kubernetesNetworkConfig.serviceIpv4Cidr",
            "10.21.0.0/20",
            when={"serviceCidr": "10.21.0.0/20"},
        ),
        "private-nodes": Seen("Subnet", "mapPublicIpOnLaunch", False),
        "private-api": Seen("Cluster", "vpcConfig.endpointPublicAccess", False),
        "authorized-networks": Seen(
            "Cluster",
            "vpcConfig.publicAccessCidrs",
            ["203.0.113.0/24"],
            when={"apiAccess": {"authorizedCidrs": ["203.0.113.0/24"]}},
        ),
        "network-policy": Seen(
            "Addon", "configurationValues", lambda text: '"enableNetworkPolicy": "true"' in (text or "")
        ),
        "load-balancer": Seen("Subnet", "tags", lambda tags: tags.get("kubernetes.io/role/elb") == "1"),
        "persistent-volumes": Seen("Addon", "addonName", "aws-ebs-csi-driver"),
        "named-admins": Seen("AccessEntry", "principalArn", ADMIN),
        "workload-identity": Seen("Addon", "addonName", "eks-pod-identity-agent"),
        "secrets-encryption": (
            Seen("Cluster", "encryptionConfig.provider.keyArn", is_set),
            Seen("Cluster", "encryptionConfig.provider.keyArn", KEY, when={"secretsEncryption": {"key": KEY}}),
        ),
        "control-plane-logs": Seen("Cluster", "enabledClusterLogTypes", ["scheduler"], when={"logs": ["scheduler"]}),
        "tags": (
            Seen("Cluster", "tags", {"cost": "42"}, when={"tags": {"cost": "42"}}),
            Seen("LaunchTemplate", "tagSpecifications.0.tags.cost", "42", when={"tags": {"cost": "42"}}),
        ),
        "deletion-protection": Seen("Cluster", "deletionProtection", True),
    },
    lacking={
        "upgrade-freezes": {"freezes": [{"first": "2026-12-20", "last": "2026-12-31"}]},
        "maintenance-window": {"maintenance": {"hour": 3}},
        "pod-cidr": {"podCidr": "10.20.0.0/16"},
    },
    made_for_a_network=(
        "Vpc",
        "InternetGateway",
        "Subnet",
        "Eip",
        "NatGateway",
        "RouteTable",
        "Route",
        "RouteTableAssociation",
        "VpcEndpoint",
    ),
    pinned={"region": "eu-west-1", "nodeCidr": "10.1.0.0/16", "serviceCidr": "10.9.0.0/20"},
    pinned_with={
        "network": {"network": {"subnetIds": ["subnet-1", "subnet-2"]}},
        "secretsEncryption": {"secretsEncryption": {"key": KEY}},
    },
    node_pool="NodeGroup",
    pools_go_first=True,
    exec_program="aws",
)
