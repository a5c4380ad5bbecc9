"""Aggregation expressions as Python: folded, lowered to source, bound to their literals."""

from mongoglot.engines.python.expressions.evaluation import check_constants, document_filter, evaluator

__all__ = ["check_constants", "document_filter", "evaluator"]
