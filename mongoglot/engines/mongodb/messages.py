"""What is sent to a server and how its answers are read, whichever of the driver's clients does the talking."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import bson
from bson import DBRef
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.raw_bson import RawBSONDocument

from mongoglot.compiler.deadline import remaining
from mongoglot.compiler.index import Index
from mongoglot.engines.base import FindRequest, Record
from mongoglot.engines.mongodb.lowering import to_filter

DEFAULT_DATABASE: Final = "mongoglot"

CODEC: Final = CodecOptions[dict[str, Any]](datetime_conversion=DatetimeConversion.DATETIME_AUTO)
RAW: Final = CodecOptions(document_class=RawBSONDocument)
"""Documents that are found are decoded here; see `decoded`."""


def find_options(request: FindRequest) -> dict[str, Any]:
    """The arguments of the driver's `find`."""
    return {
        "filter": to_filter(request.query),
        "projection": request.projection.spec if request.projection else None,
        "sort": request.sort.spec if request.sort else None,
        "skip": request.skip,
        "limit": min(request.limit, 2**31 - 1),  # a larger one is no limit in practice, and not an int32
        "collation": request.collation,
        "max_time_ms": _time_left(),
    }


def count_options() -> dict[str, Any]:
    """The arguments of the driver's `count_documents`, beside the filter."""
    left = _time_left()
    return {} if left is None else {"maxTimeMS": left}


def index_options(index: Index) -> dict[str, Any]:
    """The arguments of the driver's `create_index`."""
    options = {name: True for name in ("unique", "sparse") if getattr(index, name)}
    return {"keys": list(index.keys), "name": index.name, **options}


def listed_index(found: Mapping[str, Any]) -> Record:
    """An index as every engine lists it."""
    return {name: dict(value) if name == "key" else value for name, value in found.items()}


def explanation(engine: str, request: FindRequest, plan: Mapping[str, Any]) -> dict[str, Any]:
    """What is sent, and the server's plan."""
    return {
        "engine": engine,
        "filter": to_filter(request.query),
        "projection": request.projection.spec if request.projection else None,
        "sort": request.sort.spec if request.sort else None,
        "plan": plan.get("queryPlanner", {}).get("winningPlan"),
        "residual": None,
    }


def decoded(raw: bytes | memoryview) -> Record:
    """A document as every engine returns it: the driver's DBRefs are the documents that were stored."""
    raw = bytes(raw)  # of a large reply the driver gives views, in which nothing can be found
    document: Record = bson.decode(raw, CODEC)
    return _without_dbrefs(document) if b"$ref\0" in raw else document


def _without_dbrefs(value: Any) -> Any:
    if isinstance(value, DBRef):
        value = value.as_doc()
    if isinstance(value, dict):
        return {name: _without_dbrefs(item) for name, item in value.items()}
    return [_without_dbrefs(item) for item in value] if isinstance(value, list) else value


def _time_left() -> int | None:
    """The milliseconds that a command may take; None for no limit."""
    left = remaining()
    return None if left is None else max(math.ceil(left * 1000), 1)
