"""What is said of a text that cannot be read, and where; and that nothing else than that ever happens."""

from __future__ import annotations

import pickle
import random
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

import mongoglot
from mongoglot import from_text
from mongoglot.errors import FilterError, NotYetError
from mongoglot.grammar.habits import SHELL_QUOTES
from mongoglot.grammar.shell_calls import CONSTRUCTORS

NOTHING_RUNS = "calculates, and nothing is calculated here"
AS_IT_IS = "write the value as it is"
PAIR = "write {field: value}"
FLAGS = "the options are i, m, s and x"
ESCAPES = "write \\xHH or \\u{…} with hexadecimal digits, or \\\\ for a backslash"
SURROGATE = "half of a surrogate pair stands alone, which BSON cannot hold"
DATES = 'write ISODate("2026-01-31") or ISODate("2026-01-31T23:59:59.999Z")'
NEW_DATE = 'write new Date("2026-01-31T23:59:59.999Z") or new Date(0)'
OID = 'write ObjectId("0123456789abcdef01234567")'
FIND = "only the filter is read: what stands between the parentheses of find(…)"
NO_CLOCK = "is no literal: without an argument it makes a new value on every run"


class Mistake(NamedTuple):
    """A text, and what is said of it; the place is the `§` in front of which the caret stands."""

    text: str
    reason: str
    hint: str | None = None
    code: int = 9


MISTAKES = [
    # brackets
    Mistake("{a: [1, {b: 2}§", "the text ends, but '[' at line 1, column 5 is not closed", "write ']'"),
    Mistake("{a: {\n  b: 1,\n\n§", "the text ends, but '{' at line 1, column 5 is not closed", "write '}'"),
    Mistake(
        '{a: ISODate("2026-01-01"§', "the text ends, but '(' at line 1, column 12 is not closed", "write ')'"
    ),
    Mistake("{a: [1, 2§}", "'}' does not close '[', opened at line 1, column 5", "write ']' in front of it"),
    Mistake("{a: {b: 1§]}", "']' does not close '{', opened at line 1, column 5", "write '}' in front of it"),
    Mistake("§}", "'}' closes nothing"),
    Mistake("{a: 1}§}", "'}' closes nothing"),
    # commas and colons
    Mistake("{a: 1 §b: 2}", "',' is missing in front of b"),
    Mistake('{a: 1\n "§b": 2}'.replace('"§', '§"'), "',' is missing in front of \"b\""),
    Mistake("[1 §{a: 2}]", "',' is missing in front of {"),
    Mistake("{a: 'it'§s}", "',' is missing in front of s", "is it a quote in the text? Write \\'"),
    Mistake("{a§= 1}", "'=' stands where ':' has to", PAIR),
    Mistake("{a §1}", "':' is missing in front of 1", PAIR),
    Mistake("{a§}", "the field has no value", f"{PAIR}; a list stands in [ ]"),
    Mistake("{a§, b: 1}", "the field has no value", f"{PAIR}; a list stands in [ ]"),
    Mistake("{a§() {}}", "a function is no value", PAIR),
    Mistake("{a: §}", "a value is missing in front of '}'"),
    Mistake("{a: §, b: 1}", "a value is missing in front of ','"),
    Mistake("[1,§,2]", "an element is missing in front of ','", "write null"),
    Mistake("[§,]", "an element is missing in front of ','", "write null"),
    Mistake("{§,a: 1}", "a field is missing in front of ','", "leave the ',' out"),
    Mistake("{a: 1,§, b: 2}", "a field is missing in front of ','", "leave the ',' out"),
    Mistake("[a§: 1]".replace("a§", '"a"§'), "':' stands where ',' has to", "a document stands in { }"),
    Mistake("{§: 1}", "a name is missing in front of ':'", f'{SHELL_QUOTES}; the empty name is written ""'),
    Mistake("{a: 1§; b: 2}", "';' stands where ',' has to"),
    Mistake("MinKey(§,)", "a value is missing in front of ','"),
    # names of fields
    Mistake("{§-1: 2}", "- is no name of a field", "write the name in quotes"),
    Mistake("{§`a`: 2}", "`a` is no name of a field", "write the name in quotes"),
    Mistake("{§#a: 1}", "# is no name of a field", "write the name in quotes"),
    Mistake(
        "{§{}: 1}",
        "a document begins where the name of a field has to stand",
        "one pair of braces is enough: {field: value}",
    ),
    Mistake(
        "{$or: {a: 1}, §{b: 1}}",
        "a document begins where the name of a field has to stand",
        "several documents stand in an array: {$or: [{…}, {…}]}",
    ),
    Mistake("{§a€: 1}", "'a€' is no name of JavaScript", "write it in quotes"),
    Mistake(
        "{a: 1, b: 2, §'a': 3}",
        "the field 'a' stands here for the second time",
        "write {$and: [{…}, {…}]} to have both; JavaScript would forget the first",
    ),
    Mistake(r'{§"a\0b": 1}', "BSON field names hold no NUL character"),
    Mistake("{§...x}", "'...' spreads a variable, and there are none", "write the fields themselves"),
    Mistake("{[§a]: 1}", "a does not belong here"),
    # values
    Mistake("{a: §None}", "there is no value None", "write null: this is JavaScript, not Python"),
    Mistake("{a: §True}", "there is no value True", "write true: this is JavaScript, not Python"),
    Mistake("{a: §False}", "there is no value False", "write false: this is JavaScript, not Python"),
    Mistake(
        "{a: §undefined}",
        "undefined is no value of a filter: some drivers send null for it, some nothing",
        "write null, or leave the field out",
    ),
    Mistake("{a: §nan}", "there is no value nan", "write NaN"),
    Mistake("{a: §ture}", "there is no value ture", "did you mean true?"),
    Mistake("{a: §done}", "there is no value done", 'write text in quotes: "done"'),
    Mistake("{a: §ISODate}", "there is no value ISODate", DATES),
    Mistake("{a: §“x”}", "“ is no quote of JavaScript", "write \" or '"),
    Mistake("{§‘a’: 1}", "‘ is no quote of JavaScript", "write \" or '"),
    Mistake("[§...x]", "'...' spreads a variable, and there are none", "write the values themselves"),
    Mistake("{a: §(1)}", "'(' begins no value", "write the value without parentheses; a list stands in [ ]"),
    Mistake("{a: §@}", "@ begins no value"),
    Mistake("{a: §.}", ". begins no value"),
    Mistake("{a: §new true}", "there is no constructor true"),
    Mistake("{a: new§}", "} does not belong here"),
    Mistake("{a: §\x00}", "\\x00 begins no value"),
    Mistake("{a: §\\x}", "a backslash stands only in strings and patterns"),
    # what would have to run
    Mistake("{a: 1 §+ 1}", f"'+' {NOTHING_RUNS}", AS_IT_IS),
    Mistake("{a: 2§*3}", f"'*' {NOTHING_RUNS}", AS_IT_IS),
    Mistake("{a: §!0}", f"'!' {NOTHING_RUNS}", AS_IT_IS),
    Mistake("{a: -§-1}", "'-' stands in front of a number, not of -"),
    Mistake('{a: -§"1"}', "'-' stands in front of a number, not of \"1\""),
    Mistake("{a: §-x}", f"'-' {NOTHING_RUNS}"),
    Mistake("{a: §+5n}", "JavaScript knows no '+' in front of a BigInt", "leave it out"),
    Mistake("{a: §`${1}`}", "a template with ${…} has to be evaluated, and nothing is", AS_IT_IS),
    Mistake(
        "{a: §function() { return 1 }}",
        "a function is no value",
        "functions are never run; a filter holds values",
    ),
    Mistake("{a: x §=> 1}", f"'=' {NOTHING_RUNS}", AS_IT_IS),
    Mistake("{a: [1]§[0]}", "',' is missing in front of ["),
    Mistake("{a: 'x'§.length}", f"'.' {NOTHING_RUNS}", AS_IT_IS),
    Mistake("{a: §Math.max(1)}", "there is no constructor Math.max"),
    Mistake("{a: §__import__('os')}", "there is no constructor __import__"),
    Mistake("{a: §constructor.constructor('x')}", "there is no constructor constructor.constructor"),
    # strings, comments and patterns without an end
    Mistake('{a: §"x}\n', 'the string is not closed on its line: there is no second "', "close the quote"),
    Mistake("{a: §'x\n'}", "the string is not closed on its line: there is no second '", "close the quote"),
    Mistake("{a: §`x}", "the template is not closed: there is no second `", "close the quote"),
    Mistake("{a: 1 §/* x }", "the comment is not closed", "write '*/' behind it"),
    Mistake("{a: §/x}", "the regular expression is not closed on its line", "write /pattern/i"),
    Mistake("{a: §/[/}", "the regular expression is not closed on its line", "write /pattern/i"),
    Mistake("{a: /x/§g}", "the flag g is JavaScript's, not MongoDB's", FLAGS),
    Mistake("{a: /x/i§i}", "'ii' are no flags", f"{FLAGS}, each once"),
    Mistake("{a: /x/i§Z}", "'iZ' are no flags", f"{FLAGS}, each once"),
    Mistake(r"{a: 'x§\xZZ'}", r"\x is no escape here", ESCAPES),
    Mistake(r"{a: 'x§\u12'}", r"\u is no escape here", ESCAPES),
    Mistake(r"{a: '§\01'}", r"\0 is no escape here", ESCAPES),
    Mistake(r"{a: '§\7'}", r"\7 is no escape here", ESCAPES),
    Mistake(r"{a: '§\8'}", r"\8 is no escape here", ESCAPES),
    Mistake(r"{a: '§\u{110000}'}", "an escape beyond U+10FFFF"),
    Mistake(r"{a: §'\ud800'}", SURROGATE),
    Mistake("{a: §'\ud800'}", SURROGATE),
    Mistake("{§\udc00: 1}", SURROGATE),
    Mistake(
        '{a: BSONRegExp(§"a\\0")}',
        "BSON regex patterns hold no NUL character",
        'write BSONRegExp("pattern", "i")',
    ),
    # numbers
    Mistake(
        "{a: §010}",
        "a number with a leading zero: JavaScript may read it as octal",
        "write 10, or 0o… for an octal number",
    ),
    Mistake("{a: §1__0}", "1__0 is no number", "write text in quotes"),
    Mistake("{a: §5px}", "5px is no number", "write text in quotes"),
    Mistake("{a: §0x}", "0x is no number", "write text in quotes"),
    Mistake("{a: §1.2.3}", "1.2.3 is no number", "write text in quotes"),
    Mistake("{a: §9223372036854775808n}", "an integer of more than 64 bits"),
    Mistake("{a: §1" + "0" * 70 + "n}", "an integer of more than 64 bits"),
    # calls
    Mistake('{a: §ISOdate("2026-01-01")}', "there is no constructor ISOdate", "did you mean ISODate?"),
    Mistake('{a: §ObjectID("x")}', "there is no constructor ObjectID", "did you mean ObjectId?"),
    Mistake('{a: §Foo("x")}', "there is no constructor Foo"),
    Mistake('{a: ISODate(§"2026-02-30")}', "'2026-02-30' is no date", DATES),
    Mistake('{a: ISODate(§"yesterday")}', "'yesterday' is no date", DATES),
    Mistake('{a: ISODate(§"2026-01-31T25:00")}', "'2026-01-31T25:00' is no date", DATES),
    Mistake('{a: ISODate(§"2026-01-31T00:00:00+24:00")}', "'2026-01-31T00:00:00+24:00' is no date", DATES),
    Mistake("{a: §ISODate()}", f"ISODate() {NO_CLOCK}", DATES),
    Mistake("{a: §new Date()}", f"new Date() {NO_CLOCK}", NEW_DATE),
    Mistake("{a: §new Date}", f"new Date() {NO_CLOCK}", NEW_DATE),
    Mistake(
        '{a: new Date(§"2026-01-31T10:00")}',
        "a time without a zone is local time, which differs from machine to machine",
        "write 2026-01-31T10:00Z for UTC, or ISODate(…), which is UTC",
    ),
    Mistake("{a: §new Date(2026, 0, 31)}", "new Date does not take this", NEW_DATE),
    Mistake(
        "{a: new Date(§8640000000000001)}",
        "8640000000000001 is not an instant of JavaScript, in milliseconds",
        NEW_DATE,
    ),
    Mistake(
        '{a: §Date("2026-01-31")}',
        "there is no constructor Date",
        'write ISODate("…") or new Date("…"); without new, Date is the current time as a string',
    ),
    Mistake("{a: §ObjectId()}", f"ObjectId() {NO_CLOCK}", OID),
    Mistake('{a: ObjectId(§"xyz")}', "'xyz' is no ObjectId: it has 24 hexadecimal digits", OID),
    Mistake("{a: ObjectId(§5)}", "ObjectId does not take this", OID),
    Mistake("{a: §UUID()}", f"UUID() {NO_CLOCK}", 'write UUID("01234567-89ab-cdef-0123-456789abcdef")'),
    Mistake(
        "{a: NumberLong(§9007199254740993)}",
        "the number may have lost digits already",
        "JavaScript's numbers hold 53 bits: write the digits in quotes",
    ),
    Mistake("{a: NumberLong(§1.5)}", "1.5 is no whole number", 'write NumberLong("5")'),
    Mistake("{a: NumberInt(§2147483648)}", "2147483648 is not an integer of 32 bits", "write NumberInt(5)"),
    Mistake('{a: NumberInt(§"5x")}', "5x is no whole number", "write NumberInt(5)"),
    Mistake('{a: NumberDecimal(§"1,5")}', "'1,5' is no number", 'write NumberDecimal("0.1")'),
    Mistake(
        '{a: NumberDecimal(§"1' + "0" * 33 + '1")}',
        "10000000000000000000000000000000001 has more digits than a decimal of 128 bits can hold",
        'write NumberDecimal("0.1")',
    ),
    Mistake(
        "{a: §Timestamp(1, -1)}",
        "-1 is not an integer of 32 bits without a sign",
        "write Timestamp(1, 2) or Timestamp({t: 1, i: 2})",
    ),
    Mistake("{a: §BinData(0, 'x')}", "'x' is not base64", 'write BinData(0, "AQID")'),
    Mistake("{a: §BinData(256, '')}", "256 is not a subtype: those are 0 to 255", 'write BinData(0, "AQID")'),
    Mistake("{a: §HexData(0, '0')}", "'0' is not hexadecimal", 'write HexData(0, "010203")'),
    Mistake("{a: MinKey(§1)}", "MinKey does not take this", "write MinKey()"),
    Mistake("{a: Code(§5)}", "Code does not take this", 'write Code("return 1") or Code("return x", {x: 1})'),
    # Extended JSON whose text stands for nothing, and types that no driver sends
    Mistake('{a: §{"$oid": "5"}}', "'5' is no ObjectId: it has 24 hexadecimal digits"),
    Mistake('{a: §{"$date": "today"}}', "'today' is no date", DATES),
    Mistake(
        '{a: §{"$numberLong": "9223372036854775808"}}',
        "9223372036854775808 is not an integer of 64 bits",
        'write NumberLong("5")',
    ),
    Mistake(
        '{a: §{"$regularExpression": {"pattern": "a", "options": "q"}}}',
        "'q' are no options",
        "BSON has i, l, m, s, u, x",
    ),
    Mistake(
        '{a: §{"$undefined": true}}',
        "the BSON type undefined is deprecated, and no driver sends it",
        "write null, or leave the field out",
    ),
    Mistake(
        '{a: §{"$dbPointer": {"$ref": "a", "$id": 1}}}',
        "the BSON type dbPointer is deprecated, and no driver sends it",
        "write DBRef(…)",
    ),
    # the text as a whole
    Mistake("§", "the text is empty", "a filter is a document: {field: value}"),
    Mistake("§ \n\t", "the text is empty", "a filter is a document: {field: value}"),
    Mistake("// {}§", "the text ends where a value has to stand", "a filter is a document: {field: value}"),
    Mistake("{a: 1}§;", "the text goes on after its value, with ';'", "leave the ';' out"),
    Mistake("{a: 1}§, {b: 1}", "the text goes on after its value, with ','", "leave the ',' out"),
    Mistake("{a: 1} §{b: 1}", "the text goes on after its value, with {", "write one document, in { }"),
    Mistake("db.tasks§.find({a: 1})", "calls are not run", FIND),
    Mistake("§db.find({a: 1})", "there is no constructor db.find", FIND),
    Mistake("{a: " + "[" * 449 + "§[", "brackets nest deeper than 450 levels, and BSON than 200", code=15),
]


def refused(text: str, **options: Any) -> FilterError:
    with pytest.raises(FilterError) as caught:
        mongoglot.compile(text, **options)
    return caught.value


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: ascii(mistake.text)[:60])
def test_what_is_said_of_a_text(mistake: Mistake) -> None:
    before, text = mistake.text.split("§")[0], mistake.text.replace("§", "", 1)
    error = refused(text)
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    if mistake.reason.startswith("the text ends"):  # behind what was last written
        line, column = before.rstrip().count("\n") + 1, len(before.rstrip()) - before.rstrip().rfind("\n")
    assert (error.reason, error.hint, error.code) == (mistake.reason, mistake.hint, mistake.code)
    assert (error.line, error.column, error.path) == (line, column, "")
    assert error.code_name == {9: "FailedToParse", 15: "Overflow"}[mistake.code]
    advice = f"; {error.hint}" if error.hint else ""
    assert str(error) == f"{error.reason} (line {line}, column {column}){advice}\n{error.excerpt}"


def test_the_place_is_shown() -> None:
    assert str(refused("{\n  status: 'open',\n  price {$gt: 5}\n}")) == (
        "':' is missing in front of { (line 3, column 9); write {field: value}\n    price {$gt: 5}\n          ^"
    )
    assert refused("{a:\t\u200b\x1b 1}").excerpt == "  {a:    1}\n      ^"


def test_a_long_line_is_cut_round_the_place() -> None:
    for text in (
        "{a: 1, " + " " * 500 + "b 2" + " " * 500 + "}",
        "{a: '" + "é" * 500 + "', b 2}",
        "{b 2}" + " " * 500,
    ):
        error = refused(text)
        shown, caret = (error.excerpt or "").split("\n")
        assert len(shown) <= 104
        assert shown[len(caret) - 1] == "2"
        assert text[(error.column or 0) - 1] == "2"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\u2028", "\u2029"])
def test_lines_end_as_in_javascript(end: str) -> None:
    error = refused(f"{{{end}a: 1,{end}{end}  b 2}}")
    assert (error.line, error.column, error.excerpt) == (4, 5, "    b 2}\n      ^")


def test_columns_are_code_points() -> None:
    error = refused("{'😀é': 1, b 2}")
    assert error.column == 13


# ---- what the compiler finds later -----------------------------------------------------------------

LATER = [
    ("{$or: [\n  {a: 1},\n  {price: {§$gtee: 5}}\n]}", "$or[1].price.$gtee", "unknown operator: $gtee"),
    ("{a: 1, §$foo: 2}", "$foo", "unknown top level operator: $foo"),
    ("{a: {b: 1}, 'c.d': {§'$gtt': 1}}", "c.d.$gtt", "unknown operator: $gtt"),
    ("{a: {§$in: 5}}", "a.$in", "$in needs an array"),
    ("{a: {$nin: [1, §{$gt: 1}]}}", "a.$nin[1]", "cannot nest $ under $nin"),
    ("{$and: [{a: 1}, §5]}", "$and[1]", "$or/$and/$nor entries need to be full objects"),
    ("{a: {$not: {§$exist: true}}}", "a.$not.$exist", "unknown operator: $exist"),
    ("{'a.b': 1, a: {b: 1, c: 2}, 'a.c': {§$x: 1}}", "a.c.$x", "unknown operator: $x"),
    ("{'a[0]': {§$x: 1}}", "a[0].$x", "unknown operator: $x"),
    ("{a: {$elemMatch: {b: {§$gtt: 1}}}}", "a.$elemMatch.b.$gtt", "unknown operator: $gtt"),
    ("{a: {$all: [{$elemMatch: {a: 1}}, §5]}}", "a.$all[1]", "$all/$elemMatch has to be consistent"),
    ("{a: {§$oid: 5}}", "a.$oid", "unknown operator: $oid"),
    (" § [1]", "", "a filter is a mapping, not list"),
    (" §'a'", "", "a filter is a mapping, not str"),
    ("§" + '{"$oid": "0123456789abcdef01234567"}', "", "a filter is a mapping, not ObjectId"),
    ("{a: " + "[" * 199 + "§[1]" + "]" * 199 + "}", "", "the filter nests deeper than 200 levels"),
]


@pytest.mark.parametrize(
    ("marked", "path", "reason"), LATER, ids=[path or reason for _, path, reason in LATER]
)
def test_errors_of_the_compiler_have_their_place_in_the_text(marked: str, path: str, reason: str) -> None:
    marked = marked.replace(" § [", "  §[")
    text = marked.replace("§", "")
    before = marked.split("§")[0]
    error = refused(text)
    assert error.reason.startswith(reason)
    assert (error.path, error.line) == (path, before.count("\n") + 1)
    assert error.column == len(before) - before.rfind("\n")
    place = f"at {path}, " if path else ""
    assert f"({place}line {error.line}, column {error.column})" in str(error)
    document = from_text(text)
    if isinstance(document, dict):
        with pytest.raises(FilterError) as caught:
            mongoglot.compile(document)
        assert (caught.value.code, caught.value.reason, caught.value.hint) == (
            error.code,
            error.reason,
            error.hint,
        )
        assert (caught.value.line, caught.value.column, caught.value.excerpt) == (None, None, None)


def test_what_is_not_compiled_yet_has_its_place_too() -> None:
    error = refused(r"{a: 1, b: /\C/}")
    assert isinstance(error, NotYetError)
    assert (error.line, error.column) == (1, 8)


def test_errors_survive_the_way_between_processes() -> None:
    for text in ("{a = 1}", "{a: {$gtt: 1}}"):
        error = refused(text)
        again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
        assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))
        assert again.line == 1
    query = pickle.loads(pickle.dumps(mongoglot.compile("{a: 1}")))  # noqa: S301 - our own
    assert (query.text, query.matches({"a": 1})) == ("{a: 1}", True)


# ---- hostile text ------------------------------------------------------------------------------------

SIZE = 1_000_000
BOMBS = [
    "[" * SIZE, "{a:" * SIZE, "(" * SIZE, "{a:(" * SIZE, "Code(" * SIZE, "]" * SIZE, '"' * SIZE,
    "'" * (SIZE + 1), "`" * (SIZE + 1),
    "`" + "$" * SIZE, "/*" * SIZE, "/*" + "*" * SIZE, "/" * SIZE, "//\n" * (SIZE // 20), "," * SIZE,
    "[" + "," * SIZE, ":" * SIZE,
    "-" * SIZE, "{a:" + "-" * SIZE, " " * SIZE, "\n" * SIZE + "x", "\\" * SIZE, '"' + "\\" * SIZE,
    "{a: /" + "[" * SIZE, "{a: /" + "\\/" * SIZE,
    "{a: 1" + "_" * SIZE, "{a: " + "1e" * SIZE, "{a: " + "1" * SIZE + "n}", "{a: 0x" + "f" * SIZE + "n}",
    "{a: 1" + "_1" * SIZE + "_}",
    "." * SIZE, "x." * SIZE, "{" + "x" * SIZE, "{a: " + "x" * SIZE + "()}", "{a: " + "\\u0061" * SIZE,
    "“" * SIZE, "\u2028" * SIZE,
    'ISODate("' + "1" * SIZE + '")', 'NumberDecimal("' + "1" * SIZE + '")',
    'NumberLong("' + "1" * SIZE + '")', 'ObjectId("' + "a" * SIZE + '")',
    'Double("' + "1" * SIZE + 'x")', 'BinData(0, "' + "A" * SIZE + '!")', '"' + "\\ud800" * SIZE + '"',
    "{a: [" + "{b: 1}, " * (SIZE // 20) + "!",
    "{" + ",".join(f"a{n}: 1" for n in range(SIZE // 20)) + ", a5: 1}", "new " * SIZE, "{a: 1}" + ";" * SIZE,
]  # fmt: skip


@pytest.mark.parametrize("text", BOMBS, ids=[ascii(text[:12]) for text in BOMBS])
def test_long_texts(text: str) -> None:
    error = refused(text)  # where time were quadratic, this would take hours
    assert error.code in (9, 15)
    assert len(str(error)) < 1000


def test_long_texts_that_are_right() -> None:
    assert len(from_text("[" + "1," * (SIZE // 20) + "]")) == SIZE // 20
    assert from_text('"' + "\\x41" * SIZE + '"') == "A" * SIZE
    assert from_text("1" * SIZE) == float("inf")
    assert from_text("/*" + "x" * SIZE + "*/{}") == {}


PIECES = [
    *"{}[]():,.;+-*/=!?@#%&|^~<>\\'\"`$ \n\t", "{", "}", "[", "]", ":", ",", "{a: ", "{$or: [", "}]", "a",
    "$gt", "$in", "$oid", "$date", "1", "-0", "0x1f", "10n",
    "1.5e3", ".5", "'x'", '"y"', "`z`", "`${", "/a/i", "/[", "//", "/*", "*/", "new ", "null", "true", "NaN",
    "Infinity", "undefined", "None", "\\u0061",
    "\\x41", "\ud800", "😀", "é", "\u2028", "\x00", "“", "{'$date': ", "{$numberLong: '5'}",
    "{$binary: 'AQID', $type: '00'}", *CONSTRUCTORS, "Date", "...", "=>",
    *(f"{name}(" for name in CONSTRUCTORS), "('5')", "(1, 2)", '("2026-01-01")', "{}", "[1]",
]  # fmt: skip


def compiled_or_refused(text: str) -> bool:
    try:
        mongoglot.compile(text)
    except FilterError as error:
        found = error
    else:
        return True
    assert None not in (found.line, found.column, found.excerpt)
    assert len(str(found)) < 2000
    return False


def test_random_tokens() -> None:
    rng = random.Random(3)
    texts = ["".join(rng.choice(PIECES) for _ in range(rng.randrange(1, 12))) for _ in range(4000)]
    assert sum(map(compiled_or_refused, texts)) < len(texts)


def test_damaged_texts() -> None:
    """A right text with a piece taken out, put in or replaced."""
    rng = random.Random(4)
    right = (
        "{a: {$in: [1, 'x', ISODate(\"2026-01-31\")]}, "
        "$or: [{b: null}, {'c.d': {$gt: NumberLong(5)}}], /* e */ f: -1.5}"
    )
    assert compiled_or_refused(right)
    answers = []
    for _ in range(3000):
        low = rng.randrange(len(right))
        high = min(len(right), low + rng.choice((0, 1, 1, 2, 8)))
        answers.append(compiled_or_refused(right[:low] + rng.choice(["", "", *PIECES]) + right[high:]))
    assert {True, False} == set(answers)


@given(st.text(max_size=40))
def test_any_text(text: str) -> None:
    compiled_or_refused(text)
    compiled_or_refused("{a: " + text)


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_any_tokens(text: str) -> None:
    compiled_or_refused(text)
    compiled_or_refused("{a: " + text + "}")
