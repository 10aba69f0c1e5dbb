"""vSphere: virtual machines of a cluster of hosts, through vCenter.

Makes, for each machine, a clone of a template, which is told by guestinfo what it is to be. Leaves alone: the
datacenter, its clusters, datastores, networks and templates. Whom it asks, and as whom, stands in the provider's own
configuration.
"""

import base64
import gzip
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pulumi

from components.declared import camel
from components.machines.virtual import Guest, VirtualDriver, standing
from components.managed.slim import SlimResource, ask
from components.spec import Fault

SDK = "pulumi-vsphere"
MACHINE = "vsphere:index/virtualMachine:VirtualMachine"

ENCODING = "gzip+base64"


class VsphereDriver(VirtualDriver):
    """Machines of one cluster of hosts."""

    kind = MACHINE
    vendor = "00:50:56"

    # What is wrong

    def _own_faults(self) -> Iterator[Fault]:
        machines = self.args["machines"]
        for key in ("compute_cluster", "datastore", "port_group", "image"):
            if not machines[key].strip():
                yield Fault(f"machines.{camel(key)}", "is empty; write the name that it has in vCenter")

    # What is made

    def _prepare(self, opts: pulumi.ResourceOptions) -> None:
        """Find what is there already: vCenter refuses a name that it does not know, before anything is made."""
        machines = self.args["machines"]

        def find(what: str, **named: Any) -> pulumi.Output[Any]:
            return ask(SDK, f"vsphere:index/get{what}:get{what}", named, opts.parent)

        datacenter = find("Datacenter", **({"name": machines["datacenter"]} if "datacenter" in machines else {}))
        inside = {"datacenterId": datacenter["id"]}
        self.cluster = find("ComputeCluster", name=machines["compute_cluster"], **inside)
        self.datastore = find("Datastore", name=machines["datastore"], **inside)
        self.network = find("Network", name=machines["port_group"], **inside)
        self.template = find("VirtualMachine", name=machines["image"], **inside)

    def _machine(self, guest: Guest, opts: pulumi.ResourceOptions) -> tuple[SlimResource, Mapping[str, SlimResource]]:
        secret = pulumi.ResourceOptions(additional_secret_outputs=["extraConfig"])
        machine = SlimResource(
            SDK,
            MACHINE,
            guest.name,
            {
                "name": guest.name,
                "folder": self.args["machines"].get("folder"),
                "resourcePoolId": self.cluster["resourcePoolId"],
                "datastoreId": self.datastore["id"],
                "clone": {"templateUuid": self.template["id"]},
                "guestId": self.template["guestId"],
                "firmware": self.template["firmware"],
                "scsiType": self.template["scsiType"],
                "numCpus": guest.size["cpus"],
                "memory": guest.size["memory_gb"] * 1024,
                "disks": [{"label": "disk0", "size": guest.size["disk_gb"], "thinProvisioned": True}],
                "networkInterfaces": [
                    {"networkId": self.network["id"], "useStaticMac": True, "macAddress": guest.mac},
                ],
                "extraConfig": {
                    "guestinfo.metadata": guest.meta_data.apply(lambda told: _packed(_metadata(guest, told))),
                    "guestinfo.metadata.encoding": ENCODING,
                    "guestinfo.userdata": guest.user_data.apply(_packed),
                    "guestinfo.userdata.encoding": ENCODING,
                },
                # Another machine in its place is told from it by this.
                "replaceTrigger": guest.instance,
                # Whether it is a node is asked of the machine itself, and no tools are waited for.
                "waitForGuestNetTimeout": 0,
                "extraConfigRebootRequired": False,
            },
            standing(
                pulumi.ResourceOptions.merge(opts, secret),
                "folder",
                "resourcePoolId",
                "datastoreId",
                "clone",
                "guestId",
                "firmware",
                "scsiType",
                "numCpus",
                "memory",
                "disks",
                "networkInterfaces",
                "extraConfig",
            ),
        )
        return machine, {}


def _metadata(guest: Guest, told: Mapping[str, Any]) -> str:
    """Who a machine is, with its network, and what it is to blank once it has read it.

    https://docs.cloud-init.io/en/latest/reference/datasources/vmware.html
    """
    return json.dumps({**told, "network": guest.network, "cleanup-guestinfo": ["userdata"]})


def _packed(text: str) -> str:
    """A text as guestinfo takes it: of 64 KiB at most, whatever is in it."""
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()
