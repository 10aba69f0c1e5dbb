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
    },
)
