"""Notes on a filter that is right, and that surely means something else than its author thinks.

No answer depends on a note. Each function below is one rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from mongoglot.compiler.ast import (
    Always,
    And,
    Compare,
    ElemMatch,
    Exists,
    Expr,
    In,
    Leaf,
    Node,
    Not,
    Or,
    Path,
    RegexMatch,
)
from mongoglot.compiler.expression_ast import Call, Expression, Now, Variable, parts
from mongoglot.compiler.trees import dotted
from mongoglot.engines.sql.table import Table
from mongoglot.grammar.habits import JOINING, SHELL_QUOTES, operator_of
from mongoglot.grammar.operators import OPERATORS, TOP_LEVEL
from mongoglot.lookalikes import of_pattern, of_text
from mongoglot.query import Query

_ELEMENT: Final = re.compile(r"(.*)\[([0-9]+)\]")
_DATE_COLUMNS: Final = frozenset({"date", "timestamp", "timestamptz", "day"})
_NUMBER_COLUMNS: Final = frozenset({"number", "int", "double", "decimal"})


class Note(NamedTuple):
    """Something that a filter means, and its author perhaps does not.

    Attributes:
        path: the field that it is about, dotted; empty for the filter as a whole.
        says: what it means.
        remedy: how to write what was probably meant.
    """

    path: str
    says: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.says}{f' (at {self.path})' if self.path else ''}; {self.remedy}"


def notes_of(query: Query, table: Table | None = None) -> list[Note]:
    """The notes on a query, in the order of its conditions.

    Args:
        query: the query.
        table: whose columns it is asked of, where there is one.
    """
    predicates = list(_predicates(query.ast, _AT_THE_TOP, negated=False))
    bound = {asked.path for asked in predicates if not asked.negated}
    found = list(_texts_for_truth(query))
    for asked in predicates:
        path, leaf = asked.path, asked.leaf
        found += _brackets(asked)
        if asked.negated:
            found += _without_the_field(asked) if path not in bound else ()
        else:
            found += _null(asked)
        found += _empty_list(path, leaf)
        found += _whole_value(path, leaf, query.values)
        if isinstance(leaf, RegexMatch) and (remark := of_pattern(query.values[leaf.operand.index].text)):
            found.append(Note(dotted(path), *remark))
        found += _no_field(leaf)
        for text in _texts(leaf, query.values):
            if remark := of_text(text, in_order=_in_order(leaf), is_id=path[-1:] == ("_id",)):
                found.append(Note(dotted(path), *remark))
            found += _column(path, table)
    return list(dict.fromkeys(found))


class _Place(NamedTuple):
    """Where predicates stand: what they are asked of, and its path."""

    things: str
    path: Path


_AT_THE_TOP: Final = _Place("documents", ())


class _Asked(NamedTuple):
    """A predicate of a filter.

    Attributes:
        place: what it is asked of: a document, or an element of a list.
        leaf: the predicate.
        negated: whether its contrary is asked.
    """

    place: _Place
    leaf: Leaf
    negated: bool

    @property
    def path(self) -> Path:
        """The whole path."""
        return (*self.place.path, *self.leaf.path)


def _predicates(node: Node, place: _Place, *, negated: bool) -> Iterator[_Asked]:
    """The predicates of a tree, those in `$elemMatch` among them."""
    match node:
        case And(children) | Or(children):
            for child in children:
                yield from _predicates(child, place, negated=negated)
        case Not(child):
            yield from _predicates(child, place, negated=not negated)
        case Always():
            pass
        case leaf:
            asked = _Asked(place, leaf, negated)
            yield asked
            if isinstance(leaf, ElemMatch):
                yield from _predicates(leaf.child, _Place("elements", asked.path), negated=False)


def _texts_for_truth(query: Query) -> Iterator[Note]:
    """`{a: {$exists: "false"}}`: a text is true, whatever it says."""
    for position, token in enumerate(query.tokens):
        if token[0] == "EXISTS" and len(token) > 3:
            from mongoglot.grammar.misplaced import locate  # loads Lark, for what is rare

            path = locate(query.tokens, position)
            yield Note(
                path, "a text is true here, whatever it says", "write {$exists: false} or {$exists: true}"
            )


def _brackets(asked: _Asked) -> Iterator[Note]:
    """`{"a[0]": 1}`: brackets belong to the name."""
    for name in asked.leaf.path:
        if found := _ELEMENT.fullmatch(name):
            says = f"{name!r} is the name of a field here, brackets and all"
            yield Note(dotted(asked.path), says, f"an element of a list is '{found[1]}.{found[2]}'")


def _null(asked: _Asked) -> Iterator[Note]:
    """`{a: null}`: a missing field is null, too."""
    match asked.leaf:
        case Compare(_, "$eq" | "$gte" | "$lte", operand):
            applies = operand.kind == "null"
        case In(_, operand, _):
            applies = "null" in operand.kinds
        case _:
            applies = False
    if applies and asked.leaf.path:
        remedy = "{$type: 'null'} asks for null alone, and {$exists: false} for no field at all"
        yield Note(dotted(asked.path), _match_too(asked), remedy)


def _match_too(asked: _Asked) -> str:
    return f"{asked.place.things} without {dotted(asked.leaf.path)!r} match, too"


def _without_the_field(asked: _Asked) -> Iterator[Note]:
    """`{a: {$ne: 5}}`: a missing field is not 5."""
    match asked.leaf:
        case Compare(_, _, operand):
            applies = operand.kind != "null"
        case In(_, operand, patterns):
            applies = "null" not in operand.kinds and bool(operand.kinds or patterns)
        case Exists() | Expr():
            applies = False
        case _:
            applies = True
    if applies and asked.leaf.path:
        yield Note(dotted(asked.path), _match_too(asked), "{$exists: true} beside it leaves them out")


def _empty_list(path: Path, leaf: Leaf) -> Iterator[Note]:
    """`{a: {$in: []}}`."""
    if isinstance(leaf, In) and not leaf.operand.kinds and not leaf.patterns:
        yield Note(
            dotted(path), "no value is in an empty list", "leave the condition out where the list is empty"
        )


def _whole_value(path: Path, leaf: Leaf, values: list[Any]) -> Iterator[Note]:
    """`{a: {b: 1}}` and `{a: [1, 2]}`: equality of all of a document or an array."""
    if not isinstance(leaf, Compare) or leaf.op != "$eq" or not path:
        return
    value = values[leaf.operand.index]
    if path[-1].lower() in JOINING and _holds_filters(value):
        yield Note(dotted(path), f"{path[-1]!r} is the name of a field here", JOINING[path[-1].lower()])
        return
    if path[-1] == "" or (isinstance(value, dict) and "" in value):
        yield Note(dotted(path), "a field with an empty name is meant here", SHELL_QUOTES)
        return
    if leaf.operand.kind == "object" and isinstance(value, dict):
        for name in value:
            operator = operator_of(name)
            if operator in OPERATORS["mongodb"]:
                says = f"{name!r} is the name of a field here, and no operator"
                joining = JOINING.get(name) if operator in TOP_LEVEL else None
                yield Note(dotted(path), says, joining or f"write {{{operator}: …}}")
                return
        name = next(iter(value), "field")
        says = "only a document with exactly these fields, in this order, matches"
        yield Note(dotted(path), says, f"'{dotted(path)}.{name}' asks for one field in it")
    elif leaf.operand.kind == "array":
        says = (
            "only a list with exactly these elements, in this order, matches, or one that holds such a list"
        )
        yield Note(
            dotted(path),
            says,
            "{$all: […]} asks for all of them, and {$in: […]} for any",
        )


def _holds_filters(value: Any) -> bool:
    """Whether a value looks like what `$and`, `$or`, `$nor` and `$not` take."""
    return isinstance(value, dict) or (
        isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)
    )


def _no_field(leaf: Leaf) -> Iterator[Note]:
    """`{$expr: {$gt: ["a", 1]}}`: a text that is no field."""
    if isinstance(leaf, Expr) and not _reads(leaf.expression):
        yield Note("$expr", "the expression reads no field", "a field is written '$field'")


def _reads(expression: Expression) -> bool:
    if isinstance(expression, Call) and expression.operator == "$rand":
        return True
    return isinstance(expression, (Variable, Now)) or any(map(_reads, parts(expression)))


def _texts(leaf: Leaf, values: list[Any]) -> Iterator[str]:
    """The texts that a predicate compares with."""
    match leaf:
        case Compare(_, _, operand) if operand.kind == "string":
            yield str(values[operand.index])
        case In(_, operand, _) if "string" in operand.kinds:
            yield from (member for member in operand.members(values) if isinstance(member, str))
        case _:
            pass


def _in_order(leaf: Leaf) -> bool:
    return isinstance(leaf, Compare) and leaf.op != "$eq"


def _column(path: Path, table: Table | None) -> Iterator[Note]:
    """A text for a column of dates or of numbers."""
    column = table.column(path) if table is not None else None
    if column is not None and column.type in _DATE_COLUMNS:
        says = f"the column {column.name!r} holds dates, and no text"
        yield Note(dotted(path), says, 'write ISODate("2026-01-31") in text, and a datetime in Python')
    elif column is not None and column.type in _NUMBER_COLUMNS:
        yield Note(dotted(path), f"the column {column.name!r} holds numbers, and no text", "write the number")
