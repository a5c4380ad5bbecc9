"""Tables of PostgreSQL that mongoglot did not make: what SQL says of jsonb and of text in them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from typing import Any, Final, final

from mongoglot.compiler.ast import Compare, ElemMatch, Glob, In, Leaf, ListSlot, Path, RegexMatch
from mongoglot.compiler.lowering import Superset
from mongoglot.compiler.plan import BoundPlan
from mongoglot.compiler.trees import leaves
from mongoglot.compiler.values import ValueClass, value_class
from mongoglot.compiler.walk import array_index
from mongoglot.engines.postgresql.condition import Condition as PathCondition
from mongoglot.engines.postgresql.documents import on_document, tested
from mongoglot.engines.postgresql.encoding import field_name
from mongoglot.engines.postgresql.paths import Reading, readings
from mongoglot.engines.postgresql.plain import test_of_plain
from mongoglot.engines.postgresql.predicates import Test
from mongoglot.engines.postgresql.prefixes import plain_glob_prefix, regex_prefix, text_after
from mongoglot.engines.sql import nodes as sql
from mongoglot.engines.sql.condition import Condition, Parameters
from mongoglot.engines.sql.lowering import TypedLowering
from mongoglot.engines.sql.lowering import to_sql as to_typed_sql
from mongoglot.engines.sql.nested import Found
from mongoglot.engines.sql.nodes import Expression
from mongoglot.engines.sql.numbers import exact
from mongoglot.engines.sql.statement import Sql
from mongoglot.engines.sql.table import Column, Table
from mongoglot.engines.sql.typed import read

_ROOT: Final = "v"
"""The field in which a column stands, as paths begin at an object."""

_VALUE: Final = "mongoglot value"

_MAX_FORMS: Final = 4
"""Components of a path; with arrays on the way there are 2 to that power of forms to look for."""

_CONTAINED: Final = frozenset[ValueClass]({"string", "bool"})
_NUMBERS: Final = frozenset[ValueClass]({"int", "double", "decimal"})


def to_sql(query: BoundPlan, table: Table | None) -> Sql:
    """The query as a condition on the rows of a table; see `engines.sql.lowering.to_sql`."""
    return to_typed_sql(query, "postgresql", table, PostgresqlTypedLowering)


@final
@dataclass(frozen=True, slots=True)
class PostgresqlTypedLowering(TypedLowering):
    """The lowering for one table."""

    def on_pattern(self, leaf: Glob | RegexMatch, column: Column) -> Found:
        """The texts that begin as a match has to; the pattern is tried on them here."""
        label = f"prefix{leaf.operand.index}"
        prefix_of: Any = plain_glob_prefix if isinstance(leaf, Glob) else regex_prefix
        value = read(sql.name(column.name), column)
        if column.collation == "other":  # such a one may not know what a beginning is
            value = sql.collate(value, "C")
        prefix = sql.cast(sql.parameter(label), "text")
        parameters: Parameters = {label: (leaf.operand.index, prefix_of)}
        if column.collation != "bytes" or column.as_text:
            return Superset(Condition(sql.call("starts_with", value, prefix), parameters, nullable=True))
        # PostgreSQL finds beginnings in an index of the order C alone, but a range in every one of bytes
        label += "_end"
        parameters[label] = (leaf.operand.index, lambda pattern: text_after(prefix_of(pattern)))
        end = sql.cast(sql.parameter(label), "text")
        below = sql.some_of([sql.is_null(end), sql.compare("$lt", value, end)])
        tree = sql.all_of([sql.compare("$gte", value, prefix), below])
        return Superset(Condition(tree, parameters, nullable=True))

    def on_json(self, leaf: Leaf, column: Column, value: Expression, rest: Path) -> Found:
        """A predicate on a column of jsonb; what is `json` may hold what jsonb cannot."""
        if (
            column.affinity == "text"
            or column.encoding not in ("plain", "milliseconds")
            or not _are_plain(leaf)
        ):
            return None
        path = (_ROOT, *rest)
        document = sql.call("jsonb_build_object", sql.string(_ROOT), value)
        match leaf:
            case Compare(_, "$eq", operand) if operand.kind in _CONTAINED and _has_forms(rest):
                bind = partial(_forms, rest)
                return _contains(value, f"c{operand.index}", operand.index, lambda item: bind([item]))
            case In(_, operand, ()):
                return self._membership(operand, path, value, document)
            case _:
                found = on_document(_at(leaf, path), tests=test_of_plain)
                if isinstance(found, Superset):
                    return Superset(_in_sql(found.code, document))
                return None if found is None else _in_sql(found, document)

    def _membership(self, operand: ListSlot, path: Path, value: Expression, document: Expression) -> Found:
        """`$in` (semantics 3.1): the members are hashed, so their number does not matter."""
        found = readings(path)
        if found is None or operand.kinds & {"object", "array"}:
            return None
        rest = path[1:]
        numbers = bool(operand.kinds & _NUMBERS)
        code: Condition | None = _some_member(operand, found, document, numbers=numbers)
        assert code is not None  # noqa: S101 - it was just made
        if "null" in operand.kinds:
            code = self.disjunction([code, _in_sql(tested(_NULL, found), document)])
        elif not numbers and _has_forms(rest):  # what an index on the whole column finds
            label = f"c{operand.index}"
            forms = _contains(value, label, operand, partial(_forms_of_few, rest))
            unasked = sql.is_null(sql.cast(sql.parameter(label), "jsonb[]"))
            code = self.conjunction([code, replace(forms, tree=sql.some_of([unasked, forms.tree]))])
        return Superset(code) if numbers and code is not None else code


_NULL: Final = Test(lambda value: f'{value}.type() == "null"', missing=True)


def _are_plain(leaf: Leaf) -> bool:
    """Whether names stand in jsonb as they are, and can stand there at all."""
    inner = leaves(leaf.child) if isinstance(leaf, ElemMatch) else ()
    return all(field_name(part) == part for part in leaf.path) and all(map(_are_plain, inner))


def _at(leaf: Any, path: Path) -> Any:
    """The predicate at another path."""
    return replace(leaf, path=path)


# ---- paths -------------------------------------------------------------------------------------------


def _in_sql(part: PathCondition, document: Expression) -> Condition:
    """A path condition, asked of a document; the variables of one operand are bound as one JSON object."""
    parameters: Parameters = {}
    path = _path(f"$ ? ({part.path})", parameters)
    sources: dict[int | ListSlot | None, dict[str, Any]] = {}
    for label, (source, binder) in part.variables.items():
        sources.setdefault(source, {})[label] = binder
    variables: Expression | None = None
    for source, binders in sources.items():
        label = "v" + "_".join(sorted(binders))
        parameters[label] = (source, partial(_variables, binders))
        one = sql.cast(sql.parameter(label), "jsonb")
        variables = one if variables is None else sql.concat(variables, one)
    known = variables if variables is not None else sql.cast(sql.string("{}"), "jsonb")
    return Condition(sql.call("jsonb_path_exists", document, path, known, sql.truth(True)), parameters)


def _variables(binders: dict[str, Any], operand: Any) -> str:
    return "{" + ",".join(f'"{label}":{binder(operand)}' for label, binder in binders.items()) + "}"


def _path(text: str, parameters: Parameters) -> Expression:
    """A path as a parameter: names of fields are never text of SQL."""
    label = "path_" + hashlib.sha256(text.encode()).hexdigest()[:16]
    parameters[label] = (None, lambda _: text)
    return sql.cast(sql.parameter(label), "jsonpath")


# ---- lists -------------------------------------------------------------------------------------------


def _some_member(
    operand: ListSlot, found: Sequence[Reading], document: Expression, *, numbers: bool
) -> Condition:
    """Some value of the paths equals a member; of a number, its double does."""
    label = f"m{operand.index}"
    parameters: Parameters = {label: (operand, _exact_members)}
    value = sql.name(_VALUE)
    wanted = sql.member_of(value, _unnested(sql.cast(sql.parameter(label), "jsonb[]")))
    if numbers:
        parameters[f"{label}_numbers"] = (operand, _doubles)
        doubles = _unnested(sql.cast(sql.parameter(f"{label}_numbers"), "float8[]"))
        kind = sql.equals(sql.call("jsonb_typeof", value), sql.string("number"))
        number = sql.cast(value, "numeric")
        size = sql.call("abs", number)
        is_double = sql.some_of(
            [
                sql.equals(number, sql.integer(0)),
                sql.all_of(
                    [sql.compare("$gt", size, sql.real(1e-300)), sql.compare("$lt", size, sql.real(1e300))]
                ),
            ]
        )
        equal = sql.case([(is_double, sql.member_of(sql.cast(number, "float8"), doubles))], sql.truth(True))
        wanted = sql.case([(kind, equal)], wanted)
    choices = []
    for text in dict.fromkeys(reading.elements() for reading in found):
        path = _path(text, parameters)
        arguments = (document, path, sql.cast(sql.string("{}"), "jsonb"), sql.truth(True))
        source = sql.source(sql.call("jsonb_path_query", *arguments), _VALUE)
        choices.append(sql.exists([source], wanted))
    return Condition(sql.some_of(choices), parameters)


def _unnested(array: Expression) -> Expression:
    return sql.select([sql.call("unnest", array)])


def _exact_members(items: list[Any]) -> list[str]:
    """Strings and booleans, as JSON."""
    return [_json(item) for item in items if value_class(item) in _CONTAINED and "\0" not in str(item)]


def _doubles(items: list[Any]) -> list[float]:
    return [float(exact(item)) for item in items if value_class(item) in _NUMBERS]


# ---- what an index on the column finds -----------------------------------------------------------------


def _has_forms(rest: Path) -> bool:
    """Whether documents with a value at a path have few forms."""
    return len(rest) <= _MAX_FORMS and not any(part == "" or array_index(part) is not None for part in rest)


def _contains(value: Expression, label: str, source: int | ListSlot, bind: Any) -> Condition:
    """The column contains one of some documents."""
    some = sql.call("ANY", sql.cast(sql.parameter(label), "jsonb[]"))
    tree = sql.contains(value, some)
    return Condition(tree, {label: (source, bind)}, nullable=True)


def _forms(rest: Path, items: list[Any]) -> list[str]:
    """The documents of which one is contained where a path leads to one of some values, with arrays on the way."""
    return [form for item in _exact_members(items) for form in _around(rest, item)]


def _forms_of_few(rest: Path, items: list[Any]) -> list[str] | None:
    """The same; None for a long list, which no index finds faster than a scan that hashes it."""
    return _forms(rest, items) if len(items) <= _MAX_MEMBERS else None


_MAX_MEMBERS: Final = 16


def _around(rest: Path, inside: str) -> Iterator[str]:
    for in_arrays in product((False, True), repeat=len(rest) + 1):
        text = f"[{inside}]" if in_arrays[-1] else inside
        for name, in_array in zip(reversed(rest), reversed(in_arrays[:-1]), strict=True):
            text = f"{{{_json(name)}:{text}}}"
            text = f"[{text}]" if in_array else text
        yield text


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
