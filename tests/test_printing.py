"""The printer of SQL says what sqlglot's own would say of the same tree."""

from __future__ import annotations

import random

import pytest
from sqlglot.dialects.sqlite import SQLite

import mongoglot
from mongoglot.engines.sql.table import Column, Table
from mongoglot.engines.sql.trees import text_of
from mongoglot.engines.sqlite.lowering import lower
from mongoglot.errors import MongoglotError
from mongoglot.testing.generate import each_with_each, random_filter

DECLARED = Table(
    "t", (Column("a", "number", mixed=True), Column("b", "string"), Column("d", "date", "c.d")), "doc"
)


@pytest.mark.parametrize("table", [Table("documents"), DECLARED], ids=["documents", "declared columns"])
def test_the_text_of_random_conditions(table: Table) -> None:
    sqlglot_printer = SQLite().generator(comments=False, normalize_functions=False)
    rng = random.Random(20)
    _, filters = each_with_each()
    compared = 0
    for query in [*filters[:400], *(random_filter(rng) for _ in range(400))]:
        try:
            code = lower(mongoglot.compile(query).optimised, table).split.code
        except MongoglotError:
            continue
        if code is not None:
            compared += 1
            assert text_of(code.tree) == sqlglot_printer.generate(code.tree, copy=False)
    assert compared > 500
