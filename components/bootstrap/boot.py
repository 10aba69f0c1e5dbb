"""What all machines of a run boot with."""

from collections.abc import Mapping
from dataclasses import dataclass

from components.bootstrap import cloud_init, pki
from components.bootstrap.external_etcd import EtcdClient
from components.bootstrap.pki import ClientCertificate, Pki
from components.bootstrap.plan import Machine, Plan, Role


@dataclass(frozen=True)
class Boot:
    """A plan with the keys to carry it out. It holds secrets."""

    plan: Plan
    keys: Pki

    credentials: Mapping[str, ClientCertificate]
    """Name of a machine → what it joins with, from now on for an hour."""

    @classmethod
    def made(cls, plan: Plan, keys: Pki, known_key: int, etcd: EtcdClient | None = None) -> "Boot":
        """Everything that machines which boot now are given.

        Args:
            plan: The cluster. One that starts with a snapshot has all keys of Secrets, since that may be of any.
            keys: Of the cluster.
            known_key: Which key of Secrets the control planes that stand have come to.
            etcd: What an etcd is asked with that is not the cluster's own.
        """
        if etcd is not None:
            keys = {**keys, "external_etcd": etcd}
        if not plan.restored:
            keys = {**keys, "encryption_keys": pki.boot_keys(keys["encryption_keys"], known_key)}
        now = pki.now()
        return cls(plan, keys, {machine.name: pki.join(keys, machine.name, now) for machine in plan.machines})

    def user_data(self, machine: Machine) -> str:
        """What a machine boots with."""
        alone = machine.role is Role.FIRST and len(self.plan.control_planes) == 1
        return cloud_init.user_data(self.plan, machine, self.keys, None if alone else self.credentials[machine.name])

    def credential(self, machine: Machine) -> str:
        """What a machine joins with that boots late."""
        return cloud_init.join_kubeconfig(self.plan.name, self.keys, self.credentials[machine.name])
