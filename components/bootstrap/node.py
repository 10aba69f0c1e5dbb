"""A node of a cluster on own machines."""

from collections.abc import Mapping, Sequence

import pulumi
from pulumi import dynamic

from components.bootstrap import upkeep
from components.bootstrap.node_provider import NodeProvider
from components.bootstrap.plan import Machine


class Node(dynamic.Resource, module="slipway", name="Node"):
    """A machine that has become a node, and the operations on it."""

    kubelet_version: pulumi.Output[str]
    container_runtime: pulumi.Output[str]

    certificates_expire: pulumi.Output[str]
    """When the first of the machine's certificates ends (ISO 8601); `pulumi up` renews in its last third."""

    drift: pulumi.Output[list[str]]
    """What the last look at the machine found not as it was made: empty where all is well."""

    def __init__(
        self,
        machine: Machine,
        resource: pulumi.CustomResource,
        reach: pulumi.Input[object],
        kubeconfig: pulumi.Input[str],
        version: pulumi.Input[str],
        programs: pulumi.Input[object],
        minutes: int,
        await_ready: bool,
        proxy: str,
        credential: pulumi.Input[str],
        snapshots: pulumi.Input[object],
        restore: pulumi.Input[object],
        virtual_ip: Mapping[str, object] | None,
        etcd: pulumi.Input[object],
        pod_network: pulumi.Input[str | None],
        leftovers: pulumi.Input[Sequence[object]],
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__(
            NodeProvider(),
            f"{machine.name}-node",
            {
                "name": machine.name,
                "address": machine.address,
                "role": machine.role.value,
                "machine": resource.id,
                "reach": reach,
                "kubeconfig": kubeconfig,
                "version": version,
                "programs": programs,
                "minutes": minutes,
                "await_ready": await_ready,
                "proxy": proxy,
                "credential": credential,
                "snapshots": snapshots,
                "restore": restore,
                "virtual_ip": virtual_ip,
                "etcd": etcd,
                "pod_network": pod_network,
                "leftovers": leftovers,
                **dict.fromkeys(
                    ("instance", "kubelet_version", "container_runtime", "ready", "approval", *upkeep.OUTPUTS)
                ),
            },
            opts,
        )
