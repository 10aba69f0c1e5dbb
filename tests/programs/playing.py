"""The programs in the process of a test: what would run one is answered by the same code."""

import contextlib
import importlib
import io
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import pytest

from components.local import command, container_engine
from components.local.container_engine import Engine
from tests.programs import NAMES, install


def play(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Play the programs in this process, on a machine in `folder`."""
    for name, value in install(folder).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(command, "ask", _ask)
    monkeypatch.setattr(command, "follow", _follow)
    found = SimpleNamespace(**{**vars(subprocess), "run": _run})
    monkeypatch.setattr(container_engine, "subprocess", found)
    Engine.find.cache_clear()


def _run(words: Sequence[str], *, input: str = "", **_: object) -> subprocess.CompletedProcess[str]:
    code, out, err = _played(words, {}, input)
    if code and words[1] == "info":
        raise subprocess.CalledProcessError(code, list(words))
    return subprocess.CompletedProcess(list(words), code, out, err)


def _ask(words: Sequence[str], *, environment: Mapping[str, str], **_: object) -> subprocess.CompletedProcess[str]:
    return subprocess.CompletedProcess(list(words), *_played(words, environment, ""))


def _follow(
    words: Sequence[str],
    each: Callable[[str], None],
    *,
    environment: Mapping[str, str],
    stdin: str = "",
    **_: object,
) -> tuple[int, list[str]]:
    code, out, err = _played(words, environment, stdin)
    lines = [*out.splitlines(), *err.splitlines()]
    for line in lines:
        each(line)
    return code, lines


def _played(words: Sequence[str], environment: Mapping[str, str], stdin: str) -> tuple[int, str, str]:
    if words[0] not in NAMES:
        raise FileNotFoundError(2, "No such file or directory")
    program = importlib.import_module(f"tests.programs.{words[0]}")
    out, err, code = io.StringIO(), io.StringIO(), 0
    with (
        mock.patch.dict(os.environ, command.environment_of(environment), clear=True),
        mock.patch.object(sys, "argv", list(words)),
        mock.patch.object(sys, "stdin", io.StringIO(stdin)),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            program.main()
        except SystemExit as ended:
            code = int(ended.code or 0)
    return code, out.getvalue(), err.getvalue()
