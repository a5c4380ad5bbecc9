"""Scalars as JavaScript writes them: from the spelling to the value that mongosh would send."""

from __future__ import annotations

import re
from typing import Any, Final

from bson import Int64, Regex

from mongoglot.grammar.javascript import INT32

INT64: Final = range(-(2**63), 2**63)


class UnfitError(Exception):
    """A spelling or an argument that stands for no value.

    Attributes:
        reason: what is wrong with it.
        hint: what was probably meant, or None.
        offset: how far behind the beginning of the token it is wrong, in code points.
    """

    def __init__(self, reason: str, hint: str | None = None, offset: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint
        self.offset = offset


# ---- numbers -------------------------------------------------------------------------------------

_DIGITS: Final = r"[0-9](?:_?[0-9])*+"
_DECIMAL: Final = re.compile(
    rf"(?:(?:0|[1-9](?:_?[0-9])*+)(?:\.(?:{_DIGITS})?)?|\.{_DIGITS})(?:[eE][+-]?{_DIGITS})?"
)
_INTEGER: Final = re.compile(
    r"(?:0[xX](?P<hex>[0-9A-Fa-f](?:_?[0-9A-Fa-f])*+)|0[oO](?P<octal>[0-7](?:_?[0-7])*+)"
    r"|0[bB](?P<binary>[01](?:_?[01])*+)|(?P<decimal>0|[1-9](?:_?[0-9])*+))(?P<big>n?)"
)
_BASES: Final = {"hex": 16, "octal": 8, "binary": 2}
_LEGACY_OCTAL: Final = re.compile(r"0[0-9]+")


def number_value(spelling: str) -> float | int:
    """The number that a token stands for, without a sign: a float, or for `10n` an int.

    Raises:
        UnfitError: it is no number of JavaScript.
    """
    found = _INTEGER.fullmatch(spelling)
    if found is not None and (found["big"] or found["decimal"] is None):
        return _integer(found)
    if _DECIMAL.fullmatch(spelling):
        return float(spelling)
    if _LEGACY_OCTAL.fullmatch(spelling):
        hint = (
            f"write {spelling.lstrip('0') or '0'}, or 0o… for an octal number" if len(spelling) < 40 else None
        )
        raise UnfitError("a number with a leading zero: JavaScript may read it as octal", hint)
    raise UnfitError(
        f"{shortened(spelling)} is no number", "write text in quotes" if spelling[0] != "." else None
    )


def _integer(found: re.Match[str]) -> float | int:
    name = found.lastgroup if found.lastgroup != "big" else None
    name = name or next(name for name in ("hex", "octal", "binary", "decimal") if found[name] is not None)
    digits = found[name].replace("_", "").lstrip("0") or "0"
    base = _BASES.get(name, 10)
    if not found["big"]:
        try:
            return float(int(digits, base))
        except OverflowError:
            return float("inf")
    if len(digits) > 64:  # more than 64 bits in every base; Python would take long over long decimals
        raise UnfitError("an integer of more than 64 bits")
    return int(digits, base)


def sent_number(value: float | int) -> Any:
    """A number as the driver of mongosh sends it: int32 where it is a whole number of 32 bits, else double.

    A BigInt, here an int, is sent as an int64.

    Raises:
        UnfitError: a BigInt of more than 64 bits.
    """
    if isinstance(value, float):
        whole = value.is_integer() and int(value) in INT32 and not (value == 0 and str(value) == "-0.0")
        return int(value) if whole else value
    if value not in INT64:
        raise UnfitError("an integer of more than 64 bits")
    return Int64(value)


# ---- strings -------------------------------------------------------------------------------------

_ESCAPE: Final = re.compile(
    r"\\(?:u\{(?P<point>[0-9A-Fa-f]++)\}|u(?P<unit>[0-9A-Fa-f]{4})|x(?P<byte>[0-9A-Fa-f]{2})"
    r"|(?P<newline>\r\n|[\n\r\u2028\u2029])|(?P<other>[\w\W]))"
)
_SINGLE: Final = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def string_value(token: str) -> str:
    """The text of a string or template in its quotes.

    Raises:
        UnfitError: an escape that is none, or half of a surrogate pair.
    """
    body = token[1:-1]
    if token[0] == "`" and "\r" in body:
        body = body.replace("\r\n", "\n").replace("\r", "\n")
    if "\\" in body:
        body = _ESCAPE.sub(_unescape, body)
    return whole_text(body)


def name_value(token: str) -> str:
    """The name that an identifier stands for, its escapes read."""
    return whole_text(_ESCAPE.sub(_unescape, token)) if "\\" in token else whole_text(token)


def _unescape(found: re.Match[str]) -> str:
    code = found["point"] or found["unit"] or found["byte"]
    if code is not None:
        point = int(code, 16)
        if point > 0x10FFFF:
            raise UnfitError("an escape beyond U+10FFFF", offset=found.start() + 1)
        return chr(point)
    if found["newline"] is not None:
        return ""
    other = found["other"]
    is_octal = other in "123456789" or (
        other == "0" and found.string[found.end() : found.end() + 1].isdigit()
    )
    if other in "ux" or is_octal:
        hint = "write \\xHH or \\u{…} with hexadecimal digits, or \\\\ for a backslash"
        raise UnfitError(f"\\{other} is no escape here", hint, found.start() + 1)
    return _SINGLE.get(other, other)


def whole_text(text: str) -> str:
    """Text whose surrogate pairs are characters.

    Raises:
        UnfitError: a surrogate stands alone, which UTF-8 and so BSON cannot hold.
    """
    if text.isascii() or not _SURROGATE.search(text):
        return text
    try:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeDecodeError:
        raise UnfitError("half of a surrogate pair stands alone, which BSON cannot hold") from None


def shortened(text: str) -> str:
    """Text as a message shows it: not all of it where it is long."""
    return text if len(text) <= 40 else f"{text[:39]}…"


# ---- regular expressions -------------------------------------------------------------------------

OPTIONS: Final = "ilmsux"
"""The options of BSON's regular expressions, in BSON's order."""

_REFUSED_FLAGS: Final = frozenset("dgvyu")


def regex_value(token: str) -> Regex[str]:
    """The value of `/…/im`: the pattern as it is written, `\\/` included, as mongosh sends it."""
    end = token.rindex("/")
    return regex_of(whole_text(token[1:end]), token[end + 1 :], offset=end + 1)


def regex_of(pattern: str, flags: str, offset: int = 0) -> Regex[str]:
    """A regular expression of a pattern and flags that a filter can have: i, m, s and x.

    Raises:
        UnfitError: another flag, or one twice.
    """
    for place, flag in enumerate(flags):
        if flag in _REFUSED_FLAGS:
            raise UnfitError(
                f"the flag {flag} is JavaScript's, not MongoDB's",
                "the options are i, m, s and x",
                offset + place,
            )
        if flag not in OPTIONS or flag in flags[:place]:
            raise UnfitError(
                f"{shortened(flags)!r} are no flags",
                "the options are i, m, s and x, each once",
                offset + place,
            )
    return bson_regex(pattern, flags)


def bson_regex(pattern: str, options: str) -> Regex[str]:
    """A regular expression of BSON, with any of BSON's options."""
    if "\0" in pattern:
        raise UnfitError("BSON regex patterns hold no NUL character")
    if not set(options) <= set(OPTIONS):
        raise UnfitError(f"{shortened(options)!r} are no options", f"BSON has {', '.join(OPTIONS)}")
    return Regex(pattern, options)


_IN_PATTERN: Final = re.compile(r"\\[\w\W]|\[|\]|/|[\n\r\u2028\u2029]")
_TERMINATORS: Final = {"\n": "\\n", "\r": "\\r", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def pattern_source(pattern: str) -> str:
    """What JavaScript makes of the pattern of `RegExp("…")`: slashes and line breaks are escaped."""
    if not pattern:
        return "(?:)"
    pieces, end, in_class = [], 0, False
    for found in _IN_PATTERN.finditer(pattern):
        piece = found[0]
        in_class = piece == "[" or (in_class and piece != "]")
        if piece == "/" and not in_class:
            piece = "\\/"
        pieces += [pattern[end : found.start()], _TERMINATORS.get(piece[-1], piece)]
        end = found.end()
    return "".join([*pieces, pattern[end:]])
