"""Which columns of a table an answer is made of: the others are not read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mongoglot.compiler.ast import Expr, JsonSchema, Node, Path, Sample
from mongoglot.compiler.expression_ast import ROOT, Expression, Variable, parts
from mongoglot.compiler.path_tree import paths
from mongoglot.compiler.plan import BoundPlan
from mongoglot.compiler.projection import FoundElement, Projection
from mongoglot.compiler.trees import leaves
from mongoglot.engines.base import FindRequest
from mongoglot.engines.sql.table import Table

_EVERYTHING: Path = ()
"""The path that all others go on from."""


def needed(table: Table, request: FindRequest, residual: Node | None) -> Table:
    """The table with the columns alone that a find needs: for what is left to check, the sort and the projection.

    Args:
        table: with all of its columns.
        request: the find.
        residual: what is checked on the rows that the database gives.
    """
    wanted = {
        *([] if residual is None else _of_filter(residual)),
        *([] if request.sort is None else (tuple(name.split(".")) for name, _ in request.sort.keys)),
        *_of_projection(table, request),
    }
    columns = tuple(column for column in table.columns if any(_meet(path, column.field) for path in wanted))
    in_columns = all(table.column(path) or table.prefix(path) for path in wanted)
    return replace(table, columns=columns, document=None if in_columns else table.document)


def check_fields(table: Table, request: FindRequest) -> None:
    """See that a table has the fields that a sort and a projection name; `_id` may be named anywhere.

    Raises:
        UnsupportedError: it has not, and no document column could have them.
    """
    places = (
        [] if request.sort is None else [("sort", tuple(name.split("."))) for name, _ in request.sort.keys]
    )
    if request.projection is not None:
        places += [("projection", path) for path in _named(request.projection)]
    for place, path in places:
        if path != ("_id",) and not table.has(path):
            raise table.no_field(path, place)


def _named(projection: Projection) -> Iterator[Path]:
    """The fields of the rows that a projection names."""
    yield from paths(projection.fields)
    yield from (path for path, _ in projection.arrays)
    yield from (path for path, found in projection.added if isinstance(found, BoundPlan))


def _of_projection(table: Table, request: FindRequest) -> Iterator[Path]:
    projection = request.projection
    if projection is None or projection.added:  # what computes a field may look at any
        yield _EVERYTHING
        return
    if any(isinstance(part, FoundElement) for _, part in projection.arrays):
        yield from _of_filter(request.query.ast)
    if projection.include:
        yield from _named(projection)
    else:
        left_out = {path[0] for path in paths(projection.fields) if len(path) == 1}
        yield from (column.field for column in table.columns if column.field[0] not in left_out)
        if table.document is not None:
            yield _EVERYTHING
    if projection.with_id:
        yield ("_id",)


def _of_filter(node: Node) -> Iterator[Path]:
    for leaf in leaves(node):
        match leaf:
            case Sample():
                pass
            case JsonSchema():
                yield _EVERYTHING
            case Expr(expression):
                yield from _of_expression(expression)
            case _:
                yield leaf.path


def _of_expression(expression: Expression) -> Iterator[Path]:
    if isinstance(expression, Variable) and expression.place == ROOT:
        yield expression.path
    for part in parts(expression):
        yield from _of_expression(part)


def _meet(one: Path, other: Path) -> bool:
    """Whether one of two paths goes on where the other ends."""
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]
