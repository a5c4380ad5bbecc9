"""Constructors of nodes that DuckDB's SQL has and SQLite's has not, and the printing of both."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Final

from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB

from mongoglot.engines.sql import nodes as sql
from mongoglot.engines.sql.nodes import Expression

TRUE: Final = exp.Boolean(this=True)
FALSE: Final = exp.Boolean(this=False)

Equality, Greater, GreaterEqual, Less, LessEqual = exp.EQ, exp.GT, exp.GTE, exp.LT, exp.LTE
Conjunction, Disjunction, Paren, Call = exp.And, exp.Or, exp.Paren, exp.Anonymous

_PRINTERS = threading.local()


def text_of(tree: Expression, *, pretty: bool = False) -> str:
    """The SQL of a tree."""
    attribute = "pretty" if pretty else "plain"
    printer = getattr(_PRINTERS, attribute, None)
    if printer is None:
        printer = DuckDB().generator(comments=False, normalize_functions=False, pretty=pretty)
        setattr(_PRINTERS, attribute, printer)
    text: str = printer.generate(tree, copy=False)
    return text


def parameter(label: str) -> Expression:
    """A named placeholder, `$p0`."""
    return exp.Placeholder(this=label)


def parameters_of(tree: Expression) -> set[str]:
    """The labels of the placeholders in a tree."""
    return {node.name for node in tree.find_all(exp.Placeholder)}


def truth(value: bool) -> Expression:
    """`TRUE` or `FALSE`."""
    return TRUE if value else FALSE


def cast(value: Expression, kind: str, *, lists: int = 0) -> Expression:
    """`CAST(value AS kind)`, with `[]` behind the type for each level of lists."""
    return exp.Cast(this=value, to=_type(kind, lists))


def cast_text(value: Expression, kind: str) -> Expression:
    """`CAST(value AS kind)`, the type as DuckDB names it."""
    return exp.Cast(this=value, to=exp.Var(this=kind))


def _type(kind: str, lists: int) -> exp.DataType:
    found = exp.DataType(this=exp.DataType.Type[kind])
    for _ in range(lists):
        found = exp.DataType(this=exp.DataType.Type.ARRAY, expressions=[found], nested=True)
    return found


def array(*items: Expression) -> Expression:
    """`[a, b]`."""
    return exp.Array(expressions=list(items))


def every(function: str, items: Expression, label: str, of: Callable[[Expression], Expression]) -> Expression:
    """`function(items, lambda label: …)`, where `of` is given the item."""
    body = of(sql.name(label))
    parameters = [exp.Identifier(this=label, quoted=True)]
    return sql.call(function, items, exp.Lambda(this=body, expressions=parameters))


def mapped(items: Expression, label: str, of: Callable[[Expression], Expression]) -> Expression:
    """The list of what `of` says of each item."""
    return every("list_transform", items, label, of)


def kept(items: Expression, label: str, holds: Callable[[Expression], Expression]) -> Expression:
    """The items for which a condition holds."""
    return every("list_filter", items, label, holds)


def some_item(items: Expression, label: str, holds: Callable[[Expression], Expression]) -> Expression:
    """Whether a condition holds for an item; false or NULL where there is no list."""
    return sql.call("list_contains", mapped(items, label, holds), TRUE)


def two_valued(condition: Expression) -> Expression:
    """`coalesce(condition, FALSE)`."""
    return sql.call("coalesce", condition, FALSE)


def not_null(value: Expression) -> Expression:
    """`NOT (value IS NULL)`."""
    return sql.negated(sql.is_null(value))


def all_of(parts: Sequence[Expression]) -> Expression:
    """The conjunction, constants folded."""
    if FALSE in parts:
        return FALSE
    kept = [part for part in parts if part != TRUE]
    return sql.all_of(kept) if kept else TRUE


def some_of(parts: Sequence[Expression]) -> Expression:
    """The disjunction, constants folded."""
    if TRUE in parts:
        return TRUE
    kept = [part for part in parts if part != FALSE]
    return sql.some_of(kept) if kept else FALSE


def in_query(value: Expression, label: str) -> Expression:
    """`value IN (SELECT unnest($label))`."""
    return sql.member_of(value, sql.select([sql.call("unnest", parameter(label))]))
