"""Where an AKS cluster lives: a virtual network of its own with a NAT gateway, or one that is there already."""

from dataclasses import dataclass

import pulumi

from components.managed.aks.args import AksArgs, AksOutbound, subnets, zones_of
from components.managed.aks.resource import resource
from components.managed.managed_args import NODE_CIDR, is_auto
from components.managed.slim import SlimResource


@dataclass(frozen=True)
class Network:
    """Where a cluster lives."""

    node_subnet_id: pulumi.Input[str]
    api_subnet_id: pulumi.Input[str]
    outbound: AksOutbound = AksOutbound.NAT_GATEWAY


def private_network(parent: pulumi.Resource, name: str, args: AksArgs, group: SlimResource) -> Network | None:
    """A network whose machines reach the internet by one address and are not reached from it; or the given one.

    None with `compute: auto`, where AKS keeps a network of its own.
    """
    if is_auto("aks", args):
        return None
    if given := args.get("network"):
        outbound = AksOutbound(given.get("outbound", AksOutbound.NAT_GATEWAY))
        return Network(given["node_subnet_id"], given["api_subnet_id"], outbound)
    child = pulumi.ResourceOptions(parent=parent)
    # Load balancers that the cluster asked for may take a while to let go of it.
    slow = pulumi.ResourceOptions(parent=parent, custom_timeouts=pulumi.CustomTimeouts(delete="15m"))
    place = {"resourceGroupName": group.output("name"), "location": args["region"], "tags": args.get("tags")}
    cidr = args.get("node_cidr", NODE_CIDR)
    nodes, api = subnets(cidr)

    address = resource(
        "network:PublicIPAddress",
        f"{name}-nat-address",
        {
            **place,
            "sku": {"name": "Standard"},
            "publicIPAllocationMethod": "Static",
            "zones": zones_of(args),
        },
        child,
    )
    nat = resource(
        "network:NatGateway",
        f"{name}-nat",
        # Slipway AKS 12
        {**place, "sku": {"name": "Standard"}, "publicIpAddresses": [{"id": address.id}]},
        child,
    )
    # Azure would let the ranges of a network change, but not those of subnets with machines in them.
    vnet = resource(
        "network:VirtualNetwork",
        f"{name}-network",
        {**place, "addressSpace": {"addressPrefixes": [cidr]}},
        pulumi.ResourceOptions.merge(slow, pulumi.ResourceOptions(replace_on_changes=["addressSpace"])),
    )
    inside = {
        "resourceGroupName": group.output("name"),
        "virtualNetworkName": vnet.output("name"),
        # Slipway AKS 11: no way out but the NAT gateway.
        "defaultOutboundAccess": False,
    }
    node_subnet = resource(
        "network:Subnet",
        f"{name}-node-subnet",
        {**inside, "subnetName": "nodes", "addressPrefix": str(nodes), "natGateway": {"id": nat.id}},
        slow,
    )
    api_subnet = resource(
        "network:Subnet",
        f"{name}-api-subnet",
        {
            **inside,
            "subnetName": "api-server",
            "addressPrefix": str(api),
            # https://learn.microsoft.com/azure/aks/api-server-vnet-integration
            "delegations": [{"name": "aks", "serviceName": "Microsoft.ContainerService/managedClusters"}],
        },
        # Azure works on one subnet of a network at a time.
        pulumi.ResourceOptions.merge(slow, pulumi.ResourceOptions(depends_on=[node_subnet])),
    )
    return Network(node_subnet.id, api_subnet.id)
