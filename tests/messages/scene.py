"""What the examples of messages speak of: names, and files that are there when an example names them."""

from __future__ import annotations

import asyncio
import builtins
import datetime
import decimal
import enum
import re
import sqlite3
import uuid
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import bson
import pytest
from bson.datetime_ms import DatetimeMS
from click.testing import CliRunner
from pymongo import AsyncMongoClient, MongoClient

import mongoglot
from mongoglot import aio, magic, tables, taskdb
from mongoglot.aio import AsyncStore
from mongoglot.cli.main import main
from mongoglot.engines.mongodb.asynchronous import AsyncMongoDBBackend
from mongoglot.engines.mongodb.backend import MongoDBBackend
from mongoglot.engines.sql.table import Column, Table
from mongoglot.grammar.allowed import Allow
from mongoglot.store import Store
from mongoglot.tables.backend import TableBackend
from mongoglot.taskdb import TaskDatabase
from mongoglot.taskdb.ipyparallel.addresses import address
from mongoglot.taskdb.ipyparallel.limits import age
from mongoglot.taskdb.retention import Retention


class CommandError(Exception):
    """A command that ended with an exit code above 0; the text is what it wrote to standard error."""


class Colour(enum.Enum):
    """Something that is not BSON's."""

    RED = "red"


def cli(*arguments: str) -> str:
    """Run a command as one types it."""
    result = CliRunner().invoke(main, arguments, prog_name="mongoglot")
    if result.exit_code:
        raise CommandError(result.stderr)
    return result.stdout


def nested(levels: int) -> dict[str, Any]:
    """A document of so many levels."""
    result: dict[str, Any] = {"a": 1}
    for _ in range(levels - 1):
        result = {"a": result}
    return result


def nested_lists(levels: int) -> Any:
    """A list of so many levels."""
    result: Any = 1
    for _ in range(levels):
        result = [result]
    return result


def deep_expression(levels: int) -> Any:
    """An expression of so many operators in each other."""
    result: Any = "$a"
    for _ in range(levels):
        result = {"$not": result}
    return result


def deep_schema(levels: int) -> dict[str, Any]:
    """A schema of so many schemas in each other."""
    result: dict[str, Any] = {"type": "object"}
    for _ in range(levels):
        result = {"not": result}
    return result


def collection(*documents: dict[str, Any], index: Any = None, unique: bool = False) -> mongoglot.Collection:
    """A collection in memory."""
    result = mongoglot.connect("memory:")["items"]
    result.insert_many(documents)
    if index is not None:
        result.create_index(index, unique=unique)
    return result


def closed(url: str) -> mongoglot.Collection:
    """A collection of a store that is closed."""
    store = mongoglot.connect(url)
    store["a"].insert_one({})
    store.close()
    return store["a"]


def redeclared(url: str) -> None:
    """Declare a column of another type than it has."""
    for kind in ("string", "number"):
        declared: Any = Column("b", kind)
        with mongoglot.connect(url, tables=[Table("a", (declared,))]) as store:
            store["a"].insert_one({})


def nested_write(url: str) -> None:
    """Write to a store while documents for it are made."""
    with mongoglot.connect(url) as store:

        def documents() -> Any:
            for number in range(3000):
                if number > 1500:
                    store["a"].insert_one({})
                yield {"b": number}

        store["a"].insert_many(documents())


def many_indexes(count: int) -> None:
    """Make so many indexes."""
    items = collection({"a": 1})
    for number in range(count):
        items.create_index(f"a{number}")


def without(library: str, call: Callable[[], Any]) -> Any:
    """Call something where a library is not installed."""
    imported = builtins.__import__

    def refused(name: str, *arguments: Any) -> Any:
        if name.split(".")[0] == library:
            raise ModuleNotFoundError(name)
        return imported(name, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(builtins, "__import__", refused)
        return call()


def awaited(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Wait for what is asynchronous, in an event loop of its own."""

    async def waited() -> Any:
        return await coroutine

    return asyncio.run(waited())


async def cancelled_read() -> None:
    """Read on after a read that was cancelled."""
    async with aio.connect("memory:") as store:
        await store["a"].insert_one({})
        cursor = store["a"].find({})
        reading = asyncio.ensure_future(anext(cursor))
        await asyncio.sleep(0)  # it waits for a thread now
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading
        await anext(cursor)


_NOBODY: Final[dict[str, Any]] = {"host": "mongodb://127.0.0.1:1/shop", "serverSelectionTimeoutMS": 1}
"""A server that is not there, for pymongo."""


def unreachable(call: Callable[[mongoglot.Store], Any]) -> Any:
    """Use a store on a MongoDB server that is gone."""
    with Store(MongoDBBackend(MongoClient(**_NOBODY, connect=False))) as store:
        return call(store)


def of_another_loop() -> AsyncStore:
    """A store on a MongoDB server that was opened in an event loop that has ended."""

    async def opened() -> AsyncStore:
        return AsyncStore(AsyncMongoDBBackend(AsyncMongoClient(**_NOBODY, connect=False)))

    return asyncio.run(opened())


def cell(line: str, text: str) -> Any:
    """Run a cell that begins with `%%mongoglot` and a line, in a notebook without variables."""
    known: list[Callable[[str, str], Any]] = []
    shell: Any = SimpleNamespace(user_ns={}, register_magic_function=lambda *given: known.append(given[0]))
    magic.load_ipython_extension(shell)
    return known[0](line, text)


NAMES: Final[dict[str, Any]] = {
    "aio": aio, "awaited": awaited, "cancelled_read": cancelled_read, "cell": cell,
    "of_another_loop": of_another_loop, "unreachable": unreachable,
    "Allow": Allow, "Binary": bson.Binary, "Code": bson.Code, "Colour": Colour, "Column": Column,
    "Decimal": decimal.Decimal, "DatetimeMS": DatetimeMS, "Decimal128": bson.Decimal128,
    "Int64": bson.Int64, "Path": Path,
    "Regex": bson.Regex, "Retention": Retention, "Table": Table, "TableBackend": TableBackend,
    "TaskDatabase": TaskDatabase, "Timestamp": bson.Timestamp, "UUID": uuid.UUID, "address": address, "cli": cli,
    "ObjectId": bson.ObjectId,
    "closed": closed, "collection": collection, "compile": mongoglot.compile, "connect": mongoglot.connect,
    "date": datetime.date, "datetime": datetime.datetime, "from_text": mongoglot.from_text,
    "many_indexes": many_indexes, "age": age, "mongoglot": mongoglot, "nested": nested,
    "nested_write": nested_write, "re": re, "redeclared": redeclared, "tables": tables, "taskdb": taskdb,
    "timedelta": datetime.timedelta, "to_text": mongoglot.to_text, "without": without,
    "goods": Table("goods", (Column("name", "string"), Column("price", "int")), document=None),
    "deep_expression": deep_expression, "deep_schema": deep_schema, "nested_lists": nested_lists,
    "dated": Table("goods", (Column("sold", "date"),), document=None),
}  # fmt: skip
"""What an example may name."""

MADE: Final[dict[str, Callable[[], Any]]] = {
    "items": lambda: collection(
        {"_id": 1, "name": "pen", "price": 5, "sizes": [1, 2], "colours": [1, 2, 3], "zero": 0}
    ),
    "unique": lambda: collection({"_id": 1, "name": "pen"}, index="name", unique=True),
    "doubled": lambda: collection({"_id": 1, "name": "pen"}, {"_id": 2, "name": "pen"}),
    "parallel": lambda: collection(index={"a": 1, "b": 1}),
    "numbered": lambda: collection(index="a.0"),
    "ambiguous": lambda: collection({"a": [{"0": 1}]}),
    "mixed": lambda: collection({"_id": 1, "a": 1, "b": 1}, {"_id": 2, "a": "x", "b": 2}),
    "many": lambda: collection(*({"_id": number, "a": "x" * 100} for number in range(20_000))),
}
"""Things that are made anew for each example that names them."""


def _store(name: str, *collections: str) -> None:
    with mongoglot.connect(f"sqlite:{name}") as store:
        for each in collections:
            store[each].insert_many(
                [{"_id": 1, "name": "Ann", "age": 31}, {"_id": 2, "name": "bob", "age": 25}]
            )


def _sqlite(name: str, *statements: str) -> None:
    connection = sqlite3.connect(name)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def _newer() -> None:
    _store("newer.db", "a")
    _sqlite("newer.db", "PRAGMA user_version = 1000000")


def _tasks() -> None:
    now = datetime.datetime(2026, 1, 31, tzinfo=datetime.UTC)
    with TaskDatabase("sqlite:tasks.db") as database:
        for name in ("t1", "t2"):
            database.add_record(
                name, {"submitted": now, "started": now, "completed": now, "engine_uuid": "e"}
            )


def _duckdb(name: str, statement: str) -> None:
    import duckdb

    connection = duckdb.connect(name)
    connection.execute(statement)
    connection.close()


def _odd() -> None:
    with mongoglot.connect("sqlite:odd.store.db") as store:
        store["a"].insert_one({"_id": 1, "a": {"$date": "x"}})


FILES: Final[dict[str, Callable[[], Any]]] = {
    "notes.txt": lambda: Path("notes.txt").write_text("This is no database at all.\n" * 200),
    "latin.db": lambda: _sqlite(
        "latin.db", "CREATE TABLE t (a INTEGER, b TEXT)", "INSERT INTO t VALUES (1, CAST(x'e9' AS TEXT))"
    ),
    "other.db": lambda: _sqlite("other.db", "CREATE TABLE t (a TEXT)", "INSERT INTO t VALUES ('x')"),
    "odd.db": lambda: _sqlite("odd.db", "CREATE TABLE t (a INTEGER)", "INSERT INTO t VALUES (7)"),
    "newer.db": _newer,
    "people.db": lambda: _store("people.db", "people"),
    "two.db": lambda: _store("two.db", "one", "two"),
    "empty.db": lambda: _store("empty.db"),
    "odd.store.db": _odd,
    "infinite.parquet": lambda: _duckdb(
        ":memory:", "COPY (SELECT 'infinity'::TIMESTAMP AS a, 1 AS b) TO 'infinite.parquet'"
    ),
    "loose.parquet": lambda: _duckdb(
        ":memory:", "COPY (SELECT '[1,]'::JSON AS a, 1 AS b) TO 'loose.parquet'"
    ),
    "old.js": lambda: Path("old.js").write_bytes(b"{name: 'Zo\xeb'}\n"),
    "latin1.csv": lambda: Path("latin1.csv").write_bytes(b"name\nZo\xeb\n"),
    "below.csv": lambda: Path("below.csv").write_text("place,place.city\nhere,Oslo\n"),
    "above.csv": lambda: Path("above.csv").write_text("place.city,place\nOslo,here\n"),
    "bad.ndjson": lambda: Path("bad.ndjson").write_text('{"_id": 1}\n[1]\n'),
    "people.ndjson": lambda: Path("people.ndjson").write_text('{"_id": 1}\n{"_id": 3}\n'),
    "people.csv": lambda: Path("people.csv").write_text("name,age\nAnn,31\n"),
    "other.duckdb": lambda: _duckdb("other.duckdb", "CREATE TABLE t (a TEXT)"),
    "both.csv": lambda: Path("both.csv").write_text("a,a.b\n1,2\n"),
    "odd.duckdb": lambda: _duckdb(
        "odd.duckdb",
        "CREATE TABLE t AS SELECT 99999999999999999999999999999999999999::DECIMAL(38, 0) AS n, 7 AS i, '{' AS j",
    ),
    "decimals.parquet": lambda: _duckdb(
        ":memory:",
        "COPY (SELECT 99999999999999999999999999999999999999::DECIMAL(38, 0) AS a, 1 AS b) TO 'decimals.parquet'",
    ),
    "old.db": lambda: _sqlite("old.db", "CREATE TABLE t (a TEXT)"),
}
"""Files that an example finds in its folder; each is made where its name stands in the example."""


class Scene(dict[str, Any]):
    """The names of one example; what is `MADE` is made when it is asked for."""

    def __missing__(self, name: str) -> Any:
        if name not in MADE:
            raise KeyError(name)
        self[name] = MADE[name]()
        return self[name]


def run(example: str) -> Any:
    """Run an example in the working directory, with its files there."""
    for name, make in FILES.items():
        if name in example and not Path(name).exists():
            make()
    if '"tasks.db"' in example and "cli(" in example:
        _tasks()
    return eval(example, Scene(NAMES))  # noqa: S307 - the examples are ours


def raised(example: str) -> BaseException:
    """The error of an example."""
    try:
        run(example)
    except Exception as error:
        return error
    raise AssertionError(f"{example} raises nothing")


def described(error: BaseException) -> tuple[str, str]:
    """The kind of an error with its code, and its text."""
    code = getattr(error, "code", None)
    kind = type(error).__name__ + (f" {code}" if isinstance(code, int) else "")
    return kind, str(error).rstrip()
