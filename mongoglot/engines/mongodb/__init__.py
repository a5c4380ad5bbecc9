"""The mongodb engine: a server, replica set or sharded cluster through pymongo."""

from __future__ import annotations

from typing import Any

from mongoglot.engines.mongodb.lowering import to_filter

__all__ = ["open_backend", "to_filter"]


def open_backend(url: str, **options: Any) -> Any:
    """A store on a server; pymongo is loaded here, when the first one is opened."""
    from mongoglot.engines.mongodb.opening import open_backend as opened

    return opened(url, **options)
