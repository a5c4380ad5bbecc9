"""Conditions of the four operators of bits (semantics 3.8): on numbers, stored decimals and binary values."""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN
from typing import Final

from mongoglot.compiler.ast import BitsOperator
from mongoglot.compiler.values import INT64_MIN
from mongoglot.engines.sql import nodes as sql
from mongoglot.engines.sql.nodes import Expression
from mongoglot.engines.sql.number_keys import NAN_BODY
from mongoglot.engines.sqlite import operands
from mongoglot.engines.sqlite.decimals import int64_of, int64_range
from mongoglot.engines.sqlite.element import Conditions, Element
from mongoglot.engines.sqlite.kinds import if_int64, in_bracket, in_interval

_SIGN_BIT: Final = 63
"""Where a number keeps its sign; every position beyond it reads the sign, too."""

_HEX: Final = "0123456789abcdef"

_SUBTYPE: Final = 2 + 8 + 1
"""Where a stored binary value has its subtype, behind its tag and its length (`tags.py`); SQL counts from 1."""

_DATA: Final = _SUBTYPE + 2

_INT64: Final = int64_range(ROUND_HALF_EVEN)
_NUMBERS: Final = (operands.NUMBER_TAG, operands.NUMBER_TAG + "~")


def bits_conditions(op: BitsOperator, positions: tuple[int, ...]) -> Conditions:
    """The operators of bits, by how the value is stored."""
    found = Conditions()
    mask = _signed(sum(1 << position for position in {min(position, _SIGN_BIT) for position in positions}))
    label = f"bits_{mask}".replace("-", "n")
    found.parameters[label] = (None, lambda _: mask)

    def holds(whole: Expression) -> Expression:
        return _compared(op, sql.bits_and(whole, sql.parameter(label)), sql.parameter(label))

    def on_real(element: Element) -> Expression:
        whole = sql.cast(element.value, "INTEGER")
        integral = sql.equals(element.value, whole)
        return if_int64(element, sql.all_of([integral, holds(whole)]))

    def on_text(element: Element) -> Expression:
        rounded = sql.case(
            [(in_interval(found, element, "bits_int64", _INT64), int64_of(element.value, ROUND_HALF_EVEN))],
            sql.integer(INT64_MIN),  # what the server makes of a decimal that does not fit
        )
        found.parameters["bits_nan"] = (None, lambda _: operands.NUMBER_TAG + NAN_BODY)
        is_double = sql.equals(element.value, sql.parameter("bits_nan"))
        on_decimal = sql.all_of([sql.negated(is_double), holds(rounded)])
        return sql.case(
            [
                (in_interval(found, element, "bits_decimal", _NUMBERS), on_decimal),
                (in_bracket(found, "binary", element), _on_binary(found, op, positions, element)),
            ],
            sql.FALSE,
        )

    found.by_type["integer"] = lambda element: holds(element.value)
    found.by_type["real"] = on_real
    found.by_type["text"] = on_text
    return found


def _signed(mask: int) -> int:
    """A mask of 64 bits as SQLite's integer."""
    return mask - (1 << 64) if mask >> _SIGN_BIT else mask


def _compared(op: BitsOperator, masked: Expression, mask: Expression) -> Expression:
    """What an operator says of the bits that a mask leaves of a whole number."""
    match op:
        case "$bitsAllSet":
            return sql.equals(masked, mask)
        case "$bitsAnySet":
            return sql.negated(sql.equals(masked, sql.integer(0)))
        case "$bitsAllClear":
            return sql.equals(masked, sql.integer(0))
        case "$bitsAnyClear":
            return sql.negated(sql.equals(masked, mask))


def _on_binary(
    found: Conditions, op: BitsOperator, positions: tuple[int, ...], element: Element
) -> Expression:
    """A binary value, digit by digit of its hexadecimal text; behind its end all bits are clear.

    A subquery of one row finds the digits once. They are a BLOB, in which SQLite goes to a place at once.
    """
    entries = _hexadecimal(positions)
    label = "bits_" + "_".join(map(str, entries)) + "_binary"
    found.parameters[label] = (None, lambda _: json.dumps(entries))
    # one digit more, as a place in no BLOB at all is NULL
    digits = sql.cast(sql.concat(_digits(sql.name("text", "stored")), sql.string("0")), "BLOB")
    text = sql.derived(sql.select([sql.aliased(element.value, "text")]), "stored")
    stored = sql.derived(sql.first_of(sql.select([sql.aliased(digits, "digits")], [text])), "binary")
    mask = sql.source(sql.call("json_each", sql.parameter(label)), "mask")
    entry = sql.name("value", "mask")
    digit = sql.call("substr", sql.name("digits", "binary"), sql.bits_right(entry, 4), sql.integer(1))
    # `instr` finds the nothing behind the end at 1, as the digit 0
    number = sql.difference(sql.call("instr", sql.string(_HEX), digit), sql.integer(1))
    wanted = sql.bits_and(entry, sql.integer(15))
    masked = sql.bits_and(number, wanted)
    # of all digits is asked whether there is one that does not
    match op:
        case "$bitsAllSet":
            return sql.negated(sql.exists([stored, mask], _compared("$bitsAnyClear", masked, wanted)))
        case "$bitsAllClear":
            return sql.negated(sql.exists([stored, mask], _compared("$bitsAnySet", masked, wanted)))
        case "$bitsAnySet" | "$bitsAnyClear":
            return sql.exists([stored, mask], _compared(op, masked, wanted))


def _digits(text: Expression) -> Expression:
    """The digits of a stored binary value; one of subtype 2 begins with its length inside, little end first."""
    data = _part(text, _DATA)
    double_length = sql.difference(sql.call("length", text), sql.integer(_DATA - 1))
    lengths = [
        sql.bits_and(sql.bits_right(double_length, 1 + 8 * byte), sql.integer(255)) for byte in range(4)
    ]
    inside = sql.call("printf", sql.string("%02x" * 4), *lengths)
    return sql.case([(sql.string("02"), sql.concat(inside, data))], data, _part(text, _SUBTYPE, 2))


def _part(text: Expression, *bounds: int) -> Expression:
    return sql.call("substr", text, *map(sql.integer, bounds))


def _hexadecimal(positions: Iterable[int]) -> list[int]:
    """The digits that hold the positions: of each its place times 16, and the bits asked for.

    Position 5 is in the first digit of the first byte: 1 * 16 + 0b0010 → 18.
    """
    masks: dict[int, int] = {}
    for position in positions:
        byte, bit = divmod(position, 8)
        place = 2 * byte + (1 if bit >= 4 else 2)
        masks[place] = masks.get(place, 0) | 1 << bit % 4
    return [place << 4 | mask for place, mask in masks.items()]
