"""Who the nodes of a GKE cluster are."""

from dataclasses import dataclass

import pulumi
from pulumi_gcp import projects, serviceaccount

from components.managed.gke.args import account_id


@dataclass(frozen=True)
class Identity:
    """Who the nodes are."""

    account: serviceaccount.Account
    grants: list[projects.IAMMember]


NODE_ROLES = {
    # https://cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster#use_least_privilege_sa
    "logs": "roles/container.defaultNodeServiceAccount",
    "images": "roles/artifactregistry.reader",
}


def identities(parent: pulumi.Resource, name: str) -> Identity:
    """A service account that may do what a node must, and no more."""
    child = pulumi.ResourceOptions(parent=parent)
    # CIS GKE 5.2.1: never the Compute Engine default account, which may edit the whole project. Its id is fixed: Google
    # allows 30 letters, which a random suffix would take from the name.
    account = serviceaccount.Account(
        f"{name}-nodes",
        account_id=account_id(name),
        display_name=f"Nodes of the GKE cluster {name}",
        opts=child,
    )
    grants = [
        projects.IAMMember(
            f"{name}-nodes-{what}",
            project=account.project,
            role=role,
            member=account.member,
            opts=child,
        )
        for what, role in NODE_ROLES.items()
    ]
    return Identity(account, grants)
