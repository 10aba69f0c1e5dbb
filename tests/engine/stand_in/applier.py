"""A stand-in for Kubernetes' plugin that applies to a real API server, so that Kubernetes itself tests what is made.

Run as `python -m tests.engine.stand_in.applier` it is a provider of objects of any kind: each is applied by the server
itself with kubectl, what an update would change is what the server says in a dry run, and a delete waits until the
object is gone. Like the real one it gives a unique name to what has none, replaces what cannot be changed in place, and
is itself replaced when the cluster is another one.
"""

import hashlib
import json
from typing import Any

import grpc
import yaml
from google.protobuf.empty_pb2 import Empty  # ty: ignore[missing-module-member] - made when it is imported
from google.protobuf.struct_pb2 import Struct  # ty: ignore[missing-module-member]
from pulumi.runtime.proto import provider_pb2

from components.bootstrap.kubectl import Kubectl, KubectlError
from tests.engine.stand_in.cloud import UNKNOWN, Properties
from tests.engine.stand_in.kubernetes import KUBERNETES
from tests.engine.stand_in.plugin import StandIn, differences, read, serve, write

MANAGER = "--field-manager=slipway-stand-in"

AUTONAMED = "pulumi.com/autonamed"

FIXED = ("apiVersion", "kind", "metadata.name", "metadata.namespace", "roleRef")
"""What no object takes another value of."""

THE_SERVERS = ("managedFields", "resourceVersion", "generation", "creationTimestamp", "uid")
"""What the server writes into the metadata of an object, whoever changes it."""

SECONDS = 120


class Applier(StandIn):
    """A provider that applies objects to the cluster of its kubeconfig."""

    kubeconfig = UNKNOWN

    def Handshake(self, request, context):  # noqa: N802 - the protocol's names, here and below
        # It makes no components, and so takes the inputs of objects as they are.
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=False)

    def DiffConfig(self, request, context):  # noqa: N802
        olds, news = _config(request.olds), _config(request.news)
        replaces = ["clusterIdentifier"] if _cluster(olds) != _cluster(news) else []
        changed = olds.get("kubeconfig") != news.get("kubeconfig")
        some = provider_pb2.DiffResponse.DIFF_SOME if changed or replaces else provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(changes=some, replaces=replaces)

    def Configure(self, request, context):  # noqa: N802
        self.kubeconfig = _config(request.args).get("kubeconfig", UNKNOWN)
        return provider_pb2.ConfigureResponse(supportsPreview=True)

    def Check(self, request, context):  # noqa: N802
        inputs, olds = read(request.news), read(request.olds)
        module, kind = request.type.split(":")[1:]
        metadata = inputs.setdefault("metadata", {})
        inputs |= {"apiVersion": module.removeprefix("core/"), "kind": kind}
        if "name" not in metadata:
            old = olds.get("metadata", {})
            suffix = hashlib.sha256(request.urn.encode() + request.randomSeed).hexdigest()[:8]
            metadata["name"] = old["name"] if AUTONAMED in old.get("annotations", {}) else f"{request.name}-{suffix}"
            metadata.setdefault("annotations", {})[AUTONAMED] = "true"
        return provider_pb2.CheckResponse(inputs=write(inputs))

    def Diff(self, request, context):  # noqa: N802
        olds, news = read(request.old_inputs), read(request.news)
        changed = set(differences(olds, news))
        replaced = [path for path in changed if path.startswith(FIXED)]
        if not replaced and UNKNOWN not in json.dumps([news, self.kubeconfig]):
            # What the server would make of it, which also shows what somebody else has changed.
            changed = set(differences(_plain(self._get(news, context)), _plain(self._apply(news, context, dry=True))))
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE,
            diffs=sorted({path.partition(".")[0].partition("[")[0] for path in changed}),
            replaces=replaced,
            deleteBeforeReplace=bool(replaced) and AUTONAMED not in news["metadata"].get("annotations", {}),
        )

    def Create(self, request, context):  # noqa: N802
        inputs = read(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(properties=request.properties)
        made = self._apply(inputs, context)
        self._journal("create", request)
        identity = "/".join(filter(None, (made["metadata"].get("namespace"), made["metadata"]["name"])))
        return provider_pb2.CreateResponse(id=identity, properties=write(made))

    def Read(self, request, context):  # noqa: N802
        found = self._get(read(request.properties), context)
        if not found:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(id=request.id, properties=write(found), inputs=request.inputs)

    def Update(self, request, context):  # noqa: N802
        news = read(request.news)
        if request.preview and UNKNOWN in json.dumps([news, self.kubeconfig]):
            return provider_pb2.UpdateResponse(properties=request.news)
        made = self._apply(news, context, dry=request.preview)
        if not request.preview:
            self._journal("update", request)
        return provider_pb2.UpdateResponse(properties=write(made))

    def Delete(self, request, context):  # noqa: N802
        self._kubectl(context, "delete", *_named(read(request.properties)), "--ignore-not-found", "--wait")
        self._journal("delete", request)
        return Empty()

    def _apply(self, inputs: Properties, context: grpc.ServicerContext, *, dry: bool = False) -> Properties:
        words = ("apply", "--server-side", MANAGER, "--filename=-", "--output=json", "--show-managed-fields=false")
        told = self._kubectl(context, *words, *(["--dry-run=server"] if dry else []), stdin=json.dumps(inputs))
        return json.loads(told)

    def _get(self, inputs: Properties, context: grpc.ServicerContext) -> Properties:
        told = self._kubectl(context, "get", *_named(inputs), "--ignore-not-found", "--output=json")
        return json.loads(told) if told else {}

    def _kubectl(self, context: grpc.ServicerContext, *words: str, stdin: str = "") -> str:
        try:
            with Kubectl.on(self.kubeconfig) as kubectl:
                return kubectl.run(*words, stdin=stdin, seconds=SECONDS)
        except KubectlError as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
            raise


def _named(inputs: Properties) -> list[str]:
    """The words by which kubectl knows an object."""
    group, _, version = inputs["apiVersion"].rpartition("/")
    metadata = inputs["metadata"]
    kind = f"{inputs['kind']}.{version}.{group}" if group else inputs["kind"]
    return [kind, metadata["name"], *([f"--namespace={metadata['namespace']}"] if "namespace" in metadata else [])]


def _plain(made: Properties) -> Properties:
    """An object without what the server writes by itself."""
    metadata = {key: value for key, value in made.get("metadata", {}).items() if key not in THE_SERVERS}
    return {**made, "metadata": metadata}


def _config(struct: Struct) -> Properties:
    """The provider's own inputs, of which the kubeconfig comes wrapped as the secret that it is."""
    config = read(struct)
    return {key: value.get("value", UNKNOWN) if isinstance(value, dict) else value for key, value in config.items()}


def _cluster(config: Properties) -> Any:
    """What tells one cluster from another."""
    if identifier := config.get("clusterIdentifier"):
        return identifier
    text = config.get("kubeconfig", UNKNOWN)
    return text if text == UNKNOWN else yaml.safe_load(text)["clusters"][0]


if __name__ == "__main__":
    serve(Applier(KUBERNETES))
