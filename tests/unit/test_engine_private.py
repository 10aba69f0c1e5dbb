"""The private engine's refusals and choices, without starting one."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tools.console import Problem
from tools.engine import choice, packages, private
from tools.engine.private import PrivateEngine

DEAD = '{"process": {"pid": 1, "started": "another-boot 1"}, "cgroups": [], "switched_on": []}'


@pytest.fixture
def fitting(monkeypatch):
    """A machine that a private engine can run on."""
    monkeypatch.setattr(private, "file_system", lambda _: "ext4")
    monkeypatch.setattr(private, "TUN", Path("/dev/null"))
    monkeypatch.setattr(private.shutil, "disk_usage", lambda _: SimpleNamespace(free=10 * 2**30))
    monkeypatch.setattr(packages, "ensure", lambda _: pytest.fail("it is refused before anything is fetched"))


@pytest.fixture
def no_programs(monkeypatch, tmp_path):
    """A machine with neither docker nor podman on PATH, and no variable that names an engine."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(choice.paths, "CACHE", tmp_path / "cache")
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT"):
        monkeypatch.delenv(name, raising=False)


def program(monkeypatch, tmp_path, name: str, script: str) -> None:
    """Put a program on PATH."""
    folder = tmp_path / "bin"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_a_path_that_is_too_long_for_a_socket_is_refused(fitting, tmp_path):
    folder = tmp_path / ("x" * 100)

    with pytest.raises(Problem, match=r"too long for a socket .* set SLIPWAY_CACHE to a shorter path"):
        PrivateEngine(folder).start()


def test_a_file_system_that_overlays_cannot_lie_on_is_refused(fitting, monkeypatch, tmp_path):
    monkeypatch.setattr(private, "file_system", lambda _: "overlay")

    with pytest.raises(Problem, match=r"lies on overlay, .* set SLIPWAY_CACHE to a folder on btrfs, ext4, xfs"):
        PrivateEngine(tmp_path / "e").start()


def test_a_disk_that_is_full_is_refused(fitting, monkeypatch, tmp_path):
    monkeypatch.setattr(private.shutil, "disk_usage", lambda _: SimpleNamespace(free=2**29))

    with pytest.raises(Problem, match=r"has 0\.5 GiB free, and the container engine needs 2"):
        PrivateEngine(tmp_path / "e").start()


def test_a_machine_without_tun_devices_is_refused(fitting, monkeypatch, tmp_path):
    monkeypatch.setattr(private, "TUN", tmp_path / "tun")

    with pytest.raises(Problem, match=r"tun is missing, .* run `modprobe tun`"):
        PrivateEngine(tmp_path / "e").start()


def test_an_engine_that_never_ran_neither_answers_nor_needs_stopping(tmp_path):
    engine = PrivateEngine(tmp_path / "never")

    assert not engine.answers()
    engine.stop()
    assert not engine.stop_if_idle()
    assert not engine.folder.exists()


def test_an_engine_of_an_earlier_boot_counts_as_ended(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run/state.json").write_text(DEAD)

    assert PrivateEngine(tmp_path).process is None


def test_its_client_comes_first_on_path_and_only_once(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", "/usr/bin")
    engine = PrivateEngine(tmp_path)
    assert engine.environment == {
        "DOCKER_HOST": f"unix://{tmp_path}/run/docker.sock",
        "PATH": f"{tmp_path}/bin:/usr/bin",
        "WSLPATH": "published-ports-alone",
    }

    monkeypatch.setenv("PATH", engine.environment["PATH"])
    assert engine.environment["PATH"] == f"{tmp_path}/bin:/usr/bin"


def test_docker_comes_before_podman(no_programs, monkeypatch, tmp_path):
    program(monkeypatch, tmp_path, "podman", "echo 5.4")
    found = choice.find()
    assert found and (found.cli, dict(found.environment)) == ("podman", {"KIND_EXPERIMENTAL_PROVIDER": "podman"})

    program(monkeypatch, tmp_path, "docker", "echo 28.2")
    assert choice.find() == choice.Engine("docker")


def test_an_engine_that_was_named_and_does_not_answer_is_never_replaced(no_programs, monkeypatch, tmp_path):
    program(monkeypatch, tmp_path, "podman", "echo 5.4")
    program(monkeypatch, tmp_path, "docker", "echo connection refused >&2; exit 1")
    monkeypatch.setenv("DOCKER_HOST", "tcp://build:2375")

    with pytest.raises(Problem, match=r"^DOCKER_HOST=tcp://build:2375 does not answer: connection refused; start"):
        choice.find()


def test_podmans_socket_may_be_named_for_others_where_there_is_no_docker(no_programs, monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", "unix:///run/podman/podman.sock")
    program(monkeypatch, tmp_path, "podman", "echo 5.4")

    found = choice.find()

    assert found and found.cli == "podman"


def test_the_private_engines_address_in_a_shell_is_no_choice_of_the_users(no_programs, monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/cache/engine/run/docker.sock")

    assert choice.find() is None


def test_without_an_engine_the_way_to_one_is_told(no_programs, monkeypatch):
    monkeypatch.setattr(choice, "_private_can_run", lambda: False)

    with pytest.raises(Problem, match=r"^no container engine answers: "):
        choice.ensure()


@pytest.mark.parametrize("can_run", [True, False])
def test_ending_an_engine_that_does_not_run_says_so(no_programs, monkeypatch, capsys, can_run):
    monkeypatch.setattr(choice, "_private_can_run", lambda: can_run)

    choice.down()

    assert capsys.readouterr().err == "  no private engine runs, and any other one is left alone\n"


def test_unpacked_programs_come_before_the_machines(tmp_path, monkeypatch):
    own = tmp_path / "usr/sbin"
    own.mkdir(parents=True)
    (own / "ip").touch(mode=0o755)
    libraries = tmp_path / "usr/lib/x86_64-linux-gnu/xtables"
    libraries.mkdir(parents=True)
    programs = packages.Programs(tmp_path)

    assert programs.find("ip") == str(own / "ip")
    assert programs.environment["XTABLES_LIBDIR"] == str(libraries)
    with pytest.raises(Problem, match=r"no-such-program is not in"):
        programs.find("no-such-program")


def test_packages_are_fetched_without_touching_the_machines_own(tmp_path, monkeypatch):
    ran = []

    def run(words, **_):
        ran.append(list(map(str, words)))
        if words[0] == "apt-get" and "install" in words:
            (tmp_path / "packages/archives/docker.io.deb").touch()
        if words[0] == "dpkg-deb":
            (Path(words[-1]) / "usr/sbin").mkdir(parents=True)
            (Path(words[-1]) / "usr/sbin/xtables-nft-multi").touch()
        return "docker.io\ndocker-cli\n" if words[0] == "apt-cache" else ""

    monkeypatch.setattr(packages, "run", run)
    root = packages.ensure(tmp_path).root

    for words in ran[:3]:
        assert f"Dir::State::lists={tmp_path}/packages/lists" in words
        assert f"Dir::Cache={tmp_path}/packages" in words
    assert "--download-only" in ran[2]
    assert ran[2][-1] == "docker-cli"
    assert (root / "usr/sbin/iptables-save").readlink() == Path("xtables-nft-multi")
    assert not (tmp_path / "packages").exists()

    ran.clear()
    packages.ensure(tmp_path)
    assert ran == []


def test_a_machine_that_has_all_packages_uses_its_own_programs(tmp_path, monkeypatch):
    monkeypatch.setattr(packages, "run", lambda *_, **__: "")

    programs = packages.ensure(tmp_path)

    assert programs.find("sh") in ("/bin/sh", "/usr/bin/sh")


def test_what_runs_inside_needs_nothing_but_the_interpreter():
    folder = private.INSIDE
    for script in ("publish.py", "runtime.py", "init.py"):
        imports = "import sys; sys.argv = ['x']; import runpy; runpy.run_path(sys.stdin.read(), run_name='checked')"
        subprocess.run(
            [sys.executable, "-I", "-S", "-c", imports], input=str(folder / script), text=True, check=True, cwd="/"
        )


def test_libraries_are_found_wherever_a_package_puts_them(tmp_path):
    for folder in ("usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu"):
        (tmp_path / folder).mkdir(parents=True)
    found = packages.Programs(tmp_path).environment["LD_LIBRARY_PATH"].split(":")
    assert found == [f"{tmp_path}/usr/lib/x86_64-linux-gnu", f"{tmp_path}/lib/x86_64-linux-gnu"]
