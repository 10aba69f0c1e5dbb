"""Building programs from Go modules, with a stand-in for the Go command."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tools import paths
from tools.console import Problem
from tools.toolchain import golang
from tools.toolchain.golang import GoBuild

STAND_IN = """#!/bin/sh
echo "$@" >>"$0.calls"
env >"$0.env"
case "$1" in
  list) case "$*" in *-m*) echo "$0.module" ;; esac ;;
  build)
    [ ! -e "$0.fails" ] || { cat "$0.fails" >&2; exit 1; }
    for word; do case "$word" in */) mkdir -p "$word"; echo built >"$word/server" ;; esac; done ;;
esac
"""


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One locked module, `etcd`, and a cache of its own."""
    folder = tmp_path / "modules"
    (folder / "etcd").mkdir(parents=True)
    (folder / "etcd/go.mod").write_text("module slipway.local/etcd\n\ngo 1.26.2\n\nrequire example.org/etcd v3.7.0\n")
    (folder / "etcd/go.sum").write_text("example.org/etcd v3.7.0 h1:abc=\n")
    monkeypatch.setattr(golang, "MODULES", folder)
    monkeypatch.setattr(paths, "CACHE", tmp_path / "cache")
    return folder


@pytest.fixture
def go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `go` on PATH that writes down what it is asked."""
    program = tmp_path / "go"
    program.write_text(STAND_IN)
    program.chmod(0o755)
    monkeypatch.setattr(golang, "_on_path", lambda: (str(program), "go1.26.8"))
    return program


RECIPE = GoBuild("etcd", ("example.org/etcd/server",))


def calls(go: Path) -> list[str]:
    file = Path(f"{go}.calls")
    return file.read_text().splitlines() if file.exists() else []


def test_a_second_build_finds_the_first_and_runs_nothing(modules, go):
    first = golang.build(RECIPE)
    before = calls(go)

    assert golang.build(RECIPE) == first
    assert calls(go) == before
    assert [file.name for file in first.iterdir()] == ["server"]


def test_programs_get_the_names_that_the_recipe_gives_them(modules, go):
    folder = golang.build(replace(RECIPE, names={"server": "etcd"}))

    assert [file.name for file in folder.iterdir()] == ["etcd"]


def test_a_modules_scripts_are_put_beside_its_programs_and_can_be_run(modules, go):
    source = Path(f"{go}.module")
    (source / "scripts").mkdir(parents=True)
    (source / "scripts/start").write_text("#!/bin/sh\n")

    folder = golang.build(replace(RECIPE, files={"example.org/etcd": ("scripts/start",)}))

    assert os.access(folder / "start", os.X_OK)


@pytest.mark.parametrize(
    "change",
    [
        lambda module: (module / "go.mod").write_text("module slipway.local/etcd\n\ngo 1.26.2\n"),
        lambda module: (module / "go.sum").write_text("example.org/etcd v3.7.0 h1:xyz=\n"),
        lambda module: (module / "main.go").write_text("package main\n"),
    ],
    ids=["go.mod", "go.sum", "sources"],
)
def test_the_key_of_a_build_changes_with_its_module(modules, change):
    before = golang.digest(RECIPE, "go1.26.8")
    change(modules / "etcd")

    assert golang.digest(RECIPE, "go1.26.8") != before


@pytest.mark.parametrize(
    "change",
    [
        {"packages": ("example.org/etcd/etcdctl",)},
        {"ldflags": "-X main.version=1"},
        {"tags": ("seccomp",)},
        {"cgo": True},
        {"names": {"server": "etcd"}},
        {"files": {"example.org/etcd": ("start",)}},
        {"environment": {"CC": "clang"}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_key_of_a_build_changes_with_its_recipe(modules, change):
    assert golang.digest(replace(RECIPE, **change), "go1.26.8") != golang.digest(RECIPE, "go1.26.8")


def test_the_key_of_a_build_changes_with_go_and_with_the_platform(modules, monkeypatch):
    before = golang.digest(RECIPE, "go1.26.8")

    assert golang.digest(RECIPE, "go1.26.9") != before
    monkeypatch.setattr(golang.platform, "machine", lambda: "riscv64")
    assert golang.digest(RECIPE, "go1.26.8") != before


@pytest.mark.parametrize(
    ("printed", "said"),
    [
        ('go: x.org/y@v1: Get "https://mirror/x": dial tcp: lookup mirror: no such host', "set GOPROXY"),
        ("go: x.org/y@v1: reading https://mirror/x: 403 Forbidden", "set GOPROXY to one that has"),
        ("verifying x.org/y@v1: checksum mismatch", "not the one that go.sum locks"),
        ("# x.org/y\n./main.go:3:5: undefined: z", "does not compile: ./main.go:3:5"),
        ("x.org/y/handshaker\n./main.go:3:5: undefined: z", "does not compile: ./main.go:3:5"),
        ("write /tmp/x: no space left on device", "make room"),
    ],
    ids=["unreachable", "refused", "changed", "does not compile", "a package called so", "disk full"],
)
def test_a_failure_is_one_line_that_tells_its_kind_and_the_fix(modules, go, printed, said):
    Path(f"{go}.fails").write_text(printed)

    with pytest.raises(Problem) as failed:
        golang.build(RECIPE)

    assert said in str(failed.value)
    assert "\n" not in str(failed.value)


def test_what_needs_a_c_compiler_is_told_so_where_there_is_none(modules, go, monkeypatch):
    monkeypatch.setattr(golang.shutil, "which", lambda _: None)
    with pytest.raises(Problem, match=r"^etcd is built with a C compiler, and there is no gcc on PATH; install one"):
        golang.build(replace(RECIPE, cgo=True))
    assert calls(go) == []


def test_a_build_that_failed_leaves_nothing_that_the_next_one_takes_for_done(modules, go):
    Path(f"{go}.fails").write_text("write /tmp/x: no space left on device")
    with pytest.raises(Problem):
        golang.build(RECIPE)
    Path(f"{go}.fails").unlink()

    assert (golang.build(RECIPE) / "server").read_text() == "built\n"


def test_go_runs_in_caches_of_its_own_and_with_the_users_proxy(modules, go, monkeypatch):
    monkeypatch.setenv("GOPROXY", "https://mirror.example.org")
    monkeypatch.setenv("GOFLAGS", "-mod=mod")
    monkeypatch.setenv("GOROOT", "/another/go")
    golang.build(RECIPE)

    environment = dict(line.split("=", 1) for line in Path(f"{go}.env").read_text().splitlines() if "=" in line)
    assert environment["GOPROXY"] == "https://mirror.example.org"
    assert "-mod=readonly" in environment["GOFLAGS"]
    assert "GOROOT" not in environment
    assert environment["GOMODCACHE"] == str(paths.CACHE / "go/mod")
    assert environment["GOTOOLCHAIN"] == "local"
    assert environment["CGO_ENABLED"] == "0"


@pytest.mark.parametrize(
    ("on_path", "pinned"), [("go1.26.2", False), ("go1.27", False), ("go1.19.8", True), (None, True)]
)
def test_the_go_on_path_is_used_when_it_is_new_enough_and_the_pinned_one_else(modules, monkeypatch, on_path, pinned):
    monkeypatch.setattr(golang, "_on_path", lambda: ("/usr/bin/go", on_path) if on_path else None)

    assert (golang.toolchain(modules / "etcd").version != on_path) is pinned


def test_a_module_that_asks_for_a_newer_go_than_is_pinned_is_refused(modules, monkeypatch):
    monkeypatch.setattr(golang, "_on_path", lambda: None)
    (modules / "etcd/go.mod").write_text("module x\n\ngo 1.99.0\n")

    with pytest.raises(Problem, match="newer Go"):
        golang.toolchain(modules / "etcd")


@pytest.mark.parametrize("module", sorted(folder.name for folder in golang.MODULES.iterdir()))
def test_every_module_is_locked_and_can_be_built_with_the_pinned_go(module, monkeypatch):
    monkeypatch.setattr(golang, "_on_path", lambda: None)

    assert (golang.MODULES / module / "go.sum").stat().st_size
    assert golang.toolchain(golang.MODULES / module).version.startswith("go1.")


def test_the_version_of_a_required_module_is_read_from_go_mod(modules):
    assert golang.version("etcd", "example.org/etcd") == "v3.7.0"
    with pytest.raises(LookupError):
        golang.version("etcd", "example.org/other")


def test_without_uv_the_user_is_told_how_to_have_go(modules, monkeypatch):
    monkeypatch.setattr(golang, "_on_path", lambda: None)
    monkeypatch.delenv("UV", raising=False)
    monkeypatch.setattr(shutil, "which", lambda name: None)

    with pytest.raises(Problem, match="put Go on PATH"):
        golang.build(RECIPE)
