"""The language host for a Pulumi that was built from source: plain calls, and programs in processes of their own."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import grpc
import pytest
from pulumi.runtime.proto import language_pb2

from tools.language_host.environments import Environment, Unfit, environment
from tools.language_host.programs import Programs
from tools.language_host.server import LanguageHost

THIS = {"toolchain": "uv", "virtualenv": sys.prefix}


class Refused(Exception):
    """What a call ends with instead of an answer."""


class Call:
    """A call, as the server sees it."""

    def __init__(self):
        self.when_over = []

    def abort(self, code, details):
        raise Refused(code, details)

    def add_callback(self, function):
        self.when_over.append(function)
        return True


@pytest.fixture
def executor(tmp_path):
    """A script in the place of Pulumi's: says how it was run, and ends as the program's name says."""
    script = tmp_path / "executor"
    script.write_text(
        "import json, os, sys\n"
        "told = {'arguments': sys.argv[1:], 'environment': dict(os.environ), 'python': sys.executable}\n"
        f"json.dump(told, open({str(tmp_path / 'told')!r}, 'w'))\n"
        "program = sys.argv[-1]\n"
        "os.kill(os.getpid(), 9) if program == 'killed' else sys.exit(int(program))\n"
    )
    return script


@pytest.fixture
def host(executor):
    return LanguageHost(Programs("engine:1", executor))


def venv(folder: Path) -> Path:
    """An environment that is not this one, without a package."""
    (folder / "bin").mkdir(parents=True)
    (folder / "bin/python").symlink_to(sys.executable)
    (folder / "lib/python3.11/site-packages").mkdir(parents=True)
    return folder


def program(root, entry=".", **options):
    info = language_pb2.ProgramInfo(root_directory=str(root), program_directory=str(root), entry_point=entry)
    info.options.update(options)
    return info


def test_a_named_environment_is_the_programs(tmp_path):
    its = environment(program(tmp_path, toolchain="uv", virtualenv="here"))
    assert (its.python, its.folder) == (tmp_path / "here/bin/python", tmp_path / "here")
    assert not its.is_this


@pytest.mark.parametrize("marker", ["uv.lock", "pyproject.toml"])
def test_the_environment_of_a_uv_project_is_beside_its_lock(tmp_path, marker):
    (tmp_path / marker).touch()
    assert environment(program(tmp_path / "a/b", toolchain="uv")).folder == tmp_path / ".venv"


def test_this_environment_is_known_through_a_link(tmp_path):
    (tmp_path / ".venv").symlink_to(sys.prefix)
    assert environment(program(tmp_path, toolchain="uv", virtualenv=".venv")).is_this


def test_a_project_without_options_runs_on_the_python_of_path(tmp_path, monkeypatch):
    folder = venv(tmp_path / "env")
    (folder / "pyvenv.cfg").touch()
    (folder / "bin/python3").symlink_to("python")
    monkeypatch.delenv("PULUMI_PYTHON_CMD", raising=False)
    monkeypatch.setenv("PATH", str(folder / "bin"))
    assert environment(program(tmp_path)) == Environment(folder / "bin/python3", folder)


def test_a_toolchain_that_is_not_known_is_refused_with_the_way_out(tmp_path):
    with pytest.raises(Unfit, match=r"^toolchain poetry is not known .*; use uv, or Pulumi's own release$"):
        environment(program(tmp_path, toolchain="poetry"))


def test_packages_say_what_plugins_they_need(host, tmp_path):
    site = venv(tmp_path / "env") / "lib/python3.11/site-packages"
    edited = tmp_path / "edited"
    (site / "edited.pth").write_text(f"import sys\n{edited}\n")
    value = {"name": "random", "version": "3.0.0", "value": "aGVsbG8="}
    for folder, written in (
        (site / "pulumi_gcp", {"resource": True, "name": "gcp", "version": "10.2.0"}),
        (
            site / "pulumiverse_scaleway",
            {"resource": True, "name": "scaleway", "version": "1.0.0", "server": "github://x"},
        ),
        (site / "pulumi_policy", {"resource": False}),
        (edited / "pulumi_my_random", {"resource": True, "version": "1.2.3", "parameterization": value}),
    ):
        folder.mkdir(parents=True)
        (folder / "pulumi-plugin.json").write_text(json.dumps(written))

    info = program(tmp_path, toolchain="uv", virtualenv="env")
    found = host.GetRequiredPackages(language_pb2.GetRequiredPackagesRequest(info=info), Call()).packages

    assert {(each.name, each.version, each.server, each.kind) for each in found} == {
        ("gcp", "10.2.0", "", "resource"),
        ("scaleway", "1.0.0", "github://x", "resource"),
        ("my-random", "1.2.3", "", "resource"),
    }
    (parameterized,) = [each.parameterization for each in found if each.HasField("parameterization")]
    assert (parameterized.name, parameterized.value) == ("random", b"hello")


def test_where_nothing_is_installed_yet_nothing_is_needed(host, tmp_path):
    request = language_pb2.GetRequiredPackagesRequest(info=program(tmp_path, virtualenv="env"))
    assert not host.GetRequiredPackages(request, Call()).packages


def test_a_program_gets_its_arguments_and_its_configuration_and_no_secret_is_an_argument(host, tmp_path):
    venv(tmp_path / "env")
    request = language_pb2.RunRequest(
        project="shop", stack="dev", pwd=str(tmp_path), parallel=16, monitor_address="monitor:1", dryRun=True,
        organization="us", args=["0"], config={"shop:key": "hidden"}, configSecretKeys=["shop:key"],
        info=program(tmp_path, toolchain="uv", virtualenv="env"),
    )  # fmt: skip

    assert host.Run(request, Call()) == language_pb2.RunResponse()

    told = json.loads((tmp_path / "told").read_text())
    assert told["arguments"] == [
        "--monitor", "monitor:1", "--engine", "engine:1", "--project", "shop", "--root_directory", str(tmp_path),
        "--stack", "dev", "--pwd", str(tmp_path), "--dry_run", "true", "--parallel", "16", "--organization", "us",
        ".", "0",
    ]  # fmt: skip
    assert told["python"] == str(tmp_path / "env/bin/python")
    assert json.loads(told["environment"]["PULUMI_CONFIG"]) == {"shop:key": "hidden"}
    assert json.loads(told["environment"]["PULUMI_CONFIG_SECRET_KEYS"]) == ["shop:key"]
    assert told["environment"]["VIRTUAL_ENV"] == str(tmp_path / "env")
    assert told["environment"]["PATH"].startswith(str(tmp_path / "env/bin"))


@pytest.mark.parametrize(
    ("ending", "answer"),
    [
        ("0", {}),
        ("32", {"bail": True}),
        ("7", {"error": "program exited with non-zero exit code: 7"}),
        ("killed", {"error": "program was ended by SIGKILL"}),
    ],
)
def test_the_engine_is_told_how_a_program_ended(host, tmp_path, ending, answer):
    venv(tmp_path / "env")
    request = language_pb2.RunRequest(info=program(tmp_path, virtualenv="env"), args=[ending])
    assert host.Run(request, Call()) == language_pb2.RunResponse(**answer)


def test_a_program_without_an_environment_is_refused_with_the_way_out(host, tmp_path):
    with pytest.raises(Refused) as refused:
        host.Run(language_pb2.RunRequest(info=program(tmp_path, virtualenv="env")), Call())
    assert refused.value.args == (
        grpc.StatusCode.FAILED_PRECONDITION,
        f"{tmp_path}/env is not a Python environment; make it with `pulumi install`",
    )


def test_all_that_a_component_package_prints_comes_in_order_and_its_exit_code_last(host, tmp_path):
    venv(tmp_path / "env")
    (tmp_path / "__main__.py").write_text(
        "import os, sys\n"
        "print(os.getcwd(), os.environ['GREETING'], *sys.argv[1:], flush=True)\n"
        "sys.stdout.write('x' * 1_000_000)\n"
        "sys.exit('all is lost')\n"
    )
    request = language_pb2.RunPluginRequest(
        pwd=str(tmp_path), args=["engine:1"], env=["GREETING=a=b"], info=program(tmp_path, virtualenv="env")
    )

    *printed, last = host.RunPlugin(request, Call())

    assert b"".join(each.stdout for each in printed) == f"{tmp_path} a=b engine:1\n".encode() + b"x" * 1_000_000
    assert b"".join(each.stderr for each in printed) == b"all is lost\n"
    assert last.exitcode == 1


def test_a_component_package_that_nobody_listens_to_is_ended(host, tmp_path):
    venv(tmp_path / "env")
    (tmp_path / "__main__.py").write_text("import os, signal\nos.write(1, b'1')\nsignal.pause()\n")
    call = Call()
    running = host.RunPlugin(language_pb2.RunPluginRequest(info=program(tmp_path, virtualenv="env")), call)
    assert next(running).stdout == b"1"

    call.when_over[0]()

    assert [each.exitcode for each in running] == [-signal.SIGTERM]


@pytest.fixture
def uv(tmp_path, monkeypatch):
    """A stand-in for uv: says what it was asked, and ends as the variable UV_ENDS says."""
    (tmp_path / "path").mkdir()
    script = tmp_path / "path/uv"
    script.write_text('#!/bin/sh\necho "$PWD $* $UV_PROJECT_ENVIRONMENT ${VIRTUAL_ENV-unset}"\nexit $UV_ENDS\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/path:{os.defpath}")
    monkeypatch.setenv("VIRTUAL_ENV", sys.prefix)
    monkeypatch.setenv("UV_ENDS", "0")
    return monkeypatch


def installation(root, **options):
    return language_pb2.InstallDependenciesRequest(info=program(root, **options))


def test_what_is_installed_is_what_the_lock_says_and_nothing_is_removed(host, tmp_path, uv):
    (tmp_path / "uv.lock").touch()
    (tmp_path / "plugin").mkdir()
    request = installation(tmp_path / "plugin", toolchain="uv", virtualenv=".venv")
    (said,) = host.InstallDependencies(request, Call())
    assert said.stdout.decode() == f"{tmp_path}/plugin sync --inexact --locked {tmp_path}/plugin/.venv unset\n"


def test_an_installation_that_fails_says_so(host, tmp_path, uv):
    uv.setenv("UV_ENDS", "2")
    with pytest.raises(Refused, match="uv sync failed with exit code 2"):
        list(host.InstallDependencies(installation(tmp_path, toolchain="uv"), Call()))


def test_only_uv_installs(host, tmp_path):
    with pytest.raises(Refused, match=r"set `runtime\.options\.toolchain: uv`"):
        host.InstallDependencies(installation(tmp_path, virtualenv=".venv"), Call())


def test_only_what_nothing_else_requires_is_a_dependency_unless_all_are_asked_for(host, tmp_path):
    site = venv(tmp_path / "env") / "lib/python3.11/site-packages"
    for name, requires in (("Shop_Front", "dough (>=1)"), ("dough", 'salt; extra == "taste"'), ("salt", "")):
        folder = site / f"{name}-1.0.dist-info"
        folder.mkdir()
        needs = f"Requires-Dist: {requires}\n" if requires else ""
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{needs}")

    def dependencies(**asked):
        request = language_pb2.GetProgramDependenciesRequest(info=program(tmp_path, virtualenv="env"), **asked)
        return [each.name for each in host.GetProgramDependencies(request, Call()).dependencies]

    assert dependencies() == ["salt", "shop-front"]
    assert dependencies(transitiveDependencies=True) == ["dough", "salt", "shop-front"]


def test_a_program_is_said_to_run_on_its_python(host, tmp_path):
    venv(tmp_path / "env")
    here = host.About(language_pb2.AboutRequest(info=program(tmp_path, **THIS)), Call())
    there = host.About(language_pb2.AboutRequest(info=program(tmp_path, virtualenv="env")), Call())
    assert here.executable == sys.executable
    assert there.executable == str(tmp_path / "env/bin/python")
    assert here.version == there.version


@pytest.mark.parametrize("method", ["GeneratePackage", "GenerateProject", "GenerateProgram", "Pack", "Link"])
def test_what_takes_a_code_generator_is_refused_with_the_way_out(host, method):
    with pytest.raises(Refused) as refused:
        getattr(host, method)(None, Call())
    code, why = refused.value.args
    assert code is grpc.StatusCode.UNIMPLEMENTED
    assert "needs the language host of Pulumi's own release" in why
    assert "\n" not in why


def test_the_messages_are_there_before_the_sdk_and_are_the_same_after_it():
    code = (
        "import sys\n"
        "from tools.language_host import protos\n"
        "with protos.alone():\n"
        "    from pulumi.runtime.proto import language_pb2 as before\n"
        "assert 'pulumi.resource' not in sys.modules\n"
        "protos.load_sdk()\n"
        "import pulumi\n"
        "assert pulumi.runtime.proto.language_pb2 is before\n"
        "assert pulumi.runtime.proto.LanguageRuntimeServicer\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=True)
