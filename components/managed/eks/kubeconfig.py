"""How kubectl reaches an EKS cluster: no credential is kept, Amazon's own program is asked for one."""

import pulumi
from pulumi_aws import eks

from components.managed.api import Api
from components.managed.caller import Caller

CALLER = Caller(
    cloud="AWS",
    # https://www.pulumi.com/registry/packages/aws/installation-configuration/#credentials
    variables=(
        "AWS_ACCESS_KEY_ID",
        "AWS_PROFILE",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    ),
    files=("~/.aws/credentials", "~/.aws/config"),
    settings=("aws:accessKey", "aws:profile", "aws:assumeRoleWithWebIdentity"),
    log_in="aws configure sso",
    program="aws",
    install="install the AWS CLI, version 2, see https://aws.amazon.com/cli",
)


def api_of(cluster: eks.Cluster) -> Api:
    """The API."""
    return Api(cluster.endpoint, cluster.certificate_authority.apply(lambda told: told.data or ""))


def exec_kubeconfig(name: str, api: Api, cluster: eks.Cluster) -> pulumi.Output[str]:
    """A kubeconfig that has kubectl ask Amazon's own program.

    https://docs.aws.amazon.com/eks/latest/userguide/create-kubeconfig.html
    """
    return api.kubeconfig(
        name,
        {
            "apiVersion": "client.authentication.k8s.io/v1beta1",
            "command": CALLER.program,
            "args": [
                *("--region", cluster.region),
                *("eks", "get-token", "--cluster-name", cluster.name),
                *("--output", "json"),
            ],
            "installHint": CALLER.install,
            "interactiveMode": "IfAvailable",
        },
    )
