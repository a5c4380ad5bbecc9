"""`$expr` as SQL: what the SQL says of a row is what Python says, and what it leaves open is named."""

from __future__ import annotations

import os
import random
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import apsw
import pytest
from bson import Decimal128, Int64

import mongoglot
from mongoglot import Column, Table
from mongoglot.compiler.instants import instant
from mongoglot.compiler.normalise import normalise
from mongoglot.engines.sql.nodes import quoted
from mongoglot.engines.sqlite.backend import SqliteBackend, open_backend
from mongoglot.engines.sqlite.layouts import ROW
from mongoglot.engines.sqlite.lowering import lower
from mongoglot.errors import FilterError, UnsupportedError
from tests.arena import Arena
from tests.plain_expressions import Generator
from tests.test_properties import SEED_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pymongo.database import Database

    from mongoglot.query import Query

DOCUMENTS = 14
BATCH = 100

TYPED = Table(
    "typed",
    (
        Column("a", "number"),
        Column("b", "string"),
        Column("c", "date"),
        Column("d", "bool"),
        Column("inner", "number", "a.b"),
    ),
)

# ---- the same as Python --------------------------------------------------------------------------


class Rows:
    """Documents in two collections of a file, one of them with declared columns."""

    def __init__(self, documents: Sequence[dict[str, Any]]) -> None:
        self.documents = [normalise(document) for document in documents]
        self.backend: SqliteBackend = open_backend("sqlite::memory:", tables=[TYPED])
        for name in ("plain", "typed"):
            self.backend.insert(name, self.documents)

    def passed(self, name: str, query: Query) -> tuple[list[bool], bool]:
        """Which documents the SQL alone lets through, and whether something is left to the residual."""
        table = self.backend.tables.created(name).table
        statement = query.plan.lowered(("sqlite", table), lambda node: lower(node, table))
        text = f"SELECT ifnull(({statement.text}), 0) FROM {quoted(table.name)} ORDER BY {quoted(ROW)}"  # noqa: S608 - our text
        rows = self.backend.file.rows(text, statement.bind(query.values))
        return [bool(passes) for (passes,) in rows], statement.split.residual is not None


def said_by_python(query: Query, document: dict[str, Any]) -> bool | None:
    """Whether a document matches; None where asking fails."""
    try:
        return query.matches(document)
    except (FilterError, UnsupportedError):
        return None


def wrong_rows(rows: Rows, query: Query, count: Counter[str]) -> list[tuple[str, dict[str, Any]]]:
    """The documents for which the SQL says what it must not."""
    wrong = []
    expected = [said_by_python(query, document) for document in rows.documents]
    for name in ("plain", "typed"):
        passed, has_residual = rows.passed(name, query)
        count["with a residual" if has_residual else "without a residual"] += 1
        for document, passes, holds in zip(rows.documents, passed, expected, strict=True):
            count["decisions"] += 1
            count["left out"] += not passes and has_residual
            allowed = passes or holds is False if has_residual else passes is holds
            if not allowed:
                wrong.append((name, document))
    return wrong


def compare(total: int, seed: int) -> None:
    """Compare the SQL of so many filters with Python, row by row."""
    generator, count = Generator(seed), Counter[str]()
    rows = Rows(generator.documents(DOCUMENTS))
    for number in range(total):
        if number % BATCH == 0:
            rows.backend.close()
            rows = Rows(generator.documents(DOCUMENTS))
        condition = generator.filter()
        try:
            query = mongoglot.compile(condition)
        except (FilterError, UnsupportedError):
            count["refused"] += 1
            continue
        wrong = wrong_rows(rows, query, count)
        assert not wrong, f"{SEED_VARIABLE}={seed}: {condition!r} on {wrong[:2]!r}"
    rows.backend.close()
    print(f"\n{total} filters: {dict(count)}; {SEED_VARIABLE}={seed}")
    assert count["refused"] < total * 0.3
    assert count["without a residual"] > total * 0.3
    assert count["left out"] > total * 2


def test_the_sql_of_hundreds_of_expressions() -> None:
    compare(400, int(os.environ.get(SEED_VARIABLE, "1")))


@pytest.mark.long
def test_the_sql_of_thirty_thousand_expressions() -> None:
    seed = os.environ.get(SEED_VARIABLE)
    compare(30_000, int(seed) if seed else random.SystemRandom().randrange(2**32))


def test_matches_of_plain_expressions_on_every_engine(
    server: Database[dict[str, Any]], stores: dict[str, mongoglot.Store]
) -> None:
    arena, generator = Arena(server, stores, "plain"), Generator(5)
    found = 0
    for number in range(240):
        if number % 40 == 0:
            arena.fill(generator.documents(DOCUMENTS))
        query = {"$expr": generator.expression(2)}
        try:
            answers = {who: arena.actual(who, query) for who in arena.contestants}
        except UnsupportedError:
            continue
        expected = arena.expected(query)
        found += not isinstance(expected, str)
        assert answers == dict.fromkeys(arena.contestants, expected), query
    assert found > 100


# ---- a table of one's own ------------------------------------------------------------------------

OWN: Final = Table(
    "own",
    (
        Column("n", "number"), Column("m", "number"), Column("s", "string"), Column("at", "date"),
        Column("ok", "bool"),
    ),
    document=None,
)  # fmt: skip

ROWS: Final[tuple[dict[str, Any], ...]] = (
    {"n": 1, "m": 2.5, "s": "a", "at": 0, "ok": 1},
    {"n": 2.5, "m": 1, "s": "b", "at": 253402300799999, "ok": 0},
    {"n": None, "m": None, "s": None, "at": None, "ok": None},
    {"n": 2**62, "m": 2**62, "s": "\U0010ffffD", "at": 253402300800000, "ok": 1},
    {"n": -(2**63), "m": float("inf"), "s": "", "at": 2**63 - 1, "ok": 0},
    {"n": float("-inf"), "m": 0, "s": "é", "at": -62135596800001, "ok": None},
    {"n": 7, "m": 7.0, "s": "a\0b", "at": -1, "ok": 1},
    {"n": 0, "m": -3, "s": "A", "at": -(2**63), "ok": 1},
)


def as_document(row: dict[str, Any]) -> dict[str, Any]:
    """A row as the document that it stands for: NULL is null."""
    at, ok = row["at"], row["ok"]
    read = {"at": None if at is None else instant(at), "ok": None if ok is None else bool(ok)}
    return {**row, **read}


OWN_EXPRESSIONS: Final[dict[str, tuple[Any, bool]]] = {
    "two columns": ({"$gt": ["$n", "$m"]}, True),
    "a product": ({"$gt": ["$n", {"$multiply": ["$m", 1.1]}]}, True),
    "a product of columns": ({"$lt": [{"$multiply": ["$n", "$m"]}, 10]}, True),
    "dates": ({"$gt": ["$at", instant(0)]}, True),
    "late dates": ({"$gte": ["$at", instant(253402300800000)]}, True),
    "early dates": ({"$lt": ["$at", instant(-62135596800000)]}, True),
    "strings": ({"$gte": ["$s", "a"]}, True),
    "a string like a tag": ({"$eq": ["$s", "\U0010ffffD"]}, True),
    "truth": ("$ok", True),
    "not": ({"$not": ["$n"]}, True),
    "if null": ({"$eq": [{"$ifNull": ["$n", 1]}, 1]}, True),
    "members": ({"$in": ["$s", ["a", "é", None, 1]]}, True),
    "types": ({"$eq": [{"$type": "$s"}, "string"]}, True),
    "below a scalar": ({"$lt": ["$n.x", None]}, True),
    "a sum": ({"$gt": [{"$add": ["$n", "$m"]}, 3]}, False),
    "a quotient": ({"$gt": [{"$divide": ["$n", "$m"]}, 0.5]}, False),
}


@pytest.mark.parametrize("name", OWN_EXPRESSIONS)
def test_expressions_on_columns_alone(name: str) -> None:
    expression, is_exact = OWN_EXPRESSIONS[name]
    query = mongoglot.compile({"$expr": expression})
    statement = query.to_sql(table=OWN)
    database = apsw.Connection(":memory:")
    database.execute("CREATE TABLE own (n, m, s TEXT, at INTEGER, ok INTEGER)")
    for row in ROWS:
        database.execute("INSERT INTO own VALUES (:n, :m, :s, :at, :ok)", row)
    text = f"SELECT ifnull(({statement.text}), 0) FROM own ORDER BY rowid"  # noqa: S608 - our text
    found = list(database.execute(text, statement.parameters))
    expected = [said_by_python(query, as_document(row)) for row in ROWS]
    passed = [bool(passes) for (passes,) in found]
    assert (statement.residual is None) is is_exact
    if is_exact:
        assert passed == expected
    else:
        assert all(passes or holds is False for passes, holds in zip(passed, expected, strict=True))


def test_a_field_that_the_table_lacks_is_named() -> None:
    query = mongoglot.compile({"$expr": {"$gt": ["$n", "$nope"]}})
    with pytest.raises(UnsupportedError, match="table 'own' has no field 'nope'; it has n, m, s, at, ok"):
        query.to_sql(table=OWN)


# ---- what explain() says -------------------------------------------------------------------------

EXACT: Final[tuple[Any, ...]] = (
    {"$eq": ["$a", 5]}, {"$ne": ["$a.b", "x"]}, {"$gt": ["$a", None]}, {"$lte": ["$a", 2.5]}, "$a",
    {"$not": ["$a"]},
    {"$and": [{"$gt": ["$a", 1]}, {"$lt": ["$b", "x"]}]}, {"$or": ["$a", {"$eq": ["$b", True]}]},
    {"$cond": [{"$gte": ["$a", 1]}, "$b", {"$eq": ["$c", 1]}]}, {"$gt": [{"$ifNull": ["$a", "$b", 0]}, 3]},
    {"$switch": {"branches": [{"case": "$a", "then": {"$lt": ["$b", 1]}}], "default": False}},
    {"$in": ["$a", [1, 2.5, "x", None]]}, {"$isNumber": "$a"}, {"$isArray": "$a.b"},
    {"$eq": [{"$type": "$a"}, "long"]}, {"$let": {"vars": {"u": "$a"}, "in": {"$gt": ["$$u.b", 1]}}},
    {"$eq": [{"$cmp": ["$a", 5]}, 1]}, {"$gt": ["$a", {"$multiply": [2, 3]}]},
)  # fmt: skip
"""Expressions that SQL decides for every document."""

BOUNDED: Final[tuple[tuple[Any, str], ...]] = (
    ({"$gt": ["$a", "$b"]}, "two documents are compared"),
    ({"$gt": ["$a", {"$multiply": ["$b", 1.1]}]}, "$multiply of what is no number"),
    ({"$gt": [{"$add": ["$a", "$b"]}, 3]}, "a sum has more digits than SQL computes with"),
    ({"$and": [{"$gt": ["$a", 1]}, {"$gt": [{"$sqrt": "$b"}, 1]}]}, "$sqrt is computed in Python"),
    ({"$eq": ["$a", {"$literal": {"b": 1}}]}, "two documents are compared"),
    ({"$eq": [{"$size": "$a"}, 1]}, "$size of what is no array, or is made of arrays on the way"),
    ({"$switch": {"branches": [{"case": "$a", "then": 1}]}}, "$switch without a default finds no branch"),
)
"""Expressions of which SQL decides most documents, and one of the reasons why not all."""


@pytest.fixture
def filled() -> Any:
    store = mongoglot.connect("sqlite::memory:")
    documents = store["documents"]
    documents.insert_many(Generator(1).documents(DOCUMENTS))
    yield documents
    store.close()


@pytest.mark.parametrize("expression", EXACT, ids=repr)
def test_expressions_that_leave_nothing_open(filled: Any, expression: Any) -> None:
    plan = filled.explain({"$expr": expression})
    assert plan["residual"] is None
    assert plan["undecided"] == []
    assert "json_type" in plan["sql"]
    assert any("SCAN" in step for step in plan["plan"])
    assert "none: the SQL says all" in str(mongoglot.compile({"$expr": expression}).explain())


@pytest.mark.parametrize(("expression", "reason"), BOUNDED, ids=repr)
def test_what_is_left_open_is_said_in_words(filled: Any, expression: Any, reason: str) -> None:
    plan = filled.explain({"$expr": expression})
    assert plan["residual"] is not None
    assert reason in plan["undecided"]
    assert "json_type" in plan["sql"]
    assert reason in str(mongoglot.compile({"$expr": expression}).explain())


def test_what_sql_knows_nothing_about_is_all_residual(filled: Any) -> None:
    plan = filled.explain({"$expr": {"$map": {"input": "$a", "in": "$$this"}}})
    assert "WHERE 1 " in plan["sql"]
    assert plan["undecided"] == ["$map is computed in Python"]


def test_nothing_is_pushed_behind_what_may_fail(filled: Any) -> None:
    first, second = {"$expr": {"$gt": [{"$sqrt": "$a"}, 1]}}, {"$expr": {"$eq": ["$b", 1]}}
    text = mongoglot.compile({"$and": [first, second]}).to_sql().text
    assert '$."b"' not in text
    assert '$."b"' in mongoglot.compile({"$and": [second, first]}).to_sql().text


@pytest.mark.parametrize("depth", [20, 60, 97])
def test_deep_expressions_are_declined_or_right(filled: Any, depth: int) -> None:
    for operator, operand in (("$not", "$a"), ("$abs", 1), ("$add", "$b")):
        expression: Any = "$a"
        for _ in range(depth):
            expression = {operator: [expression] if operand != "$b" else [expression, 1]}
        query = mongoglot.compile({"$expr": expression})
        outcomes = [said_by_python(query, document) for document in filled.find()]
        found = sum(outcome is True for outcome in outcomes)
        if None not in outcomes:
            assert filled.count_documents({"$expr": expression}) == found


def test_a_constant_stays_a_parameter(filled: Any) -> None:
    text = "x' OR 1 = 1 --"
    plan = filled.explain({"$expr": {"$eq": ["$a", text]}})
    assert text not in plan["sql"]
    assert text in plan["parameters"].values()


RULES: Final[tuple[tuple[Any, dict[str, Any], bool], ...]] = (
    ({"$eq": ["$a", "$b"]}, {"a": None}, False),
    ({"$lt": ["$a", None]}, {}, True),
    ({"$eq": [{"$add": ["$a", "$b"]}, Int64(2**60 + 6)]}, {"a": Int64(5), "b": Int64(2**60 + 1)}, True),
    ({"$eq": [{"$multiply": [{"$multiply": ["$a", 1.1]}, 1.3]}, 2.7 * (1.1 * 1.3)]}, {"a": 2.7}, True),
    ({"$eq": [{"$multiply": ["$a", "$b"]}, Int64(5 * (2**53 + 1))]}, {"a": Int64(5), "b": 2**53 + 1}, True),
    ({"$eq": ["$a.0", 5]}, {"a": [5]}, False),
    ({"$gt": ["$a", "$b"]}, {"a": float(2**53), "b": 2**53 + 1}, False),
    ({"$gt": ["$a", 5]}, {"a": Decimal128("5.1")}, True),
    ({"$not": [{"$in": ["$a", [1, "x"]]}]}, {"a": Decimal128("-7")}, True),
)
"""Expressions, documents, and whether they match."""


@pytest.mark.parametrize(("expression", "document", "matches"), RULES, ids=repr)
def test_rules_of_types_hold_in_sql(expression: Any, document: dict[str, Any], matches: bool) -> None:
    query = mongoglot.compile({"$expr": expression})
    rows = Rows([{"_id": 1, **document}])
    assert query.matches(document) is matches
    assert wrong_rows(rows, query, Counter()) == []
    rows.backend.close()
