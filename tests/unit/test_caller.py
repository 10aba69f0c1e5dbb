import pytest

from components.managed.caller import Caller, missing

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
