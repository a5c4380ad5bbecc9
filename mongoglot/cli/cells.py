"""A value in a cell: of a table at a terminal, or of CSV."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from bson import json_util

from mongoglot.cli.extended_json import RELAXED
from mongoglot.cli.terminal import printable
from mongoglot.grammar.text import to_text

MAX_CELL: Final = 60

_READS_AS_VALUE: Final = re.compile(
    r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|[+-]?Infinity|NaN|true|false|null", re.I | re.A
)
"""A text that is no text where it stands without quotes."""

_FORMULA: Final = re.compile(r"'*[=+\-@\t\r]")
_QUOTED_FORMULA: Final = re.compile(r"'+[=+\-@\t\r]")


def names_of(documents: Iterable[Mapping[str, Any]]) -> list[str]:
    """The names of the fields, in the order in which they come."""
    return list(dict.fromkeys(name for document in documents for name in document))


def value_at(document: Any, path: str) -> Any:
    """What is at a dotted path, through documents only; an empty text where there is nothing."""
    if isinstance(document, Mapping) and path in document:
        return document[path]
    name, _, rest = path.partition(".")
    if not rest or not isinstance(document, Mapping) or name not in document:
        return ""
    return value_at(document[name], rest)


def cell(value: Any) -> str:
    """A value in a table, in one line and not too long."""
    text = " ".join(printable(value if isinstance(value, str) else to_text(value)).split())
    return text if len(text) <= MAX_CELL else f"{text[: MAX_CELL - 1]}…"


def table_cell(value: Any) -> str:
    """A value in a table of documents: a text that reads like another value has quotes."""
    alike = isinstance(value, str) and _READS_AS_VALUE.fullmatch(value)
    return f'"{cell(value)}"' if alike else cell(value)


def csv_cell(value: Any, *, formulas: bool = False) -> str:
    """A value in CSV: text and numbers as they are, the rest as Extended JSON.

    Args:
        value: of a field.
        formulas: whether a text that a spreadsheet would run stays as it is; otherwise it gets a quote in front.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return str(value) if formulas else without_formula(value)
    text = json_util.dumps(value, json_options=RELAXED, ensure_ascii=False)
    plain = json.loads(text)
    if isinstance(value, Mapping):
        return text
    if isinstance(plain, dict) and len(plain) == 1 and isinstance(next(iter(plain.values())), str):
        return str(next(iter(plain.values())))  # a date, an id, a decimal
    return text


def without_formula(text: str) -> str:
    """A text that no spreadsheet runs, with a quote in front where one would; `with_formula` takes it away."""
    return f"'{text}" if _FORMULA.match(text) else str(text)


def with_formula(text: str) -> str:
    """A text as it was before `without_formula`."""
    return text[1:] if _QUOTED_FORMULA.match(text) else text


def from_cell(text: str) -> Any:
    """A value of CSV: a number where it is written as one would write it, else text."""
    if with_formula(text) != text:
        return with_formula(text)
    try:
        number = int(text)
    except ValueError:
        try:
            return float(text) if text[0] in "+-.0123456789" and "_" not in text else text
        except ValueError:
            return text
    # 007 and long codes are names
    return number if str(number) == text and -(2**63) <= number < 2**63 else text
