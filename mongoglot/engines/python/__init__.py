"""The Python target: a filter as a function of a document."""

from mongoglot.engines.python.lowering import PythonCode, lower

__all__ = ["PythonCode", "lower"]
