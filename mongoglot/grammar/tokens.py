"""From a filter to its tokens: one walk over the dict, on every call.

The tokens are plain tuples `(kind, name, class)`; together they are the query's *shape*, the key of the
plan cache. The values are collected beside them. Every check of a value lives here, so that a query of a
known shape is checked like any other; what nests in what is the grammar's business.

A token's parts by kind: EQUALS has the dotted path and the class of its literal; FIELD the path; COMPARE, GLOB
and LITERAL the operator and the operand's class; LIST the operator and the set of its members' classes. Operands
that change the code are part of the token: the truth of EXISTS, the codes of TYPE, the numbers of MOD, SIZE and
BITS, whether the pattern of GLOB is plain, the words of SCHEMA, the tree of EXPR. The others have the operator and
nothing more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, assert_never

from bson import DBRef

from mongoglot.compiler.values import is_array, value_class
from mongoglot.errors import EncodingError, FilterError
from mongoglot.grammar import regexes, server_only, structural
from mongoglot.grammar.literal_tokens import LiteralReader, plain_class
from mongoglot.grammar.literals import (
    MAX_FILTER_DEPTH,
    check_name,
    check_whole,
    is_operator_document,
    is_truthy,
    literal,
    too_deep,
    under,
)
from mongoglot.grammar.operators import LITERAL_FIELDS, OPERATORS, TOP_LEVEL, Dialect, Form, Operators
from mongoglot.grammar.token_kinds import CLOSE, COMMENT, NOT, OPEN, REGEX, Shape

_OTHER: Final[tuple[Form, str]] = ("OTHER", "")
_NO_SIBLINGS: Final[Mapping[str, Any]] = {}


class Tokeniser(LiteralReader):
    """The walk over one filter."""

    __slots__ = ("nested", "operators", "schemas")

    def __init__(self, dialect: Dialect, *, schemas: bool = True) -> None:
        self.operators: Operators = OPERATORS[dialect]
        self.tokens = []
        self.values = []
        self.nested = 0  # how many $elemMatch enclose what is read
        self.schemas = schemas

    def read_filter(self, document: Mapping[str, Any], depth: int) -> None:
        """Read a filter document; `depth` counts the levels that enclose it."""
        if depth >= MAX_FILTER_DEPTH:
            raise too_deep()
        emit = self.tokens.append
        emit(OPEN)
        for key, operand in document.items():
            if key.__class__ is not str or not key.isascii() or "\0" in key:
                check_name(key)
            if key[:1] == "$" and key not in LITERAL_FIELDS:
                form = self.operators.get(key, _OTHER)[0]
                if form == "LOGICAL":
                    emit(("LOGICAL", key))
                    self.read_filters(key, operand, depth + 1)
                    emit(CLOSE)
                elif key in TOP_LEVEL:
                    self.read_operator(key, operand, "", depth)
                else:
                    emit((form, key))  # which stands nowhere at the top: the grammar will say so
                continue
            kind = plain_class(operand)
            if kind is not None:  # most conditions: nothing in them can be wrong
                self.values.append(operand)
                emit(("EQUALS", key, kind))
            elif key in LITERAL_FIELDS or not is_operator_document(operand):
                try:
                    kind = self.read_literal(operand, depth)
                    if kind == "regex" and key not in LITERAL_FIELDS:
                        self.values[-1] = regexes.pattern_of(self.values[-1])
                except FilterError as error:
                    emit(("EQUALS", key, "invalid"))
                    raise under(key, error) from None
                if kind == "regex" and key not in LITERAL_FIELDS:
                    emit(("IMPLICIT_REGEX", key))
                else:
                    emit(("EQUALS", key, kind))
            else:
                emit(("FIELD", key))
                try:
                    self.read_operators(operand, key, depth + 1)
                except FilterError as error:
                    raise under(key, error) from None
                emit(CLOSE)
        emit(CLOSE)

    def read_filters(self, name: str, operand: Any, depth: int) -> None:
        """Read the list of filters under `$and`, `$or` or `$nor`."""
        if not is_array(operand):
            hint = f"write {{{name}: [{{…}}, {{…}}]}}"
            raise FilterError(2, f"{name} must be an array", path=name, hint=hint)
        if not operand:
            hint = f"write {{{name}: [{{…}}, …]}}, or leave {name} out"
            raise FilterError(2, "$and/$or/$nor must be a nonempty array", path=name, hint=hint)
        if depth >= MAX_FILTER_DEPTH:
            raise too_deep()
        for index, item in enumerate(operand):
            try:
                if item.__class__ is not dict:
                    if isinstance(item, DBRef):
                        item = item.as_doc()
                    if not isinstance(item, Mapping):
                        hint = f"write {{{name}: [{{field: value}}, …]}}"
                        raise FilterError(2, "$or/$and/$nor entries need to be full objects", hint=hint)
                self.read_filter(item, depth + 1)
            except FilterError as error:
                raise under(f"{name}[{index}]", error) from None

    def read_operators(self, document: Mapping[str, Any], field: str, depth: int) -> None:
        """Read the operators of one field, as they stand in an operator document."""
        if depth >= MAX_FILTER_DEPTH:
            raise too_deep()
        for key, operand in document.items():
            form, name = self.operators.get(key, _OTHER)
            if form == "COMPARE" and (kind := plain_class(operand)) is not None:  # nothing in it can be wrong
                self.values.append(operand)
                self.tokens.append((form, name, kind))
            elif form == "NEAR" and key == next(iter(document)):
                self.read_near(document, depth)
                return
            else:
                self.read_operator(key, operand, field, depth, document)

    def read_operator(
        self, key: str, operand: Any, field: str, depth: int, siblings: Mapping[str, Any] = _NO_SIBLINGS
    ) -> None:
        """Read one operator; where it is out of place, the grammar says so when it meets the token.

        Args:
            key: the operator.
            operand: what is written after it.
            field: that it stands under.
            depth: how many levels enclose the operand.
            siblings: the document that it is part of.
        """
        emit = self.tokens.append
        form, name = self.operators.get(key, _OTHER)
        if form == "OTHER":
            check_name(key)
        try:
            match form:
                case "COMPARE":
                    kind = self.read_literal(operand, depth)
                    if kind == "regex" and name != "$eq":
                        raise _regex_operand(name, field)
                    emit((form, name, kind))
                case "LIST":
                    self.read_list(name, operand, depth)
                case "EXISTS":
                    truth = is_truthy(operand)
                    emit((form, name, truth, "string") if isinstance(operand, str) else (form, name, truth))
                    self.check(operand, depth)
                case "GLOB":
                    kind = self.read_literal(operand, depth)
                    if kind != "string":
                        raise FilterError(2, "$glob has to be a string", hint="write {$glob: 'job-*'}")
                    emit((form, name, kind, structural.is_plain_glob(operand)))
                case "NOT":
                    self.read_negation(operand, field, depth)
                case "TYPE":
                    emit((form, name, structural.types_of(operand, field)))
                case "MOD":
                    emit((form, name, *structural.divisor_and_remainder(operand)))
                case "SIZE":
                    emit((form, name, structural.size_of(operand)))
                case "BITS":
                    emit((form, name, structural.bits_of(name, operand, field)))
                case "ALL":
                    self.read_all(operand, depth)
                case "MATCH":
                    self.read_match(operand, depth)
                case "REGEX":
                    if key == "$regex" or "$regex" not in siblings:  # both are read where $regex stands
                        self.values.append(regexes.read_pair(siblings))
                        emit(REGEX)
                case "GEO":
                    server_only.check_geometry(name, siblings)
                    emit((form, name, self.read_literal(operand, depth)))
                case "NEAR":
                    raise server_only.near_is_not_first(siblings)
                case "SERVER" | "SAMPLE" | "EXPR" if self.nested:
                    emit(("NESTED", key))
                case "SERVER":
                    server_only.check_operand(name, operand)
                    emit((form, name, self.read_literal(operand, depth)))
                case "SAMPLE":
                    rate = structural.rate_of(operand)
                    self.values.append(rate)
                    emit((form, name, {0.0: "none", 1.0: "all"}.get(rate, "some")))
                case "EXPR":
                    from mongoglot.compiler.expression_ast import ExpressionOperand
                    from mongoglot.grammar.expressions import parse_expression  # loads all operators

                    written = literal(operand, depth)
                    expression, literals = parse_expression(written)
                    self.values.append(ExpressionOperand(written, literals))
                    emit((form, name, expression))
                case "SCHEMA":
                    if not self.schemas and not field:
                        raise FilterError(224, f"{name} is not allowed in this context")
                    from mongoglot.grammar import schemas  # loads the keywords

                    words, value = schemas.read_schema(operand, depth)
                    self.values.append(value)
                    emit((form, name, words))
                case "COMMENT":
                    self.check(operand, depth)
                    emit(COMMENT)
                case "CONSTANT":
                    structural.check_constant(name, operand)
                    emit((form, name))
                case "LATER_TOP":
                    emit((form if not self.nested else "NESTED", key))
                case "LOGICAL" | "LATER" | "OTHER":
                    emit((form, key))
                case _:
                    assert_never(form)
        except FilterError as error:
            if form not in ("NOT", "ALL", "MATCH"):  # whose own tokens stand already
                self.tokens.append(("GEO" if form == "NEAR" else form, key, "invalid"))
            raise under(key, error) from None

    def read_negation(self, operand: Any, field: str, depth: int) -> None:
        """Read the operand of `$not`: every key of it is an operator."""
        self.tokens.append(NOT)
        if isinstance(operand, DBRef):
            operand = operand.as_doc()
        if not isinstance(operand, Mapping):
            if value_class(operand) == "regex":
                self.read_literal(operand, depth)
                self.values[-1] = regexes.pattern_of(self.values[-1])
                self.tokens += [REGEX, CLOSE]
                return
            raise FilterError(2, "$not needs a regex or a document", hint="write {field: {$ne: value}}")
        if not operand:
            raise FilterError(2, "$not cannot be empty", hint="write {$not: {$gt: value}}")
        self.read_operators(operand, field, depth + 1)
        self.tokens.append(CLOSE)

    def read_all(self, operand: Any, depth: int) -> None:
        """Read the members of `$all`: literals, or a `$elemMatch` each (semantics 3.7)."""
        emit = self.tokens.append
        emit(("ALL", "$all"))
        if not is_array(operand):
            raise FilterError(2, "$all needs an array", hint="write {$all: [value, …]}")
        if depth + 1 >= MAX_FILTER_DEPTH and operand:
            raise too_deep()
        matches = bool(operand) and _first_name(operand[0]) == "$elemMatch"
        for index, item in enumerate(operand):
            first = _first_name(item)
            try:
                if matches:
                    if first != "$elemMatch":
                        hint = "its members are all values, or all {$elemMatch: {…}}"
                        raise FilterError(2, "$all/$elemMatch has to be consistent", hint=hint)
                    self.read_match(item["$elemMatch"], depth + 2)
                elif first not in TOP_LEVEL and first != "$not" and first in self.operators:
                    hint = "write {$all: [{$elemMatch: {…}}, …]}"
                    raise FilterError(2, "no $ expressions in $all", hint=hint)
                else:
                    kind = self.read_literal(item, depth + 1)
                    if kind == "regex":
                        self.values[-1] = regexes.pattern_of(self.values[-1])
                        emit(REGEX)
                    else:
                        emit(("LITERAL", "$all", kind))
            except FilterError as error:
                raise under(f"[{index}]", error) from None
        emit(CLOSE)

    def read_match(self, operand: Any, depth: int) -> None:
        """Read the operand of `$elemMatch`: operators for an element, or a filter of it (semantics 3.7)."""
        by_value = isinstance(operand, Mapping) and structural.is_match_of_values(operand, TOP_LEVEL)
        self.tokens.append(("MATCH_VALUE" if by_value else "MATCH", "$elemMatch"))
        if isinstance(operand, DBRef):
            operand = operand.as_doc()
        if not isinstance(operand, Mapping):
            raise FilterError(2, "$elemMatch needs an Object", hint="write {$elemMatch: {field: value, …}}")
        self.nested += 1
        if by_value:
            self.read_operators(operand, "", depth + 1)
            self.tokens.append(CLOSE)
        else:
            self.read_filter(operand, depth + 1)
        self.nested -= 1

    def read_near(self, document: Mapping[str, Any], depth: int) -> None:
        """Read `$near` or one of its kin, whose document has the other operators for its options."""
        key = next(iter(document))
        try:
            server_only.check_near(document)
            self.tokens.append(("GEO", key, self.read_literal(document, depth)))
        except FilterError as error:
            self.tokens.append(("GEO", key, "invalid"))
            raise under(key, error) from None


def tokenise(
    document: Mapping[str, Any], dialect: Dialect = "mongodb", *, schemas: bool = True
) -> tuple[Shape, list[Any]]:
    """The tokens and the values of a filter.

    Args:
        document: the filter.
        dialect: that it is written in.
        schemas: whether it may hold a `$jsonSchema`; the filter of a projection may not.

    Raises:
        FilterError: what the server would say first of this filter, with its path and a hint.
    """
    reader = Tokeniser(dialect, schemas=schemas)
    try:
        reader.read_filter(document, 0)
    except (FilterError, EncodingError):
        from mongoglot.grammar.parser import parse_prefix  # loads Lark

        check_whole(document)
        parse_prefix(tuple(reader.tokens), dialect)
        raise
    return tuple(reader.tokens), reader.values


def _first_name(item: Any) -> str:
    """The first field of a document, or nothing."""
    return str(next(iter(item), "")) if isinstance(item, Mapping) else ""


def _regex_operand(name: str, field: str) -> FilterError:
    if name == "$ne":
        hint = "write {field: {$not: /pattern/}}"
        return FilterError(2, "Can't have regex as arg to $ne.", hint=hint)
    hint = "a regular expression has no order; write {field: /pattern/}"
    return FilterError(2, f"Can't have RegEx as arg to predicate over field '{field}'.", hint=hint)
