"""Which road a program comes by: PATH, upstream's release, or built from source."""

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

from packaging.specifiers import SpecifierSet

from tools import paths
from tools.console import Problem, say
from tools.toolchain import golang, release
from tools.toolchain.programs import PROGRAMS, VERSION, Program

_ANSWERS = paths.HOME / "programs.json"
"""What programs on PATH said of their version, by path, size and time of change: asking takes a tenth of a second."""


def ensure(names: Iterable[str], accepted: Mapping[str, SpecifierSet] | None = None) -> None:
    """Have programs: those that PATH lacks in an accepted version are brought, and linked in `.slipway/bin`.

    Args:
        names: Programs of the table in `programs.py`.
        accepted: Versions that will do, where a stack is more particular than the table.

    Raises:
        Problem: A program can be had by none of the roads.
    """
    for name in names:
        program = PROGRAMS[name]
        wanted = program.accepted & (accepted or {}).get(name, SpecifierSet())
        if _on_path(program, wanted):
            _unlink(program.provides)
        elif not _linked(program, wanted):
            _link(program, _bring(program, wanted))


def _on_path(program: Program, wanted: SpecifierSet) -> bool:
    others = os.pathsep.join(
        folder for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if folder != str(paths.BIN)
    )
    found = {name: shutil.which(name, path=others) for name in program.provides}
    path = found[program.name]
    if path is None or None in found.values():
        return False
    version = _version(Path(path), program.version_command)
    return version is not None and version in wanted


def _linked(program: Program, wanted: SpecifierSet) -> bool:
    links = [paths.BIN / name for name in program.provides]
    if not all(link.exists() for link in links) or not _has_current_scripts(program):
        return False
    version = _version(links[0].resolve(), program.version_command)
    return version is not None and version in wanted


def _has_current_scripts(program: Program) -> bool:
    """Whether what was built is linked with the scripts as they are today; a release has its own in their place."""
    if (paths.BIN / program.name).resolve().is_relative_to((paths.CACHE / "releases").resolve()):
        return True
    scripts = [script for source in program.sources for script in source.scripts]
    return all((paths.BIN / script.name).read_bytes() == script.read_bytes() for script in scripts)


def _version(path: Path, command: Sequence[str]) -> str | None:
    stat = path.stat()
    key = f"{path.resolve()} {stat.st_size} {stat.st_mtime_ns}"
    answers = _answers()
    if key not in answers:
        try:
            printed = subprocess.run([path, *command], capture_output=True, text=True, timeout=30).stdout
        except (OSError, subprocess.TimeoutExpired):
            return None
        match = VERSION.search(printed)
        answers[key] = match[1] if match else ""
        _ANSWERS.write_text(json.dumps(answers, indent=2))
    return answers[key] or None


@cache
def _answers() -> dict[str, str]:
    try:
        return json.loads(_ANSWERS.read_text())
    except (OSError, ValueError):
        return {}


def _bring(program: Program, wanted: SpecifierSet) -> Path:
    """The folder that holds the program once it was fetched or built.

    Raises:
        Problem: No version that Slipway brings will do, or it can be had by none of the roads.
    """
    chosen = next((source for source in program.sources if source.version in wanted), None)
    if chosen is None:
        raise Problem(
            f"{program.name} {wanted} is needed, and Slipway brings only "
            f"{', '.join(source.version for source in program.sources)}; put another one on PATH"
        )
    version = chosen.version
    is_built = not release.is_fetched(program.name, version) and golang.is_built(chosen.build)
    if not is_built:
        try:
            return release.fetch(program.name, version, chosen.release)
        except release.Unavailable as reason:
            say(f"{program.name} {version} cannot be had as a release: {reason}")
            say(f"it is built from source instead, once: about {chosen.build_minutes} min on two cores")
    return _with_scripts(golang.build(chosen.build), chosen.scripts)


def _with_scripts(built: Path, scripts: Sequence[Path]) -> Path:
    """One folder with what was built and the scripts: Pulumi warns of a language host that is not beside itself."""
    if not scripts:
        return built
    digest = hashlib.sha256(b"".join(script.read_bytes() for script in scripts)).hexdigest()[:12]
    folder = paths.CACHE / "programs" / f"{built.name}+{digest}"
    folder.mkdir(parents=True, exist_ok=True)
    for file in built.iterdir():
        with contextlib.suppress(FileExistsError):
            os.link(file, folder / file.name)
    for script in scripts:
        # Another clone may run the one that is there.
        fresh = folder / f"{script.name}.{os.getpid()}"
        shutil.copy(script, fresh)
        fresh.replace(folder / script.name)
    return folder


def _link(program: Program, folder: Path) -> None:
    for name in program.provides:
        file = folder / name
        if not file.exists():
            raise Problem(f"{name} is missing in {folder}; remove that folder and try again")
        fresh = paths.BIN / f"{name}.new"
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(file)
        fresh.replace(paths.BIN / name)


def _unlink(names: Iterable[str]) -> None:
    for name in names:
        (paths.BIN / name).unlink(missing_ok=True)
