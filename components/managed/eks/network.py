"""Where an EKS cluster lives: a VPC of its own over three zones, or subnets that are there already."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from components.managed.eks.args import ZONES, EksArgs, subnets
from components.managed.eks.resource import SDK, resource
from components.managed.managed_args import NODE_CIDR
from components.managed.slim import SlimResource, ask

ZONES_WITHOUT_EKS = ("use1-az3", "usw1-az2", "cac1-az3")
"""https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html#network-requirements-subnets."""

ANYWHERE = "0.0.0.0/0"
"""Where ways out lead. None of them lets anything in."""


@dataclass(frozen=True)
class Network:
    """Where a cluster lives."""

    subnet_ids: tuple[pulumi.Input[str], ...]
    """Private subnets, of nodes and pods and of the API's own addresses."""

    ways_out: tuple[pulumi.Resource, ...] = ()
    """What nodes need to reach the internet, from their first second to their last."""


def private_network(parent: pulumi.Resource, name: str, args: EksArgs, guard: pulumi.Resource) -> Network:
    """A VPC whose private subnets reach the internet and are not reached from it; or the given subnets.

    Its public subnets hold the NAT gateways, and whatever load balancers the cluster asks for.
    """
    if given := args.get("network"):
        return Network(tuple(given["subnet_ids"]))

    def make(kind: str, what: str, inputs: Mapping[str, Any], *needs: pulumi.Resource) -> SlimResource:
        return _ec2(parent, args, kind, f"{name}-{what}", inputs, needs)

    cidr = args.get("node_cidr", NODE_CIDR)
    zones = zone_names(parent, args)
    # After the guard, so that no run leaves it unremembered.
    vpc = make("Vpc", "vpc", {"cidrBlock": cidr, "enableDnsHostnames": True}, guard)
    gateway = make("InternetGateway", "gateway", {"vpcId": vpc.id})
    outside = make("RouteTable", "public-routes", {"vpcId": vpc.id})
    way = {"routeTableId": outside.id, "destinationCidrBlock": ANYWHERE, "gatewayId": gateway.id}
    open_door = make("Route", "public-way-out", way)

    nat, inside, tables, ways_out = None, [], [], []
    for number, (zone, private_cidr, public_cidr) in enumerate(zip(zones, *subnets(cidr), strict=True)):
        # CIS EKS 5.4.3: no machine gets a public address.
        place = {"vpcId": vpc.id, "availabilityZone": zone, "mapPublicIpOnLaunch": False}
        # How controllers find the subnets of load balancers:
        # https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html#network-requirements-subnets
        role = {"kubernetes.io/role/elb": "1"}
        public = make("Subnet", f"public-{number}", {**place, "cidrBlock": public_cidr, "tags": role})
        door = {"subnetId": public.id, "routeTableId": outside.id}
        ways_out.append(make("RouteTableAssociation", f"public-{number}-routed", door))
        # One serves all zones, unless the cluster is to survive the loss of any: each costs by the hour.
        if nat is None or args.get("highly_available", True):
            address = make("Eip", f"nat-{number}-address", {"domain": "vpc"}, gateway)
            nat = make("NatGateway", f"nat-{number}", {"allocationId": address.id, "subnetId": public.id}, open_door)
        role = {"kubernetes.io/role/internal-elb": "1"}
        private = make("Subnet", f"private-{number}", {**place, "cidrBlock": private_cidr, "tags": role})
        table = make("RouteTable", f"private-{number}-routes", {"vpcId": vpc.id})
        way = {"routeTableId": table.id, "destinationCidrBlock": ANYWHERE, "natGatewayId": nat.id}
        ways_out += [
            make("Route", f"private-{number}-way-out", way),
            make(
                "RouteTableAssociation", f"private-{number}-routed", {"subnetId": private.id, "routeTableId": table.id}
            ),
        ]
        inside.append(private.id)
        tables.append(table.id)

    # It costs nothing, and keeps the layers of images, which lie in S3, away from NAT, which is billed by volume.
    shortcut = {"vpcId": vpc.id, "vpcEndpointType": "Gateway", "serviceName": f"com.amazonaws.{args['region']}.s3"}
    ways_out.append(make("VpcEndpoint", "s3", {**shortcut, "routeTableIds": tables}))
    return Network(tuple(inside), tuple(ways_out))


def zone_names(parent: pulumi.Resource, args: EksArgs) -> list[pulumi.Output[str]]:
    """A zone for each part of the cluster: three of the region's, or two of them and the first again."""
    asked = {
        "region": args["region"],
        "state": "available",
        "excludeZoneIds": list(ZONES_WITHOUT_EKS),
        "filters": [{"name": "zone-type", "values": ["availability-zone"]}],
    }
    told = ask(SDK, "aws:index/getAvailabilityZones:getAvailabilityZones", asked, parent)
    names = told.apply(lambda zones: sorted(zones["names"])[:ZONES])
    return [names.apply(lambda found, number=number: found[number % len(found)]) for number in range(ZONES)]


UNTAGGED = ("Route", "RouteTableAssociation")


def _ec2(
    parent: pulumi.Resource,
    args: EksArgs,
    kind: str,
    name: str,
    inputs: Mapping[str, Any],
    needs: tuple[pulumi.Resource, ...],
) -> SlimResource:
    # Amazon's console knows these by a tag, since they have no name.
    tags = {} if kind in UNTAGGED else {"tags": {"Name": name, **inputs.get("tags", {}), **args.get("tags", {})}}
    opts = pulumi.ResourceOptions(
        parent=parent,
        depends_on=needs,
        # A zone that is added to the region, or taken from it, moves no subnet.
        ignore_changes=["availabilityZone"] if kind == "Subnet" else None,
        # Load balancers and addresses that the cluster asked for may take a while to let go of it.
        custom_timeouts=pulumi.CustomTimeouts(delete="30m"),
    )
    return resource(f"ec2:{kind}", name, {**inputs, "region": args["region"], **tags}, opts, outputs=())
