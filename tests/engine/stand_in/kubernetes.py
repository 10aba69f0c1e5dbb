"""Kubernetes itself, as far as tests put something into a cluster that is none."""

import json
import zlib

from tests.engine.stand_in.cloud import Cloud, Kind, Properties


def _name(project: str, inputs: Properties) -> str:
    """The name that a program gives, or a unique one."""
    return inputs["metadata"].get("name") or f"unique-{zlib.crc32(json.dumps(inputs, sort_keys=True).encode())}"


def _metadata(project: str, inputs: Properties) -> Properties:
    name = _name(project, inputs)
    return {"metadata": {"name": name, "uid": f"uid-of-{name}"}}


_OBJECT = Kind(identity=_name, computed=_metadata, named_by=None, replaced=("metadata.name", "roleRef"))

KUBERNETES = Cloud(
    package="kubernetes",
    distribution="pulumi-kubernetes",
    kinds={
        "kubernetes:core/v1:Service": Kind(
            identity=lambda project, inputs: f"default/{inputs.get('metadata', {}).get('name', 'service')}",
            named_by=None,
        ),
        "kubernetes:core/v1:PersistentVolumeClaim": Kind(
            identity=lambda project, inputs: f"default/{inputs.get('metadata', {}).get('name', 'claim')}",
            named_by=None,
        ),
        "kubernetes:core/v1:Namespace": _OBJECT,
        "kubernetes:core/v1:ServiceAccount": _OBJECT,
        "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole": _OBJECT,
        "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding": _OBJECT,
        "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding": _OBJECT,
        "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition": Kind(
            identity=lambda project, inputs: "one", named_by=None
        ),
        "kubernetes:helm.sh/v3:Release": Kind(
            identity=lambda project, inputs: f"{inputs['namespace']}/{inputs['name']}", replaced=("name", "namespace")
        ),
    },
    components={"kubernetes:helm.sh/v4:Chart": "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition"},
)
