"""Aggregation expressions as closures: `build.py` makes them, the other modules have the operators by group."""

from mongoglot.engines.python.expressions.build import document_filter, evaluator

__all__ = ["document_filter", "evaluator"]
