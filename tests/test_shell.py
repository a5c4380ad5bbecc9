"""Text as it is typed in mongosh: what it stands for, and that values written as text read back the same."""

from __future__ import annotations

import datetime
import json
import math
import random
from typing import Any
from uuid import UUID

import bson
import pytest
from bson import (
    Binary,
    Code,
    DBRef,
    Decimal128,
    Int64,
    MaxKey,
    MinKey,
    ObjectId,
    Regex,
    Timestamp,
    json_util,
)
from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.datetime_ms import DatetimeMS
from hypothesis import given
from hypothesis import strategies as st

import mongoglot
from mongoglot import from_text, to_text
from mongoglot.compiler.values import MAX_DEPTH
from mongoglot.errors import EncodingError, FilterError, UnsupportedError
from mongoglot.grammar.javascript import is_identifier, number_text
from mongoglot.taskdb import TaskDatabase
from mongoglot.testing import strategies
from mongoglot.testing.alphabet import EVERY_SCALAR

NAN, INF = float("nan"), float("inf")
OID = "0123456789abcdef01234567"
HEX = "0123456789abcdef0123456789abcdef"
UTC = datetime.UTC


def instant(*parts: int) -> datetime.datetime:
    return datetime.datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]  # six ints


def as_bson(value: Any) -> bytes:
    """The bytes that a driver sends: equal only for values that are equal type for type."""
    return bson.encode({"": value})


NUMBERS: list[tuple[str, Any]] = [
    # whole numbers of 32 bits are sent as int32, whatever they look like; all others as doubles
    ("0", 0), ("1", 1), ("-1", -1), ("+1", 1), ("- 1", -1), ("-/**/1", -1), ("1.0", 1), ("1e3", 1000),
    ("5.", 5),
    ("2147483647", 2**31 - 1), ("2147483648", 2.0**31), ("-2147483648", -(2**31)),
    ("-2147483649", -(2.0**31) - 1),
    ("9007199254740993", 2.0**53), ("1e400", INF), ("-1e400", -INF), ("1e-400", 0), ("-0", -0.0), ("+0", 0),
    ("-0.0", -0.0), ("0.1", 0.1), (".5", 0.5), ("-.5e-3", -0.0005), ("5.e1", 50), ("1E+2", 100),
    ("1_000", 1000),
    ("0.000_1", 0.0001), ("1e1_0", 1e10), ("0x10", 16), ("0XfF", 255), ("-0x0", -0.0),
    ("0xFFFFFFFF", 4294967295.0),
    ("0b101", 5), ("0B1_1", 3), ("0o17", 15), ("0O7", 7), ("0x" + "f" * 500, INF), ("1" * 400, INF),
    ("Infinity", INF), ("-Infinity", -INF), ("+Infinity", INF), ("NaN", NAN), ("-NaN", NAN),
    # BigInt
    ("10n", Int64(10)), ("-0n", Int64(0)), ("0x10n", Int64(16)), ("1_0n", Int64(10)), ("0b11n", Int64(3)),
    ("9223372036854775807n", Int64(2**63 - 1)), ("-9223372036854775808n", Int64(-(2**63))),
]  # fmt: skip

STRINGS: list[tuple[str, Any]] = [
    ('"a"', "a"), ("'a'", "a"), ("`a`", "a"), ('""', ""), ("''", ""), ("``", ""), ("\"it's\"", "it's"),
    ("'say \"a\"'", 'say "a"'), (r"'it\'s'", "it's"), (r'"\n\r\t\b\f\v\0"', "\n\r\t\b\f\v\0"),
    (r'"\x41\u0041"', "AA"),
    (r'"\u{41}\u{1F600}\u{0000000041}"', "A😀A"), (r'"\ud83d\ude00"', "😀"), (r'"\u{d83d}\u{de00}"', "😀"),
    ('"\\\n"', ""), ('"a\\\r\nb"', "ab"), ('"a\\\u2028b"', "ab"), (r'"\q\\\/\"\'\`"', "q\\/\"'`"),
    ('"\u2028"', "\u2028"), ("'\t'", "\t"), ("`a\nb`", "a\nb"), ("`a\r\nb\rc`", "a\nb\nc"),
    ("`$a{$`", "$a{$"),
    (r"`\${a}\``", "${a}`"), (r'"\0a"', "\0a"), ('"é😀"', "é😀"), ('"// /* */"', "// /* */"),
]  # fmt: skip

REGEXES: list[tuple[str, Any]] = [
    ("/a/", Regex("a")), ("/a/im", Regex("a", "im")), ("/a/xsmi", Regex("a", "imsx")),
    (r"/a\/b/", Regex(r"a\/b")),
    ("/[/]/", Regex("[/]")), (r"/[\]/]/", Regex(r"[\]/]")), (r"/\//i", Regex(r"\/", "i")),
    ("/ /", Regex(" ")),
    ("/=/", Regex("=")), ('/"/', Regex('"')), ("/^é$/", Regex("^é$")), ("/(?i)a|b{2}/", Regex("(?i)a|b{2}")),
    ('RegExp("a")', Regex("a")), ('new RegExp("a", "i")', Regex("a", "i")), ('RegExp("a/b")', Regex(r"a\/b")),
    (r'RegExp("a\\/b")', Regex(r"a\/b")), ('RegExp("")', Regex("(?:)")), ('RegExp("[/]")', Regex("[/]")),
    (r'RegExp("[[/]/")', Regex(r"[[/]\/")), (r'RegExp("\n\u2028")', Regex("\\n\\u2028")),
    (r'RegExp("\\\n")', Regex("\\n")),
    ('BSONRegExp("a/b", "ix")', Regex("a/b", "ix")), ('BSONRegExp("")', Regex("")),
    ('BSONRegExp("a", "ul")', Regex("a", "lu")),
]  # fmt: skip

DATES: list[tuple[str, Any]] = [
    ('ISODate("2026-01-31")', instant(2026, 1, 31)), ("new ISODate('20260131')", instant(2026, 1, 31)),
    ('ISODate("2026-01-31T23:59:58.123Z")', instant(2026, 1, 31, 23, 59, 58, 123000)),
    ('ISODate("2026-01-31T23:59:58.1239")', instant(2026, 1, 31, 23, 59, 58, 123000)),
    ('ISODate("2026-01-31 23:59:58.1")', instant(2026, 1, 31, 23, 59, 58, 100000)),
    ('ISODate("20260131T235958Z")', instant(2026, 1, 31, 23, 59, 58)),
    ('ISODate("2026-01-31T23")', instant(2026, 1, 31, 23)),
    ('ISODate("2026-01-31T23:59")', instant(2026, 1, 31, 23, 59)),
    ('ISODate("2026-01-31T24:00")', instant(2026, 2, 1)),
    ('ISODate("2026-01-31T00:00:00+02:00")', instant(2026, 1, 30, 22)),
    ('ISODate("2026-01-31T00:00:00-0230")', instant(2026, 1, 31, 2, 30)), ("ISODate(0)", instant(1970, 1, 1)),
    ('ISODate("0001-01-01")', instant(1, 1, 1)), ('ISODate("0000-01-01")', DatetimeMS(-62_167_219_200_000)),
    ('ISODate("2024-02-29")', instant(2024, 2, 29)),
    ('ISODate("9999-12-31T23:59:59.999Z")', instant(9999, 12, 31, 23, 59, 59, 999000)),
    ('new Date("2026-01-31")', instant(2026, 1, 31)), ('new Date("2026-01")', instant(2026, 1, 1)),
    ('new Date("2026")', instant(2026, 1, 1)), ('new Date("2026-01-31T10:00Z")', instant(2026, 1, 31, 10)),
    ('new Date("2026-01-31T10:00:00.5+01:00")', instant(2026, 1, 31, 9, 0, 0, 500000)),
    ("new Date(0)", instant(1970, 1, 1)), ("new Date(-1)", instant(1969, 12, 31, 23, 59, 59, 999000)),
    ("new Date(1577836800000)", instant(2020, 1, 1)),
    ("new Date(8640000000000000)", DatetimeMS(8_640_000_000_000_000)),
    ('new Date("-000001-01-01")', DatetimeMS(-62_198_755_200_000)),
    ('new Date("+275760-09-13")', DatetimeMS(8_640_000_000_000_000)),
    ('new Date("+002026-01-31")', instant(2026, 1, 31)),
    ('new Date(NumberLong("5"))', instant(1970, 1, 1, 0, 0, 0, 5000)),
]  # fmt: skip

CONSTRUCTORS: list[tuple[str, Any]] = [
    ("true", True), ("false", False), ("null", None),
    (f'ObjectId("{OID}")', ObjectId(OID)), (f"new ObjectId('{OID.upper()}')", ObjectId(OID)),
    (f'ObjectId.createFromHexString("{OID}")', ObjectId(OID)),
    ("NumberInt(5)", 5), ('NumberInt("-5")', -5), ("Int32(5)", 5), ("new Int32(5.0)", 5), ("NumberInt()", 0),
    ('Int32.fromString("7")', 7),
    ("NumberLong(5)", Int64(5)), ('NumberLong("9223372036854775807")', Int64(2**63 - 1)),
    ('Long("-5")', Int64(-5)),
    ('Long.fromString("5")', Int64(5)), ("Long.fromNumber(5)", Int64(5)), ("Long.fromInt(5)", Int64(5)),
    ("Long.fromBigInt(5n)", Int64(5)), ("Long.MAX_VALUE", Int64(2**63 - 1)),
    ("Long.MIN_VALUE", Int64(-(2**63))),
    ("NumberLong(9007199254740991)", Int64(2**53 - 1)), ("NumberLong()", Int64(0)),
    ("Double(5)", 5.0), ('Double("1.5")', 1.5), ('Double("-Infinity")', -INF), ("Double(-0)", -0.0),
    ('Double.fromString("1e3")', 1000.0),
    ('NumberDecimal("1.50")', Decimal128("1.50")), ("NumberDecimal(1.5)", Decimal128("1.5")),
    ("Decimal128('1E+3')", Decimal128("1E+3")),
    ('NumberDecimal("-0")', Decimal128("-0")), ('NumberDecimal("NaN")', Decimal128("NaN")),
    ("NumberDecimal(1e21)", Decimal128("1E+21")),
    ('NumberDecimal("-Infinity")', Decimal128("-Infinity")),
    ('Decimal128.fromString("0.1")', Decimal128("0.1")),
    ("NumberDecimal(5n)", Decimal128("5")), ('NumberDecimal(NumberDecimal("5"))', Decimal128("5")),
    ("Timestamp(1, 2)", Timestamp(1, 2)), ("Timestamp({t: 1, i: 2})", Timestamp(1, 2)),
    ("new Timestamp(1)", Timestamp(1, 0)),
    ("Timestamp()", Timestamp(0, 0)), ("Timestamp(4294967295, 4294967295)", Timestamp(2**32 - 1, 2**32 - 1)),
    (f'UUID("{UUID(HEX)}")', Binary(bytes.fromhex(HEX), 4)),
    (f'UUID("{HEX}")', Binary(bytes.fromhex(HEX), 4)),
    (f'UUID.createFromHexString("{HEX}")', Binary(bytes.fromhex(HEX), 4)),
    (f'LegacyJavaUUID("{HEX}")', Binary.from_uuid(UUID(HEX), UuidRepresentation.JAVA_LEGACY)),
    (f'LegacyCSharpUUID("{HEX}")', Binary.from_uuid(UUID(HEX), UuidRepresentation.CSHARP_LEGACY)),
    (f'LegacyPythonUUID("{HEX}")', Binary(bytes.fromhex(HEX), 3)),
    ('BinData(0, "AQID")', b"\1\2\3"), ('BinData(128, "AQID")', Binary(b"\1\2\3", 128)),
    ('BinData(0, "")', b""),
    ('HexData(5, "0102fF")', Binary(b"\1\2\xff", 5)), (f'MD5("{HEX}")', Binary(bytes.fromhex(HEX), 5)),
    ('Binary.createFromBase64("AQID", 2)', Binary(b"\1\2\3", 2)),
    ('Binary.createFromBase64("AQID")', b"\1\2\3"),
    ('Binary.createFromHexString("01", 0)', b"\1"),
    ("MinKey", MinKey()), ("MinKey()", MinKey()), ("new MinKey()", MinKey()), ("new MinKey", MinKey()),
    ("MaxKey", MaxKey()), ("MaxKey()", MaxKey()), ("new MaxKey()", MaxKey()),
    ('Code("a")', Code("a")), ('new Code("a", {b: 1})', Code("a", {"b": 1})),
    ('Code("a", {})', Code("a", {})), ("Code()", Code("")),
    (f'DBRef("c", ObjectId("{OID}"))', DBRef("c", ObjectId(OID))), ('DBRef("c", 1, "d")', DBRef("c", 1, "d")),
    ('DBRef("c", 1, "d", {e: 1})', DBRef("c", 1, "d", e=1)), ('BSONSymbol("a")', "a"), ('Symbol("a")', "a"),
]  # fmt: skip

DOCUMENTS: list[tuple[str, Any]] = [
    ("{}", {}), ("[]", []), ("{a: 1}", {"a": 1}), ("{a: 1,}", {"a": 1}), ("[1,]", [1]),
    ("[1, [2, {a: []}]]", [1, [2, {"a": []}]]),
    ("{$gt: 1, _a: 2, a1$: 3}", {"$gt": 1, "_a": 2, "a1$": 3}),
    ("{new: 1, if: 2, null: 3, true: 4, class: 5}", {"new": 1, "if": 2, "null": 3, "true": 4, "class": 5}),
    ("{newer: 1, new$: 2}", {"newer": 1, "new$": 2}),
    ("{'a.b': 1, \"c d\": 2, '': 3}", {"a.b": 1, "c d": 2, "": 3}),
    ("{2: 1, 1: 2}", {"2": 1, "1": 2}),
    ("{0x10: 1, 1e21: 2, .5: 3, 10n: 4, 1.0: 5, 1e-7: 6, 1_1: 7}",
     {"16": 1, "1e+21": 2, "0.5": 3, "10": 4, "1": 5, "1e-7": 6, "11": 7}),
    ("{é: 1, ключ: 2, 名前: 3, a\u0301: 4, ℘: 5, a·: 6, a\u200d: 7}",
     {"é": 1, "ключ": 2, "名前": 3, "a\u0301": 4, "℘": 5, "a·": 6, "a\u200d": 7}),
    (r"{\u0061b: 1, c\u{64}: 2}", {"ab": 1, "cd": 2}),
    ('{["a"]: 1, [\'b\']: 2, [`c`]: 3}', {"a": 1, "b": 2, "c": 3}),
    ("{__proto__: 1, constructor: 2}", {"__proto__": 1, "constructor": 2}),
    ("\ufeff {\u00a0a\u2003:\u3000 1\u2028}\n", {"a": 1}),
    ("{a: 1 /* , b: 2 */, // c: 3\n d: 4}", {"a": 1, "d": 4}), ("/**/{/***/}//\n", {}), ("// a\r{}", {}),
    ("// a\u2028{}", {}),
    ("{a:1,b:'x',c:[/a/,{d:null}]}", {"a": 1, "b": "x", "c": [Regex("a"), {"d": None}]}),
    ('{"a": {"$in": [1, -1]}}', {"a": {"$in": [1, -1]}}),
]  # fmt: skip

EXTENDED_JSON: list[tuple[str, Any]] = [
    (f'{{"$oid": "{OID}"}}', ObjectId(OID)), (f"{{$oid: '{OID}'}}", ObjectId(OID)),
    ('{"$date": "2026-01-31T00:00:00Z"}', instant(2026, 1, 31)),
    ('{"$date": "2026-01-31T00:00:00.120+01:00"}', instant(2026, 1, 30, 23, 0, 0, 120000)),
    ('{"$date": {"$numberLong": "0"}}', instant(1970, 1, 1)),
    ('{"$date": {"$numberLong": "-9223372036854775808"}}', DatetimeMS(-(2**63))),
    ('{"$date": {"$numberLong": "253402300800000"}}', DatetimeMS(253_402_300_800_000)),
    ('{"$date": 1577836800000}', instant(2020, 1, 1)),
    ('{"$numberInt": "5"}', 5), ('{"$numberLong": "5"}', Int64(5)), ('{"$numberDouble": "1"}', 1.0),
    ('{"$numberDouble": "-0.0"}', -0.0),
    ('{"$numberDouble": "NaN"}', NAN), ('{"$numberDouble": "-Infinity"}', -INF),
    ('{"$numberDecimal": "1.50"}', Decimal128("1.50")),
    ('{"$binary": {"base64": "AQID", "subType": "05"}}', Binary(b"\1\2\3", 5)),
    ('{"$binary": {"subType": "0", "base64": ""}}', b""),
    ('{"$binary": "AQID", "$type": "80"}', Binary(b"\1\2\3", 128)),
    ('{"$type": "00", "$binary": "AQID"}', b"\1\2\3"),
    (f'{{"$uuid": "{UUID(HEX)}"}}', Binary(bytes.fromhex(HEX), 4)),
    ('{"$timestamp": {"t": 4294967295, "i": 1}}', Timestamp(2**32 - 1, 1)),
    ('{"$regularExpression": {"pattern": "a/b", "options": "mi"}}', Regex("a/b", "im")),
    ('{"$minKey": 1}', MinKey()), ('{"$maxKey": 1}', MaxKey()),
    ('{"$code": "a"}', Code("a")),
    ('{"$code": "a", "$scope": {"x": {"$numberLong": "1"}}}', Code("a", {"x": Int64(1)})),
    ('{"$symbol": "a"}', "a"),
    ('{"$ref": "c", "$id": {"$numberInt": "1"}}', {"$ref": "c", "$id": 1}),
    # what has not exactly the names and types of a form stays a document
    ('{"$oid": 5}', {"$oid": 5}), ('{"$oid": "5", "a": 1}', {"$oid": "5", "a": 1}),
    ('{"$date": true}', {"$date": True}), ('{"$date": null}', {"$date": None}),
    ('{"$numberInt": 5}', {"$numberInt": 5}), ('{"$numberLong": {}}', {"$numberLong": {}}),
    ('{"$binary": {"base64": "AQID"}}', {"$binary": {"base64": "AQID"}}),
    ('{"$binary": "AQID", "$type": 0}', {"$binary": "AQID", "$type": 0}),
    ('{"$binary": "AQID"}', {"$binary": "AQID"}),
    ('{"$timestamp": {"t": 1}}', {"$timestamp": {"t": 1}}),
    ('{"$timestamp": {"t": 1, "i": 0.5}}', {"$timestamp": {"t": 1, "i": 0.5}}),
    ('{"$minKey": true}', {"$minKey": True}), ('{"$minKey": 2}', {"$minKey": 2}),
    ('{"$undefined": 1}', {"$undefined": 1}), ('{"$dbPointer": 1}', {"$dbPointer": 1}),
    ('{"$scope": {}, "$code": 1}', {"$scope": {}, "$code": 1}), ('{"$uuid": 1}', {"$uuid": 1}),
    ('{"$symbol": 1}', {"$symbol": 1}),
    ('{"$regularExpression": {"pattern": 1, "options": ""}}',
     {"$regularExpression": {"pattern": 1, "options": ""}}),
    ('{$code: Code("a")}', Code("a")),
    # operators are operators
    ("{$regex: 'a', $options: 'i'}", {"$regex": "a", "$options": "i"}),
    ("{$type: 'string'}", {"$type": "string"}), ("{$type: 5}", {"$type": 5}),
    ("{$ref: 'c'}", {"$ref": "c"}), ("{$id: 1}", {"$id": 1}), ("{$options: 'i'}", {"$options": "i"}),
    # a name in brackets is never a part of Extended JSON
    (f'{{["$oid"]: "{OID}"}}', {"$oid": OID}), ('{$code: "a", ["$scope"]: {}}', {"$code": "a", "$scope": {}}),
]  # fmt: skip

EVERY_TEXT = [*NUMBERS, *STRINGS, *REGEXES, *DATES, *CONSTRUCTORS, *DOCUMENTS, *EXTENDED_JSON]


@pytest.mark.parametrize(("text", "value"), EVERY_TEXT, ids=[ascii(text)[:50] for text, _ in EVERY_TEXT])
def test_what_a_text_stands_for(text: str, value: Any) -> None:
    found = from_text(text)
    assert as_bson(found) == as_bson(value)
    if not isinstance(value, (Regex, float, Code)):
        assert type(found) is type(value)
    padded = f" [ {text}\n, {{ a : {text}\t}} , ] "
    assert as_bson(from_text(padded)) == as_bson([value, {"a": value}])
    assert as_bson(from_text(to_text(found))) == as_bson(value)


def test_names_of_numbers() -> None:
    """As `String(number)` of JavaScript gives them."""
    known = {
        1.0: "1", 0.1: "0.1", 1e21: "1e+21", 1e20: "100000000000000000000",
        123456789012345680000.0: "123456789012345680000",
        1e-6: "0.000001", 1e-7: "1e-7", 1.5e-10: "1.5e-10", 5e-324: "5e-324", -0.0: "0", -1.5: "-1.5",
        2.0**31: "2147483648",
        1.7976931348623157e308: "1.7976931348623157e+308", 1200.0: "1200", 12.5: "12.5", NAN: "NaN",
        -INF: "-Infinity",
    }  # fmt: skip
    assert {value: number_text(value) for value in known} == known


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_written_exactly(value: float) -> None:
    assert float(number_text(value)) == value


@pytest.mark.parametrize(
    "name", ["", "1a", "a-b", "a b", "\u0301a", "\u200da", "·a", "ⸯ", "a\u2028", "a’", "€", "😀"]
)
def test_what_is_no_identifier(name: str) -> None:
    assert not is_identifier(name)


# ---- Extended JSON as another library reads it -----------------------------------------------------

MODES = [json_util.JSONMode.CANONICAL, json_util.JSONMode.RELAXED]


@pytest.mark.parametrize("mode", MODES)
@given(values=st.lists(strategies.values(depth=3), max_size=5))
def test_extended_json(mode: int, values: list[Any]) -> None:
    dates = DatetimeConversion.DATETIME_AUTO
    options = json_util.JSONOptions(json_mode=mode, tz_aware=True, datetime_conversion=dates)
    written = json_util.dumps({"a": values}, json_options=options)
    found, expected = from_text(written), json_util.loads(written, json_options=options)
    if mode == json_util.JSONMode.CANONICAL:
        assert as_bson(found) == as_bson(expected)
    else:  # Extended JSON keeps 64 bits of a relaxed number; JavaScript makes a double of it
        assert comparable(found) == comparable(expected)


def comparable(value: Any) -> Any:
    """A value whose numbers have lost their types, as they do in relaxed Extended JSON."""
    if isinstance(value, DBRef):
        value = value.as_doc()
    if isinstance(value, Code) and value.scope is not None:
        return str(value), comparable(value.scope)
    if isinstance(value, dict):
        return {name: comparable(item) for name, item in value.items()}
    if isinstance(value, list):
        return [comparable(item) for item in value]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return repr(float(value) + 0.0)
    return as_bson(value)


# ---- and back ----------------------------------------------------------------------------------------

names = st.one_of(
    st.sampled_from(
        ["a", "$gt", "a.b", "$oid", "$date", "$code", "$scope", "$binary", "$type", "__proto__", "new", "0"]
    ),
    st.sampled_from(["", "$numberLong", "$numberInt", "$ref", "$id", "$db"]),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5),
)  # fmt: skip
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
patterns = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=6)
doubles = st.floats(allow_nan=False) | st.just(NAN) | st.integers(-100, 100).map(float)
instants = st.integers(-(2**63), 2**63 - 1).map(DatetimeMS) | st.datetimes() | st.sampled_from(
    [
        DatetimeMS(edge + step)
        for edge in (-62_135_596_800_000, 253_402_300_799_999, 8_640_000_000_000_000)
        for step in (-1, 0, 1)
    ]
)  # fmt: skip
decimals = st.decimals().map(str).filter(lambda text: len(text) < 30).map(Decimal128)
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.integers(-(2**31), 2**31 - 1).map(Int64),
    doubles, texts, decimals,
    st.binary(max_size=20),
    st.builds(Binary, st.binary(max_size=20), st.sampled_from([0, 1, 2, 3, 4, 5, 6, 128, 255])),
    st.binary(min_size=16, max_size=16).map(lambda data: Binary(data, 4)),
    st.binary(min_size=12, max_size=12).map(ObjectId), instants,
    st.builds(Timestamp, st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1)),
    st.builds(Regex, patterns, st.sampled_from(["", "i", "imsx", "lu"])),
    st.builds(Code, texts), st.just(MinKey()), st.just(MaxKey()), st.sampled_from(EVERY_SCALAR),
)  # fmt: skip


def nested(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    documents = st.dictionaries(names, values, max_size=3)
    references = st.builds(DBRef, texts, values, st.none() | st.text("ab", min_size=1, max_size=2))
    return st.one_of(st.lists(values, max_size=3), documents, st.builds(Code, texts, documents), references)


@given(st.recursive(scalars, nested, max_leaves=20), st.sampled_from([None, 0, 1, 4]))
def test_every_value_comes_back(value: Any, indent: int | None) -> None:
    text = to_text(value, indent=indent)
    found = from_text(text)
    assert as_bson(found) == as_bson(value)
    assert to_text(found, indent=indent) == text
    assert indent is not None or "\n" not in text


@given(queried=strategies.queries())
def test_a_filter_as_text_gives_the_same_answers(
    queried: tuple[list[dict[str, Any]], dict[str, Any]],
) -> None:
    stored, condition = queried
    query, same = mongoglot.compile(condition), mongoglot.compile(to_text(condition))
    assert as_bson(query.to_mongodb()) == as_bson(same.to_mongodb())
    assert [same.matches(document) for document in stored] == [query.matches(document) for document in stored]


LOOKALIKES = [
    {"$oid": OID}, {"$date": 5}, {"$date": {"$numberLong": "5"}}, {"$numberLong": "5"},
    {"$binary": "AQID", "$type": "00"},
    {"$type": "00", "$binary": "AQID"}, {"$code": "a"}, {"$code": "a", "$scope": {}},
    {"$scope": {"$oid": OID}, "$code": "a"},
    {"$undefined": True}, {"$dbPointer": {"$ref": "a", "$id": 1}}, {"$minKey": 1},
    {"$regularExpression": {"pattern": "", "options": ""}},
    {"$oid": "no"}, {"a": [{"$oid": OID}]}, {"$numberDouble": "x"},
]  # fmt: skip


@pytest.mark.parametrize("document", LOOKALIKES, ids=str)
def test_documents_that_look_like_extended_json(document: dict[str, Any]) -> None:
    assert from_text(to_text(document)) == document
    assert from_text(to_text(document, indent=2)) == document


def test_how_values_are_written() -> None:
    value = {
        "completed": None, "started": {"$gte": instant(2026, 1, 31, 1, 2, 3, 4000)},
        "a.b": [1, 1.0, -0.0, 2**31, 2.0**31, True],
        "_id": ObjectId(OID), "$or": [{"name": Regex("^a", "i")}, {}], "x": {"$oid": OID},
        "y": Decimal128("1.50"), "z": 'a"\n\u2028é',
    }  # fmt: skip
    assert to_text(value) == (
        '{completed: null, started: {$gte: ISODate("2026-01-31T01:02:03.004Z")}, "a.b": [1, Double(1), -0, '
        f'NumberLong("2147483648"), 2147483648, true], _id: ObjectId("{OID}"), $or: [{{name: /^a/i}}, {{}}], '
        f'x: {{["$oid"]: "{OID}"}}, y: NumberDecimal("1.50"), z: "a\\"\\n\\u2028é"}}'
    )
    assert to_text({"a": [1, {"b": []}], "c": Code("x", {"d": 1})}, indent=2) == (
        '{\n  a: [\n    1,\n    {\n      b: []\n    }\n  ],\n  c: Code("x", {\n    d: 1\n  })\n}'
    )


def test_what_cannot_be_written() -> None:
    deep: list[Any] = []
    for _ in range(MAX_DEPTH):
        deep = [deep]
    cycle: dict[str, Any] = {}
    cycle["a"] = cycle
    for value, path in [
        ({"a": [1, {2}]}, "a[1]"), ({"a": {"b": "\ud800"}}, "a.b"), ({"a": {5: 1}}, "a.5"),
        ({"a": {"b\0": 1}}, r"a.'b\x00'"),
        ({"a": Code("x", {"b": {3}})}, "a.b"), ({"a": Code("\udfff")}, "a"), ({"\ud800": 1}, r"'\ud800'"),
        (2**63, ""), ({"a": Regex("\0")}, "a"),
    ]:  # fmt: skip
        with pytest.raises(EncodingError) as caught:
            to_text(value)
        assert caught.value.path == path
    for value in (deep, cycle):
        with pytest.raises(EncodingError, match="nest at most 200 levels"):
            to_text(value)
    for indent in (-1, True, "  ", 1.0, 10**9):
        with pytest.raises(UnsupportedError, match="indent"):
            to_text({}, indent=indent)  # type: ignore[arg-type]  # the mistake


def test_depth() -> None:
    deep: Any = 1
    for _ in range(MAX_DEPTH // 2):
        deep = {"a": [deep]}
    assert from_text(to_text(deep)) == deep
    scoped: Any = {}
    for _ in range(MAX_DEPTH - 1):
        scoped = {"$code": "", "$scope": scoped}
    written = json.dumps(scoped)
    assert as_bson(from_text(written)) == as_bson(from_text(to_text(from_text(written))))


# ---- wherever a filter is taken ------------------------------------------------------------------------


def test_compile_takes_text() -> None:
    query = mongoglot.compile("{completed: null, started: {$gte: ISODate('2026-01-01')}}")
    assert query.matches({"started": instant(2026, 1, 1)})
    assert not query.matches({"started": instant(2025, 12, 31, 23, 59, 59)})
    assert query.text == "{completed: null, started: {$gte: ISODate('2026-01-01')}}"
    assert mongoglot.compile({"a": 1}).text is None
    assert mongoglot.compile("{a: {$ge: 1}}", dialect="taskdb").matches({"a": 2})
    assert not mongoglot.compile("{a: {$ge: 1}}", dialect="taskdb").matches({"a": 1})
    assert mongoglot.compile("{a: 1}").plan is mongoglot.compile({"a": 7}).plan


def test_collections_take_text() -> None:
    with mongoglot.connect("memory:") as store:
        items = store["items"]
        items.insert_many([{"_id": 1, "a": 5}, {"_id": 2, "a": 7}, {"_id": "{a: 5}"}])
        assert [found["_id"] for found in items.find("{a: {$gt: 5}}")] == [2]
        assert items.count_documents("{a: {$in: [5, 7]}}") == 2
        assert items.find_one("{a: 5}") == {"_id": "{a: 5}"}, "to find_one, text is an _id, as to pymongo"
        assert items.find_one(mongoglot.compile("{a: 5}")) == {"_id": 1, "a": 5}
        assert items.explain("{a: 5}") == items.explain({"a": 5})
        assert items.update_one("{a: 5}", {"$set": {"b": 1}}).modified_count == 1
        assert items.update_many("{b: 1}", {"$set": {"b": 2}}).modified_count == 1
        assert items.delete_one("{b: 2}").deleted_count == 1
        assert items.delete_many("{a: 7}").deleted_count == 1


def test_the_task_database_takes_text() -> None:
    with TaskDatabase("memory:") as db:
        for number in range(3):
            db.add_record(f"t{number}", {"submitted": instant(2026, 1, 1 + number), "engine_uuid": None})
        after = "{submitted: {$ge: ISODate('2026-01-01')}}"  # in UTC, whatever the local time is
        assert [record["msg_id"] for record in db.db_query(after, keys=["msg_id"])] == ["t1", "t2"]
        assert [record["msg_id"] for record in db.find_records('{msg_id: {$glob: "*1"}}')] == ["t1"]
        assert db.explain(after) == db.explain({"submitted": {"$ge": instant(2026, 1, 1)}})
        with pytest.raises(FilterError) as caught:
            db.db_query("{submitted: {$geq: 1}}")
        assert (caught.value.line, caught.value.column) == (1, 14)
        db.drop_matching_records("{msg_id: 't0'}")
        assert db.get_history() == ["t1", "t2"]


def test_explain_shows_the_text() -> None:
    text = "{a: NumberLong('5'), /* b */ c: [1,]}"
    stages = mongoglot.compile(text).explain()
    document = '{\n  a: NumberLong("5"),\n  c: [\n    1\n  ]\n}'
    assert list(stages.sections())[:2] == [("Text", text), ("Document", document)]
    assert stages.document == {"a": 5, "c": [1]}
    unread = mongoglot.compile({"a": 1}).explain()
    assert (unread.text, unread.document, next(unread.sections())[0]) == (None, None, "Tokens")


def test_one_text_read_by_many_threads() -> None:
    from concurrent.futures import ThreadPoolExecutor

    rng = random.Random(5)
    wanted = [to_text({"a": [rng.random(), {"b": rng.randrange(10**6)}] * 20}) for _ in range(40)]
    with ThreadPoolExecutor(8) as pool:
        assert [to_text(found) for found in pool.map(from_text, wanted)] == wanted


def test_bytes_are_what_a_driver_decodes() -> None:
    """The reader's dates are aware, and DatetimeMS only where Python's calendar ends."""
    options: Any = CodecOptions(tz_aware=True, datetime_conversion=DatetimeConversion.DATETIME_AUTO)
    for millis in (0, 253_402_300_799_999, 253_402_300_800_000, -62_135_596_800_000, -62_135_596_800_001):
        found = from_text(f"new Date({millis})")
        (decoded,) = bson.decode(as_bson(found), options).values()
        assert (type(found), found) == (type(decoded), decoded)
    assert math.isnan(from_text("NaN"))
