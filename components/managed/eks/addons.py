"""The add-ons of an EKS cluster, in the order that works: what a node needs first, and what needs a node after it."""

import json
from collections.abc import Sequence
from typing import Any

import pulumi
from pulumi_aws import eks

from components.managed.eks.args import EksArgs, addon_names
from components.managed.eks.identity import Identity
from components.managed.eks.resource import SDK
from components.managed.kept_answers import keep_answers
from components.managed.slim import ask
from components.state import State

SERVICE_ACCOUNTS = {"vpc-cni": "aws-node", "aws-ebs-csi-driver": "ebs-csi-controller-sa"}
"""Add-on → the service account of its pods that asks AWS for something:
https://docs.aws.amazon.com/eks/latest/userguide/workloads-add-ons-available-eks.html."""

SETTINGS: dict[str, dict[str, Any]] = {
    "vpc-cni": {
        # CIS EKS 5.4.4
        "enableNetworkPolicy": "true",
        # Room for 110 pods on a small node: https://docs.aws.amazon.com/eks/latest/userguide/cni-increase-ip-addresses.html
        "env": {"ENABLE_PREFIX_DELEGATION": "true", "WARM_PREFIX_TARGET": "1"},
    },
    # Else a claim for a volume that names no class waits for ever.
    "aws-ebs-csi-driver": {"defaultStorageClass": {"enabled": True}},
}


def addon_versions(parent: pulumi.Resource, name: str, args: EksArgs, state: State) -> dict[str, pulumi.Output[str]]:
    """Add-on → the version that it gets: the stack's, or EKS's default for the cluster's minor.

    That default is asked for again with a new minor only, so that add-ons follow the control plane and nothing else.
    """
    own = args.get("eks", {}).get("addon_versions", {})
    questions = {addon: own.get(addon, args["version"]) for addon in addon_names(args)}
    answers = {addon: own.get(addon) or _default_version(parent, args, addon) for addon in questions}
    kept = keep_answers(parent, f"{name}-addon-versions", state, questions, answers)
    return {addon: kept.apply(lambda versions, addon=addon: versions[addon]) for addon in questions}


def addons(
    parent: pulumi.Resource,
    name: str,
    args: EksArgs,
    cluster: eks.Cluster,
    identity: Identity,
    versions: dict[str, pulumi.Output[str]],
    *,
    only: Sequence[str],
    after: Sequence[pulumi.Resource] = (),
) -> list[pulumi.Resource]:
    """Those of the cluster's add-ons that `only` lists, made once `after` is there."""
    return [
        eks.Addon(
            f"{name}-{addon}",
            region=args["region"],
            cluster_name=cluster.name,
            addon_name=addon,
            addon_version=versions[addon],
            configuration_values=json.dumps(SETTINGS[addon]) if addon in SETTINGS else None,
            pod_identity_associations=[
                {"role_arn": identity.addons[addon].arn, "service_account": SERVICE_ACCOUNTS[addon]}
            ]
            if addon in identity.addons
            else None,
            # What a stack says holds, also against what a run that was stopped left behind.
            resolve_conflicts_on_create="OVERWRITE",
            resolve_conflicts_on_update="OVERWRITE",
            tags=args.get("tags"),
            opts=pulumi.ResourceOptions(
                parent=parent,
                # Nodes give their addresses back by them: they go with the whole cluster, after the nodes.
                deleted_with=cluster,
                depends_on=[*after, *(identity.addons[addon].grants if addon in identity.addons else ())],
                custom_timeouts=pulumi.CustomTimeouts(create="30m", update="30m", delete="30m"),
            ),
        )
        for addon in only
        if addon in versions
    ]


def _default_version(parent: pulumi.Resource, args: EksArgs, addon: str) -> pulumi.Output[str]:
    asked = {"region": args["region"], "addonName": addon, "kubernetesVersion": args["version"], "mostRecent": False}
    told = ask(SDK, "aws:eks/getAddonVersion:getAddonVersion", asked, parent)
    return told.apply(lambda addon: addon["version"])
