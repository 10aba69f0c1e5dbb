"""libvirt: virtual machines on one host, through its daemon there.

Makes a volume with the image, and for each machine a disk upon it, a seed for cloud-init and the machine. Leaves alone:
the host, its storage pool and its network.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path

import pulumi

from components.machines import image
from components.machines.virtual import Guest, VirtualDriver, part, standing
from components.managed.slim import SlimResource
from components.spec import Fault, SpecError
from components.state import outputs_of

SDK = "pulumi-libvirt"
DOMAIN = "libvirt:index/domain:Domain"
SEED = "libvirt:index/cloudInitDisk:CloudInitDisk"
VOLUME = "libvirt:index/volume:Volume"

POOL = NETWORK = "default"

GIB = 2**30


class LibvirtDriver(VirtualDriver):
    """Machines of one libvirt."""

    kind = DOMAIN
    vendor = "52:54:00"

    # What is wrong

    def _own_faults(self) -> Iterator[Fault]:
        machines = self.args["machines"]
        if not re.fullmatch(r"qemu(\+(unix|ssh|tls))?://([\w.-]+@)?[^\s/@]*/[^\s]*", machines["uri"]):
            message = (
                "is none of libvirt that is safe; write one like qemu:///system or qemu+ssh://admin@rack1/system, "
                "without a password"
            )
            yield Fault("machines.uri", message)
        if not _is_url(machines["image"]) and not Path(machines["image"]).expanduser().is_file():
            message = f"there is no file {machines['image']} here; write the path of a cloud image, or its URL"
            yield Fault("machines.image", message)
        if "image_checksum" in machines:
            yield from image.checksum_faults(machines["image_checksum"])
            if _is_url(machines["image"]):
                message = "is compared by nobody where libvirt's plugin fetches the image; fetch it, and write its path"
                yield Fault(image.KEY, message)
        if "bridge" in machines and "network" in machines:
            yield Fault("machines.bridge", "is instead of `network`; drop one of them")

    # What is made

    def _prepare(self, opts: pulumi.ResourceOptions) -> None:
        if shutil.which("mkisofs") is None:
            message = "libvirt's plugin makes seeds with mkisofs, which is not on PATH; install the package genisoimage"
            raise SpecError([Fault("machines.driver", message)])
        machines = self.args["machines"]
        version = pulumi.ResourceOptions(version=metadata.version(SDK))
        self.provider = pulumi.ProviderResource(
            "libvirt",
            f"{self.name}-libvirt",
            {"uri": machines["uri"]},
            pulumi.ResourceOptions.merge(opts, version),
        )
        source = machines["image"]
        # It has another name than an image that comes later: disks of machines that stand are upon the older one.
        name = f"{self.name}-image-{hashlib.sha256(source.encode()).hexdigest()[:8]}"
        if "image_checksum" in machines and not outputs_of(self.state, VOLUME, name):
            wanted = image.Checksum.of(machines["image_checksum"])
            if faults := list(image.file_faults(Path(source).expanduser(), wanted)):
                raise SpecError(faults)
        images = {
            **self._images_in_use(),
            name: source if _is_url(source) else str(Path(source).expanduser().resolve()),
        }
        self.image = {name: self._image(name, source, opts) for name, source in images.items()}[name]

    def _images_in_use(self) -> Mapping[str, str]:
        """Name → source of each image that the disk of a machine stands upon, whichever the stack asks for now."""
        disks = [outputs_of(self.state, VOLUME, f"{machine.name}-disk") for machine in self.machines()]
        names = sorted({disk["baseVolumeName"] for disk in disks if "baseVolumeName" in disk})
        images = {name: outputs_of(self.state, VOLUME, name) for name in names}
        return {name: image["source"] for name, image in images.items() if image}

    def _image(self, name: str, source: str, opts: pulumi.ResourceOptions) -> SlimResource:
        return SlimResource(
            SDK,
            VOLUME,
            name,
            {
                "name": name,
                "pool": self._pool,
                "source": source,
                # What its name does not tell is taken for qcow2, as nearly all cloud images are.
                "format": "raw" if source.endswith(".raw") else "qcow2",
            },
            # The same file may be elsewhere for somebody else.
            standing(self._through(opts), "source", "pool"),
            outputs=("name", "pool"),
        )

    def _machine(self, guest: Guest, opts: pulumi.ResourceOptions) -> tuple[SlimResource, Mapping[str, SlimResource]]:
        opts = self._through(opts)
        disk, seed = self._disk(guest, opts), self._seed(guest, opts)
        domain = SlimResource(
            SDK,
            DOMAIN,
            guest.name,
            {
                "name": guest.name,
                "vcpu": guest.size["cpus"],
                "memory": guest.size["memory_gb"] * 1024,
                # What is libvirt's own by default lacks what Rocky 9 is compiled for. This is the host's own CPU, and
                # where there is no KVM all that QEMU knows.
                "cpu": {"mode": "maximum"},
                # Not as `cloudinit`: that is a CD, on which the machine could not blank what it was booted with.
                "disks": [{"volumeId": disk.id}, {"volumeId": seed.id.apply(_volume)}],
                "networkInterfaces": [{"mac": guest.mac, **self._attached}],
                # Without one, images that print to a serial port wait for it.
                "consoles": [{"type": "pty", "targetType": "serial", "targetPort": "0"}],
                # What there is by default is not on every host, and nobody is to look at a machine over the network.
                "graphics": {"type": "vnc", "listenType": "none"},
                "autostart": True,
            },
            standing(opts, "vcpu", "memory", "cpu", "networkInterfaces", "consoles", "graphics"),
        )
        return domain, {"disk": disk, "seed": seed}

    def _disk(self, guest: Guest, opts: pulumi.ResourceOptions) -> SlimResource:
        return SlimResource(
            SDK,
            VOLUME,
            f"{guest.name}-disk",
            {
                "name": guest.instance.apply(lambda instance: f"{guest.name}-{instance}"),
                "pool": self._pool,
                "baseVolumeName": self.image.output("name"),
                "baseVolumePool": self.image.output("pool"),
                "size": guest.size["disk_gb"] * GIB,
            },
            part(opts, "pool", "baseVolumeName", "baseVolumePool", "size"),
        )

    def _seed(self, guest: Guest, opts: pulumi.ResourceOptions) -> SlimResource:
        secret = pulumi.ResourceOptions(additional_secret_outputs=["userData"])
        return SlimResource(
            SDK,
            SEED,
            f"{guest.name}-seed",
            {
                "name": guest.instance.apply(lambda instance: f"{guest.name}-{instance}-seed.iso"),
                "pool": self._pool,
                "userData": guest.user_data,
                "metaData": guest.meta_data.apply(json.dumps),
                "networkConfig": json.dumps(guest.network),
            },
            part(pulumi.ResourceOptions.merge(opts, secret), "pool", "userData", "metaData", "networkConfig"),
        )

    @property
    def _pool(self) -> str:
        return self.args["machines"].get("pool", POOL)

    @property
    def _attached(self) -> dict[str, str]:
        """What the machines are attached to."""
        machines = self.args["machines"]
        if "bridge" in machines:
            return {"bridge": machines["bridge"]}
        return {"networkName": machines.get("network", NETWORK)}

    def _through(self, opts: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(provider=self.provider))


def _is_url(image: str) -> bool:
    return image.startswith(("http://", "https://"))


def _volume(seed: str) -> str:
    """The volume that a seed is: its id is that of the volume, and a word more."""
    return seed.partition(";")[0]
