"""Random expressions: their values, types and errors are those of a real server, and the matches of `$expr`.

A server may answer without an error that one document alone would give, because it asks another predicate first
or finds no reason to compute a part. So where a find fails, each document is asked alone; and the values of
expressions are computed document by document.
"""

from __future__ import annotations

import datetime
import os
import random
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import bson
import pytest
from bson.errors import InvalidDocument
from pymongo.errors import OperationFailure

import mongoglot
from mongoglot.compiler.expressions import EXPRESSIONS
from mongoglot.compiler.instants import current_time
from mongoglot.compiler.normalise import normalise
from mongoglot.compiler.values import MISSING
from mongoglot.engines.python.expressions import evaluator
from mongoglot.engines.python.expressions.table import DELAYED, FUNCTIONS, KNOWN_SUPERSET, STREAMS
from mongoglot.engines.sqlite.expressions import LOWERED
from mongoglot.errors import FilterError, NotYetError, UnsupportedError
from mongoglot.grammar.expression_forms import NAMED, POSITIONAL
from mongoglot.grammar.expressions import COMPILED, parse_expression
from tests.arena import Arena
from tests.expressions import Generator
from tests.mongod import decoded
from tests.test_properties import SEED_VARIABLE

if TYPE_CHECKING:
    from pymongo.database import Database

Answer: TypeAlias = bytes | int | None
"""The value as BSON, the code of an error, or None where only a server computes it."""

DOCUMENTS = 12
BATCH = 250


def same(left: Answer, right: Answer) -> bool:
    """Whether two answers are one: the sign of a NaN, which no predicate sees, is left out."""
    if left == right or left is None:
        return True
    if isinstance(left, int) or isinstance(right, int) or right is None:
        return False
    return without_sign_of_nan(left) == without_sign_of_nan(right)


def without_sign_of_nan(value: bytes) -> bytes:
    negative, positive = (bytes([0, 0, 0, 0, 0, 0, 0xF8, sign]) for sign in (0xFF, 0x7F))
    return value.replace(negative, positive).replace(b"\0" * 15 + b"\xfc", b"\0" * 15 + b"\x7c")


def computed(expression: Any, documents: list[dict[str, Any]]) -> list[Answer] | int | None:
    """The value for each document; the code of an error that comes before any is seen."""
    try:
        evaluate = evaluator(*parse_expression(normalise(expression, 150)))
    except UnsupportedError:
        return None
    except FilterError as error:
        return -1 if isinstance(error, NotYetError) else error.code
    answers: list[Answer] = []
    for document in documents:
        try:
            value = evaluate(document)
            answers.append(bson.encode({} if value is MISSING else {"v": value}))
        except FilterError as error:
            answers.append(error.code)
        except UnsupportedError:
            answers.append(None)
    return answers


class Server:
    """A collection on the real server, asked for the values of expressions."""

    def __init__(self, database: Database[dict[str, Any]], name: str) -> None:
        self.database = database
        self.name = name
        self.documents: list[dict[str, Any]] = []

    def fill(self, documents: list[dict[str, Any]]) -> None:
        self.documents = documents
        self.database[self.name].delete_many({})
        self.database[self.name].insert_many(documents)

    def ask(self, expression: Any, condition: dict[str, Any]) -> list[Answer] | int:
        stages = [{"$match": condition}, {"$sort": {"_id": 1}}, {"$replaceWith": {"v": expression}}]
        command = {"aggregate": self.name, "pipeline": stages, "cursor": {"batchSize": 1000}}
        # the server cuts values in its messages, within characters, too
        options = bson.CodecOptions(
            document_class=bson.raw_bson.RawBSONDocument, unicode_decode_error_handler="replace"
        )
        try:
            reply = self.database.command(command, codec_options=options)
        except OperationFailure as error:
            return error.code or 0
        return [bytes(document.raw) for document in reply["cursor"]["firstBatch"]]

    def computed(self, expression: Any) -> list[Answer] | int:
        if isinstance(static := self.ask(expression, {"_id": "none"}), int):
            return static
        if isinstance(together := self.ask(expression, {}), list):
            return together
        answers: list[Answer] = []
        for document in self.documents:
            alone = self.ask(expression, {"_id": document["_id"]})
            answers.append(alone if isinstance(alone, int) else alone[0])
        return answers


def compare(server: Server, count: int, seed: int) -> None:
    """Compare the values of so many expressions, and count."""
    generator = Generator(seed)
    answers = errors = refused = 0
    reports: list[str] = []
    for number in range(count):
        if number % BATCH == 0:
            server.fill(generator.documents(DOCUMENTS))
        expression = generator.expression(generator.rng.randint(1, 3))
        given, expected = computed(expression, server.documents), server.computed(expression)
        if isinstance(given, list) and isinstance(expected, list):
            wrong = [n for n, pair in enumerate(zip(given, expected, strict=True)) if not same(*pair)]
            answers, errors = answers + len(given), errors + sum(isinstance(a, int) for a in given)
            refused += given.count(None)
            reports += [
                f"{expression!r} on {server.documents[n]!r}: {shown(given[n])} and not {shown(expected[n])}"
                for n in wrong[:1]
            ]
        elif given is not None and given != expected:
            reports.append(f"{expression!r}: {given!r:.80} before any document, and not {expected!r:.80}")
        refused += given is None
    print(
        f"\n{count} expressions, {answers} values, {errors} of them errors, {refused} left to a server;"
        f" {len(reports)} differences; {SEED_VARIABLE}={seed}"
    )
    assert not reports, f"with {SEED_VARIABLE}={seed}:\n" + "\n".join(reports[:5])
    assert errors < answers * 0.7


def shown(answer: Answer) -> Any:
    return decoded(answer) if isinstance(answer, bytes) else answer


@pytest.fixture
def values(server: Database[dict[str, Any]]) -> Server:
    return Server(server, "values")


def test_a_thousand_expressions(values: Server) -> None:
    compare(values, 1_000, int(os.environ.get(SEED_VARIABLE, "1")))


@pytest.mark.long
def test_twenty_thousand_expressions(values: Server) -> None:
    seed = os.environ.get(SEED_VARIABLE)
    compare(values, 20_000, int(seed) if seed else random.SystemRandom().randrange(2**32))


def test_matches_on_every_engine(
    server: Database[dict[str, Any]], stores: dict[str, mongoglot.Store]
) -> None:
    arena = Arena(server, stores, "matches")
    generator = Generator(3)
    arena.fill(generator.documents(DOCUMENTS))
    found = 0
    for _ in range(300):
        query = {"$expr": generator.expression(2)}
        try:
            expected = arena.expected(query)
            answers = {who: arena.actual(who, query) for who in arena.contestants}
        except UnsupportedError:
            continue
        found += not isinstance(expected, str)
        assert answers == dict.fromkeys(arena.contestants, expected), query
    assert found > 100


def operator_table() -> str:
    """The table of docs/expressions.md: each operator that a server has, and who computes it."""
    lines = ["| operator | memory | sqlite | mongodb |", "|---|---|---|---|"]
    for name in sorted(EXPRESSIONS - {name for name in EXPRESSIONS if name.startswith("$_")}):
        in_sqlite = "SQL" if name in LOWERED else "in Python"
        engines = f"yes | {in_sqlite} | yes" if name in COMPILED else "refused | refused | refused"
        lines.append(f"| `{name}` | {engines} |")
    return "\n".join(lines)


def test_the_page_has_the_table_of_operators() -> None:
    page = (Path(__file__).parent.parent / "docs" / "expressions.md").read_text(encoding="utf-8")
    assert operator_table() in page, operator_table()


def test_each_operator_has_a_function() -> None:
    functions = FUNCTIONS.keys() | STREAMS.keys() | DELAYED.keys() | {"$cond", "$ifNull"}
    assert POSITIONAL.keys() | NAMED.keys() <= functions
    own = {"$map", "$filter", "$reduce", "$let", "$switch", "$literal", "$const"}
    assert functions - {KNOWN_SUPERSET} == COMPILED - own


@pytest.mark.parametrize("depth", [10, 60, 90, 97])
def test_deep_expressions(depth: int) -> None:
    expression: Any = "$a"
    for _ in range(depth):
        expression = {"$not": [expression]}
    assert mongoglot.compile({"$expr": expression}).matches({"a": 1}) is (depth % 2 == 0)


DEEP: dict[str, Callable[[Any], Any]] = {
    "list": lambda inner: {"$not": [inner]},
    "operand": lambda inner: {"$not": inner},
    "array": lambda inner: [inner],
    "object": lambda inner: {"x": inner},
    "variable": lambda inner: {"$let": {"vars": {"x": inner}, "in": "$$x"}},
    "branch": lambda inner: {"$switch": {"branches": [{"case": inner, "then": 1}], "default": 2}},
    "flattened": lambda inner: {"$and": inner},
}


@pytest.mark.parametrize("form", DEEP)
@pytest.mark.parametrize("innermost", ["$a", 1, {"$abs": [["$a"]]}], ids=["field", "constant", "more"])
def test_how_deep_expressions_nest(server: Database[dict[str, Any]], form: str, innermost: Any) -> None:
    refused = 0
    server["deep"].drop()
    server.create_collection("deep")  # of one that is not there nothing is written
    for depth in (48, 49, 50, 51, 65, 66, 67, 68, 97, 98, 99, 100, 101, 102, 150, 197, 198, 199, 200, 250):
        expression = innermost
        for _ in range(depth):
            expression = DEEP[form](expression)
        expected: int | None = None
        try:
            server.command({"find": "deep", "filter": {"$expr": expression}})
        except (OperationFailure, InvalidDocument, RecursionError) as error:
            expected = error.code if isinstance(error, OperationFailure) else 15
        given: int | None = None
        try:
            mongoglot.compile({"$expr": expression})
        except FilterError as error:
            given = error.code
        assert given == expected, depth
        refused += given == 15
    assert refused


def test_now_is_one_time_for_a_command() -> None:
    query = mongoglot.compile({"$expr": {"$gt": ["$$NOW", "$soon"]}, "n": {"$gte": 0}})
    soon = current_time() + datetime.timedelta(milliseconds=150)
    documents = [{"n": 0, "soon": soon}, {"n": 1, "soon": soon}]
    store = mongoglot.connect("memory:")
    store["times"].insert_many([{**document} for document in documents])
    early, found = query.to_python(), query.filter(documents)
    assert not query.matches(documents[0])
    assert store["times"].count_documents(query) == 0
    while current_time() <= soon:
        time.sleep(0.01)
    assert query.matches(documents[0])
    assert not early(documents[0])
    assert list(found) == []
    assert list(query.filter(documents)) == documents
    assert store["times"].count_documents(query) == 2


def test_now_is_a_constant(server: Database[dict[str, Any]], stores: dict[str, mongoglot.Store]) -> None:
    arena = Arena(server, stores, "now")
    arena.fill([{"_id": 1, "a": datetime.datetime(2020, 1, 1)}, {"_id": 2, "a": 5}, {"_id": 3}])
    for expression in (
        {"$lt": ["$a", "$$NOW"]},
        {"$eq": ["$$NOW", "$$NOW"]},
        {"$eq": ["$$NOW", {"$let": {"vars": {"x": "$$NOW"}, "in": "$$x"}}]},
        {"$eq": ["$$NOW.x", "$nope"]},
        {"$divide": [1, {"$subtract": ["$$NOW", "$$NOW"]}]},
        {"$add": ["$$NOW", "x"]},
        {"$gt": [{"$subtract": ["$$NOW", "$a"]}, 0]},
        {"$eq": ["$$NOW.", 1]},
        {"$let": {"vars": {"NOW": 1}, "in": 1}},
    ):
        expected = arena.expected({"$expr": expression})
        answers = {who: arena.actual(who, {"$expr": expression}) for who in arena.contestants}
        assert answers == dict.fromkeys(arena.contestants, expected), expression


@pytest.mark.parametrize("name", ["CLUSTER_TIME", "JS_SCOPE", "IS_MR", "SEARCH_META"])
def test_variables_of_one_server_are_refused_by_name(name: str) -> None:
    with pytest.raises(NotYetError, match=rf"^\$\${name} in \$expr is not compiled"):
        mongoglot.compile({"$expr": {"$eq": [f"$${name}", 1]}})


def test_rand_is_another_number_each_time(server: Database[dict[str, Any]]) -> None:
    evaluate = evaluator(*parse_expression([{"$rand": {}}, {"$rand": []}]))
    numbers = {number for _ in range(100) for number in evaluate({})}
    assert len(numbers) == 200
    assert all(0 <= number < 1 for number in numbers)
    server["rand"].drop()
    for expression in (
        {"$rand": {"a": 1}},
        {"$rand": 1},
        {"$rand": None},
        {"$rand": [1]},
        {"$rand": "$a"},
        {"$lt": [{"$rand": {}}, 2]},
        {"$divide": [1, {"$multiply": [{"$rand": {}}, 0]}]},
        {"$and": [{"$rand": {}}, {"$divide": [1, 0]}]},
    ):
        expected = given = None
        try:
            server.command({"find": "rand", "filter": {"$expr": expression}})
        except OperationFailure as error:
            expected = error.code
        try:
            mongoglot.compile({"$expr": expression})
        except FilterError as error:
            given = error.code
        assert given == expected, expression


def test_the_source_has_nothing_that_a_user_wrote() -> None:
    written = {"$expr": {"$eq": ["$evil field", {"$concatArrays": [["$other.evil"], ["evil"]]}]}, "a": "evil"}
    source = mongoglot.compile(written).explain().python
    assert "def matches" in source
    assert "def holds" in source
    assert "evil" not in source


def test_a_traceback_shows_the_source() -> None:
    with pytest.raises(FilterError) as caught:
        mongoglot.compile({"$expr": {"$size": "$a"}}).matches({"a": 1})
    assert "return is_true(size(v1))" in "".join(traceback.format_tb(caught.tb))


def test_what_a_server_alone_computes_is_refused_by_name() -> None:
    query = mongoglot.compile({"$expr": {"$gt": [{"$ln": "$a"}, 1]}})
    assert query.matches({"a": 10})
    with pytest.raises(
        UnsupportedError, match=r"\$ln of a Decimal128 can only be computed by a MongoDB server"
    ):
        query.matches({"a": bson.Decimal128("10")})


@pytest.mark.parametrize("name", ["$toHashedIndexKey", "$meta", "$function"])
def test_later_operators_are_refused_by_name(name: str) -> None:
    with pytest.raises(NotYetError, match=rf"^\{name} in \$expr is not compiled"):
        mongoglot.compile({"$expr": {name: ["$a", 1]}})
