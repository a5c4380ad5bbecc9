"""The Python lowering: from the tree to the source of a function that tells whether a document matches.

A predicate is written for the common case, a path through plain dicts to a value of the operand's type. A
value that decides nothing there, such as an array or a rare type, goes to the exact test of `operands.py`.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Generic, TypeVar, assert_never, final

from bson import Int64, ObjectId

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
    Leaf,
    Mod,
    Node,
    Not,
    Or,
    RegexMatch,
    Sample,
    ServerOnly,
    Size,
)
from mongoglot.compiler.instants import milliseconds
from mongoglot.compiler.lowering import needs_server
from mongoglot.compiler.normalise import check_mapping, normalise_document
from mongoglot.compiler.regex import searcher
from mongoglot.compiler.trees import expressions
from mongoglot.compiler.values import MISSING, Document
from mongoglot.engines.python.elements import item_test
from mongoglot.engines.python.operands import OTHER, ElementTest, document_test, element_test
from mongoglot.engines.python.predicates import Subject, comparison, membership
from mongoglot.engines.python.reads import MAX_LENGTH, read, read_ahead, telling_missing
from mongoglot.engines.python.source import SCALARS, SourceWriter, build_factory
from mongoglot.engines.python.summaries import summary
from mongoglot.errors import EncodingError, FilterError

_MAX_HEIGHT: Final = 12
"""How deep expressions nest before a part of them becomes a function of its own; CPython's limit is near 100."""

_PLAIN: Final = SCALARS | {dict}
"""At the end of a path a dict decides like a scalar: it equals neither."""

_CONSTANTS: Final[dict[str, Any]] = {
    "__name__": "mongoglot.generated",
    "EncodingError": EncodingError,
    "check_mapping": check_mapping,
    "explained": normalise_document,
    "MISSING": MISSING,
    "OTHER": OTHER,
    "SCALARS": SCALARS,
    "PLAIN": _PLAIN,
    "NOT_A_NUMBER": _PLAIN - {int, Int64, float},
    "NOT_A_STRING": _PLAIN - {str},
    "NOT_A_DATE": _PLAIN - {datetime.datetime},
    "NOT_AN_OBJECTID": _PLAIN - {ObjectId},
    "Int64": Int64,
    "ObjectId": ObjectId,
    "datetime": datetime.datetime,
    "milliseconds": milliseconds,
}


Function = TypeVar("Function")


@final
@dataclass(frozen=True)
class PythonCode(Generic[Function]):
    """The generated source of one shape of query, ready to be bound to values.

    Attributes:
        source: the text; that of an `$expr` is another for other constants, and stands in a file of its own.
    """

    source: str
    _factory: Callable[..., Function]
    _binders: tuple[Callable[[list[Any]], Any], ...]

    def bind(self, values: list[Any]) -> Function:
        """The function for one query of the shape."""
        return self._factory(*[binder(values) for binder in self._binders])


def lower(node: Node) -> PythonCode[Callable[[Document], bool]]:
    """Write and compile the function for an optimised tree: comparisons with null and NaN have been decided."""
    if isinstance(node, Expr):
        return PythonCode("", lambda holds: holds, (lambda values: element_test(node, values),))
    writer = SourceWriter(telling_missing=telling_missing(node))
    _function(node, "matches", writer)
    factory, source = build_factory(writer, _CONSTANTS)
    return PythonCode(source, factory, tuple(writer.binders.values()))


def lower_selection(node: Node) -> PythonCode[Callable[[Iterable[Any]], Iterator[Any]]]:
    """Write and compile the generator that yields those of many documents that match, without a call for each."""
    out = SourceWriter(telling_missing=telling_missing(node))
    out.line("def select(documents):\n    for document in documents:")
    out.indent += 2
    out.line("if document.__class__ is not dict:\n    check_mapping(document)\ntry:")
    out.indent += 1
    _continue_unless(node, out)
    out.indent -= 1
    out.line("except EncodingError:\n    explained(document)  # raises with the path of the value\n    raise")
    out.line("yield document")
    factory, source = build_factory(out, _CONSTANTS, "select")
    return PythonCode(source, factory, tuple(out.binders.values()))


def fold_constants(node: Node, values: list[Any]) -> None:
    """Compute the constant parts of all `$expr` of a tree.

    Raises:
        FilterError: one cannot be computed, with the server's code.
    """
    from mongoglot.engines.python.expressions import check_constants  # loads all operators

    for leaf in expressions(node):
        operand = values[leaf.operand.index]
        try:
            check_constants(leaf.expression, operand.literals, operand.now)
        except FilterError as error:
            error.path = error.path or "$expr"
            raise


def _function(node: Node, name: str, out: SourceWriter) -> None:
    """Write a function of a document: a statement for each part, leaving at the first that decides."""
    out.line(f"def {name}(document):")
    out.indent += 1
    match node:
        case And(children):
            for child in children:
                read_ahead(child, out)
                out.line(f"if not ({_condition(child, out, 1)}):  # {summary(child)}")
                out.line("    return False")
            out.line("return True")
        case Or(children):
            for child in children:
                read_ahead(child, out)
                out.line(f"if {_condition(child, out, 1)}:  # {summary(child)}")
                out.line("    return True")
            out.line("return False")
        case _:
            read_ahead(node, out)
            out.line(f"if {_condition(node, out, 1)}:")  # a chain of `and` and `or` gives its last operand
            out.line("    return True")
            out.line("return False")
    out.indent -= 1


def _continue_unless(node: Node, out: SourceWriter) -> None:
    """Write the statements of a loop over documents that go on to the next where one does not match."""
    for child in node.children if isinstance(node, And) else (node,):
        read_ahead(child, out)
        out.line(f"if not ({_condition(child, out, 1)}):  # {summary(child)}")
        out.line("    continue")


def _condition(node: Node, out: SourceWriter, height: int) -> str:
    """An expression that is true where the node matches `document`."""
    if height > _MAX_HEIGHT:
        name = out.local().replace("v", "part")
        _part_before(node, name, out)
        return f"{name}(document)"
    match node:
        case Always(value):
            return repr(value)
        case Not(child):
            return f"not ({_condition(child, out, height + 1)})"
        case And(children):
            return " and ".join(f"({_condition(child, out, height + 1)})" for child in children)
        case Or(children):
            return " or ".join(f"({_condition(child, out, height + 1)})" for child in children)
        case Compare() | In() | Exists() | Glob() | RegexMatch() | HasType() | Mod() | Size() | Bits():
            return _predicate(node, out)
        case ElemMatch() | Sample() | ServerOnly() | JsonSchema() | Expr():
            return _predicate(node, out)
        case _:
            assert_never(node)


def _part_before(node: Node, name: str, out: SourceWriter) -> None:
    """Write a function of its own for a part that nests too deep, in front of all others."""
    part = out.part(telling_missing(node))
    _function(node, name, part)
    out.lines[:0] = part.lines


def _predicate(leaf: Leaf, out: SourceWriter) -> str:
    """The expression for one predicate; `general` decides whatever the common case leaves open."""
    if isinstance(leaf, ServerOnly):
        raise needs_server(leaf)
    if isinstance(leaf, JsonSchema):
        from mongoglot.engines.python.schemas import schema_test  # loads the keywords

        schema, slot = leaf.schema, leaf.operand.index
        return f"{out.bind('schema', lambda values: schema_test(schema, values[slot]))}(document)"
    child = _function_of(leaf.child) if isinstance(leaf, ElemMatch) else None

    def test(values: list[Any]) -> ElementTest:
        return element_test(leaf, values, None if child is None else child(values))

    expand = not isinstance(leaf, (Exists, Size, ElemMatch))
    path = leaf.path
    if not path:  # the whole: an element of `$elemMatch`, or the document
        return f"{out.bind('test', test)}(document)"
    general = out.bind("general", lambda values: document_test(path, test(values), expand=expand))
    if len(path) > MAX_LENGTH:
        return f"{general}(document, OTHER)"
    variable, reading = read(path, out)
    match leaf:
        case Exists():
            return (
                f"{reading} is not MISSING and ({variable} is not OTHER or {general}(document, {variable}))"
            )
        case In(_, list_operand, ()):
            return membership(list_operand, Subject(variable, reading, general), out)
        case Compare(_, op, operand):
            return comparison(op, operand, Subject(variable, reading, general), out)
        case RegexMatch(_, operand):
            index = operand.index
            search = out.bind("search", lambda values: searcher(values[index]))
            left_open = f"kind not in NOT_A_STRING and {general}(document, {variable})"
            return f"{search}({variable}) if (kind := {reading}.__class__) is str else {left_open}"
        case ElemMatch(_, inner, False):
            found = _search_before(inner, out)
            left_open = f"{variable}.__class__ not in PLAIN and {general}(document, {variable})"
            return f"{found}({variable}) if {reading}.__class__ is list else {left_open}"
        case In() | Glob() | HasType() | Mod() | Size() | Bits() | ElemMatch():
            return f"{general}(document, {reading})"
        case Sample() | Expr():
            raise AssertionError(leaf)  # they have no path
        case _:
            assert_never(leaf)


def _function_of(node: Node) -> Callable[[list[Any]], Callable[[Any], bool]]:
    """What makes the function of what a `$elemMatch` holds; it is compiled when it first gets an element."""
    code = cache(lambda: lower(node))

    def bound(values: list[Any]) -> Callable[[Any], bool]:
        function = cache(lambda: code().bind(values))
        return lambda element: function()(element)

    return bound


def _search_before(node: Node, out: SourceWriter) -> str:
    """Write a function of an array, in front of all others: whether it has a document that matches; its name."""
    name = out.local().replace("v", "found")
    part = out.part(telling_missing(node))
    child = _function_of(node)
    other = part.bind("other", lambda values: item_test(child(values), by_value=False))
    part.line(f"def {name}(items):\n    for document in items:")
    part.indent += 2
    part.line("if document.__class__ is not dict:")
    part.line(f"    if document.__class__ in SCALARS or not {other}(document):\n        continue")
    part.line("    return True")
    _continue_unless(node, part)
    part.line("return True")
    part.indent -= 1
    part.line("return False")
    out.lines[:0] = part.lines
    return name
