"""The encoding of BSON values in SQLite: nothing is lost, and SQLite compares as a server does."""

from __future__ import annotations

import datetime
import doctest
import itertools
import json
import math
import operator
import random
import re
import struct
from decimal import Context, Decimal, FloatOperation, localcontext
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, get_args

import apsw
import bson
import pytest
from bson import Binary, Code, DBRef, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.datetime_ms import DatetimeMS
from hypothesis import given, settings
from hypothesis import strategies as st

from mongoglot.compiler.ast import Comparison
from mongoglot.compiler.normalise import normalise
from mongoglot.compiler.values import RANK, ValueClass, is_nan, sort_key, value_class
from mongoglot.engines.sql import number_keys as numbers
from mongoglot.engines.sql.number_keys import KEY_LENGTH, native_number, number_key
from mongoglot.engines.sql.tags import ESCAPED, TAG, identity
from mongoglot.engines.sqlite.encoding import decode, encode
from mongoglot.engines.sqlite.operands import (
    PATTERN,
    comparison_range,
    equality_pattern,
    number_range,
    tag_range,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OPERATORS: Final[dict[Comparison, Callable[[Any, Any], bool]]] = {
    "$eq": operator.eq, "$gt": operator.gt, "$gte": operator.ge, "$lt": operator.lt, "$lte": operator.le,
}  # fmt: skip
SQL: Final[dict[Comparison, str]] = {"$eq": "=", "$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}
NUMBER_CLASSES: Final = ("int", "double", "decimal", "nan")

DRIVER: Final = CodecOptions[dict[str, Any]](datetime_conversion=DatetimeConversion.DATETIME_AUTO)

# ---- an alphabet: each type's ends, neighbours and odd ones ---------------------------------------

INTS: Final = (0, 1, -1, 2, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 2**53, 2**53 + 1, 2**63 - 1, -(2**63))
INT64S: Final = tuple(Int64(number) for number in (0, 1, -1, 5, 2**31 - 1, 2**31, -(2**31), 2**62))
DOUBLES: Final = (
    0.0, -0.0, 1.0, -1.0, 0.1, -0.1, 0.5, 1e22, 2.0**31, 2.0**53, 2.0**53 + 2, 2.0**63, -(2.0**63), 5e-324,
    -5e-324,
    2.2250738585072014e-308, 1.7976931348623157e308, -1.7976931348623157e308, 1e16, 123456789012345680.0,
    math.inf, -math.inf, math.nan,
)  # fmt: skip
DECIMALS: Final = tuple(
    Decimal128(text)
    for text in (
        *(
            "0",
            "-0",
            "0E+3",
            "0E-6176",
            "1",
            "1.0",
            "1.00",
            "1E0",
            "-1.50",
            "0.1",
            "0.5",
            "10",
            "1E1",
            "1E+22",
        ),
        *("9.999E+6144", "-9.999E+6144", "1E-6176", "-1E-6176", "1E+400", "-1E+400", "9007199254740993"),
        *("9223372036854775807", "9223372036854775807.5", "9223372036854775808", "-9223372036854775808.5"),
        *("0.1000000000000000055511151231257827", "1.797693134862315708145274237317043E+308", "4.9E-324"),
        *("Infinity", "-Infinity", "NaN", "-NaN", "sNaN", "1234567890123456789012345678901234"),
    )
)
STRINGS: Final = (
    "", "\0", "\0\0", "a", "a\0", "a\0b", "A", "aa", "é", "e\u0301", "10", "9", '"', "\\", "\\u0041", "\n",
    "\x01", "\x7f",
    "\ud7ff", "\ue000", "\uffff", "\U0001f600", TAG, TAG + "A", TAG + "B", TAG + "D", TAG + "\0", TAG + TAG,
    "A" + TAG,
    "1e0,", "5e0}", "[1e0]",
)  # fmt: skip
BINARIES: Final = (
    b"", b"a", b"\0", b"\xff", b"aa", Binary(b"", 5), Binary(b"a", 2), Binary(b"", 2), Binary(b"aaaa", 0),
    Binary(b"aaaaa", 4), Binary(b"a", 128), Binary(b"a", 255), Binary(bytes(16), 3), Binary(bytes(16), 4),
)  # fmt: skip
DATES: Final = (
    datetime.datetime(1970, 1, 1), datetime.datetime(1969, 12, 31, 23, 59, 59, 999_999),
    datetime.datetime(2026, 1, 1),
    datetime.datetime(2026, 1, 1, 0, 0, 0, 1_000), datetime.datetime.min, datetime.datetime.max,
    datetime.datetime(2026, 1, 1, 2, tzinfo=datetime.timezone(datetime.timedelta(hours=2))),
    DatetimeMS(-62135596800001), DatetimeMS(253402300800000), DatetimeMS(-(2**63)), DatetimeMS(2**63 - 1),
    DatetimeMS(7),
)  # fmt: skip
TIMESTAMPS: Final = tuple(
    Timestamp(*pair) for pair in ((0, 0), (0, 1), (1, 0), (2**31, 0), (2**32 - 1, 2**32 - 1))
)
REGEXES: Final = (
    Regex(""), Regex("", "i"), Regex("a"), Regex("a", "i"), Regex("a", "imsx"), Regex("a\x01"),
    Regex("a\x01i"),
    Regex("a\x02"), Regex("ab"), Regex("é\\d"), re.compile("a"), re.compile(b"a", re.IGNORECASE), Regex(TAG),
    Regex("\x02\x02"), Regex("a\x03"),
)  # fmt: skip
CODES: Final = (Code(""), Code("a"), Code("a\0"), Code("a\0b"), Code("b"), Code(TAG))
SCOPED_CODES: Final = (
    Code("", {}), Code("a", {}), Code("a\0", {}), Code("a\x01", {}), Code("a\x02", {}), Code("a", {"x": 1}),
    Code("a", {"x": 1.0}), Code("a", {"x": Int64(1)}), Code("a", {"x": 2}), Code("a", {"y": 0}),
    Code("a", {"x": "1 "}),
    Code("a", {"x": {"$ref": "c", "$id": [Code("b", {"$id": 1, "$ref": "d"})]}}),
    Code("a", {"x": Decimal128("1.0")}),
    Code("a", {"x": DatetimeMS(2**62), "y": b"b", "z": Binary(b"b", 9)}),
)  # fmt: skip
OTHERS: Final = (
    None,
    True,
    False,
    MinKey(),
    MaxKey(),
    ObjectId("0" * 24),
    ObjectId("f" * 24),
    ObjectId("7f" * 12),
)

SCALARS: Final[tuple[Any, ...]] = (
    *INTS, *INT64S, *DOUBLES, *DECIMALS, *STRINGS, *BINARIES, *DATES, *TIMESTAMPS, *REGEXES, *CODES,
    *SCOPED_CODES,
    *OTHERS,
)  # fmt: skip

NESTED: Final[tuple[Any, ...]] = (
    {}, [], {"a": 1}, {"a": 1.0}, {"a": Decimal128("1.00")}, {"a": True}, {"a": 2}, {"a": 1, "b": 1},
    {"b": 1, "a": 1},
    {"b": 0}, {"a": "x"}, {"a": None}, {"a": {}}, {"a": []}, {"": 1}, {"a.b": 1}, {"a\x01": 1}, {"aa": 1},
    {"a": [1]},
    {"a": {"b": 1}}, {"a": {"b": Int64(1)}}, [1], [1.0], [Int64(1)], [True], [1, 2], [2, 1], [[1]], [[], []],
    [[[]]], [{}],
    ["a"], ["a", "b"], ["a\0b"], ["a\x01", "b"], [None], [math.nan], [Decimal128("NaN")], [-0.0], [0], (0,),
    [0.1], [Decimal128("0.1")], [2**53 + 1], [2.0**53], [Decimal128("1E+400")], [math.inf],
    [Decimal128("Infinity")],
    [Decimal128("9007199254740993")], [DATES[6]], [DATES[2]], [TAG], [ESCAPED], [b"a"], [Binary(b"a", 5)],
    [Regex("a", "i")], DBRef("c", 1), DBRef("c", 1.0), {"$ref": "c", "$id": 1},
    {"a": 1, "b": [1, {"c": "é"}]},
    {"a": 1, "b": [1.0, {"c": "é"}]}, {"a": {"b": 1}, "c": 1}, {"a": {"b": 1, "c": 1}}, [1, [2]], [[1], 2],
    [[1, 2]],
)  # fmt: skip

NAMES: Final = (
    "a", "b", "", ".", "a.b", "$", "$a", "[0]", "a[0]", "[", "]", "#-1", "0", "'", '"', '""', 'a"b', "\\",
    "\\\\", "a\\b",
    '\\"', "\\n", "\\u0061", "a\\", "\n", "\t", "\x01", "\x7f", "/", "é", "e\u0301", "日本", "\U0001f600",
    "\u2028", "\uffff",
    TAG, ESCAPED, "a b", "u", "n",
)  # fmt: skip

# ---- strategies ---------------------------------------------------------------------------------

names = st.sampled_from(NAMES) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=4
)
int64s = st.integers(-(2**63), 2**63 - 1) | st.sampled_from(INTS)
decimals = st.builds(
    lambda sign, digits, exponent: Decimal128(Decimal((sign, tuple(map(int, str(digits))), exponent))),
    st.integers(0, 1),
    st.integers(0, 10**34 - 1) | st.integers(0, 99),
    st.integers(-6176, 6111) | st.integers(-40, 5),
)
texts = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("\0\x01\x02" + TAG), max_size=8)
regexes = st.builds(
    Regex, texts.map(lambda text: text.replace("\0", "\x01")), st.sampled_from(["", "i", "msx"])
)
scalars = (
    st.sampled_from(SCALARS) | int64s | int64s.map(Int64) | st.floats() | decimals | texts | regexes
    | st.builds(Binary, st.binary(max_size=6), st.sampled_from([0, 2, 3, 4, 5, 128]))
    | st.datetimes(timezones=st.none() | st.timezones()) | st.integers(-(2**63), 2**63 - 1).map(DatetimeMS)
    | st.builds(Timestamp, st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
    | st.binary(min_size=12, max_size=12).map(ObjectId) | texts.map(Code)
)  # fmt: skip


def nested(leaves: st.SearchStrategy[Any], field_names: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.lists(inner, max_size=3).map(tuple)
            | st.dictionaries(field_names, inner, max_size=4)
            | st.builds(Code, texts, st.dictionaries(field_names, inner, max_size=2))
        ),
        max_leaves=12,
    )


values = nested(scalars, names)
small_values = nested(
    st.sampled_from([0, 1, 1.0, True, "a", "", math.nan, Int64(1), None]), st.sampled_from(["a", "b"])
)
documents = st.dictionaries(names, values, max_size=6)

# ---- what the driver gives ----------------------------------------------------------------------


def bits(number: float) -> bytes:
    return struct.pack("<d", number)


def same(left: Any, right: Any) -> bool:
    """Equal in every type, the order of fields and the sign of zeros; all NaNs of doubles are alike."""
    if type(left) is not type(right):
        return False
    match left:
        case dict():
            return list(left) == list(right) and all(same(left[name], right[name]) for name in left)
        case list():
            return len(left) == len(right) and all(map(same, left, right))
        case Code():
            return str(left) == str(right) and same(left.scope, right.scope)
        case float():
            return bits(left) == bits(right) or (left != left and right != right)
        case Decimal128():
            return bool(left.bid == right.bid)
        case Regex():
            return bool(left.pattern == right.pattern and left.flags == right.flags)
        case _:
            return bool(left == right)


def undo_dbrefs(value: Any) -> Any:
    """Decoded values without the one class that is no BSON type."""
    match value:
        case DBRef():
            return undo_dbrefs(value.as_doc().to_dict())
        case dict():
            return {name: undo_dbrefs(item) for name, item in value.items()}
        case list():
            return [undo_dbrefs(item) for item in value]
        case Code() if value.scope is not None:
            return Code(value, undo_dbrefs(value.scope))
        case _:
            return value


def driver_round_trip(document: dict[str, Any]) -> Any:
    return undo_dbrefs(bson.decode(bson.encode({"": document}), DRIVER)[""])


@pytest.fixture(scope="module")
def database() -> Iterator[apsw.Connection]:
    with apsw.Connection(":memory:") as connection:
        connection.execute("CREATE TABLE documents (id INTEGER PRIMARY KEY, document BLOB NOT NULL)")
        yield connection
    connection.close()


def stored(database: apsw.Connection, text: str) -> str:
    """The text as it comes back from a JSONB column."""
    database.execute("INSERT OR REPLACE INTO documents VALUES (1, jsonb(?))", (text,))
    return str(database.execute("SELECT json(document) FROM documents WHERE id = 1").get)


# ---- nothing is lost ----------------------------------------------------------------------------


@given(documents)
@settings(max_examples=200, deadline=None)
def test_documents_come_back_as_from_the_driver(database: apsw.Connection, document: dict[str, Any]) -> None:
    text = encode(normalise(document))
    expected = driver_round_trip(document)
    assert same(decode(text), expected)
    assert same(decode(stored(database, text)), expected)


@pytest.mark.parametrize("value", [*SCALARS, *NESTED], ids=repr)
def test_every_kind_of_value_comes_back_from_sqlite(database: apsw.Connection, value: Any) -> None:
    document = {"a": value, "b": [value, {"c": value}]}
    expected = driver_round_trip(document)
    assert same(decode(stored(database, encode(normalise(document)))), expected)


def test_the_stored_text() -> None:
    document = {
        "a": 5, "b": Int64(5), "c": 5.0, "d": Int64(2**31), "e": -0.0, "f": math.inf, "g": -math.inf,
        "h": 1e22,
        "i": DATES[2], "j": ObjectId("0" * 24), "k": [None, True, "é"], "l": Binary(b"ab", 2), "m": TAG + "x",
        "n": Decimal128("1.50"), "o": math.nan, "p": Timestamp(1, 2), "q": Regex("a\x01", "i"),
        "r": Code("x"),
        "s": DatetimeMS(-(2**63)), "t": DatetimeMS(2**63 - 1), "u": MinKey(), "v": MaxKey(),
        "w": Code("x", {}),
    }  # fmt: skip
    # A tag is shown as ^ and its letter.
    assert encode(normalise(document)).replace(TAG, "^") == (
        '{"a":5,"b":5e0,"c":5.0,"d":2147483648,"e":-0.0,"f":1e999,"g":-1e999,"h":1e+22,'
        '"i":"^K2026-01-01T00:00:00.000Z","j":"^I000000000000000000000000","k":[null,true,"é"],'
        '"l":"^H00000006026162","m":"^A^x","n":"^D41000015000000000000000000000000000000000 1.50",'
        '"o":"^D00000000000000000000000000000000000000000 double","p":"^L0000000100000002",'
        '"q":"^Ma\\u0002\\u0003\\u0001i","r":"^Nx","s":"^K!00000000000000000000",'
        '"t":"^K~18446744073709551615","u":"^B","v":"^P",'
        '"w":"^Ox\\u0001\\u0001 FgAAAA8ADwAAAAIAAAB4AAUAAAAAAA=="}'
    )


def test_int64s_are_told_from_doubles_and_int32s() -> None:
    """Their marks also occur inside strings, and in arrays as well as in objects."""
    document = {
        "a": Int64(0),
        "b": [Int64(-7), 1e100, 0.5, 2**40, -7],
        "c": "5e0, 5e0} 5e0]",
        "d": {"e": Int64(3)},
    }
    assert same(decode(encode(normalise(document))), driver_round_trip(document))


def test_subdocuments_that_look_like_references_stay_documents() -> None:
    document = {"a": {"$ref": "c", "$id": 1, "$db": "d", "x": 2}, "b": {"$id": 1, "$ref": "c"}}
    assert same(decode(encode(normalise(document))), document)


def test_decimals_keep_every_bit() -> None:
    """Signs of NaNs, and encodings that no one should write but anyone may read, such as zeros of 10^34."""
    for high in (0x7C, 0x7D, 0x7E, 0xFC, 0xFE, 0x78, 0xF8, 0x6C, 0x5F, 0x30, 0xB0):
        for rest in (bytes(15), b"\xff" * 15, b"\1" + bytes(14)):
            document = {"a": Decimal128.from_bid(rest + bytes([high]))}
            assert same(decode(encode(document)), document)


def test_names_of_all_lengths_and_many() -> None:
    """Quoted names are remembered, but not all."""
    for length in (0, 64, 65, 1_000):
        document = {f"é{'x' * length}{number}": number for number in range(5_000 if length == 0 else 2)}
        assert encode(document) == json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def test_nested_scopes_cost_space_in_proportion() -> None:
    value: Any = {"x": 1}
    for _ in range(30):
        value = {"x": Code("c", value)}
    text = encode(normalise(value))
    assert len(text) < 3_000
    assert same(decode(text), value)


def test_deep_documents() -> None:
    value: Any = 1
    for depth in range(130):
        value = {"a": [value]} if depth % 2 else {"a": value}
    assert same(decode(encode(normalise(value))), value)
    assert identity(value)


def test_what_is_not_normalised_is_refused() -> None:
    with pytest.raises(TypeError, match="Fraction"):
        encode({"a": Fraction(1, 2)})


def test_subclasses_that_normalisation_keeps() -> None:
    class Id(ObjectId):
        pass

    assert decode(encode(normalise({"a": Id("0" * 24)}))) == {"a": ObjectId("0" * 24)}


# ---- SQLite reads what is stored ----------------------------------------------------------------


@pytest.mark.parametrize("ensure_ascii", [True, False])
def test_paths_in_json_quotes_find_every_name(database: apsw.Connection, ensure_ascii: bool) -> None:
    document = {name: {name: position} for position, name in enumerate(NAMES)}
    text = encode(document)
    for position, name in enumerate(NAMES):
        path = "." + json.dumps(name, ensure_ascii=ensure_ascii)
        for function in ("json_extract(jsonb(?), ?)", "jsonb(?) ->> ?"):
            assert database.execute(f"SELECT {function}", (text, "$" + path + path)).get == position, name


@pytest.mark.parametrize(
    "value", [value for value in SCALARS if isinstance(value, (str, Code, Regex))], ids=repr
)
def test_sqlite_returns_the_encoded_string(database: apsw.Connection, value: Any) -> None:
    """NUL and control characters included, by every way that a predicate reads a value."""
    text = encode(normalise({"a": value, "b": [value]}))
    encoded = json.loads(text)["a"]
    for expression in (
        "json_extract(jsonb(?1), '$.a')",
        "jsonb(?1) ->> '$.a'",
        "(SELECT value FROM jsonb_each(jsonb(?1), '$.b'))",
        "(SELECT atom FROM jsonb_tree(jsonb(?1), '$.b') WHERE atom IS NOT NULL)",
    ):
        assert (
            database.execute(
                f"SELECT {expression} = ?2 AND {expression} < ?2 || ?3", (text, encoded, "\0")
            ).get
            == 1
        )


# ---- order --------------------------------------------------------------------------------------


def compares(op: Comparison, item: Any, operand: Any) -> bool:
    """Semantics 1.2 for scalars: one bracket, and NaN equal to NaN only."""
    if RANK[value_class(item)] != RANK[value_class(operand)]:
        return False
    if is_nan(item) or is_nan(operand):
        return is_nan(item) and is_nan(operand) and op not in ("$gt", "$lt")
    return OPERATORS[op](sort_key(item), sort_key(operand))


def found(database: apsw.Connection, text: str, op: Comparison, operand: Any) -> set[int]:
    """The positions of the items of `{"v": […]}` that SQLite finds."""
    low, high = comparison_range(op, operand)
    terms = ["(type = 'text' AND value >= ?2 AND value < ?3)"]
    native = native_number(op, operand) if value_class(operand) in NUMBER_CLASSES else None
    if native is not None:
        terms.append(f"(type IN ('integer', 'real') AND value {SQL[op]} ?4)")
    query = f"SELECT key FROM jsonb_each(jsonb(?1), '$.v') WHERE {' OR '.join(terms)}"  # noqa: S608 - ours
    return {key for (key,) in database.execute(query, (text, low, high, native)[: 3 + (native is not None)])}


OPERANDS: Final = [value for value in SCALARS if not isinstance(value, (bool, type(None)))]


def test_comparisons_of_all_pairs(database: apsw.Connection) -> None:
    items = normalise([*SCALARS, *NESTED])
    text = encode({"v": items})
    matches = 0
    for operand, op in itertools.product(OPERANDS, get_args(Comparison)):
        expected = {key for key, item in enumerate(items) if compares(op, item, operand)}
        assert found(database, text, op, operand) == expected, (op, operand)
        matches += len(expected)
    assert matches > 14_000


@given(st.lists(scalars, min_size=1, max_size=12), st.data())
@settings(max_examples=150, deadline=None)
def test_comparisons_of_any_pair(database: apsw.Connection, items: list[Any], data: st.DataObject) -> None:
    operand = data.draw(st.sampled_from(items) | scalars)
    if isinstance(operand, (bool, type(None))):
        return
    text = encode(normalise({"v": items}))
    for op in OPERATORS:
        expected = {key for key, item in enumerate(items) if compares(op, item, operand)}
        assert found(database, text, op, operand) == expected


def test_intervals_with_nothing_in_them_are_empty() -> None:
    for op, operand in [
        ("$lt", ""), ("$gt", MaxKey()), ("$lt", MaxKey()), ("$gt", MinKey()), ("$lt", MinKey()),
        ("$gt", math.nan),
        ("$lt", Decimal128("NaN")), ("$gt", math.inf), ("$lt", Decimal128("-Infinity")),
    ]:  # fmt: skip
        low, high = comparison_range(op, operand)  # type: ignore[arg-type]  # a literal in a loop is a str
        assert low == high, (op, operand)


def test_the_ranges_of_the_classes_do_not_overlap() -> None:
    classes: list[ValueClass] = [
        "string", "minkey", "nan", "decimal", "binary", "objectid", "date", "timestamp", "regex", "code",
        "scoped code",
        "maxkey",
    ]  # fmt: skip
    ranges = [tag_range(kind) for kind in classes]
    assert all(low < high for low, high in ranges)
    assert all(left[1] <= right[0] for left, right in itertools.pairwise(ranges))
    for kind in set(get_args(ValueClass)) - set(classes):
        with pytest.raises(ValueError, match=kind):
            tag_range(kind)


@pytest.mark.parametrize("operand", [None, True, {}, []], ids=repr)
def test_what_is_not_stored_as_a_string_has_no_range(operand: Any) -> None:
    with pytest.raises(ValueError, match="not stored as strings"):
        comparison_range("$eq", operand)


# ---- numbers ------------------------------------------------------------------------------------

WIDE: Final = Context(prec=34, Emin=-6143, Emax=6144)


def natives(source: random.Random, count: int) -> Iterator[int | float]:
    """Int64s and doubles, most of them next to a power of two, where doubles stop to hold every integer."""
    for _ in range(count):
        power = source.choice((source.randrange(63), 31, 53, 53, 62, 63))
        integer = source.choice((1, -1)) * (2**power + source.randrange(-3, 4))
        match source.randrange(4):
            case 0:
                yield max(min(integer, 2**63 - 1), -(2**63))
            case 1:
                yield float(integer)
            case 2:
                yield math.ldexp(
                    source.choice((1, -1)) * source.choice((1.0, source.random())),
                    source.randrange(-1080, 1024),
                )
            case _:
                yield math.nextafter(float(integer), source.choice((math.inf, -math.inf)))


def near(source: random.Random, native: float) -> Decimal128:
    """A decimal that equals the number as well as 34 digits can, or its neighbour."""
    number = WIDE.create_decimal(native)
    match source.randrange(4):
        case 0:
            number = WIDE.next_plus(number)
        case 1:
            number = WIDE.next_minus(number)
        case 2:
            number = WIDE.add(number, Decimal(source.choice(("0.5", "-0.5", "1", "-1", "1E-20"))))
        case _:
            pass
    return Decimal128(number)


def neighbours(native: int | float) -> tuple[int | float, ...]:
    """The number, the one above and the one below."""
    if isinstance(native, int):
        return (native, min(native + 1, 2**63 - 1), max(native - 1, -(2**63)))
    return (native, math.nextafter(native, math.inf), math.nextafter(native, -math.inf))


def test_native_operands_are_exact_for_numbers_next_to_them() -> None:
    source = random.Random(1)
    operators = list(OPERATORS.items())
    outcomes = [0, 0]
    for native in natives(source, 33_400):
        decimal = near(source, native)
        exact = Fraction(decimal.to_decimal())
        for number in neighbours(native):
            op, compare = source.choice(operators)
            operand = native_number(op, decimal)
            expected = compare(number, exact)
            assert (operand is not None and compare(number, operand)) == expected, (number, op, decimal)
            outcomes[expected] += 1
    assert sum(outcomes) > 100_000
    assert min(outcomes) > 30_000


def test_keys_are_in_numeric_order() -> None:
    source = random.Random(2)
    equal = 0
    for native in natives(source, 10_000):
        decimal = near(source, native)
        exact, other = Fraction(native), Fraction(decimal.to_decimal())
        key, decimal_key = number_key(native), number_key(decimal)
        assert len(key) == len(decimal_key) == KEY_LENGTH
        assert (key < decimal_key, key == decimal_key) == (exact < other, exact == other), (native, decimal)
        equal += key == decimal_key
    assert equal > 1_000


def test_sqlite_compares_native_numbers_exactly(database: apsw.Connection) -> None:
    """The operand is bound, the item is stored as text: neither may be rounded on the way."""
    source = random.Random(3)
    items = list(natives(source, 1_000))
    text = encode({"v": normalise(items)})
    for decimal in [near(source, native) for native in items[:40]]:
        for op, compare in OPERATORS.items():
            exact = Fraction(decimal.to_decimal())
            expected = {key for key, item in enumerate(items) if compare(Fraction(item), exact)}
            assert found(database, text, op, decimal) == expected


@given(decimals, decimals)
@settings(deadline=None)
def test_keys_of_decimals(left: Decimal128, right: Decimal128) -> None:
    """Far apart exponents and subnormals too; one value has one key, whatever its exponent."""
    exact, other = left.to_decimal(), right.to_decimal()
    keys = number_key(left), number_key(right)
    assert (keys[0] < keys[1], keys[0] == keys[1]) == (exact < other, exact == other)


def test_numbers_do_not_depend_on_the_decimal_context() -> None:
    numbers_in_use: list[float | Decimal128] = [0.1, *DECIMALS]
    expected = [(number_key(value), native_number("$gt", value)) for value in numbers_in_use]
    with localcontext() as context:
        context.prec = 3
        context.Emin, context.Emax = -2, 2
        context.traps[FloatOperation] = True
        assert [(number_key(value), native_number("$gt", value)) for value in numbers_in_use] == expected


def test_the_examples_in_the_docstrings() -> None:
    result = doctest.testmod(numbers)
    assert result.attempted > 0
    assert result.failed == 0


# ---- equality -----------------------------------------------------------------------------------


def test_identities_are_in_the_servers_order() -> None:
    alphabet = [*SCALARS, *NESTED]
    keyed = [(identity(value), sort_key(value), value) for value in alphabet]
    equal = 0
    for (left, left_key, value), (right, right_key, other) in itertools.combinations(keyed, 2):
        assert (left == right, left < right) == (left_key == right_key, left_key < right_key), (value, other)
        equal += left == right
    assert equal > 90
    assert len({identity(value) for value in (1, 1.0, Int64(1), Decimal128("1.00"))}) == 1
    assert identity(True) != identity(1)


@given(small_values, small_values)
@settings(max_examples=200, deadline=None)
def test_identities_of_nested_values(left: Any, right: Any) -> None:
    keys = sort_key(left), sort_key(right)
    texts = identity(left), identity(right)
    assert (texts[0] == texts[1], texts[0] < texts[1]) == (keys[0] == keys[1], keys[0] < keys[1])


@given(values, values)
@settings(deadline=None)
def test_identities_of_any_values(left: Any, right: Any) -> None:
    keys = sort_key(left), sort_key(right)
    texts = identity(left), identity(right)
    assert (texts[0] == texts[1], texts[0] < texts[1]) == (keys[0] == keys[1], keys[0] < keys[1])


LEAF_EQUALS: Final = """
    CASE
    WHEN p.type != 'text' OR substr(p.atom, 1, 2) != :pattern THEN s.type = p.type AND s.atom IS p.atom
    WHEN s.type = 'text' THEN substr(s.atom, 1, 43) = :number || substr(p.atom, 3, 41)
    WHEN s.type IN ('integer', 'real') AND length(p.atom) > 44 THEN s.atom = substr(p.atom, 45) ->> '$'
    ELSE 0 END
"""
EQUALITY: Final = f"""
    WITH s AS (SELECT row_number() OVER (ORDER BY id) AS place, * FROM json_tree(jsonb(:stored))),
         p AS (SELECT row_number() OVER (ORDER BY id) AS place, * FROM json_tree(jsonb(:operand)))
    SELECT (SELECT count(*) FROM s) = (SELECT count(*) FROM p) AND NOT EXISTS (
        SELECT 1 FROM s JOIN p USING (place) WHERE NOT (s.fullkey = p.fullkey AND ifnull({LEAF_EQUALS}, 0)))
"""  # noqa: S608 - both parts are written above


def test_patterns_equal_what_the_server_calls_equal(database: apsw.Connection) -> None:
    scalars = [
        1,
        1.0,
        Int64(1),
        Decimal128("1.0"),
        True,
        math.nan,
        Decimal128("NaN"),
        -0.0,
        0,
        math.inf,
        "a",
        TAG,
        0.1,
    ]
    alphabet = [
        *NESTED,
        *([value] for value in (*scalars, *INTS, *DOUBLES, *DECIMALS)),
        *([1, value] for value in scalars),
    ]
    number = tag_range("nan")[0][:2]
    equal = 0
    for left, right in itertools.product(alphabet, repeat=2):
        if random.Random(repr((left, right))).random() < 0.3 or sort_key(left) == sort_key(right):
            expected = sort_key(left) == sort_key(right)
            text = encode({"v": normalise(left)})
            operand = f'{{"v":{equality_pattern(right)}}}'
            bindings = {"stored": text, "operand": operand, "pattern": PATTERN, "number": number}
            assert bool(database.execute(EQUALITY, bindings).get) == expected, (left, right)
            equal += expected
    assert equal > len(alphabet)


def test_the_text_of_a_pattern() -> None:
    pattern = equality_pattern({"a": [1.0, Decimal128("0.1"), "x", DATES[2]], "b": Int64(2)}).replace(
        TAG, "^"
    )
    zeros = "0" * 34
    assert pattern == (
        f'{{"a":["^Q4100001{zeros} 1.0","^Q4099991{zeros} ","x","^K2026-01-01T00:00:00.000Z"],'
        f'"b":"^Q4100002{zeros} 2"}}'
    )
    assert number_range("$eq", 1) == (f"{TAG}D4100001{zeros} ", f"{TAG}D4100001{zeros}!")
