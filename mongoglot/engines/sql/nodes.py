"""Constructors of sqlglot nodes, and the one function that quotes names.

Nodes are built, never parsed from text: a value of a user is a placeholder, a name an identifier. sqlglot
prints trees as they are, without adding parentheses, so the constructors put them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlglot import exp

Expression = exp.Expr
Null = exp.Null

TRUE: Final = exp.Literal.number(1)
FALSE: Final = exp.Literal.number(0)


def quoted(name: str) -> str:
    """A name as an SQL identifier, whatever characters it has."""
    return '"' + name.replace('"', '""') + '"'


def name(identifier: str, table: str | None = None) -> Expression:
    """A column, of a table or alias."""
    qualifier = {"table": _identifier(table)} if table is not None else {}
    return exp.Column(this=_identifier(identifier), **qualifier)


def call(function: str, *arguments: Expression) -> Expression:
    """A function call; sqlglot's own function nodes would rewrite JSON paths."""
    return exp.Anonymous(this=function, expressions=list(arguments))


def string(text: str) -> Expression:
    """A text constant: only for words and paths that mongoglot wrote."""
    return exp.Literal.string(text)


def integer(value: int) -> Expression:
    """A number constant that mongoglot wrote."""
    return exp.Literal.number(value)


def parameter(label: str) -> Expression:
    """A named placeholder, `:p0`."""
    return exp.Placeholder(this=label)


COMPARISONS: Final[dict[str, type[exp.Binary]]] = {
    "$eq": exp.EQ,
    "$gt": exp.GT,
    "$gte": exp.GTE,
    "$lt": exp.LT,
    "$lte": exp.LTE,
}


def compare(op: str, left: Expression, right: Expression) -> Expression:
    """`left op right`, for an operator of MongoDB."""
    node: Expression = COMPARISONS[op](this=_operand(left), expression=_operand(right))
    return node


def equals(left: Expression, right: Expression) -> Expression:
    """`left = right`."""
    return compare("$eq", left, right)


def between(value: Expression, low: Expression, high: Expression) -> Expression:
    """`low <= value AND value < high`."""
    return all_of([compare("$gte", value, low), compare("$lt", value, high)])


def is_null(value: Expression) -> Expression:
    """`value IS NULL`."""
    return exp.Is(this=_operand(value), expression=exp.Null())


def negated(value: Expression) -> Expression:
    """`NOT (value)`."""
    return exp.Not(this=exp.Paren(this=value))


def not_null_else(value: Expression, default: Expression) -> Expression:
    """`ifnull(value, default)`."""
    return call("ifnull", value, default)


def all_of(parts: Sequence[Expression]) -> Expression:
    """The conjunction; balanced, as SQLite refuses long chains."""
    return _balanced(exp.And, parts) if parts else TRUE


def some_of(parts: Sequence[Expression]) -> Expression:
    """The disjunction; balanced, as SQLite refuses long chains."""
    return _balanced(exp.Or, parts) if parts else FALSE


def _balanced(connective: type[exp.Binary], parts: Sequence[Expression]) -> Expression:
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    left, right = _balanced(connective, parts[:middle]), _balanced(connective, parts[middle:])
    node: Expression = connective(this=_operand(left), expression=_operand(right))
    return node


def _operand(value: Expression) -> Expression:
    return exp.Paren(this=value) if isinstance(value, (exp.Binary, exp.Not, exp.In)) else value


def member(value: Expression, choices: Iterable[Expression]) -> Expression:
    """`value IN (a, b)`."""
    return exp.In(this=_operand(value), expressions=list(choices))


def member_of(value: Expression, query: Expression) -> Expression:
    """`value IN (SELECT …)`."""
    return exp.In(this=_operand(value), query=exp.Subquery(this=query))


def case(
    branches: Sequence[tuple[Expression, Expression]], default: Expression, of: Any = None
) -> Expression:
    """`CASE [of] WHEN … THEN … ELSE default END`; the default alone where there are no branches."""
    if not branches:
        return default
    ifs = [exp.If(this=condition, true=result) for condition, result in branches]
    return exp.Case(this=of, ifs=ifs, default=default)


def source(function: Expression, alias: str) -> Expression:
    """A table-valued function in a FROM clause."""
    return exp.Table(this=function, alias=exp.TableAlias(this=_identifier(alias)))


def unnested(array: Expression, alias: str, column: str) -> Expression:
    """`unnest(array) AS alias(column)`: the elements of an array as the rows of a FROM clause."""
    names = exp.TableAlias(this=_identifier(alias), columns=[_identifier(column)])
    return exp.Unnest(expressions=[array], alias=names)


def derived(query: Expression, alias: str) -> Expression:
    """A subquery in a FROM clause."""
    return exp.Subquery(this=query, alias=exp.TableAlias(this=_identifier(alias)))


def select(
    columns: Sequence[Expression], sources: Sequence[Expression] = (), where: Expression | None = None
) -> exp.Select:
    """`SELECT … FROM a, b WHERE …`; later sources may use columns of earlier ones."""
    query = exp.Select(expressions=list(columns))
    if sources:
        query.set("from_", exp.From(this=sources[0]))
    for later in sources[1:]:
        query.append("joins", exp.Join(this=later))
    if where is not None:
        query.set("where", exp.Where(this=where))
    return query


def first_of(query: exp.Select) -> Expression:
    """`SELECT … LIMIT 1`, which SQLite runs by itself and not as a part of the query around it."""
    query.set("limit", exp.Limit(expression=integer(1)))
    return query


def exists(sources: Sequence[Expression], where: Expression) -> Expression:
    """`EXISTS (SELECT 1 FROM … WHERE …)`."""
    return exp.Exists(this=select([TRUE], sources, where))


def aliased(value: Expression, label: str) -> Expression:
    """`value AS label`."""
    return exp.Alias(this=value, alias=_identifier(label))


def _identifier(text: str) -> exp.Identifier:
    return exp.Identifier(this=text, quoted=True)


def scalar(query: Expression) -> Expression:
    """`(SELECT …)` as a value."""
    return exp.Subquery(this=query)


def row_number() -> Expression:
    """`row_number() OVER ()`: the place of a row in the order in which it is read."""
    return exp.Window(this=exp.Anonymous(this="row_number", expressions=[]))


def cast(value: Expression, kind: str) -> Expression:
    """`CAST(value AS kind)`; a call of sqlglot's own would rename SQLite's type."""
    return exp.Anonymous(this="CAST", expressions=[exp.Alias(this=value, alias=exp.Identifier(this=kind))])


def blob(hexadecimal: str) -> Expression:
    """`x'00'`."""
    return exp.HexString(this=hexadecimal)


def glob(value: Expression, pattern: Expression) -> Expression:
    """`value GLOB pattern`."""
    return exp.Glob(this=_operand(value), expression=pattern)


def concat(left: Expression, right: Expression) -> Expression:
    """`left || right`."""
    return exp.DPipe(this=_operand(left), expression=_operand(right))


def is_same(left: Expression, right: Expression) -> Expression:
    """`left IS right`: equality that knows NULL."""
    return exp.Is(this=_operand(left), expression=_operand(right))


def remainder(left: Expression, right: Expression) -> Expression:
    """`left % right`."""
    return exp.Mod(this=_operand(left), expression=_operand(right))


def sum_of(left: Expression, right: Expression) -> Expression:
    """`left + right`."""
    return exp.Add(this=_operand(left), expression=_operand(right))


def difference(left: Expression, right: Expression) -> Expression:
    """`left - right`."""
    return exp.Sub(this=_operand(left), expression=_operand(right))


def bits_and(left: Expression, right: Expression) -> Expression:
    """`left & right`."""
    return exp.BitwiseAnd(this=_operand(left), expression=_operand(right))


def bits_right(left: Expression, places: int) -> Expression:
    """`left >> places`."""
    return exp.BitwiseRightShift(this=_operand(left), expression=integer(places))


def product(left: Expression, right: Expression) -> Expression:
    """`left * right`."""
    return exp.Mul(this=_operand(left), expression=_operand(right))


def quotient(left: Expression, right: Expression) -> Expression:
    """`left / right`."""
    return exp.Div(this=_operand(left), expression=_operand(right), typed=True, safe=True)


def collate(value: Expression, collation: str) -> Expression:
    """`value COLLATE "collation"`."""
    return exp.Collate(this=_operand(value), expression=_identifier(collation))


def contains(left: Expression, right: Expression) -> Expression:
    """`left @> right`."""
    return exp.ArrayContainsAll(this=_operand(left), expression=right)


def row(*values: Expression) -> Expression:
    """`(a, b)`: compared place by place, unknown where a place that decides is NULL."""
    return exp.Tuple(expressions=list(values))


def null() -> Expression:
    """`NULL`."""
    return exp.Null()


def everything() -> Expression:
    """`*`: all columns."""
    return exp.Star()


def real(value: float) -> Expression:
    """A double constant that mongoglot wrote."""
    return exp.Literal.number(repr(value))


def characters(text: str) -> Expression:
    """A short constant, spelled by code points as it does not print well."""
    return call("char", *(integer(ord(character)) for character in text))


def truth(value: bool) -> Expression:
    """`TRUE` or `FALSE`, where they are not 1 and 0."""
    return exp.Boolean(this=value)
