"""Finished trees of sqlglot nodes: printed as SQLite's SQL, looked into, and changed."""

from __future__ import annotations

import threading
from collections.abc import Callable

from sqlglot import exp
from sqlglot.dialects.sqlite import SQLite

from mongoglot.engines.sql.nodes import Expression
from mongoglot.engines.sql.printing import Printer

_PRINTERS = threading.local()


def text_of(tree: Expression, *, pretty: bool = False) -> str:
    """The SQL of a tree."""
    attribute = "pretty" if pretty else "plain"
    printer = getattr(_PRINTERS, attribute, None)
    if printer is None:
        printer = (
            SQLite().generator(comments=False, normalize_functions=False, pretty=True)
            if pretty
            else Printer(dialect="sqlite", comments=False, normalize_functions=False)
        )
        setattr(_PRINTERS, attribute, printer)
    text: str = printer.generate(tree, copy=False)
    return text


def is_leaf(tree: Expression) -> bool:
    """Whether a tree is a column, a constant or a placeholder."""
    return isinstance(tree, (exp.Column, exp.Literal, exp.Placeholder, exp.Null))


def with_calls(tree: Expression, change: Callable[[str, list[Expression]], Expression]) -> Expression:
    """A copy of a tree, its function calls replaced by what `change` makes of name and arguments."""
    tree = tree.copy()
    for node in list(tree.find_all(exp.Anonymous)):
        changed = change(node.name, node.expressions)
        node.set("this", changed.this)
        node.set("expressions", changed.expressions)
    return tree


def height(tree: Expression) -> int:
    """How many nodes stand above one another in a tree."""
    return 1 + max((height(child) for child in tree.iter_expressions()), default=0)


def rename_parameters(tree: Expression, labels: dict[str, str]) -> None:
    """Give the placeholders of a finished tree other names."""
    for node in list(tree.find_all(exp.Placeholder)):
        node.set("this", labels.get(node.name, node.name))
