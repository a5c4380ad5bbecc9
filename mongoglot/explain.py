"""Every stage of a query, as data, as text, and as HTML in a notebook."""

from __future__ import annotations

import inspect
import linecache
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, final

from mongoglot.compiler.ast import Expr, Node
from mongoglot.compiler.expression_ast import Expression
from mongoglot.compiler.expression_text import expression_text
from mongoglot.compiler.passes import optimise_steps
from mongoglot.compiler.trees import expressions
from mongoglot.engines import mongodb, sqlite
from mongoglot.engines.python.operands import element_test
from mongoglot.engines.sql.table import Table, check_table
from mongoglot.errors import MongoglotError
from mongoglot.grammar.text import from_text, to_text
from mongoglot.notes import Note, notes_of
from mongoglot.query import Query
from mongoglot.sql_stages import DIALECTS, assignments, sql_stage
from mongoglot.tree import changes, tree_of


@final
class Explanation:
    """The stages of one query; print it, or take them one by one.

    Attributes:
        query: the query.
        table: the table that its SQL is for.
    """

    def __init__(self, query: Query, table: Table | None = None) -> None:
        if table is not None:
            check_table(table)
        self.query = query
        self.table = table

    @property
    def text(self) -> str | None:
        """The text that the query was written as; None for a mapping."""
        return self.query.text

    @property
    def document(self) -> Any:
        """What was read from the text; None for a mapping, which a query does not keep."""
        return None if self.text is None else from_text(self.text)

    @property
    def tokens(self) -> list[str]:
        """The tokens, one a line."""
        return [" ".join(_token_part(part) for part in token) for token in self.query.tokens]

    @cached_property
    def passes(self) -> list[tuple[str, str]]:
        """The tree as parsed, and after each pass that changed it: name and tree."""
        return [(name, tree_text(node)) for name, node in optimise_steps(self.query.ast)]

    @property
    def python(self) -> str:
        """The source of the Python callable, and behind it that of each `$expr` that it calls."""
        query = self.query.started()
        sources = [_source(query.to_python())]
        if not isinstance(query.optimised, Expr):
            sources.extend(_source(element_test(leaf, query.values)) for leaf in expressions(query.optimised))
        return "\n".join(sources)

    @cached_property
    def sql(self) -> str:
        """The SQL condition, laid out over lines."""
        return str(sqlite.pretty_sql(self.query, self.table))

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters of the SQL."""
        return self.query.to_sql(table=self.table).parameters

    @property
    def residual(self) -> str | None:
        """What the SQL leaves to be checked in Python, as a tree; None where it says all."""
        residual = self.query.to_sql(table=self.table).residual
        return None if residual is None else tree_text(residual)

    @property
    def undecided(self) -> list[str]:
        """Why the SQL of an `$expr` lets rows through that are checked in Python, in words."""
        return sqlite.undecided(self.query, self.table)

    @property
    def notes(self) -> list[Note]:
        """What the query means where its author perhaps means something else."""
        return notes_of(self.query, self.table)

    @property
    def mongodb(self) -> dict[str, Any]:
        """The filter for a MongoDB server."""
        return mongodb.to_filter(self.query)

    def sections(self) -> Iterator[tuple[str, str]]:
        """Title and text of each stage, in the order in which they happen."""
        if self.text is not None:
            yield "Text", self.text
            yield "Document", to_text(self.document, indent=2)
        yield "Tokens", "\n".join(self.tokens)
        yield (
            "Values",
            "\n".join(f"[{slot}] {value!r}" for slot, value in enumerate(self.query.values)) or "none",
        )
        yield from self._pass_sections()
        yield "Python", _stage(lambda: _numbered(self.python))
        for dialect, name in DIALECTS.items():
            yield from self._sql_sections(dialect, name)
        yield "MongoDB", _stage(lambda: repr(self.mongodb))
        if self.notes:
            yield "Notes", "\n".join(map(str, self.notes))

    def _pass_sections(self) -> Iterator[tuple[str, str]]:
        """The tree as parsed, and what each pass made of it."""
        before = None
        for name, node in optimise_steps(self.query.ast):
            tree = tree_of(node)
            if before is None:
                yield "Tree, as parsed", str(tree)
            else:
                changed = "\n".join(changes(before, tree))
                yield f"Tree, after {name}", f"{tree}\n\nchanged:\n{changed}"
            before = tree

    def _sql_sections(self, dialect: str, name: str) -> Iterator[tuple[str, str]]:
        stage = sql_stage(self.query, self.table, dialect)
        if stage.text is None:
            yield name, f"cannot be said: {stage.refused}"
            return
        yield name, stage.text
        bound = "\n".join(f"{label} = {value!r}" for label, value in assignments(stage))
        yield f"{name}, parameters", bound or "none"
        left = "none: the SQL says all"
        if stage.residual is not None:
            left = "\n".join((str(stage.residual), "", *stage.reasons))
        yield f"{name}, residual", left
        if dialect == "sqlite" and self.query.plan.has_expressions and (reasons := "\n".join(self.undecided)):
            yield f"{name}, undecided", f"where one of these is met, the SQL lets the row through:\n{reasons}"

    def __str__(self) -> str:
        return (
            "\n\n".join(f"{title}\n{'-' * len(title)}\n{text.rstrip()}" for title, text in self.sections())
            + "\n"
        )

    def __repr__(self) -> str:  # for the one who types `query.explain()` at a prompt
        return str(self)

    def _repr_html_(self) -> str:
        from mongoglot.card import card
        from mongoglot.debug import stages

        return card(stages(self.query, self.table))


def _source(function: Callable[..., Any]) -> str:
    """A generated function and those that stand beside it, without the one around them that binds names."""
    lines = linecache.getlines(inspect.unwrap(function).__code__.co_filename)
    return "".join(lines[1:-1])


def _stage(text: Any) -> str:
    """The text of a stage, or why the query cannot be said there."""
    try:
        return str(text())
    except MongoglotError as error:
        return f"cannot be said: {error}"


def _numbered(source: str) -> str:
    """Source with the number of each line."""
    lines = source.splitlines()
    width = len(str(len(lines)))
    return "\n".join(f"{number:>{width}}  {line}" for number, line in enumerate(lines, 1))


def _token_part(part: Any) -> str:
    if isinstance(part, Expression):
        return " ".join(expression_text(part, "").split())
    if isinstance(part, tuple) and part and isinstance(part[0], tuple):  # the words of a schema
        return " ".join(
            "/".join([kind.__name__, *map(_token_part, arguments)]) for kind, arguments, _ in part
        )
    return "{" + ", ".join(sorted(map(str, part))) + "}" if isinstance(part, frozenset) else str(part)


def tree_text(node: Node) -> str:
    """A tree over lines, a node each; `int[0]` is a literal of class int, the first of the query's values."""
    return str(tree_of(node))
