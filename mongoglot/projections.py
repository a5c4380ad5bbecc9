"""What projections need of the layers above their own: what compiles the filters and expressions in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from mongoglot.compiler.projection_spec import Compilers
from mongoglot.query import compile_in_projection

if TYPE_CHECKING:
    from mongoglot.compiler.expression_ast import Expression
    from mongoglot.compiler.projection import Evaluate


def _parse(written: Any) -> tuple[Expression, tuple[Any, ...]]:
    from mongoglot.grammar.expressions import parse_expression  # loads all operators

    return parse_expression(written, "a computed field")


def _evaluator(expression: Expression, literals: Sequence[Any]) -> Evaluate:
    from mongoglot.engines.python.computed_fields import field_evaluator  # loads all operators

    return field_evaluator(expression, literals)


IN_PROJECTION: Final = Compilers(compile_in_projection, _parse, _evaluator)
"""What a projection needs to read its filters and expressions."""
