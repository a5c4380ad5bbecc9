"""Names and values that try to become SQL, Python or paths, and filters that try to exhaust the machine."""

from __future__ import annotations

import contextlib
import itertools
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest
from bson import Decimal128, Regex

import mongoglot
from mongoglot.engines.sql import Column, Table
from mongoglot.errors import EncodingError, FilterError, MongoglotError
from mongoglot.grammar.operators import OPERATORS
from tests.conftest import ENGINES, StoreOpener

NAMES = (
    "'", '"', "`", "''", '""', 'a\'b"c', "a;b", "--", "a--b", "/* a */", "';--", "'; DROP TABLE canary; --",
    '"; DROP TABLE "canary"; --', "') OR 1=1 --", "a') UNION SELECT 1 --", "'||'a'||'", "x'00'", "\\",
    '\\"', "\\'", '"]', "[0]", "a[0]", "a[#-1]", "#", "select", "SELECT", "rowid", "_rowid_", "oid", "_doc",
    "_row", "_key", "doc", "documents", "canary", "sqlite_master", "mongoglot collections", "null", "true",
    ":p0", ":p1", "?", "?1", "@a", "%s", "%(a)s", "{}", "{0}", "{document}", "{{", "}}",
    "{__import__('os')}", "__import__('os')", "__class__", "None", "True", "lambda: 0",
    "def matches(document):", "document", "v1", "key0", "kind", "MISSING", "return True", "\n", "\r\n",
    "a\n    return True\n", "\t", " ", "  a  ", "#comment\n", "'''", '"""', "‘a’", "“a”", "é", "e\u0301",
    "\u2028", "\u202e", "\ufeff", "\U0001f600", "\uffff", "\U0010ffff", "\U0010ffffB", "\x01", "\x1b[31m",
    "\x7f", "0", "00", "-1", "1e5", "NaN", "Infinity", "a" * 5000, "é" * 3000,
)  # fmt: skip

STRINGS = (
    *NAMES,
    "$",
    "$[0]",
    '$"]',
    "$where",
    "$.a",
    '$."a"',
    '"."b',
    '"a"."b"',
    "os.system('true')",
    "a\0b",
    "",
)
"""Values only: a name of these would be an operator or a path, or is none."""

TRAPS = ("__import__('pathlib').Path({!r}).touch()", "'); ATTACH {!r} AS other; CREATE TABLE other.t (a); --")
"""What would leave a file behind if it ran."""


@pytest.fixture(scope="module", params=ENGINES)
def store(request: pytest.FixtureRequest, open_store: StoreOpener) -> Iterator[mongoglot.Store]:
    """A store with a collection that must stay as it is."""
    opened = open_store(request.param)
    opened["canary"].insert_many([{"_id": 1, "a": "alive"}, {"_id": 2, "a": "'"}])
    yield opened
    assert list(opened["canary"].find()) == [{"_id": 1, "a": "alive"}, {"_id": 2, "a": "'"}]


def found(collection: mongoglot.Collection, condition: dict[str, Any], **options: Any) -> list[Any]:
    return [document["_id"] for document in collection.find(condition, **options)]


def test_field_names(store: mongoglot.Store) -> None:
    names = store["names"]
    names.insert_many([{"_id": number, name: [number, "x"]} for number, name in enumerate(NAMES)])
    everything = list(range(len(NAMES)))
    for number, name in enumerate(NAMES):
        others = [other for other in everything if other != number]
        assert found(names, {name: number}) == [number], name
        assert found(names, {name: {"$exists": True}}) == [number], name
        assert found(names, {"$nor": [{name: {"$gte": 0}}]}) == others, name
        assert found(names, {name: {"$in": [number, None]}}) == everything, name
    name = '"; DROP TABLE "canary"; --'
    assert found(names, {}, sort=[(name, -1)])[0] == NAMES.index(name)
    assert list(names.find({name: "x"}, [name])) == [
        {"_id": NAMES.index(name), name: [NAMES.index(name), "x"]}
    ]


def test_names_in_paths(store: mongoglot.Store) -> None:
    paths = store["paths"]
    pairs = list(itertools.pairwise(NAMES))
    paths.insert_many([{"_id": number, a: [{b: "x"}, {b: number}]} for number, (a, b) in enumerate(pairs)])
    for number, (a, b) in enumerate(pairs):
        assert found(paths, {f"{a}.{b}": number}) == [number], (a, b)
        assert found(paths, {f"{a}.1.{b}": {"$exists": True}}) == [number], (a, b)
        assert found(paths, {a: {b: "x"}}) == [number], (a, b)


def test_names_in_updates(store: mongoglot.Store) -> None:
    updates = store["updates"]
    updates.insert_one({"_id": 1})
    for name in NAMES:
        updates.update_one({"_id": 1}, {"$set": {name: name}})
    assert updates.find_one(1) == {"_id": 1, **dict(zip(NAMES, NAMES, strict=True))}
    for name in NAMES:
        assert updates.update_many({name: name}, {"$unset": {name: ""}}).modified_count == 1, name
    assert updates.find_one({}) == {"_id": 1}


def test_values(store: mongoglot.Store) -> None:
    values = store["values"]
    values.insert_many([{"_id": value, "a": [value], "b": {"x": value}} for value in STRINGS])
    for value in STRINGS:
        assert found(values, {"_id": value}) == [value]
        assert found(values, {"a": value}) == [value]
        assert found(values, {"a": {"$in": [value, 5]}}) == [value]
        assert found(values, {"b": {"x": value}}) == [value]
        assert found(values, {"b": {"$in": [{"x": value}]}}) == [value]
        assert found(values, {"b.x": {"$gte": value, "$lte": value}}) == [value]
        assert sorted(found(values, {"a": {"$gt": value}})) == sorted(s for s in STRINGS if s > value)


def test_collection_names(store: mongoglot.Store) -> None:
    """Names that a server refuses are refused with an error of ours."""
    kept = {}
    for number, name in enumerate(NAMES):
        if name == "canary":
            continue
        try:
            store[name].insert_one({"_id": number, "name": name})
            kept[name] = number
        except MongoglotError:
            assert store.backend.name == "mongodb", name
    assert len(kept) > len(NAMES) * 0.8
    assert set(kept) <= set(store.collection_names())
    for name, number in kept.items():
        assert list(store[name].find({"name": name})) == [{"_id": number, "name": name}]
    for name in list(kept)[::2]:
        store[name].drop()
        assert list(store[name].find({})) == []
    for name, number in list(kept.items())[1::2]:
        assert list(store[name].find({})) == [{"_id": number, "name": name}], name


def test_nothing_is_executed(store: mongoglot.Store, tmp_path: Path) -> None:
    traps = [trap.format(str(tmp_path / f"sprung {number}")) for number, trap in enumerate(TRAPS)]
    for trap in traps:
        name = trap.replace(".", "\N{ONE DOT LEADER}")
        store["traps"].insert_one({name: trap, "a": {name: [trap]}})
        for condition in (
            {name: trap},
            {f"a.{name}": trap},
            {"a": {name: [trap]}},
            {"$nor": [{name: {"$gt": trap}}]},
        ):
            query = mongoglot.compile(condition)
            assert found(store["traps"], condition)
            assert query.matches({name: trap, "a": {name: [trap]}})
            query.explain()._repr_html_()
    assert list(tmp_path.iterdir()) == []


SIGNS = ("zq7", "918273645", "0.918273")
CONDITIONS: tuple[dict[str, Any], ...] = (
    *({operator: operand} for operator in ("$eq", "$gt", "$gte", "$lt", "$lte", "$ne") for operand in (
        "zq7", 918273645, 0.918273, Decimal128("918273645.5"), {"zq7": "zq7"}, [918273645, ["zq7"]], b"zq7",
    )),
    {"$in": ["zq7", 918273645, {"zq7": [0.918273]}, None]}, {"$nin": [918273645] * 50},
    {"$not": {"$gt": "zq7"}}, {"$glob": "*zq7[!a]?"},
)  # fmt: skip


@pytest.mark.parametrize("condition", CONDITIONS, ids=str)
@pytest.mark.parametrize("name", ["zq7name", "zq7.0.zq7"])
def test_texts_hold_no_value_and_sources_no_name(condition: dict[str, Any], name: str) -> None:
    query = mongoglot.compile(
        {name: condition, "$or": [{name: condition}, {f"b.{name}": None}]}, dialect="taskdb"
    )
    source, sql = query.explain().python, query.to_sql().text
    assert [sign for sign in SIGNS if sign in source] == []
    for place in (f'"{part}"' for part in name.split(".")):
        sql = sql.replace(place, "")  # the paths; what is left must be words of ours
    assert [sign for sign in SIGNS if sign in sql] == []


def test_tables_and_columns(tmp_path: Path) -> None:
    """Declared tables and columns of any name; those that the store has itself are refused."""
    declared = [Table(name, (Column(name, "number", "a", indexed=True),)) for name in NAMES]
    with mongoglot.connect(f"sqlite:{tmp_path / 'store.db'}", tables=declared) as opened:
        for number, name in enumerate(NAMES):
            collection = opened[name]
            if name in ("_doc", "_row", "_key"):
                with pytest.raises(mongoglot.UnsupportedError):
                    collection.insert_one({"a": 1})
                continue
            collection.insert_many([{"_id": 1, "a": number}, {"_id": 2, "a": "x"}, {"_id": 3}])
            assert found(collection, {"a": {"$gte": number}}) == [1], name
            assert found(collection, {"a": {"$in": [number, None]}}) == [1, 3], name
            assert collection.update_many({"a": "x"}, {"$set": {"a": -5}}).modified_count == 1
            assert found(collection, {"a": {"$lt": number}}) == [2], name
        assert len(opened.collection_names()) == len(NAMES) - 3


def test_columns_of_other_tables() -> None:
    connection = apsw.Connection(":memory:")
    for number, name in enumerate(NAMES):
        quoted = '"' + name.replace('"', '""') + '"'
        connection.execute(f"CREATE TABLE t{number} ({quoted} TEXT)")
        connection.execute(f"INSERT INTO t{number} VALUES (?), (NULL), ('other')", (name,))  # noqa: S608 - a number of ours
        for condition, count in (({"f": name}, 1), ({"f": None}, 1), ({"f": {"$ne": name}}, 2)):
            sql = mongoglot.compile(condition).to_sql(table=Table("t", (Column(name, "string", "f"),), None))
            statement = f"SELECT count(*) FROM t{number} WHERE {sql.text}"  # noqa: S608 - that is the test
            assert connection.execute(statement, sql.parameters).get == count, name


# ---- exhaustion ----------------------------------------------------------------------------------


def bombs() -> Iterator[Any]:
    """Values that end the process, or never end, where they are walked without care."""
    for wrap in (lambda inner: {"a": inner}, lambda inner: [inner], lambda inner: [{"a": inner}, 1]):
        value: Any = 1
        for _ in range(100_000):
            value = wrap(value)
        yield value
    cyclic: dict[str, Any] = {}
    cyclic["a"] = cyclic["b"] = cyclic
    yield cyclic
    array: list[Any] = []
    array += [array, array, 1]
    yield array


def operator_bombs() -> Iterator[dict[str, Any]]:
    """Filters of operators without end."""
    for name in ("$and", "$or", "$nor"):
        nested: dict[str, Any] = {"a": 1}
        for _ in range(50_000):
            nested = {name: [nested]}
        yield nested
    operators: dict[str, Any] = {"$gt": 1}
    for _ in range(50_000):
        operators = {"$not": operators}
    yield {"a": operators}
    cyclic: dict[str, Any] = {}
    cyclic["$and"] = cyclic["$or"] = [cyclic, cyclic]
    yield cyclic
    negated: dict[str, Any] = {}
    negated["$not"] = negated
    yield {"a": negated}


def code_of(action: Any, *arguments: Any, **options: Any) -> int | None:
    """The code of the error that a call raises; None for an error without one."""
    with pytest.raises(MongoglotError) as caught:
        action(*arguments, **options)
    assert len(str(caught.value)) < 1000
    return getattr(caught.value, "code", None)


BOMBED: tuple[Any, ...] = (
    lambda bomb: {"a": bomb}, lambda bomb: {"a": {"$gt": bomb}}, lambda bomb: {"a": {"$in": [1, bomb]}},
    lambda bomb: {"a": {"$exists": bomb}}, lambda bomb: {"$comment": bomb},
    lambda bomb: {"$and": [{}, {"a": bomb}]}, lambda bomb: {"a": {"$not": {"$eq": bomb}}},
    lambda bomb: {"a": {"$foo": 1, "$eq": bomb}},
    lambda bomb: {"a": {"$elemMatch": {"b": bomb}}},
    lambda bomb: {"a": {"$all": [bomb]}}, lambda bomb: {"a": {"$all": [{"$elemMatch": {"$eq": bomb}}]}},
    lambda bomb: {"a": {"$type": bomb}}, lambda bomb: {"a": {"$mod": bomb}}, lambda bomb: {"_id": bomb},
    lambda bomb: {"$id": bomb},
)  # fmt: skip


def test_filters_without_end() -> None:
    for bomb in bombs():
        for number, shape in enumerate(BOMBED):
            assert code_of(mongoglot.compile, shape(bomb)) == 15, number
    for bomb in operator_bombs():
        assert code_of(mongoglot.compile, bomb) == 15


@pytest.fixture(params=["memory:", "sqlite::memory:"])
def tasks(request: pytest.FixtureRequest) -> Iterator[mongoglot.Collection]:
    """A collection with one document, which must stay alone and as it is."""
    with mongoglot.connect(request.param) as opened:
        opened["tasks"].insert_one({"_id": 1, "a": 1})
        yield opened["tasks"]
        assert list(opened["tasks"].find({})) == [{"_id": 1, "a": 1}]


LOOKING_DEEP: tuple[dict[str, Any], ...] = (
    {"a": {"b": 1}}, {"a": [[1]]}, {"a": {"$gt": [{}]}}, {"a.a.a.a": 1}, {"a": {"$lt": {}}},
)  # fmt: skip


def test_documents_without_end(tasks: mongoglot.Collection) -> None:
    for bomb in bombs():
        assert code_of(tasks.insert_one, {"a": bomb}) == 15
        assert code_of(tasks.insert_one, {"_id": {"a": bomb}}) == 15
        assert code_of(tasks.insert_many, [{"_id": 2}, {"a": [bomb]}]) == 15
        code_of(tasks.update_many, {}, {"$set": {"a": bomb}})
        code_of(tasks.update_many, {}, {"$unset": bomb})
        code_of(tasks.find, {}, {"a": bomb, "b": [bomb]})
        code_of(tasks.find, {}, limit=bomb)
        for condition in LOOKING_DEEP:
            query = mongoglot.compile(condition)
            try:
                assert query.matches({"a": bomb}) in (True, False)
            except EncodingError as error:
                assert "nest at most 200 levels" in str(error)  # noqa: PT017 - not all of them look so deep


def test_sorts_without_end(tasks: mongoglot.Collection) -> None:
    for bomb in bombs():
        code_of(tasks.find, {}, sort={"a": bomb})


WRONG: tuple[Any, ...] = (
    None, True, 0, -1, 5, 10**5000, -(2**63) - 1, 1.5, float("nan"), float("inf"), "", "a", "$a", "\ud800", "a\0",
    b"", b"a", [], [1], [[]], [{}], [None], [{"$gt": 1}], ["\ud800"], [10**5000], {}, {"a": 1}, {"$gt": 1}, {1: 1},
    {"\ud800": 1}, {"a\0": 1}, {"$a": {2}}, {1}, frozenset(), object(), object, len, ..., NotImplemented, 1j,
    range(3), iter([1]), Regex("a"), Regex("("), Regex("a\0"), Decimal128("NaN"), Decimal128("sNaN"),
    Decimal128("1E+6000"), Path("a"),
)  # fmt: skip

DOCUMENTS: tuple[dict[str, Any], ...] = (
    {},
    {"a": 1},
    {"a": ["x", None, {"b": 1}]},
    {"a": {"a": 1}},
    {"a": float("nan")},
)


ODD: tuple[tuple[str, Any], ...] = (("$elemMatch", {1: 1}), ("$type", Decimal128("sNaN")))


def wrong_filters() -> Iterator[dict[str, Any]]:
    for name, value in itertools.product(OPERATORS["taskdb"], WRONG):
        if (name, value) in ODD:
            continue
        yield {"a": {name: value}}
        yield {name: value}
        yield {name: [value, {"a": 1}]}
        yield {"a": {"$not": {name: value}}}
        yield {"a": {name: value, "$gt": 1}}
        yield {"a": {"$elemMatch": {name: value}}}
        yield {"a": {name: [1, value]}}


def test_operands_of_every_type() -> None:
    """Each is refused with an error of ours, or means something on every target."""
    rng = random.Random(1)
    accepted = refused = 0
    for condition in wrong_filters():
        try:
            query = mongoglot.compile(condition, dialect="taskdb")
        except MongoglotError:
            refused += 1
            continue
        accepted += 1
        if query.plan.server_only is not None:
            continue
        assert [query.matches(document) in (True, False) for document in DOCUMENTS]
        if rng.random() < 0.1:
            query.to_sql()
            query.to_mongodb()
    assert accepted > 200
    assert refused > 2000


def test_operands_that_are_not_bsons() -> None:
    for name, value in itertools.product(
        ("$not", "$size", "$bitsAllSet", "$type", "$mod", "$all"), ({1}, 10**5000)
    ):
        with pytest.raises(FilterError, match=rf"^BSON .*at a\.\{name}\)"):
            mongoglot.compile({"a": {name: value}})


def test_messages_about_operands_without_end() -> None:
    for name, bomb in itertools.product(("$size", "$bitsAnySet"), bombs()):
        assert code_of(mongoglot.compile, {"a": {name: bomb}}) == 15


@pytest.mark.parametrize(("name", "value"), ODD)
def test_odd_operands(name: str, value: Any) -> None:
    with pytest.raises(FilterError):
        mongoglot.compile({"a": {name: value}})


def test_what_stands_under_a_word_out_of_place_has_an_end() -> None:
    for bomb in bombs():
        for condition in ({"a": {"$gt": 1, "b": bomb}}, {"$foo": bomb}, {"a": {"$foo": bomb}}):
            assert code_of(mongoglot.compile, condition) == 15


def test_what_is_no_filter(tasks: mongoglot.Collection) -> None:
    for value in WRONG:
        expected = 9 if isinstance(value, str) else 14  # text that cannot be read
        if not isinstance(value, dict):
            assert code_of(mongoglot.compile, value) == expected
        if not isinstance(value, dict) and value is not None:
            for action in (tasks.find, tasks.count_documents, tasks.delete_many, tasks.delete_one):
                assert code_of(action, value) == expected
            assert code_of(tasks.update_many, value, {"$set": {"a": 2}}) == expected


def test_what_is_no_document(tasks: mongoglot.Collection) -> None:
    for value in WRONG:
        if not isinstance(value, dict):
            code_of(tasks.insert_one, value)
            code_of(tasks.insert_many, [{"_id": 2}, value])
        code_of(tasks.update_many, {}, value)
        if value not in ({}, {"a": 1}):
            code_of(tasks.update_many, {}, {"$set": value})


@pytest.mark.parametrize("option", ["projection", "sort"])
def test_options_of_every_type(option: str, tasks: mongoglot.Collection) -> None:
    for value in (*WRONG, *({"a": other} for other in WRONG), *([("a", other)] for other in WRONG)):
        with contextlib.suppress(MongoglotError):
            list(tasks.find({}, **{option: value}))


def test_limits_of_every_type(tasks: mongoglot.Collection) -> None:
    for value in WRONG:
        for options in ({"limit": value}, {"skip": value}):
            with contextlib.suppress(MongoglotError):
                list(tasks.find({}, **options))


@pytest.mark.parametrize("name", ["\ud800", "a\0b"])
def test_names_that_cannot_be_stored(name: str, tmp_path: Path) -> None:
    with mongoglot.connect("sqlite::memory:") as opened, pytest.raises(MongoglotError):
        opened[name].insert_one({"_id": 1})
    with pytest.raises(MongoglotError):
        Column(name, "string")
    with pytest.raises(MongoglotError):
        mongoglot.connect(f"sqlite:{tmp_path}/{name}")


def test_names_of_tables_that_look_like_those_of_indexes() -> None:
    declared = [Table(name, (Column(column, "number", indexed=True),)) for name, column in
                (("x", "y on z"), ("x on y", "z"), ("t", "a"))]  # fmt: skip
    with mongoglot.connect("sqlite::memory:", tables=declared) as opened:
        opened["index of t on a"].insert_one({"_id": 1})
        for table in declared:
            opened[table.name].insert_one({"_id": 1})
            assert found(opened[table.name], {}) == [1]
