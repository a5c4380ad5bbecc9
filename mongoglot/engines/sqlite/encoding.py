"""Documents as the JSON text that SQLite keeps as JSONB.

JSON has null, booleans, strings, arrays, objects, int64 and doubles; every other value is a tag (`tags.py`).
`{"a": 5, "at": datetime(2026, 1, 1)}` is stored as `{"a":5,"at":"<U+10FFFF>K2026-01-01T00:00:00.000Z"}`.
"""

from __future__ import annotations

import base64
import datetime
from collections.abc import Callable, Iterable
from json import JSONDecoder
from json.encoder import encode_basestring as _quote  # keeps what is not ASCII as it is
from typing import Any, Final

import bson
import orjson
from bson import Binary, Code, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.datetime_ms import DatetimeMS
from bson.raw_bson import RawBSONDocument

from mongoglot.compiler.normalise import normalise
from mongoglot.engines.sql.number_keys import number_of
from mongoglot.engines.sql.tags import END, ESCAPED, LETTERS, STRINGS, TAG, Writers, date_body, unescaped

# ---- documents to JSON ---------------------------------------------------------------------------


def encode(document: dict[str, Any]) -> str:
    """The JSON text of a normalised document: for one column of SQLite's JSONB, with names in their order."""
    try:
        text = orjson.dumps(document, option=_ONLY_JSON)
    except TypeError:  # a value that JSON has no type for
        return _object(document)
    # orjson writes NaN and infinities as null, too; and a string may have to be told from a tag
    return _object(document) if b"null" in text or _TAG_BYTES in text else text.decode()


_ONLY_JSON: Final = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS

_TAG_BYTES: Final = TAG.encode()


def _object(document: dict[str, Any]) -> str:
    fields = [
        NAMES[name]
        + (_quote(value) if value.__class__ is str and value < TAG else JSON[value.__class__](value))
        for name, value in document.items()
    ]
    return "{" + ",".join(fields) + "}"


def _array(array: list[Any]) -> str:
    return "[" + ",".join([JSON[item.__class__](item) for item in array]) + "]"


def int64_text(value: Int64) -> str:
    """An exponent tells a small int64 from an int32; SQLite keeps the spelling and compares the number."""
    return f"{value:d}" if not -(2**31) <= value < 2**31 else f"{value:d}e0"


def double_text(value: float) -> str:
    """By repr, which has a point or an exponent other than 0 wherever the value is finite."""
    if value - value == 0.0:
        return repr(value)
    return _quote(STRINGS[float](value)) if value != value else "1e999" if value > 0 else "-1e999"


class _Names(dict[str, str]):
    """Quoted field names; the usual ones are remembered, as documents of a collection share them."""

    def __missing__(self, name: str) -> str:
        quoted = _quote(name) + ":"
        if len(name) <= 64:
            if len(self) >= 4096:
                self.clear()
            self[name] = quoted
        return quoted


NAMES: Final = _Names()


def _quoted(write: Callable[[Any], str]) -> Callable[[Any], str]:
    return lambda value: _quote(write(value))


_OPEN_OBJECTID: Final = '"' + TAG + LETTERS["objectid"]
_OPEN_DATE: Final = '"' + TAG + LETTERS["date"]

JSON: Final = Writers({kind: _quoted(write) for kind, write in STRINGS.items()})
JSON.update({
    type(None): lambda _: "null",
    bool: {False: "false", True: "true"}.__getitem__,
    int: repr,
    Int64: int64_text,
    float: double_text,
    dict: _object,
    list: _array,
    # The tags of common types need no quoting.
    ObjectId: lambda value: _OPEN_OBJECTID + str(value) + '"',
    datetime.datetime: lambda value: _OPEN_DATE + date_body(value) + '"',
    bytes: lambda value: f'"{STRINGS[bytes](value)}"',
})  # fmt: skip

# ---- JSON to documents ---------------------------------------------------------------------------


def decode(text: str) -> dict[str, Any]:
    """The document of a stored JSON text, each value of the type that `bson.decode` gives.

    Two differences: a subdocument with the fields of a DBRef stays a dict, and a date beyond Python's
    calendar is a `DatetimeMS`, where `bson.decode` raises by default.
    """
    data = text.encode()
    if _is_plain(data):
        plain: dict[str, Any] = orjson.loads(data)
        return plain
    if ("e0" in text and ("e0," in text or "e0}" in text or "e0]" in text)) or "1e999" in text:
        document: dict[str, Any] = _decode_exponents(text)[0]
    else:
        document = orjson.loads(text)
    _restore(document, document.items())
    return document


def decode_all(texts: list[str]) -> list[dict[str, Any]]:
    """`decode` of each text, faster than one after the other."""
    data = f"[{','.join(texts)}]".encode()
    if _is_plain(data):
        documents: list[dict[str, Any]] = orjson.loads(data)
        if len(documents) == len(texts):  # which they are, unless a text is no JSON
            return documents
    return list(map(decode, texts))


def _is_plain(data: bytes) -> bool:
    """Whether JSON holds nothing that another value stands for: no tag, no int64 and no exponent."""
    if _TAG_BYTE in data:
        return False
    digits = data.translate(_DIGITS)
    if _EXPONENT in digits:
        return False
    return _TEN_DIGITS not in digits or _TEN_DIGITS not in digits.replace(_TEN_DECIMALS, b"")


def _restore(container: Any, entries: Iterable[tuple[Any, Any]]) -> None:
    """Put back what JSON cannot say; `entries` are the container's names or positions with their values."""
    for place, value in entries:
        kind = value.__class__
        if kind is str:
            if value >= TAG:
                container[place] = _RESTORERS[value[1]](value)
        elif kind is int:
            if not -2147483648 <= value < 2147483648:
                container[place] = Int64(value)
        elif kind is dict:
            _restore(value, value.items())
        elif kind is list:
            _restore(value, enumerate(value))


def _int64_or_double(text: str) -> float:
    return Int64(text[:-2]) if text.endswith("e0") else float(text)


_DIGITS: Final = bytes(ord("0") if chr(byte).isdigit() and byte < 128 else byte for byte in range(256))
"""Makes every digit a 0: a look for one text then finds all numbers of a form, faster than a pattern does."""

_TEN_DIGITS: Final = b"0" * 10
"""In all ints beyond 32 bits, which become `Int64`."""

_TEN_DECIMALS: Final = b"." + _TEN_DIGITS
"""In a double with many digits. An int has no point, so none is lost with them."""

_TAG_BYTE: Final = TAG.encode()[:1]
"""In no character below U+100000."""

_EXPONENT: Final = b"0e0"
"""In all numbers that are spelled to be told from others."""

_decode_exponents: Final = JSONDecoder(parse_float=_int64_or_double).raw_decode
"""Knows what exponents mean here: `5e0` is an int64, `1e999` is infinite, which orjson refuses."""


def _date_of(text: str) -> datetime.datetime | DatetimeMS:
    if text[2] in "!~":
        return DatetimeMS(int(text[3:]) - 2**63)
    return datetime.datetime.fromisoformat(text[2:-1])


def _binary_of(text: str) -> bytes:
    subtype = int(text[10:12], 16)
    data = bytes.fromhex(text[12:])
    return Binary(data, subtype) if subtype else data


def _regex_of(text: str) -> Regex[str]:
    pattern, _, options = text[2:].partition(END)
    return Regex(unescaped(pattern), options)


_RAW: Final = CodecOptions(RawBSONDocument, datetime_conversion=DatetimeConversion.DATETIME_AUTO)


def _scoped_code_of(text: str) -> Any:
    return normalise(bson.decode(base64.b64decode(text[text.rindex(" ") + 1 :]), _RAW)[""])


_RESTORERS: Final[dict[str, Callable[[str], Any]]] = {
    ESCAPED[1]: lambda text: text[2:],
    LETTERS["decimal"]: lambda text: number_of(text[2:]),
    LETTERS["binary"]: _binary_of,
    LETTERS["objectid"]: lambda text: ObjectId(bytes.fromhex(text[2:])),
    LETTERS["date"]: _date_of,
    LETTERS["timestamp"]: lambda text: Timestamp(int(text[2:10], 16), int(text[10:], 16)),
    LETTERS["regex"]: _regex_of,
    LETTERS["code"]: lambda text: Code(text[2:]),
    LETTERS["scoped code"]: _scoped_code_of,
    LETTERS["minkey"]: lambda _: MinKey(),
    LETTERS["maxkey"]: lambda _: MaxKey(),
}
