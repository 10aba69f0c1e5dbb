"""Proxmox VE: virtual machines on its nodes, through its API.

Makes, on each node, a file with the image, and for each machine three snippets for cloud-init and the machine. Leaves
alone: nodes, storages, networks and templates. Whom it asks, and as whom, stands in the provider's own configuration.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pulumi

from components.bootstrap.plan import Machine, Role
from components.machines import image
from components.machines.virtual import Guest, VirtualDriver, part, standing
from components.managed.slim import SlimResource
from components.spec import Fault

SDK = "pulumi-proxmoxve"
PLUGINS = "github://api.github.com/muhlba91/pulumi-proxmoxve"
"""Where they are published."""

MACHINE = "proxmoxve:index/vmLegacy:VmLegacy"
FILE = "proxmoxve:index/fileLegacy:FileLegacy"
IMAGE = "proxmoxve:download/file:File"

STORAGE, FILE_STORAGE, BRIDGE = "local-lvm", "local", "vmbr0"

LOWEST, HIGHEST = 100_000_000, 999_999_999
"""The longest numbers that a machine may have: nobody gives them by hand."""


class ProxmoxDriver(VirtualDriver):
    """Machines of one Proxmox VE."""

    kind = MACHINE
    vendor = "bc:24:11"

    # What is wrong

    def _own_faults(self) -> Iterator[Fault]:
        machines = self.args["machines"]
        nodes = machines["nodes"]
        if not nodes or len(set(nodes)) < len(nodes):
            yield Fault(
                "machines.nodes", "names no node, or one of them twice; write each that is to have machines once"
            )
        if not re.fullmatch(r"https?://\S+|[1-9][0-9]{2,8}", machines["image"]):
            message = f"{machines['image']!r} is neither the URL of a cloud image nor the number of a template"
            yield Fault("machines.image", f"{message}; write one of them")
        if "image_checksum" in machines:
            yield from image.checksum_faults(machines["image_checksum"])
            if self._clone:
                yield Fault(image.KEY, "is for an image that is fetched, and a template is none; drop it")
        if not 1 <= machines.get("vlan", 1) <= 4094:
            yield Fault("machines.vlan", f"{machines['vlan']} is no VLAN; write one from 1 to 4094")

    # What is made

    def _prepare(self, opts: pulumi.ResourceOptions) -> None:
        self.nodes = self._nodes()
        self.images = {} if self._clone else self._images(opts)
        self.booted_with: dict[str, SlimResource] = {}

    def _images(self, opts: pulumi.ResourceOptions) -> dict[str, SlimResource]:
        """Node → the image there, of which each disk is a copy."""
        machines = self.args["machines"]
        source = machines["image"]
        wanted = image.Checksum.of(machines["image_checksum"]) if "image_checksum" in machines else None
        digest = hashlib.sha256(source.encode()).hexdigest()[:8]
        # Proxmox VE goes by this word; nearly all cloud images are qcow2, whatever they are called.
        form = "raw" if source.endswith(".raw") else "qcow2"
        return {
            node: SlimResource(
                SDK,
                IMAGE,
                name := f"{self.name}-image-{digest}-{node}",
                {
                    "nodeName": node,
                    "datastoreId": self._file_storage,
                    "contentType": "import",
                    "url": source,
                    "fileName": f"{name}.{form}",
                    **({"checksum": wanted.digest, "checksumAlgorithm": wanted.algorithm} if wanted else {}),
                    # What is newer there later is for whoever names it.
                    "overwrite": False,
                    "uploadTimeout": 3600,
                },
                standing(_published(opts), "datastoreId", "checksum", "checksumAlgorithm"),
                outputs=(),
            )
            for node in sorted(set(self.nodes.values()))
        }

    def _machine(self, guest: Guest, opts: pulumi.ResourceOptions) -> tuple[SlimResource, Mapping[str, SlimResource]]:
        machines = self.args["machines"]
        node, storage = self.nodes[guest.name], machines.get("storage", STORAGE)
        snippets = {
            "user_data": self._snippet(guest, "user-data", guest.user_data, opts),
            "meta_data": self._snippet(guest, "meta-data", guest.meta_data.apply(json.dumps), opts),
            "network_data": self._snippet(guest, "network-data", json.dumps(guest.network), opts),
        }
        self.booted_with[guest.name] = snippets["user_data"]
        machine = SlimResource(
            SDK,
            MACHINE,
            guest.name,
            {
                "name": guest.name,
                # Another machine in its place is told from it by this.
                "vmId": guest.instance.apply(_number),
                "nodeName": node,
                "clone": self._clone,
                # More than what is the default, which lacks what Rocky 9 is compiled for.
                "cpu": {"cores": guest.size["cpus"], "type": "x86-64-v2-AES"},
                "memory": {"dedicated": guest.size["memory_gb"] * 1024},
                "scsiHardware": "virtio-scsi-single",
                "disks": [
                    {
                        "interface": "scsi0",
                        "datastoreId": storage,
                        "size": guest.size["disk_gb"],
                        "discard": "on",
                        **({"importFrom": self.images[node].id} if node in self.images else {}),
                    }
                ],
                "networkDevices": [
                    {
                        "bridge": machines.get("bridge", BRIDGE),
                        "macAddress": guest.mac.upper(),
                        **({"vlanId": machines["vlan"]} if "vlan" in machines else {}),
                    }
                ],
                "operatingSystem": {"type": "l26"},
                # Without one, images that print to a serial port wait for it.
                "serialDevices": [{}],
                # Cloud images have none, and whoever asks for it waits.
                "agent": {"enabled": False},
                "stopOnDestroy": True,
                "rebootAfterUpdate": False,
                "initialization": {
                    "datastoreId": storage,
                    "userDataFileId": snippets["user_data"].id,
                    "metaDataFileId": snippets["meta_data"].id,
                    "networkDataFileId": snippets["network_data"].id,
                },
            },
            standing(
                _published(opts),
                "nodeName",
                "clone",
                "cpu",
                "memory",
                "scsiHardware",
                "disks",
                "networkDevices",
                "initialization",
            ),
        )
        return machine, snippets

    def settle(self, machine: Machine, node: pulumi.Resource, opts: pulumi.ResourceOptions) -> None:
        """Blank what the machine was booted with, where it stands: without that file the machine would not start."""
        booted_with = self.booted_with[machine.name]
        SlimResource(
            SDK,
            FILE,
            f"{machine.name}-user-data-blanked",
            {
                "nodeName": booted_with.output("nodeName"),
                "datastoreId": booted_with.output("datastoreId"),
                "contentType": "snippets",
                "sourceRaw": {"data": "#cloud-config\n", "fileName": booted_with.output("fileName")},
            },
            pulumi.ResourceOptions.merge(
                # The file is removed as that which it was first.
                _published(opts),
                pulumi.ResourceOptions(depends_on=[node], retain_on_delete=True),
            ),
        )

    def _snippet(
        self, guest: Guest, kind: str, content: pulumi.Input[str], opts: pulumi.ResourceOptions
    ) -> SlimResource:
        secret = pulumi.ResourceOptions(additional_secret_outputs=["sourceRaw"])
        return SlimResource(
            SDK,
            FILE,
            f"{guest.name}-{kind}",
            {
                "nodeName": self.nodes[guest.name],
                "datastoreId": self._file_storage,
                "contentType": "snippets",
                "sourceRaw": {
                    "data": content,
                    "fileName": guest.instance.apply(lambda instance: f"{guest.name}-{instance}-{kind}.yaml"),
                },
            },
            part(
                pulumi.ResourceOptions.merge(_published(opts), secret),
                "nodeName",
                "datastoreId",
                "sourceRaw.data",
            ),
            outputs=("nodeName", "datastoreId", "fileName"),
        )

    def _nodes(self) -> dict[str, str]:
        """Machine → the node that it is made on: those of a role go from one to the next."""
        nodes, machines = self.args["machines"]["nodes"], self.machines()
        workers = [machine for machine in machines if machine.role is Role.WORKER]
        return {
            machine.name: nodes[index % len(nodes)]
            for alike in (machines[: len(machines) - len(workers)], workers)
            for index, machine in enumerate(alike)
        }

    @property
    def _clone(self) -> dict[str, Any] | None:
        """The template that machines are copies of, if they are: it is on the first node."""
        machines = self.args["machines"]
        if not machines["image"].isdigit():
            return None
        return {
            "vmId": int(machines["image"]),
            "nodeName": machines["nodes"][0],
            "datastoreId": machines.get("storage", STORAGE),
            "full": True,
        }

    @property
    def _file_storage(self) -> str:
        return self.args["machines"].get("file_storage", FILE_STORAGE)


def _published(opts: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(plugin_download_url=PLUGINS))


def _number(instance: str) -> int:
    """The number that belongs to a machine."""
    return LOWEST + int(hashlib.sha256(instance.encode()).hexdigest(), 16) % (HIGHEST - LOWEST)
