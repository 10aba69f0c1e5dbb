"""vSphere, as far as Slipway uses it.

What is replaced rather than updated is what the Terraform provider marks ForceNew, on which the Pulumi provider is
built (github.com/vmware/terraform-provider-vsphere, vsphere/virtual_machine_config_structure.go and
resource_vsphere_virtual_machine.go).
"""

import hashlib

from tests.engine.stand_in.cloud import Cloud, Kind, Properties


def _uuid(_project: str, inputs: Properties) -> str:
    """Another one for each machine that is made, though it may have the same name."""
    digest = hashlib.sha256(repr((inputs["name"], inputs["replaceTrigger"])).encode()).hexdigest()
    return f"4200{digest[:4]}-{digest[4:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:28]}"


VSPHERE = Cloud(
    package="vsphere",
    distribution="pulumi-vsphere",
    kinds={
        "vsphere:index/virtualMachine:VirtualMachine": Kind(
            identity=_uuid,
            longest_name=80,
            computed=lambda project, inputs: {"moid": "vm-4711", "powerState": "on"},
            replaced=("replaceTrigger", "clone", "firmware", "datacenterId"),
        ),
    },
    functions={
        "vsphere:index/getDatacenter:getDatacenter": lambda project, args: {
            "id": "datacenter-3",
            "virtualMachines": [],
        },
        "vsphere:index/getComputeCluster:getComputeCluster": lambda project, args: {
            "id": "domain-c7",
            "resourcePoolId": "resgroup-8",
            "name": args["name"],
        },
        "vsphere:index/getDatastore:getDatastore": lambda project, args: {"id": "datastore-12", "name": args["name"]},
        "vsphere:index/getNetwork:getNetwork": lambda project, args: {"id": "dvportgroup-21", "type": "", "name": ""},
        "vsphere:index/getVirtualMachine:getVirtualMachine": lambda project, args: {
            "id": "4200beef-0000-0000-0000-000000000000",
            "name": args["name"],
            "guestId": "debian12_64Guest",
            "firmware": "efi",
            "scsiType": "pvscsi",
        },
    },
)
