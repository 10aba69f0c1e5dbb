"""What an EKS cluster is hardened by: the items of the CIS EKS Benchmark 1.8 that a setting can answer, and more."""

import json
from typing import Any

from components.managed.controls import Control, at_least, is_set


def is_closed_to_strangers(vpc_config: Any) -> bool:
    """Whether the API has no public address, which it has by default, or listed networks only reach it there."""
    if not vpc_config:
        return False
    return vpc_config.get("endpointPublicAccess") is False or "0.0.0.0/0" not in vpc_config["publicAccessCidrs"]


def enforces_network_policies(settings: Any) -> bool:
    """Whether the settings of the VPC CNI say so."""
    return bool(settings) and json.loads(settings).get("enableNetworkPolicy") == "true"


CONTROLS = (
    Control("CIS EKS 2.1.1", "who did what is logged", "Cluster", "enabledClusterLogTypes", at_least("audit")),
    Control("CIS EKS 5.2.1", "nodes have a role of their own", "NodeGroup", "nodeRoleArn", is_set),
    Control(
        "CIS EKS 5.3.1",
        "Secrets are encrypted with a key of yours",
        "Cluster",
        "encryptionConfig.provider.keyArn",
        is_set,
    ),
    Control("CIS EKS 5.4.1", "strangers do not reach the API", "Cluster", "vpcConfig", is_closed_to_strangers),
    Control("CIS EKS 5.4.2", "the API is reached from inside", "Cluster", "vpcConfig.endpointPrivateAccess", True),
    Control("CIS EKS 5.4.2", "the API has no public address", "Cluster", "vpcConfig.endpointPublicAccess", False),
    Control("CIS EKS 5.4.3", "nodes have no public addresses", "Subnet", "mapPublicIpOnLaunch", False),
    Control(
        "CIS EKS 5.4.4",
        "network policies are enforced",
        "Addon",
        "configurationValues",
        enforces_network_policies,
        about={"addonName": "vpc-cni"},
    ),
    Control("CIS EKS 5.5.1", "IAM says who gets in", "Cluster", "accessConfig.authenticationMode", "API"),
    Control("Slipway EKS 1", "the cluster cannot be deleted by mistake", "Cluster", "deletionProtection", True),
    Control(
        "Slipway EKS 2",
        "whoever made the cluster is no administrator of it",
        "Cluster",
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
    Control("Slipway EKS 7", "broken nodes are repaired", "NodeGroup", "nodeRepairConfig.enabled", True),
    Control("Slipway EKS 8", "logs do not pile up for ever", "LogGroup", "retentionInDays", is_set),
)
