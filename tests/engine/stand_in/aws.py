"""Amazon Web Services, as far as Slipway uses it.

What is replaced rather than updated is what the Terraform provider marks ForceNew (github.com/hashicorp/
terraform-provider-aws, internal/service/{ec2,eks,iam,kms,logs}), on which the Pulumi provider is built. A change of
`region` replaces whatever has one: internal/provider/sdkv2/region.go, forceNewIfRegionChanges.
"""

import base64
import hashlib
import json
import zlib
from collections.abc import Callable
from typing import Any

from tests.engine.stand_in.cloud import Cloud, Kind, Properties

ACCOUNT = "123456789012"
CA_CERTIFICATE = "-----BEGIN CERTIFICATE-----\nc3RhbmQtaW4=\n-----END CERTIFICATE-----\n"

ADDONS = {
    "aws-ebs-csi-driver": "v1.50.1",
    "coredns": "v1.12.4",
    "eks-pod-identity-agent": "v1.3.8",
    "kube-proxy": "v1.37.1",
    "metrics-server": "v0.8.0",
    "vpc-cni": "v1.21.0",
}


def _digest(inputs: Properties) -> str:
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:17]


def _ec2(prefix: str, *replaced: str, **computed: Any) -> Kind:
    """A kind that Amazon gives an id, and nobody a name."""
    return Kind(
        identity=lambda project, inputs: f"{prefix}-{_digest(inputs)}",
        computed=lambda project, inputs: dict(computed),
        named_by=None,
        replaced=("region", *replaced),
    )


def _arn(service: str, region: str, resource: str) -> str:
    return f"arn:aws:{service}:{region}:{ACCOUNT}:{resource}"


def _template(project: str, inputs: Properties) -> Properties:
    # A template that says something else has another version.
    said = {key: value for key, value in inputs.items() if key not in ("name", "tags")}
    return {"latestVersion": zlib.crc32(json.dumps(said, sort_keys=True).encode()) % 10000, "defaultVersion": 1}


def _cluster(project: str, inputs: Properties) -> Properties:
    name, region = inputs.get("name", ""), inputs.get("region", "")
    return {
        "arn": _arn("eks", region, f"cluster/{name}"),
        "endpoint": f"https://0A1B2C3D4E5F.gr7.{region}.eks.amazonaws.com",
        "certificateAuthority": {"data": base64.b64encode(CA_CERTIFICATE.encode()).decode()},
        "platformVersion": "eks.1",
        "status": "ACTIVE",
    }


def _versions(project: str, args: Properties) -> Properties:
    standard = ["1.37", "1.36", "1.35"]
    old = [] if args.get("versionStatus") == "STANDARD_SUPPORT" else ["1.34"]
    return {"clusterVersions": [{"clusterVersion": version} for version in standard + old]}


def _addon_version(project: str, args: Properties) -> Properties:
    build = args["kubernetesVersion"].partition(".")[2]
    return {"addonName": args["addonName"], "version": f"{ADDONS[args['addonName']]}-eksbuild.{build}"}


def _named_in(*keys: str, between: str = ":") -> Callable[[str, Properties], str]:
    return lambda project, inputs: between.join(str(inputs[key]) for key in keys)


AWS = Cloud(
    package="aws",
    distribution="pulumi-aws",
    kinds={
        "aws:ec2/vpc:Vpc": _ec2("vpc", "cidrBlock", "ipv4IpamPoolId", "ipv4NetmaskLength"),
        "aws:ec2/internetGateway:InternetGateway": _ec2("igw"),
        "aws:ec2/subnet:Subnet": _ec2("subnet", "vpcId", "cidrBlock", "availabilityZone", "availabilityZoneId"),
        "aws:ec2/eip:Eip": _ec2("eipalloc", "domain", "address", publicIp="203.0.113.20"),
        "aws:ec2/natGateway:NatGateway": _ec2("nat", "allocationId", "connectivityType", "privateIp", "subnetId"),
        "aws:ec2/routeTable:RouteTable": _ec2("rtb", "vpcId"),
        "aws:ec2/route:Route": _ec2("r-rtb", "routeTableId", "destinationCidrBlock"),
        "aws:ec2/routeTableAssociation:RouteTableAssociation": _ec2("rtbassoc", "subnetId", "gatewayId"),
        "aws:ec2/vpcEndpoint:VpcEndpoint": _ec2("vpce", "vpcId", "serviceName", "vpcEndpointType"),
        "aws:ec2/launchTemplate:LaunchTemplate": Kind(
            identity=lambda project, inputs: f"lt-{_digest({'name': inputs['name']})}",
            computed=_template,
            longest_name=125,
            replaced=("region", "name", "namePrefix"),
        ),
        "aws:iam/role:Role": Kind(
            computed=lambda project, inputs: {"arn": _arn("iam", "", f"role/{inputs.get('name', '')}")},
            longest_name=64,
            replaced=("name", "namePrefix", "path"),
        ),
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment": Kind(
            identity=_named_in("role", "policyArn", between="/"),
            named_by=None,
            replaced=("role", "policyArn"),
        ),
        "aws:iam/rolePolicy:RolePolicy": Kind(
            identity=_named_in("role", "name"),
            longest_name=128,
            replaced=("role", "name", "namePrefix"),
        ),
        "aws:kms/key:Key": Kind(
            identity=lambda project, inputs: _digest(inputs),
            computed=lambda project, inputs: {
                "arn": _arn("kms", inputs.get("region", ""), f"key/{_digest({'of': inputs.get('description')})}"),
            },
            named_by=None,
            replaced=("region", "customerMasterKeySpec", "keyUsage", "multiRegion", "customKeyStoreId", "xksKeyId"),
        ),
        "aws:cloudwatch/logGroup:LogGroup": Kind(
            computed=lambda project, inputs: {"logGroupClass": "STANDARD"},
            longest_name=512,
            replaced=("region", "name", "namePrefix", "logGroupClass"),
        ),
        "aws:eks/cluster:Cluster": Kind(
            computed=_cluster,
            longest_name=100,
            replaced=(
                "region",
                "name",
                "roleArn",
                "accessConfig.bootstrapClusterCreatorAdminPermissions",
                "bootstrapSelfManagedAddons",
                "kubernetesNetworkConfig.ipFamily",
                "kubernetesNetworkConfig.serviceIpv4Cidr",
                "outpostConfig",
            ),
            refuses_delete=lambda outputs: (
                "Cluster has deletion protection enabled" if outputs.get("deletionProtection", False) else None
            ),
        ),
        "aws:eks/nodeGroup:NodeGroup": Kind(
            identity=_named_in("clusterName", "nodeGroupName"),
            computed=lambda project, inputs: {"status": "ACTIVE"},
            named_by="nodeGroupName",
            # A change of the launch template's version or of Kubernetes's rolls the nodes of the same group.
            replaced=(
                "region",
                "amiType",
                "capacityType",
                "clusterName",
                "diskSize",
                "instanceTypes",
                "launchTemplate.id",
                "launchTemplate.name",
                "nodeGroupName",
                "nodeGroupNamePrefix",
                "nodeRoleArn",
                "remoteAccess",
                "subnetIds",
            ),
        ),
        "aws:eks/addon:Addon": Kind(
            identity=_named_in("clusterName", "addonName"),
            named_by=None,
            replaced=("region", "addonName", "clusterName"),
        ),
        "aws:eks/accessEntry:AccessEntry": Kind(
            identity=_named_in("clusterName", "principalArn"),
            named_by=None,
            replaced=("region", "clusterName", "principalArn", "type"),
        ),
        "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": Kind(
            identity=_named_in("clusterName", "principalArn", "policyArn", between="#"),
            named_by=None,
            replaced=("region", "accessScope", "clusterName", "policyArn", "principalArn"),
        ),
    },
    functions={
        "aws:index/getAvailabilityZones:getAvailabilityZones": lambda project, args: {
            "names": [f"{args['region']}{letter}" for letter in "cabd"],
        },
        "aws:eks/getClusterVersions:getClusterVersions": _versions,
        "aws:eks/getAddonVersion:getAddonVersion": _addon_version,
    },
)
