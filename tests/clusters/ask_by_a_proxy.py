"""Run in a machine: three stand-ins of API servers behind haproxy, asked while they end, start and while none is ready.

The one argument is haproxy's configuration; what is printed is, in JSON, why questions went unanswered.
"""

import json
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

ADDRESSES = ("127.0.0.2", "127.0.0.3", "127.0.0.4")
API_PORT, PROXY_PORT = 6443, 8443
SHUTDOWN_SECONDS = 10
"""From when an API server says that it is about to end until another one may be there in its place."""

MAKE_A_CERTIFICATE = (
    "openssl req -x509 -newkey rsa:2048 -nodes -keyout key -out certificate -days 1 -subj /CN=api "
    "-addext subjectAltName=IP:127.0.0.1"
)
WITHOUT_ETCD: set[str] = set()
"""Addresses that say they are not ready, for etcd's sake, and answer."""

HANGING: set[str] = set()
"""Addresses whose etcd keeps whoever asks for it waiting."""

ENDING: set[str] = set()
"""Addresses that say they are about to end, and answer still."""

STARTING: set[str] = set()
"""Addresses that say they are not ready, and refuse whoever asks."""


class Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        address = self.connection.getsockname()[0]
        lacking = {"etcd", "etcd-readiness"} - set(parse_qs(urlsplit(self.path).query).get("exclude", []))
        if self.path.startswith("/readyz"):
            if lacking and address in HANGING:
                time.sleep(4)
            self.send_response(500 if address in ENDING | STARTING or (address in WITHOUT_ETCD and lacking) else 200)
        else:
            self.send_response(403 if address in STARTING else 200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


def serve(address: str, folder: Path) -> ThreadingHTTPServer:
    server = ThreadingHTTPServer((address, API_PORT), Answers)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate", folder / "key")
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server


def refusal(trust: ssl.SSLContext) -> str:
    """Why a question was refused, or lost twice: one that is on its way while its API server is given up is cut off."""
    why = ""
    for _ in range(2):
        try:
            urllib.request.urlopen(f"https://127.0.0.1:{PROXY_PORT}/", context=trust, timeout=10).close()
        except urllib.error.HTTPError as error:
            return str(error)  # whoever says no has been asked, and should not have been
        except OSError as error:
            why = str(error)
        else:
            return ""
    return why


def refusals(trust: ssl.SSLContext, log: Path, told: str) -> list[str]:
    """What is refused until haproxy tells something, and a second longer."""
    refused, heard, until = [], False, time.monotonic() + 60
    while time.monotonic() < until:
        refused += [why] if (why := refusal(trust)) else []
        if not heard and told in log.read_text():
            heard, until = True, time.monotonic() + 1
        time.sleep(0.02)
    return refused if heard else [f"haproxy never told {told!r}: {log.read_text()}"]


def main(folder: Path) -> None:
    subprocess.run(MAKE_A_CERTIFICATE.split(), cwd=folder, check=True, capture_output=True)
    trust = ssl.create_default_context(cafile=str(folder / "certificate"))
    config, log = folder / "haproxy.cfg", folder / "log"
    config.write_text(sys.argv[1])
    servers = [serve(address, folder) for address in ADDRESSES]
    with log.open("w") as told, subprocess.Popen(["haproxy", "-db", "-f", config], stderr=told) as proxy:
        try:
            while refusal(trust):
                assert proxy.poll() is None, log.read_text()
            servers[1].shutdown()
            servers[1].server_close()
            one_ended = refusals(trust, log, f"control-planes/{ADDRESSES[1]} is DOWN")
            one_ended += refusals(trust, log, f"but-for-etcd/{ADDRESSES[1]} is DOWN")
            STARTING.add(ADDRESSES[1])
            servers[1] = serve(ADDRESSES[1], folder)
            ENDING.add(ADDRESSES[2])
            HANGING.add(ADDRESSES[2])
            threading.Timer(SHUTDOWN_SECONDS, STARTING.add, [ADDRESSES[2]]).start()
            one_ends = refusals(trust, log, f"control-planes/{ADDRESSES[2]} is DOWN")
            WITHOUT_ETCD.update(ADDRESSES)
            none_ready = refusals(trust, log, "backend 'control-planes' has no server available")
        finally:
            proxy.terminate()
    print(json.dumps({"one ended": one_ended, "one ends": one_ends, "none ready": none_ready}))


with tempfile.TemporaryDirectory() as name:
    main(Path(name))
