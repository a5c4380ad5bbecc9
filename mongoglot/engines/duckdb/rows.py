"""The lowering for rows with typed columns, nested ones too: what holds at the places where a path leads.

All paths of a type are known when a filter is compiled, so that `c.d.e` on a STRUCT is the plain `c.d.e`, and
elements of a LIST are looked at by a lambda (semantics 2).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, final

from mongoglot.compiler.ast import Always, ElemMatch, Expr, JsonSchema, Leaf, Path, Sample, ServerOnly
from mongoglot.compiler.lowering import needs_server
from mongoglot.compiler.residual import split
from mongoglot.compiler.walk import array_index
from mongoglot.engines.duckdb.documents import DuckdbConnectives
from mongoglot.engines.duckdb.typed import DeclinedError, Tests, as_list, is_list
from mongoglot.engines.duckdb.types import MapOf, Scalar, Struct, Type
from mongoglot.engines.sql import duckdb_nodes as duck
from mongoglot.engines.sql import nodes as sql
from mongoglot.engines.sql.condition import Condition, Parameters
from mongoglot.engines.sql.nodes import Expression

MAX_MATCHES: Final = 6
"""How deep `$elemMatch` nests before it goes to the residual."""

MAX_INDEXES: Final = 5
"""Components of a path that may be indexes: each has two readings."""

MAX_LENGTH: Final = 40
"""Components of a path before it goes to the residual."""


@final
@dataclass(frozen=True, slots=True)
class RowLowering(DuckdbConnectives):
    """The lowering for the rows of a table, or for the elements of a list that `$elemMatch` looks at.

    Attributes:
        kind: of the row, a STRUCT of its columns, or of the element.
        element: SQL of the element; None for the row itself.
        depth: how many `$elemMatch` enclose it.
    """

    kind: Type
    element: Expression | None = None
    depth: int = 0

    def predicate(self, leaf: Leaf) -> Condition | None:
        """A predicate on the row or element."""
        if isinstance(leaf, ServerOnly):
            raise needs_server(leaf)
        if isinstance(leaf, (JsonSchema, Expr, Sample)):  # Python checks them
            return None
        indexes = sum(array_index(part) is not None for part in leaf.path)
        if indexes > MAX_INDEXES or len(leaf.path) > MAX_LENGTH:
            return None
        parameters: Parameters = {}
        walk = _Walk(leaf, Tests(leaf, parameters), self.depth, 0)
        try:
            return Condition(self._tree(walk, leaf.path), parameters, nullable=True)
        except DeclinedError:
            return None

    def _tree(self, walk: _Walk, path: Path) -> Expression:
        if self.element is None:
            return self._in_row(walk, path)
        if not path:
            return walk.whole(self.element, self.kind)
        if is_list(self.kind):
            return walk.numbered(self.element, self.kind, path)
        return walk.document(self.element, self.kind, path)

    def _in_row(self, walk: _Walk, path: Path) -> Expression:
        """What holds in a row; a dot in the name of a column is one in a path."""
        assert isinstance(self.kind, Struct)  # noqa: S101 - a row is one
        for name, column in self.kind.fields:
            field = tuple(name.split("."))
            if path[: len(field)] == field:
                return walk.named(sql.name(name), column, path[len(field) :])
            if field[: len(path)] == path:  # a document that is made of columns
                raise DeclinedError
        return walk.missing


@final
@dataclass(frozen=True, slots=True)
class _Walk:
    """One predicate on its way along its path.

    Attributes:
        leaf: the predicate.
        tests: its conditions on values.
        depth: how many `$elemMatch` enclose it.
        level: how many lambdas of its own do.
    """

    leaf: Leaf
    tests: Tests
    depth: int
    level: int

    @property
    def missing(self) -> Expression:
        """What holds where there is no field."""
        return duck.truth(self.tests.missing)

    def named(self, value: Expression, kind: Type, path: Path) -> Expression:
        """What holds for a value that was reached by a name, and for what the rest of the path finds in it."""
        if not path:
            return self._at_end(value, kind)
        if isinstance(kind, Scalar):
            if kind.kind == "json":
                raise DeclinedError
            return self.missing
        found = self._array(value, kind, path) if is_list(kind) else self.document(value, kind, path)
        if self.tests.missing:
            return duck.some_of([sql.is_null(value), found])
        return _unless_null(value, found)

    def document(self, value: Expression, kind: Type, path: Path) -> Expression:
        """What the path finds in a document that is there."""
        name, rest = path[0], path[1:]
        match kind:
            case Struct(fields):
                inner = dict(fields).get(name)
                if inner is None:
                    return self.missing
                return self.named(sql.call("struct_extract", value, sql.string(name)), inner, rest)
            case MapOf(inner):
                label = "key_" + name.encode().hex()  # a name of ours for a name of the user's
                self.tests.parameters[label] = (None, lambda _: name)
                key = duck.parameter(label)
                there = sql.call("map_contains", value, key)
                return sql.case(
                    [(there, self.named(sql.call("map_extract_value", value, key), inner, rest))],
                    self.missing,
                )
            case _:
                return self.missing

    def numbered(self, value: Expression, kind: Type, path: Path) -> Expression:
        """What the path finds in an array that is read as a document with the fields '0', '1', …."""
        chosen = _chosen(value, kind, path[0])
        if chosen is None:
            return self.missing
        there, item, inner = chosen
        return sql.case([(there, self.named(item, inner, path[1:]))], self.missing)

    def _array(self, value: Expression, kind: Type, path: Path) -> Expression:
        """What the path finds in an array: in its documents by name, and in one element by index."""
        if path == ("",):  # the server reads 'a.' on an array as if the dot were not there
            return self._at_end(value, kind)
        items, inner = as_list(value, kind)
        if isinstance(inner, Scalar) and inner.kind == "json":
            raise DeclinedError
        hits = []
        if isinstance(inner, (Struct, MapOf)):
            hits.append(
                self._some(items, lambda walk, item: _unless_null(item, walk.document(item, inner, path)))
            )
        chosen = _chosen(value, kind, path[0])
        if chosen is not None:
            there, item, _ = chosen
            hits.append(duck.all_of([there, self._by_index(item, inner, path[1:])]))
        return duck.some_of(hits)

    def _by_index(self, value: Expression, kind: Type, path: Path) -> Expression:
        """What holds for an element that was reached by its index: it is not expanded."""
        if not path:
            return self.whole(value, kind)
        if isinstance(kind, Scalar):
            return duck.FALSE
        found = self._array(value, kind, path) if is_list(kind) else self.document(value, kind, path)
        return _unless_null(value, found)

    def _at_end(self, value: Expression, kind: Type) -> Expression:
        """What holds for the value at the end of the path: for an element of it, or as a whole."""
        whole = self.whole(value, kind)
        if not is_list(kind) or not self.tests.expand:
            return whole
        items, inner = as_list(value, kind)
        return duck.some_of([self._some(items, lambda walk, item: walk.whole(item, inner)), whole])

    def whole(self, value: Expression, kind: Type) -> Expression:
        """What holds for a value as it is."""
        if isinstance(self.leaf, ElemMatch):
            return self._match(self.leaf, value, kind)
        return self.tests.whole(value, kind)

    def _match(self, leaf: ElemMatch, value: Expression, kind: Type) -> Expression:
        """`$elemMatch`: the array has an element for which what it holds is true."""
        if self.depth >= MAX_MATCHES or (isinstance(kind, Scalar) and kind.kind == "json"):
            raise DeclinedError
        if not is_list(kind):
            return duck.FALSE
        items, inner = as_list(value, kind)
        if isinstance(inner, Scalar) and inner.kind == "json":
            raise DeclinedError
        if isinstance(inner, Scalar) and not leaf.by_value:
            return duck.FALSE
        label = f"m{self.depth}"
        element = sql.name(label)
        halves = split(leaf.child, RowLowering(inner, element, self.depth + 1))
        if halves.residual is not None:
            raise DeclinedError
        holds = duck.truth(halves.pushed == Always(True)) if halves.code is None else halves.code.tree
        if halves.code is not None:
            self.tests.parameters.update(halves.code.parameters)
        if not leaf.by_value:
            holds = _unless_null(element, holds)
        return duck.some_item(items, label, lambda _: holds)

    def _some(self, items: Expression, holds: Callable[[_Walk, Expression], Expression]) -> Expression:
        """Whether something holds for an element of a list."""
        walk = replace(self, level=self.level + 1)
        label = f"v{self.depth}_{self.level}"
        condition = holds(walk, sql.name(label))
        if condition == duck.FALSE:
            return duck.FALSE
        if isinstance(condition, duck.Equality) and condition.this == sql.name(label):
            return sql.call("list_contains", items, condition.expression)
        return duck.some_item(items, label, lambda _: condition)


def _chosen(value: Expression, kind: Type, part: str) -> tuple[Expression, Expression, Type] | None:
    """Whether an array has an element that a component names by its index, the element, and its type."""
    index = array_index(part) if len(part) < 10 else None
    if index is None:
        return None
    items, inner = as_list(value, kind)
    there = sql.compare("$gt", sql.call("len", items), sql.integer(index))
    return there, sql.call("list_extract", items, sql.integer(index + 1)), inner


def _unless_null(value: Expression, condition: Expression) -> Expression:
    """A condition on what is inside a value; false where that is NULL."""
    if condition == duck.FALSE or _rejects_null(condition, value):
        return condition
    return duck.all_of([duck.not_null(value), condition])


def _rejects_null(condition: Expression, value: Expression) -> bool:
    """Whether a condition is NULL or false where a value is NULL: a comparison with something in the value."""
    match condition:
        case duck.Conjunction():
            return _rejects_null(_bare(condition.this), value) or _rejects_null(
                _bare(condition.expression), value
            )
        case duck.Disjunction():
            return _rejects_null(_bare(condition.this), value) and _rejects_null(
                _bare(condition.expression), value
            )
        case duck.Equality() | duck.Greater() | duck.GreaterEqual() | duck.Less() | duck.LessEqual():
            return _is_inside(condition.this, value)
        case duck.Call() if condition.this == "list_contains":
            return any(_is_inside(argument, value) for argument in condition.expressions)
        case _:
            return False


def _bare(condition: Expression) -> Expression:
    return condition.this if isinstance(condition, duck.Paren) else condition


def _is_inside(place: Expression, value: Expression) -> bool:
    """Whether a place is a value or reached from it by names and indexes: NULL where the value is."""
    if place == value:
        return True
    inside = ("struct_extract", "list_extract", "list_transform", "map_entries", "map_extract_value")
    return isinstance(place, duck.Call) and place.this in inside and _is_inside(place.expressions[0], value)
