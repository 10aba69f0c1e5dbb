r"""One published port of the private engine: listens on the host's loopback, and relays to a container.

dockerd starts it in place of `docker-proxy`, in the engine's network namespace, once for each port, and stops it with
SIGINT or SIGTERM when the port is given back:

    publish.py LISTEN_NAMESPACE -proto tcp -host-ip 0.0.0.0 -host-port 8080 -container-ip 172.18.0.2 -container-port 80

File descriptor 3 takes "0\n" once it listens, or "1\n" and the reason why not, which `docker run` then shows.
Whatever address was asked for, only loopback is listened on: nothing of a private engine is open to other machines.
"""

import contextlib
import ctypes
import itertools
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Sequence

CLONE_NEWNET = 0x40000000
CHUNK = 256 * 1024
UDP_IDLE_SECONDS = 90
"""How long an answer to a datagram is waited for, as in docker-proxy."""


def main() -> None:
    """Listen, tell the engine, and relay until a signal ends it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    namespace, options = sys.argv[1], options_of(sys.argv[2:])
    selector = selectors.DefaultSelector()
    try:
        relay = {"tcp": TcpRelay, "udp": UdpRelay}.get(options["proto"])
        if relay is None:
            raise OSError(f"the private engine publishes tcp and udp ports, not {options['proto']}")
        address = (loopback(options["host-ip"]), int(options["host-port"]))
        listener = listen(options["proto"], address, namespace)
    except OSError as error:
        os.write(3, f"1\n{error.strerror or error}".encode())
        sys.exit(1)
    os.write(3, b"0\n")
    os.close(3)
    relay(selector, listener, (options["container-ip"], int(options["container-port"])))
    while True:
        for key, events in selector.select():
            key.data(events)


def options_of(words: Sequence[str]) -> dict[str, str]:
    """The options by name; a switch without a value counts as none (`-use-listen-fd` of newer engines is one)."""
    return {word.lstrip("-"): value for word, value in itertools.pairwise(words) if word[0] == "-" != value[0]}


def loopback(asked: str) -> str:
    """The loopback address to listen on for the one that was asked for."""
    if ":" in asked:
        return "::1"
    return asked if asked.startswith("127.") else "127.0.0.1"


def listen(protocol: str, address: tuple[str, int], namespace: str) -> socket.socket:
    """Bind a socket in another network namespace; a socket stays in the one that it was made in.

    Raises:
        OSError: The address is taken.
    """
    own = os.open("/proc/self/ns/net", os.O_RDONLY)
    enter(os.open(namespace, os.O_RDONLY))
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    listener = socket.socket(family(address), kind)
    try:
        if protocol == "tcp":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        if protocol == "tcp":
            listener.listen(1024)
    except OSError as error:
        listener.close()
        raise OSError(f"listen {protocol} {address[0]}:{address[1]}: bind: {(error.strerror or '').lower()}") from None
    finally:
        enter(own)
    listener.setblocking(False)
    return listener


def enter(namespace: int) -> None:
    """Move this process into a network namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), f"cannot enter a network namespace: {os.strerror(ctypes.get_errno())}")
    os.close(namespace)


class TcpRelay:
    """Accepts connections, and opens one to the container for each."""

    def __init__(self, selector: selectors.BaseSelector, listener: socket.socket, target: tuple[str, int]) -> None:
        self._selector, self._target = selector, target
        self._listener = listener
        selector.register(listener, selectors.EVENT_READ, self._accept)

    def _accept(self, _: int) -> None:
        try:
            client, _peer = self._listener.accept()
        except OSError:
            return  # it went away again
        server = socket.socket(family(self._target), socket.SOCK_STREAM)
        Connection(self._selector, client, server, self._target)


class Way:
    """One direction of a connection."""

    def __init__(self, source: socket.socket, sink: socket.socket) -> None:
        self.source, self.sink = source, sink
        self.open = True
        self._pending = memoryview(b"")

    def events(self, side: socket.socket) -> int:
        """What to wait for on one of the two sockets: new bytes only once the last ones have gone."""
        if side is self.sink and self._pending:
            return selectors.EVENT_WRITE
        return selectors.EVENT_READ if side is self.source and self.open and not self._pending else 0

    def move(self) -> None:
        """Move what can be moved without waiting, and hand on the end of the stream."""
        try:
            if not self._pending:
                self._pending = memoryview(self.source.recv(CHUNK))
                if not self._pending:
                    self.open = False
                    self.sink.shutdown(socket.SHUT_WR)
                    return
            self._pending = self._pending[self.sink.send(self._pending) :]
        except BlockingIOError:
            pass


class Connection:
    """A client, the container, and the bytes on their way between them; each side may end its stream first."""

    def __init__(
        self, selector: selectors.BaseSelector, client: socket.socket, server: socket.socket, target: tuple[str, int]
    ) -> None:
        self._selector, self._sides = selector, (client, server)
        self._ways = (Way(client, server), Way(server, client))
        for side in self._sides:
            side.setblocking(False)
            side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server.connect_ex(target)
        selector.register(server, selectors.EVENT_WRITE, self._connected)

    def _connected(self, _: int) -> None:
        server = self._sides[1]
        self._selector.unregister(server)
        if server.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._close()
        else:
            self._watch()

    def _advance(self, side: socket.socket, events: int) -> None:
        if side.fileno() < 0:
            return  # the other side's event, a moment ago in the same round, ended the connection
        try:
            for way in self._ways:
                if events & way.events(side):
                    way.move()
        except OSError:
            self._close()
        else:
            self._watch()

    def _watch(self) -> None:
        """Wait for what each side can do next; with both streams ended there is nothing left."""
        watched = self._selector.get_map()
        wanted = [(side, self._ways[0].events(side) | self._ways[1].events(side)) for side in self._sides]
        if not any(events for _, events in wanted):
            self._close()
            return
        for side, events in wanted:
            known = watched.get(side)
            if known and not events:
                self._selector.unregister(side)
            elif known and known.events != events:
                self._selector.modify(side, events, known.data)
            elif events and not known:
                self._selector.register(side, events, lambda happened, side=side: self._advance(side, happened))

    def _close(self) -> None:
        for side in self._sides:
            if side in self._selector.get_map():
                self._selector.unregister(side)
            side.close()


class UdpRelay:
    """Sends each datagram on to the container, from a socket for each client, and the answers back."""

    def __init__(self, selector: selectors.BaseSelector, listener: socket.socket, target: tuple[str, int]) -> None:
        self._selector, self._listener, self._target = selector, listener, target
        self._clients: dict[tuple, tuple[socket.socket, float]] = {}
        selector.register(listener, selectors.EVENT_READ, self._forward)

    def _forward(self, _: int) -> None:
        data, client = self._listener.recvfrom(65536)
        now = time.monotonic()
        if client not in self._clients:
            for idle in [known for known, (_, last) in self._clients.items() if now - last > UDP_IDLE_SECONDS]:
                gone, _last = self._clients.pop(idle)
                self._selector.unregister(gone)
                gone.close()
            upstream = socket.socket(family(self._target), socket.SOCK_DGRAM)
            upstream.setblocking(False)
            upstream.connect(self._target)
            self._selector.register(upstream, selectors.EVENT_READ, lambda _: self._answer(upstream, client))
        else:
            upstream = self._clients[client][0]
        self._clients[client] = upstream, now
        with contextlib.suppress(OSError):  # as on any network, a datagram may be lost
            upstream.send(data)

    def _answer(self, upstream: socket.socket, client: tuple) -> None:
        self._clients[client] = upstream, time.monotonic()
        with contextlib.suppress(OSError):
            self._listener.sendto(upstream.recv(65536), client)


def family(address: tuple[str, int]) -> socket.AddressFamily:
    """The address family of an address."""
    return socket.AF_INET6 if ":" in address[0] else socket.AF_INET


if __name__ == "__main__":
    main()
