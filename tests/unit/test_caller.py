import importlib

import pulumi
import pytest

from components import targets
from components.managed.caller import Caller, missing
from tests.examples import MANAGED

CALLER = Caller(
    cloud="Some Cloud",
    variables=("SOME_TOKEN",),
    files=("~/.some/credentials",),
    settings=("some:token",),
    log_in="some login",
    program="some-auth",
    install="install it with `some install auth`",
)


@pytest.fixture
def program(tmp_path, monkeypatch):
    """An environment whose home is empty and whose PATH has the exec program."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "some-auth").write_text("")
    (tmp_path / "some-auth").chmod(0o755)
    return {"PATH": str(tmp_path)}


def test_whoever_has_both_is_told_nothing(program):
    assert missing(CALLER, {**program, "SOME_TOKEN": "x"}, {}) == []


def test_credentials_are_found_in_a_file_and_in_the_stack(program, tmp_path):
    assert missing(CALLER, program, {"some:token": "x"}) == []

    (tmp_path / ".some").mkdir()
    (tmp_path / ".some/credentials").write_text("x")
    assert missing(CALLER, program, {}) == []


def test_missing_credentials_are_named_with_the_command_that_gets_them(program):
    (line,) = missing(CALLER, program, {})

    assert "no credentials for Some Cloud" in line
    assert "`some login`" in line


def test_a_missing_program_is_named_with_the_command_that_installs_it(tmp_path):
    lines = missing(CALLER, {"PATH": str(tmp_path / "empty"), "SOME_TOKEN": "x"}, {})

    assert lines == [
        "kubectl will ask the program some-auth, which is not on PATH: install it with `some install auth`"
    ]


# The clouds' own

MENDED_BY = {
    "gke": ("`gcloud auth application-default login`", "`gcloud components install gke-gcloud-auth-plugin`"),
    "eks": ("`aws configure sso`", "https://aws.amazon.com/cli"),
    "aks": ("`az login`", "`az aks install-cli`"),
    "doks": ("`export DIGITALOCEAN_TOKEN=…`", "`doctl auth init`"),
    "kapsule": ("`scw init`", "https://github.com/scaleway/scaleway-cli#installation"),
}
"""Target → what gets credentials, and what brings the program that kubectl asks."""


@pytest.fixture
def said(deploy, monkeypatch, tmp_path):
    """What the program says of a target's example, on a machine that has nothing but `programs`."""

    def say(target, *programs, preview=True):
        caller = importlib.import_module(f"components.managed.{target}.kubeconfig").CALLER
        for name in caller.variables:
            monkeypatch.delenv(name, raising=False)
        for name in ("HOME", "PATH"):
            monkeypatch.setenv(name, str(tmp_path))
        for program in programs:
            (tmp_path / program).write_text("")
            (tmp_path / program).chmod(0o755)
        lines: list[str] = []
        monkeypatch.setattr(pulumi.log, "warn", lambda text, *_: lines.append(text))
        example = MANAGED[target]
        component, args = targets.read({"target": target, "cluster": dict(example.cluster)}, "test")
        deploy(lambda: component("test", args), clouds=[example.cloud], preview=preview)
        return lines

    return say


def test_every_cloud_is_here():
    assert MENDED_BY.keys() == MANAGED.keys()


@pytest.mark.parametrize("target", MANAGED)
def test_a_preview_without_credentials_and_program_names_both_with_what_brings_them(said, target):
    credentials, program = said(target)

    log_in, install = MENDED_BY[target]
    assert credentials.startswith("no credentials for ") and log_in in credentials
    assert program.startswith(f"kubectl will ask the program {MANAGED[target].exec_program}, which is not on PATH: ")
    assert install in program


@pytest.mark.parametrize("target", MANAGED)
def test_whoever_has_the_program_is_told_of_credentials_alone_and_an_up_tells_nothing(said, target):
    assert [line.partition(" for ")[0] for line in said(target, MANAGED[target].exec_program)] == ["no credentials"]
    assert said(target, preview=False) == []
