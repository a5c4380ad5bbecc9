"""Spark SQL, run by Spark on this machine: the answers are those of the rows as documents."""

from __future__ import annotations

import importlib.util
import os
import random
import shutil
import warnings
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

import mongoglot
from mongoglot import Column
from tests import typed_tables
from tests.typed_tables import Typed

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SEED = int(os.environ.get("MONGOGLOT_TEST_SEED", "1"))
ROWS = 60

COLUMNS = (
    Typed(Column("s", "string"), "STRING", "string"),
    Typed(Column("a`b", "int"), "BIGINT", "int"),
    Typed(Column("small", "int", nullable=False), "INT NOT NULL", "int32"),
    Typed(Column("d", "double"), "DOUBLE", "double"),
    Typed(Column("n", "decimal", "e.n", precision=10, scale=2), "DECIMAL(10, 2)", "decimal"),
    Typed(Column("t", "bool"), "BOOLEAN", "bool"),
    Typed(Column("at", "timestamp"), "TIMESTAMP_NTZ", "timestamp"),
    Typed(Column("zone", "timestamptz", "e.at"), "TIMESTAMP", "timestamptz"),
    Typed(Column("day", "day"), "DATE", "day"),
    Typed(Column("date", "date"), "BIGINT", "date"),
)


@pytest.fixture(scope="module")
def spark() -> Iterator[SparkSession]:
    """A session of Spark in this process's own Java."""
    if importlib.util.find_spec("pyspark") is None:
        pytest.skip("no pyspark: pip install pyspark")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("no Java, which Spark needs")
    from pyspark.sql import SparkSession

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # of the sockets to its Java
        session = (
            SparkSession.builder.master("local[1]")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.shuffle.partitions", "1")
            .config("spark.sql.session.timeZone", "America/New_York")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            .getOrCreate()
        )
        session.sparkContext.setLogLevel("ERROR")
        yield session
        session.stop()


def literal(value: Any, declared: str) -> str:
    """A value of the tests as Spark writes it."""
    if value is None:
        return "NULL"
    kind = declared.split(" ")[0] if not declared.startswith("DECIMAL") else declared
    text = str(value) if not isinstance(value, Decimal) else format(value, "f")
    return f"CAST('{text}' AS {kind})".replace("\x01", "\\u0001")


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_spark(spark: SparkSession) -> None:
    rng = random.Random(SEED)
    rows = typed_tables.random_rows(rng, COLUMNS, "spark", ROWS)
    names = ", ".join(["row", *(f"`{typed.column.name.replace('`', '``')}`" for typed in COLUMNS)])
    values = ", ".join(
        "("
        + ", ".join(
            [
                str(number),
                *(literal(value, typed.declared) for value, typed in zip(row, COLUMNS, strict=True)),
            ]
        )
        + ")"
        for number, row in enumerate(rows.stored)
    )
    spark.sql(f"CREATE OR REPLACE TEMPORARY VIEW source AS SELECT * FROM VALUES {values} AS t({names})")  # noqa: S608
    spark.sql("CACHE TABLE source")
    table = typed_tables.table_of(COLUMNS)
    matched = answered = refused = 0
    while answered < 40:
        condition = typed_tables.typed_filter(rng, COLUMNS, rows.documents)
        query = mongoglot.compile(condition)
        try:
            sql = query.to_sql("spark", table=table)
        except mongoglot.UnsupportedError:
            refused += 1
            continue
        assert sql.residual is None
        text = f"SELECT row FROM source WHERE {sql.text} ORDER BY row"  # noqa: S608 - the text that is tested
        found = [row for (row,) in spark.sql(text, args=sql.parameters).collect()]
        expected = [position for position, document in enumerate(rows.documents) if query.matches(document)]
        assert found == expected, (condition, sql)
        answered += 1
        matched += len(found)
    print(f"spark: {answered} filters answered, {refused} refused, {matched} matches")
    assert matched > 80
