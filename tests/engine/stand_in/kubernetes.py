"""Kubernetes itself, as far as tests put something into a cluster that is none."""

from tests.engine.stand_in.cloud import Cloud, Kind

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
        "kubernetes:core/v1:Namespace": Kind(
            identity=lambda project, inputs: inputs["metadata"]["name"], named_by=None
        ),
        "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition": Kind(
            identity=lambda project, inputs: "one", named_by=None
        ),
        "kubernetes:helm.sh/v3:Release": Kind(
            identity=lambda project, inputs: f"{inputs['namespace']}/{inputs['name']}", replaced=("name", "namespace")
        ),
    },
    components={"kubernetes:helm.sh/v4:Chart": "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition"},
)
