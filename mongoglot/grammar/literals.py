"""Literals of a filter: checked and copied; and the checks that a driver and a server make of the whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bson import Decimal128

from mongoglot.compiler.normalise import normalise, normalise_fields
from mongoglot.compiler.values import MAX_DEPTH, is_array
from mongoglot.errors import (
    EncodingRangeError,
    EncodingTypeError,
    FilterError,
    FilterValueRangeError,
    FilterValueTypeError,
    joined,
)

MAX_FILTER_DEPTH: Final = MAX_DEPTH
"""The levels a filter may have, its own included (measured: 199 levels below a field are read, 200 are not)."""


def literal(value: Any, depth: int) -> Any:
    """An independent copy of a literal of a filter that stands below `depth` levels.

    Raises:
        FilterValueTypeError, FilterValueRangeError: BSON cannot hold it.
        FilterError: it nests too deep (code 15).
    """
    try:
        return normalise(value, MAX_FILTER_DEPTH - depth - 1)
    except EncodingRangeError as error:
        raise FilterValueRangeError(error.reason, path=error.path, hint=error.hint) from None
    except EncodingTypeError as error:
        raise FilterValueTypeError(error.reason, path=error.path, hint=error.hint) from None


def check_name(name: Any) -> None:
    """Check a field name that is not plain ASCII text.

    Raises:
        FilterValueTypeError: BSON has no such names.
    """
    literal({name: None}, 0)


def is_operator_document(value: Any) -> bool:
    """Whether a value is a document of operators and not a literal (semantics 4.2)."""
    if value.__class__ is not dict and not isinstance(value, Mapping):
        return False
    first = next(iter(value), "")
    return isinstance(first, str) and first[:1] == "$" and not ("$ref" in value and "$id" in value)


def is_truthy(value: Any) -> bool:
    """The truth of the operand of `$exists` (semantics 3.3)."""
    if isinstance(value, Decimal128):
        return bool(value.to_decimal())
    if value is None or isinstance(value, (bool, int, float)):
        return bool(value)
    return True


def check_whole(document: Mapping[str, Any]) -> None:
    """What a driver and a server check before they look at a filter's meaning: depth, then encoding.

    Raises:
        FilterError: it nests deeper than 200 levels (code 15), or holds what BSON cannot.
    """
    pending: list[tuple[Any, int]] = [(document, 1)]
    while pending:
        parent, depth = pending.pop()
        if depth > MAX_FILTER_DEPTH:
            raise too_deep()
        values = parent.values() if isinstance(parent, Mapping) else parent
        pending.extend(
            (child, depth + 1) for child in values if isinstance(child, Mapping) or is_array(child)
        )
    try:
        normalise_fields(document)
    except EncodingRangeError as error:
        raise FilterValueRangeError(error.reason, path=error.path, hint=error.hint) from None
    except EncodingTypeError as error:
        raise FilterValueTypeError(error.reason, path=error.path, hint=error.hint) from None


def too_deep() -> FilterError:
    """The error of a filter with too many levels."""
    return FilterError(15, f"the filter nests deeper than {MAX_DEPTH} levels, which BSON does not allow")


def under(place: str, error: FilterError) -> FilterError:
    """The error with a place in front of its path: paths are built on the way out."""
    error.path = joined(place, error.path)
    return error
