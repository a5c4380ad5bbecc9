"""The Python lowering of expressions: from a folded tree to the source of a function that computes it.

Fields are read by statements in front, where they are few; the rest is an expression that evaluates the operands
in the server's order. What is common is written out; everything else is left to the functions of `table.py`.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, final

from bson import MinKey, ObjectId

from mongoglot.compiler.expression_ast import Expression
from mongoglot.compiler.instants import milliseconds
from mongoglot.compiler.values import INT32_MAX, INT32_MIN, MISSING
from mongoglot.engines.python.expressions import delayed, iteration
from mongoglot.engines.python.expressions.boolean import is_true
from mongoglot.engines.python.expressions.numbers import ABSENT
from mongoglot.engines.python.expressions.paths import read_path
from mongoglot.engines.python.expressions.phrases import NAMES
from mongoglot.engines.python.expressions.table import DELAYED, FUNCTIONS, STREAMS
from mongoglot.engines.python.expressions.writer import Writer
from mongoglot.engines.python.operands import OTHER
from mongoglot.engines.python.source import SCALARS, SourceWriter, build_factory

_SHAPES: Final = 512

_CONSTANTS: Final[dict[str, Any]] = {
    "__name__": "mongoglot.generated",
    **{NAMES[name]: function for name, function in (FUNCTIONS | STREAMS | DELAYED).items()},
    "MISSING": MISSING,
    "ABSENT": ABSENT,
    "OTHER": OTHER,
    "SCALARS": SCALARS,
    "LOW": INT32_MIN,
    "HIGH": INT32_MAX,
    "MinKey": MinKey,
    "ObjectId": ObjectId,
    "datetime": datetime.datetime,
    "milliseconds": milliseconds,
    "read_path": read_path,
    "is_true": is_true,
    "in_turn": delayed.in_turn,
    "first_value": delayed.first_value,
    "no_branch": delayed.no_branch,
    "document_of": delayed.document_of,
    "map_input": iteration.map_input,
    "filter_input": iteration.filter_input,
    "reduce_input": iteration.reduce_input,
    "limited": iteration.limited,
    "reduced": iteration.reduced,
}


@final
@dataclass(frozen=True)
class ExpressionCode:
    """The generated source of a folded expression, ready to be bound to its literals.

    Attributes:
        source: the text.
        parts: how many functions of their own parts of it have become.
    """

    source: str
    parts: int
    _factory: Callable[..., Callable[[Any], Any]]
    _binders: tuple[Callable[[Any], Any], ...]

    def bind(self, literals: tuple[Any, ...]) -> Callable[[Any], Any]:
        """The function for one expression of the shape."""
        return self._factory(*[binder(literals) for binder in self._binders])


@lru_cache(_SHAPES)
def lower(expression: Expression, *, condition: bool) -> ExpressionCode:
    """Write and compile the function of a folded expression.

    Args:
        expression: the tree.
        condition: whether the function tells if the value is true, rather than give the value.
    """
    name = "holds" if condition else "compute"
    writer = Writer(SourceWriter(), {})
    writer.function(name, expression, ("document",), condition=condition)
    factory, source = build_factory(writer.out, _CONSTANTS, name)
    return ExpressionCode(source, source.count("    def part"), factory, tuple(writer.out.binders.values()))
