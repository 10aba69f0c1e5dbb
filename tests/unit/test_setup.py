"""What tools/setup.sh refuses, before it fetches anything."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SETUP = Path(__file__).parents[2] / "tools/setup.sh"


@pytest.fixture
def refusal(tmp_path):
    """What the script of a bare clone says in some environment."""
    tools = tmp_path / "a clone/tools"
    tools.mkdir(parents=True)
    shutil.copy(SETUP, tools)
    (tools / "uv.txt").write_text("uv==0.0.0\n")

    def refuse(**env: str) -> str:
        done = subprocess.run(
            ["sh", tools / "setup.sh"], env={"PATH": os.defpath, **env}, capture_output=True, text=True, cwd=tmp_path
        )
        assert done.returncode == 1
        assert done.stdout == ""
        return done.stderr

    return refuse


@pytest.mark.parametrize("name", ["SLIPWAY_CACHE", "XDG_CACHE_HOME"])
def test_a_cache_that_moves_with_the_current_folder_is_refused(refusal, tmp_path, name):
    assert refusal(**{name: "some/where"}).endswith("is no whole path; set SLIPWAY_CACHE to one that begins with /\n")
    assert [path.name for path in tmp_path.iterdir()] == ["a clone"]


def test_a_cache_that_cannot_be_made_is_refused_with_the_way_out(refusal):
    assert refusal(SLIPWAY_CACHE="/dev/null/cache") == (
        "error: /dev/null/cache cannot be written to; set SLIPWAY_CACHE to a folder of yours\n"
    )


def test_a_machine_without_a_home_is_asked_for_a_cache(refusal):
    assert refusal().startswith("error: HOME is not set; set it, or set SLIPWAY_CACHE")


def test_a_clone_that_cannot_be_written_to_is_refused(refusal, tmp_path):
    (tmp_path / "a clone/.slipway").write_text("")
    assert refusal(SLIPWAY_CACHE=str(tmp_path / "c")).startswith(
        f"error: {tmp_path}/a clone/.slipway cannot be written"
    )
