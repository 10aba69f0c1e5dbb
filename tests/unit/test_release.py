import hashlib
import http.server
import io
import tarfile
import threading

import pytest

from tools import paths
from tools.console import Problem
from tools.toolchain import release
from tools.toolchain.programs import Release, here


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "CACHE", tmp_path / "cache")


@pytest.fixture
def makers():
    """A server of releases on loopback: path → bytes; tells which paths were asked for."""
    files, asked = {}, []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            body = files.get(self.path)
            self.send_response(200 if body is not None else 403)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, format, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", files, asked
        server.shutdown()


def program(url, content, folder=None):
    return Release(
        f"{url}/{{version}}/{{platform}}", {here(): hashlib.sha256(content).hexdigest()}, {here(): "mine"}, folder
    )


def archive(name, content):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as files:
        info = tarfile.TarInfo(name)
        info.size, info.mode = len(content), 0o755
        files.addfile(info, io.BytesIO(content))
    return out.getvalue()


def test_a_program_is_fetched_once_and_can_be_run(makers):
    url, files, asked = makers
    files["/1.2.3/mine"] = b"#!/bin/sh\n"
    for _ in range(2):
        folder = release.fetch("tool", "1.2.3", program(url, b"#!/bin/sh\n"))
    assert (folder / "tool").read_bytes() == b"#!/bin/sh\n"
    assert (folder / "tool").stat().st_mode & 0o111
    assert asked == ["/1.2.3/mine"]


def test_an_archive_is_unpacked_to_its_programs(makers):
    url, files, _ = makers
    files["/1.2.3/mine"] = packed = archive("inner/tool", b"program")
    folder = release.fetch("tool", "1.2.3", program(url, packed, folder="inner"))
    assert (folder / "tool").read_bytes() == b"program"


def test_a_file_with_another_sum_is_refused_and_removed(makers):
    url, files, _ = makers
    files["/1.2.3/mine"] = b"something else"
    with pytest.raises(Problem, match="is not the file that Slipway pins"):
        release.fetch("tool", "1.2.3", program(url, b"what was pinned"))
    assert [path.name for path in paths.CACHE.rglob("*") if path.suffix != ".lock" and path.is_file()] == []


def test_a_server_that_refuses_makes_the_release_unavailable(makers):
    url, _, _ = makers
    with pytest.raises(release.Unavailable, match="answers 403"):
        release.fetch("tool", "1.2.3", program(url, b""))


def test_a_server_that_is_not_there_makes_the_release_unavailable():
    with pytest.raises(release.Unavailable, match=r"127\.0\.0\.1 cannot be reached"):
        release.fetch("tool", "1.2.3", program("http://127.0.0.1:9", b""))


def test_a_platform_without_a_release_makes_it_unavailable():
    with pytest.raises(release.Unavailable, match=f"there is none for {here()}"):
        release.fetch("tool", "1.2.3", Release("http://127.0.0.1:9", {}, {}))
