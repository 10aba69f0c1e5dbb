"""Where a DOKS cluster lives: a VPC of its own with a NAT gateway, or one that is there already."""

from dataclasses import dataclass

import pulumi

from components.managed.doks.args import DoksArgs, has_public_nodes
from components.managed.doks.resource import resource
from components.managed.managed_args import NODE_CIDR

GATEWAY_SIZE = 1
"""The smallest."""


@dataclass(frozen=True)
class Network:
    """Where a cluster lives."""

    id: pulumi.Input[str]
    subnet_id: pulumi.Input[str] | None = None
    ways_out: tuple[pulumi.Resource, ...] = ()
    """What nodes need to reach the internet, from their first second to their last."""

    seen_as: tuple[pulumi.Output[str], ...] = ()
    """The networks that the internet, and so the API's firewall, sees nodes and pods come from."""


def private_network(parent: pulumi.Resource, name: str, args: DoksArgs, guard: pulumi.Resource) -> Network:
    """A VPC whose machines reach the internet through a gateway and are not reached from it; or the given one."""
    if given := args.get("network"):
        return Network(given["vpc_id"], given.get("subnet_id"))
    vpc = resource(
        "Vpc",
        f"{name}-network",
        {"region": args["region"], "ipRange": args.get("node_cidr", NODE_CIDR)},
        # A cluster and its load balancers are members for minutes after they are gone, and a VPC with members cannot be
        # deleted; the provider would give up after two: https://github.com/digitalocean/terraform-provider-digitalocean/issues/488
        pulumi.ResourceOptions(
            parent=parent,
            custom_timeouts=pulumi.CustomTimeouts(delete="15m"),
            # Networks of one team may not overlap, so another one in its place comes after it: with all that lives in
            # it, of which the guard has to say more than Pulumi would.
            delete_before_replace=True,
            depends_on=[guard],
        ),
    )
    if has_public_nodes(args):
        return Network(vpc.id)
    gateway = resource(
        "VpcNatGateway",
        f"{name}-nat",
        {
            "type": "PUBLIC",
            "region": args["region"],
            "size": GATEWAY_SIZE,
            "vpcs": [{"vpcUuid": vpc.id, "defaultGateway": True}],
        },
        pulumi.ResourceOptions(parent=parent),
        outputs=("egresses",),
    )
    address = gateway.output("egresses")[0]["publicGateways"][0]["ipv4"]
    return Network(vpc.id, None, (gateway,), (pulumi.Output.concat(address, "/32"),))
