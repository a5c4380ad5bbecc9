"""A way to a server that can be closed and opened again, as if the server went and came back."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Any

Connection = Any


class Proxy:
    """Hands bytes to a server and back, while it is open.

    Attributes:
        port: on the loopback interface, the same after it was closed and opened.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self.port = 0
        self._listener: Connection = None
        self._connections: list[Connection] = []
        self.open()

    def open(self) -> None:
        """Take connections."""
        self._listener = socket.create_server(("127.0.0.1", self.port), reuse_port=False)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def close(self) -> None:
        """Refuse connections, and break those that there are."""
        for connection in [self._listener, *self._connections]:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        self._connections.clear()

    def _accept(self, listener: Connection) -> None:
        with contextlib.suppress(OSError):
            while True:
                incoming, _ = listener.accept()
                outgoing = socket.create_connection(self._target)
                self._connections += [incoming, outgoing]
                for source, sink in ((incoming, outgoing), (outgoing, incoming)):
                    threading.Thread(target=self._copy, args=(source, sink), daemon=True).start()

    def _copy(self, source: Connection, sink: Connection) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for connection in (source, sink):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
