"""The relay behind a published port, over loopback; entering another network namespace is left to the real engine."""

import os
import selectors
import socket
import struct
import threading

import pytest

from tools.engine.inside import publish

MEGABYTE = bytes(range(256)) * 4096


@pytest.fixture
def relay():
    """Start a relay to a port of loopback, and tell where it listens: `relay(publish.TcpRelay, port)`."""
    stopped = threading.Event()
    threads = []

    def start(kind, target: int) -> tuple[str, int]:
        selector = selectors.DefaultSelector()
        tcp = kind is publish.TcpRelay
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM)
        listener.bind(("127.0.0.1", 0))
        if tcp:
            listener.listen()
        listener.setblocking(False)
        kind(selector, listener, ("127.0.0.1", target))

        def run() -> None:
            while not stopped.is_set():
                for key, events in selector.select(timeout=0.01):
                    key.data(events)
            for key in list(selector.get_map().values()):
                assert isinstance(key.fileobj, socket.socket)
                key.fileobj.close()
            selector.close()

        threads.append(threading.Thread(target=run))
        threads[-1].start()
        return listener.getsockname()

    yield start
    stopped.set()
    for thread in threads:
        thread.join()


@pytest.fixture
def server():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        yield listener


def everything(connection: socket.socket) -> bytes:
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


def test_bytes_pass_both_ways_and_each_side_ends_its_stream_by_itself(relay, server):
    address = relay(publish.TcpRelay, server.getsockname()[1])
    with socket.create_connection(address, timeout=10) as client:
        client.sendall(b"question")
        client.shutdown(socket.SHUT_WR)
        connection, _ = server.accept()
        with connection:
            assert everything(connection) == b"question"
            connection.sendall(b"answer")
            connection.shutdown(socket.SHUT_WR)
            assert everything(client) == b"answer"


def test_more_than_all_buffers_hold_arrives_whole(relay, server):
    address = relay(publish.TcpRelay, server.getsockname()[1])
    received = []

    def serve() -> None:
        connection, _ = server.accept()
        with connection:
            connection.sendall(MEGABYTE * 16)

    thread = threading.Thread(target=serve)
    thread.start()
    with socket.create_connection(address, timeout=10) as client:
        received.append(everything(client))
    thread.join()

    assert received == [MEGABYTE * 16]


def test_a_container_that_does_not_listen_closes_the_connection(relay):
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    address = relay(publish.TcpRelay, port)

    with socket.create_connection(address, timeout=10) as client:
        assert client.recv(1) == b""


def test_a_connection_that_both_sides_break_off_at_once_does_not_end_the_relay(server):
    selector = selectors.DefaultSelector()
    with socket.create_server(("127.0.0.1", 0)) as listener, selector:
        listener.setblocking(False)
        publish.TcpRelay(selector, listener, server.getsockname())
        client = socket.create_connection(listener.getsockname(), timeout=10)
        for _ in ("accept", "connect"):
            serve_once(selector)
        connection, _ = server.accept()
        for side in (client, connection):
            # Closed without lingering: it is reset, which the relay sees on both sides in the same round.
            side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            side.close()
        serve_once(selector)

        assert [key.fileobj for key in selector.get_map().values()] == [listener]


def serve_once(selector: selectors.BaseSelector) -> None:
    for key, events in selector.select(timeout=10):
        key.data(events)


def test_datagrams_find_their_way_back_to_each_client(relay):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as echo:
        echo.bind(("127.0.0.1", 0))
        echo.settimeout(10)
        address = relay(publish.UdpRelay, echo.getsockname()[1])
        clients = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
        for number, client in enumerate(clients):
            client.settimeout(10)
            client.sendto(b"from %d" % number, address)
        for _ in clients:
            data, sender = echo.recvfrom(100)
            echo.sendto(b"to " + data, sender)
        answers = [client.recv(100) for client in clients]
        for client in clients:
            client.close()

    assert answers == [b"to from 0", b"to from 1"]


@pytest.mark.parametrize(
    ("asked", "listens"),
    [("0.0.0.0", "127.0.0.1"), ("127.0.0.5", "127.0.0.5"), ("192.168.1.5", "127.0.0.1"), ("::", "::1")],  # noqa: S104
)
def test_only_loopback_is_listened_on(asked, listens):
    assert publish.loopback(asked) == listens


def test_options_are_read_as_the_engine_writes_them():
    words = "-proto tcp -host-ip 127.0.0.1 -host-port 80 -container-ip 172.18.0.2 -container-port 8080 -use-listen-fd"

    assert publish.options_of(words.split()) == {
        "proto": "tcp",
        "host-ip": "127.0.0.1",
        "host-port": "80",
        "container-ip": "172.18.0.2",
        "container-port": "8080",
    }


def test_a_port_that_is_taken_is_told_as_docker_tells_it(server, monkeypatch):
    monkeypatch.setattr(publish, "enter", os.close)
    port = server.getsockname()[1]

    with pytest.raises(OSError, match=rf"^listen tcp 127\.0\.0\.1:{port}: bind: address already in use$"):
        publish.listen("tcp", ("127.0.0.1", port), "/proc/self/ns/net")
