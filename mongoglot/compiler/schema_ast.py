"""The abstract syntax of `$jsonSchema`: what a schema says, keyword by keyword (semantics 3.10).

Like the tree of filters it holds no value: an operand such as a bound is an index into the literals of the
schema. Names, types and counts change the code, so they are part of the tree. A schema may nest deeper than Python
likes to call, so it is written as a flat sequence of `Word`s, of which the tree is built without recursion.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, final

Limited: TypeAlias = Literal[
    "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"
]


@final
@dataclass(frozen=True, slots=True)
class Types:
    """The types of `type` or `bsonType`.

    Attributes:
        codes: the type codes.
        single: whether they are one type, or `number`: the keywords for others then say nothing.
    """

    codes: frozenset[int]
    single: bool


@final
@dataclass(frozen=True, slots=True)
class Limit:
    """How long a string, or how large an array or object has to be, or may be."""

    keyword: Limited
    count: int


@final
@dataclass(frozen=True, slots=True)
class Bound:
    """`minimum` or `maximum`, as the operator that compares so."""

    op: Literal["$gt", "$gte", "$lt", "$lte"]
    operand: int


@final
@dataclass(frozen=True, slots=True)
class MultipleOf:
    """`multipleOf`."""

    operand: int


@final
@dataclass(frozen=True, slots=True)
class Pattern:
    """`pattern`: it is found in the string."""

    operand: int


@final
@dataclass(frozen=True, slots=True)
class UniqueItems:
    """`uniqueItems: true`."""


@final
@dataclass(frozen=True, slots=True)
class Items:
    """`items` with one schema, for all elements."""

    children: tuple[Schema, ...]


@final
@dataclass(frozen=True, slots=True)
class ItemsInOrder:
    """`items` with a list: a schema for each of the first elements."""

    children: tuple[Schema, ...]


@final
@dataclass(frozen=True, slots=True)
class AdditionalItems:
    """`additionalItems`: the elements from `start` on match the schema; without one there may be none."""

    start: int
    children: tuple[Schema, ...]


@final
@dataclass(frozen=True, slots=True)
class Required:
    """`required`: fields of these names are there."""

    names: tuple[str, ...]


@final
@dataclass(frozen=True, slots=True)
class Properties:
    """`properties`: a schema for each name.

    Attributes:
        names: of the fields.
        required: those of the names that `required` has too.
        children: their schemas.
    """

    names: tuple[str, ...]
    required: frozenset[str]
    children: tuple[Schema, ...]


@final
@dataclass(frozen=True, slots=True)
class OtherProperties:
    """`patternProperties` and `additionalProperties`, which depend on each other.

    Attributes:
        names: those of `properties`.
        patterns: the operands that are the patterns of names.
        others: whether a field that no name and no pattern describes may be there, or may not, or has a schema.
        children: the schemas of the patterns, then that of the others if they have one.
    """

    names: frozenset[str]
    patterns: tuple[int, ...]
    others: Literal["allowed", "refused", "described"]
    children: tuple[Schema, ...]


@final
@dataclass(frozen=True, slots=True)
class DependsOnNames:
    """An entry of `dependencies` with a list: where the name is there, so are the others."""

    name: str
    names: tuple[str, ...]


@final
@dataclass(frozen=True, slots=True)
class DependsOnSchema:
    """An entry of `dependencies` with a schema: where the name is there, the schema holds."""

    name: str
    children: tuple[Schema, ...]


@final
@dataclass(frozen=True, slots=True)
class Combination:
    """`allOf`, `anyOf`, `oneOf`, `not`: so many of the schemas hold; `not` has one."""

    keyword: Literal["allOf", "anyOf", "oneOf", "not"]
    children: tuple[Schema, ...]


@final
@dataclass(frozen=True, slots=True)
class Enum:
    """`enum`: equal to a member of the list, whatever the order of fields."""

    operand: int


@final
@dataclass(frozen=True, slots=True)
class Schema:
    """A schema: the types, if it names any, and all keywords hold."""

    types: Types | None
    children: tuple[Keyword, ...]


Keyword: TypeAlias = (
    Limit | Bound | MultipleOf | Pattern | UniqueItems | Items | ItemsInOrder | AdditionalItems | Required
    | Properties | OtherProperties | DependsOnNames | DependsOnSchema | Combination | Enum
)  # fmt: skip

Part: TypeAlias = Schema | Keyword

_LEAVES: Final[frozenset[type[Part]]] = frozenset(
    {Limit, Bound, MultipleOf, Pattern, UniqueItems, Required, DependsOnNames, Enum}
)

Word: TypeAlias = tuple[type[Part], tuple[Any, ...], int]
"""A node without its children: the class, what else it has, how many of the nodes in front are its children."""

Words: TypeAlias = tuple[Word, ...]
"""A schema as a sequence, children first: what of it is part of a query's shape."""


@final
@dataclass(frozen=True, slots=True, repr=False)
class SchemaValue:
    """The value of a schema in a query.

    Attributes:
        written: the schema as written.
        literals: its operands.
    """

    written: dict[str, Any]
    literals: tuple[Any, ...]

    def __repr__(self) -> str:
        return repr(self.written)


def tree_of(words: Words) -> Schema:
    """The tree of a sequence of words."""
    stack: list[Any] = []
    for kind, arguments, count in words:
        make: Callable[..., Part] = kind
        if kind in _LEAVES:
            stack.append(make(*arguments))
        else:
            children = tuple(stack[len(stack) - count :])
            del stack[len(stack) - count :]
            stack.append(make(*arguments, children))
    (schema,) = stack
    assert isinstance(schema, Schema)  # noqa: S101 - a sequence ends with the whole
    return schema


def lines_of(schema: Schema) -> Iterator[tuple[int, str]]:
    """Each node of a schema as a line to print, with the depth at which it stands."""
    pending: list[tuple[int, Part]] = [(0, schema)]
    while pending:
        depth, part = pending.pop()
        yield depth, _line(part)
        children: Iterable[Part] = getattr(part, "children", ())
        pending.extend((depth + 1, child) for child in reversed(tuple(children)))


def _line(part: Part) -> str:
    match part:
        case Schema(types, _):
            return "schema" if types is None else f"schema of {sorted(types.codes)}"
        case Limit(keyword, count):
            return f"{keyword} {count}"
        case Bound(op, operand):
            return f"{op} [{operand}]"
        case Combination(keyword, _):
            return keyword
        case Enum(operand) | MultipleOf(operand) | Pattern(operand):
            return f"{type(part).__name__.lower()} [{operand}]"
        case Properties(names, _, _) | Required(names):
            return f"{type(part).__name__.lower()} {list(names)}"
        case OtherProperties(names, patterns, others, _):
            return f"properties beside {sorted(names)}, patterns {list(patterns)}, others {others}"
        case DependsOnNames(name, names):
            return f"where there is {name!r}, {list(names)}"
        case DependsOnSchema(name, _):
            return f"where there is {name!r}"
        case AdditionalItems(start, _):
            return f"items from {start}"
        case Items():
            return "items"
        case ItemsInOrder():
            return "items in order"
        case UniqueItems():
            return "uniqueItems"
