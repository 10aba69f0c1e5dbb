"""libvirt, as far as Slipway uses it.

What is replaced rather than updated is what the Terraform provider marks ForceNew, on which the Pulumi provider is
built (github.com/dmacvicar/terraform-provider-libvirt 0.8, in libvirt/resource_*.go).
"""

import hashlib

from tests.engine.stand_in.cloud import Cloud, Kind, Properties

POOL = "/var/lib/libvirt/images"


def _key(_project: str, inputs: Properties) -> str:
    return f"{POOL}/{inputs['name']}"


def _uuid(_project: str, inputs: Properties) -> str:
    """Another one for each domain that is made, though it may have the same name: its disks have other names."""
    digest = hashlib.sha256(repr((inputs["name"], inputs["disks"])).encode()).hexdigest()
    return "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32]))


LIBVIRT = Cloud(
    package="libvirt",
    distribution="pulumi-libvirt",
    kinds={
        "libvirt:index/volume:Volume": Kind(
            identity=_key,
            longest_name=255,
            replaced=("name", "pool", "source", "size", "format", "baseVolumeId", "baseVolumeName", "baseVolumePool"),
        ),
        "libvirt:index/cloudInitDisk:CloudInitDisk": Kind(
            identity=lambda project, inputs: f"{_key(project, inputs)};5d8e0f6c-0000-4000-8000-000000000000",
            longest_name=255,
            replaced=("name", "pool", "userData", "metaData", "networkConfig"),
        ),
        "libvirt:index/domain:Domain": Kind(
            identity=_uuid,
            longest_name=255,
            computed=lambda project, inputs: {"arch": "x86_64", "machine": "ubuntu", "running": True},
            replaced=("name", "vcpu", "memory", "type", "firmware", "cpu", "disks", "graphics", "consoles[0].type"),
        ),
    },
)
