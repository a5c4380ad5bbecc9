"""Regular expressions: what the server's PCRE 8 makes of a pattern, PCRE2 has to make of its translation."""

from __future__ import annotations

import os
import random
import sqlite3
from collections import Counter
from typing import TYPE_CHECKING, Any

import apsw
import pytest
from bson import Code, Regex
from pymongo.errors import OperationFailure

import mongoglot
from mongoglot import Column, FilterError, NotYetError, Table, UnsupportedError
from mongoglot.compiler.pcre import translate
from tests.pattern_pieces import SUBJECTS, random_pattern

if TYPE_CHECKING:
    from pymongo.database import Database

SEED_VARIABLE = "MONGOGLOT_TEST_SEED"

VERBS = ("(*COMMIT)", "(*ACCEPT)", "(*SKIP)", "(*PRUNE", "(*THEN)", "(*F")
CALLS = ("(?R)", "(?0)", "(?1)", "(?2)", "(?-1)", "(?+1)", "(?&n)", "(?P>n)", "\\g<", "\\g'")
OBSCURE = (*VERBS, *CALLS, "(*UCP)")
"""Verbs in assertions and conditions, calls that may or may not end, and word characters by Unicode's rules: there
the two libraries go different ways, once in tens of thousands of patterns. docs/known-deviations.md says so."""


@pytest.fixture(scope="module")
def subjects(server: Database[dict[str, Any]]) -> Any:
    collection = server["subjects"]
    collection.delete_many({})
    collection.insert_many({"_id": number, "a": text} for number, text in enumerate(SUBJECTS))
    return collection


def at_server(subjects: Any, condition: dict[str, Any]) -> list[int] | str:
    try:
        return sorted(found["_id"] for found in subjects.find(condition, {"_id": 1}))
    except OperationFailure as error:
        return f"error {error.code}"


def here(condition: dict[str, Any]) -> list[int] | str:
    try:
        query = mongoglot.compile(condition)
    except NotYetError:
        return "not translated"
    except FilterError as error:
        return f"error {error.code}"
    try:
        return [number for number, text in enumerate(SUBJECTS) if query.matches({"a": text})]
    except UnsupportedError:
        return "too many steps"


def compare(subjects: Any, count: int, seed: int) -> None:
    rng = random.Random(seed)
    counts: Counter[str] = Counter()
    differences = []
    for _ in range(count):
        pattern, options = random_pattern(rng)
        condition = {"a": {"$regex": pattern, "$options": options}}
        given, expected = here(condition), at_server(subjects, condition)
        if isinstance(given, str) and not given.startswith("error"):
            counts[given] += 1
        elif given == expected:
            counts["refused" if isinstance(given, str) else "matched"] += 1
        elif any(piece in pattern for piece in OBSCURE):
            counts["obscure"] += 1
        else:
            differences.append(f"{pattern!r} {options!r}: server {expected}, here {given}")
    print(f"\n{count} patterns on {len(SUBJECTS)} strings: {dict(counts)}; {SEED_VARIABLE}={seed}")
    assert not differences, f"{len(differences)} differ:\n" + "\n".join(differences[:10])
    assert counts["matched"] > count / 5
    assert counts["not translated"] + counts["too many steps"] < count / 25
    assert counts["obscure"] <= count / 5000


def test_random_patterns(subjects: Any) -> None:
    compare(subjects, 5_000, int(os.environ.get(SEED_VARIABLE, "1")))


@pytest.mark.long
def test_many_random_patterns(subjects: Any) -> None:
    seed = os.environ.get(SEED_VARIABLE)
    compare(subjects, 200_000, int(seed) if seed else random.SystemRandom().randrange(2**32))


NAMES = (
    "Any Arabic Bassa_Vah C Cs Greek Inherited Lao L& Nko Phags_Pa Xan Xuc Yi Zs Adlam Ahom Osage Unknown "
    "ASCII Lc Alphabetic LC lu han Script=Han scx:Han Latn Bidi_L OldItalic Qaac Zzzz White_Space Xwd Xps Xsp"
).split()


@pytest.mark.parametrize("name", NAMES)
def test_names_of_properties(subjects: Any, name: str) -> None:
    for pattern in (f"^\\p{{{name}}}", f"\\P{{{name}}}", f"[\\p{{{name}}}a]"):
        condition = {"a": {"$regex": pattern}}
        assert here(condition) == at_server(subjects, condition)


@pytest.mark.parametrize("length", [1, 32_760, 32_761, 32_762, 32_764, 32_765, 100_000])
def test_long_patterns(subjects: Any, length: int) -> None:
    for pattern in (
        "a" * length,
        "(?:abc){5000}",
        "(?:abc){11000}",
        "(" * 249 + ")" * 249,
        "(" * 250 + ")" * 250,
    ):
        condition = {"a": {"$regex": pattern}}
        assert here(condition) == at_server(subjects, condition)


@pytest.mark.parametrize(
    ("pattern", "translated"),
    [
        ("a.b", "a.b"),
        ("a{,3}", r"a\{,3}"),
        (r"\8", "8"),
        (r"(a)\1", r"(a)\g{1}"),
        (r"\x{e9}", r"\x{e9}"),
        (r"\cA", r"\x{1}"),
        (r"\y", "y"),
        (r"\p{Greek}", r"\p{sc:Greek}"),
        (r"\p{Lu}", r"(?-i:\p{Lu})"),
        (r"[\d-z]", r"[\d\-z]"),
        ("(a(?1)?)", "(a(?>(?1))?)"),
        ("(*UTF8)(*UCP)a", "(*UCP)a"),
        ("(?xx)a", "(?x)a"),
    ],
)
def test_what_pcre2_reads_otherwise_is_rewritten(pattern: str, translated: str) -> None:
    assert translate(pattern, "") == translated


@pytest.mark.parametrize("pattern", [r"\C", r"(?=a\Kb)", r"(?i)[\p{Lu}]", r"(?<=(?1))(a)"])
def test_what_has_no_equal_is_refused_by_name(pattern: str) -> None:
    with pytest.raises(NotYetError, match="not compiled by this version"):
        mongoglot.compile({"a": {"$regex": pattern}})


EXPLODING = ("^(a|a)*$", "(x+x+)+y", "^(([a-z])+.)+[A-Z]([a-z])+$")


@pytest.mark.parametrize("url", ["memory:", "sqlite::memory:"])
@pytest.mark.parametrize("pattern", EXPLODING)
def test_patterns_that_explode_end(url: str, pattern: str) -> None:
    with mongoglot.connect(url) as store:
        store["texts"].insert_many([{"a": "a" * 40 + "b"}, {"a": "x" * 40}, {"a": "q"}])
        try:
            store["texts"].count_documents({"a": Regex(pattern)})
        except UnsupportedError as error:
            assert "too many steps" in str(error)  # noqa: PT017 - whether it is raised is the library's choice
        assert store["texts"].count_documents({"a": "q"}) == 1


def test_long_strings_need_no_stack() -> None:
    assert mongoglot.compile({"a": Regex("^(a|b)*$")}).matches({"a": "ab" * 100_000})


def test_the_letters_of_a_pattern_are_part_of_a_stored_one() -> None:
    query = mongoglot.compile({"a": {"$regex": "b", "$options": "mi"}})
    assert query.matches({"a": "xB"})
    assert not query.matches({"a": Regex("b", "im")})
    assert mongoglot.compile({"a": {"$regex": "b", "$options": "im"}}).matches({"a": [Regex("b", "mi")]})
    assert not query.matches({"a": Code("b")})


PEOPLE = Table("people", (Column("name", "string"), Column("age", "number")), document="rest")


@pytest.mark.parametrize("driver", ["sqlite3", "apsw"])
def test_the_function_on_a_connection_of_ones_own(driver: str) -> None:
    connection: Any = sqlite3.connect(":memory:") if driver == "sqlite3" else apsw.Connection(":memory:")
    mongoglot.register_functions(connection)
    connection.execute("CREATE TABLE people (name TEXT, age INTEGER, rest TEXT)")
    rows = [
        ("Ann", 1, '{"job": "smith"}'),
        ("bob", 2, '{"job": ["Baker", "x"]}'),
        (None, 3, "{}"),
        ("a\nB", 4, "{}"),
    ]
    connection.executemany("INSERT INTO people VALUES (?, ?, ?)", rows)

    def ages(condition: dict[str, Any]) -> list[int]:
        sql = mongoglot.compile(condition).to_sql(table=PEOPLE)
        assert sql.residual is None
        rows = connection.execute(f"SELECT age FROM people WHERE {sql.text}", sql.parameters)  # noqa: S608 - our text
        return [age for (age,) in rows]

    assert ages({"name": Regex("^b", "i")}) == [2]
    assert ages({"name": {"$not": Regex("^b", "i")}}) == [1, 3, 4]
    assert ages({"name": {"$in": [None, Regex("n$")]}}) == [1, 3]
    assert ages({"name": Regex("^b", "im")}) == [2, 4]
    if driver == "apsw":  # which brings its own SQLite; Python's may know no JSONB
        assert ages({"job": Regex("^ba", "i")}) == [2]
    assert ages({"age": Regex("1")}) == []
    connection.close()
