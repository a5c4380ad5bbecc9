"""Random tables with typed and nested columns, for the tests of files that DuckDB queries in place."""

from __future__ import annotations

import random
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

SCALARS: Final[dict[str, tuple[str, ...]]] = {
    "BOOLEAN": ("true", "false"),
    "TINYINT": ("0", "1", "2", "-1", "127", "-128"),
    "INTEGER": ("0", "1", "2", "-1", "2147483647", "-2147483648"),
    "BIGINT": ("0", "1", "2", "-1", "9007199254740993", "9223372036854775807", "-9223372036854775808"),
    "UBIGINT": ("0", "1", "2", "9223372036854775808", "18446744073709551615"),
    "FLOAT": ("0.5", "1.0", "'-0.0'", "0.1", "'nan'", "'inf'", "'-inf'"),
    "DOUBLE": ("0.5", "1.0", "2.0", "'-0.0'", "0.1", "9007199254740992", "9223372036854775808.0",
                "'nan'", "'inf'", "'-inf'"),
    "DECIMAL(4,1)": ("0.5", "1.0", "-1.0", "999.9", "-999.9", "0.1"),
    "DECIMAL(20,0)": ("1", "9007199254740993", "-9223372036854775808", "99999999999999999999"),
    "VARCHAR": ("'a'", "'b'", "''", "'A'", "'1'", "'é'", "'a' || chr(0)", "chr(1114111)"),
    "ENUM('a', 'b', 'A')": ("'a'", "'b'", "'A'"),
    "DATE": ("'1970-01-01'", "'2020-01-01'", "'1950-06-01'"),
    "TIMESTAMP": ("'1970-01-01'", "'2020-01-01 12:30:00'", "'1969-12-31 23:59:59.999999'",
                  "'1950-06-01 00:00:00.001'"),
    "TIMESTAMP_S": ("'1970-01-01'", "'2020-01-01 12:30:00'"),
    "TIMESTAMP_MS": ("'1970-01-01'", "'1969-12-31 23:59:59.999'"),
    "TIMESTAMP_NS": ("'1970-01-01'", "'2020-01-01 12:30:00.000999999'"),
    "TIMESTAMPTZ": ("'1970-01-01 00:00:00+00'", "'2020-01-01 13:30:00+01'"),
    "UUID": ("'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'"),
    "BLOB": ("''", "'a'", "'aa'", "'b'"),
    "JSON": ("'1'", "'[1, {\"b\": 2}]'", "'{\"b\": [1, null]}'", "'null'"),
}  # fmt: skip
"""Type → literals of its values, near those of the shared alphabet."""

FIELDS: Final = ("a", "b", "c", "0", "1")

KEYS: Final = {"VARCHAR": ("'a'", "'b'", "'0'", "''"), "INTEGER": ("0", "1", "2")}
"""Types of the keys of maps, and keys."""


class Kind(NamedTuple):
    """A type.

    Attributes:
        sql: as SQL has it.
        made: whether it is a scalar, a list, a struct, or a map with keys of some type.
        parts: the types inside, by name.
    """

    sql: str
    made: str = "scalar"
    parts: Mapping[str, Kind] = MappingProxyType({})


def random_type(rng: random.Random, depth: int = 3) -> Kind:
    """A type that nests so deep."""
    kind = rng.randrange(10) if depth else 0
    if kind < 5:
        return Kind(rng.choice(list(SCALARS)))
    if kind < 8:
        item = random_type(rng, depth - 1)
        return Kind(f"{item.sql}[]", "list", {"": item})
    if kind < 9:
        fields = {name: random_type(rng, depth - 1) for name in rng.sample(FIELDS, rng.randint(1, 3))}
        sql = ", ".join(f'"{name}" {found.sql}' for name, found in fields.items())
        return Kind(f"STRUCT({sql})", "struct", fields)
    value, key = random_type(rng, depth - 1), rng.choice(list(KEYS))
    return Kind(f"MAP({key}, {value.sql})", key, {"": value})


def random_literal(rng: random.Random, kind: Kind) -> str:
    """A value of a type as SQL, NULL now and then."""
    if rng.random() < 0.15:
        return f"CAST(NULL AS {kind.sql})"
    match kind.made:
        case "scalar":
            text = rng.choice(SCALARS[kind.sql])
        case "list":
            items = [random_literal(rng, kind.parts[""]) for _ in range(rng.randrange(4))]
            text = f"[{', '.join(items)}]"
        case "struct":
            values = [f"'{name}': {random_literal(rng, inner)}" for name, inner in kind.parts.items()]
            text = "{" + ", ".join(values) + "}"
        case key:
            chosen = rng.sample(KEYS[key], rng.randrange(3))
            values = [f"{name}: {random_literal(rng, kind.parts[''])}" for name in chosen]
            text = f"MAP {{{', '.join(values)}}}"
    return f"CAST({text} AS {kind.sql})"


def random_table(rng: random.Random, rows: int) -> str:
    """A query that gives rows of random columns, and the number of each as `_id`."""
    columns = {name: random_type(rng) for name in rng.sample(FIELDS, rng.randint(1, 4))}
    selects = []
    for number in range(rows):
        values = ", ".join(f'{random_literal(rng, kind)} AS "{name}"' for name, kind in columns.items())
        selects.append(f"SELECT {number} AS _id, {values}")
    return " UNION ALL ".join(selects)
