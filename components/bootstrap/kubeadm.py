"""kubeadm: a highly available cluster on machines of your own, by cloud-init.

Makes keys and certificates before any machine boots, has all machines boot at the same time, and makes each one a node
that can be upgraded, replaced and taken out. Leaves alone: what runs in the cluster, and everything on machines that it
did not make.
"""

import os
from datetime import date

import pulumi
from pulumi.resource import DependencyResource

from components import kubeconfig
from components.bootstrap import charts, external_etcd, flannel, packages, pki, snapshot_schedule, snapshots, virtual_ip
from components.bootstrap.boot import Boot
from components.bootstrap.external_etcd import EtcdClient
from components.bootstrap.keys import Keys
from components.bootstrap.kubeadm_args import BOOTSTRAP_MINUTES, KubeadmArgs
from components.bootstrap.kubeadm_changes import (
    RESTORE,
    as_booted,
    authority_fault,
    leftovers,
    restore_fault,
    upgrade_faults,
)
from components.bootstrap.kubeadm_rules import faults_of
from components.bootstrap.node import Node
from components.bootstrap.plan import Distribution, Machine, Packages, Plan, PodNetwork, Role
from components.bootstrap.proxy import proxy
from components.bootstrap.secrets_keys import SecretsKeys
from components.bootstrap.snapshot_schedule import SnapshotSchedule
from components.cluster import Cluster
from components.local.kind_config import POD_CIDR, SERVICE_CIDR
from components.machines import drivers
from components.machines.driver import MachineDriver, MadeMachine
from components.spec import Fault, SpecError
from components.state import outputs_by_name, outputs_of


class KubeadmCluster(Cluster):
    """A cluster on machines of your own."""

    target = "kubeadm"

    machines: dict[str, MadeMachine]
    """Name → what the driver has made."""

    nodes: dict[str, Node]
    """Name → the node that the machine became."""

    def __init__(self, name: str, args: KubeadmArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        state = self.last
        name = args.get("name", name)
        protect = args.get("deletion_protection", False)
        below = pulumi.ResourceOptions(parent=self)
        driver = drivers.of(name, args, state)
        machines = driver.machines()
        lost = {machine.name for machine in machines if driver.has_lost(machine)}
        if faults := upgrade_faults(args["version"], machines, lost, state, date.today()):
            raise SpecError(faults)
        booted = as_booted(machines, state)
        restore = os.environ.get(RESTORE)
        if restore and (fault := restore_fault(restore, args, machines, state)):
            raise SpecError([fault])
        authorities = args.get("authority_generation", 1)
        if not restore and (fault := authority_fault(authorities, outputs_of(state, "slipway:Keys", f"{name}-keys"))):
            raise SpecError([fault])
        left_over = [] if restore else leftovers(machines, outputs_by_name(state, driver.kind), state)
        etcd = _etcd_client(args)
        bucket_keys = snapshot_schedule.keys() if "snapshots" in args else {}

        driver.prepare({**fixed(args), **driver.fixed()}, below)
        generation = args.get("encryption_key_generation", 1)
        keys = Keys(
            f"{name}-keys",
            name,
            pulumi.ResourceOptions(parent=self, protect=protect),
            encryption_generation=generation,
            authority_generation=authorities,
        )
        # Control planes that stand know a newer key only after all others have joined them.
        known_key = int(outputs_of(state, "slipway:SecretsKeys", f"{name}-secrets").get("generation", generation))
        front = driver.front(machines, below)
        admin = pulumi.Output.secret(
            pulumi.Output.all(front.url, keys.pki, keys.admin).apply(
                lambda known: kubeconfig.build(
                    name,
                    known[0],
                    pki.base64_of(known[1]["cluster"]["certificate"]),
                    {
                        "client-certificate-data": pki.base64_of(known[2]["certificate"]),
                        "client-key-data": pki.base64_of(known[2]["key"]),
                    },
                )
            )
        )

        # Not as a mapping: for each machine the SDK would make outputs of all that is in it.
        boot = pulumi.Output.all(driver.kubernetes_version, keys.pki, etcd).apply(
            lambda known: Boot.made(_plan(driver, machines, known[0], bool(restore)), known[1], known_key, known[2])
        )
        self.machines = {}
        for machine in booted:
            data = boot.apply(lambda boot, machine=machine: boot.user_data(machine))
            self.machines[machine.name] = driver.machine(
                machine,
                pulumi.Output.secret(data),
                pulumi.ResourceOptions(parent=self, protect=protect and machine.role is not Role.WORKER),
            )

        cni = PodNetwork(args.get("cni", PodNetwork.FLANNEL))
        # One that comes as a chart comes after all nodes: where they are made with it, none waits for it.
        awaited = cni is PodNetwork.FLANNEL or bool(outputs_of(state, "slipway:Readiness", f"{name}-ready"))
        self.nodes = {}
        standing = outputs_by_name(state, "slipway:Node")
        first: Node | None = None
        last: Node | None = None
        loopback = proxy(machines)
        programs = driver.kubernetes_version.apply(
            lambda version: packages.source(_plan(driver, machines, version, bool(restore)))
        )
        network = driver.kubernetes_version.apply(
            lambda version: _pod_network(_plan(driver, machines, version, bool(restore)))
        )
        all_machines = [made.resource for made in self.machines.values()]
        for machine in machines:
            made = self.machines[machine.name]
            stands = f"{machine.name}-node" in standing and machine.name not in lost
            # Upgrades go this way: one node after the other, the workers last. One that is made waits for the first
            # alone, which lets it join, and the first, while it is made, for all machines: few operations run at once,
            # and none may wait for what is not made. So does one whose machine is lost; whoever is upgraded meanwhile
            # waits by itself until etcd has all its members again.
            before = last if stands and last else first
            behind = [_only(before)] if before else [] if stands else all_machines
            node = Node(
                machine,
                made.resource,
                made.reach,
                admin,
                driver.kubernetes_version,
                programs,
                args.get("bootstrap_minutes", BOOTSTRAP_MINUTES),
                awaited,
                loopback,
                pulumi.Output.secret(boot.apply(lambda boot, machine=machine: boot.credential(machine))),
                _snapshots(name, args, keys) if machine.role is Role.FIRST and etcd is None else None,
                _restore(restore, keys) if restore and machine.role is Role.FIRST else None,
                virtual_ip.told(args.get("virtual_ip"), machines, machine),
                None if etcd is None or machine.role is Role.WORKER else etcd.apply(_etcd_files),
                network if machine.role is Role.FIRST else None,
                pulumi.Output.secret(left_over) if left_over and machine.role is Role.FIRST else [],
                pulumi.ResourceOptions(
                    parent=self,
                    depends_on=[*front.before, *behind],
                    # Whoever destroys the whole cluster has nothing to drain.
                    deleted_with=keys,
                    delete_before_replace=True,
                    custom_timeouts=pulumi.CustomTimeouts(create="4h", update="4h", delete="30m"),
                ),
            )
            first, last = first or node, node if stands else last
            self.nodes[machine.name] = node
            driver.settle(machine, node, below)

        control_planes = [machine.name for machine in machines if machine.role is not Role.WORKER]
        SecretsKeys(
            f"{name}-secrets",
            {one: self.machines[one].reach for one in control_planes},
            keys.pki.apply(lambda known: known["encryption_keys"]),
            admin,
            generation,
            pulumi.ResourceOptions(
                parent=self, depends_on=[self.nodes[one] for one in control_planes], deleted_with=keys
            ),
        )
        if "snapshots" in args:
            SnapshotSchedule(
                f"{name}-snapshots",
                name,
                args["snapshots"],
                bucket_keys,
                {one: self.machines[one] for one in control_planes},
                _snapshot_certificate(keys),
                # After all nodes: a bucket that refuses keeps nobody else waiting.
                pulumi.ResourceOptions(
                    parent=self, depends_on=[_only(node) for node in self.nodes.values()], deleted_with=keys
                ),
            )

        ready = pulumi.Output.all(admin, *(node.id for node in self.nodes.values())).apply(lambda known: known[0])
        if cni in charts.CHARTS:
            from components.bootstrap.pod_network import pod_network  # needs an SDK that no other network does

            if warning := charts.untested(cni, args["version"]):
                pulumi.log.warn(warning)
            readiness = pod_network(
                name,
                cni,
                pod_cidr=args.get("pod_cidr", POD_CIDR),
                mirror=args.get("mirror"),
                nodes=list(self.machines),
                kubeconfig=ready,
                keys=keys,
                minutes=args.get("bootstrap_minutes", BOOTSTRAP_MINUTES),
                parent=self,
            )
            ready = pulumi.Output.all(ready, readiness.id).apply(lambda known: known[0])

        self.gone_with = keys
        self.cluster_identifier = keys.id  # a restore with new CAs makes it no other cluster

        self.finish(
            name=name,
            kubeconfig=ready,
            endpoint=front.url,
            ca_certificate=pulumi.Output.unsecret(keys.pki.apply(lambda known: known["cluster"]["certificate"])),
            kubernetes_version=driver.kubernetes_version,
            pod_cidr=args.get("pod_cidr", POD_CIDR),
            service_cidr=args.get("service_cidr", SERVICE_CIDR),
        )

    @staticmethod
    def check(args: KubeadmArgs) -> list[Fault]:
        """What is wrong with `args`, as far as it can be known without asking anybody."""
        return faults_of(args)


async def _only(node: Node) -> pulumi.Resource:
    """A node to depend on, with nothing behind it.

    The SDK looks for cycles behind whatever is depended on, by recursion: a thousand nodes in a row would end the
    program, and each one more would cost more than the one before.
    """
    return DependencyResource(await node.urn.future() or "")


def fixed(args: KubeadmArgs) -> dict[str, str]:
    """Key of the stack file → what machines are booted with, and do not take in later."""
    return {
        "podCidr": args.get("pod_cidr", POD_CIDR),
        "serviceCidr": args.get("service_cidr", SERVICE_CIDR),
        "cni": str(args.get("cni", PodNetwork.FLANNEL)),
        "virtualIp": args.get("virtual_ip", ""),
        "etcd.endpoints": ", ".join(sorted(args["etcd"]["endpoints"])) if "etcd" in args else "",
    }


def _plan(driver: MachineDriver, machines: list[Machine], version: str, restored: bool) -> Plan:
    args = driver.args
    return Plan(
        name=driver.name,
        version=version,
        machines=machines,
        pod_cidr=args.get("pod_cidr", POD_CIDR),
        service_cidr=args.get("service_cidr", SERVICE_CIDR),
        endpoint=driver.api_host,
        cni=PodNetwork(args.get("cni", PodNetwork.FLANNEL)),
        distribution=Distribution(args.get("distribution", Distribution.DEBIAN_12)),
        packages=driver.packages,
        mirror=args.get("mirror"),
        restored=restored,
        virtual_ip=args.get("virtual_ip"),
        etcd_endpoints=args["etcd"]["endpoints"] if "etcd" in args else (),
        minutes=int(args.get("bootstrap_minutes", BOOTSTRAP_MINUTES)),
    )


def _snapshots(name: str, args: KubeadmArgs, keys: Keys) -> dict[str, pulumi.Input[str]]:
    """What is known to whoever takes a snapshot."""
    return {
        "cluster": name,
        "certificate": _snapshot_certificate(keys),
        "folder": args.get("snapshot_folder", str(snapshots.FOLDER)),
    }


def _etcd_client(args: KubeadmArgs) -> pulumi.Output[EtcdClient] | None:
    """What an etcd is asked with that is not the cluster's own.

    Raises:
        SpecError: It cannot be asked with that.
    """
    if "etcd" not in args:
        return None
    now = pki.now()
    made = external_etcd.client(args["etcd"], pulumi.Config("slipway").get(external_etcd.KEY), now)
    if warning := external_etcd.ends_soon(args["etcd"], now):
        pulumi.log.warn(warning)
    return pulumi.Output.secret(made)


def _etcd_files(client: EtcdClient) -> dict[str, str]:
    return {f"{external_etcd.PKI}/{name}": content for name, content in external_etcd.files(client).items()}


def _pod_network(plan: Plan) -> str | None:
    """What an upgrade makes of the pod network; where machines have all images from the start, it stays as it is."""
    return (
        flannel.manifest(plan) if plan.cni is PodNetwork.FLANNEL and plan.packages is not Packages.INSTALLED else None
    )


def _snapshot_certificate(keys: Keys) -> pulumi.Output[str]:
    """What snapshots are encrypted for."""
    return pulumi.Output.unsecret(keys.pki.apply(lambda made: made["snapshots"]["certificate"]))


def _restore(path: str, keys: Keys) -> pulumi.Output[object]:
    """What a snapshot is opened with."""
    return pulumi.Output.secret(keys.pki.apply(lambda made: {"path": path, "key": made["snapshots"]}))
