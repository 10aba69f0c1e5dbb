"""Where a GKE cluster lives: a VPC of its own with one subnet, or one that is there already."""

from dataclasses import dataclass

import pulumi

from components.managed.gke.args import GkeArgs
from components.managed.gke.resource import resource
from components.managed.managed_args import NODE_CIDR, POD_CIDR, SERVICE_CIDR


@dataclass(frozen=True)
class Network:
    """Where a cluster lives."""

    id: pulumi.Input[str]
    subnet_id: pulumi.Input[str]
    pod_range: str
    service_range: str
    ways_out: tuple[pulumi.Resource, ...] = ()
    """What nodes need to reach the internet, from their first second to their last."""


def private_network(parent: pulumi.Resource, name: str, args: GkeArgs, guard: pulumi.Resource) -> Network:
    """A VPC with one subnet, whose machines reach the internet and are not reached from it; or the given one."""
    if given := args.get("network"):
        return Network(given["id"], given["subnet_id"], given["pod_range"], given["service_range"])
    child = pulumi.ResourceOptions(parent=parent)
    # Load balancers and disks that the cluster asked for may take a while to let go of it.
    slow = pulumi.CustomTimeouts(delete="15m")
    vpc = resource(
        "compute:Network",
        f"{name}-network",
        {"autoCreateSubnetworks": False},
        # After the guard, so that no run leaves it unremembered.
        pulumi.ResourceOptions(parent=parent, custom_timeouts=slow, depends_on=[guard]),
    )
    subnet = resource(
        "compute:Subnetwork",
        f"{name}-subnet",
        {
            "network": vpc.id,
            "region": args["region"],
            "ipCidrRange": args.get("node_cidr", NODE_CIDR),
            "secondaryIpRanges": [
                {"rangeName": "pods", "ipCidrRange": args.get("pod_cidr", POD_CIDR)},
                {"rangeName": "services", "ipCidrRange": args.get("service_cidr", SERVICE_CIDR)},
            ],
            # Nodes fetch GKE's own images this way, even while NAT is down.
            "privateIpGoogleAccess": True,
            # CIS GKE 5.6.1: flow logs, thinned out since they are billed by volume.
            "logConfig": {
                "aggregationInterval": "INTERVAL_10_MIN",
                "flowSampling": 0.1,
                "metadata": "INCLUDE_ALL_METADATA",
            },
        },
        pulumi.ResourceOptions(
            parent=parent,
            custom_timeouts=slow,
            # Ranges in use cannot be changed, and those of two subnets may not overlap: what lives there goes first.
            replace_on_changes=["secondaryIpRanges"],
            delete_before_replace=True,
        ),
    )
    router = resource("compute:Router", f"{name}-router", {"network": vpc.id, "region": args["region"]}, child)
    nat = resource(
        "compute:RouterNat",
        f"{name}-nat",
        {
            "router": router.output("name"),
            "region": args["region"],
            "natIpAllocateOption": "AUTO_ONLY",
            "sourceSubnetworkIpRangesToNat": "LIST_OF_SUBNETWORKS",
            "subnetworks": [{"name": subnet.id, "sourceIpRangesToNats": ["ALL_IP_RANGES"]}],
            "logConfig": {"enable": True, "filter": "ERRORS_ONLY"},
        },
        child,
    )
    return Network(vpc.id, subnet.id, "pods", "services", (nat,))
