"""Proxmox VE, as far as Slipway uses it.

What is replaced rather than updated is what the Terraform provider marks ForceNew, on which the Pulumi provider is
built, or replaces by a rule of its own, as a machine with another number or node
(github.com/bpg/terraform-provider-proxmox, in proxmoxtf/resource).
"""

from tests.engine.stand_in.cloud import Cloud, Kind, Properties


def _file(_project: str, inputs: Properties) -> str:
    return f"{inputs['datastoreId']}:{inputs['contentType']}/{_file_name(inputs)}"


def _file_name(inputs: Properties) -> str:
    return inputs.get("fileName") or inputs["sourceRaw"]["fileName"]


PROXMOXVE = Cloud(
    package="proxmoxve",
    distribution="pulumi-proxmoxve",
    kinds={
        "proxmoxve:download/file:File": Kind(
            identity=_file,
            named_by=None,
            computed=lambda project, inputs: {"size": 3 << 30},
            replaced=("nodeName", "datastoreId", "contentType", "url", "fileName"),
        ),
        "proxmoxve:index/fileLegacy:FileLegacy": Kind(
            identity=_file,
            named_by=None,
            computed=lambda project, inputs: {"fileName": _file_name(inputs)},
            replaced=("nodeName", "datastoreId", "contentType", "sourceRaw"),
        ),
        "proxmoxve:index/vmLegacy:VmLegacy": Kind(
            identity=lambda project, inputs: f"{inputs['vmId']:.0f}",
            computed=lambda project, inputs: {"macAddresses": [inputs["networkDevices"][0]["macAddress"]]},
            replaced=(
                "vmId",
                "nodeName",
                "clone",
                "initialization.userDataFileId",
                "initialization.metaDataFileId",
                "initialization.networkDataFileId",
            ),
        ),
    },
)
