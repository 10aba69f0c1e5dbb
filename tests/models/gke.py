"""What GKE's API would say of a request: its own messages, from Google's client library for Python.

The provider turns a resource into the API's `Cluster` and `NodePool`; `cluster_fault` and `node_pool_fault` do the
same with what Slipway passes, and know no other key. The messages know every field and every enum, and no pattern and
no range: those are rung 3 only, as are networks, keys and accounts, whose APIs have no messages in this library.

Run as `python -m tests.models.gke` it answers requests, one a line, from its standard input: Pulumi's SDK and Google's
both bring `google.rpc.Status`, and one process takes one of them only.

https://github.com/hashicorp/terraform-provider-google/blob/main/google/services/container/resource_container_cluster.go
"""

import json
import sys
from collections.abc import Mapping
from typing import Any

from google.cloud.container_v1 import types
from google.protobuf import json_format

Inputs = Mapping[str, Any]

PROVIDERS_OWN = {"location", "removeDefaultNodePool", "deletionProtection", "cluster", "name"}
"""Keys of the provider's that are no part of the message: where it goes, and what the provider itself does."""

SAME = {
    "network",
    "subnetwork",
    "privateClusterConfig",
    "controlPlaneEndpointsConfig",
    "masterAuth",
    "anonymousAuthenticationConfig",
    "rbacBindingConfig",
    "workloadIdentityConfig",
    "securityPostureConfig",
    "costManagementConfig",
    "databaseEncryption",
    "binaryAuthorization",
    "resourceLabels",
    "initialNodeCount",
    "releaseChannel",
    "management",
    "networkConfig",
}
"""Keys that the provider hands on as they are."""


def cluster_fault(inputs: Inputs) -> str | None:
    """Why the API would refuse to make a cluster of these inputs."""
    return _fault(types.Cluster, _request(inputs, _CLUSTER))


def node_pool_fault(inputs: Inputs) -> str | None:
    """Why the API would refuse to make a node pool of these inputs."""
    return _fault(types.NodePool, _request(inputs, _NODE_POOL))


def _fault(message: Any, request: Inputs) -> str | None:
    try:
        json_format.ParseDict(request, message.pb(message()))
    except json_format.ParseError as error:
        return str(error)
    return None


def _request(inputs: Inputs, turned: Mapping[str, Any]) -> dict[str, Any]:
    request: dict[str, Any] = {}
    for key, value in inputs.items():
        if key in turned:
            _merge(request, turned[key](value))
        elif key in SAME:
            _merge(request, {key: value})
        elif key not in PROVIDERS_OWN:
            raise KeyError(f"no rule says what becomes of {key}")
    return request


def _merge(below: dict[str, Any], above: Inputs) -> None:
    for key, value in above.items():
        if isinstance(value, Mapping) and isinstance(below.get(key), dict):
            _merge(below[key], value)
        else:
            below[key] = value


def _node_config(config: Inputs) -> dict[str, Any]:
    turned = {
        "guestAccelerators": lambda gpus: {
            "accelerators": [
                {
                    "acceleratorType": gpu["type"],
                    "acceleratorCount": str(int(gpu["count"])),
                    "gpuDriverInstallationConfig": gpu["gpuDriverInstallationConfig"],
                }
                for gpu in gpus
            ]
        },
        "workloadMetadataConfig": lambda value: {"workloadMetadataConfig": value},
        # The provider's switch is a word, the API's a truth value.
        "kubeletConfig": lambda value: {
            "kubeletConfig": {
                "insecureKubeletReadonlyPortEnabled": {"FALSE": False, "TRUE": True}[
                    value["insecureKubeletReadonlyPortEnabled"]
                ]
            }
        },
    }
    plain = {
        "machineType", "spot", "diskSizeGb", "imageType", "serviceAccount", "oauthScopes", "labels", "resourceLabels",
        "taints", "metadata", "shieldedInstanceConfig",
    }  # fmt: skip
    request: dict[str, Any] = {}
    for key, value in config.items():
        if key not in plain and key not in turned:
            raise KeyError(f"no rule says what becomes of nodeConfig.{key}")
        request.update(turned[key](value) if key in turned else {key: value})
    return request


_CLUSTER = {
    "minMasterVersion": lambda value: {"initialClusterVersion": value},
    "maintenancePolicy": lambda value: {
        "maintenancePolicy": {
            "window": {
                "recurringWindow": {
                    "window": {
                        "startTime": value["recurringWindow"]["startTime"],
                        "endTime": value["recurringWindow"]["endTime"],
                    },
                    "recurrence": value["recurringWindow"]["recurrence"],
                }
            }
        }
    },
    "networkingMode": lambda value: {"ipAllocationPolicy": {"useIpAliases": value == "VPC_NATIVE"}},
    "ipAllocationPolicy": lambda value: {"ipAllocationPolicy": value},
    "datapathProvider": lambda value: {"networkConfig": {"datapathProvider": value}},
    "enableIntranodeVisibility": lambda value: {"networkConfig": {"enableIntraNodeVisibility": value}},
    "enableShieldedNodes": lambda value: {"shieldedNodes": {"enabled": value}},
    "enableAutopilot": lambda value: {"autopilot": {"enabled": value}},
    "clusterAutoscaling": lambda value: {
        "autoscaling": {"autoprovisioningNodePoolDefaults": value["autoProvisioningDefaults"]}
    },
    "masterAuthorizedNetworksConfig": lambda value: {"masterAuthorizedNetworksConfig": {"enabled": True, **value}},
    "authenticatorGroupsConfig": lambda value: {"authenticatorGroupsConfig": {"enabled": True, **value}},
    "loggingConfig": lambda value: {"loggingConfig": {"componentConfig": value}},
    "monitoringConfig": lambda value: {
        "monitoringConfig": {
            "componentConfig": {"enableComponents": value["enableComponents"]},
            "managedPrometheusConfig": value["managedPrometheus"],
        }
    },
    "nodeConfig": lambda value: {"nodeConfig": _node_config(value)},
}

_NODE_POOL = {
    "autoscaling": lambda value: {"autoscaling": {"enabled": True, **value}},
    "upgradeSettings": lambda value: {"upgradeSettings": value},
    # The provider takes a list of one.
    "nodeDrainConfigs": lambda value: {"nodeDrainConfig": value[0]},
    "nodeConfig": lambda value: {"config": _node_config(value)},
}


FAULTS = {"Cluster": cluster_fault, "NodePool": node_pool_fault}


def serve() -> None:
    """Answer `[kind, inputs]` with the fault or null, as JSON, line by line."""
    for line in sys.stdin:
        kind, inputs = json.loads(line)
        try:
            fault = FAULTS[kind](inputs)
        except KeyError as error:
            fault = error.args[0]
        print(json.dumps(fault), flush=True)


if __name__ == "__main__":
    serve()
