"""Predicates on a JSON document: the conditions on one value, at every place where a path leads."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias, final

from mongoglot.compiler.ast import Always, ElemMatch, Exists, Leaf, ServerOnly
from mongoglot.compiler.lowering import Superset, needs_server
from mongoglot.compiler.residual import split
from mongoglot.engines.sql import nodes as sql
from mongoglot.engines.sql.condition import Condition, Connectives
from mongoglot.engines.sql.nodes import Expression
from mongoglot.engines.sqlite import paths
from mongoglot.engines.sqlite.conditions import conditions_of
from mongoglot.engines.sqlite.element import Conditions, Element
from mongoglot.engines.sqlite.paths import Place, Root

MAX_MATCHES: Final = 8
"""How deep `$elemMatch` nests before it goes to the residual: SQLite nests some thirty correlated subqueries."""


@final
@dataclass(frozen=True, slots=True)
class ElementLowering(Connectives):
    """The lowering of what a `$elemMatch` holds, about an element of its array."""

    root: Root
    depth: int

    def predicate(self, leaf: Leaf) -> Condition | Superset[Condition] | None:
        """A predicate on the element."""
        if isinstance(leaf, ServerOnly):
            raise needs_server(leaf)
        return on_document(leaf, self.root, self.depth)


def on_document(leaf: Leaf, root: Root, depth: int = 0) -> Condition | Superset[Condition] | None:
    """A predicate on a document; None where SQL cannot say it or its path is too long.

    Args:
        leaf: the predicate.
        root: where its path starts.
        depth: how many `$elemMatch` enclose it.
    """
    path = leaf.path
    if paths.tables_needed(path) > paths.MAX_TABLES:
        return None
    conditions = _match(leaf, depth) if isinstance(leaf, ElemMatch) else conditions_of(leaf)
    if conditions is None:
        return None
    test = _exists_test if isinstance(leaf, Exists) else partial(_value_test, conditions)
    if root.element is not None:
        tree = test(root.element, None)
    elif len(path) == 1:
        tree = test(paths.direct(root, path), None)
    else:
        # an array on the way leaves nothing at the direct place, so that is looked at first
        general = paths.general(root, path, lambda end: test(end, None))
        tree = test(paths.direct(root, path), (paths.array_on_the_way(root, path), general))
    code = Condition(tree, conditions.parameters)
    return Superset(code) if conditions.superset else code


def _match(leaf: ElemMatch, depth: int) -> Conditions | None:
    """`$elemMatch`: the array has an element for which what it holds is true."""
    if depth >= MAX_MATCHES:
        return None
    alias = f"m{depth}"
    kind = sql.name("type", alias)
    if leaf.by_value:
        element = Place(sql.name("json", alias), sql.name("fullkey", alias), whole=True)
        root = Root(sql.name("value", alias), element=element)
    else:
        root = Root(sql.name("value", alias), is_array=sql.equals(kind, sql.string("array")))
    halves = split(leaf.child, ElementLowering(root, depth + 1))
    if halves.code is None:
        holds: Expression = sql.TRUE if halves.pushed == Always(True) else sql.FALSE
    else:
        holds = halves.code.tree
    if not leaf.by_value:
        holds = sql.all_of([sql.member(kind, [sql.string("object"), sql.string("array")]), holds])
    found = Conditions(expand=False, superset=halves.residual is not None)
    if halves.code is not None:
        found.parameters.update(halves.code.parameters)
    found.by_type["array"] = lambda element: sql.exists([element.place.each(alias)], holds)
    return found


Branch: TypeAlias = tuple[Expression, Expression]
"""A condition, and what holds where it does."""


def _exists_test(place: Place, otherwise: Branch | None) -> Expression:
    present = sql.negated(sql.is_null(place.type))
    return present if otherwise is None else sql.case([(present, sql.TRUE), otherwise], sql.FALSE)


def _value_test(conditions: Conditions, place: Place, otherwise: Branch | None) -> Expression:
    """The condition on the value at a place: a scalar, the elements of an array and the array, or nothing.

    Args:
        conditions: the predicate.
        place: of the value.
        otherwise: comes first where there is no value.
    """
    branches = [
        (sql.string(name), condition(Element(place.value, place.blob, place)))
        for name, condition in conditions.by_type.items()
        if name != "array"
    ]
    branches.append((sql.string("array"), _array_test(conditions, place)))
    rest: list[Branch] = [] if otherwise is None else [otherwise]
    missing: Expression = sql.integer(int(conditions.missing))
    if conditions.missing and place.by_index is not None:  # no such element: nothing, not a missing field
        rest.append((sql.all_of([sql.is_null(place.type), place.by_index]), sql.FALSE))
    if conditions.missing != conditions.default:
        rest.append((sql.is_null(place.type), missing))
    return sql.case(branches, sql.case(rest, sql.integer(int(conditions.default))), place.type)


def _array_test(conditions: Conditions, place: Place) -> Expression:
    """Some element matches, or the array as a whole does; only the latter where it is tested whole."""
    whole = conditions.by_type.get("array")
    on_whole = (
        sql.integer(int(conditions.default))
        if whole is None
        else whole(Element(place.value, place.blob, place))
    )
    if place.whole or not conditions.expand or (whole is None and conditions.default):
        return on_whole
    each = Place(sql.name("json", "e"), sql.name("fullkey", "e"))
    branches = [
        (sql.string(name), condition(Element(sql.name("atom", "e"), sql.name("value", "e"), each)))
        for name, condition in conditions.by_type.items()
    ]
    holds = sql.case(branches, sql.integer(int(conditions.default)), sql.name("type", "e"))
    some_element = sql.exists([place.each("e")], holds)
    if place.by_index is not None:
        some_element = sql.case([(place.by_index, sql.FALSE)], some_element)
    return some_element if whole is None else sql.some_of([on_whole, some_element])
