"""What the engine asks of a language host: https://github.com/pulumi/pulumi/blob/v3.250.0/proto/pulumi/language.proto."""

import os
import platform
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import wraps
from importlib import metadata
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty  # ty: ignore[missing-module-member] - made when it is imported
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

from tools.language_host.environments import Unfit, above, environment
from tools.language_host.programs import Programs

SHOWN = 32
"""The exit code of a program that has told the user itself what is wrong."""


def _one_line(call: Callable[..., Any]) -> Callable[..., Any]:
    """Turn `Unfit` into the call's status: the user reads its line and no traceback."""

    @wraps(call)
    def answer(self: "LanguageHost", request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return call(self, request, context)
        except Unfit as reason:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(reason))

    return answer


def _of_the_release(what: str) -> Callable[..., None]:
    def refuse(self: "LanguageHost", request: Any, context: grpc.ServicerContext) -> None:
        context.abort(
            grpc.StatusCode.UNIMPLEMENTED,
            f"{what} needs the language host of Pulumi's own release, and this one is Slipway's; "
            "put that release on PATH: https://www.pulumi.com/docs/install",
        )

    return refuse


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """The host, for one engine."""

    def __init__(self, programs: Programs) -> None:
        self._programs = programs

    def Handshake(self, request: Any, context: grpc.ServicerContext) -> language_pb2.LanguageHandshakeResponse:
        """Nothing to agree on: the address of the engine came as an argument."""
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        """No version: this host comes in none but the clone's."""
        return plugin_pb2.PluginInfo()

    @_one_line
    def GetRequiredPackages(
        self, request: language_pb2.GetRequiredPackagesRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetRequiredPackagesResponse:
        """What the installed packages need; nothing where nothing is installed yet."""
        its = environment(request.info)
        if its.is_this:
            self._programs.import_sdk()
        return language_pb2.GetRequiredPackagesResponse(packages=its.packages())

    @_one_line
    def Run(self, request: language_pb2.RunRequest, context: grpc.ServicerContext) -> language_pb2.RunResponse:
        """Run a program to its end."""
        its = environment(request.info)
        its.check()
        code = self._programs.run(request, its)
        if code in (SHOWN, -signal.SIGINT):
            return language_pb2.RunResponse(bail=True)
        if code < 0:
            return language_pb2.RunResponse(error=f"program was ended by {signal.Signals(-code).name}")
        return language_pb2.RunResponse(error=f"program exited with non-zero exit code: {code}" if code else "")

    @_one_line
    def RunPlugin(
        self, request: language_pb2.RunPluginRequest, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.RunPluginResponse]:
        """Run a component package, whose port is the first that it prints."""
        its = environment(request.info)
        its.check()
        program = Path(request.info.program_directory, request.info.entry_point)
        given = dict(variable.split("=", 1) for variable in request.env) or dict(os.environ)
        given.pop("PYTHONHOME", None)
        return self._programs.stream(
            [its.python, program, *request.args],
            {**given, **its.variables()},
            Path(request.pwd or program),
            context.add_callback,
        )

    @_one_line
    def InstallDependencies(
        self, request: language_pb2.InstallDependenciesRequest, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.InstallDependenciesResponse]:
        """Make the environment with uv, from the lock where there is one; what else is in it stays."""
        its = environment(request.info)
        uv = shutil.which("uv")
        if request.info.options.fields["toolchain"].string_value != "uv" or its.folder is None:
            raise Unfit("only the toolchain uv is installed here; set `runtime.options.toolchain: uv`")
        if uv is None:
            raise Unfit("uv is not on PATH, which installs this project; `make env` prints a PATH that has it")
        folder = Path(request.info.program_directory or request.directory)
        locked = ["--locked"] if above(folder, "uv.lock") else []
        variables = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
        printed = self._programs.stream(
            [uv, "sync", "--inexact", *locked],
            {**variables, "UV_PROJECT_ENVIRONMENT": str(its.folder)},
            folder,
            context.add_callback,
        )
        return _installing(printed, context)

    @_one_line
    def About(self, request: language_pb2.AboutRequest, context: grpc.ServicerContext) -> language_pb2.AboutResponse:
        """The Python of the program."""
        its = environment(request.info)
        if its.is_this:
            return language_pb2.AboutResponse(executable=sys.executable, version=platform.python_version())
        its.check()
        said = subprocess.check_output([its.python, "--version"], text=True)
        return language_pb2.AboutResponse(executable=str(its.python), version=said.removeprefix("Python ").strip())

    @_one_line
    def GetProgramDependencies(
        self, request: language_pb2.GetProgramDependenciesRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetProgramDependenciesResponse:
        """What is installed; unless all is asked for, only what nothing else that is installed requires."""
        versions, required = {}, set()
        for distribution in metadata.distributions(path=[str(path) for path in environment(request.info).paths()]):
            versions[_normal(distribution.name)] = distribution.version
            required |= {
                _normal(found[0])
                for line in distribution.requires or ()
                if "extra ==" not in line and (found := re.match(r"[\w.-]+", line))
            }
        return language_pb2.GetProgramDependenciesResponse(
            dependencies=[
                language_pb2.DependencyInfo(name=name, version=version)
                for name, version in sorted(versions.items())
                if request.transitiveDependencies or name not in required
            ]
        )

    def RuntimeOptionsPrompts(
        self, request: language_pb2.RuntimeOptionsRequest, context: grpc.ServicerContext
    ) -> language_pb2.RuntimeOptionsResponse:
        """Nothing to ask: a project names its toolchain."""
        return language_pb2.RuntimeOptionsResponse()

    def Cancel(self, request: Empty, context: grpc.ServicerContext) -> Empty:
        """Tell what runs to end; the engine no longer waits for it."""
        self._programs.interrupt()
        return Empty()

    GetRequiredPlugins = _of_the_release("GetRequiredPlugins")
    Template = _of_the_release("a template")
    GenerateProgram = _of_the_release("converting a program to Python")
    GenerateProject = _of_the_release("converting a project to Python")
    GeneratePackage = _of_the_release("generating an SDK for Python")
    Pack = _of_the_release("packing an SDK for Python")
    Link = _of_the_release("linking an SDK for Python")


def _installing(
    printed: Iterator[language_pb2.RunPluginResponse], context: grpc.ServicerContext
) -> Iterator[language_pb2.InstallDependenciesResponse]:
    for message in printed:
        if message.WhichOneof("output") != "exitcode":
            yield language_pb2.InstallDependenciesResponse(stdout=message.stdout, stderr=message.stderr)
        elif message.exitcode:
            reason = f"uv sync failed with exit code {message.exitcode}, as it says above"
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, reason)


def _normal(name: str) -> str:
    """A package's name as https://packaging.python.org/specifications/name-normalization writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()
