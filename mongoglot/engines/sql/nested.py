"""Predicates on columns of lists and structs: paths that go on inside them, with MongoDB's rules for arrays.

An array on the way yields its objects, one at the end its elements and itself (semantics, section 2). Each list
becomes an EXISTS over its elements.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, TypeAlias, assert_never, final

from sqlglot import exp

from mongoglot.compiler.ast import (
    Always,
    Bits,
    Compare,
    ElemMatch,
    Exists,
    Expr,
    Glob,
    HasType,
    In,
    JsonSchema,
    Leaf,
    Mod,
    Path,
    RegexMatch,
    Sample,
    ServerOnly,
    Size,
)
from mongoglot.compiler.lowering import Superset, needs_server
from mongoglot.compiler.residual import split
from mongoglot.compiler.walk import array_index
from mongoglot.engines.sql import nodes as sql
from mongoglot.engines.sql.condition import Condition, Connectives
from mongoglot.engines.sql.dialects import Dialect
from mongoglot.engines.sql.nodes import Expression
from mongoglot.engines.sql.table import Column
from mongoglot.engines.sql.typed import missing_matches, typed_condition

Found: TypeAlias = Condition | Superset[Condition] | None

OnJson: TypeAlias = Callable[[Leaf, Column, Expression, Path], Found]
"""What an engine makes of a predicate on a JSON value, at the rest of a path in it; None to decline."""

_NULL, _OBJECT, _ARRAY = 10, 3, 4

_MAX_DEPTH: Final = 6
"""How deep lists nest in one predicate before it goes to the residual."""


@final
@dataclass(frozen=True, slots=True)
class Nested(Connectives):
    """The lowering of predicates on values inside a column.

    Attributes:
        dialect: of the conditions.
        on_json: is given what is JSON.
        depth: how many lists enclose the value.
        element: what an `$elemMatch` looks at, and where it is; None outside.
    """

    dialect: Dialect
    on_json: OnJson
    depth: int = 0
    element: tuple[Column, Expression] | None = None

    def two_valued(self, tree: Expression) -> Expression:
        """False where the condition is NULL."""
        return self.dialect.two_valued(tree)

    def predicate(self, leaf: Leaf) -> Found:
        """A predicate of an `$elemMatch`, on the element."""
        if isinstance(leaf, ServerOnly):
            raise needs_server(leaf)
        if self.element is None or isinstance(leaf, (Sample, JsonSchema, Expr)):
            return None
        column, value = self.element
        if not leaf.path:
            return None if column.is_nested else typed_condition(leaf, column, value, self.dialect)
        return self.at(leaf, column, value, leaf.path)

    def at(self, leaf: Leaf, column: Column, value: Expression, rest: Path) -> Found:
        """A predicate at the rest of a path that starts at a value.

        Args:
            leaf: the predicate.
            column: what the value is.
            value: where it is.
            rest: of the path.
        """
        match column.type:
            case "json":
                return self.on_json(leaf, column, value, rest)
            case "struct" if rest:
                return self._in_struct(leaf, column, value, rest)
            case "map" if not _is_document(column):
                return self.at(leaf, _entries(column), sql.call("map_entries", value), rest)
            case "map" if rest:
                return self._in_map(leaf, column, value, rest)
            case "list" if rest:
                return self._in_list(leaf, column, value, rest)
            case "list":
                return self._at_list(leaf, column, value)
            case _ if rest:
                return self._constant(bool(missing_matches(leaf)))
            case _:
                return self.whole(leaf, column, value)

    def _constant(self, value: bool) -> Condition:
        return Condition(self.dialect.constant(value))

    def _in_struct(self, leaf: Leaf, column: Column, value: Expression, rest: Path) -> Found:
        field = next((field for field in column.fields if field.name == rest[0]), None)
        if field is None:
            return self._constant(bool(missing_matches(leaf)))
        inner = exp.Dot(this=value, expression=exp.to_identifier(field.name, quoted=True))
        found = self.at(leaf, replace(field, nullable=True), inner, rest[1:])
        if isinstance(found, Condition) and isinstance(leaf, (Exists, HasType)):
            # a struct that is NULL has no fields, not even one that is null
            tree = sql.case([(sql.is_null(value), self.dialect.false)], found.tree)
            return replace(found, tree=tree)
        return found

    def _in_map(self, leaf: Leaf, column: Column, value: Expression, rest: Path) -> Found:
        """The value of a key, in a map that has it."""
        if column.fields[0].as_text:
            return None
        label = "key_" + rest[0].encode().hex()  # a name of ours for a name of the user's
        key = self.dialect.parameter(label, column.fields[0])
        inner = sql.call("map_extract_value", value, key)
        found = self.at(leaf, replace(column.fields[1], nullable=True), inner, rest[1:])
        if not isinstance(found, Condition):
            return None
        there = sql.call("map_contains", value, key)
        tree = sql.case([(there, found.tree)], self.dialect.constant(bool(missing_matches(leaf))))
        return Condition(tree, {**found.parameters, label: (None, lambda _: rest[0])}, nullable=True)

    def _in_list(self, leaf: Leaf, column: Column, value: Expression, rest: Path) -> Found:
        """The objects in the list, by name; a component that may be an index goes to the residual."""
        element = _element_of(column)
        if array_index(rest[0]) is not None or rest[0] == "" or element.type == "json":
            return None
        if element.type != "struct" and not _is_document(element):  # there is nothing that has fields
            return self._or_null(leaf, value, self._constant(False))
        found = self._some_element(
            value, lambda inner, one: _present(one, inner.at(leaf, element, one, rest))
        )
        return self._or_null(leaf, value, found)

    def _or_null(self, leaf: Leaf, value: Expression, found: Found) -> Found:
        """A list that is NULL is no list: the field below it is missing."""
        if not missing_matches(leaf):
            return found
        return self._either(Condition(sql.is_null(value)), found)

    def _at_list(self, leaf: Leaf, column: Column, value: Expression) -> Found:
        """The elements of a list and the list itself."""
        element = _element_of(column)
        match leaf:
            case Exists():
                return self._constant(True)
            case Size(_, length):
                count = self.dialect.list_length(value)
                label = f"size_{length}"
                size = self.dialect.parameter(label, Column("size", "int"))
                return Condition(sql.equals(count, size), {label: (None, lambda _: length)}, nullable=True)
            case ElemMatch():
                return self._match(leaf, column, value)
            case _ if element.type == "json":
                return None
            case _:
                itself = self.whole(leaf, column, value)
                found = self._some_element(value, lambda inner, one: inner.whole(leaf, element, one))
                if itself is None:
                    return None
                return self._either(itself, self._of_one_dimension(value, found))

    def _match(self, leaf: ElemMatch, column: Column, value: Expression) -> Found:
        element = _element_of(column)
        if element.type in ("list", "json", "map") or (leaf.by_value and element.type == "struct"):
            return None
        several = sql.compare("$gt", sql.call("array_ndims", value), sql.integer(1))
        if (
            not leaf.by_value and element.type != "struct"
        ):  # there are no objects in it, but arrays of PostgreSQL
            return (
                Superset(Condition(several, nullable=True))
                if self.dialect.flattens
                else self._constant(False)
            )

        def holds(inner: Nested, one: Expression) -> Found:
            halves = split(leaf.child, replace(inner, element=(replace(element, nullable=True), one)))
            code = halves.code
            if code is None:
                code = self._constant(halves.pushed == Always(True))
            found = code if halves.residual is None else Superset(code)
            return found if leaf.by_value else _present(one, found)

        found = self._some_element(value, holds)
        if not self.dialect.flattens or found is None:
            return found
        code = found.code if isinstance(found, Superset) else found
        return Superset(Condition(sql.some_of([code.tree, several]), code.parameters, nullable=True))

    def _of_one_dimension(self, value: Expression, found: Found) -> Found:
        """In PostgreSQL arrays of arrays are columns of arrays too, of which the elements are no scalars."""
        if not self.dialect.flattens or not isinstance(found, Condition):
            return found
        single = sql.equals(sql.call("array_ndims", value), sql.integer(1))
        return Condition(sql.all_of([single, found.tree]), found.parameters, nullable=True)

    def _some_element(self, value: Expression, holds: Callable[[Nested, Expression], Found]) -> Found:
        """Whether a condition holds for an element of a list that is not NULL."""
        if self.depth >= _MAX_DEPTH:
            return None
        alias, name = f"mongoglot list {self.depth}", "mongoglot element"
        inner = holds(replace(self, depth=self.depth + 1), sql.name(name, alias))
        if inner is None:
            return None
        code = inner.code if isinstance(inner, Superset) else inner
        tree = sql.exists([sql.unnested(value, alias, name)], code.tree)
        condition = Condition(tree, code.parameters)
        return Superset(condition) if isinstance(inner, Superset) else condition

    def _either(self, itself: Condition, found: Found) -> Found:
        if found is None:
            return None
        code = found.code if isinstance(found, Superset) else found
        joined = self.disjunction([itself, code])
        return Superset(joined) if joined is not None and isinstance(found, Superset) else joined

    def whole(self, leaf: Leaf, column: Column, value: Expression) -> Condition | None:
        """A predicate on a value as a whole."""
        if not column.is_nested:
            return typed_condition(leaf, column, value, self.dialect)
        if column.type == "map" and not _is_document(column):
            column, value = _entries(column), sql.call("map_entries", value)
        kind = "array" if column.type == "list" else "object"
        match leaf:
            case Compare(_, op, operand):
                if operand.kind == "null":
                    return Condition(sql.is_null(value))
                if operand.kind in ("minkey", "maxkey") and op != "$eq":
                    return self._constant(True)
                return None if operand.kind == kind else self._constant(False)
            case In(_, list_operand, ()):
                if kind in list_operand.kinds:
                    return None
                return (
                    Condition(sql.is_null(value)) if "null" in list_operand.kinds else self._constant(False)
                )
            case In():
                return None  # the passes take the patterns out
            case Exists():
                return self._constant(True)
            case HasType(_, types):
                code = _OBJECT if kind == "object" else _ARRAY
                null = self.dialect.constant(_NULL in types)
                return Condition(sql.case([(sql.is_null(value), null)], self.dialect.constant(code in types)))
            case Glob() | RegexMatch() | Mod() | Bits() | Size() | ElemMatch():
                return self._constant(False)
            case ServerOnly() | Sample() | JsonSchema() | Expr():
                raise AssertionError(leaf)  # lowering.py has them
            case _:
                assert_never(leaf)


def _present(one: Expression, found: Found) -> Found:
    """The condition on an element of a list of structs that is one, and not NULL."""
    if found is None:
        return None
    code = found.code if isinstance(found, Superset) else found
    code = replace(code, tree=sql.all_of([sql.negated(sql.is_null(one)), code.tree]))
    return Superset(code) if isinstance(found, Superset) else code


def _is_document(column: Column) -> bool:
    """Whether a map is one: its keys are texts."""
    return column.type == "map" and column.fields[0].type == "string"


def _entries(column: Column) -> Column:
    """A map with other keys as the list that it is."""
    return replace(column, type="list", fields=(), element=Column("element", "struct", fields=column.fields))


def _element_of(column: Column) -> Column:
    """What a list holds: any of it may be NULL."""
    assert column.element is not None  # noqa: S101 - a Column sees to it
    return replace(column.element, nullable=True)
