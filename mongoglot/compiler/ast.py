"""The abstract syntax of filters: a closed union of frozen nodes.

No node knows a target or holds a value. A literal is a `Slot`, a position in the values of the query, so
one tree serves every query of its shape and equality of trees is safe (in Python, `True == 1`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, final

if TYPE_CHECKING:
    from mongoglot.compiler.expression_ast import Expression
    from mongoglot.compiler.schema_ast import Schema
    from mongoglot.compiler.values import ValueClass

Comparison: TypeAlias = Literal["$eq", "$gt", "$gte", "$lt", "$lte"]

BitsOperator: TypeAlias = Literal["$bitsAllSet", "$bitsAnySet", "$bitsAllClear", "$bitsAnyClear"]

Path: TypeAlias = tuple[str, ...]
"""The components of a dotted path. One without components is the element that `$elemMatch` looks at."""


@final
@dataclass(frozen=True, slots=True)
class Slot:
    """A literal: where its value stands in the query's values, and of what class it is."""

    index: int
    kind: ValueClass


@final
@dataclass(frozen=True, slots=True)
class ListSlot:
    """A list of literals: where it stands in the query's values, and the classes of its members.

    Attributes:
        index: of the list, or of the first of its parts.
        kinds: the classes of its members.
        parts: where a pass made one list of several operands; else nothing.
    """

    index: int
    kinds: frozenset[ValueClass]
    parts: tuple[Slot | ListSlot, ...] = ()

    def members(self, values: list[Any]) -> list[Any]:
        """The list, among the values of one query."""
        if not self.parts:
            found: list[Any] = values[self.index]
            return found
        result: list[Any] = []
        for part in self.parts:
            if isinstance(part, Slot):
                result.append(values[part.index])
            else:
                result.extend(part.members(values))
        return result


@final
@dataclass(frozen=True, slots=True)
class Compare:
    """Some element of the path compares so with the operand, in the operand's bracket (semantics 1.2)."""

    path: Path
    op: Comparison
    operand: Slot


@final
@dataclass(frozen=True, slots=True)
class In:
    """Some element of the path equals a member of the list, or matches a pattern in it (semantics 3.1).

    Attributes:
        path: of the field.
        operand: the members that are no regex.
        patterns: the regexes; the first pass makes predicates of their own of them, so that no lowering sees any.
    """

    path: Path
    operand: ListSlot
    patterns: tuple[Slot, ...] = ()


@final
@dataclass(frozen=True, slots=True)
class Exists:
    """Some element of the path is not missing (semantics 3.3)."""

    path: Path


@final
@dataclass(frozen=True, slots=True)
class Glob:
    """Some element of the path is a string that the shell pattern matches, case and all (task dialect).

    Attributes:
        path: of the strings.
        operand: the pattern.
        plain: whether it is short and has neither U+0000 nor U+0001, which some targets cannot say.
    """

    path: Path
    operand: Slot
    plain: bool


@final
@dataclass(frozen=True, slots=True)
class RegexMatch:
    """Some element of the path is a string in which the pattern is found, or the same regex (semantics 3.6)."""

    path: Path
    operand: Slot


@final
@dataclass(frozen=True, slots=True)
class HasType:
    """Some element of the path, or the array that is there, has one of the types (semantics 3.4)."""

    path: Path
    types: frozenset[int]


@final
@dataclass(frozen=True, slots=True)
class Mod:
    """Some element of the path, truncated, leaves the remainder (semantics 3.5)."""

    path: Path
    divisor: int
    remainder: int


@final
@dataclass(frozen=True, slots=True)
class Size:
    """The path leads to an array of so many elements (semantics 3.7)."""

    path: Path
    length: int


@final
@dataclass(frozen=True, slots=True)
class Bits:
    """Some element of the path, a number or binary, has its bits so (semantics 3.8)."""

    path: Path
    op: BitsOperator
    positions: tuple[int, ...]


@final
@dataclass(frozen=True, slots=True)
class ElemMatch:
    """The path leads to an array with an element that the child matches (semantics 3.7).

    Attributes:
        path: of the array.
        child: with `by_value`, about the element itself, which has the path `()`; else a filter of the element,
            which is an object, or an array read as one.
        by_value: which of the two.
    """

    path: Path
    child: Node
    by_value: bool


NEAR: Final = frozenset({"$near", "$nearSphere", "$geoNear"})
"""Operators whose document is one whole: beside the first key are its options."""


@final
@dataclass(frozen=True, slots=True)
class ServerOnly:
    """What only a server can answer: the engine of one relays it, the others refuse it by name.

    Attributes:
        path: the field that it stands under; `()` for what stands beside fields.
        name: the operator.
        operand: what is written after it; for `$near` and its kin the whole document that it is the first key of.
    """

    path: Path
    name: str
    operand: Slot


@final
@dataclass(frozen=True, slots=True)
class Sample:
    """A document in so many matches, at random: the one predicate that is not about the document (semantics 3.11).

    Attributes:
        operand: the rate, from 0 to 1.
        always: true for the rate 1, false for 0, None for one between them.
    """

    operand: Slot
    always: bool | None = None

    @property
    def path(self) -> Path:
        """None: it looks at nothing."""
        return ()


@final
@dataclass(frozen=True, slots=True)
class Expr:
    """An aggregation expression is true of the document (semantics 3.9).

    Attributes:
        expression: its tree.
        operand: what was written and the literals, an `ExpressionOperand`.
    """

    expression: Expression
    operand: Slot

    @property
    def path(self) -> Path:
        """None: the fields that it reads are its own business."""
        return ()


@final
@dataclass(frozen=True, slots=True)
class JsonSchema:
    """The document is as a schema says (semantics 3.10).

    Attributes:
        schema: what it says, keyword by keyword.
        operand: its `SchemaValue`.
    """

    schema: Schema
    operand: Slot

    @property
    def path(self) -> Path:
        """None: it looks at the document as a whole."""
        return ()


@final
@dataclass(frozen=True, slots=True)
class And:
    """Every child matches."""

    children: tuple[Node, ...]


@final
@dataclass(frozen=True, slots=True)
class Or:
    """Some child matches."""

    children: tuple[Node, ...]


@final
@dataclass(frozen=True, slots=True)
class Not:
    """The child does not match: the exact complement, logic here is two-valued."""

    child: Node


@final
@dataclass(frozen=True, slots=True)
class Always:
    """Every document matches, or none."""

    value: bool


Leaf: TypeAlias = (
    Compare | In | Exists | Glob | RegexMatch | HasType | Mod | Size | Bits | ElemMatch | ServerOnly | Sample
    | JsonSchema | Expr
)  # fmt: skip
Node: TypeAlias = Leaf | And | Or | Not | Always
