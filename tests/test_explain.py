"""What a query became, as data and as a card: true, complete, and safe to show."""

from __future__ import annotations

import random
import re
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest

import mongoglot
from mongoglot.card import card, svg
from mongoglot.debug import passes_of, stages
from mongoglot.engines.sql.table import Column, Table
from mongoglot.sql_stages import assignments
from mongoglot.sql_text import pretty_sql_text
from mongoglot.testing import random_filter
from mongoglot.tree import Tree

QUERY = "{a: {$in: [1, 'x', /^b/]}, b: {$gt: {x: 1}}, $nor: [{c: {$exists: true}}]}"


def test_the_stages_are_those_of_the_query() -> None:
    query = mongoglot.compile(QUERY)
    shown, explained = stages(query), query.explain()
    assert shown.text == QUERY
    assert shown.tokens == tuple(explained.tokens)
    assert shown.values == tuple(query.values)
    assert [(step.name, str(step.tree)) for step in shown.passes] == explained.passes
    assert shown.python == explained.python
    assert shown.mongodb == query.to_mongodb()
    sql, *others = shown.sql
    assert [other.dialect for other in others] == ["postgresql", "duckdb"]
    assert (sql.dialect, sql.parameters, sql.refused) == ("sqlite", query.to_sql().parameters, None)
    assert str(sql.residual) == explained.residual


def test_a_pass_tells_what_it_changed() -> None:
    parsed, *later = stages("{a: {$in: [1, /^b/]}}").passes
    assert (parsed.name, parsed.changes) == ("parsed", ())
    assert later[0].name == "spread_patterns"
    assert later[0].changes == (
        "- a $in list of int[0] and regex[1]", "+ or", "+   a $in list of int[0]", "+   a $regex regex[1]",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("query", "reasons"),
    [
        ("{a: 1}", []),
        (
            "{a: {$gt: {x: 1}}}",
            ["a $gt object[0] is checked in Python because the order of documents and arrays"],
        ),
        (
            "{$jsonSchema: {required: ['a']}}",
            ["$jsonSchema object[0] is checked in Python because a schema looks"],
        ),
        (
            "{$expr: {$gt: [{$add: ['$a', 1]}, 5]}}",
            ["$expr is checked in Python because SQL decides it but where"],
        ),
        (
            "{$expr: {$eq: [{$toUpper: '$a'}, 'X']}}",
            ["$expr is checked in Python because SQL"],
        ),
    ],
)
def test_the_residual_is_told_in_words(query: str, reasons: list[str]) -> None:
    sql = stages(query).sql[0]
    assert len(sql.reasons) == len(reasons)
    for told, expected in zip(sql.reasons, reasons, strict=True):
        assert told.startswith(expected)


def test_what_cannot_be_said_is_told() -> None:
    shown = stages("{$where: '1'}")
    assert shown.python is None
    assert "only be answered by a MongoDB server" in str(shown.sql[0].refused)
    assert "only be answered by a MongoDB server" in card(shown)


def test_the_tree_of_any_filter_has_its_lines() -> None:
    rng = random.Random(11)
    for _ in range(200):
        query = mongoglot.compile(random_filter(rng))
        tree = passes_of(query.ast)[-1].tree
        assert len(str(tree).splitlines()) == _size(tree)
        assert ElementTree.fromstring(svg(tree)).tag.endswith("svg")  # noqa: S314 - made here


def _size(tree: Tree) -> int:
    return 1 + sum(map(_size, tree.children))


class _Card(HTMLParser):
    """Counts what a card has, and checks that it is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in ("input", "rect", "line", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("rect", "line"):
            assert self.open.pop() == tag


def read(page: str) -> _Card:
    reader = _Card()
    reader.feed(page)
    assert reader.open == []
    return reader


def test_a_card_has_a_tab_for_each_stage() -> None:
    page = mongoglot.compile(QUERY).explain()._repr_html_()
    reader = read(page)
    tabs = re.findall(r"<label [^>]*>([^<]*)</label>", page)
    assert tabs == ["Tree", "Text", "Tokens", "Passes", "Python", "SQLite", "PostgreSQL", "DuckDB", "MongoDB"]
    inputs = [attributes for tag, attributes in reader.found if tag == "input"]
    panes = {attributes.get("class") for tag, attributes in reader.found if tag == "div"}
    assert {each["id"] for each in inputs} <= panes
    assert sum("checked" in each for each in inputs) == 1
    other = re.findall(r'id="(mongoglot-[^"]*)"', mongoglot.compile(QUERY).explain()._repr_html_())
    assert not {each["id"] for each in inputs} & set(other)


@pytest.mark.parametrize(
    "hostile", ["</pre><script>alert(1)</script>", '"><img src=x onerror=y>', "</style>"]
)
def test_nothing_in_a_card_is_of_the_query(hostile: str) -> None:
    queries: list[Any] = [
        {hostile: 1},
        {"a": hostile},
        {"a": {"$in": [hostile, 1]}},
        {"a": {"$regex": hostile[:9]}},
    ]
    for query in (*queries, mongoglot.to_text({hostile: {"$gt": {hostile: hostile}}})):
        page = mongoglot.compile(query).explain()._repr_html_()
        assert {tag for tag, _ in read(page).found} <= {
            "style", "div", "input", "label", "pre", "svg", "rect", "line", "text", "details", "summary", "span",
            "table", "tr", "td", "code", "p", "ul", "li", "ins", "del",
        }  # fmt: skip
        assert not re.search(r"<script|<img|onerror=y>|</style><", page.replace("</style><div", ""))


def test_a_table_of_the_users() -> None:
    table = Table("people", (Column("age", "number"),), document=None)
    first = stages("{age: {$gte: 18}}", table).sql[0]
    assert (first.text, dict(first.parameters)) == ('"age" >= :c0', {"c0": 18})


def test_what_is_printed_has_every_stage() -> None:
    text = str(mongoglot.compile(QUERY).explain())
    titles = re.findall(r"^(.+)\n-+$", text, re.MULTILINE)
    assert titles[:5] == ["Text", "Document", "Tokens", "Values", "Tree, as parsed"]
    assert titles[5].startswith("Tree, after ")
    rest = [title for title in titles if not title.startswith("Tree")][4:]
    assert rest == ["Python", *(f"{name}{part}" for name in ("SQLite", "PostgreSQL", "DuckDB")
                                for part in ("", ", parameters", ", residual")), "MongoDB"]  # fmt: skip
    assert "\nchanged:\n" in text
    assert "+     a $regex regex[1]" in text
    assert re.search(r"^ *1      def matches\(document\):\n *2          v1 = ", text, re.MULTILINE)
    assert "b $gt object[2] is checked in Python because the order of documents" in text
    assert "\n:p0_strings = " in text


def test_the_numbers_of_lines_are_those_of_the_source() -> None:
    explained = mongoglot.compile({f"a{number}": number for number in range(9)}).explain()
    shown = dict(explained.sections())["Python"].splitlines()
    assert [line[4:] for line in shown] == explained.python.splitlines()
    assert [int(line[:2]) for line in shown] == list(range(1, len(shown) + 1))


def test_placeholders_stand_as_in_the_text() -> None:
    table = Table("people", (Column("age", "int"),), document=None)
    for stage in (*stages("{age: {$gte: 18}}", table).sql, *stages("{age: {$gte: 18}}").sql):
        assert stage.text is not None
        assert assignments(stage)
        for label, _ in assignments(stage):
            assert label in stage.text


def test_a_layout_changes_nothing_but_spaces() -> None:
    quoted_or_space = re.compile(r"('(?:[^']|'')*'|\"(?:[^\"]|\"\")*\")|\s+")

    def without_spaces(text: str) -> str:
        return quoted_or_space.sub(lambda found: found[1] or "", text)

    rng, long = random.Random(3), 0
    for _ in range(100):
        text = mongoglot.compile(random_filter(rng)).to_sql().text
        laid_out = pretty_sql_text(text)
        assert without_spaces(laid_out) == without_spaces(text)
        long += "\n" in laid_out
    assert long > 50
    assert pretty_sql_text("(" * 5000) == "(" * 5000
    assert pretty_sql_text("a = 'AND  (' AND \"x  WHERE\" = 1" + " AND b" * 20).splitlines()[:2] == [
        "a = 'AND  ('", 'AND "x  WHERE" = 1',
    ]  # fmt: skip


@pytest.mark.parametrize("hostile", ["\x1b[2J", "\u202e", "\x7f", "]]>", "\x01"])
def test_the_picture_is_xml_whatever_a_field_is_called(hostile: str) -> None:
    picture = svg(stages({hostile: {"$gt": hostile}}).tree)
    ElementTree.fromstring(picture)  # noqa: S314 - it was made here
    assert not re.search("[\x00-\x08\x1b\x7f\u202e]", picture)


def test_a_card_needs_nothing_from_elsewhere() -> None:
    page = mongoglot.compile(QUERY).explain()._repr_html_()
    assert not re.search(r"<script|<link|@import|url\(|\bsrc=|javascript:", page)
    assert re.findall(r"https?://[^\"']*", page) == ["http://www.w3.org/2000/svg"]
