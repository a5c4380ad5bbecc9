"""How a worker in another process says that it has started a task: one datagram on the loopback.

The worker does not open the store itself. It would have to load all of mongoglot for one value, and in a process
that was forked while its parent had an SQLite file open, SQLite's knowledge of locks is the parent's, and wrong. A
datagram costs the worker some microseconds, and one that is lost costs nothing: the outcome says when the task
started, too.
"""

from __future__ import annotations

import hmac
import json
import secrets
import socket
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, NamedTuple, final

_HOST: Final = "127.0.0.1"
_MAX: Final = 4096
"""Bytes of a datagram."""


class Address(NamedTuple):
    """Where reports go.

    Attributes:
        port: of the loopback.
        token: a secret; reports without it are thrown away.
        node: the name of the machine: workers elsewhere report nothing.
    """

    port: int
    token: str
    node: str


def send(address: Address, msg_id: str, started: datetime, worker: str) -> None:
    """Report that a task has started; whether that arrives is not known."""
    if socket.gethostname() != address.node:
        return
    report = {"token": address.token, "msg_id": msg_id, "started": started.isoformat(), "worker": worker}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
        channel.sendto(json.dumps(report).encode(), (_HOST, address.port))


@final
class Listener:
    """Receives reports in a thread of its own.

    Attributes:
        address: for the workers.
    """

    def __init__(self, told: Callable[[str, dict[str, Any]], object]) -> None:
        """Open the channel; `told` is called with the id of a task, and what is known of it.

        Raises:
            OSError: the machine has no loopback.
        """
        self._told = told
        self._channel = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._channel.bind((_HOST, 0))
        except OSError:
            self._channel.close()
            raise
        self.address = Address(self._channel.getsockname()[1], secrets.token_hex(16), socket.gethostname())
        self._thread: threading.Thread | None = None
        self._closing = False

    def start(self) -> None:
        """Begin to listen."""
        self._thread = threading.Thread(target=self._run, name="mongoglot reports", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._closing:
            report = self._read(self._channel.recv(_MAX))
            if report is not None:
                self._told(*report)

    def _read(self, data: bytes) -> tuple[str, dict[str, Any]] | None:
        """A report, or None for what is none of ours."""
        try:
            report = json.loads(data)
            if not hmac.compare_digest(report["token"], self.address.token):
                return None
            started = datetime.fromisoformat(report["started"])
            return str(report["msg_id"]), {"started": started, "engine_uuid": str(report["worker"])}
        except (ValueError, KeyError, TypeError, RecursionError):
            return None

    def close(self) -> None:
        """Stop listening."""
        self._closing = True
        if self._thread is not None and self._thread.is_alive():
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
                channel.sendto(b"", (_HOST, self.address.port))  # wakes the thread
            self._thread.join(1)
        self._channel.close()
