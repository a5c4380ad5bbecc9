"""Dates of a query as a JSON column has them, which has no dates of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, assert_never, final

from mongoglot.compiler.ast import (
    Always,
    And,
    Compare,
    ElemMatch,
    In,
    Leaf,
    ListSlot,
    Node,
    Not,
    Or,
    Path,
    Slot,
)
from mongoglot.compiler.instants import milliseconds
from mongoglot.compiler.plan import BoundPlan, Plan
from mongoglot.compiler.values import ValueClass, value_class
from mongoglot.engines.sql.instants import instant_text
from mongoglot.engines.sql.table import Encoding, Table

_ENCODED: Final[dict[Encoding, ValueClass]] = {"plain": "string", "milliseconds": "int"}


@final
@dataclass(frozen=True, slots=True)
class _Rewritten:
    """A plan whose dates are strings or numbers, and the places of the values that have to become so."""

    plan: Plan
    places: tuple[tuple[int, Encoding], ...]


def encoding_at(table: Table, path: Path) -> Encoding | None:
    """How JSON holds what is at a path of a table; None where it is no JSON."""
    column = table.column(path) or table.prefix(path)
    if column is not None:
        return column.encoding if column.type == "json" else None
    return table.encoding if table.document is not None else None


def with_encoded_dates(query: BoundPlan, table: Table) -> BoundPlan:
    """The query, a date that is compared with JSON replaced by what the table's JSON has for it.

    In plain JSON that is text as JavaScript writes it, `2026-01-01T00:00:00.000Z`, else milliseconds since 1970.
    """
    found = query.plan.lowered(("encoded dates", table), lambda node: _rewritten(node, query.plan, table))
    if found is None:
        return query
    values = list(query.values)
    for index, encoding in found.places:
        values[index] = _encoded(values[index], encoding)
    return BoundPlan(found.plan, values)


def _rewritten(node: Node, plan: Plan, table: Table) -> _Rewritten | None:
    places: list[tuple[int, Encoding]] = []

    def on_slot(slot: Slot, encoding: Encoding) -> Slot:
        if slot.kind != "date":
            return slot
        places.append((slot.index, encoding))
        return replace(slot, kind=_ENCODED[encoding])

    def on_list(slot: ListSlot, encoding: Encoding) -> ListSlot:
        if "date" not in slot.kinds:
            return slot
        kinds = slot.kinds - {"date"} | {_ENCODED[encoding]}
        if not slot.parts:
            places.append((slot.index, encoding))
        parts = tuple(
            on_slot(part, encoding) if isinstance(part, Slot) else on_list(part, encoding)
            for part in slot.parts
        )
        return replace(slot, kinds=kinds, parts=parts)

    def on_leaf(leaf: Leaf, encoding: Encoding | None) -> Node:
        if encoding is None or encoding not in _ENCODED:
            return leaf
        match leaf:
            case Compare(_, _, operand):
                return replace(leaf, operand=on_slot(operand, encoding))
            case In(_, list_operand, _):
                return replace(leaf, operand=on_list(list_operand, encoding))
            case ElemMatch(_, child, _):
                return replace(leaf, child=_mapped(child, lambda inner: on_leaf(inner, encoding)))
            case _:
                return leaf

    tree = _mapped(node, lambda leaf: on_leaf(leaf, encoding_at(table, leaf.path)))
    return _Rewritten(Plan(tree, plan.native), tuple(places)) if places else None


def _mapped(node: Node, change: Callable[[Leaf], Node]) -> Node:
    match node:
        case And(children):
            return And(tuple(_mapped(child, change) for child in children))
        case Or(children):
            return Or(tuple(_mapped(child, change) for child in children))
        case Not(child):
            return Not(_mapped(child, change))
        case Always():
            return node
        case leaf:
            return change(leaf)


def _encoded(value: Any, encoding: Encoding) -> Any:
    """A date, or a list with dates in it, as JSON has it."""
    if isinstance(value, list):
        return [_encoded(item, encoding) if value_class(item) == "date" else item for item in value]
    match encoding:
        case "plain":
            return instant_text(value, "signed", zone=False).replace(" ", "T") + "Z"
        case "milliseconds":
            return milliseconds(value)
        case "mongoglot" | "extended":
            raise AssertionError(encoding)
        case _:
            assert_never(encoding)
