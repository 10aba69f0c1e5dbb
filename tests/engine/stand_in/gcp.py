"""Google Cloud, as far as Slipway uses it.

What is replaced rather than updated is what the Terraform provider marks ForceNew (github.com/hashicorp/
terraform-provider-google, google/services/{container,compute,resourcemanager}), on which the Pulumi provider is built.
"""

import base64

from tests.engine.stand_in.cloud import Cloud, Kind, Properties

CA_CERTIFICATE = "-----BEGIN CERTIFICATE-----\nc3RhbmQtaW4=\n-----END CERTIFICATE-----\n"


def _network(project: str, inputs: Properties) -> str:
    return f"projects/{project}/global/networks/{inputs['name']}"


def _regional(collection: str):
    return lambda project, inputs: f"projects/{project}/regions/{inputs['region']}/{collection}/{inputs['name']}"


def _cluster(project: str, inputs: Properties) -> str:
    return f"projects/{project}/locations/{inputs['location']}/clusters/{inputs['name']}"


def _cluster_outputs(project: str, inputs: Properties) -> Properties:
    location = inputs.get("location", "")
    return {
        "project": project,
        "endpoint": "203.0.113.10",
        "masterVersion": f"{inputs.get('minMasterVersion', '1.37')}.2-gke.1001000",
        "masterAuth": {"clusterCaCertificate": base64.b64encode(CA_CERTIFICATE.encode()).decode()},
        "controlPlaneEndpointsConfig": {"dnsEndpointConfig": {"endpoint": f"gke-1a2b3c.{location}.gke.goog"}},
    }


def _account_email(project: str, inputs: Properties) -> str:
    return f"{inputs.get('accountId')}@{project}.iam.gserviceaccount.com"


GCP = Cloud(
    package="gcp",
    distribution="pulumi-gcp",
    kinds={
        "gcp:compute/network:Network": Kind(
            identity=_network,
            computed=lambda project, inputs: {"project": project},
            replaced=("name", "project", "autoCreateSubnetworks", "description"),
        ),
        "gcp:compute/subnetwork:Subnetwork": Kind(
            identity=_regional("subnetworks"),
            computed=lambda project, inputs: {"project": project},
            replaced=("name", "project", "network", "region", "ipCidrRange", "description"),
        ),
        "gcp:compute/router:Router": Kind(
            identity=_regional("routers"),
            computed=lambda project, inputs: {"project": project},
            replaced=("name", "project", "network", "region"),
        ),
        "gcp:compute/routerNat:RouterNat": Kind(
            identity=lambda project, inputs: f"{project}/{inputs['region']}/{inputs['router']}/{inputs['name']}",
            computed=lambda project, inputs: {"project": project},
            replaced=("name", "project", "router", "region"),
        ),
        "gcp:serviceaccount/account:Account": Kind(
            identity=lambda project, inputs: f"projects/{project}/serviceAccounts/{_account_email(project, inputs)}",
            computed=lambda project, inputs: {
                "project": project,
                "email": _account_email(project, inputs),
                "member": f"serviceAccount:{_account_email(project, inputs)}",
            },
            named_by="accountId",
            longest_name=30,
            replaced=("accountId", "project"),
        ),
        "gcp:projects/iAMMember:IAMMember": Kind(
            identity=lambda project, inputs: f"{inputs['project']}/{inputs['role']}/{inputs['member']}",
            computed=lambda project, inputs: {"etag": "BwXhqDVg8aU="},
            named_by=None,
            replaced=("project", "role", "member", "condition"),
        ),
        "gcp:kms/keyRing:KeyRing": Kind(
            identity=lambda project, inputs: (
                f"projects/{project}/locations/{inputs['location']}/keyRings/{inputs['name']}"
            ),
            computed=lambda project, inputs: {"project": project},
            replaced=("name", "project", "location"),
        ),
        "gcp:kms/cryptoKey:CryptoKey": Kind(
            identity=lambda project, inputs: f"{inputs['keyRing']}/cryptoKeys/{inputs['name']}",
            replaced=("name", "keyRing", "purpose"),
        ),
        "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember": Kind(
            identity=lambda project, inputs: f"{inputs['cryptoKeyId']}/{inputs['role']}/{inputs['member']}",
            computed=lambda project, inputs: {"etag": "BwXhqDVg8aU="},
            named_by=None,
            replaced=("cryptoKeyId", "role", "member", "condition"),
        ),
        "gcp:container/cluster:Cluster": Kind(
            identity=_cluster,
            computed=_cluster_outputs,
            longest_name=40,
            replaced=(
                "name",
                "project",
                "location",
                "network",
                "subnetwork",
                "networkingMode",
                "ipAllocationPolicy",
                "datapathProvider",
                "initialNodeCount",
                "nodeConfig",
                "enableAutopilot",
                "privateClusterConfig.enablePrivateNodes",
                "masterAuth.clientCertificateConfig",
            ),
            refuses_delete=lambda outputs: (
                "Cannot destroy cluster because deletion_protection is set to true"
                if outputs.get("deletionProtection", True)
                else None
            ),
        ),
        "gcp:container/nodePool:NodePool": Kind(
            identity=lambda project, inputs: (
                f"projects/{project}/locations/{inputs['location']}"
                f"/clusters/{inputs['cluster']}/nodePools/{inputs['name']}"
            ),
            computed=lambda project, inputs: {"project": project, "version": "1.37.2-gke.1001000"},
            longest_name=40,
            # A change of machine type, disk, labels or taints rolls the nodes of the same pool.
            replaced=(
                "name",
                "project",
                "location",
                "cluster",
                "initialNodeCount",
                "maxPodsPerNode",
                "nodeConfig.spot",
                "nodeConfig.serviceAccount",
                "nodeConfig.oauthScopes",
                "nodeConfig.metadata",
                "nodeConfig.shieldedInstanceConfig",
            ),
        ),
    },
    functions={
        "gcp:organizations/getProject:getProject": lambda project, args: {
            "projectId": project,
            "number": "123456789012",
        },
        "gcp:container/getEngineVersions:getEngineVersions": lambda project, args: {
            "validMasterVersions": ["1.37.2-gke.1001000", "1.36.3-gke.1002000", "1.35.7-gke.1003000"],
        },
    },
)
