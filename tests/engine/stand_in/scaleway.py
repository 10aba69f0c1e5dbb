"""Scaleway, as far as Slipway uses it.

What is replaced rather than updated is what the Terraform provider marks ForceNew (github.com/scaleway/
terraform-provider-scaleway, internal/services/{k8s,vpc,vpcgw,ipam} and internal/locality), on which the Pulumi provider
is built. `type` of a cluster is not among it: the provider replaces the cluster for a type that Scaleway does not offer
for it, and else changes it in place.
"""

import base64
import uuid

from tests.engine.stand_in.cloud import Cloud, Kind, Properties

CA_CERTIFICATE = "-----BEGIN CERTIFICATE-----\nc3RhbmQtaW4=\n-----END CERTIFICATE-----\n"

ADMIN_TOKEN = "administrators-own-token"

PATCH = "1.37.2"


def _id(place: str, *words: str) -> str:
    return f"{place}/{uuid.uuid5(uuid.NAMESPACE_URL, '/'.join(words))}"


def _regional(kind: str):
    return lambda project, inputs: _id(inputs["region"], kind, inputs["name"])


def _cluster_outputs(project: str, inputs: Properties) -> Properties:
    host = f"https://{uuid.uuid5(uuid.NAMESPACE_URL, inputs['name'])}.api.k8s.{inputs['region']}.scw.cloud:6443"
    authority = base64.b64encode(CA_CERTIFICATE.encode()).decode()
    return {
        "apiserverUrl": host,
        "kubeconfigs": [
            {"host": host, "clusterCaCertificate": authority, "token": ADMIN_TOKEN, "configFile": ADMIN_TOKEN}
        ],
        "status": "pool_required",
    }


SCALEWAY = Cloud(
    package="scaleway",
    distribution="pulumiverse-scaleway",
    kinds={
        "scaleway:network/vpc:Vpc": Kind(identity=_regional("vpc"), replaced=("region", "projectId")),
        "scaleway:network/privateNetwork:PrivateNetwork": Kind(
            identity=_regional("network"), replaced=("region", "projectId", "vpcId", "ipv4Subnet.subnet")
        ),
        "scaleway:network/publicGatewayIp:PublicGatewayIp": Kind(
            identity=lambda project, inputs: _id(inputs["zone"], "address"),
            computed=lambda project, inputs: {"address": "198.51.100.7"},
            named_by=None,
            replaced=("zone", "projectId"),
        ),
        "scaleway:network/publicGateway:PublicGateway": Kind(
            identity=lambda project, inputs: _id(inputs["zone"], "gateway", inputs["name"]),
            replaced=("zone", "projectId", "ipId"),
        ),
        "scaleway:network/gatewayNetwork:GatewayNetwork": Kind(
            identity=lambda project, inputs: _id(inputs["zone"], inputs["gatewayId"], inputs["privateNetworkId"]),
            named_by=None,
            replaced=("zone", "gatewayId", "privateNetworkId"),
        ),
        "scaleway:ipam/ip:Ip": Kind(
            identity=lambda project, inputs: _id(inputs["region"], "ip", inputs["sources"][0]["privateNetworkId"]),
            named_by=None,
            replaced=("region", "projectId", "address", "isIpv6"),
        ),
        "scaleway:kubernetes/cluster:Cluster": Kind(
            identity=_regional("cluster"),
            computed=_cluster_outputs,
            replaced=(
                "region",
                "projectId",
                "cni",
                "privateNetworkId",
                "podCidr",
                "serviceCidr",
                "serviceDnsIp",
                # In this version of the provider: https://github.com/scaleway/terraform-provider-scaleway/pull/4251.
                "autoscalerConfig.logLevel",
                "autoscalerConfig.skipNodesWithLocalStorage",
            ),
        ),
        "scaleway:kubernetes/acl:Acl": Kind(
            identity=lambda project, inputs: inputs["clusterId"],
            named_by=None,
            replaced=("region", "clusterId"),
        ),
        "scaleway:kubernetes/pool:Pool": Kind(
            identity=_regional("pool"),
            computed=lambda project, inputs: {"version": PATCH, "status": "ready", "currentSize": inputs["size"]},
            replaced=(
                "name",
                "region",
                "zone",
                "clusterId",
                "nodeType",
                "containerRuntime",
                "placementGroupId",
                "privateNetworkId",
                "publicIpDisabled",
                "rootVolumeSizeInGb",
                "rootVolumeType",
                "userData",
            ),
        ),
    },
)
