"""From tokens to the tree: the Lark parser of `filter.lark` and its callbacks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, cast

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedToken
from lark.lexer import Lexer

from mongoglot.compiler.ast import (
    Always,
    Bits,
    BitsOperator,
    Compare,
    Comparison,
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
    Path,
    RegexMatch,
    Sample,
    ServerOnly,
    Size,
    Slot,
)
from mongoglot.compiler.schema_ast import tree_of
from mongoglot.compiler.trees import conjunction, disjunction
from mongoglot.grammar import token_kinds as tk
from mongoglot.grammar.misplaced import misplaced
from mongoglot.grammar.operators import Dialect
from mongoglot.grammar.server_only import check_near_is_at_the_top


class _TokenLexer(Lexer):
    """Hands the tokens of a shape to Lark; a token that carries a literal also says which slot it has."""

    def __init__(self, _: Any) -> None: ...

    def lex(self, data: Any) -> Iterator[Token]:  # type: ignore[override]  # Lark's form for others' lexers
        slot = 0
        for position, token in enumerate(data):
            yield Token(token[0], cast("Any", (token, slot)), position)
            slot += token[0] in tk.WITH_VALUE


class _BuildTree(Transformer[Token, Any]):
    """The reduce callbacks: each only builds nodes. An operator becomes a function of its field's path."""

    def filter(self, children: Sequence[Any]) -> Node:
        """`{…}`: all clauses; the operators of a field stand side by side with the other clauses."""
        clauses = [child for child in children if not isinstance(child, Token)]
        return conjunction(tuple(node for c in clauses for node in (c if isinstance(c, tuple) else (c,))))

    def implicit_equality(self, children: Sequence[Any]) -> Node:
        """`{a: 5}`."""
        (_, name, kind), index = children[0].value
        return Compare(_path(name), "$eq", Slot(index, kind))

    def field(self, children: Sequence[Any]) -> tuple[Node, ...]:
        """`{a: {$gt: 5, $lt: 9}}`: all operators of a field."""
        (_, name), _slot = children[0].value
        path = _path(name)
        return tuple(_applied(operator, path) for operator in children[1:-1])

    def logical(self, children: Sequence[Any]) -> Node:
        """`{$or: [{…}, {…}]}`."""
        (_, name), _slot = children[0].value
        parts = tuple(children[1:-1])
        match name:
            case "$and":
                return conjunction(parts)
            case "$or":
                return disjunction(parts)
            case "$nor":
                return Not(disjunction(parts))
            case _:
                raise AssertionError(name)

    def constant(self, children: Sequence[Any]) -> Node:
        """`{$alwaysTrue: 1}`."""
        return Always(children[0].value[0][1] == "$alwaysTrue")

    def implicit_regex(self, children: Sequence[Any]) -> Node:
        """`{a: /b/i}`."""
        (_, name), index = children[0].value
        return RegexMatch(_path(name), Slot(index, "regex"))

    def sample(self, children: Sequence[Any]) -> Node:
        """`{$sampleRate: 0.5}`."""
        (_, _name, rate), index = children[0].value
        return Sample(Slot(index, "double"), {"none": False, "all": True, "some": None}[rate])

    def server(self, children: Sequence[Any]) -> Node:
        """`{$where: "…"}`."""
        (_, name, kind), index = children[0].value
        return ServerOnly((), name, Slot(index, kind))

    def expr(self, children: Sequence[Any]) -> Node:
        """`{$expr: {…}}`."""
        (_, _name, expression), index = children[0].value
        return Expr(expression, Slot(index, "object"))

    def schema(self, children: Sequence[Any]) -> Node:
        """`{$jsonSchema: {…}}`; one without keywords that say something holds always."""
        (_, _name, words), index = children[0].value
        schema = tree_of(words)
        if schema.types is None and not schema.children:
            return Always(True)
        return JsonSchema(schema, Slot(index, "object"))

    def comment(self, _: Sequence[Any]) -> Node:
        """`{$comment: "…"}` changes nothing."""
        return Always(True)


def _path(name: str) -> Path:
    return tuple(name.split("."))


def _applied(operator: Any, path: Path) -> Node:
    """An operator of `filter.lark` with the path of the field it stands under."""
    match operator.data:
        case "compare":
            (_, name, kind), index = operator.children[0].value
            if name == "$ne":
                return Not(Compare(path, "$eq", Slot(index, kind)))
            return Compare(path, cast("Comparison", name), Slot(index, kind))
        case "list":
            (_, name, kinds), index = operator.children[0].value
            member = In(path, ListSlot(index, kinds))
            return Not(member) if name == "$nin" else member
        case "list_regex":
            (_, name, kinds), index = operator.children[0].value
            patterns = tuple(Slot(child.value[1], "regex") for child in operator.children[1:-1])
            member = In(path, ListSlot(index, kinds), patterns)
            return Not(member) if name == "$nin" else member
        case "regex":
            _, index = operator.children[0].value
            return RegexMatch(path, Slot(index, "regex"))
        case "server_operator":
            (_, name, kind), index = operator.children[0].value
            return ServerOnly(path, name, Slot(index, kind))
        case "exists":
            (_, _, truth, *_), _slot = operator.children[0].value
            return Exists(path) if truth else Not(Exists(path))
        case "glob":
            (_, _, kind, plain), index = operator.children[0].value
            return Glob(path, Slot(index, kind), plain)
        case "type":
            (_, _, types), _slot = operator.children[0].value
            return HasType(path, types)
        case "mod":
            (_, _, divisor, remainder), _slot = operator.children[0].value
            return Mod(path, divisor, remainder)
        case "size":
            (_, _, length), _slot = operator.children[0].value
            return Size(path, length)
        case "bits":
            (_, name, positions), _slot = operator.children[0].value
            return Bits(path, cast("BitsOperator", name), positions)
        case "all":
            members = tuple(_applied(child, path) for child in operator.children[1:-1])
            return conjunction(members) if members else Always(False)
        case "literal":
            (_, _, kind), index = operator.children[0].value
            return Compare(path, "$eq", Slot(index, kind))
        case "match_filter":
            return ElemMatch(path, operator.children[1], by_value=False)
        case "match_value":
            inner = conjunction(tuple(_applied(child, ()) for child in operator.children[1:-1]))
            return ElemMatch(path, inner, by_value=True)
        case "negation":
            return Not(conjunction(tuple(_applied(child, path) for child in operator.children[1:-1])))
        case _:
            raise AssertionError(operator.data)


@cache
def _parser() -> Lark:
    """Lark's tables take some 20 ms to build, so they are made on the first miss of the plan cache."""
    from importlib import resources

    grammar = resources.files("mongoglot.grammar").joinpath("filter.lark").read_text(encoding="utf-8")
    return Lark(grammar, start="filter", parser="lalr", lexer=_TokenLexer, transformer=_BuildTree())


def parse(shape: tk.Shape, dialect: Dialect = "mongodb") -> Node:
    """The tree of a query's tokens.

    Raises:
        FilterError: an operator is where it does not belong, unknown, or not compiled by this version.
    """
    try:
        tree = cast("Node", _parser().parse(cast("Any", shape)))
    except UnexpectedToken as error:
        raise misplaced(shape, error, dialect) from None
    check_near_is_at_the_top(tree)
    return tree


def parse_prefix(shape: tk.Shape, dialect: Dialect) -> None:
    """Raise the error of an operator that is out of place in the tokens read so far, if there is one."""
    interactive = _parser().parse_interactive(cast("Any", shape))
    try:
        for _ in interactive.iter_parse():
            pass
    except UnexpectedToken as error:
        raise misplaced(shape, error, dialect) from None


__all__ = ["parse", "parse_prefix"]
