"""The Python lowering: from the tree to the source of a function that tells whether a document matches.

A predicate is written for the common case, a path through plain dicts to a value of the operand's type. A
value that decides nothing there, such as an array or a rare type, goes to the exact test of `operands.py`.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, assert_never, final

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
    ListSlot,
    Mod,
    Node,
    Not,
    Or,
    Path,
    RegexMatch,
    Sample,
    ServerOnly,
    Size,
    Slot,
    expressions,
    leaves,
)
from mongoglot.compiler.lowering import needs_server
from mongoglot.compiler.regex import searcher
from mongoglot.compiler.values import (
    MISSING,
    Document,
    ValueClass,
    is_nan,
    milliseconds,
    value_class,
)
from mongoglot.engines.python.operands import OTHER, ElementTest, document_test, element_test
from mongoglot.engines.python.source import SCALARS, SourceWriter, build_factory
from mongoglot.errors import FilterError

_MAX_HEIGHT: Final = 12
"""How deep expressions nest before a part of them becomes a function of its own; CPython's limit is near 100."""

_MAX_READ_AHEAD: Final = 8

_PLAIN: Final = SCALARS | {dict}
"""At the end of a path a dict decides like a scalar: it equals neither."""

_NUMBER_CLASSES: Final = frozenset({int, Int64, float})

_PYTHON: Final = {"$eq": "==", "$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}

_CONSTANTS: Final[dict[str, Any]] = {
    "MISSING": MISSING,
    "OTHER": OTHER,
    "SCALARS": SCALARS,
    "PLAIN": _PLAIN,
    "NOT_A_NUMBER": _PLAIN - _NUMBER_CLASSES,
    "NOT_A_STRING": _PLAIN - {str},
    "NOT_A_DATE": _PLAIN - {datetime.datetime},
    "NOT_AN_OBJECTID": _PLAIN - {ObjectId},
    "Int64": Int64,
    "ObjectId": ObjectId,
    "datetime": datetime.datetime,
    "milliseconds": milliseconds,
}


@final
@dataclass(frozen=True)
class PythonCode:
    """The generated source of one shape of query, ready to be bound to values.

    Attributes:
        source: the text; that of an `$expr` is another for other constants, and stands in a file of its own.
    """

    source: str
    _factory: Callable[..., Callable[[Document], bool]]
    _binders: tuple[Callable[[list[Any]], Any], ...]

    def bind(self, values: list[Any]) -> Callable[[Document], bool]:
        """The function for one query of the shape."""
        return self._factory(*[binder(values) for binder in self._binders])


def lower(node: Node) -> PythonCode:
    """Write and compile the function for an optimised tree: comparisons with null and NaN have been decided."""
    if isinstance(node, Expr):
        return PythonCode("", lambda holds: holds, (lambda values: element_test(node, values),))
    writer = SourceWriter()
    _function(node, "matches", writer)
    factory, source = build_factory(writer, _CONSTANTS)
    return PythonCode(source, factory, tuple(writer.binders.values()))


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
                _read_ahead(child, out)
                out.line(f"if not ({_condition(child, out, 1)}):  # {_summary(child)}")
                out.line("    return False")
            out.line("return True")
        case Or(children):
            for child in children:
                _read_ahead(child, out)
                out.line(f"if {_condition(child, out, 1)}:  # {_summary(child)}")
                out.line("    return True")
            out.line("return False")
        case _:
            _read_ahead(node, out)
            # bool() because a chain of `and` and `or` gives its last operand, whatever that is
            out.line(f"return bool({_condition(node, out, 1)})")
    out.indent -= 1


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
    part = out.part()
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
    child = lower(leaf.child) if isinstance(leaf, ElemMatch) else None

    def test(values: list[Any]) -> ElementTest:
        return element_test(leaf, values, None if child is None else child.bind(values))

    expand = not isinstance(leaf, (Exists, Size, ElemMatch))
    path = leaf.path
    if not path:  # the whole: an element of `$elemMatch`, or the document
        return f"{out.bind('test', test)}(document)"
    general = out.bind("general", lambda values: document_test(path, test(values), expand=expand))
    if len(path) > _MAX_HEIGHT:
        return f"{general}(document, OTHER)"
    variable, read = _read(path, out)
    match leaf:
        case Exists():
            return f"{read} is not MISSING and ({variable} is not OTHER or {general}(document, {variable}))"
        case In(_, operand, ()):
            return _membership(operand, variable, read, general, out)
        case Compare(_, op, operand):
            return _comparison(op, operand, variable, read, general, out)
        case RegexMatch(_, operand):
            index = operand.index
            search = out.bind("search", lambda values: searcher(values[index]))
            left_open = f"kind not in NOT_A_STRING and {general}(document, {variable})"
            return f"{search}({variable}) if (kind := {read}.__class__) is str else {left_open}"
        case In() | Glob() | HasType() | Mod() | Size() | Bits() | ElemMatch():
            return f"{general}(document, {read})"
        case Sample() | Expr():
            raise AssertionError(leaf)  # they have no path
        case _:
            assert_never(leaf)


def _comparison(op: str, operand: Slot, variable: str, read: str, general: str, out: SourceWriter) -> str:
    """`read` gives the value to `variable`; `general` decides where its class does not."""
    left_open = f"{general}(document, {variable})"
    sign = _PYTHON[op]
    index, kind = operand.index, operand.kind

    def bound() -> str:
        return out.bind("p", lambda values: values[index])

    def typed(test: str, compared: str, excluded: str) -> str:
        """`compared` decides where `test` tells the type; elsewhere no scalar of another type matches."""
        return f"{compared} if {test} else kind not in {excluded} and {left_open}"

    match kind:
        case "int" | "double":
            compared = f"{variable} {sign} {bound()}"
            test = f"(kind := {read}.__class__) is int or kind is float or kind is Int64"
            return typed(test, compared, "NOT_A_NUMBER")
        case "string":
            return typed(f"(kind := {read}.__class__) is str", f"{variable} {sign} {bound()}", "NOT_A_STRING")
        case "objectid":
            test = f"(kind := {read}.__class__) is ObjectId"
            return typed(test, f"{variable} {sign} {bound()}", "NOT_AN_OBJECTID")
        case "date":
            instant = out.bind("p", lambda values: milliseconds(values[index]))
            test = f"(kind := {read}.__class__) is datetime"
            return typed(test, f"milliseconds({variable}) {sign} {instant}", "NOT_A_DATE")
        case "null" if op == "$eq":
            return f"{read} is None or {variable} is MISSING or {variable}.__class__ not in PLAIN and {left_open}"
        case "bool" if op == "$eq":
            return f"{read} is {bound()} or {variable}.__class__ not in PLAIN and {left_open}"
        case _:
            return f"{general}(document, {read})"


def _membership(operand: ListSlot, variable: str, read: str, general: str, out: SourceWriter) -> str:
    left_open = f"{general}(document, {variable})"
    kinds = operand.kinds
    if not kinds <= {"null", "int", "double", "string", "nan", "decimal", "bool", "objectid", "date"}:
        return f"{general}(document, {read})"
    hits = []
    if "null" in kinds:
        hits.append(f"{variable} is None or {variable} is MISSING")
    if "string" in kinds:
        strings = out.bind(
            "p", lambda values: frozenset(v for v in operand.members(values) if isinstance(v, str))
        )
        hits.append(f"kind is str and {variable} in {strings}")
    if kinds & {"int", "double", "decimal"}:
        numbers = out.bind("p", lambda values: _numbers(operand.members(values)))
        hits.append(f"(kind is int or kind is float or kind is Int64) and {variable} in {numbers}")
    if "bool" in kinds:
        truths = out.bind(
            "p", lambda values: frozenset(v for v in operand.members(values) if isinstance(v, bool))
        )
        hits.append(f"kind is bool and {variable} in {truths}")
    if "objectid" in kinds:
        ids = out.bind("p", lambda values: frozenset(_of_class("objectid", operand.members(values))))
        hits.append(f"kind is ObjectId and {variable} in {ids}")
    if "date" in kinds:
        instants = out.bind(
            "p", lambda values: frozenset(map(milliseconds, _of_class("date", operand.members(values))))
        )
        hits.append(f"kind is datetime and milliseconds({variable}) in {instants}")
    # a NaN is found by the general test, so a float that is in no set stays open where the list has one
    decided = "PLAIN" if "nan" not in kinds else "NOT_A_NUMBER"
    hits.append(f"kind not in {decided} and {left_open}")
    return f"(kind := {read}.__class__) is None or " + " or ".join(hits)


def _of_class(kind: ValueClass, members: list[Any]) -> list[Any]:
    return [member for member in members if value_class(member) == kind]


def _numbers(members: list[Any]) -> frozenset[Any]:
    """The numbers among the members; Python compares and hashes ints, floats and Decimals by exact value."""
    return frozenset(
        member.to_decimal() if not isinstance(member, (int, float)) else member
        for member in members
        if isinstance(member, (int, float)) or member.__class__.__name__ == "Decimal128"
        if not isinstance(member, bool) and not is_nan(member)
    )


def _read_ahead(node: Node, out: SourceWriter) -> None:
    """Write statements that read the paths of a part which has few, so that they are read once."""
    paths = [leaf.path for leaf in leaves(node) if isinstance(leaf, (Compare, In, Exists, RegexMatch))]
    if len(paths) > _MAX_READ_AHEAD:
        return
    for path in paths:
        for end in range(1, min(len(path), _MAX_HEIGHT) + 1):
            if path[:end] not in out.reads:
                variable = out.local()
                out.line(f"{variable} = {_step(path[:end], out)}")
                out.reads[path[:end]] = variable


def _read(path: Path, out: SourceWriter) -> tuple[str, str]:
    """The variable that holds the value of a path, and an expression that reads it where it is not read yet.

    The value is MISSING where the path ends early, OTHER where it meets what is neither a dict nor a scalar.
    """
    if path in out.reads:
        return out.reads[path], out.reads[path]
    variable = out.local()
    return variable, f"({variable} := {_step(path, out)})"


def _step(path: Path, out: SourceWriter) -> str:
    """Read the last component of a path from the value of what comes before it."""
    key = out.key(path[-1])
    if len(path) == 1:
        return f"document.get({key}, MISSING)"
    parent, read = _read(path[:-1], out)
    return (
        f"{parent}.get({key}, MISSING) if {read}.__class__ is dict"
        f" else MISSING if {parent}.__class__ in SCALARS else OTHER"
    )


def _summary(node: Node) -> str:
    """A comment for the reader: the operator and nothing that a user wrote."""
    match node:
        case Compare(_, op, operand):
            return f"{op} {operand.kind}"
        case In():
            return "$in"
        case Exists():
            return "$exists"
        case Glob():
            return "$glob"
        case RegexMatch():
            return "$regex"
        case Sample():
            return "$sampleRate"
        case Expr():
            return "$expr"
        case JsonSchema():
            return "$jsonSchema"
        case ElemMatch():
            return "$elemMatch"
        case HasType() | Mod() | Size():
            return f"${type(node).__name__.lower().removeprefix('has')}"
        case Bits(_, op, _):
            return op
        case _:
            return type(node).__name__.lower()
