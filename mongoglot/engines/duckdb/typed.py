"""Predicates on typed values: what a type says is decided here, and only the rest is asked of DuckDB.

A NULL is a field whose value is null. A column has one type, so that a comparison with a value of another
bracket is false, and nothing is left of it in the SQL (semantics 1.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, final

from bson import Binary

from mongoglot.compiler.ast import (
    Compare,
    Comparison,
    ElemMatch,
    Exists,
    HasType,
    In,
    Leaf,
    ListSlot,
    Mod,
    Size,
    Slot,
)
from mongoglot.compiler.instants import milliseconds
from mongoglot.compiler.values import ValueClass, value_class
from mongoglot.engines.duckdb.kinds import leaves_remainder, of_types
from mongoglot.engines.duckdb.types import NANOSECONDS, Entries, Kind, ListOf, Scalar, Type
from mongoglot.engines.sql import duckdb_nodes as duck
from mongoglot.engines.sql import nodes as sql
from mongoglot.engines.sql.condition import Binder, Parameters
from mongoglot.engines.sql.nodes import Expression
from mongoglot.engines.sql.numbers import double_bound, unit_bound, unit_operator


class DeclinedError(Exception):
    """What SQL does not say here: it goes to the residual."""


_CLASSES: Final[dict[Kind, frozenset[ValueClass]]] = {
    "bool": frozenset({"bool"}),
    "int": frozenset({"int", "double", "decimal"}),
    "float": frozenset({"int", "double", "decimal", "nan"}),
    "decimal": frozenset({"int", "double", "decimal"}),
    "string": frozenset({"string"}),
    "date": frozenset({"date"}),
    "uuid": frozenset({"binary"}),
    "blob": frozenset({"binary"}),
    "null": frozenset(),
}
"""The classes of operands that values of a type can compare with, null aside."""

_INFINITY: Final = "infinity"


@final
@dataclass(frozen=True, slots=True)
class Tests:
    """One predicate on values of any type.

    Attributes:
        leaf: the predicate.
        parameters: what its conditions use; they are added where they are made.
    """

    leaf: Leaf
    parameters: Parameters

    @property
    def missing(self) -> bool:
        """Whether an absent field matches."""
        match self.leaf:
            case Compare(_, op, operand):
                return operand.kind == "null" or (op != "$eq" and operand.kind in ("minkey", "maxkey"))
            case In(_, operand):
                return "null" in operand.kinds
            case _:
                return False

    @property
    def expand(self) -> bool:
        """Whether the elements of a list are tested beside the list."""
        return not isinstance(self.leaf, (Exists, Size, ElemMatch))

    def whole(self, value: Expression, kind: Type) -> Expression:
        """The condition on one value, which may be NULL.

        Raises:
            DeclinedError: SQL does not say it.
        """
        if isinstance(self.leaf, Exists):
            return duck.TRUE
        if isinstance(kind, Scalar) and kind.kind == "json":
            raise DeclinedError
        match self.leaf:
            case Compare(_, op, operand):
                return self._comparison(value, kind, op, operand)
            case In(_, operand, ()):
                return self._membership(value, kind, operand)
            case HasType(_, types):
                return of_types(value, kind, types)
            case Size(_, length):
                return sql.equals(_length(value, kind), sql.integer(length)) if is_list(kind) else duck.FALSE
            case Mod(_, divisor, remainder):
                return leaves_remainder(value, kind, divisor, remainder)
            case _:
                raise DeclinedError

    def _comparison(self, value: Expression, kind: Type, op: Comparison, operand: Slot) -> Expression:
        if operand.kind == "null":
            return sql.is_null(value)
        if operand.kind in ("minkey", "maxkey"):
            return duck.truth(op != "$eq")
        if not isinstance(kind, Scalar):
            if operand.kind in ("object", "array"):
                raise DeclinedError
            return duck.FALSE
        if operand.kind not in _CLASSES[kind.kind]:
            return duck.FALSE
        if operand.kind == "nan":
            return sql.call("isnan", value)
        return self._compared(value, kind, op, operand.index)

    def _compared(self, value: Expression, kind: Scalar, op: Comparison, index: int) -> Expression:
        """A comparison with an operand that the type's values can compare with."""
        match kind.kind:
            case "int" | "decimal":
                exactly = self._bound(index, kind, op, lambda operand: in_units(kind, op, operand))
                return sql.compare(unit_operator(op), value, exactly)
            case "float":
                limit = self._bound(index, kind, op, lambda operand: double_bound(op, operand))
                compared = sql.compare(op, value, limit)
                if op in ("$gt", "$gte"):  # DuckDB's NaN is the greatest number
                    infinite = duck.cast(sql.string(_INFINITY), "DOUBLE")
                    return sql.all_of([compared, sql.compare("$lte", value, infinite)])
                return compared
            case "date":
                value = _instant_of(value, kind)
                start = self._instant(index, op, 0)
                if op == "$gte":
                    return sql.compare("$gte", value, start)
                if op == "$lt":
                    return sql.compare("$lt", value, start)
                end = self._instant(index, op, 1)
                if op == "$eq":
                    return sql.between(value, start, end)
                return sql.compare("$gte" if op == "$gt" else "$lt", value, end)
            case "string":
                return sql.compare(op, _text(value, kind), self._bound(index, kind, op, str))
            case "bool":
                return sql.compare(op, value, self._bound(index, kind, op, bool))
            case "uuid" | "blob" if op == "$eq":
                return sql.equals(value, self._bound(index, kind, op, binary_of(kind)))
            case _:
                raise DeclinedError

    def _bound(self, source: int | ListSlot, kind: Scalar, op: Comparison, binder: Binder) -> Expression:
        """The placeholder of a value, and how it is encoded for one type."""
        index = source.index if isinstance(source, ListSlot) else source
        words = kind.sql.replace("(", "_").replace(")", "").replace(",", "_").replace(" ", "_").lower()
        label = f"p{index}_{op[1:]}_{words}"
        self.parameters[label] = (source, binder)
        return duck.parameter(label)

    def _instant(self, index: int, op: Comparison, later: int) -> Expression:
        label = f"p{index}_{op[1:]}_us{later}"
        self.parameters[label] = (index, lambda value: _microseconds(milliseconds(value) + later))
        return sql.call("make_timestamp", duck.parameter(label))

    def _membership(self, value: Expression, kind: Type, operand: ListSlot) -> Expression:
        hits = [sql.is_null(value)] if "null" in operand.kinds else []
        if isinstance(kind, Scalar):
            classes = operand.kinds & _CLASSES[kind.kind]
            if "nan" in classes:
                hits.append(sql.call("isnan", value))
            if classes - {"nan"}:
                hits.append(self._listed(value, kind, operand))
        elif operand.kinds & {"object", "array"}:
            raise DeclinedError
        return duck.some_of(hits)

    def _listed(self, value: Expression, kind: Scalar, operand: ListSlot) -> Expression:
        """Whether the value is one of those in the list that it can equal."""
        each: Binder
        match kind.kind:
            case "int" | "decimal":
                each = lambda item: in_units(kind, "$eq", item)  # noqa: E731
            case "float":
                each = lambda item: double_bound("$eq", item)  # noqa: E731
            case "date":
                # epoch_ms alone cuts the digits behind a millisecond upwards before 1970
                value = sql.call(
                    "epoch_ms", sql.call("date_trunc", sql.string("milliseconds"), _instant_of(value, kind))
                )
                each = milliseconds
            case "string":
                value, each = _text(value, kind), str
            case "bool":
                each = bool
            case _:
                each = binary_of(kind)
        classes = _CLASSES[kind.kind] - {"nan"}

        def members(items: list[Any]) -> list[Any]:
            found = [each(item) for item in items if value_class(item) in classes]
            return [item for item in found if item is not None]

        listed = self._bound(operand, kind, "$eq", members)
        typed = {"date": "BIGINT", "string": "VARCHAR", "float": "DOUBLE"}.get(kind.kind, kind.sql)
        return sql.call("list_contains", duck.cast_text(listed, f"{typed}[]"), value)


def in_units(kind: Scalar, op: Comparison, value: Any) -> int | Decimal | None:
    """What `unit_operator(op)` compares values of a type of whole numbers or decimals with."""
    units = unit_bound(op, value, kind.scale, kind.low, kind.high)
    if units is None or kind.kind == "int":
        return units
    return Decimal(f"{units}E-{kind.scale}")  # of text, as arithmetic would round


def binary_of(kind: Scalar) -> Binder:
    """What makes a UUID's text, or a BLOB's bytes, of a binary operand; None where it is of another subtype."""
    subtype = 4 if kind.kind == "uuid" else 0

    def bound(value: bytes) -> Any:
        found = value.subtype if isinstance(value, Binary) else 0
        if found != subtype or (subtype == 4 and len(value) != 16):
            return None
        return str(Binary(value, 4).as_uuid()) if subtype == 4 else bytes(value)

    return bound


_LEAST, _GREATEST = -9_223_372_022_400_000_000, 9_223_372_036_854_775_806
"""The microseconds that DuckDB's timestamps reach to; BSON's dates reach further."""


def _microseconds(millis: int) -> int:
    return min(max(millis * 1000, _LEAST), _GREATEST)


def is_list(kind: Type) -> bool:
    """Whether values of the type are arrays."""
    return isinstance(kind, (ListOf, Entries))


def as_list(value: Expression, kind: Type) -> tuple[Expression, Type]:
    """A value that is an array as a LIST, and the type of its elements."""
    if isinstance(kind, Entries):
        return sql.call("map_entries", value), kind.entry
    assert isinstance(kind, ListOf)  # noqa: S101 - callers have looked
    return value, kind.item


def _length(value: Expression, kind: Type) -> Expression:
    return sql.call("len", as_list(value, kind)[0])


def _instant_of(value: Expression, kind: Scalar) -> Expression:
    """An instant that compares with all of DuckDB's; nanoseconds reach over few centuries only."""
    return duck.cast(value, "TIMESTAMP") if kind.sql == NANOSECONDS else value


def _text(value: Expression, kind: Scalar) -> Expression:
    return value if kind.sql == "VARCHAR" else duck.cast(value, "VARCHAR")
