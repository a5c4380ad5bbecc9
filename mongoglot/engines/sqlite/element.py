"""What a predicate says of one JSON value: a condition for each of its JSON types."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import final

from mongoglot.engines.sql import nodes as sql
from mongoglot.engines.sql.condition import Parameters
from mongoglot.engines.sql.nodes import Expression
from mongoglot.engines.sqlite.paths import Place


@final
@dataclass(slots=True)
class Conditions:
    """A predicate on one value.

    Attributes:
        by_type: JSON type → the condition on such a value; `array` and `object` are of the value as a whole.
        default: the condition for every other type.
        missing: whether an absent field matches.
        parameters: what the conditions use.
        superset: whether the conditions let through more than the predicate.
        expand: whether the elements of an array are tested beside the array.
    """

    by_type: dict[str, Callable[[Element], Expression]] = field(default_factory=dict)
    default: bool = False
    missing: bool = False
    parameters: Parameters = field(default_factory=dict)
    superset: bool = False
    expand: bool = True


@final
@dataclass(frozen=True, slots=True)
class Element:
    """One JSON value.

    Attributes:
        value: SQL of a scalar's value: a number, text, or 0 and 1 for the booleans.
        blob: SQL of the value as JSONB.
        place: where it is.
    """

    value: Expression
    blob: Expression
    place: Place


def always(_: Element) -> Expression:
    """The condition that every value fulfils."""
    return sql.TRUE


def bound(index: int) -> Expression:
    """The parameter of the operand at a position in the values of the query."""
    return sql.parameter(f"p{index}")
