"""Where engines are found: the entry points of installed distributions."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

from mongoglot.engines.asynchronous import AsyncBackend
from mongoglot.engines.base import Backend
from mongoglot.errors import UnsupportedError

ENTRY_POINTS: Final = "mongoglot.engines"


def open_engine(url: str, options: dict[str, Any]) -> Backend:
    """Open the backend that the entry point of a URL's scheme names.

    Raises:
        UnsupportedError: it is no URL, no engine of that name is installed, or it takes no such option.
    """
    point = _point(url)
    opener = point.load()
    _check_options(point, opener, url, options)
    backend: Backend = opener(url, **options)
    return backend


def async_opener(url: str, options: dict[str, Any]) -> Callable[[], Awaitable[AsyncBackend]] | None:
    """What opens the engine's own asynchronous backend; None where it has none.

    It is `open_async_backend`, beside the function that the entry point names.

    Raises:
        UnsupportedError: as `open_engine`.
    """
    point = _point(url)
    opener = getattr(inspect.getmodule(point.load()), "open_async_backend", None)
    if opener is None:
        return None
    _check_options(point, opener, url, options)
    return lambda: opener(url, **options)


def _point(url: str) -> EntryPoint:
    if not isinstance(url, str):
        raise UnsupportedError(
            f"a store is named by a URL such as 'sqlite:PATH', not by {type(url).__name__}"
        )
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):", url)
    if scheme is None:
        engine = "duckdb" if url.endswith(".duckdb") else "sqlite"
        advice = f"; the store in a file of this name is {f'{engine}:{url}'!r}" if url else ""
        raise UnsupportedError(
            f"{url!r} is no store: write memory:, sqlite:PATH, duckdb:PATH, postgresql://host/database, "
            f"mongodb://host/database or null:{advice}"
        )
    found = {point.name: point for point in entry_points(group=ENTRY_POINTS)}
    if scheme[1] not in found:
        names = ", ".join(sorted(found))
        raise UnsupportedError(
            f"no engine for {url!r}: the scheme is one of {names}; others come as packages"
        )
    return found[scheme[1]]


def _check_options(point: EntryPoint, opener: Callable[..., Any], url: str, options: dict[str, Any]) -> None:
    try:
        inspect.signature(opener).bind(url, **options)
    except TypeError as error:
        raise UnsupportedError(f"the engine {point.name!r} cannot be opened so: {error}") from None
