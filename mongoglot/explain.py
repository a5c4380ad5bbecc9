"""Every stage of a query, as data, as text, and as HTML in a notebook."""

from __future__ import annotations

import html
import inspect
import linecache
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, assert_never, final

from mongoglot.compiler.ast import (
    Always,
    And,
    Bits,
    Compare,
    ElemMatch,
    Exists,
    Expr,
    Glob,
    HasType,
    In,
    JsonSchema,
    ListSlot,
    Mod,
    Node,
    Not,
    Or,
    RegexMatch,
    Sample,
    ServerOnly,
    Size,
    Slot,
    dotted,
    expressions,
)
from mongoglot.compiler.expression_ast import Expression
from mongoglot.compiler.expression_text import expression_text
from mongoglot.compiler.passes import optimise_steps
from mongoglot.compiler.schema_ast import lines_of
from mongoglot.engines import mongodb, sqlite
from mongoglot.engines.python.operands import element_test
from mongoglot.engines.sql.table import Table
from mongoglot.errors import MongoglotError
from mongoglot.grammar.text import from_text, to_text
from mongoglot.query import Query


@final
class Explanation:
    """The stages of one query; print it, or take them one by one.

    Attributes:
        query: the query.
        table: the table that its SQL is for.
    """

    def __init__(self, query: Query, table: Table | None = None) -> None:
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
        for name, tree in self.passes:
            yield ("Tree, as parsed" if name == "parsed" else f"Tree, after {name}"), tree
        yield "Python", _stage(lambda: self.python)
        yield from self._sql_sections()
        yield "MongoDB", _stage(lambda: repr(self.mongodb))

    def _sql_sections(self) -> Iterator[tuple[str, str]]:
        yield "SQLite", _stage(lambda: self.sql)
        yield "SQLite, parameters", _stage(lambda: _assignments(self.parameters))
        yield "SQLite, residual", _stage(lambda: self.residual or "none: the SQL says all")
        if (reasons := _stage(lambda: "\n".join(self.undecided))) and self.query.plan.has_expressions:
            yield "SQLite, undecided", f"where one of these is met, the SQL lets the row through:\n{reasons}"

    def __str__(self) -> str:
        return (
            "\n\n".join(f"{title}\n{'-' * len(title)}\n{text.rstrip()}" for title, text in self.sections())
            + "\n"
        )

    def _repr_html_(self) -> str:
        parts = (
            f"<details{' open' if title in ('Python', 'SQLite') else ''}><summary>{html.escape(title)}</summary>"
            f"<pre>{html.escape(text)}</pre></details>"
            for title, text in self.sections()
        )
        return f'<div class="mongoglot">{"".join(parts)}</div>'


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


def _assignments(parameters: dict[str, Any]) -> str:
    return "\n".join(f":{label} = {value!r}" for label, value in parameters.items()) or "none"


def _token_part(part: Any) -> str:
    if isinstance(part, Expression):
        return " ".join(expression_text(part, "").split())
    if isinstance(part, tuple) and part and isinstance(part[0], tuple):  # the words of a schema
        return " ".join(
            "/".join([kind.__name__, *map(_token_part, arguments)]) for kind, arguments, _ in part
        )
    return "{" + ", ".join(sorted(part)) + "}" if isinstance(part, frozenset) else str(part)


def tree_text(node: Node, indent: str = "") -> str:
    """A tree over lines, a node each; `int[0]` is a literal of class int, the first of the query's values."""
    match node:
        case And(children) | Or(children):
            below = "\n".join(tree_text(child, indent + "  ") for child in children)
            return f"{indent}{type(node).__name__.lower()}\n{below}"
        case Not(child):
            return f"{indent}not\n{tree_text(child, indent + '  ')}"
        case Compare(path, op, operand):
            return f"{indent}{dotted(path)} {op} {_slot(operand)}"
        case In(path, operand, patterns):
            shown = " and ".join([_slot(operand), *map(_slot, patterns)])
            return f"{indent}{dotted(path)} $in {shown}"
        case Glob(path, operand):
            return f"{indent}{dotted(path)} $glob {_slot(operand)}"
        case RegexMatch(path, operand):
            return f"{indent}{dotted(path)} $regex {_slot(operand)}"
        case ServerOnly(path, name, operand):
            return f"{indent}{' '.join(filter(None, (dotted(path), name)))} {_slot(operand)}, for a server"
        case JsonSchema(schema, operand):
            lines = (f"{indent}  {'  ' * depth}{line}" for depth, line in lines_of(schema))
            return "\n".join([f"{indent}$jsonSchema {_slot(operand)}", *lines])
        case Sample(operand, _):
            return f"{indent}$sampleRate {_slot(operand)}"
        case Expr(expression, _):
            return f"{indent}$expr\n{expression_text(expression, indent + '  ')}"
        case Exists(path):
            return f"{indent}{dotted(path)} exists"
        case HasType(path, types):
            return f"{indent}{dotted(path)} $type {sorted(types)}"
        case Mod(path, divisor, remainder):
            return f"{indent}{dotted(path)} $mod [{divisor}, {remainder}]"
        case Size(path, length):
            return f"{indent}{dotted(path)} $size {length}"
        case Bits(path, op, positions):
            return f"{indent}{dotted(path)} {op} {list(positions)}"
        case ElemMatch(path, child, by_value):
            of = "an element" if by_value else "a document"
            return f"{indent}{dotted(path)} has {of} with\n{tree_text(child, indent + '  ')}"
        case Always(value):
            return f"{indent}{'always' if value else 'never'}"
        case _:
            assert_never(node)


def _slot(slot: Slot | ListSlot) -> str:
    kinds = slot.kind if isinstance(slot, Slot) else f"list of {'|'.join(sorted(slot.kinds))}"
    parts = slot.parts if isinstance(slot, ListSlot) else ()
    return f"{kinds}[{', '.join(str(part.index) for part in parts or (slot,))}]"
