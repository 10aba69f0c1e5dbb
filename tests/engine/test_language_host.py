"""Slipway's language host under the real engine: a program in the host's process, and one on a Python of its own."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import yaml

from tests.engine.slipway import PROJECT, environment

TOLD = """
import os, sys
import pulumi

config = pulumi.Config()
print("said by the program")
pulumi.export("process", os.getpid())
pulumi.export("prefix", os.path.realpath(sys.prefix))
pulumi.export("arguments", sys.argv)
pulumi.export("folder", os.getcwd())
pulumi.export("found first", sys.path[0])
pulumi.export("modules of the host", [name for name in sys.modules if name.startswith("tools")])
pulumi.export("variable", os.environ["VIRTUAL_ENV"])
pulumi.export("plain", config.require("plain"))
pulumi.export("secret", config.require_secret("secret"))
"""

FAILS = """
def fail():
    raise ValueError("all is lost")

fail()
"""

WAITS = """
import os, pathlib, threading
try:
    pathlib.Path("running").write_text(str(os.getpid()))
    threading.Event().wait()
finally:
    pathlib.Path("ended").touch()
"""


@pytest.fixture
def clone(tmp_path):
    """What the launcher finds of a clone, beside its link; on PATH before any other language host."""
    (tmp_path / "clone/.slipway/bin").mkdir(parents=True)
    (tmp_path / "clone/.venv").symlink_to(sys.prefix)
    (tmp_path / "clone/tools").symlink_to(PROJECT / "tools")
    launcher = PROJECT / "tools/language_host/pulumi-language-python"
    (tmp_path / "clone/.slipway/bin/pulumi-language-python").symlink_to(launcher)
    executor = shutil.which("pulumi-language-python-exec")
    assert executor is not None
    (tmp_path / "clone/.slipway/bin/pulumi-language-python-exec").symlink_to(executor)
    return tmp_path / "clone"


@pytest.fixture
def copy(clone):
    """The clone with what its package and the example in YAML consist of, and a stand-in where YAML's host would be."""
    for name in ("pyproject.toml", "uv.lock", "README.md"):
        shutil.copy(PROJECT / name, clone)
    for name in ("components", "plugin", "examples/yaml"):
        shutil.copytree(PROJECT / name, clone / name, ignore=shutil.ignore_patterns(".venv", "sdks", "__pycache__"))
    yaml_host = clone / ".slipway/bin/pulumi-language-yaml"
    yaml_host.write_text(f'#!/bin/sh\nPYTHONPATH="{PROJECT}" exec "{sys.executable}" -m tests.engine.stand_in.yaml\n')
    yaml_host.chmod(0o755)
    return clone


def test_pulumi_install_makes_what_the_package_runs_on(copy, pulumi_home, tmp_path):
    seen = environment(pulumi_home)
    seen["PATH"] = os.pathsep.join([str(copy / ".slipway/bin"), seen["PATH"]])
    (tmp_path / "state").mkdir()
    seen["PULUMI_BACKEND_URL"] = f"file://{tmp_path / 'state'}"

    def pulumi(*arguments):
        command = ["pulumi", "--non-interactive", "--color", "never", *arguments]
        done = subprocess.run(command, cwd=copy / "examples/yaml", env=seen, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    pulumi("install")
    schema = json.loads(pulumi("package", "get-schema", "../../plugin"))

    made = [folder.name for folder in (copy / "plugin").iterdir() if folder.name != "__pycache__"]
    assert sorted(made) == [".venv", "PulumiPlugin.yaml", "__main__.py", "pyproject.toml"]
    assert list((copy / "plugin/.venv").glob("lib/python3*/site-packages/pulumi_gcp"))
    assert (copy / "uv.lock").read_text() == (PROJECT / "uv.lock").read_text()
    assert "slipway:index:GkeCluster" in schema["resources"]


@pytest.fixture(params=["here", "elsewhere"])
def project(request, tmp_path, clone, pulumi_home):
    """A project whose Python is the host's own, or another that has the same packages."""
    venv = Path(sys.prefix)
    if request.param == "elsewhere":
        venv = tmp_path / "other"
        (venv / "bin").mkdir(parents=True)
        (venv / "bin/python").symlink_to(Path(sys.executable).resolve())
        (venv / "lib").symlink_to(Path(sys.prefix, "lib"))
        shutil.copy(Path(sys.prefix, "pyvenv.cfg"), venv)
    return Project(tmp_path, clone, pulumi_home, venv)


class Project:
    """A project with one stack."""

    def __init__(self, folder: Path, clone: Path, home: Path, venv: Path) -> None:
        self.venv, self.folder = venv, folder / "project"
        (folder / "state").mkdir()
        self.folder.mkdir()
        options = {"toolchain": "uv", "virtualenv": str(venv)}
        written = {"name": "small", "runtime": {"name": "python", "options": options}}
        (self.folder / "Pulumi.yaml").write_text(yaml.safe_dump(written))
        seen = environment(home)
        path = os.pathsep.join([str(clone / ".slipway/bin"), seen["PATH"]])
        self.environment = {**seen, "PATH": path, "PULUMI_BACKEND_URL": f"file://{folder / 'state'}"}
        self.pulumi("stack", "init", "dev")
        for key, flag in (("plain", "--plaintext"), ("secret", "--secret")):
            self.pulumi("config", "set", key, f"a {key} value", flag)

    def program(self, text: str) -> None:
        (self.folder / "__main__.py").write_text(text)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["pulumi", "--non-interactive", "--color", "never", *arguments],
            cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def pulumi(self, *arguments: str, code: int = 0) -> str:
        with self.start(*arguments) as running:
            said, _ = running.communicate()
        assert (running.returncode != 0) is (code != 0), said
        return said

    def waiting(self) -> tuple[subprocess.Popen[str], psutil.Process]:
        """An engine whose program waits, and the process that the program runs in."""
        self.program(WAITS)
        engine = self.start("up", "--yes", "--skip-preview")
        marker = self.folder / "running"
        while not (marker.exists() and marker.read_text()):
            assert engine.poll() is None, engine.communicate()[0]
        return engine, psutil.Process(int(marker.read_text()))


def test_a_program_finds_itself_as_pulumi_runs_it_everywhere(project):
    project.program(TOLD)
    said = project.pulumi("up", "--yes", "--skip-preview")
    told = json.loads(project.pulumi("stack", "output", "--json", "--show-secrets"))

    assert "said by the program" in said
    assert told["prefix"] == str(project.venv.resolve())
    assert told["arguments"] == ["."]
    assert told["folder"] == str(project.folder)
    assert told["found first"] == "."
    assert told["modules of the host"] == []
    assert told["variable"] == str(project.venv)
    assert (told["plain"], told["secret"]) == ("a plain value", "a secret value")
    assert json.loads(project.pulumi("stack", "output", "--json"))["secret"] == "[secret]"


def test_an_exception_is_shown_from_the_programs_own_lines_on(project):
    project.program(FAILS)
    said = project.pulumi("preview", code=1)
    assert "ValueError: all is lost" in said
    assert 'raise ValueError("all is lost")' in said
    assert "language_host" not in said
    assert "runpy" not in said


def test_an_exit_code_is_told(project):
    project.program("import sys\nsys.exit(3)\n")
    assert "program exited with non-zero exit code: 3" in project.pulumi("preview", code=1)


def test_all_that_a_program_prints_is_shown(project):
    project.program("import sys\nprint('x' * 300_000)\nprint('y\\n' * 3_000)\nprint('the end', file=sys.stderr)\n")
    said = project.pulumi("preview")
    assert "x" * 300_000 in said
    assert "the end" in said


def test_two_runs_at_once_do_not_meet(project):
    project.program(TOLD)
    with project.start("preview") as one, project.start("preview") as other:
        for running in (one, other):
            said = running.communicate()[0]
            assert running.returncode == 0, said
            assert "said by the program" in said


def test_an_engine_that_is_killed_leaves_no_process(project):
    engine, program = project.waiting()
    hosts = psutil.Process(engine.pid).children(recursive=True)

    engine.kill()
    engine.communicate()

    assert program in hosts
    assert psutil.wait_procs(hosts, timeout=30)[1] == []


def test_an_interrupted_engine_ends_the_program_in_an_orderly_way(project):
    engine, program = project.waiting()

    engine.send_signal(signal.SIGINT)
    said = engine.communicate()[0]

    assert not program.is_running()
    assert (project.folder / "ended").exists()
    assert "Traceback" not in said
