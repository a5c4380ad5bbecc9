"""Sorts in DuckDB's SQL (semantics 6.4), where the order of keys, or of a column's values, is the server's.

The keys of scalars are in the server's order, those of documents and arrays are not. An array of scalars at the
end of the only path sorts by its least or its greatest element. Rows with others come *first*, with a mark, so
that the first row tells whether Python has to sort. Equal rows stay in the order in which they are stored.
"""

from __future__ import annotations

from typing import Final

from mongoglot.compiler.ast import Path
from mongoglot.compiler.sort import Sort
from mongoglot.engines.duckdb import paths
from mongoglot.engines.duckdb.conditions import ARRAY, OBJECT, begins
from mongoglot.engines.duckdb.lowering import IDENTITY, KEYS
from mongoglot.engines.duckdb.paths import Root
from mongoglot.engines.duckdb.types import Scalar, Struct, Type
from mongoglot.engines.sql import duckdb_nodes as duck
from mongoglot.engines.sql import nodes as sql
from mongoglot.engines.sql.nodes import Expression, quoted
from mongoglot.engines.sql.ordering import INSERTION, Order, direction

_NULL: Final = '"C"'
"""The key of null, which a missing field sorts as."""

_EMPTY: Final = '"B~'
"""Where an empty array sorts: between the keys of MinKey and of null."""


def of_documents(sort: Sort | None) -> Order | None:
    """The order of a collection's rows; None where a path is too long for SQL."""
    if sort is None:
        return INSERTION
    if not sort.keys:
        return Order(INSERTION.text + direction(sort.natural))
    split = [(tuple(name.split(".")), way) for name, way in sort.keys]
    if any(len(path) > paths.MAX_LENGTH for path, _ in split):
        return None
    items, unsure = [], []
    for path, way in split:
        key, unplaced = _of_document(path, way, alone=len(split) == 1)
        items.append(duck.text_of(key) + direction(way))
        unsure += unplaced
    mark = duck.text_of(duck.two_valued(sql.some_of(unsure)))
    return Order(", ".join([f"{mark} DESC", *items, INSERTION.text]), mark)


def _of_document(path: Path, way: int, *, alone: bool) -> tuple[Expression, list[Expression]]:
    """The key at a path, and where it is not what the row sorts by."""
    if path == ("_id",):  # which is no array
        identity = sql.name(IDENTITY)
        return identity, [begins(identity, OBJECT)]
    root = Root(sql.name(KEYS))
    place = paths.direct(root, path)
    text = paths.text(place)
    key = sql.call("coalesce", text, sql.string(_NULL))
    unsure = [begins(text, OBJECT)]
    if len(path) > 1:
        unsure.append(paths.array_on_the_way(root, path))
    if not alone:
        return key, [*unsure, begins(text, ARRAY)]
    keys = duck.mapped(paths.elements(place), "s", paths.text)
    best = sql.call("list_min" if way == 1 else "list_max", keys)
    nested = duck.some_item(keys, "s", lambda item: sql.some_of([begins(item, OBJECT), begins(item, ARRAY)]))
    in_array = begins(text, ARRAY)
    unsure.append(sql.case([(in_array, nested)], duck.FALSE))
    return sql.case([(in_array, sql.call("coalesce", best, sql.string(_EMPTY)))], key), unsure


PLACE: Final = "mongoglot place"
"""The number of a row of a file, in the order in which it is read."""

ROWS: Final = "mongoglot rows"
"""The rows of a file with their numbers: columns that are selected may have other values of the same names."""


def of_rows(sort: Sort, kind: Struct) -> str | None:
    """What the `ROWS` of a file are sorted by; None where a column's values are not in the server's order."""
    if any(name.lower() == PLACE or "." in name for name, _ in kind.fields):
        return None
    if not sort.keys:
        return quoted(PLACE) + direction(sort.natural)
    items = []
    for name, way in sort.keys:
        found = _of_type(tuple(name.split(".")), kind)
        if found is None:
            return None
        nulls = " NULLS FIRST" if way == 1 else " NULLS LAST"
        items += [duck.text_of(item) + direction(way) + nulls for item in found]
    return ", ".join([*items, quoted(PLACE)])


def _of_type(path: Path, kind: Struct) -> list[Expression] | None:
    """What values at a path are sorted by: nothing where all are null; None where SQL has no such order."""
    value: Expression = sql.name(path[0], ROWS)
    inner: Type | None = dict(kind.fields).get(path[0])
    for part in path[1:]:
        if not isinstance(inner, Struct):
            break
        inner = dict(inner.fields).get(part)
        value = sql.call("struct_extract", value, sql.string(part))
    else:
        return [] if inner is None else _scalars(value, inner)
    if inner is None or (isinstance(inner, Scalar) and inner.kind != "json"):
        return []  # there is no field below
    return None


def _scalars(value: Expression, kind: Type) -> list[Expression] | None:
    if not isinstance(kind, Scalar):
        return None
    match kind.kind:
        case "int" | "decimal" | "bool" | "uuid":
            return [value]
        case "float":  # NaN is the least number
            return [sql.negated(sql.call("isnan", value)), value]
        case "string":
            return [value if kind.sql == "VARCHAR" else duck.cast(value, "VARCHAR")]
        case "date" if kind.sql == "DATE":
            return [value]
        case "date":
            return [sql.call("date_trunc", sql.string("milliseconds"), duck.cast(value, "TIMESTAMP"))]
        case "blob":
            return [sql.call("octet_length", value), value]
        case "null":
            return []
        case "json":
            return None
