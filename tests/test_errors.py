"""What a user reads after a typical mistake: the whole text, the code, the place and the hint."""

from __future__ import annotations

import datetime
import decimal
import pickle
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from bson import Regex

import mongoglot
from mongoglot.errors import CODE_NAMES, EncodingError, FilterError, MongoglotError, code_name

FIELD_NAME = (
    ". If you have a field name that starts with a '$' symbol, consider using $getField or $setField."
)


class Mistake(NamedTuple):
    """A wrong filter and what is said of it."""

    filter: Any
    reason: str
    path: str = ""
    hint: str | None = None
    code: int = 2
    dialect: Any = "mongodb"


def nested(levels: int) -> dict[str, Any]:
    result: dict[str, Any] = {"a": 1}
    for _ in range(levels):
        result = {"$and": [result]}
    return result


MISTAKES = [
    # misspelt operators
    Mistake({"price": {"$gtt": 5}}, "unknown operator: $gtt", "price.$gtt", "did you mean '$gt'?"),
    Mistake({"price": {"$EQ": 5}}, "unknown operator: $EQ", "price.$EQ", "did you mean '$eq'?"),
    Mistake({"price": {"$foo": 5}}, "unknown operator: $foo", "price.$foo"),
    Mistake({"price": {"$": 5}}, "unknown operator: $", "price.$"),
    Mistake(
        {"$or": [{"a": 1}, {"b": [{"c": 1}], "d": {"$lte": 5, "$gtt": 6}}]},
        "unknown operator: $gtt", "$or[1].d.$gtt", "did you mean '$gt'?",
    ),
    Mistake(
        {"$and": [{"$or": [{"a": 1}, {"b": {"$not": {"$exist": True}}}]}]},
        "unknown operator: $exist", "$and[0].$or[1].b.$not.$exist", "did you mean '$exists'?",
    ),
    Mistake(
        {"$foo": 5}, f"unknown top level operator: $foo{FIELD_NAME}", "$foo",
        "a field has no $ in front: write 'foo'",
    ),
    # words of the task database elsewhere
    Mistake(
        {"completed": {"$ge": 5}}, "unknown operator: $ge", "completed.$ge",
        "did you mean '$gte'? In the dialect 'taskdb' '$ge' means '$gt'",
    ),
    Mistake(
        {"completed": {"$le": 5}}, "unknown operator: $le", "completed.$le",
        "did you mean '$lte'? In the dialect 'taskdb' '$le' means '$lt'",
    ),
    Mistake(
        {"name": {"$glob": "job*"}}, "unknown operator: $glob", "name.$glob",
        "'$glob' belongs to the dialect 'taskdb'",
    ),
    Mistake(
        {"name": {"$glob": 5}}, "$glob has to be a string", "name.$glob", "write {$glob: 'job-*'}",
        dialect="taskdb",
    ),
    # operators in the wrong place
    Mistake(
        {"$gt": 5}, f"unknown top level operator: $gt{FIELD_NAME}", "$gt",
        "$gt stands under a field: {field: {$gt: …}}",
    ),
    Mistake(
        {"$not": {"a": 1}},
        "unknown top level operator: $not. If you are trying to negate an entire expression, use $nor.", "$not",
        "write {$nor: [{…}]}",
    ),
    Mistake(
        {"a": {"$or": [{"$gt": 1}]}}, "unknown operator: $or", "a.$or", "$or stands beside fields, not under one"
    ),
    Mistake(
        {"price": {"$gte": 5, "currency": "EUR"}}, "unknown operator: currency", "price.currency",
        "a document of operators holds nothing else; a field below is written 'field.currency'",
    ),
    # operands of the wrong type
    Mistake({"$or": {"a": 1}}, "$or must be an array", "$or", "write {$or: [{…}, {…}]}"),
    Mistake({"$nor": "x"}, "$nor must be an array", "$nor", "write {$nor: [{…}, {…}]}"),
    Mistake(
        {"$and": []}, "$and/$or/$nor must be a nonempty array", "$and",
        "write {$and: [{…}, …]}, or leave $and out",
    ),
    Mistake(
        {"$or": [{"a": 1}, 5]}, "$or/$and/$nor entries need to be full objects", "$or[1]",
        "write {$or: [{field: value}, …]}",
    ),
    Mistake({"state": {"$in": "done"}}, "$in needs an array", "state.$in", "write {$in: [value, …]}"),
    Mistake({"state": {"$nin": {"a": 1}}}, "$nin needs an array", "state.$nin", "write {$nin: [value, …]}"),
    Mistake(
        {"a": {"$nin": [1, {"$gt": 1}]}}, "cannot nest $ under $nin", "a.$nin[1]",
        "a list holds values; write {$or: [{field: {…}}, {field: {…}}]}",
    ),
    Mistake(
        {"a": {"$not": 5}}, "$not needs a regex or a document", "a.$not", "write {field: {$ne: value}}"
    ),
    Mistake({"a": {"$not": {}}}, "$not cannot be empty", "a.$not", "write {$not: {$gt: value}}"),
    Mistake(
        {"a": {"$ne": Regex("x")}}, "Can't have regex as arg to $ne.", "a.$ne",
        "write {field: {$not: /pattern/}}",
    ),
    Mistake(
        {"$nor": [{"a.b": {"$gt": Regex("x")}}]},
        "Can't have RegEx as arg to predicate over field 'a.b'.", "$nor[0].a.b.$gt",
        "a regular expression has no order; write {field: /pattern/}",
    ),
    # values that BSON cannot hold
    Mistake(
        {"when": datetime.date(2020, 1, 1)}, "BSON has no type for datetime.date", "when",
        "write a datetime.datetime",
    ),
    Mistake(
        {"a": {"$gt": decimal.Decimal(1)}}, "BSON has no type for decimal.Decimal", "a.$gt",
        "write bson.Decimal128(value)",
    ),
    Mistake({"a": {"$in": [1, [2, {"b": {1, 2}}]]}}, "BSON has no type for set", "a.$in[1][1].b", "write a list"),
    Mistake(
        {"a": {"b": [{"c": 2**63}]}}, "BSON holds ints of up to 64 bits", "a.b[0].c",
        "write bson.Decimal128(str(value)), or a string",
    ),
    Mistake({"a": "x\ud800"}, "BSON strings are UTF-8 and hold no lone surrogates", "a"),
    Mistake({"a": {"$eq": {5: 1}}}, "BSON field names are str, not int", "a.$eq.5", "write '5'"),
    Mistake({"a\0b": 1}, "BSON field names hold no NUL character", r"'a\x00b'"),
    # no filters at all
    Mistake(5, "a filter is a mapping, not int", hint="write {field: value}", code=14),
    Mistake(
        [("a", 1)], "a filter is a mapping, not list", code=14,
        hint="several conditions are {$and: [{…}, {…}]}, and several values {field: {$in: […]}}",
    ),
    Mistake(nested(100), "the filter nests deeper than 200 levels, which BSON does not allow", code=15),
]  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: ascii(mistake.filter)[:60])
def test_what_is_said_of_a_filter(mistake: Mistake) -> None:
    with pytest.raises(FilterError) as caught:
        mongoglot.compile(mistake.filter, dialect=mistake.dialect)
    error = caught.value
    place = f" (at {mistake.path})" if mistake.path else ""
    advice = f"; {mistake.hint}" if mistake.hint else ""
    assert str(error) == f"{mistake.reason}{place}{advice}"
    assert (error.code, error.reason, error.path, error.hint) == (
        mistake.code, mistake.reason, mistake.path, mistake.hint,
    )  # fmt: skip
    assert error.code_name == {2: "BadValue", 14: "TypeMismatch", 15: "Overflow"}[mistake.code]
    assert isinstance(error, ValueError)
    assert isinstance(error, EncodingError) == error.reason.startswith("BSON")


def test_the_word_that_was_written() -> None:
    with pytest.raises(FilterError, match=r"unknown top level operator: \$ge\b.*at \$ge\)"):
        mongoglot.compile({"$ge": 5}, dialect="taskdb")


def test_a_hint_fits_the_place() -> None:
    for condition, wrong in (({"a": {"$ref": "x"}}, "$where"), ({"$gtt": 5}, "did you mean '$gt'?")):
        with pytest.raises(FilterError) as caught:
            mongoglot.compile(condition)
        assert wrong not in (caught.value.hint or "")


# ---- stores --------------------------------------------------------------------------------------


def tasks() -> mongoglot.Collection:
    collection = mongoglot.connect("memory:")["tasks"]
    collection.insert_one({"_id": "one", "a": 1})
    return collection


STORE_MISTAKES: list[tuple[Callable[[], Any], type[MongoglotError], int | None, str]] = [
    (
        lambda: tasks().insert_one({"_id": "one"}), mongoglot.DuplicateKeyError, 11000,
        (
            "duplicate key: 'tasks' already has a document with _id 'one'; "
            "take another _id or none, or update what is there"
        ),
    ),
    (
        lambda: tasks().insert_one({"_id": [1]}), mongoglot.WriteError, 53,
        "The '_id' value cannot be of type array; take another value",
    ),
    (
        lambda: tasks().insert_one({"_id": {"$a": 1}}), mongoglot.WriteError, 52,
        "_id fields may not contain '$'-prefixed fields: $a is not valid for storage.",
    ),
    (
        lambda: tasks().insert_one({"a": {"b": [1, {2}]}}), EncodingError, None,
        "BSON has no type for set (at a.b[1]); write a list",
    ),
    (
        lambda: tasks().insert_one([("a", 1)]),  # type: ignore[arg-type]  # the mistake
        EncodingError, None, "a document is a mapping with string keys, not list; insert_many takes several",
    ),
    (
        lambda: tasks().update_many({}, {"a": 1}), FilterError, 9,
        "an update holds update operators only; write {'$set': {field: value}}",
    ),
    (
        lambda: tasks().update_many({}, {"$set": {"a": 1}, "$unset": {"a": 1}}), FilterError, 40,
        "Updating the path 'a' would create a conflict at 'a' (at $unset.a); name each field once",
    ),
    (
        lambda: tasks().update_many({}, {"$set": {"_id": 2}}), mongoglot.WriteError, 66,
        "Performing an update on the path '_id' would modify the immutable field '_id'",
    ),
    (
        lambda: tasks().find({}, {"a": 1, "b": 0}), FilterError, 31254,
        (
            "Cannot do exclusion on field b in inclusion projection (at b); name the fields to show, or those to "
            "leave out; only _id may be left out beside fields to show"
        ),
    ),
    (
        lambda: tasks().find({}, sort=[("a", 2)]), FilterError, 15975,
        "$sort key ordering must be 1 (for ascending) or -1 (for descending) (at sort.a)",
    ),
    (
        lambda: tasks().find({}, limit=-1), FilterError, 51024,
        "BSON field 'limit' value must be >= 0, actual value '-1' (at limit); 0 is no limit",
    ),
    (
        lambda: mongoglot.connect("memory:")["$a"], mongoglot.UnsupportedError, None,
        "'$a' cannot name a collection: it needs characters, but no NUL and no '$'",
    ),
    (
        lambda: mongoglot.connect("tasks.db"), mongoglot.UnsupportedError, None,
        (
            "'tasks.db' is no store: write memory:, sqlite:PATH, duckdb:PATH, postgresql://host/database, "
            "mongodb://host/database or null:; the store in a file of this name is 'sqlite:tasks.db'"
        ),
    ),
    (
        lambda: mongoglot.compile({"a": 1}, dialect="mysql"),  # type: ignore[arg-type]  # the mistake
        mongoglot.UnsupportedError, None, "no dialect 'mysql'; there are 'mongodb', 'taskdb'",
    ),
    (
        lambda: mongoglot.compile({"a": 1}).to_sql("oracle"), mongoglot.UnsupportedError, None,
        (
            "mongoglot writes no SQL for 'oracle', but for sqlite, postgresql, duckdb, spark, trino, mysql, "
            "bigquery, clickhouse, snowflake"
        ),
    ),
    (
        lambda: mongoglot.connect("null:")["tasks"].find(), mongoglot.NoDataError, None,
        (
            "nothing can be read from 'tasks': the store is 'null:', which keeps nothing; "
            "open a 'memory:', 'sqlite:PATH' or 'mongodb://…' store to keep records"
        ),
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("mistake", "kind", "code", "text"), STORE_MISTAKES, ids=[text[:50] for *_, text in STORE_MISTAKES]
)
def test_what_is_said_of_a_call(
    mistake: Callable[[], Any], kind: type[MongoglotError], code: int | None, text: str
) -> None:
    with pytest.raises(kind) as caught:
        mistake()
    assert str(caught.value) == text
    assert getattr(caught.value, "code", None) == code
    if code is not None:
        assert caught.value.code_name == code_name(code)  # type: ignore[attr-defined]  # a FilterError


def test_names_of_codes() -> None:
    assert code_name(2) == CODE_NAMES[2] == "BadValue"
    assert code_name(51024) == "Location51024"


def test_errors_are_also_what_python_calls_them() -> None:
    for value, kind in (({1}, TypeError), (2**63, OverflowError)):
        with pytest.raises(kind):
            mongoglot.compile({"a": value})
        with pytest.raises(kind):
            tasks().insert_one({"a": value})
        with pytest.raises(ValueError, match="BSON"):  # in a filter it is a wrong filter as well
            mongoglot.compile({"a": value})
    with pytest.raises(KeyError):
        mongoglot.connect("null:")["tasks"].count_documents({})


def test_errors_survive_the_way_between_processes() -> None:
    for mistake in (*(lambda m=m: mongoglot.compile(m.filter) for m in MISTAKES[:3]), STORE_MISTAKES[0][0]):
        with pytest.raises(MongoglotError) as caught:
            mistake()
        again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own
        assert (type(again), str(again), vars(again)) == (
            type(caught.value),
            str(caught.value),
            vars(caught.value),
        )
