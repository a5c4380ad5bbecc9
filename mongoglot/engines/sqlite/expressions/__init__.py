"""`$expr` as SQL: `lowering.py` walks the tree, the other modules have values, steps and operators by group."""

from mongoglot.engines.sqlite.expressions.lowering import LOWERED, Lowered, lower_expression

__all__ = ["LOWERED", "Lowered", "lower_expression"]
