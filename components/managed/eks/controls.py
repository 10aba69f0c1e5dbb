"""What an EKS cluster is hardened by: the items of the CIS EKS Benchmark 1.8 that a setting can answer, and more."""

import json
from collections.abc import Mapping
from typing import Any

from components.managed.controls import Control, at_least, is_set, lists_networks

CLUSTER, POOL = "Cluster", "NodeGroup"


def _is_fenced(access: Mapping[str, Any] | None) -> bool:
    """Whether the API has no public address, which it has by default, or listed networks only reach it there."""
    return bool(access) and (
        access.get("endpointPublicAccess") is False or lists_networks(access.get("publicAccessCidrs"))
    )


def _enforces_network_policies(settings: Any) -> bool:
    """Whether the settings of the VPC CNI say so."""
    return bool(settings) and json.loads(settings).get("enableNetworkPolicy") == "true"


def _is_amazon_linux_2023(image: Any) -> bool:
    return str(image).startswith("AL2023_")


CONTROLS = (
    Control("CIS EKS 2.1.1", "who did what is logged", CLUSTER, "enabledClusterLogTypes", at_least("audit")),
    Control("CIS EKS 5.2.1", "nodes have a role of their own", POOL, "nodeRoleArn", is_set),
    Control(
        "CIS EKS 5.3.1",
        "Secrets are encrypted with a key of yours",
        CLUSTER,
        "encryptionConfig.provider.keyArn",
        is_set,
    ),
    Control("CIS EKS 5.4.1", "strangers do not reach the API", CLUSTER, "vpcConfig", _is_fenced),
    Control("CIS EKS 5.4.2", "the API is reached from inside", CLUSTER, "vpcConfig.endpointPrivateAccess", True),
    Control("CIS EKS 5.4.2", "the API has no public address", CLUSTER, "vpcConfig.endpointPublicAccess", False),
    Control("CIS EKS 5.4.3", "nodes have no public addresses", "Subnet", "mapPublicIpOnLaunch", False),
    Control(
        "CIS EKS 5.4.4",
        "network policies are enforced",
        "Addon",
        "configurationValues",
        _enforces_network_policies,
        about={"addonName": "vpc-cni"},
        # Auto Mode enforces none until objects in the cluster say so: /eks/latest/userguide/auto-net-pol.html
        required=True,
    ),
    Control("CIS EKS 5.5.1", "IAM says who gets in", CLUSTER, "accessConfig.authenticationMode", "API"),
    Control("Slipway EKS 1", "the cluster cannot be deleted by mistake", CLUSTER, "deletionProtection", True),
    Control(
        "Slipway EKS 2",
        "whoever made the cluster is no administrator of it",
        CLUSTER,
        "accessConfig.bootstrapClusterCreatorAdminPermissions",
        False,
    ),
    Control("Slipway EKS 3", "the key of Secrets is renewed", "Key", "enableKeyRotation", True),
    Control(
        "Slipway EKS 4",
        "a node's credentials are for who asks with a token",
        "LaunchTemplate",
        "metadataOptions.httpTokens",
        "required",
    ),
    Control(
        "Slipway EKS 5",
        "a node's credentials do not reach its pods",
        "LaunchTemplate",
        "metadataOptions.httpPutResponseHopLimit",
        1,
    ),
    Control(
        "Slipway EKS 6", "nodes' disks are encrypted", "LaunchTemplate", "blockDeviceMappings.0.ebs.encrypted", "true"
    ),
    Control("Slipway EKS 7", "broken nodes are repaired", POOL, "nodeRepairConfig.enabled", True),
    Control("Slipway EKS 8", "logs do not pile up for ever", "LogGroup", "retentionInDays", is_set),
    Control("Slipway EKS 9", "nodes run Amazon's own Linux of 2023", POOL, "amiType", _is_amazon_linux_2023),
    Control(
        "Slipway EKS 10", "no version outstays its usual support", CLUSTER, "upgradePolicy.supportType", "STANDARD"
    ),
)
