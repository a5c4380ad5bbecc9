"""From a `$jsonSchema` to its words and literals: every check, in the server's order (semantics 3.10).

The walk over a schema is a generator that hands out the schemas below it, so that nesting costs no stack.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias, final

from mongoglot.compiler.rendering import type_name
from mongoglot.compiler.schema_ast import (
    AdditionalItems,
    Combination,
    DependsOnNames,
    DependsOnSchema,
    Enum,
    Items,
    ItemsInOrder,
    OtherProperties,
    Properties,
    Required,
    Schema,
    SchemaValue,
    Words,
)
from mongoglot.errors import FilterError
from mongoglot.grammar import schema_operands as operands
from mongoglot.grammar.literals import literal
from mongoglot.grammar.schema_keywords import check_encryption, check_keywords
from mongoglot.grammar.schema_types import types_in
from mongoglot.grammar.schema_words import Document, SchemaWriter, Steps, at


def read_schema(operand: Any, depth: int) -> tuple[Words, SchemaValue]:
    """The words of a schema, and its value.

    Args:
        operand: of `$jsonSchema`.
        depth: how many levels enclose it.

    Raises:
        FilterError: what the server would say first of this schema, with the path in it and a hint.
    """
    written = literal(operand, depth)
    if not isinstance(written, dict):
        raise FilterError(14, "$jsonSchema must be an object", hint="write {$jsonSchema: {properties: {…}}}")
    reader = _Reader()
    reader.read(written)
    return tuple(reader.words), SchemaValue(written, tuple(reader.literals))


@final
class _Reader(SchemaWriter):
    """The walk over one schema."""

    def read(self, document: Document) -> None:
        """Read a schema and all below it."""
        walks = [self.schema(document, True)]
        error: FilterError | None = None
        while walks:
            try:
                below = next(walks[-1]) if error is None else walks[-1].throw(error)
            except StopIteration:
                walks.pop()
            except FilterError as raised:
                walks.pop()
                error = raised
            else:
                walks.append(self.schema(*below))
        if error is not None:
            raise error

    def schema(self, document: Document, whole: bool) -> Steps:
        """Read one schema, keyword by keyword in the server's order.

        Args:
            document: the schema.
            whole: whether it is about a document and no value in it: what is about other types says nothing then.
        """
        since = self.height
        check_keywords(document)
        types = types_in(document)
        for keyword in _SIMPLE:
            self.simple(keyword, document, whole)
        for name, read in _ITEMS.items():
            if name in document:
                yield from read(self, document, whole)
        check_encryption(document)
        for keywords, read in _NESTED:
            if any(keyword in document for keyword in keywords):
                yield from read(self, document, whole)
        self.enum(document, whole)
        self.emit(Schema, types, since=since)

    def simple(self, keyword: str, document: Document, whole: bool) -> None:
        """Read a keyword of strings, numbers or arrays that holds no schema."""
        try:
            found = operands.simple(keyword, document, whole)
        except FilterError as error:
            error.path = error.path or keyword
            raise
        if found is None or whole:
            return
        kind, *arguments = found
        if kind in operands.WITH_LITERAL:
            arguments[-1] = self.literal(arguments[-1])
        self.emit(kind, *arguments)

    def items(self, document: Document, whole: bool) -> Steps:
        """`items`: a schema or a list of them."""
        items = document["items"]
        read = self.items_in_order(items) if isinstance(items, list) else self.all_items(items)
        yield from self.forgetting(read) if whole else read

    def all_items(self, items: Any) -> Steps:
        """`items: {…}`."""
        since = self.height
        with at("items"):
            if not isinstance(items, dict):
                reason = f"$jsonSchema keyword 'items' must be an array or an object, not {type_name(items)}"
                raise FilterError(14, reason)
            yield items, False
        self.emit(Items, since=since)

    def items_in_order(self, items: list[Any]) -> Steps:
        """`items: [{…}, {…}]`."""
        since = self.height
        for index, item in enumerate(items):
            with at(f"items[{index}]"):
                if not isinstance(item, dict):
                    reason = "requires that each element of the array is an object, but found a"
                    raise FilterError(14, f"$jsonSchema keyword 'items' {reason} {type_name(item)}")
                yield item, False
        self.emit(ItemsInOrder, since=since)

    def additional_items(self, document: Document, whole: bool) -> Steps:
        """`additionalItems`, which says something beside a list of `items` only."""
        operand, items = document["additionalItems"], document.get("items")
        read = self.items_from(operand, len(items) if isinstance(items, list) else 0)
        yield from read if isinstance(items, list) and not whole else self.forgetting(read)

    def items_from(self, operand: Any, start: int) -> Steps:
        """`additionalItems`, for what comes behind the first elements."""
        since = self.height
        with at("additionalItems"):
            if isinstance(operand, dict):
                yield operand, False
            elif not isinstance(operand, bool):
                reason = "must be either an object or a boolean, but got a"
                raise FilterError(14, f"$jsonSchema keyword 'additionalItems' {reason} {type_name(operand)}")
        if operand is not True:
            self.emit(AdditionalItems, start, since=since)

    def required(self, document: Document, _whole: bool) -> Steps:
        """`required: ['a', 'b']`."""
        with at("required"):
            self.emit(Required, operands.required_names(document["required"]))
        yield from ()

    def properties(self, document: Document, _whole: bool) -> Steps:
        """`properties: {a: {…}}`; the server takes a property without a name for the document as a whole."""
        since = self.height
        with at("properties"):
            properties = operands.document("properties", document["properties"])
            for name, below in properties.items():
                with at(name):
                    if not isinstance(below, dict):
                        reason = f"Nested schema for $jsonSchema property '{name}' must be an object"
                        raise FilterError(14, reason)
                    yield below, name == ""
        required = frozenset(properties.keys() & document.get("required", ()))
        self.emit(Properties, tuple(properties), required, since=since)

    def other_properties(self, document: Document, _whole: bool) -> Steps:
        """`patternProperties` with `additionalProperties`; the patterns are compiled last."""
        since = self.height
        patterns = document.get("patternProperties", {})
        with at("patternProperties"):
            operands.document("patternProperties", patterns)
            for name, below in patterns.items():
                with at(name):
                    if not isinstance(below, dict):
                        reason = f"has property '{name}' which is not an object"
                        raise FilterError(14, f"$jsonSchema keyword 'patternProperties' {reason}")
                    yield below, False
        others = document.get("additionalProperties", True)
        with at("additionalProperties"):
            if isinstance(others, dict):
                yield others, False
            elif not isinstance(others, bool):
                reason = "$jsonSchema keyword 'additionalProperties' must be an object or a boolean"
                raise FilterError(14, reason)
        with at("patternProperties"):
            compiled = tuple(self.literal(operands.name_pattern(name)) for name in patterns)
        names = frozenset(document.get("properties", ()))
        word = "described" if isinstance(others, dict) else "allowed" if others else "refused"
        self.emit(OtherProperties, names, compiled, word, since=since)

    def limited_properties(self, document: Document, _whole: bool) -> Steps:
        """`minProperties` and `maxProperties`."""
        for keyword in ("minProperties", "maxProperties"):
            with at(keyword):
                found = operands.limit(keyword, document)
            if found is not None:
                self.emit(*found)
        yield from ()

    def dependencies(self, document: Document, whole: bool) -> Steps:
        """`dependencies: {a: ['b'], b: {…}}`."""
        with at("dependencies"):
            for name, below in operands.document("dependencies", document["dependencies"]).items():
                since = self.height
                with at(name):
                    if isinstance(below, dict):
                        yield below, whole
                        self.emit(DependsOnSchema, name, since=since)
                    else:
                        self.emit(DependsOnNames, name, operands.dependent_names(name, below))

    def combination(self, keyword: str, document: Document, whole: bool) -> Steps:
        """`allOf`, `anyOf`, `oneOf`."""
        since = self.height
        with at(keyword):
            members = operands.members(keyword, document[keyword])
            for index, below in enumerate(members):
                with at(f"[{index}]"):
                    if not isinstance(below, dict):
                        reason = "must be an array of objects, but found an element of type"
                        raise FilterError(14, f"$jsonSchema keyword '{keyword}' {reason} {type_name(below)}")
                    yield below, whole
        self.emit(Combination, keyword, since=since)

    def negation(self, document: Document, whole: bool) -> Steps:
        """`not: {…}`."""
        since, below = self.height, document["not"]
        with at("not"):
            if not isinstance(below, dict):
                reason = "must be an object, but found an element of type"
                raise FilterError(14, f"$jsonSchema keyword 'not' {reason} {type_name(below)}")
            yield below, whole
        self.emit(Combination, "not", since=since)

    def enum(self, document: Document, whole: bool) -> None:
        """`enum: [1, null]`; of a document as a whole, only the members that are objects count."""
        if "enum" in document:
            with at("enum"):
                members = operands.enum_members(document["enum"])
            kept = [member for member in members if isinstance(member, dict)] if whole else members
            self.emit(Enum, self.literal(kept))


_Read: TypeAlias = Callable[[_Reader, Document, bool], Steps]

_SIMPLE: Final = (
    "pattern", "maxLength", "minLength", "multipleOf", "maximum", "minimum", "minItems", "maxItems", "uniqueItems",
)  # fmt: skip

_ITEMS: Final[dict[str, _Read]] = {
    "items": _Reader.items,
    "additionalItems": _Reader.additional_items,
}


def _combining(keyword: str) -> _Read:
    return lambda reader, document, whole: reader.combination(keyword, document, whole)


_NESTED: Final[tuple[tuple[tuple[str, ...], _Read], ...]] = (
    (("required",), _Reader.required),
    (("properties",), _Reader.properties),
    (("patternProperties", "additionalProperties"), _Reader.other_properties),
    (("minProperties", "maxProperties"), _Reader.limited_properties),
    (("dependencies",), _Reader.dependencies),
    (("allOf",), _combining("allOf")),
    (("anyOf",), _combining("anyOf")),
    (("oneOf",), _combining("oneOf")),
    (("not",), _Reader.negation),
)
"""In the server's order."""
