"""Files that are queried in place: Parquet, CSV and JSON, found by the endings of their names.

The name of a file is a parameter of the function that reads it. What columns a file has is asked anew for each
query, as files change.
"""

# ruff: noqa: S608 - SQL is put together from quoted names and placeholders only
from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple, NoReturn, final

from mongoglot.compiler.deadline import in_time, interrupting
from mongoglot.compiler.plan import BoundPlan
from mongoglot.compiler.residual import Split
from mongoglot.engines.base import FindRequest, Record, finished, residual_check
from mongoglot.engines.duckdb.file import File, translated
from mongoglot.engines.duckdb.lowering import lower
from mongoglot.engines.duckdb.ordering import PLACE, ROWS, of_rows
from mongoglot.engines.duckdb.rows import RowLowering
from mongoglot.engines.duckdb.types import Struct, is_read_as_it_is, read_as, read_type
from mongoglot.engines.duckdb.values import batches, decoder, documents, in_turn, placed
from mongoglot.engines.sql.condition import Condition
from mongoglot.engines.sql.nodes import quoted
from mongoglot.engines.sql.statement import Statement
from mongoglot.errors import StoreError, UnsupportedError

_READERS: Final = {
    "parquet": ("read_parquet", ""),
    "csv": ("read_csv", ""),
    "tsv": ("read_csv", ""),
    "ndjson": ("read_json", ", format = 'newline_delimited'"),
    "jsonl": ("read_json", ", format = 'newline_delimited'"),
    "json": ("read_json", ""),
}
"""What reads a file of each ending, and how."""

_NAME: Final = re.compile(r".*\.(parquet|(csv|tsv|ndjson|jsonl|json)(\.(gz|zst))?)", re.I | re.S)
_SEVERAL: Final = re.compile(r"[*?\[{]")
_ELSEWHERE: Final = re.compile(r"[a-z][a-z0-9+.-]+://", re.I)


def is_file(collection: str) -> bool:
    """Whether a collection is a file, by its name."""
    return _NAME.fullmatch(collection) is not None


def refuse_write(collection: str) -> NoReturn:
    """A file is read, and never written."""
    raise UnsupportedError(
        f"{collection!r} is a file that is queried in place, and is not written: copy its documents to a "
        "collection, store['name'].insert_many(store['…'].find({}))"
    )


@final
@dataclass(frozen=True, slots=True)
class Rows:
    """A file as it is now.

    Attributes:
        name: of the file.
        source: the function that reads it, with a placeholder for the name.
        kind: its columns.
    """

    name: str
    source: str
    kind: Struct

    def statement(self, query: BoundPlan) -> Statement:
        """The condition of a filter."""
        return query.plan.lowered(
            ("duckdb rows", self.kind), lambda node: lower(node, RowLowering(self.kind))
        )

    def bind(self, statement: Statement, query: BoundPlan) -> dict[str, Any]:
        """The parameters of a query, the name of the file among them."""
        return {**statement.bind(query.values), "file": self.name}


class Files:
    """The files that a store reads."""

    def __init__(self, file: File, *, elsewhere: bool) -> None:
        self.file = file
        self._elsewhere = elsewhere

    def opened(self, name: str) -> Rows:
        """A file and its columns.

        Raises:
            StoreError: there is no such file, or it cannot be read.
            UnsupportedError: it is on another machine.
        """
        if _ELSEWHERE.match(name) and not self._elsewhere:
            raise UnsupportedError(
                f"{name!r} is on another machine: open the store with autoload=True to let DuckDB load what "
                "reads it"
            )
        source = _source(name)
        cursor = self.file.cursor()
        with _reading(name):
            found = cursor.sql(f"SELECT * FROM {source} LIMIT 0", params={"file": name})
        columns = zip(found.columns, map(read_type, found.types), strict=True)
        kind = Struct(tuple(columns))
        _check_fields(name, kind)
        return Rows(name, source, kind)

    def count(self, name: str, query: BoundPlan) -> int:
        """How many rows match; counted in SQL where nothing is left over."""
        rows = self.opened(name)
        statement = rows.statement(query)
        if statement.split.residual is not None:
            return sum(1 for _ in self._documents(rows, _planned(rows, FindRequest(query))))
        text = f"SELECT count(*) FROM {rows.source} WHERE {statement.text}"
        cursor = self.file.cursor()
        with interrupting(cursor.interrupt), _reading(name):
            return int(cursor.execute(text, rows.bind(statement, query)).fetchone()[0])

    def find(self, name: str, request: FindRequest) -> Iterator[Record]:
        """The matching rows as documents, read as they are asked for."""
        rows = self.opened(name)
        planned = _planned(rows, request)
        left = planned.left
        found = self._documents(rows, planned)
        if (left.projection, left.sort, left.skip, left.limit) == (None, None, 0, 0):
            return found
        return finished(found, left)

    def _documents(self, rows: Rows, planned: _Planned) -> Iterator[Record]:
        """Documents of the rows that the SQL and the residual let through."""
        query = planned.left.query
        decode = _decoder(planned.kind)
        cursor = self.file.new_cursor()
        with interrupting(cursor.interrupt), _reading(rows.name):
            found = batches(cursor, planned.text, rows.bind(planned.statement, query))
        check = residual_check(query, planned.statement.split.residual)
        return _fetched(rows.name, cursor, found, decode, check)

    def explain(self, name: str, request: FindRequest) -> dict[str, Any]:
        """The SQL, its parameters, DuckDB's plan, and the residual."""
        rows = self.opened(name)
        planned = _planned(rows, request)
        parameters = rows.bind(planned.statement, request.query)
        cursor = self.file.cursor()
        with _reading(name):
            plan = cursor.execute(f"EXPLAIN {planned.text}", parameters).fetchall()
        return {
            "engine": "duckdb",
            "sql": planned.text,
            "parameters": parameters,
            "plan": [tree for _, tree in plan],
            "sort": "SQL" if planned.left.sort is None else "Python",
            "residual": planned.statement.split.residual,
            "projection": request.projection.spec if request.projection else None,
        }


class _Planned(NamedTuple):
    """How rows are read: the SQL, the columns that it gives, and what of the request is left to do."""

    statement: Statement
    text: str
    kind: Struct
    left: FindRequest


def _planned(rows: Rows, request: FindRequest) -> _Planned:
    """What DuckDB does of a find: sort, skip and limit, where nothing is left of the filter."""
    statement = rows.statement(request.query)
    source, bounds = f"{rows.source} WHERE {statement.text}", ""
    if statement.split.residual is None:
        order = "" if request.sort is None else of_rows(request.sort, rows.kind)
        if order:
            numbered = f"SELECT *, row_number() OVER () AS {quoted(PLACE)} FROM {source}"
            source = f"({numbered}) AS {quoted(ROWS)} ORDER BY {order}"
        if order is not None:
            bounds = f" LIMIT {request.limit:d}" if request.limit else ""
            bounds += f" OFFSET {request.skip:d}" if request.skip else ""
            request = FindRequest(request.query, request.projection)
    needed = _needed(rows.kind, request, statement.split)
    text = f"SELECT {_columns(needed.kind)} FROM {source}{bounds}"
    left = replace(request, projection=None) if needed.answers else request
    return _Planned(statement, text, needed.kind, left)


def _source(name: str) -> str:
    """What reads a file, or files that a pattern names: their columns are united by name."""
    reader, how = next(_READERS[part] for part in reversed(name.lower().split(".")) if part in _READERS)
    how += ", union_by_name = true" if _SEVERAL.search(name) else ""
    return f"{reader}($file{how})"


def _check_fields(name: str, kind: Struct) -> None:
    """See that no column is a field inside another one."""
    columns = {tuple(column.split(".")): column for column, _ in kind.fields}
    for path, column in columns.items():
        for length in range(1, len(path)):
            if path[:length] in columns:
                raise UnsupportedError(
                    f"columns {columns[path[:length]]!r} and {column!r} of {name!r} cannot both be read: a dotted "
                    "name is a path, and one field would be inside the other; rename one of them"
                )


def _decoder(kind: Struct) -> Callable[[Any], list[Record]]:
    """From a batch to the documents of its rows; a dot in the name of a column is one in a path."""
    names = [name for name, _ in kind.fields]
    decoders = [decoder(column, name) for name, column in kind.fields]
    paths = [tuple(name.split(".")) for name in names] if _is_dotted(kind) else []

    def decode(batch: Any) -> list[Record]:
        columns = [one(column) for one, column in zip(decoders, batch.columns, strict=False)]
        if paths:
            return placed(paths, columns, documents([], [], batch.num_rows))
        return documents(names, columns, batch.num_rows)

    return decode


def _is_dotted(kind: Struct) -> bool:
    return any("." in name for name, _ in kind.fields)


def _fetched(
    name: str,
    cursor: Any,
    batches: Iterator[Any],
    decode: Callable[[Any], list[Record]],
    check: Callable[[Record], bool] | None,
) -> Iterator[Record]:
    """Documents of batches, made as they are asked for."""
    try:
        while True:
            with interrupting(cursor.interrupt), _reading(name):
                batch = next(batches, None)
            if batch is None:
                return
            found = in_turn(decode, batch)
            yield from found if check is None else filter(check, in_time(found))
    finally:
        cursor.close()


def _columns(kind: Struct) -> str:
    """The columns to read."""
    columns = []
    for name, inner in kind.fields:
        column = quoted(name)
        if not is_read_as_it_is(inner):
            column = f"CAST({column} AS {read_as(inner)}) AS {column}"
        columns.append(column)
    return ", ".join(columns) or "NULL"


class _Needed(NamedTuple):
    """The columns that an answer is made of, and whether they are the answer, with no projection left to do."""

    kind: Struct
    answers: bool


def _needed(kind: Struct, request: FindRequest, halves: Split[Condition]) -> _Needed:
    """The columns of an inclusive projection and of a sort, where nothing else looks at the rows."""
    wanted = request.projection
    if wanted is None or not wanted.include or wanted.added or wanted.arrays or halves.residual is not None:
        return _Needed(kind, answers=False)
    names = {*wanted.fields, *(["_id"] if wanted.with_id else [])}
    if not wanted.with_id:
        names.discard("_id")
    answers = request.sort is None and not any(wanted.fields.values())
    if request.sort is not None:
        names.update(path.split(".")[0] for path, _ in request.sort.keys)
    fields = [field for field in kind.fields if field[0].split(".")[0] in names]
    if "_id" not in wanted.fields:
        fields.sort(key=lambda field: field[0] != "_id")  # it comes first
    needed = Struct(tuple(fields))
    return _Needed(needed, answers and not _is_dotted(needed))


@contextmanager
def _reading(name: str) -> Iterator[None]:
    """Turn DuckDB's errors in reading a file into ours."""
    try:
        with translated(name):
            yield
    except StoreError as error:
        if "No files found" in str(error):
            raise StoreError(f"there is no file {name!r}") from None
        raise
