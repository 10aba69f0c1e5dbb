"""A container runtime that asks for no more than the machine can give."""

import json
import os

import pytest

from tools.engine.inside import runtime

WITHOUT_SYS_RESOURCE = (1 << 41) - 1 & ~(1 << 24)


def privileged():
    return {
        "args": ["/sbin/init"],
        "oomScoreAdj": -500,
        "capabilities": {"bounding": ["CAP_CHOWN", "CAP_SYS_RESOURCE"], "ambient": None},
    }


def test_what_the_machine_lacks_is_not_asked_for():
    process = privileged()
    runtime.fit(process, WITHOUT_SYS_RESOURCE)

    assert process == {"args": ["/sbin/init"], "capabilities": {"bounding": ["CAP_CHOWN"], "ambient": []}}


def test_a_machine_that_lacks_nothing_gives_all():
    process = privileged()
    runtime.fit(process, (1 << 41) - 1)

    assert process["capabilities"]["bounding"] == ["CAP_CHOWN", "CAP_SYS_RESOURCE"]
    assert process["oomScoreAdj"] == -500


def test_capabilities_are_known_by_the_kernels_numbers():
    names = runtime.CAPABILITIES.split()

    assert (names[0], names[21], names[24], names[40]) == ("CHOWN", "SYS_ADMIN", "SYS_RESOURCE", "CHECKPOINT_RESTORE")
    assert len(names) == 41


@pytest.mark.parametrize(
    ("words", "file"),
    [
        (["--root", "/run/runc", "create", "--bundle", "{folder}", "id"], "config.json"),
        (["run", "-b={folder}", "id"], "config.json"),
        (["exec", "--process", "{folder}/process.json", "id"], "process.json"),
    ],
)
def test_it_fits_the_specification_and_becomes_the_runtime(words, file, tmp_path, monkeypatch):
    process = {"capabilities": {"bounding": ["CAP_CHOWN", "CAP_NO_SUCH_THING"]}}
    (tmp_path / file).write_text(json.dumps({"process": process} if file == "config.json" else process))
    words = [word.format(folder=tmp_path) for word in words]
    became = []
    monkeypatch.setattr("sys.argv", ["runtime.py", "/usr/bin/runc", *words])
    monkeypatch.setattr(os, "execv", lambda *command: became.append(command))

    runtime.main()

    assert became == [("/usr/bin/runc", ["/usr/bin/runc", *words])]
    fitted = json.loads((tmp_path / file).read_text())
    assert "CAP_NO_SUCH_THING" not in fitted.get("process", fitted)["capabilities"]["bounding"]


def test_a_command_without_a_specification_passes_as_it_is(monkeypatch):
    became = []
    monkeypatch.setattr("sys.argv", ["runtime.py", "/usr/bin/runc", "kill", "id", "9"])
    monkeypatch.setattr(os, "execv", lambda *command: became.append(command))

    runtime.main()

    assert became == [("/usr/bin/runc", ["/usr/bin/runc", "kill", "id", "9"])]
