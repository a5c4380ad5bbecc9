"""The Python target: a filter as a function of a document."""

from mongoglot.engines.python.lowering import PythonCode, fold_constants, lower, lower_selection

__all__ = ["PythonCode", "fold_constants", "lower", "lower_selection"]
