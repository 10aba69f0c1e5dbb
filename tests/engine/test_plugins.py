import socketserver
import threading
from contextlib import contextmanager

import pytest

from tests.engine.slipway import Stack, environment
from tools import workspace


class RefusingProxy(socketserver.ThreadingTCPServer):
    """A proxy that notes where programs want to go, and lets them go nowhere."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), socketserver.StreamRequestHandler)
        self.wanted: set[str] = set()

    def finish_request(self, request, client_address):
        method_and_place = request.makefile().readline().split()
        self.wanted.add(method_and_place[1])
        request.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")


@contextmanager
def refusing_proxy():
    with RefusingProxy() as proxy:
        thread = threading.Thread(target=proxy.serve_forever)
        thread.start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
            thread.join()


@pytest.fixture
def where_it_goes(tmp_path, pulumi_home):
    """Where a preview of a stack goes on the network when no plugin is there yet and `make` set the environment."""

    def preview(name):
        made_by = workspace.environment(name, None)
        options = {key: value for key, value in made_by.items() if key.startswith("PULUMI_OPTION_")}
        with refusing_proxy() as proxy:
            ours = {**environment(tmp_path / "home"), **options}
            del ours["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"]
            ours["HTTPS_PROXY"] = ours["HTTP_PROXY"] = f"http://127.0.0.1:{proxy.server_address[1]}"
            Stack.made(tmp_path / name, name, ours).run("preview")
        return proxy.wanted

    return preview


def test_a_kind_stack_fetches_no_clouds_plugin(where_it_goes):
    assert where_it_goes("dev-kind") == set()


def test_a_clouds_stack_fetches_that_clouds_plugin(where_it_goes):
    assert "get.pulumi.com:443" in where_it_goes("prod-gke")
