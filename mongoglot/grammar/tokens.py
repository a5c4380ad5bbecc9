"""From a filter to its tokens: one walk over the dict, on every call.

The tokens are plain tuples `(kind, name, class)`; together they are the query's *shape*, the key of the
plan cache. The values are collected beside them. Every check of a value lives here, so that a query of a
known shape is checked like any other; what nests in what is the grammar's business.

A token's parts by kind: EQUALS has the dotted path and the class of its literal; FIELD the path; COMPARE and
GLOB the operator and the operand's class; LIST the operator and the set of its members' classes; EXISTS the
operator and the truth of its operand; LOGICAL the operator; the others nothing more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias, assert_never

from bson import DBRef, Decimal128

from mongoglot.compiler.normalise import normalise, normalise_fields
from mongoglot.compiler.values import (
    MAX_DEPTH,
    ValueClass,
    is_array,
    value_class,
)
from mongoglot.errors import (
    EncodingRangeError,
    EncodingTypeError,
    FilterError,
    FilterValueRangeError,
    FilterValueTypeError,
    NotYetError,
    joined,
)
from mongoglot.grammar.operators import LITERAL_FIELDS, OPERATORS, Dialect, Form, Operators

Token: TypeAlias = tuple[Any, ...]
Shape: TypeAlias = tuple[Token, ...]

OPEN: Final = ("OPEN",)
CLOSE: Final = ("CLOSE",)
COMMENT: Final = ("COMMENT", "$comment")
NOT: Final = ("NOT", "$not")

MAX_FILTER_DEPTH: Final = MAX_DEPTH
"""The levels a filter may have, its own included (measured: 199 levels below a field are read, 200 are not)."""

REGEX_LATER: Final = "a regular expression as a pattern is not compiled by this version of mongoglot"

_PLAIN: Final[dict[type, ValueClass]] = {str: "string", bool: "bool", type(None): "null"}


_OTHER: Final[tuple[Form, str]] = ("OTHER", "")


class Tokeniser:
    """The walk over one filter.

    Attributes:
        tokens: what was read so far; after an error, up to and including the token that is wrong.
        values: the literals, in the order of their tokens, each an independent copy.
    """

    __slots__ = ("operators", "tokens", "values")

    def __init__(self, dialect: Dialect) -> None:
        self.operators: Operators = OPERATORS[dialect]
        self.tokens: list[Token] = []
        self.values: list[Any] = []

    def read_filter(self, document: Mapping[str, Any], depth: int) -> None:
        """Read a filter document; `depth` counts the levels that enclose it."""
        if depth >= MAX_FILTER_DEPTH:
            raise _too_deep()
        emit = self.tokens.append
        emit(OPEN)
        for key, operand in document.items():
            if key.__class__ is not str or not key.isascii() or "\0" in key:
                check_name(key)
            if key[:1] == "$" and key not in LITERAL_FIELDS:
                form = self.operators.get(key)
                if form is not None and form[0] == "LOGICAL":
                    emit(("LOGICAL", key))
                    self.read_filters(key, operand, depth + 1)
                    emit(CLOSE)
                else:
                    self.read_operator(key, operand, "", depth)
                continue
            if key in LITERAL_FIELDS or not is_operator_document(operand):
                try:
                    kind = self.read_literal(operand, depth)
                    if kind == "regex" and key not in LITERAL_FIELDS:
                        raise NotYetError(2, REGEX_LATER)
                except FilterError as error:
                    emit(("EQUALS", key, "invalid"))
                    raise _under(key, error) from None
                emit(("EQUALS", key, kind))
            else:
                emit(("FIELD", key))
                try:
                    self.read_operators(operand, key, depth + 1)
                except FilterError as error:
                    raise _under(key, error) from None
                emit(CLOSE)
        emit(CLOSE)

    def read_filters(self, name: str, operand: Any, depth: int) -> None:
        """Read the list of filters under `$and`, `$or` or `$nor`."""
        if not is_array(operand):
            hint = f"write {{{name}: [{{…}}, {{…}}]}}" if isinstance(operand, Mapping) else None
            raise FilterError(2, f"{name} must be an array", path=name, hint=hint)
        if not operand:
            raise FilterError(2, "$and/$or/$nor must be a nonempty array", path=name)
        if depth >= MAX_FILTER_DEPTH:
            raise _too_deep()
        for index, item in enumerate(operand):
            place = f"{name}[{index}]"
            if isinstance(item, DBRef):
                item = item.as_doc()
            if not isinstance(item, Mapping):
                raise FilterError(2, "$or/$and/$nor entries need to be full objects", path=place)
            try:
                self.read_filter(item, depth + 1)
            except FilterError as error:
                raise _under(place, error) from None

    def read_operators(self, document: Mapping[str, Any], field: str, depth: int) -> None:
        """Read the operators of one field, as they stand in an operator document."""
        if depth >= MAX_FILTER_DEPTH:
            raise _too_deep()
        for key, operand in document.items():
            self.read_operator(key, operand, field, depth)

    def read_operator(self, key: str, operand: Any, field: str, depth: int) -> None:
        """Read one operator; where it is out of place, the grammar says so when it meets the token."""
        if key.__class__ is not str or not key.isascii() or "\0" in key:
            check_name(key)
        emit = self.tokens.append
        form, name = self.operators.get(key, _OTHER)
        try:
            match form:
                case "COMPARE":
                    kind = self.read_literal(operand, depth)
                    if kind == "regex" and name != "$eq":
                        raise _regex_operand(name, field)
                    emit((form, name, kind))
                case "LIST":
                    emit((form, name, self.read_list(name, operand, depth)))
                case "EXISTS":
                    emit((form, name, is_truthy(operand)))
                    self.check(operand, depth)
                case "GLOB":
                    kind = self.read_literal(operand, depth)
                    if kind != "string":
                        raise FilterError(2, "$glob has to be a string")
                    emit((form, name, kind))
                case "NOT":
                    self.read_negation(operand, field, depth)
                case "COMMENT":
                    self.check(operand, depth)
                    emit(COMMENT)
                case "LOGICAL" | "LATER" | "LATER_TOP" | "OTHER":
                    emit((form, key))
                case _:
                    assert_never(form)
        except FilterError as error:
            if form != "NOT":  # whose own token stands already
                self.tokens.append((form, key, "invalid"))
            raise _under(key, error) from None

    def read_negation(self, operand: Any, field: str, depth: int) -> None:
        """Read the operand of `$not`: every key of it is an operator."""
        self.tokens.append(NOT)
        if isinstance(operand, DBRef):
            operand = operand.as_doc()
        if not isinstance(operand, Mapping):
            if value_class(operand) == "regex":
                raise NotYetError(2, REGEX_LATER)
            raise FilterError(2, "$not needs a regex or a document", hint="write {field: {$ne: value}}")
        if not operand:
            raise FilterError(2, "$not cannot be empty")
        self.read_operators(operand, field, depth + 1)
        self.tokens.append(CLOSE)

    def read_list(self, name: str, operand: Any, depth: int) -> frozenset[ValueClass]:
        """Read the list of `$in` or `$nin`; the classes of its members."""
        if not is_array(operand):
            hint = None if isinstance(operand, Mapping) else f"write {{{name}: [value, …]}}"
            raise FilterError(2, f"{name} needs an array", hint=hint)
        if depth + 1 >= MAX_FILTER_DEPTH and operand:
            raise _too_deep()
        members: list[Any] = []
        kinds: set[ValueClass] = set()
        for index, item in enumerate(operand):
            kind = _PLAIN.get(item.__class__)
            if kind is None or (kind == "string" and not item.isascii()):
                if is_operator_document(item):
                    raise FilterError(2, f"cannot nest $ under {name}", path=f"[{index}]")
                try:
                    item = literal(item, depth + 1)
                except FilterError as error:
                    raise _under(f"[{index}]", error) from None
                kind = value_class(item)
                if kind == "regex":
                    raise NotYetError(2, REGEX_LATER, path=f"[{index}]")
            members.append(item)
            kinds.add(kind)
        self.values.append(members)
        return frozenset(kinds)

    def read_literal(self, value: Any, depth: int) -> ValueClass:
        """Take a literal; its class."""
        kind = _PLAIN.get(value.__class__)
        if kind is None or (kind == "string" and not value.isascii()):
            value = literal(value, depth)
            kind = value_class(value)
        self.values.append(value)
        return kind

    def check(self, value: Any, depth: int) -> None:
        """Check a value that is not kept."""
        literal(value, depth)


def literal(value: Any, depth: int) -> Any:
    """An independent copy of a literal of a filter that stands below `depth` levels.

    Raises:
        FilterValueTypeError, FilterValueRangeError: BSON cannot hold it.
        FilterError: it nests too deep (code 15).
    """
    try:
        return normalise(value, MAX_FILTER_DEPTH - depth - 1)
    except EncodingRangeError as error:
        raise FilterValueRangeError(error.reason, path=error.path) from None
    except EncodingTypeError as error:
        raise FilterValueTypeError(error.reason, path=error.path) from None


def check_name(name: Any) -> None:
    """Check a field name that is not plain ASCII text.

    Raises:
        FilterValueTypeError: BSON has no such names.
    """
    literal({name: None}, 0)


def is_operator_document(value: Any) -> bool:
    """Whether a value is a document of operators and not a literal (semantics 4.2)."""
    if value.__class__ is not dict and not isinstance(value, Mapping):
        return False
    first = next(iter(value), "")
    return isinstance(first, str) and first[:1] == "$" and not ("$ref" in value and "$id" in value)


def is_truthy(value: Any) -> bool:
    """The truth of the operand of `$exists` (semantics 3.3)."""
    if isinstance(value, Decimal128):
        return bool(value.to_decimal())
    if value is None or isinstance(value, (bool, int, float)):
        return bool(value)
    return True


def check_whole(document: Mapping[str, Any]) -> None:
    """What a driver and a server check before they look at a filter's meaning: depth, then encoding.

    Raises:
        FilterError: it nests deeper than 200 levels (code 15), or holds what BSON cannot.
    """
    pending: list[tuple[Any, int]] = [(document, 1)]
    while pending:
        parent, depth = pending.pop()
        if depth > MAX_FILTER_DEPTH:
            raise _too_deep()
        values = parent.values() if isinstance(parent, Mapping) else parent
        pending.extend(
            (child, depth + 1) for child in values if isinstance(child, Mapping) or is_array(child)
        )
    try:
        normalise_fields(document)
    except EncodingRangeError as error:
        raise FilterValueRangeError(error.reason, path=error.path) from None
    except EncodingTypeError as error:
        raise FilterValueTypeError(error.reason, path=error.path) from None


def _too_deep() -> FilterError:
    return FilterError(15, f"the filter nests deeper than {MAX_DEPTH} levels, which BSON does not allow")


def _regex_operand(name: str, field: str) -> FilterError:
    if name == "$ne":
        hint = "write {field: {$not: /pattern/}}"
        return FilterError(2, "Can't have regex as arg to $ne.", hint=hint)
    return FilterError(2, f"Can't have RegEx as arg to predicate over field '{field}'.")


def _under(place: str, error: FilterError) -> FilterError:
    """The error with a place in front of its path: paths are built on the way out."""
    error.path = joined(place, error.path)
    return error
