"""What people write who come from pymongo, a shell or a command line: refused, or noted, with the right form."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import mongoglot
from mongoglot import Column, FilterError, StoreError, Table, UnsupportedError, aio
from mongoglot.notes import notes_of

WRITTEN_KEYS = [
    ("-n", [("n", -1)]),
    (" -n", [("n", -1)]),
    ("+n", [("n", 1)]),
    ("n,x", [("n", 1), ("x", 1)]),
    ("-n, x.y", [("n", -1), ("x.y", 1)]),
    ("{n: 1}", [("n", 1)]),
    ('{"n": -1, x: 1}', [("n", -1), ("x", 1)]),
    ("n:-1", [("n", -1)]),
    ("n: desc", [("n", -1)]),
    ("age desc", [("age", -1)]),
    ("age Ascending", [("age", 1)]),
]


@pytest.fixture
def items() -> mongoglot.Collection:
    collection = mongoglot.connect("memory:")["items"]
    collection.insert_many([{"_id": n, "n": n, "-n": -n} for n in (2, 3, 1)])
    return collection


@pytest.mark.parametrize(("text", "meant"), WRITTEN_KEYS)
def test_keys_in_the_words_of_a_command_line_are_refused(
    items: mongoglot.Collection, text: str, meant: list[tuple[str, int]]
) -> None:
    calls: list[tuple[str, Callable[[], object]]] = [
        ("sort", lambda: items.find({}, sort=text)),
        ("sort", lambda: items.find_one({}, sort=text)),
        ("keys", lambda: items.create_index(text)),
    ]
    for path, call in calls:
        with pytest.raises(FilterError) as caught:
            call()
        assert (caught.value.code, caught.value.path) == (14, path)
        assert caught.value.hint is not None
        assert caught.value.hint.startswith(f"write {meant!r}; ")
    assert list(items.index_information()) == ["_id_"]
    assert len(items.find({}, sort=meant).to_list()) == 3


def test_keys_in_the_words_of_a_command_line_are_refused_where_they_are_awaited() -> None:
    async def asked() -> None:
        async with aio.connect("memory:") as store:
            with pytest.raises(FilterError, match="is the name of one field"):
                await store["items"].find({}, sort="-n").to_list()
            with pytest.raises(FilterError, match="is the name of one field"):
                await store["items"].create_index("-n")

    asyncio.run(asked())


@pytest.mark.parametrize("text", ["{", "-", "[('n', -1)]", "a" * 300 + ","])
def test_a_text_that_nobody_understands_has_a_hint_too(items: mongoglot.Collection, text: str) -> None:
    with pytest.raises(FilterError, match="descending"):
        items.find({}, sort=text)


def test_a_field_of_such_a_name_is_reached_by_a_list(items: mongoglot.Collection) -> None:
    assert [found["_id"] for found in items.find({}, sort=[("-n", 1)])] == [3, 2, 1]
    assert [found["_id"] for found in items.find({}, sort=["-n"])] == [3, 2, 1]
    assert [found["_id"] for found in items.find({}, sort={"-n": -1})] == [1, 2, 3]
    assert items.create_index([("-n", 1)]) == "-n_1"


@pytest.mark.parametrize("name", ["n", "a.b", "first name", "dc:title", "a-b", "address 1", "descending"])
def test_other_names_of_fields_are_taken_as_they_are(items: mongoglot.Collection, name: str) -> None:
    assert len(items.find({}, sort=name).to_list()) == 3
    assert items.create_index(name) == f"{name}_1"


def test_a_name_is_no_table(tmp_path: Path) -> None:
    query = mongoglot.compile({"a": 1})
    name: Any = "users"
    calls: list[Callable[[], object]] = [
        lambda: query.to_sql(table=name),
        lambda: query.to_sql("duckdb", table=name),
        lambda: query.explain(name),
        lambda: mongoglot.connect(f"sqlite:{tmp_path}/a.db", tables=[name]),
    ]
    for call in calls:
        with pytest.raises(UnsupportedError, match=r"a Table, not by str; write Table\('users', "):
            call()
    with pytest.raises(UnsupportedError, match="tables is a list"):
        mongoglot.connect(f"sqlite:{tmp_path}/a.db", tables=name)
    with pytest.raises(UnsupportedError, match="tables is a list"):
        mongoglot.connect(f"sqlite:{tmp_path}/a.db", tables=Table("users"))
    with pytest.raises(UnsupportedError, match=r"by int; write Table\('t', "):
        mongoglot.connect(f"sqlite:{tmp_path}/a.db", tables=[5])


def test_types_of_columns_have_usual_names() -> None:
    usual: Any = "text"
    with pytest.raises(UnsupportedError, match="'text'; did you mean 'string'"):
        Column("a", usual)
    unknown: Any = "colour"
    with pytest.raises(UnsupportedError, match="'colour'; there are string"):
        Column("a", unknown)


def test_postgres_is_postgresql() -> None:
    table = Table("t", (Column("a", "int"),), None)
    query = mongoglot.compile({"a": 1})
    assert query.to_sql("postgres", table=table).text == query.to_sql("postgresql", table=table).text


def test_an_explanation_is_shown_at_a_prompt(items: mongoglot.Collection) -> None:
    explanation = mongoglot.compile("{a: 1}").explain()
    assert repr(explanation) == str(explanation)
    assert repr(explanation).startswith("Text\n----\n{a: 1}\n")
    assert "to_list()" in repr(items.find())


def test_an_awaited_cursor_says_what_it_is() -> None:
    async def shown() -> str:
        async with aio.connect("memory:") as store:
            return repr(store["items"].find())

    assert "async for" in asyncio.run(shown())


@pytest.mark.parametrize(
    ("of", "name", "remedy"),
    [
        ("store", "books", "a collection is store['books']"),
        ("store", "list_collection_names", "write collection_names()"),
        ("collection", "count", "write count_documents(filter)"),
        ("collection", "replace_one", "update_one"),
        ("collection", "aggregate", "pipelines are not run here"),
        ("cursor", "sort", "find(filter, sort=…)"),
        ("cursor", "clone", "call find again"),
    ],
)
def test_other_names_of_pymongo_are_not_there_and_have_a_remedy(of: str, name: str, remedy: str) -> None:
    async def awaited() -> Any:
        async with aio.connect("memory:") as store:
            return {"store": store, "collection": store["a"], "cursor": store["a"].find()}[of]

    store = mongoglot.connect("memory:")
    thing: Any
    for thing in ({"store": store, "collection": store["a"], "cursor": store["a"].find()}[of],
                  asyncio.run(awaited())):  # fmt: skip
        assert not hasattr(thing, name)
        with pytest.raises(AttributeError) as caught:
            getattr(thing, name)
        assert remedy in str(caught.value)
        with pytest.raises(AttributeError, match=r"has no attribute '_nothing'$"):
            _ = thing._nothing


def test_no_remedy_hides_a_name_that_is_there() -> None:
    for kind in (mongoglot.Collection, mongoglot.Cursor, mongoglot.Store,
                 aio.AsyncCollection, aio.AsyncCursor, aio.AsyncStore):  # fmt: skip
        assert kind._REMEDIES
        assert [name for name in kind._REMEDIES if hasattr(kind, name)] == []


@pytest.mark.parametrize(
    ("filter", "hint"),
    [
        ("{age: {: 18}}", "single quotes"),
        ("{: [{a: 1}]}", "single quotes"),
        ("{$or: {a: 1}, {b: 1}}", "several documents stand in an array"),
        ("{{a: 1}}", "one pair of braces"),
        ({"$age": 5}, "write 'age'"),
        ({"a": {"$>": 5}}, "write $gt"),
        ({"a": {"$!=": 5}}, "write $ne"),
    ],
)
def test_a_wrong_filter_has_a_hint(filter: Any, hint: str) -> None:
    with pytest.raises(FilterError) as caught:
        mongoglot.compile(filter)
    assert hint in str(caught.value.hint)


@pytest.mark.parametrize(
    ("filter", "remedy"),
    [
        ("{or: [{a: 1}, {b: 2}]}", "write {$or: [{…}, {…}]}"),
        ("{and: [{a: 1}]}", "write {$and: [{…}, {…}]}"),
        ("{AND: [{a: 1}]}", "write {$and: [{…}, {…}]}"),
        ("{nor: [{a: {$gt: 1}}]}", "write {$nor: [{…}, {…}]}"),
        ("{not: {a: 1}}", "write {$nor: [{…}]}"),
        ("{a: {or: [{b: 1}]}}", "write {$or: [{…}, {…}]}"),
        ("{a: {not: {$gt: 5}}}", "write {$not: …}"),
        ("{a: {'': 5}}", "single quotes"),
        ("{'': [{a: 1}]}", "single quotes"),
    ],
)
def test_a_filter_that_means_something_else_has_a_note(filter: str, remedy: str) -> None:
    (note,) = notes_of(mongoglot.compile(filter))
    assert remedy in note.remedy


def test_a_field_named_as_a_word_has_no_such_note() -> None:
    for filter in ("{or: 5}", "{not: 'x'}", "{or: {$gt: 5}}"):
        assert notes_of(mongoglot.compile(filter)) == []


@pytest.mark.parametrize(
    ("url", "options", "wrong"),
    [
        ("mongodb://127.0.0.1/shop", {"timout": 5}, "the option 'timout' is not known"),
        ("mongodb://127.0.0.1/shop", {"maxPoolSize": "x"}, "the option 'maxPoolSize' has a value"),
        ("mongodb://127.0.0.1:abc/shop", {}, "the port 'abc'"),
        ("mongodb://me:secret@127.0.0.1:99999/shop", {}, "the port '99999'"),
        ("mongodb://[::1]:x/shop", {}, "the port 'x'"),
    ],
)
def test_the_part_of_a_url_that_is_wrong_is_named(url: str, options: dict[str, Any], wrong: str) -> None:
    with pytest.raises(StoreError) as caught:
        mongoglot.connect(url, **options)
    assert wrong in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_a_postgresql_url_has_slashes(scheme: str) -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(UnsupportedError, match="'//' is missing"):
        mongoglot.connect(f"{scheme}:shop")


def test_a_file_has_no_options_in_its_url(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match=r"'\?mode=ro' in the URL of a file"):
        mongoglot.connect(f"sqlite:{tmp_path}/x.db?mode=ro")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "y.db?a=b").touch()  # a file that is there has the name that it has
    mongoglot.connect(f"sqlite:{tmp_path}/y.db?a=b").close()
    mongoglot.connect(f"sqlite://{tmp_path}/why?.db").close()
    assert (tmp_path / "why?.db").exists()
