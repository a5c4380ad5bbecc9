"""The abstract syntax of aggregation expressions, what `$expr` holds: a closed union of frozen nodes.

As in a filter's tree no node holds a value: a literal is a `Literal`, a position among the literals of its
`$expr`. Field paths and the names of operators belong to the shape, and a variable is known by its place.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias, assert_never, final

from mongoglot.compiler.values import ValueClass

ROOT: Final = 0
"""The place of the document among the variables."""


class ExpressionOperand(NamedTuple):
    """The value of the token of an `$expr`.

    Attributes:
        written: what was written, for a server.
        literals: the values of its `Literal` nodes.
        now: `$$NOW`; None until a command begins.
    """

    written: Any
    literals: tuple[Any, ...]
    now: datetime.datetime | None = None


@final
@dataclass(frozen=True, slots=True)
class Literal:
    """A constant: where its value stands among the literals, and of what class it is."""

    index: int
    kind: ValueClass


@final
@dataclass(frozen=True, slots=True)
class Variable:
    """A variable or what lies below it: `$a.b` is the path `a.b` of the document (semantics 3.9).

    Attributes:
        place: among the variables in scope, counted from the outermost; `ROOT` is the document.
        path: the fields below it.
    """

    place: int
    path: tuple[str, ...]


@final
@dataclass(frozen=True, slots=True)
class Removed:
    """`$$REMOVE`: no value, as a missing field is."""


@final
@dataclass(frozen=True, slots=True)
class Now:
    """`$$NOW`: the time of the command, the same for all its documents."""


@final
@dataclass(frozen=True, slots=True)
class ObjectOf:
    """`{x: …, y: …}`: a document of computed fields; what is missing is left out."""

    names: tuple[str, ...]
    fields: tuple[Expression, ...]


@final
@dataclass(frozen=True, slots=True)
class ArrayOf:
    """`[…, …]`: an array of computed elements; what is missing is null."""

    items: tuple[Expression, ...]


@final
@dataclass(frozen=True, slots=True)
class Call:
    """An operator with its operands, in the order in which it evaluates them.

    Attributes:
        operator: its name.
        operands: None for a named one that was not written.
    """

    operator: str
    operands: tuple[Expression | None, ...]


@final
@dataclass(frozen=True, slots=True)
class Let:
    """`$let`: variables, which take the next places in scope, and what is computed with them."""

    values: tuple[Expression, ...]
    body: Expression


@final
@dataclass(frozen=True, slots=True)
class Switch:
    """`$switch`: pairs of a condition and a result, and the result where no condition holds."""

    branches: tuple[tuple[Expression, Expression], ...]
    default: Expression | None


@final
@dataclass(frozen=True, slots=True)
class Each:
    """`$map`, `$filter` and `$reduce`: an expression evaluated for each element of an array.

    Attributes:
        operator: its name.
        source: the array.
        body: of each element, which takes the next place in scope; in `$reduce` the value so far takes the next
            place, and the element the one after it.
        extra: the initial value of `$reduce`, the limit of `$filter`.
    """

    operator: str
    source: Expression
    body: Expression
    extra: Expression | None


Expression: TypeAlias = Literal | Variable | Removed | Now | ObjectOf | ArrayOf | Call | Let | Switch | Each


def written_depth(expression: Expression) -> int:
    """How many levels of BSON a server needs to write an expression: each operator has a list of operands."""
    match expression:
        case Variable() | Removed() | Now():
            return 0
        case Literal(_, kind):  # as an operator; what nests inside it is not counted
            return 2 if kind in ("array", "object") else 1
        case ObjectOf() | ArrayOf():
            return 1 + _deepest(parts(expression))
        case Call() | Each():
            return 2 + _deepest(parts(expression))
        case Let(values, body):
            return max(3 + _deepest(values), 2 + written_depth(body))
        case Switch(branches, default):
            inside = 4 + _deepest(part for branch in branches for part in branch)
            return inside if default is None else max(inside, 2 + written_depth(default))
        case _:
            assert_never(expression)


def _deepest(expressions: Iterable[Expression]) -> int:
    return max(map(written_depth, expressions), default=0)


def tells_time(expression: Expression) -> bool:
    """Whether `$$NOW` is in it."""
    return isinstance(expression, Now) or any(map(tells_time, parts(expression)))


def parts(expression: Expression) -> Iterator[Expression]:
    """The expressions directly below one."""
    match expression:
        case Literal() | Variable() | Removed() | Now():
            return
        case ObjectOf(_, items) | ArrayOf(items):
            yield from items
        case Call(_, operands):
            yield from (operand for operand in operands if operand is not None)
        case Let(values, body):
            yield from (*values, body)
        case Switch(branches, default):
            yield from (part for branch in branches for part in branch)
            if default is not None:
                yield default
        case Each(_, source, body, extra):
            yield source
            yield body
            if extra is not None:
                yield extra
