from dataclasses import replace

import pytest
from packaging.specifiers import SpecifierSet

from tools import paths
from tools.console import Problem
from tools.toolchain import choice, golang, release
from tools.toolchain.golang import GoBuild
from tools.toolchain.programs import PLATFORMS, PROGRAMS, Program, Release, Source

MODULE_LESS = GoBuild("tool", ("example.org/tool",))


@pytest.fixture(autouse=True)
def clone(tmp_path, monkeypatch):
    """A clone with an empty `.slipway/bin`, an empty cache, and PATH with one folder that is empty too."""
    monkeypatch.setattr(paths, "BIN", tmp_path / "bin")
    monkeypatch.setattr(paths, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(choice, "_ANSWERS", tmp_path / "programs.json")
    choice._answers.cache_clear()
    for folder in ("bin", "path"):
        (tmp_path / folder).mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{tmp_path}/path")
    return tmp_path


@pytest.fixture
def table(monkeypatch):
    """The table of programs holds one, `tool`, which comes with `helper`."""
    source = Source("1.5.0", Release("", {}, {}), MODULE_LESS, build_minutes=1)
    tool = Program("tool", SpecifierSet(">=1.4,<2"), ("--version",), (source,), beside=("helper",))
    monkeypatch.setitem(PROGRAMS, "tool", tool)


def install(folder, version, *names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_text(f"#!/bin/sh\necho tool v{version}\n")
        (folder / name).chmod(0o755)
    return folder


@pytest.fixture
def roads(clone, monkeypatch):
    """Which roads were taken; each brings version 1.5.0, and `closed` ones cannot be had."""
    taken, closed = [], set()

    def fetch(*_):
        taken.append("release")
        if "release" in closed:
            raise release.Unavailable("no network")
        return install(clone / "cache/release", "1.5.0", "tool", "helper")

    def build(_):
        taken.append("source")
        return install(clone / "cache/built", "1.5.0", "tool", "helper")

    monkeypatch.setattr(release, "fetch", fetch)
    monkeypatch.setattr(golang, "is_built", lambda _: "source" in taken)
    monkeypatch.setattr(golang, "build", build)
    return taken, closed


def linked(clone):
    return {link.name: link.resolve().parent.name for link in (clone / "bin").iterdir()}


def test_what_path_has_in_an_accepted_version_is_used(clone, table, roads):
    install(clone / "path", "1.4.2", "tool", "helper")
    choice.ensure(["tool"])
    assert roads[0] == []
    assert linked(clone) == {}


@pytest.mark.parametrize("version", ["1.3.9", "2.0.0"])
def test_a_version_on_path_that_is_not_accepted_is_passed_over(clone, table, roads, version):
    install(clone / "path", version, "tool", "helper")
    choice.ensure(["tool"])
    assert linked(clone) == {"tool": "release", "helper": "release"}


def test_a_program_on_path_without_what_it_needs_beside_it_is_passed_over(clone, table, roads):
    install(clone / "path", "1.4.2", "tool")
    choice.ensure(["tool"])
    assert linked(clone) == {"tool": "release", "helper": "release"}


def test_the_makers_release_comes_before_the_sources(clone, table, roads):
    choice.ensure(["tool"])
    assert roads[0] == ["release"]


def test_the_sources_are_built_where_no_release_can_be_had(clone, table, roads):
    roads[1].add("release")
    choice.ensure(["tool"])
    assert roads[0] == ["release", "source"]
    assert linked(clone) == {"tool": "built", "helper": "built"}


def test_another_clone_asks_no_network_for_what_was_built(clone, table, roads):
    roads[1].add("release")
    choice.ensure(["tool"])
    for link in (clone / "bin").iterdir():
        link.unlink()
    choice.ensure(["tool"])
    assert roads[0] == ["release", "source", "source"]


@pytest.fixture
def script(clone, table, monkeypatch):
    """A script of this project's that takes the place of `helper` where `tool` is built."""
    folder = clone / "ours"
    folder.mkdir()
    (folder / "helper").write_text("#!/bin/sh\n")
    (source,) = PROGRAMS["tool"].sources
    with_script = replace(source, scripts=(folder / "helper",))
    monkeypatch.setitem(PROGRAMS, "tool", replace(PROGRAMS["tool"], sources=(with_script,)))
    return folder / "helper"


def test_a_script_of_ours_comes_with_what_is_built(clone, roads, script):
    roads[1].add("release")
    choice.ensure(["tool"])
    assert (clone / "bin/helper").read_text() == script.read_text()
    assert (clone / "bin/tool").resolve().parent == (clone / "bin/helper").resolve().parent


def test_a_script_that_has_changed_is_brought_again_without_a_build(clone, roads, script):
    roads[1].add("release")
    choice.ensure(["tool"])
    script.write_text("#!/bin/sh\n# newer\n")
    choice.ensure(["tool"])
    assert (clone / "bin/helper").read_text() == script.read_text()
    assert (clone / "bin/tool").exists()


def test_a_release_keeps_its_own_script(clone, roads, script, monkeypatch):
    monkeypatch.setattr(release, "fetch", lambda *_: install(clone / "cache/releases/tool", "1.5.0", "tool", "helper"))
    choice.ensure(["tool"])
    choice.ensure(["tool"])
    assert linked(clone) == {"tool": "tool", "helper": "tool"}
    assert (clone / "bin/helper").read_text() != script.read_text()


def test_what_was_brought_once_is_not_brought_again(clone, table, roads):
    choice.ensure(["tool"])
    choice.ensure(["tool"])
    assert roads[0] == ["release"]


def test_a_program_that_the_user_installs_later_takes_the_place_of_the_brought_one(clone, table, roads):
    choice.ensure(["tool"])
    install(clone / "path", "1.6.0", "tool", "helper")
    choice.ensure(["tool"])
    assert linked(clone) == {}


def test_a_link_whose_program_was_removed_is_brought_again(clone, table, roads):
    choice.ensure(["tool"])
    (clone / "cache/release/helper").unlink()
    choice.ensure(["tool"])
    assert roads[0] == ["release", "release"]


def test_a_stack_that_wants_a_version_nobody_brings_is_told_so(table, roads):
    with pytest.raises(Problem, match=r"tool .* is needed, and Slipway brings only 1\.5\.0"):
        choice.ensure(["tool"], {"tool": SpecifierSet(">=1.9")})


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=lambda program: program.name)
def test_what_slipway_brings_is_accepted_and_locked(program):
    for source in program.sources:
        assert source.version in program.accepted
        assert (golang.MODULES / source.build.module / "go.sum").exists()
        assert all(script.stat().st_mode & 0o111 for script in source.scripts)


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=lambda program: program.name)
def test_a_pinned_sum_is_of_a_known_platform_and_reads_as_sha_256(program):
    for source in program.sources:
        assert set(source.release.sums) <= set(PLATFORMS) == set(source.release.platforms)
        for pinned in source.release.sums.values():
            assert len(bytes.fromhex(pinned)) == 32
