"""Predicates as conditions on one JSON value, a condition for each of its JSON types."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any, Final, assert_never

from mongoglot.compiler.ast import (
    Bits,
    Compare,
    Comparison,
    ElemMatch,
    Exists,
    Expr,
    Glob,
    HasType,
    In,
    JsonSchema,
    Leaf,
    ListSlot,
    Mod,
    RegexMatch,
    Sample,
    ServerOnly,
    Size,
    Slot,
)
from mongoglot.compiler.values import is_array, is_document, value_class
from mongoglot.engines.sql import nodes as sql
from mongoglot.engines.sql.condition import Binder, Parameters
from mongoglot.engines.sql.json_text import json_list
from mongoglot.engines.sql.nodes import Expression
from mongoglot.engines.sql.number_keys import KEY_LENGTH, Interval, native_number, number_key
from mongoglot.engines.sqlite import operands
from mongoglot.engines.sqlite.bits import bits_conditions
from mongoglot.engines.sqlite.element import Conditions, Element, always, bound
from mongoglot.engines.sqlite.equality import equals_pattern
from mongoglot.engines.sqlite.kinds import mod_conditions, size_conditions, type_conditions
from mongoglot.engines.sqlite.text_conditions import glob, regex

_NUMBERS: Final = ("integer", "real")
_TAGGED: Final = frozenset(
    {"string", "binary", "objectid", "date", "timestamp", "regex", "code", "minkey", "maxkey"}
)
"""Classes whose equal values have one encoding, a string."""


def conditions_of(leaf: Leaf) -> Conditions | None:
    """The conditions of a predicate, or None where SQL has none."""
    match leaf:
        case Compare(_, op, operand):
            return comparison(op, operand)
        case In(_, operand, ()):
            return membership(operand)
        case In():
            return None  # the passes take the patterns out
        case Glob(_, operand, plain):
            return glob(operand, plain)
        case RegexMatch(_, operand):
            return regex(operand)
        case Exists():
            return Conditions(default=True)
        case HasType(_, types):
            return type_conditions(types)
        case Size(_, length):
            return size_conditions(length)
        case Mod(_, divisor, remainder):
            return mod_conditions(divisor, remainder)
        case Bits(_, bits_op, positions):
            return bits_conditions(bits_op, positions)
        case ElemMatch():
            return None  # it nests: documents.py has it
        case Sample() | ServerOnly() | JsonSchema() | Expr():
            return None  # they are about no value: lowering.py has them
        case _:
            assert_never(leaf)


def comparison(op: Comparison, operand: Slot) -> Conditions | None:
    """`$eq`, `$gt`, … by the class of the operand (semantics 1.2)."""
    found = Conditions()
    index, kind = operand.index, operand.kind
    match kind:
        case "int" | "double" | "decimal" | "nan":
            _number(found, op, operand)
        case "bool":
            found.parameters[f"p{index}"] = (index, int)
            found.by_type["true"] = lambda _: sql.compare(op, sql.integer(1), bound(index))
            found.by_type["false"] = lambda _: sql.compare(op, sql.integer(0), bound(index))
        case "null":
            found.by_type["null"] = always
            found.missing = True
        case "minkey" | "maxkey" if op != "$eq":
            _beyond(found, op, operand)
        case "object" | "array":
            if op != "$eq":
                return None  # SQL has no order of containers
            found.parameters[f"p{index}"] = (index, operands.equality_pattern)
            found.by_type[kind] = lambda element: equals_pattern(element.blob, bound(index))
        case "scoped code":
            _interval(found, op, index, "text")
        case _ if op == "$eq":
            found.parameters[f"p{index}"] = (index, operands.stored_string)
            found.by_type["text"] = lambda element: sql.equals(element.value, bound(index))
        case _:
            _interval(found, op, index, "text")
    return found


def _number(found: Conditions, op: Comparison, operand: Slot) -> None:
    """Native numbers compare with a native operand, stored decimals by their keys."""
    index, kind = operand.index, operand.kind
    if kind != "nan":
        found.parameters[f"p{index}"] = (index, lambda value: native_number(op, value))

        def compared(element: Element) -> Expression:
            result = sql.compare(op, element.value, bound(index))
            # no native number may equal a decimal, or lie beyond it: then the parameter is NULL
            return sql.not_null_else(result, sql.FALSE) if kind == "decimal" else result

        for name in _NUMBERS:
            found.by_type[name] = compared
    range_of = operands.native_range if kind in ("int", "double") else operands.number_range
    _interval(found, op, index, "text", range_of)


def _interval(
    found: Conditions,
    op: Comparison,
    index: int,
    json_type: str,
    range_of: Callable[[Comparison, Any], Interval] = operands.comparison_range,
) -> None:
    """A comparison of encoded strings: an interval within the operand's bracket."""
    found.parameters[f"p{index}_from"] = (index, lambda value: range_of(op, value)[0])
    found.parameters[f"p{index}_to"] = (index, lambda value: range_of(op, value)[1])
    low, high = f"p{index}_from", f"p{index}_to"
    found.by_type[json_type] = lambda e: sql.between(e.value, sql.parameter(low), sql.parameter(high))


def _beyond(found: Conditions, op: Comparison, operand: Slot) -> None:
    """`$gt: MinKey` and the like: every other value is on one side of the operand, a missing one too."""
    found.default = found.missing = True
    found.by_type["array"] = always
    if op in ("$gt", "$lt"):
        index = operand.index
        found.parameters[f"p{index}"] = (index, operands.stored_string)
        found.by_type["text"] = lambda e: sql.negated(sql.equals(e.value, bound(index)))


def membership(operand: ListSlot) -> Conditions:
    """`$in` (semantics 3.1); the text of the SQL does not depend on how long the list is."""
    found = Conditions()
    kinds, label = operand.kinds, f"p{operand.index}"
    texts: list[Callable[[Element], Expression]] = []

    def bind(suffix: str, binder: Binder) -> str:
        found.parameters[f"{label}_{suffix}"] = (operand, binder)
        return f"{label}_{suffix}"

    if kinds & {"int", "double", "decimal"}:
        numbers = bind("numbers", _native_numbers)
        for name in _NUMBERS:
            found.by_type[name] = lambda e: _in_list(e.value, numbers)
    if kinds & {"int", "double", "decimal", "nan"}:
        keys = bind("keys", _number_keys)
        texts.append(lambda e: _in_list(sql.call("substr", e.value, *map(sql.integer, (1, _KEY_END))), keys))
    if kinds & _TAGGED:
        strings = bind("strings", _encoded_strings)
        texts.append(lambda e: _in_list(e.value, strings))
    if "scoped code" in kinds:
        codes = bind("codes", _scoped_codes)
        texts.append(lambda e: _in_intervals(e.value, codes))
    if texts:
        found.by_type["text"] = lambda e: sql.some_of(
            [text(Element(e.value, e.blob, e.place)) for text in texts]
        )
    if "bool" in kinds:
        for name, truth in (("true", True), ("false", False)):
            found.by_type[name] = partial(_parameter, bind(name, partial(_has_truth, truth)))
    if "null" in kinds:
        found.by_type["null"] = always
        found.missing = True
    for container, holds in (("object", is_document), ("array", is_array)):
        if container in kinds:
            found.by_type[container] = partial(_equals_some, bind(container, partial(_patterns, holds)))
    return found


_KEY_END: Final = 2 + KEY_LENGTH


def list_of_natives(value: Expression, operand: ListSlot, label: str) -> tuple[Expression, Parameters]:
    """Whether a number is one of the numbers of a list."""
    return _in_list(value, label), {label: (operand, _native_numbers)}


def _in_list(value: Expression, label: str) -> Expression:
    members = sql.source(sql.call("json_each", sql.parameter(label)), "list")
    return sql.member_of(value, sql.select([sql.name("value", "list")], [members]))


def _in_intervals(value: Expression, label: str) -> Expression:
    low, high = (
        sql.call("json_extract", sql.name("value", "list"), sql.string(path)) for path in ("$[0]", "$[1]")
    )
    members = sql.source(sql.call("json_each", sql.parameter(label)), "list")
    return sql.exists([members], sql.between(value, low, high))


def _equals_some(label: str, element: Element) -> Expression:
    members = sql.source(sql.call("json_each", sql.parameter(label)), "list")
    return sql.exists([members], equals_pattern(element.blob, sql.name("value", "list")))


def _parameter(label: str, _: Element) -> Expression:
    return sql.parameter(label)


def _has_truth(truth: bool, items: list[Any]) -> int:
    return int(any(item is truth for item in items))


def _is_number(item: Any) -> bool:
    return value_class(item) in ("int", "double", "decimal", "nan")


def _native_numbers(items: list[Any]) -> str:
    natives = [native_number("$eq", item) for item in items if _is_number(item)]
    return json_list(native for native in natives if native is not None)


def _number_keys(items: list[Any]) -> str:
    return json.dumps([operands.NUMBER_TAG + number_key(item) for item in items if _is_number(item)])


def _encoded_strings(items: list[Any]) -> str:
    return json.dumps(
        [operands.stored_string(item) for item in items if value_class(item) in _TAGGED], ensure_ascii=False
    )


def _scoped_codes(items: list[Any]) -> str:
    codes = [item for item in items if value_class(item) == "scoped code"]
    return json.dumps([operands.comparison_range("$eq", item) for item in codes])


def _patterns(holds: Callable[[Any], bool], items: list[Any]) -> str:
    return "[" + ",".join(operands.equality_pattern(item) for item in items if holds(item)) + "]"


def sample(leaf: Sample) -> tuple[Expression, Parameters]:
    """A throw for each row: SQLite's random() is an int64, whose lowest 53 bits make a number from 0 to 1."""
    label = f"p{leaf.operand.index}"
    bits = sql.bits_and(sql.call("random"), sql.integer(2**53 - 1))
    return sql.compare("$lt", bits, sql.parameter(label)), {
        label: (leaf.operand.index, lambda rate: rate * 2**53)
    }
