"""Field paths of expressions: read from a declared column or from the document (semantics 3.9).

An array on the way gives an array of values, of which SQL knows only the type. A number in a path is a name.
"""

from __future__ import annotations

from typing import Final

from mongoglot.compiler.ast import Path
from mongoglot.compiler.trees import dotted
from mongoglot.engines.sql import nodes as sql
from mongoglot.engines.sql.nodes import Expression
from mongoglot.engines.sql.number_keys import KEY_LENGTH
from mongoglot.engines.sql.number_keys import NAN as NAN_KEY
from mongoglot.engines.sql.table import Column, ColumnType, Table
from mongoglot.engines.sql.tags import ESCAPED, ESCAPED_END, TAG
from mongoglot.engines.sqlite.expressions.program import Program
from mongoglot.engines.sqlite.expressions.values import (
    ARRAY,
    BOOL,
    DATE,
    MISSING,
    NAN,
    NULL,
    NUMBER,
    OBJECT,
    OPAQUE,
    RANKS,
    SCOPED_CODE,
    STRING,
    Computed,
    unknown,
)
from mongoglot.engines.sqlite.operands import NUMBER_TAG
from mongoglot.engines.sqlite.paths import Place, Root, direct
from mongoglot.errors import UnsupportedError

_STORED_TYPES: Final[dict[ColumnType, tuple[str, ...]]] = {"number": ("integer", "real"), "string": ("text",)}
"""SQLite's types of the values that a mixed column has as the document has them."""

_CALENDAR: Final = (-62_135_596_800_000, 253_402_300_799_999)
"""The milliseconds of the years 1 to 9999."""

_HALF: Final = 10**10


def field(path: Path, table: Table, program: Program) -> Computed:
    """The value of a path of the document.

    Raises:
        UnsupportedError: the table has no such field.
    """
    if not path:
        return Computed(
            sql.string(OBJECT), sql.null(), frozenset({OBJECT}), opaque=frozenset({OBJECT}), path=path
        )
    column = table.column(path)
    if column is not None and (not column.mixed or table.document is None):
        return _column(column, program)
    if any(known.field[: len(path)] == path and not known.mixed for known in table.columns):
        return unknown("a document is made of several columns")
    if (below := table.scalar_prefix(path)) is not None and not below.mixed:
        return Computed(sql.string(MISSING), sql.integer(0), frozenset({MISSING}))
    if table.document is None:
        known_fields = ", ".join(known.path for known in table.columns)
        raise UnsupportedError(f"table {table.name!r} has no field {dotted(path)!r}; it has {known_fields}")
    return _in_document(path, column, Root(sql.name(table.document)), program)


def place_of(path: Path, table: Table) -> Place | None:
    """Where a path leads in the document through objects alone; None where columns have a part in it."""
    involved = (known for known in table.columns if not known.mixed)
    shared = any(path[: len(known.field)] == known.field[: len(path)] for known in involved)
    if table.document is None or not path or shared:
        return None
    return direct(Root(sql.name(table.document)), path)


# ---- from the document ---------------------------------------------------------------------------


def _in_document(path: Path, column: Column | None, root: Root, program: Program) -> Computed:
    place = direct(root, path)
    kind, value = place.type, place.value
    if column is not None and column.type in _STORED_TYPES:  # the column has the usual values
        kind, value = _from_column(column, place)
    kind, value = program.read(kind), program.read(value)
    nowhere: Expression = sql.string(MISSING)
    if len(path) > 1:
        kinds = [program.read(direct(root, path[:end]).type) for end in range(1, len(path))]
        nowhere = sql.case([(_is_some(kinds, "array"), sql.string(ARRAY))], nowhere)
    rank = sql.case(
        [
            (sql.string("integer"), sql.string(NUMBER)),
            (sql.string("real"), sql.string(NUMBER)),
            (sql.string("text"), _rank_of_text(value)),
            (sql.string("null"), sql.string(NULL)),
            (sql.string("true"), sql.string(BOOL)),
            (sql.string("false"), sql.string(BOOL)),
            (sql.string("object"), sql.string(OBJECT)),
            (sql.string("array"), sql.string(ARRAY)),
        ],
        nowhere,
        kind,
    )
    rank = program.column(rank, 1)
    is_decimal = sql.all_of([sql.equals(kind, sql.string("text")), sql.equals(rank, sql.string(NUMBER))])
    comparable = sql.case(
        [
            (sql.member(rank, [sql.string(name) for name in (OBJECT, ARRAY, SCOPED_CODE)]), sql.null()),
            (sql.member(rank, [sql.string(name) for name in (MISSING, NULL, NAN)]), sql.integer(0)),
            (is_decimal, sql.null()),
        ],
        value,
    )
    key = sql.call("substr", value, sql.integer(len(NUMBER_TAG) + 1), sql.integer(KEY_LENGTH))
    return Computed(
        rank,
        comparable,
        RANKS,
        2,
        opaque=frozenset(OPAQUE),
        key=sql.case([(is_decimal, key)], sql.null()),
        exact=lambda: _exact_number(kind, value, place, program),
        path=path,
    )


def _is_some(kinds: list[Expression], name: str) -> Expression:
    return sql.some_of([sql.is_same(kind, sql.string(name)) for kind in kinds])


def _rank_of_text(value: Expression) -> Expression:
    """The rank of an encoded string: what is no tag is a string of a user, a tag has the letter of its type."""
    own = sql.compare("$lt", value, sql.characters(ESCAPED_END))
    nan = sql.characters(NUMBER_TAG + NAN_KEY)
    is_nan = sql.equals(_characters_of(value, 1, len(NUMBER_TAG) + 1), nan)
    return sql.case([(own, sql.string(STRING)), (is_nan, sql.string(NAN))], _characters_of(value, 2, 1))


def _characters_of(value: Expression, start: int, length: int) -> Expression:
    return sql.call("substr", value, sql.integer(start), sql.integer(length))


def _from_column(column: Column, place: Place) -> tuple[Expression, Expression]:
    """Type and value from a mixed column where it has them, from the document otherwise."""
    value = sql.name(column.name)
    stored = _STORED_TYPES[column.type]
    held = sql.member(sql.call("typeof", value), [sql.string(name) for name in stored])
    if column.type == "string":  # what begins like a tag is marked in the document
        held = sql.all_of([held, sql.compare("$lt", value, sql.characters(TAG))])
    return (
        sql.case([(held, sql.call("typeof", value))], place.type),
        sql.case([(held, value)], place.value),
    )


def _exact_number(kind: Expression, value: Expression, place: Place, program: Program) -> Expression:
    """The number as an integer or a real, by its type: a long that fits in 32 bits is stored as a real."""
    is_real = sql.equals(place.type, sql.string("real"))
    is_whole = sql.equals(place.value, sql.cast(place.value, "INTEGER"))
    spelled = sql.call("instr", place.spelling, sql.string("e0,"))
    # the spelling is read only where it can say something
    is_long = sql.case([(is_real, sql.case([(is_whole, spelled)], sql.FALSE))], sql.FALSE)
    is_long = program.read(is_long)
    branches = [
        (sql.string("integer"), value),
        (sql.string("real"), sql.case([(is_long, sql.cast(value, "INTEGER"))], value)),
    ]
    return sql.case(branches, sql.null(), kind)


# ---- from columns that are the truth -------------------------------------------------------------


def _column(column: Column, program: Program) -> Computed:
    """A column of its own: NULL is null."""
    stored = sql.name(column.name)
    absent = sql.is_null(stored)
    match column.type:
        case "number":
            rank, value = NUMBER, stored
        case "string":
            escaped = sql.concat(sql.characters(ESCAPED), stored)
            rank, value = (
                STRING,
                sql.case([(sql.compare("$gte", stored, sql.characters(TAG)), escaped)], stored),
            )
        case "bool":
            rank, value = BOOL, sql.negated(sql.equals(stored, sql.integer(0)))
        case "date":
            rank, value = DATE, _encoded_date(stored)
        case _:
            raise AssertionError(column)  # lowering.py keeps tables with such columns out
    found = program.read(sql.case([(absent, sql.string(NULL))], sql.string(rank)))
    # the call takes the column's affinity away
    read = program.read(sql.call("coalesce", value, sql.integer(0)))
    exact = sql.case([(sql.equals(found, sql.string(NUMBER)), read)], sql.null())
    return Computed(found, read, frozenset({NULL, rank}), 1, exact=lambda: exact, path=column.field)


def _encoded_date(millis: Expression) -> Expression:
    """Milliseconds since 1970 as the document has dates (`tags.date_body`)."""
    part = sql.remainder(
        sql.sum_of(sql.remainder(millis, sql.integer(1000)), sql.integer(1000)), sql.integer(1000)
    )
    seconds = sql.quotient(sql.difference(millis, part), sql.integer(1000))
    text = sql.call("strftime", sql.string("%Y-%m-%dT%H:%M:%S"), seconds, sql.string("unixepoch"))
    calendar = sql.concat(text, sql.call("printf", sql.string(".%03dZ"), part))
    first, last = (sql.integer(bound) for bound in _CALENDAR)
    body = sql.case(
        [
            (sql.compare("$lt", millis, first), _counted(millis, "!")),
            (sql.compare("$gt", millis, last), _counted(millis, "~")),
        ],
        calendar,
    )
    return sql.concat(sql.characters(TAG + DATE), body)


def _counted(millis: Expression, mark: str) -> Expression:
    """A mark and the milliseconds plus 2**63, in two halves of ten digits as the sum may need 64 bits."""
    high, low = divmod(2**63, _HALF)
    # of a negative number SQLite's remainder is negative
    rest = sql.sum_of(sql.remainder(millis, sql.integer(_HALF)), sql.integer(low))
    carry = sql.difference(
        sql.quotient(sql.sum_of(rest, sql.integer(_HALF)), sql.integer(_HALF)), sql.integer(1)
    )
    upper = sql.sum_of(sql.sum_of(sql.quotient(millis, sql.integer(_HALF)), sql.integer(high)), carry)
    lower = sql.remainder(sql.sum_of(rest, sql.integer(_HALF)), sql.integer(_HALF))
    return sql.call("printf", sql.string(f"{mark}%010d%010d"), upper, lower)
