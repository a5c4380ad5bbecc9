"""Operators that ask for types, lengths and membership as SQL (semantics 3.9)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from mongoglot.compiler.expression_ast import ArrayOf, Literal
from mongoglot.compiler.rendering import name_of_class
from mongoglot.compiler.values import INT32_MAX, INT32_MIN
from mongoglot.engines.sql import nodes as sql
from mongoglot.engines.sql.nodes import Expression
from mongoglot.engines.sql.tags import LETTERS
from mongoglot.engines.sqlite.expressions.constants import elements, rank_of
from mongoglot.engines.sqlite.expressions.program import Program
from mongoglot.engines.sqlite.expressions.values import (
    ARRAY,
    MISSING,
    NAN,
    NUMBER,
    OPAQUE,
    RANKS,
    STRING,
    Computed,
    Truth,
    boolean,
)
from mongoglot.engines.sqlite.paths import Place

_NAMES: Final = {
    MISSING: "missing",
    **{LETTERS[kind]: name_of_class(kind) for kind in LETTERS if LETTERS[kind] != NUMBER},
}
"""Rank → the name of the only type in it."""


def is_rank(ranks: Sequence[str]) -> Callable[[Program, Sequence[Computed]], Computed]:
    """The operator that asks whether a value has one of some ranks."""

    def ask(_program: Program, operands: Sequence[Computed]) -> Computed:
        (value,) = operands
        if not value.known:
            return boolean(Truth(sql.null(), undecided=value.undecided))
        tree = sql.member(value.rank, [sql.string(rank) for rank in ranks])
        return boolean(Truth(tree, value.level, value.undecided))

    return ask


def type_name(value: Computed, place: Place | None, program: Program) -> Computed:
    """`$type`: of a number it is seen only in the document.

    Args:
        value: of which the type is asked.
        place: where it is in the document, if it is there.
        program: gets the columns.
    """
    numbers: Expression = sql.null()
    undecided = value.undecided
    if place is not None:
        inside = sql.all_of(
            [
                sql.compare("$gte", place.value, sql.integer(INT32_MIN)),
                sql.compare("$lte", place.value, sql.integer(INT32_MAX)),
            ]
        )
        spelled = sql.call("instr", place.spelling, sql.string("e0,"))
        name = sql.case(
            [
                (sql.string("integer"), sql.case([(inside, sql.string("int"))], sql.string("long"))),
                (sql.string("real"), sql.case([(spelled, sql.string("long"))], sql.string("double"))),
            ],
            sql.string("decimal"),
            place.type,
        )
        numbers = program.read(name)
    elif value.ranks & {NUMBER, NAN}:
        undecided |= {"$type of a computed number"}
    nan = sql.null() if place is None else program.read(_nan_name(place))
    branches = [(sql.string(rank), sql.string(_NAMES[rank])) for rank in sorted(value.ranks & _NAMES.keys())]
    branches += [(sql.string(NUMBER), numbers), (sql.string(NAN), nan)]
    tree = program.column(sql.case(branches, sql.null(), value.rank), value.level)
    rank = sql.case([(sql.is_null(tree), sql.null())], sql.string(STRING))
    return Computed(rank, tree, frozenset({STRING}), value.level + 1, undecided)


def _nan_name(place: Place) -> Expression:
    """A NaN of a double is spelled by that name."""
    ends = sql.call("substr", place.value, sql.integer(-len("double")))
    return sql.case([(sql.equals(ends, sql.string("double")), sql.string("double"))], sql.string("decimal"))


def size(value: Computed, place: Place | None, program: Program) -> Computed:
    """`$size` of an array in the document."""
    undecided = value.undecided | {"$size of what is no array, or is made of arrays on the way"}
    if place is None or not value.known:
        return Computed(sql.null(), sql.null(), undecided=undecided)
    is_array = sql.equals(place.type, sql.string("array"))
    length = program.read(sql.case([(is_array, place.length)], sql.null()))
    rank = sql.case([(sql.is_null(length), sql.null())], sql.string(NUMBER))
    return Computed(rank, length, frozenset({NUMBER}), 1, undecided)


def membership(value: Computed, array: ArrayOf, program: Program) -> Computed:
    """`$in` a constant array."""
    literals = [item for item in array.items if isinstance(item, Literal)]
    ranks = {rank_of(item.kind) for item in literals} if len(literals) == len(array.items) else RANKS
    containers = OPAQUE.keys() - {NUMBER}
    undecided = value.undecided | {OPAQUE[rank] for rank in containers & value.ranks & ranks}
    if not value.known:
        return boolean(Truth(sql.null(), undecided=undecided))
    if value.undecided:
        value = program.kept(value)
    members = elements(array, program)
    tree: Expression = sql.member_of(sql.row(value.rank, value.value), _members(members, "$[0]", "$[1]"))
    if value.key is not None:
        tree = sql.call("coalesce", tree, sql.member_of(value.key, _members(members, "$[2]")))
    elif NUMBER in value.opaque:
        undecided |= {OPAQUE[NUMBER]}
    if value.undecided:  # of an empty list SQLite says 0, whatever is looked for
        tree = sql.case([(sql.is_null(value.rank), sql.null())], tree)
    return boolean(program.kept_truth(Truth(tree, value.level, undecided)))


def _members(members: Expression, *paths: str) -> Expression:
    listed = sql.source(sql.call("json_each", members), "list")
    parts = [sql.call("json_extract", sql.name("value", "list"), sql.string(path)) for path in paths]
    return sql.select(parts, [listed])


TYPES: Final = {"$isNumber": is_rank((NAN, NUMBER)), "$isArray": is_rank((ARRAY,))}
"""Operators that a rank decides."""
