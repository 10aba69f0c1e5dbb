from tools.bundle import store

CONTAINERD = """#!/bin/sh
root=$(sed -n "s/^root = '\\(.*\\)'/\\1/p" "$2")
mkdir "$root"
echo filled >"$root/images"
exec sleep 60
"""

CTR = """#!/bin/sh
test -e "$(dirname "$0")/store.new/images"
"""


def test_a_store_that_a_killed_run_had_filled_is_filled_anew(tmp_path):
    for name, text in {"containerd": CONTAINERD, "ctr": CTR}.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    left = tmp_path / "store"
    left.mkdir()
    (left / "half").touch()

    store.fill(left, tmp_path, [], tmp_path / "log")

    assert [file.name for file in left.iterdir()] == ["images"]
