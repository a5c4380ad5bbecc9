"""Schemas as functions of a document: what the server makes of each keyword (semantics 3.10).

The server reads a schema as predicates at paths, and so does this module: a property 'a.b' is the path `a.b`,
with arrays on the way. A test that is decided when the schema is bound is `always` or `never`.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final, TypeAlias, assert_never

from mongoglot.compiler.ast import Path
from mongoglot.compiler.regex import searcher
from mongoglot.compiler.schema_ast import (
    AdditionalItems,
    Bound,
    Combination,
    DependsOnNames,
    DependsOnSchema,
    Enum,
    Items,
    ItemsInOrder,
    Keyword,
    Limit,
    MultipleOf,
    OtherProperties,
    Pattern,
    Properties,
    Required,
    Schema,
    SchemaValue,
    Types,
    UniqueItems,
)
from mongoglot.compiler.values import (
    MISSING,
    SortKey,
    as_mapping,
    is_array,
    is_document,
    is_nan,
    unordered_key,
    value_class,
)
from mongoglot.compiler.walk import elements
from mongoglot.engines.python.combining import (
    Test,
    all_of,
    always,
    each_item,
    negation,
    never,
    one_of,
    some_of,
)
from mongoglot.engines.python.elements import multiple_test, type_test
from mongoglot.engines.python.operands import comparison_test, regex_test
from mongoglot.errors import FilterError

Place: TypeAlias = Path | None
"""Where a schema looks: a path in a document, the document itself `()`, or None: the value it is given."""

_NUMBERS: Final = frozenset({1, 16, 18, 19})
_STRING: Final = frozenset({2})
_OBJECT: Final = frozenset({3})
_ARRAY: Final = frozenset({4})


def schema_test(schema: Schema, value: SchemaValue) -> Test:
    """Whether a document is as the schema says.

    Args:
        schema: the tree.
        value: of the query, with the operands.

    Raises:
        FilterError: the schema nests deeper than the caller's stack allows (code 15), also when it is called.
    """
    try:
        test = _Builder(value.literals).schema(schema, ())
    except RecursionError:
        raise _too_deep() from None

    def holds(document: Any) -> bool:
        try:
            return test(document)
        except RecursionError:
            raise _too_deep() from None

    return holds


def _too_deep() -> FilterError:
    """The error where the caller has left too little of Python's stack."""
    return FilterError(15, "the schema nests deeper than this process can follow")


def _at(place: Place, test: Test, *, expand: bool = False) -> Test:
    """Whether some element that the place yields passes; only a path without a schema's test sees into arrays."""
    if test is never or place is None:
        return test
    if len(place) == 1 and not expand:
        (name,) = place
        return lambda document: test(document.get(name, MISSING))

    def holds(document: Any) -> bool:
        for element in elements(document, place, expand=expand):  # noqa: SIM110 - schemas nest, and this is a frame less
            if test(element):
                return True
        return False

    return holds


def _of_object(test: Test) -> Test:
    return lambda value: value is not MISSING and is_document(value) and test(as_mapping(value))


def _of_array(test: Test) -> Test:
    return lambda value: is_array(value) and test(value)


def _exists(name: str) -> Test:
    return _at(tuple(name.split(".")), lambda element: element is not MISSING)


class _Builder:
    """Makes the tests of one schema, whose operands it has."""

    def __init__(self, literals: tuple[Any, ...]) -> None:
        self.literals = literals

    def schema(self, schema: Schema, place: Place) -> Test:
        """The test of a schema at a place."""
        tests = []
        for keyword in schema.children:  # a comprehension would be a frame more, and schemas nest
            tests.append(self.keyword(keyword, place, schema.types))  # noqa: PERF401 - as schemas nest, a frame less
        if schema.types is not None:
            if place != ():
                tests.append(_at(place, type_test(schema.types.codes)))
            elif not schema.types.codes & _OBJECT:
                return never
        return all_of(tests)

    def keyword(self, keyword: Keyword, place: Place, types: Types | None) -> Test:
        """The test of a keyword at a place, beside the types of its schema."""
        of_object = partial(self.object, place, types)
        restricted = partial(self.restricted, place, types)
        match keyword:
            case Limit(name, count):
                return self.limit(name, count, place, types)
            case Bound(op, operand):
                return restricted(_NUMBERS, self.bound(op, self.literals[operand]), expand=True)
            case MultipleOf(operand):
                return restricted(_NUMBERS, multiple_test(self.literals[operand]))
            case Pattern(operand):
                return restricted(_STRING, regex_test(self.literals[operand]), expand=True)
            case UniqueItems():
                return restricted(_ARRAY, _of_array(_is_unique))
            case Items((child,)):
                return restricted(_ARRAY, _of_array(each_item(self.schema(child, None))))
            case ItemsInOrder(children):
                tests = [_item(index, self.schema(child, None)) for index, child in enumerate(children)]
                return self.restriction(place, types, _ARRAY, all_of([_at(place, test) for test in tests]))
            case AdditionalItems(start, children):
                item = self.schema(children[0], None) if children else never
                return restricted(_ARRAY, _of_array(each_item(item, start)))
            case Required(names):
                return of_object(all_of([_exists(name) for name in names]))
            case Properties(names, required, children):
                pairs = zip(names, children, strict=True)
                return of_object(all_of([self.property(*pair, pair[0] in required) for pair in pairs]))
            case OtherProperties():
                return of_object(self.other_properties(keyword))
            case DependsOnNames(name, names):
                there = [self.field_of(place, other) for other in names]
                return some_of([negation(self.field_of(place, name)), all_of(there)])
            case DependsOnSchema(name, (child,)):
                return some_of([negation(self.field_of(place, name)), self.schema(child, place)])
            case Combination(_, children):
                return self.combination(keyword, [self.schema(child, place) for child in children])
            case Enum(operand):
                keys = {unordered_key(member) for member in self.literals[operand]}
                if not keys:
                    return never
                equal = partial(_is_among, keys)
                return equal if place == () else _at(place, equal)
            case Items() | DependsOnSchema():
                raise AssertionError(keyword)  # they have one schema
            case _:
                assert_never(keyword)

    def restriction(self, place: Place, types: Types | None, about: frozenset[int], test: Test) -> Test:
        """A keyword about one type says nothing of others; where the schema has one type, only that counts."""
        if types is not None and types.single:
            return test if types.codes & about else always
        return some_of([negation(_at(place, type_test(about))), test])

    def restricted(
        self, place: Place, types: Types | None, about: frozenset[int], test: Test, *, expand: bool = False
    ) -> Test:
        """The same for a test of the value."""
        return self.restriction(place, types, about, _at(place, test, expand=expand))

    def object(self, place: Place, types: Types | None, test: Test) -> Test:
        """A test of an object, which the document as a whole is anyway."""
        return test if place == () else self.restricted(place, types, _OBJECT, _of_object(test))

    def field_of(self, place: Place, name: str) -> Test:
        """Whether a field is in the object at a place."""
        return _exists(name) if place == () else _at(place, _of_object(_exists(name)))

    def limit(self, keyword: str, count: int, place: Place, types: Types | None) -> Test:
        """The test of a length."""
        enough: Test = (
            (lambda value: len(value) >= count)
            if keyword.startswith("min")
            else (lambda value: len(value) <= count)
        )
        match keyword[3:]:
            case "Properties":
                return self.object(place, types, enough)
            case "Items":
                return self.restricted(place, types, _ARRAY, _of_array(enough))
            case _:
                return self.restricted(place, types, _STRING, partial(_is_string, enough))

    def bound(self, op: str, operand: Any) -> Test:
        """The test of a bound; NaN is in no order, it is only itself."""
        kind = value_class(operand)
        match op:
            case "$gt" | "$lt" if is_nan(operand):
                return never
            case "$gte" | "$lte" if is_nan(operand):
                return comparison_test("$eq", kind, operand)
            case "$gt" | "$lt" | "$gte" | "$lte":
                return comparison_test(op, kind, operand)
            case _:
                raise AssertionError(op)

    def property(self, name: str, schema: Schema, required: bool) -> Test:
        """The test of a property of an object; the server takes one without a name for the object itself."""
        test = self.schema(schema, tuple(name.split(".")) if name else ())
        return test if required else some_of([negation(_exists(name)), test])

    def other_properties(self, keyword: OtherProperties) -> Test:
        """The test of an object by `patternProperties` and `additionalProperties`."""
        tests = []
        for child in keyword.children:
            tests.append(self.schema(child, None))  # noqa: PERF401 - as schemas nest, a frame less
        rest = (
            tests[-1] if keyword.others == "described" else never if keyword.others == "refused" else always
        )
        searches = [searcher(self.literals[operand]) for operand in keyword.patterns]
        described = list(zip(searches, tests, strict=False))
        names = keyword.names

        def holds(document: Any) -> bool:
            for name, value in document.items():
                other = name not in names
                for search, test in described:
                    if search(name):
                        other = False
                        if not test(value):
                            return False
                if other and not rest(value):
                    return False
            return True

        return holds if described or rest is not always else always

    def combination(self, keyword: Combination, tests: list[Test]) -> Test:
        """The test of several schemas about the same."""
        match keyword.keyword:
            case "allOf":
                return all_of(tests)
            case "anyOf":
                return some_of(tests)
            case "oneOf":
                return one_of(tests)
            case "not":
                return negation(tests[0])
            case word:
                assert_never(word)


def _item(index: int, test: Test) -> Test:
    """Whether the element of an array at an index passes, if there is one."""
    return lambda value: is_array(value) and (index >= len(value) or test(value[index]))


def _is_string(enough: Test, value: Any) -> bool:
    return value is not MISSING and value_class(value) == "string" and enough(value)


def _is_among(keys: set[SortKey], value: Any) -> bool:
    return value is not MISSING and unordered_key(value) in keys


def _is_unique(value: Any) -> bool:
    return len({unordered_key(item) for item in value}) == len(value)
