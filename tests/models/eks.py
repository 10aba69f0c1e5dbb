"""What Amazon's APIs would say of a request: the models of EKS, EC2, IAM, KMS and CloudWatch Logs in botocore.

The provider turns a resource into one request or more; `faults` does the same with what Slipway passes, and knows no
other key. The models know every field, which are required, types, enums and most lengths; of EKS's names the patterns,
of sizes the ranges. What they do not know is rung 3 only: CIDRs, ARNs and ids, versions of Kubernetes and of add-ons,
the settings of an add-on, how many hops a node's credentials may go, and CloudWatch's choice of days. A pattern that
Python cannot read (IAM's `\\p{L}`) is passed over; its length is not.

https://github.com/hashicorp/terraform-provider-aws/tree/main/internal/service
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from botocore import model, session

Inputs = Mapping[str, Any]
Take = Callable[[str], Any]

ABSENT = object()

ID = "id-of-what-was-made-before"


@dataclass(frozen=True)
class Request:
    """One call of an API."""

    service: str
    operation: str
    parameters: Inputs
    """Those that are `ABSENT` are not sent."""


def faults(kind: str, name: str, inputs: Inputs) -> list[str]:
    """What the API has against the requests that make a resource, one phrase each.

    Args:
        kind: The last part of the resource's type, e.g. `NodeGroup`.
        name: Its name, which stands for the one that Pulumi makes up.
        inputs: What Slipway passes.
    """
    return [
        f"{request.operation}: {fault}"
        for request in requests(kind, name, inputs)
        for fault in _faults(_operation(request), sendable(request.parameters), "")
    ]


def requests(kind: str, name: str, inputs: Inputs) -> list[Request]:
    """The requests that make a resource.

    Raises:
        KeyError: No rule says what becomes of a key.
    """
    left = {key: value for key, value in inputs.items() if key != "region"}
    made = _MADE_BY[kind](lambda key: left.pop(key, ABSENT), name)
    if left:
        raise KeyError(f"no rule says what becomes of {', '.join(sorted(left))} of {kind}")
    return made


@cache
def _service(name: str) -> model.ServiceModel:
    return session.get_session().get_service_model(name)


def _operation(request: Request) -> Any:
    return _service(request.service).operation_model(request.operation).input_shape


def sendable(value: Any) -> Any:
    """Parameters without those that are not sent."""
    if isinstance(value, Mapping):
        return {key: sendable(inner) for key, inner in value.items() if inner is not ABSENT}
    return [sendable(item) for item in value] if isinstance(value, list) else value


# The model


def _faults(shape: Any, value: Any, place: str) -> Iterator[str]:
    match shape.type_name:
        case "structure":
            yield from _of_structure(shape, value, place)
        case "list" if isinstance(value, list):
            yield from _of_size(shape, len(value), place)
            for index, item in enumerate(value):
                yield from _faults(shape.member, item, f"{place}[{index}]")
        case "map" if isinstance(value, Mapping):
            yield from _of_size(shape, len(value), place)
            for key, item in value.items():
                yield from _faults(shape.key, key, f"{place}, key {key}")
                yield from _faults(shape.value, item, f"{place}.{key}")
        case "string" if isinstance(value, str):
            yield from _of_text(shape, value, place)
        case "boolean" if isinstance(value, bool):
            return
        case "integer" | "long" if isinstance(value, int | float) and not isinstance(value, bool) and value % 1 == 0:
            yield from _of_size(shape, value, place)
        case wanted:
            yield f"{place}: {value!r} is no {wanted}"


def _of_structure(shape: Any, value: Any, place: str) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"{place}: {value!r} is no structure"
        return
    for key in shape.required_members:
        if key not in value:
            yield f"{place}.{key}: is required"
    for key, item in value.items():
        if key not in shape.members:
            yield f"{place}.{key}: there is no such field"
        else:
            yield from _faults(shape.members[key], item, f"{place}.{key}")


def _of_text(shape: Any, text: str, place: str) -> Iterator[str]:
    if shape.enum and text not in shape.enum:
        yield f"{place}: {text!r} is none of {', '.join(shape.enum)}"
    yield from _of_size(shape, len(text), place)
    try:
        pattern = re.compile(shape.metadata.get("pattern", ".*"), re.DOTALL)
    except re.error:
        return
    if not pattern.fullmatch(text):
        yield f"{place}: {text!r} does not match {pattern.pattern}"


def _of_size(shape: Any, size: float, place: str) -> Iterator[str]:
    least, most = shape.metadata.get("min", size), shape.metadata.get("max", size)
    if not least <= size <= most:
        yield f"{place}: {size:g} is not between {least} and {most}"


# What becomes of each resource


def _cluster(take: Take, name: str) -> list[Request]:
    types, encryption = take("enabledClusterLogTypes"), take("encryptionConfig")
    plain = (
        "accessConfig", "bootstrapSelfManagedAddons", "computeConfig", "deletionProtection", "kubernetesNetworkConfig",
        "name", "roleArn", "storageConfig", "tags", "upgradePolicy", "version",
    )  # fmt: skip
    request = {
        **{key: take(key) for key in plain},
        "resourcesVpcConfig": take("vpcConfig"),
        "logging": ABSENT if types is ABSENT else {"clusterLogging": [{"types": types, "enabled": True}]},
        "encryptionConfig": ABSENT if encryption is ABSENT else [encryption],
    }
    return [Request("eks", "CreateCluster", request)]


def _node_group(take: Take, name: str) -> list[Request]:
    plain = (
        "amiType", "capacityType", "clusterName", "instanceTypes", "labels", "launchTemplate", "nodeRepairConfig",
        "scalingConfig", "tags", "taints", "updateConfig", "version",
    )  # fmt: skip
    request = {
        **{key: take(key) for key in plain},
        "nodegroupName": name,
        "nodeRole": take("nodeRoleArn"),
        "subnets": take("subnetIds"),
    }
    return [Request("eks", "CreateNodegroup", request)]


def _addon(take: Take, name: str) -> list[Request]:
    which = {key: take(key) for key in ("addonName", "addonVersion", "clusterName", "configurationValues")}
    which["podIdentityAssociations"] = take("podIdentityAssociations")
    first, later = take("resolveConflictsOnCreate"), take("resolveConflictsOnUpdate")
    return [
        Request("eks", "CreateAddon", {**which, "resolveConflicts": first, "tags": take("tags")}),
        Request("eks", "UpdateAddon", {**which, "resolveConflicts": later}),
    ]


def _plainly(service: str, operation: str, *keys: str) -> Callable[[Take, str], list[Request]]:
    return lambda take, name: [Request(service, operation, {key: take(key) for key in keys})]


def _ec2(operation: str, what: str, *keys: str, **fixed: str) -> Callable[[Take, str], list[Request]]:
    """A request of EC2's, whose fields begin with a capital, with tags if it is `what` that bears them."""

    def made(take: Take, name: str) -> list[Request]:
        fields = {f"{key[0].upper()}{key[1:]}": take(key) for key in keys}
        return [Request("ec2", operation, {**fields, **fixed, **(_tags(what, take("tags")) if what else {})})]

    return made


def _tags(what: str, tags: Any) -> dict[str, Any]:
    return {"TagSpecifications": [{"ResourceType": what, "Tags": _pairs(tags)}]}


def _pairs(tags: Any, key: str = "Key", value: str = "Value") -> Any:
    return ABSENT if tags is ABSENT else [{key: name, value: text} for name, text in tags.items()]


def _vpc(take: Take, name: str) -> list[Request]:
    names = {"VpcId": ID, "EnableDnsHostnames": {"Value": take("enableDnsHostnames")}}
    return [*_ec2("CreateVpc", "vpc", "cidrBlock")(take, name), Request("ec2", "ModifyVpcAttribute", names)]


def _gateway(take: Take, name: str) -> list[Request]:
    attached = {"InternetGatewayId": ID, "VpcId": take("vpcId")}
    return [
        *_ec2("CreateInternetGateway", "internet-gateway")(take, name),
        Request("ec2", "AttachInternetGateway", attached),
    ]


def _subnet(take: Take, name: str) -> list[Request]:
    public = {"SubnetId": ID, "MapPublicIpOnLaunch": {"Value": take("mapPublicIpOnLaunch")}}
    made = _ec2("CreateSubnet", "subnet", "vpcId", "availabilityZone", "cidrBlock")(take, name)
    return [*made, Request("ec2", "ModifySubnetAttribute", public)]


def _endpoint(take: Take, name: str) -> list[Request]:
    fields = ("vpcId", "vpcEndpointType", "serviceName", "routeTableIds")
    return _ec2("CreateVpcEndpoint", "vpc-endpoint", *fields)(take, name)


def _launch_template(take: Take, name: str) -> list[Request]:
    data = {
        "BlockDeviceMappings": _capitals(take("blockDeviceMappings")),
        "MetadataOptions": _capitals(take("metadataOptions")),
        "TagSpecifications": [
            {"ResourceType": each["resourceType"], "Tags": _pairs(each["tags"])} for each in take("tagSpecifications")
        ],
    }
    fields = {"LaunchTemplateName": name, "LaunchTemplateData": data, **_tags("launch-template", take("tags"))}
    return [Request("ec2", "CreateLaunchTemplate", fields)]


def _capitals(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {f"{key[0].upper()}{key[1:]}": _capitals(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_capitals(item) for item in value]
    # The provider's switches of a disk are words, the API's are truth values.
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


def _role(take: Take, name: str) -> list[Request]:
    fields = {"RoleName": name, "AssumeRolePolicyDocument": take("assumeRolePolicy"), "Tags": _pairs(take("tags"))}
    return [Request("iam", "CreateRole", fields)]


def _attachment(take: Take, name: str) -> list[Request]:
    return [Request("iam", "AttachRolePolicy", {"RoleName": take("role"), "PolicyArn": take("policyArn")})]


def _policy(take: Take, name: str) -> list[Request]:
    fields = {"RoleName": take("role"), "PolicyName": name, "PolicyDocument": take("policy")}
    return [Request("iam", "PutRolePolicy", fields)]


def _key(take: Take, name: str) -> list[Request]:
    made = {"Description": take("description"), "Tags": _pairs(take("tags"), "TagKey", "TagValue")}
    rotated = [Request("kms", "EnableKeyRotation", {"KeyId": ID})] if take("enableKeyRotation") is True else []
    gone = {"KeyId": ID, "PendingWindowInDays": take("deletionWindowInDays")}
    return [Request("kms", "CreateKey", made), *rotated, Request("kms", "ScheduleKeyDeletion", gone)]


def _log_group(take: Take, name: str) -> list[Request]:
    which = {"logGroupName": take("name")}
    kept = {**which, "retentionInDays": take("retentionInDays")}
    return [
        Request("logs", "CreateLogGroup", {**which, "tags": take("tags")}),
        Request("logs", "PutRetentionPolicy", kept),
    ]


_MADE_BY: Mapping[str, Callable[[Take, str], list[Request]]] = {
    "Cluster": _cluster,
    "NodeGroup": _node_group,
    "Addon": _addon,
    "AccessEntry": _plainly("eks", "CreateAccessEntry", "clusterName", "principalArn", "type", "tags"),
    "AccessPolicyAssociation": _plainly(
        "eks", "AssociateAccessPolicy", "clusterName", "principalArn", "policyArn", "accessScope"
    ),
    "Vpc": _vpc,
    "InternetGateway": _gateway,
    "Subnet": _subnet,
    "Eip": _ec2("AllocateAddress", "elastic-ip", "domain"),
    "NatGateway": _ec2("CreateNatGateway", "natgateway", "allocationId", "subnetId", ConnectivityType="public"),
    "RouteTable": _ec2("CreateRouteTable", "route-table", "vpcId"),
    "Route": _ec2("CreateRoute", "", "routeTableId", "destinationCidrBlock", "gatewayId", "natGatewayId"),
    "RouteTableAssociation": _ec2("AssociateRouteTable", "", "routeTableId", "subnetId"),
    "VpcEndpoint": _endpoint,
    "LaunchTemplate": _launch_template,
    "Role": _role,
    "RolePolicyAttachment": _attachment,
    "RolePolicy": _policy,
    "Key": _key,
    "LogGroup": _log_group,
}
"""The last part of a resource's type → the requests that make it."""
