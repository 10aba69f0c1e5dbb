"""A stand-in for Pulumi's language host for YAML, as far as `pulumi install` asks it: nothing of YAML is installed.

Run as `python -m tests.engine.stand_in.yaml` it prints its port, as the engine expects of a language host.
"""

from concurrent import futures

import grpc
from google.protobuf.empty_pb2 import Empty  # ty: ignore[missing-module-member] - made when it is imported
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2


class Yaml(language_pb2_grpc.LanguageRuntimeServicer):
    """The host."""

    def GetPluginInfo(self, request, context):  # noqa: N802 - the protocol's names, here and below
        return plugin_pb2.PluginInfo()

    def GetRequiredPackages(self, request, context):  # noqa: N802
        return language_pb2.GetRequiredPackagesResponse()

    def InstallDependencies(self, request, context):  # noqa: N802
        return iter(())

    def GeneratePackage(self, request, context):  # noqa: N802
        return language_pb2.GeneratePackageResponse()

    def Link(self, request, context):  # noqa: N802
        return language_pb2.LinkResponse()

    def Cancel(self, request, context):  # noqa: N802
        return Empty()


if __name__ == "__main__":
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(Yaml(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    server.wait_for_termination()
