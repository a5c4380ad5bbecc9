"""The dialects of SQL: how each spells what a lowering to typed columns needs, and in what it differs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, final

from sqlglot import ErrorLevel, exp
from sqlglot import errors as sqlglot_errors
from sqlglot.dialects.dialect import Dialect as Printing

from mongoglot.engines.sql import nodes as sql
from mongoglot.engines.sql.bounds import COMMON, Limits
from mongoglot.engines.sql.nodes import Expression
from mongoglot.engines.sql.table import Column, ColumnType, Width
from mongoglot.errors import UnsupportedError

NaNOrder: TypeAlias = Literal["greatest", "unordered", "absent"]
"""Where NaN stands: equal to itself and above all numbers, beside them and equal to nothing, or nowhere."""

Lists: TypeAlias = Literal["array", "json", "escaped json", "expanded"]
"""How a list is bound: as an array, as JSON text, as such without U+0000, member by member."""


@final
@dataclass(frozen=True, slots=True)
class Dialect:
    """A dialect of SQL.

    Attributes:
        name: as `to_sql` takes it.
        printed: what sqlglot calls it.
        lists: how it takes a list.
        nan: where NaN stands.
        executed: whether mongoglot's tests run it on its database.
        limits: what values it has.
        ordered: whether text compares by its bytes unless it is told otherwise.
        equal: whether text is equal only where its bytes are, unless it is told otherwise.
        collation: what tells it so; None where nothing does, or where nothing must.
        casts: whether parameters get their types by a cast.
        double_percent: whether the driver reads `%` in the text.
        unsayable: characters that no name can hold.
        missing: types that it has no columns of.
        decimal_nan: whether a decimal may be NaN.
        cut: the function that cuts a number at its point; None where that is not said.
        bits: whether it has operators of bits that count as int64 does.
        eager: whether a cast may be run, and fail, on values that a CASE keeps from it.
        typed_places: whether a placeholder has its type in it.
        instant: the type of instants without a time zone.
        byte_length: the function that counts bytes; None where no order of bytes is said.
        flattens: whether a column of lists may hold lists of lists, which are taken apart as one.
        lengths: of the lists of one query, by their place, where lists are expanded.
    """

    name: str
    printed: str
    lists: Lists = "expanded"
    nan: NaNOrder = "greatest"
    executed: bool = False
    limits: Limits = COMMON
    ordered: bool = True
    equal: bool = True
    collation: str | None = None
    casts: bool = True
    double_percent: bool = False
    unsayable: str = ""
    missing: frozenset[ColumnType] = frozenset({"number", "any", "map"})
    decimal_nan: bool = False
    cut: str | None = None
    bits: bool = True
    eager: bool = False
    typed_places: bool = False
    instant: str = "TIMESTAMP"
    flattens: bool = False
    byte_length: str | None = None
    lengths: tuple[tuple[int, int], ...] = ()

    @property
    def true(self) -> Expression:
        """What holds for every row."""
        return exp.Boolean(this=True) if self.casts else sql.TRUE

    @property
    def false(self) -> Expression:
        """What holds for no row."""
        return exp.Boolean(this=False) if self.casts else sql.FALSE

    def constant(self, value: bool) -> Expression:
        """A condition that is known."""
        return self.true if value else self.false

    def two_valued(self, tree: Expression) -> Expression:
        """False where the condition is NULL."""
        return exp.Coalesce(this=tree, expressions=[self.false])

    def remainder(self, left: Expression, right: Expression) -> Expression:
        """What a division of whole numbers leaves, with the sign of the first."""
        return sql.call("mod", left, right) if self.double_percent else sql.remainder(left, right)

    def int64(self, value: Expression) -> Expression:
        """A number, known to be an int64, as one."""
        kind = exp.DataType(this=exp.DataType.Type.BIGINT)
        return exp.TryCast(this=value, to=kind) if self.eager else exp.Cast(this=value, to=kind)

    def parameter(self, label: str, column: Column) -> Expression:
        """A placeholder of the type of a column."""
        if self.typed_places:
            return exp.Placeholder(this=label, kind=self.type_of(column))
        placeholder = sql.parameter(label)
        return exp.Cast(this=placeholder, to=self.type_of(column)) if self.casts else placeholder

    def type_of(self, column: Column) -> exp.DataType:
        """The type of a column as this dialect has it."""
        if column.type == "timestamp":
            return exp.DataType(this=exp.DataType.Type[self.instant])
        return type_of(column)

    def list_parameter(self, label: str, column: Column) -> Expression:
        """A placeholder of an array of the type of a column."""
        kind = exp.DataType(this=exp.DataType.Type.ARRAY, expressions=[self.type_of(column)], nested=True)
        return exp.Cast(this=sql.parameter(label), to=kind)

    def list_length(self, value: Expression) -> Expression:
        """How many elements a list has."""
        if self.flattens:  # PostgreSQL has no length of an empty array
            length = sql.call("array_length", value, sql.integer(1))
            empty = sql.equals(sql.call("cardinality", value), sql.integer(0))
            return sql.case([(empty, sql.integer(0))], length)
        return sql.call("len", value)

    def text_of(self, tree: Expression, *, colons: bool = False) -> str:
        """The SQL of a tree.

        Args:
            tree: a condition.
            colons: whether placeholders are `:name`, as SQLAlchemy's `text` has them, whatever the driver takes.

        Raises:
            UnsupportedError: sqlglot does not know how the dialect says a part of it, or a name cannot be said.
        """
        tree = tree.copy()
        self._check(tree)
        for node in list(tree.find_all(exp.Identifier, exp.Literal)):
            if colons:
                if (
                    "%(" in node.name and not self.double_percent
                ):  # SQLAlchemy takes it for a placeholder of its own
                    raise UnsupportedError(f"{node.name!r} cannot be said in a text of SQLAlchemy")
                node.set("this", node.name.replace(":", "\\:"))
            elif self.double_percent:
                node.set("this", node.name.replace("%", "%%"))
        if colons:
            for node in list(tree.find_all(exp.Placeholder)):
                node.replace(exp.Var(this=f":{node.name}"))
        generator = Printing.get_or_raise(self.printed).generator(
            comments=False, normalize_functions=False, unsupported_level=ErrorLevel.RAISE
        )
        try:
            text: str = generator.generate(tree, copy=False)
        except sqlglot_errors.UnsupportedError as error:
            raise UnsupportedError(f"the SQL of {self.name} cannot say this: {error}") from None
        return text

    def _check(self, tree: Expression) -> None:
        for node in tree.find_all(exp.Identifier):
            if any(character in node.name for character in self.unsayable):
                raise UnsupportedError(f"no name in the SQL of {self.name} can be {node.name!r}")


_TYPES: Final[Mapping[ColumnType, str]] = {
    "string": "TEXT", "date": "BIGINT", "bool": "BOOLEAN", "int": "BIGINT", "double": "DOUBLE",
    "timestamp": "TIMESTAMP", "timestamptz": "TIMESTAMPTZ", "day": "DATE", "uuid": "UUID", "binary": "VARBINARY",
}  # fmt: skip


_WIDTHS: Final[Mapping[Width, str]] = {"uint64": "UBIGINT", "int128": "INT128", "uint128": "UINT128"}


def type_of(column: Column) -> exp.DataType:
    """The type of a column as SQL has it; `number` is a decimal of any precision.

    Raises:
        UnsupportedError: there is no parameter of the type.
    """
    if column.type in ("number", "decimal"):
        digits = [] if column.precision is None else [column.precision, column.scale or 0]
        sizes = [exp.DataTypeParam(this=sql.integer(digit)) for digit in digits]
        return exp.DataType(this=exp.DataType.Type.DECIMAL, expressions=sizes)
    if column.is_wide:
        return exp.DataType(this=exp.DataType.Type[_WIDTHS[column.width]])
    if column.type not in _TYPES:
        raise UnsupportedError(f"no value can be bound for a column of type {column.type!r}")
    return exp.DataType(this=exp.DataType.Type[_TYPES[column.type]])


_NOWHERE: Final = frozenset[ColumnType]({"number", "any", "list", "json", "uuid", "map"})

SQLITE: Final = Dialect(
    "sqlite", "sqlite", "json", "absent", executed=True, collation="BINARY", casts=False, cut="trunc",
    byte_length="length", missing=frozenset({"list", "struct", "map", "timestamp", "timestamptz", "day", "uuid"}),
)  # fmt: skip
POSTGRESQL: Final = Dialect(
    "postgresql", "postgres", "array", executed=True, limits=Limits(False, "era"), ordered=False, collation="C",
    double_percent=True, missing=frozenset({"struct", "map", "any"}), decimal_nan=True, flattens=True, cut="trunc",
    byte_length="octet_length",
)  # fmt: skip
DUCKDB: Final = Dialect(
    "duckdb", "duckdb", "array", executed=True, limits=Limits(True, "signed"), collation="C", cut="trunc",
    byte_length="octet_length", eager=True, missing=frozenset({"number", "any"}),
)  # fmt: skip
SPARK: Final = Dialect("spark", "spark", executed=True, missing=_NOWHERE, instant="TIMESTAMPNTZ")
TRINO: Final = Dialect("trino", "trino", nan="unordered", missing=_NOWHERE)
MYSQL: Final = Dialect(
    "mysql", "mysql", nan="absent", ordered=False, equal=False, collation="utf8mb4_0900_bin", bits=False,
    missing=_NOWHERE | {"timestamp", "timestamptz", "binary", "struct"},
)  # fmt: skip
BIGQUERY: Final = Dialect("bigquery", "bigquery", nan="unordered", unsayable="`\\", missing=_NOWHERE)
CLICKHOUSE: Final = Dialect(
    "clickhouse", "clickhouse", nan="unordered", bits=False, typed_places=True, unsayable="\\",
    missing=_NOWHERE | {"timestamp", "timestamptz", "day", "binary", "struct"},
)  # fmt: skip
SNOWFLAKE: Final = Dialect("snowflake", "snowflake", missing=_NOWHERE | {"binary", "struct"})
"""Types are missing where the dialect has none, or where its own compare in ways that nobody could try here."""

DIALECTS: Final[Mapping[str, Dialect]] = {
    dialect.name: dialect
    for dialect in (SQLITE, POSTGRESQL, DUCKDB, SPARK, TRINO, MYSQL, BIGQUERY, CLICKHOUSE, SNOWFLAKE)
}
