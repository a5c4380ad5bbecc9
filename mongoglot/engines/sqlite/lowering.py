"""The SQLite lowering: from the tree to a condition on the rows of a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeAlias, final

from mongoglot.compiler.ast import Always, Exists, Leaf, Node, Path, dotted
from mongoglot.compiler.lowering import Superset
from mongoglot.compiler.plan import BoundPlan
from mongoglot.compiler.residual import Split, split
from mongoglot.engines.sql import nodes as sql
from mongoglot.engines.sql.nodes import Expression
from mongoglot.engines.sql.table import Table
from mongoglot.engines.sqlite import paths
from mongoglot.engines.sqlite.columns import column_condition
from mongoglot.engines.sqlite.conditions import Binder, Conditions, Element, conditions_of
from mongoglot.engines.sqlite.paths import Place
from mongoglot.errors import UnsupportedError

MAX_HEIGHT: Final = 40
"""How deep conditions nest before a part goes to the residual: printing them is limited by Python's stack."""


@final
@dataclass(frozen=True, slots=True)
class Condition:
    """A piece of SQL.

    Attributes:
        tree: a condition; never shared between pieces.
        parameters: its placeholders: the slot of each value, and how it is encoded.
        nullable: whether it may be NULL where it does not hold; negation makes it two-valued first.
        height: how deep connectives nest in it.
    """

    tree: Expression
    parameters: dict[str, tuple[int, Binder]] = field(default_factory=dict)
    nullable: bool = False
    height: int = 0


@final
@dataclass(frozen=True, slots=True)
class Sql:
    """A query as SQL.

    Attributes:
        text: the condition of a WHERE clause, with named placeholders; it holds no value.
        parameters: placeholder → value.
        residual: what of the query the text leaves open, as a tree; None where it says all.
    """

    text: str
    parameters: dict[str, Any]
    residual: Node | None


@final
@dataclass(frozen=True, slots=True)
class Statement:
    """What the lowering made of one shape: the condition's text, and how to bind a query's values to it."""

    text: str
    binders: dict[str, tuple[int, Binder]]
    split: Split[Condition]

    def bind(self, values: list[Any]) -> dict[str, Any]:
        """The parameters for the values of one query."""
        return {label: binder(values[slot]) for label, (slot, binder) in self.binders.items()}


def lower(node: Node, table: Table) -> Statement:
    """Lower a tree for a table, and print what was lowered."""
    halves = split(node, SqliteLowering(table))
    if halves.code is None:
        return Statement("1" if halves.pushed == Always(True) else "0", {}, halves)
    return Statement(sql.text_of(halves.code.tree), halves.code.parameters, halves)


def to_sql(query: BoundPlan, table: Table | None = None) -> Sql:
    """The query as a condition on the rows of a table."""
    target = table if table is not None else Table("documents")
    statement = query.plan.lowered(("sqlite", target), lambda node: lower(node, target))
    return Sql(statement.text, statement.bind(query.values), statement.split.residual)


def pretty_sql(query: BoundPlan, table: Table | None = None) -> str:
    """The condition of `to_sql`, laid out over lines."""
    target = table if table is not None else Table("documents")
    statement = query.plan.lowered(("sqlite", target), lambda node: lower(node, target))
    code = statement.split.code
    return statement.text if code is None else sql.text_of(code.tree.copy(), pretty=True)


@final
@dataclass(frozen=True, slots=True)
class SqliteLowering:
    """The lowering for one table."""

    table: Table

    def predicate(self, leaf: Leaf) -> Condition | Superset[Condition] | None:
        """A predicate: on its column where there is one, on the document otherwise."""
        conditions = conditions_of(leaf)
        column = self.table.column(leaf.path)
        if column is not None:
            on_document = self._on_document(leaf, conditions) if column.mixed and conditions else None
            if column.mixed and on_document is None:
                return None
            tree, own = column_condition(leaf, column, on_document)
            parameters = {**(conditions.parameters if on_document is not None and conditions else {}), **own}
            code = Condition(tree, parameters, nullable=True)
            return Superset(code) if conditions is not None and conditions.superset else code
        if conditions is None or self._is_split(leaf.path):
            return None
        if (below := self.table.scalar_prefix(leaf.path)) is not None and not below.mixed:
            return Condition(sql.integer(int(conditions.missing)))
        if self.table.document is None:
            known = ", ".join(c.path for c in self.table.columns)
            raise UnsupportedError(
                f"table {self.table.name!r} has no field {dotted(leaf.path)!r}; it has {known}"
            )
        tree_or_none = self._on_document(leaf, conditions)
        if tree_or_none is None:
            return None
        code = Condition(tree_or_none, conditions.parameters)
        return Superset(code) if conditions.superset else code

    def conjunction(self, parts: Sequence[Condition]) -> Condition | None:
        """`a AND b`."""
        return _joined(parts, sql.all_of)

    def disjunction(self, parts: Sequence[Condition]) -> Condition | None:
        """`a OR b`."""
        return _joined(parts, sql.some_of)

    def negation(self, part: Condition) -> Condition | None:
        """`NOT a`, with NULL out of the way."""
        if part.height >= MAX_HEIGHT:
            return None
        tree = part.tree.copy()
        if part.nullable:
            tree = sql.not_null_else(tree, sql.FALSE.copy())
        return Condition(sql.negated(tree), part.parameters, height=part.height + 1)

    def _is_split(self, path: Path) -> bool:
        """Whether fields below the path are columns of their own, and not in the document."""
        return any(c.field[: len(path)] == path and not c.mixed for c in self.table.columns)

    def _on_document(self, leaf: Leaf, conditions: Conditions) -> Expression | None:
        """A predicate on the document column; None where its path is too long for SQL."""
        path = leaf.path
        assert self.table.document is not None  # noqa: S101 - callers made sure
        document = sql.name(self.table.document)
        if paths.tables_needed(path) > paths.MAX_TABLES:
            return None
        test = _exists_test if isinstance(leaf, Exists) else partial(_value_test, conditions)
        place = paths.direct(document, path)
        if len(path) == 1:
            return test(place, None)
        # an array on the way leaves nothing at the direct place, so that is looked at first
        on_the_way = paths.array_on_the_way(document, path)
        return test(place, (on_the_way, paths.general(document, path, lambda end: test(end, None))))


Branch: TypeAlias = tuple[Expression, Expression]
"""A condition, and what holds where it does."""


def _exists_test(place: Place, otherwise: Branch | None) -> Expression:
    present = sql.negated(sql.is_null(place.type))
    return (
        present if otherwise is None else sql.case([(present, sql.TRUE.copy()), otherwise], sql.FALSE.copy())
    )


def _value_test(conditions: Conditions, place: Place, otherwise: Branch | None) -> Expression:
    """The condition on the value at a place: a scalar, the elements of an array and the array, or nothing.

    Args:
        conditions: the predicate.
        place: of the value.
        otherwise: comes first where there is no value.
    """
    element = Element(place.value, place.blob)
    branches = [
        (sql.string(name), condition(Element(element.value.copy(), element.blob.copy())))
        for name, condition in conditions.by_type.items()
        if name != "array"
    ]
    branches.append((sql.string("array"), _array_test(conditions, place)))
    rest: list[Branch] = [] if otherwise is None else [otherwise]
    missing: Expression = sql.integer(int(conditions.missing))
    if conditions.missing and place.by_index is not None:  # no such element: nothing, not a missing field
        rest.append((sql.all_of([sql.is_null(place.type), place.by_index.copy()]), sql.FALSE.copy()))
    if conditions.missing != conditions.default:
        rest.append((sql.is_null(place.type), missing))
    return sql.case(branches, sql.case(rest, sql.integer(int(conditions.default))), place.type)


def _array_test(conditions: Conditions, place: Place) -> Expression:
    """Some element matches, or the array as a whole does; only the latter where it was named by an index."""
    each = sql.name("atom", "e"), sql.name("value", "e")
    branches = [
        (sql.string(name), condition(Element(each[0].copy(), each[1].copy())))
        for name, condition in conditions.by_type.items()
    ]
    holds = sql.case(branches, sql.integer(int(conditions.default)), sql.name("type", "e"))
    some_element = sql.exists([place.each("e")], holds)
    if place.by_index is not None:
        some_element = sql.case([(place.by_index.copy(), sql.FALSE.copy())], some_element)
    whole = conditions.by_type.get("array")
    if whole is None:
        return sql.TRUE.copy() if conditions.default else some_element
    return sql.some_of([whole(Element(place.value, place.blob)), some_element])


def _joined(parts: Sequence[Condition], join: Callable[[list[Expression]], Expression]) -> Condition | None:
    height = 1 + max(part.height for part in parts)
    if height > MAX_HEIGHT:
        return None
    parameters = {label: binder for part in parts for label, binder in part.parameters.items()}
    nullable = any(part.nullable for part in parts)
    return Condition(join([part.tree.copy() for part in parts]), parameters, nullable, height)
