"""How kubectl reaches an EKS cluster: no credential is kept, Amazon's own program is asked for one."""

import pulumi

from components import kubeconfig
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


def exec_kubeconfig(
    name: str,
    region: str,
    cluster: pulumi.Output[str],
    endpoint: pulumi.Output[str],
    authority: pulumi.Output[str],
) -> pulumi.Output[str]:
    """A kubeconfig that holds no credential: kubectl asks Amazon's own program for one.

    https://docs.aws.amazon.com/eks/latest/userguide/create-kubeconfig.html
    """

    def build(known: list[str]) -> str:
        unique, server, certificate = known
        user = {
            "exec": {
                "apiVersion": "client.authentication.k8s.io/v1beta1",
                "command": CALLER.program,
                "args": ["--region", region, "eks", "get-token", "--cluster-name", unique, "--output", "json"],
                "installHint": f"To reach EKS, {CALLER.install}",
                "interactiveMode": "IfAvailable",
            }
        }
        return kubeconfig.build(name, server=server, ca_certificate=certificate, user=user)

    return pulumi.Output.all(cluster, endpoint, authority).apply(build)
