"""Values as text that reads back to exactly the same BSON, and text to values."""

from __future__ import annotations

import base64
import datetime
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, final

from bson import Binary, Decimal128, Int64

from mongoglot.compiler.instants import instant, milliseconds
from mongoglot.compiler.normalise import checked_name, normalise
from mongoglot.compiler.values import (
    MAX_DEPTH,
    Document,
    ValueClass,
    as_mapping,
    check_text,
    regex_options,
    value_class,
)
from mongoglot.errors import EncodingDepthError, EncodingError, FilterError, UnsupportedError, joined
from mongoglot.grammar.extended_json import is_wrapper_like
from mongoglot.grammar.javascript import (
    INT32,
    JAVASCRIPT_DATES,
    is_identifier,
    is_pattern,
    number_text,
    quoted,
)


def from_text(text: str) -> Any:
    """The document, or other value, that a text of mongosh stands for. Nothing in it is evaluated.

    Returns:
        values as `bson` has them: dates as aware datetimes, BigInts and `NumberLong` as `Int64`.

    Raises:
        FilterError: (code 9) the text cannot be read; the error has line, column and a hint.
    """
    from mongoglot.grammar import shell  # loads Lark

    return shell.read(text)


@contextmanager
def located(text: str) -> Iterator[None]:
    """Inside it, an error about a filter that came from a text also says where in the text it is."""
    try:
        yield
    except FilterError as error:
        if error.line is None:
            from mongoglot.grammar import shell

            shell.locate(text, error)
        raise


def to_text(value: Any, *, indent: int | None = None) -> str:
    """A filter, or any other value of BSON, as one would type it in mongosh.

    The text reads back to the same BSON, type for type. A document that would be read as Extended JSON has its
    first name in brackets, `{["$oid"]: …}`, which no reader takes for Extended JSON.

    Args:
        value: of BSON's types.
        indent: by how many spaces each level is indented; None for one line.

    Raises:
        EncodingError: BSON cannot hold a value, or it nests deeper than 200 levels; the error has its path.
        UnsupportedError: `indent` is no number of spaces.
    """
    if indent is not None and (type(indent) is not int or not 0 <= indent <= 100):
        raise UnsupportedError(f"indent is a number of spaces from 0 to 100 or None, not {indent!r}")
    return _Writer(indent).write(value)


@final
@dataclass(slots=True)
class _Level:
    """A document or array that is being written, or a call around one.

    Attributes:
        place: of it in what encloses it.
        parts: what is still to be written: its place, what stands in front, and the value.
        closing: what stands behind the last part.
        depth: levels of documents and arrays down to here.
        wraps: whether its one part goes on the same line.
    """

    place: str
    parts: Iterator[tuple[str, str, Any]]
    closing: str
    depth: int
    wraps: bool = False
    count: int = 0


class _Writer:
    """Writes one value, keeping its own stack: Python's is not used up by what nests."""

    def __init__(self, indent: int | None) -> None:
        self._indent = indent
        self._pieces: list[str] = []
        self._levels: list[_Level] = []

    def write(self, value: Any) -> str:
        try:
            self._value("", value)
            while self._levels:
                self._part(self._levels[-1])
        except EncodingError as error:
            for level in reversed(self._levels):
                error.path = joined(level.place, error.path) if level.place else error.path
            raise
        return "".join(self._pieces)

    def _part(self, level: _Level) -> None:
        """Write the next part of the innermost level, or its end."""
        part = next(level.parts, None)
        if part is None:
            self._levels.pop()
            if level.count and not level.wraps:
                self._break(level.depth - 1)
            self._pieces.append(level.closing)
            return
        if not level.wraps:
            if level.count:
                self._pieces.append("," if self._indent is not None else ", ")
            self._break(level.depth)
        level.count += 1
        place, prefix, value = part
        self._pieces.append(prefix)
        self._value(place, value)

    def _break(self, depth: int) -> None:
        if self._indent is not None:
            self._pieces.append("\n" + " " * (self._indent * depth))

    def _value(self, place: str, value: Any) -> None:
        """Write a value without parts, or what a value with parts begins with."""
        depth = self._levels[-1].depth if self._levels else 0
        try:
            kind = value_class(value)
            if kind in _SCALARS:
                self._pieces.append(_SCALARS[kind](value))
                return
        except EncodingError as error:
            error.path = place
            raise
        if depth >= MAX_DEPTH:
            raise EncodingDepthError(f"BSON documents nest at most {MAX_DEPTH} levels")
        if kind == "array":
            items = ((f"[{index}]", "", item) for index, item in enumerate(value))
            self._open("[", _Level(place, items, "]", depth + 1))
        elif kind == "scoped code":
            scope = iter([("", "", value.scope)])
            self._open(f"Code({_quoted(value)}, ", _Level(place, scope, ")", depth, wraps=True))
        else:
            self._open("{", _Level(place, _fields(as_mapping(value)), "}", depth + 1))

    def _open(self, opening: str, level: _Level) -> None:
        self._pieces.append(opening)
        self._levels.append(level)


# ---- names and scalars ---------------------------------------------------------------------------


def _fields(document: Document) -> Iterator[tuple[str, str, Any]]:
    """The fields of a document, each with its name as it is written."""
    is_first_plain = is_wrapper_like(document)
    for name, value in document.items():
        text = checked_name(name)
        written = text if is_identifier(text) else quoted(text)
        if is_first_plain or text == "__proto__":  # which would set the prototype of a JavaScript object
            written = f"[{quoted(text)}]"
        is_first_plain = False
        yield text, f"{written}: ", value


def _quoted(value: str) -> str:
    check_text(value)
    return quoted(str.__str__(value))


def _int(value: int) -> str:
    return (
        str(int(value))
        if int(value) in INT32 and not isinstance(value, Int64)
        else f'NumberLong("{int(value)}")'
    )


def _double(value: float | Decimal128) -> str:
    """A double as a number that mongosh would not send as an int; a NaN may be a decimal."""
    if isinstance(value, Decimal128):
        return _decimal(value)
    if value == 0 and str(float(value)) == "-0.0":
        return "-0"
    is_whole = float(value).is_integer() and int(value) in INT32
    return f"Double({int(value)})" if is_whole else number_text(float(value))


def _decimal(value: Decimal128) -> str:
    exact = value.to_decimal()
    return f'NumberDecimal("{exact if exact.is_nan() else value}")'  # whose str() forgets the sign of a NaN


def _binary(value: bytes) -> str:
    subtype = value.subtype if isinstance(value, Binary) else 0
    if subtype == 4 and len(value) == 16:
        digits = bytes(value).hex()
        parts = (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])
        return f'UUID("{"-".join(parts)}")'
    return f'BinData({subtype}, "{base64.b64encode(value).decode()}")'


def _date(value: Any) -> str:
    millis = milliseconds(value)
    moment = instant(millis)
    if isinstance(moment, datetime.datetime):
        return f'ISODate("{moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds")}Z")'
    if millis in JAVASCRIPT_DATES:
        return f"new Date({millis})"
    return f'{{$date: {{$numberLong: "{millis}"}}}}'


def _regex(value: Any) -> str:
    regex = normalise(value)
    options = regex_options(regex)
    if is_pattern(regex.pattern) and set(options) <= set("imsx"):
        return f"/{regex.pattern}/{options}"
    return f"BSONRegExp({quoted(regex.pattern)}, {quoted(options)})"


_SCALARS: Final[Mapping[ValueClass, Callable[[Any], str]]] = {
    "null": lambda _: "null",
    "bool": lambda value: "true" if value else "false",
    "int": _int,
    "double": _double,
    "nan": _double,
    "decimal": _decimal,
    "string": _quoted,
    "binary": _binary,
    "objectid": lambda value: f'ObjectId("{value}")',
    "date": _date,
    "timestamp": lambda value: f"Timestamp({value.time}, {value.inc})",
    "regex": _regex,
    "code": lambda value: f"Code({_quoted(value)})",
    "minkey": lambda _: "MinKey()",
    "maxkey": lambda _: "MaxKey()",
}
"""How each class of value without parts is written."""

__all__ = ["from_text", "located", "to_text"]
