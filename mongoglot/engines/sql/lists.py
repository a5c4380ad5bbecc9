"""Whether a column equals a member of a list; where it need not, the text does not depend on its length."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias, assert_never

from sqlglot import exp

from mongoglot.compiler.ast import ListSlot
from mongoglot.compiler.instants import milliseconds
from mongoglot.compiler.values import value_class
from mongoglot.engines.sql import nodes as sql
from mongoglot.engines.sql.bounds import bounds_of, is_finer
from mongoglot.engines.sql.condition import Condition, Parameters
from mongoglot.engines.sql.dialects import Dialect
from mongoglot.engines.sql.json_text import escaped_json, json_list, unescaped
from mongoglot.engines.sql.nodes import Expression
from mongoglot.engines.sql.table import Column

Members: TypeAlias = Callable[[list[Any]], list[Any]]
"""From a list to those of its members that a column can equal, as the column has them."""


_LIST, _MEMBER = "mongoglot list", "mongoglot member"
"""Names in a subquery, in which a column of the table has to be found by its own name."""


def membership(
    value: Expression, operand: ListSlot, members: Members, column: Column, dialect: Dialect
) -> Condition:
    """`value IN list`; NULL where the value is NULL.

    Args:
        value: the column, or a part of one.
        operand: the list.
        members: of the list.
        column: what the value is.
        dialect: of the condition.
    """
    label = f"c{operand.index}"
    match dialect.lists:
        case "array":
            if is_finer(column):
                return _one_of_instants(value, operand, members, column, dialect)
            found = sql.equals(value, exp.Any(this=exp.Paren(this=dialect.list_parameter(label, column))))
            return Condition(found, {label: (operand, members)}, nullable=True)
        case "json" | "escaped json":
            side = value
            if column.type == "binary":  # JSON has no bytes; of NULL the digits would be those of none
                present = sql.negated(sql.is_null(value))
                side = sql.case([(present, sql.call("hex", value))], sql.null())
            source = sql.source(sql.call("json_each", sql.parameter(label)), "list")
            member, text_of = sql.name("value", "list"), partial(_json, members)
            if column.type == "string" and dialect.lists == "escaped json":
                member, text_of = unescaped(member), partial(_escaped_json, members)
            chosen = sql.select([member], [source])
            return Condition(sql.member_of(side, chosen), {label: (operand, text_of)}, nullable=True)
        case "expanded":
            return _expanded(value, operand, members, column, dialect)
        case _:
            assert_never(dialect.lists)


def _json(members: Members, items: list[Any]) -> str:
    found = [item.hex().upper() if isinstance(item, bytes) else item for item in members(items)]
    return json_list(found)


def _escaped_json(members: Members, items: list[Any]) -> str:
    return escaped_json(_json(members, items))


def _one_of_instants(
    value: Expression, operand: ListSlot, members: Members, column: Column, dialect: Dialect
) -> Condition:
    """Instants finer than milliseconds: in one that begins with a member; an index finds first to last."""
    label = f"c{operand.index}"
    one = sql.name(_MEMBER, _LIST)
    following = sql.sum_of(one, _millisecond())
    rows = sql.unnested(dialect.list_parameter(label, column), _LIST, _MEMBER)
    inside = [sql.compare("$gte", value, one), sql.compare("$lt", value, following)]
    first, last = (dialect.parameter(f"{label}_{name}", column) for name in ("first", "last"))
    parts = [
        sql.compare("$gte", value, first),
        sql.compare("$lt", value, sql.sum_of(last, _millisecond())),
        sql.exists([rows], sql.all_of(inside)),
    ]
    parameters: Parameters = {
        label: (operand, members),
        f"{label}_first": (operand, partial(_extreme, members, min)),
        f"{label}_last": (operand, partial(_extreme, members, max)),
    }
    return Condition(sql.all_of(parts), parameters, nullable=True)


def _expanded(
    value: Expression, operand: ListSlot, members: Members, column: Column, dialect: Dialect
) -> Condition:
    """Member by member; those that a column cannot equal leave places that are NULL."""
    count = dict(dialect.lengths)[operand.index]
    labels = [f"c{operand.index}_{number}" for number in range(count)]
    parameters: Parameters = {
        label: (operand, partial(_member, members, number)) for number, label in enumerate(labels)
    }
    places = [dialect.parameter(label, column) for label in labels]
    if not places:
        return Condition(dialect.false)
    if not is_finer(column):
        return Condition(sql.member(value, places), parameters, nullable=True)
    _, below = bounds_of("$eq", "date", column, dialect.limits)
    ranges = []
    for number, place in enumerate(places):
        after = f"{labels[number]}_after"
        parameters[after] = (operand, partial(_member, partial(_following, below.bind), number))
        end = sql.compare("$lt", value, dialect.parameter(after, column))
        ranges.append(sql.all_of([sql.compare("$gte", value, place), end]))
    return Condition(sql.some_of(ranges), parameters, nullable=True)


def _following(bind: Callable[[Any], Any], items: list[Any]) -> list[Any]:
    """The instants that come a millisecond after the dates of a list."""
    return [bind(item) for item in items if value_class(item) == "date"]


def _millisecond() -> Expression:
    return exp.Interval(this=sql.string("1"), unit=exp.Var(this="MILLISECOND"))


def _member(members: Members, number: int, items: list[Any]) -> Any:
    found = members(items)
    return found[number] if number < len(found) else None


def _extreme(members: Members, choose: Callable[..., Any], items: list[Any]) -> Any:
    """The first or the last date of a list as the column has it; None where it has no dates."""
    dates = [item for item in items if value_class(item) == "date"]
    return members([choose(dates, key=milliseconds)])[0] if dates else None
