"""Files of documents: Extended JSON, CSV, what one types in mongosh, BSON; each document with its place."""

from __future__ import annotations

import csv
import json
import sys
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeAlias, cast, final

import bson
from bson import json_util
from bson.codec_options import CodecOptions, DatetimeConversion

from mongoglot.cli.cells import from_cell, with_formula
from mongoglot.cli.extended_json import READ, UNREADABLE, from_json
from mongoglot.cli.main import BadInputError
from mongoglot.compiler.normalise import normalise_document
from mongoglot.errors import MongoglotError
from mongoglot.grammar.text import from_text

FORMATS: Final = ("ndjson", "json", "csv", "shell", "bson")

ENDINGS: Final = {
    ".ndjson": "ndjson", ".jsonl": "ndjson", ".json": "json", ".csv": "csv", ".tsv": "csv", ".js": "shell",
    ".bson": "bson",
}  # fmt: skip
"""The format of a file by the ending of its name."""

STANDARD_INPUT: Final = "-"

_CODEC: Final[CodecOptions[dict[str, Any]]] = CodecOptions(
    datetime_conversion=DatetimeConversion.DATETIME_AUTO
)


Check: TypeAlias = Callable[[int, dict[str, Any]], dict[str, Any]]
"""What makes of a line's number and its document the document that is wanted; an error says that it is bad."""


@final
class RowError(ValueError):
    """A row of CSV that is no document; the text says why."""


@final
@dataclass(frozen=True, slots=True)
class Found:
    """A document of a file.

    Attributes:
        number: its line, or the number of the document in a file that has no lines; from 1.
        document: in it.
    """

    number: int
    document: dict[str, Any]


@final
@dataclass(frozen=True, slots=True)
class Bad:
    """What is no document.

    Attributes:
        number: its line.
        reason: what is wrong with it.
        last: whether nothing behind it can be read.
    """

    number: int
    reason: str
    last: bool = False


def format_of(file: str) -> str:
    """The format of a file by its name; JSON lines where that says nothing."""
    return ENDINGS.get(Path(file).suffix.lower(), "ndjson")


@contextmanager
def reading(file: str) -> Iterator[BinaryIO]:
    """The bytes of a file, or of standard input."""
    if file == STANDARD_INPUT:
        yield cast("BinaryIO", sys.stdin.buffer)
        return
    with open(file, "rb") as stream:
        yield stream


def documents(file: str, form: str | None = None) -> Iterator[dict[str, Any]]:
    """The documents of a file.

    Raises:
        BadInputError: a line holds none.
    """
    with reading(file) as stream:
        for item in found_in(stream, form or format_of(file), file):
            if isinstance(item, Bad):
                raise BadInputError(place(file, item))
            yield item.document


def place(file: str, item: Found | Bad) -> str:
    """Where something is, and what is wrong with it."""
    what = f": {item.reason}" if isinstance(item, Bad) else ""
    return f"{'standard input' if file == STANDARD_INPUT else file}, line {item.number}{what}"


def normalised(_: int, document: dict[str, Any]) -> dict[str, Any]:
    """A document of a line with values as a store gives them."""
    return normalise_document(document)


def found_in(stream: BinaryIO, form: str, file: str, check: Check = normalised) -> Iterator[Found | Bad]:
    """What is in a file, in its order.

    Args:
        stream: its bytes.
        form: one of `FORMATS`.
        file: its name; `.tsv` has tabs between its values.
        check: what is made of each document.
    """
    match form:
        case "csv":
            return _rows(stream, check, "\t" if file.lower().endswith(".tsv") else ",")
        case "bson":
            return _encoded(stream, check)
        case "json":
            return _values(stream, check)
        case "shell":
            return _lines(stream, check, from_text)
        case _:
            return _lines(stream, check, from_json)


def _checked(number: int, read: Callable[[], Any], check: Check) -> Found | Bad:
    """A document that BSON can hold, or why it is none."""
    try:
        value = read()
        if not isinstance(value, dict):
            return Bad(number, f"holds no document but {type(value).__name__}")
        return Found(number, check(number, value))
    except json.JSONDecodeError as error:
        return Bad(number, f"{error.msg}, at column {error.pos + 1}")
    except (*UNREADABLE, MongoglotError) as error:
        return Bad(number, (str(error).splitlines() or [type(error).__name__])[0])


def _lines(stream: BinaryIO, check: Check, read: Callable[[str], Any]) -> Iterator[Found | Bad]:
    for number, line in enumerate(stream, 1):
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            yield Bad(number, _not_utf8(line, error), last=line.startswith((b"\xff\xfe", b"\xfe\xff")))
            continue
        if text.strip():
            yield _checked(number, partial(read, text), check)


def _not_utf8(data: bytes, error: UnicodeDecodeError) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "the file is UTF-16: it has to be UTF-8"
    return f"is not UTF-8: byte {data[error.start]:#04x} at column {error.start + 1}"


def _rows(stream: BinaryIO, check: Check, delimiter: str) -> Iterator[Found | Bad]:
    """The rows of CSV; what is not UTF-8 is found in its own row."""
    csv.field_size_limit(2**31 - 1)
    reader = csv.reader(_decoded(stream), delimiter=delimiter, strict=True)
    names: list[str] | None = None
    while True:
        number = reader.line_num + 1
        try:
            row = next(reader, None)
        except csv.Error as error:
            yield Bad(number, str(error))
            continue
        if row is None:
            return
        if not row:
            continue
        if names is None:
            names = list(map(with_formula, row))
            if len(set(names)) < len(names):
                yield Bad(number, "two columns have the same name", last=True)
                return
        elif len(row) > len(names):
            yield Bad(number, f"has more values than the {len(names)} columns")
        else:
            yield _checked(number, partial(_row, names, row), check)


def _decoded(stream: BinaryIO) -> Iterator[str]:
    """The lines of a file; bytes that are not UTF-8 become halves of characters."""
    for number, line in enumerate(stream):
        yield (line if number else line.removeprefix(BOM_UTF8)).decode("utf-8", "surrogateescape")


def _row(names: list[str], row: list[str]) -> dict[str, Any]:
    """A row as a document; a name with dots is a path, and an empty value is none."""
    document: dict[str, Any] = {}
    for name, value in zip(names, row, strict=False):
        odd = next((letter for letter in value if "\udc80" <= letter <= "\udcff"), None)
        if odd is not None:
            raise RowError(f"the column {name!r} is not UTF-8: byte {ord(odd) - 0xDC00:#04x}")
        if value:
            *above, last = name.split(".")
            at = document
            for step in above:
                at = at.setdefault(step, {})
                if not isinstance(at, dict):
                    raise RowError(f"the column {name!r} is below one that holds a value")
            if last in at:
                raise RowError(f"the column {name!r} is above one that holds a value")
            at[last] = from_cell(value)
    return document


def _values(stream: BinaryIO, check: Check) -> Iterator[Found | Bad]:
    """The documents of JSON over any lines: one after the other, or in one array."""
    data = stream.read()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = data.count(b"\n", 0, error.start) + 1
        yield Bad(number, _not_utf8(data, error), last=True)
        return
    decoder = json.JSONDecoder(object_pairs_hook=lambda pairs: json_util.object_pairs_hook(pairs, READ))
    at, line, counted, inside = 0, 1, 0, False
    while True:
        at = _after_space(text, at)
        if not inside and text[at : at + 1] == "[":
            inside, at = True, _after_space(text, at + 1)
        if inside and text[at : at + 1] == "]":
            inside, at = False, _after_space(text, at + 1)
        line, counted = line + text.count("\n", counted, at), at
        if at == len(text):
            if inside:
                yield Bad(line, "the array is not closed", last=True)
            return
        try:
            value, at = decoder.raw_decode(text, at)
        except UNREADABLE as error:
            where = getattr(error, "lineno", line)
            yield Bad(where, f"{getattr(error, 'msg', error)}", last=True)
            return
        yield _checked(line, partial(_same, value), check)
        at = _after_space(text, at)
        if inside and text[at : at + 1] == ",":
            at += 1
        elif inside and text[at : at + 1] not in ("]", ""):
            yield Bad(line + text.count("\n", counted, at), "',' or ']' is missing", last=True)
            return


def _same(value: Any) -> Any:
    return value


def _after_space(text: str, at: int) -> int:
    while text[at : at + 1].isspace():
        at += 1
    return at


def _encoded(stream: BinaryIO, check: Check) -> Iterator[Found | Bad]:
    """The documents of a file that mongodump or `dump --format bson` wrote; they have numbers, no lines."""
    number = 0
    while True:
        number += 1
        head = stream.read(4)
        if not head:
            return
        size = int.from_bytes(head, "little", signed=True)
        body = stream.read(size - 4) if size >= 5 else b""
        if len(head) < 4 or len(body) != size - 4:
            yield Bad(number, "the file ends in a document, or is no BSON", last=True)
            return
        yield _checked(number, partial(bson.decode, head + body, _CODEC), check)
