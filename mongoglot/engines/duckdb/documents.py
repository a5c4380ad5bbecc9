"""Predicates on the keys of a document: the condition on one value, at every place where a path leads."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, final

from mongoglot.compiler.ast import Always, ElemMatch, Leaf, ServerOnly
from mongoglot.compiler.lowering import Superset, needs_server
from mongoglot.compiler.residual import split
from mongoglot.engines.duckdb import paths
from mongoglot.engines.duckdb.conditions import ARRAY, OBJECT, Conditions, begins, conditions_of
from mongoglot.engines.duckdb.paths import Root
from mongoglot.engines.sql import duckdb_nodes as duck
from mongoglot.engines.sql import nodes as sql
from mongoglot.engines.sql.condition import Condition, Connectives
from mongoglot.engines.sql.nodes import Expression

MAX_MATCHES: Final = 6
"""How deep `$elemMatch` nests before it goes to the residual."""


class DuckdbConnectives(Connectives):
    """What "all of", "some of" and "not" of conditions are in DuckDB's SQL."""

    def two_valued(self, tree: Expression) -> Expression:
        """False where the condition is NULL."""
        return duck.two_valued(tree)


@final
@dataclass(frozen=True, slots=True)
class ElementLowering(DuckdbConnectives):
    """The lowering of what a `$elemMatch` holds, about an element of its array.

    Attributes:
        element: JSON of the element.
        by_value: whether predicates are about the element itself.
        depth: how many `$elemMatch` enclose it.
    """

    element: Expression
    by_value: bool
    depth: int

    def predicate(self, leaf: Leaf) -> Condition | Superset[Condition] | None:
        """A predicate on the element."""
        if isinstance(leaf, ServerOnly):
            raise needs_server(leaf)
        if not self.by_value:
            return on_document(leaf, Root(self.element, element=True), self.depth)
        conditions = _conditions(leaf, self.depth)
        if conditions is None:
            return None
        tree = _value_test(replace(conditions, expand=False), self.element, self.depth)
        return _bounded(conditions, tree)


def on_document(leaf: Leaf, root: Root, depth: int = 0) -> Condition | Superset[Condition] | None:
    """A predicate on a document; None where SQL cannot say it or its path is too long.

    Args:
        leaf: the predicate.
        root: where its path starts.
        depth: how many `$elemMatch` enclose it.
    """
    path = leaf.path
    if len(path) > paths.MAX_LENGTH:
        return None
    conditions = _conditions(leaf, depth)
    if conditions is None:
        return None
    place = paths.direct(root, path)
    if len(path) == 1:
        return _bounded(conditions, _with_missing(conditions, place, depth))
    whole = replace(conditions, expand=False)
    general = paths.general(
        root,
        path,
        lambda value: _with_missing(conditions, value, depth + 1),
        lambda value: _value_test(whole, value, depth + 1),
        depth,
    )
    # an array on the way leaves nothing at the direct place, so that is looked at first
    tree = sql.case(
        [
            (duck.not_null(place), _value_test(conditions, place, depth)),
            (paths.array_on_the_way(root, path), general),
        ],
        duck.truth(conditions.missing),
    )
    return _bounded(conditions, tree)


def _bounded(conditions: Conditions, tree: Expression) -> Condition | Superset[Condition]:
    code = Condition(tree, conditions.parameters, nullable=True)
    return Superset(code) if conditions.superset else code


def _conditions(leaf: Leaf, depth: int) -> Conditions | None:
    return _match(leaf, depth) if isinstance(leaf, ElemMatch) else conditions_of(leaf)


def _match(leaf: ElemMatch, depth: int) -> Conditions | None:
    """`$elemMatch`: the array has an element for which what it holds is true."""
    if depth >= MAX_MATCHES:
        return None
    label = f"m{depth}"
    element = sql.name(label)
    halves = split(leaf.child, ElementLowering(element, leaf.by_value, depth + 1))
    holds = duck.truth(halves.pushed == Always(True)) if halves.code is None else halves.code.tree
    if not leaf.by_value:
        text = paths.text(element)
        containers = sql.some_of([begins(text, OBJECT), begins(text, ARRAY)])
        holds = sql.case([(containers, holds)], duck.FALSE)

    def test(text: Expression) -> Expression:
        array = paths.elements(duck.cast(text, "JSON"))
        return sql.case([(begins(text, ARRAY), duck.some_item(array, label, lambda _: holds))], duck.FALSE)

    parameters = {} if halves.code is None else halves.code.parameters
    superset = halves.residual is not None
    return Conditions(test, whole=True, expand=False, superset=superset, parameters=parameters)


def _with_missing(conditions: Conditions, value: Expression, depth: int) -> Expression:
    """The condition on a value that may not be there."""
    test = _value_test(conditions, value, depth)
    return sql.some_of([sql.is_null(value), test]) if conditions.missing else test


def _value_test(conditions: Conditions, value: Expression, depth: int) -> Expression:
    """The condition on a value: a scalar, the elements of an array and the array."""
    text = paths.text(value)
    if not conditions.expand:
        return conditions.test(text)
    label = f"i{depth}"
    some = duck.some_item(paths.elements(value), label, lambda item: conditions.test(paths.text(item)))
    if conditions.whole:
        some = sql.some_of([conditions.test(text), some])
    return sql.case([(begins(text, ARRAY), some)], conditions.test(text))
