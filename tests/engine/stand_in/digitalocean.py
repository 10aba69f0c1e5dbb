"""DigitalOcean, as far as Slipway uses it.

What is replaced rather than updated is what the Terraform provider marks ForceNew, on which the Pulumi provider is
built (github.com/digitalocean/terraform-provider-digitalocean, digitalocean/{vpc,vpcnatgateway,kubernetes}; pull
requests 1544 and 1585 for `worker_subnet_uuid` and `isolated_workers`). A lower version replaces a cluster too, a
higher one does not (CustomizeDiff there). What `STAND_IN_NEWS` lists as JSON is offered before all else.
"""

import base64
import hashlib
import json
import os
import re
from typing import Any

from tests.engine.stand_in.cloud import Cloud, Kind, Properties

CA_CERTIFICATE = "-----BEGIN CERTIFICATE-----\nc3RhbmQtaW4=\n-----END CERTIFICATE-----\n"
TOKEN = "dop_v1_a-token-of-the-stand-in"
OFFERED = ("1.37.2-do.0", "1.37.1-do.1", "1.36.3-do.1", "1.35.7-do.2")
GATEWAY_ADDRESS = "198.51.100.7"


def offered() -> list[str]:
    """The builds that a cluster can be made with, newest first."""
    return [*json.loads(os.environ.get("STAND_IN_NEWS", "[]")), *OFFERED]


def _uuid(_project: str, inputs: Properties) -> str:
    digest = hashlib.sha256(str(inputs.get("name")).encode()).hexdigest()
    return "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32]))


def _cluster_outputs(project: str, inputs: Properties) -> Properties:
    identity = _uuid(project, inputs)
    endpoint = f"https://{identity}.k8s.ondigitalocean.com"
    authority = base64.b64encode(CA_CERTIFICATE.encode()).decode()
    return {
        "clusterUrn": f"do:kubernetes:{identity}",
        "endpoint": endpoint,
        "ipv4Address": "" if inputs.get("ha") else "203.0.113.10",
        "kubeConfigs": [
            {"clusterCaCertificate": authority, "host": endpoint, "token": TOKEN, "rawConfig": f"token: {TOKEN}"}
        ],
        "status": "running",
        "workerSubnetUuid": inputs.get("workerSubnetUuid", "0d3db13e-a604-4944-9827-7ec2642d32ac"),
    }


def _numbers(slug: Any) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", str(slug))]


DIGITALOCEAN = Cloud(
    package="digitalocean",
    distribution="pulumi-digitalocean",
    kinds={
        "digitalocean:index/vpc:Vpc": Kind(
            identity=_uuid,
            computed=lambda project, inputs: {"vpcUrn": f"do:vpc:{_uuid(project, inputs)}", "default": False},
            replaced=("region", "ipRange"),
        ),
        "digitalocean:index/vpcNatGateway:VpcNatGateway": Kind(
            identity=_uuid,
            computed=lambda project, inputs: {
                "state": "ACTIVE",
                "egresses": [{"publicGateways": [{"ipv4": GATEWAY_ADDRESS}]}],
            },
            replaced=("vpcs",),
        ),
        "digitalocean:index/kubernetesCluster:KubernetesCluster": Kind(
            identity=_uuid,
            computed=_cluster_outputs,
            replaced=(
                "region",
                "vpcUuid",
                "workerSubnetUuid",
                "clusterSubnet",
                "serviceSubnet",
                "isolatedWorkers",
                "nodePool.size",
                "nodePool.gpuPartitionMode",
            ),
            goes_back={"version": _numbers},
        ),
        "digitalocean:index/kubernetesNodePool:KubernetesNodePool": Kind(
            identity=_uuid,
            computed=lambda project, inputs: {
                "actualNodeCount": inputs.get("minNodes", 1),
                "nodeCount": inputs.get("minNodes", 1),
            },
            replaced=("clusterId", "size", "gpuPartitionMode"),
        ),
    },
    functions={
        "digitalocean:index/getKubernetesVersions:getKubernetesVersions": lambda project, args: {
            "validVersions": offered(),
            "latestVersion": offered()[0],
        },
    },
)
