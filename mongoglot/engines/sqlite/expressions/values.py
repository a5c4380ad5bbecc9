"""What the SQL of an expression is for a row: its type, its value, or that the SQL cannot tell.

A value has a *rank*, a text whose order is the order of types (semantics 1.1), and a *value* that compares within
the rank. SQLite compares `(rank, value)` pairs place by place, and gives NULL where a place that decides is NULL.
So NULL says "undecided" from the fields up to the whole expression: `(document, NULL) > (number, 5)` is true,
`(document, NULL) > (document, NULL)` is NULL.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, final

from mongoglot.compiler.ast import Path
from mongoglot.engines.sql import nodes as sql
from mongoglot.engines.sql.nodes import Expression
from mongoglot.engines.sql.number_keys import ZERO
from mongoglot.engines.sql.tags import LETTERS

MISSING: Final = LETTERS["minkey"] + "~"
"""Above MinKey and below null."""

NULL: Final = LETTERS["null"]
NAN: Final = NULL + "~"
"""The lowest number has a rank of its own, as SQLite has no NaN."""

NUMBER: Final = LETTERS["decimal"]
STRING: Final = LETTERS["string"]
OBJECT: Final = LETTERS["object"]
ARRAY: Final = LETTERS["array"]
BOOL: Final = LETTERS["bool"]
DATE: Final = LETTERS["date"]
SCOPED_CODE: Final = LETTERS["scoped code"]

RANKS: Final = frozenset({*LETTERS.values(), MISSING, NAN})
NULLISH: Final = frozenset({MISSING, NULL})

OPAQUE: Final[dict[str, str]] = {
    NUMBER: "a Decimal128 is compared with another number",
    OBJECT: "two documents are compared",
    ARRAY: "two arrays are compared",
    SCOPED_CODE: "two pieces of code with a scope are compared",
}
"""Ranks of which the value may be NULL, and what SQL then leaves open."""


@final
@dataclass(frozen=True, slots=True)
class Computed:
    """The SQL of one expression.

    Attributes:
        rank: SQL of the rank; NULL, as all the others then are, where the SQL cannot tell or computing it fails.
        value: SQL that compares within the rank; NULL where SQL cannot compare such values.
        ranks: the ranks that it can have.
        level: of the columns that it reads (`program.py`).
        undecided: why the rank may be NULL, in words; nothing where it never is.
        opaque: the ranks in which the value may be NULL.
        key: SQL of a decimal's `number_key`, perhaps of another number's; else NULL.
        keyed: whether every number has a key.
        exact: makes SQL of a number as SQLite's integer or real by its type, NULL of all else.
        path: the field of the document that it is, if it is one.
    """

    rank: Expression
    value: Expression
    ranks: frozenset[str] = RANKS
    level: int = 0
    undecided: frozenset[str] = frozenset()
    opaque: frozenset[str] = frozenset()
    key: Expression | None = None
    keyed: bool = False
    exact: Callable[[], Expression] | None = None
    path: Path | None = None

    @property
    def known(self) -> bool:
        """Whether there is any row for which the SQL can tell something."""
        return not _is_null(self.rank)

    def number(self) -> Expression:
        """The number as SQLite's integer or real; NULL where it is none of them."""
        if self.exact is not None:
            return self.exact()
        if self.ranks == {NUMBER}:
            return self.value
        return sql.case([(sql.equals(self.rank, sql.string(NUMBER)), self.value)], sql.null())

    def nullish(self) -> Expression:
        """Whether it is null or missing."""
        return sql.member(self.rank, [sql.string(rank) for rank in sorted(NULLISH)])


@final
@dataclass(frozen=True, slots=True)
class Truth:
    """The SQL of whether an expression is true: 1, 0, or NULL where that is undecided.

    Attributes:
        tree: the SQL.
        level: of the columns that it reads.
        undecided: why it may be NULL, in words.
    """

    tree: Expression
    level: int = 0
    undecided: frozenset[str] = frozenset()

    @property
    def known(self) -> bool:
        """Whether there is any row for which the SQL can tell."""
        return not _is_null(self.tree)


def unknown(reason: str) -> Computed:
    """What SQL says nothing about."""
    return Computed(sql.null(), sql.null(), undecided=frozenset({reason}), opaque=frozenset(OPAQUE))


def _is_null(tree: Expression) -> bool:
    return isinstance(tree, sql.Null)


def truth_of(computed: Computed) -> Truth:
    """Whether a value is true: false, null, missing and zeros are not."""
    if not computed.known:
        return Truth(sql.null(), undecided=computed.undecided)
    if computed.ranks == {BOOL}:
        return Truth(computed.value, computed.level, computed.undecided)
    nonzero = sql.negated(sql.equals(computed.value, sql.integer(0)))
    undecided = computed.undecided
    if computed.key is not None:
        # of a decimal the first digit of the key says whether it is zero
        sign = sql.call("substr", computed.key, sql.integer(1), sql.integer(1))
        nonzero = sql.call("coalesce", nonzero, sql.negated(sql.equals(sign, sql.string(ZERO))))
    elif NUMBER in computed.opaque:
        undecided |= {OPAQUE[NUMBER]}
    branches: list[tuple[Expression, Expression]]
    branches = [(sql.string(rank), sql.FALSE) for rank in sorted(NULLISH & computed.ranks)]
    if NUMBER in computed.ranks:
        branches.append((sql.string(NUMBER), nonzero))
    if BOOL in computed.ranks:
        branches.append((sql.string(BOOL), computed.value))
    # NULL where the rank is NULL
    return Truth(
        sql.case(branches, sql.compare("$gt", computed.rank, sql.string("")), computed.rank),
        computed.level,
        undecided,
    )


def boolean(truth: Truth) -> Computed:
    """A truth as a value; its tree is read twice, so it is to be a column where that matters."""
    rank: Expression = sql.string(BOOL)
    if truth.undecided:
        rank = sql.case([(sql.is_null(truth.tree), sql.null())], rank)
    if not truth.known:
        return Computed(sql.null(), sql.null(), frozenset({BOOL}), 0, truth.undecided)
    return Computed(rank, truth.tree, frozenset({BOOL}), truth.level, truth.undecided)


def merged_ranks(parts: list[Computed]) -> frozenset[str]:
    """The ranks that one of several values can have."""
    return frozenset().union(*(part.ranks for part in parts))
