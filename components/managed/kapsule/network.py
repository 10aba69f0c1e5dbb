"""Where a Kapsule cluster lives: a Private Network of its own with a gateway, or one that is there already."""

from dataclasses import dataclass

import pulumi

from components.managed.kapsule.args import NODE_CIDR, KapsuleArgs, first_zone, tags_of
from components.managed.kapsule.resource import resource
from components.managed.slim import SlimResource


@dataclass(frozen=True)
class Network:
    """Where a cluster lives."""

    id: pulumi.Input[str]
    gateway_address: pulumi.Input[str]
    """The public address that nodes come from, to the API too."""

    ways_out: tuple[pulumi.Resource, ...]
    """What nodes need to reach the internet, or what keeps a given network: from their first second to their last."""


def private_network(parent: pulumi.Resource, name: str, args: KapsuleArgs, guard: pulumi.Resource) -> Network:
    """A Private Network whose machines reach the internet and are not reached from it; or the given one."""
    if given := args.get("network"):
        anchor = _anchor(parent, name, args, given["private_network_id"])
        return Network(given["private_network_id"], given["gateway_address"], (anchor,))
    child = pulumi.ResourceOptions(parent=parent)
    tags = tags_of(args)
    regional = {"region": args["region"], "tags": tags}
    zonal = {"zone": first_zone(args), "tags": tags}
    # After the guard, so that no run leaves it unremembered.
    vpc = resource("network:Vpc", f"{name}-vpc", regional, pulumi.ResourceOptions(parent=parent, depends_on=[guard]))
    network = resource(
        "network:PrivateNetwork",
        f"{name}-network",
        {**regional, "vpcId": vpc.id, "ipv4Subnet": {"subnet": args.get("node_cidr", NODE_CIDR)}},
        child,
    )
    # Of its own: the provider deletes a gateway, but never the address that a gateway got by itself, which goes on
    # being billed.
    address = resource("network:PublicGatewayIp", f"{name}-address", zonal, child, outputs=("address",))
    gateway = resource(
        "network:PublicGateway",
        f"{name}-gateway",
        {
            **zonal,
            "type": args.get("kapsule", {}).get("gateway_type", "VPC-GW-S"),
            "ipId": address.id,
            # Slipway KAPSULE 3
            "bastionEnabled": False,
        },
        child,
    )
    way_out = resource(
        "network:GatewayNetwork",
        f"{name}-nat",
        {
            "zone": first_zone(args),
            "gatewayId": gateway.id,
            "privateNetworkId": network.id,
            "enableMasquerade": True,
            "ipamConfigs": [{"pushDefaultRoute": True}],
        },
        child,
        outputs=(),
    )
    return Network(network.id, address.output("address"), (way_out,))


def _anchor(parent: pulumi.Resource, name: str, args: KapsuleArgs, network: pulumi.Input[str]) -> SlimResource:
    """An address, free of charge, that is booked in the given network for as long as the cluster is there.

    With its volumes and load balancers Scaleway deletes a cluster's Private Network too, whoever made it, unless
    something is left in it: https://github.com/scaleway/terraform-provider-scaleway/issues/2214
    """
    return resource(
        "ipam:Ip",
        f"{name}-anchor",
        {"region": args["region"], "sources": [{"privateNetworkId": network}], "tags": tags_of(args)},
        # The provider takes another network for a change in place, and then changes nothing.
        pulumi.ResourceOptions(parent=parent, replace_on_changes=["sources"]),
        outputs=(),
    )
