"""Snapshots of etcd that a cluster's control planes take by themselves."""

from collections.abc import Mapping

import pulumi
from pulumi import dynamic

from components.bootstrap.kubeadm_args import Snapshots
from components.bootstrap.schedule_provider import ScheduleProvider
from components.bootstrap.schedule_rules import REGION
from components.machines.driver import MadeMachine
from components.spec import NAMESPACE, Fault, SpecError

SECRETS = {"access_key": "snapshotAccessKey", "secret_key": "snapshotSecretKey"}
"""Input → the secret of a stack with which snapshots are sent."""


class SnapshotSchedule(dynamic.Resource, module="slipway", name="SnapshotSchedule"):
    """That all control planes send snapshots of etcd to a bucket."""

    last: pulumi.Output[str]
    """Name of the newest snapshot in the bucket, as it was last looked at."""

    drift: pulumi.Output[list[str]]
    """Why snapshots do not come as they should: empty where all is well."""

    def __init__(
        self,
        name: str,
        cluster: str,
        wanted: Snapshots,
        keys: Mapping[str, pulumi.Output[str]],
        control_planes: Mapping[str, MadeMachine],
        certificate: pulumi.Input[str],
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__(
            ScheduleProvider(),
            name,
            {
                "control_planes": {
                    name: {"machine": made.resource.id, "reach": made.reach} for name, made in control_planes.items()
                },
                "cluster": cluster,
                "schedule": wanted["schedule"],
                "bucket": wanted["bucket"],
                "region": wanted.get("region", REGION),
                "certificate": certificate,
                **keys,
                **dict.fromkeys(("files", "last", "drift")),
            },
            pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(additional_secret_outputs=list(SECRETS))),
        )


def keys() -> dict[str, pulumi.Output[str]]:
    """What snapshots are sent with, from the configuration of the running stack.

    Raises:
        SpecError: It says none.
    """
    config = pulumi.Config(NAMESPACE.removesuffix(":"))
    found = {key: config.get_secret(secret) for key, secret in SECRETS.items()}
    faults = [
        Fault(
            NAMESPACE + SECRETS[key],
            "is required with `snapshots`: a key of the bucket; write it by "
            f"`pulumi config set --secret {NAMESPACE}{SECRETS[key]}`",
        )
        for key, value in found.items()
        if value is None
    ]
    if faults:
        raise SpecError(faults)
    return {key: value.apply(str.strip) for key, value in found.items() if value is not None}
