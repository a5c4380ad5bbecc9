"""A network between a store and its server that can fail: connections break, or hang, and work again."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from typing import Any


class Proxy:
    """Passes bytes between its own port and another address.

    Attributes:
        port: on 127.0.0.1.
    """

    def __init__(self, address: tuple[str, int] | str) -> None:
        self._address = address
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._lock = threading.Lock()
        self._flows = threading.Event()
        self._flows.set()
        self.port = 0
        self.open()

    def open(self) -> None:
        """Take connections, on the port that it had before."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        """Break all connections, and take no more."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for pair in self._pairs:
                for end in pair:
                    with contextlib.suppress(OSError):
                        end.shutdown(socket.SHUT_RDWR)
            self._pairs.clear()

    def hang(self) -> None:
        """Take connections and bytes, and pass nothing on."""
        self._flows.clear()

    def go_on(self) -> None:
        """Pass on what waits."""
        self._flows.set()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        family = socket.AF_UNIX if isinstance(self._address, str) else socket.AF_INET
        address: Any = self._address
        with client, socket.socket(family, socket.SOCK_STREAM) as server, contextlib.suppress(OSError):
            server.connect(address)
            with self._lock:
                self._pairs.append((client, server))
            while True:
                readable, _, _ = select.select([client, server], [], [])
                self._flows.wait()
                for end in readable:
                    data = end.recv(65536)
                    if not data:
                        return
                    (server if end is client else client).sendall(data)
