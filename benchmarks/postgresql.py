"""PostgreSQL: what queries cost beside SQL by hand on the same column. Run it with the URL of a database.

*Naive* SQL is right where a path ends in a scalar of the expected type. *Careful* SQL checks types and looks into
arrays at the end of a path.
"""

from __future__ import annotations

import sys
import uuid
from functools import partial
from typing import Any

import psycopg
from by_hand import COUNT, FILTERS, documents
from timing import agreed, best, millis, ratio

import mongoglot

_NUMBER = """
    CASE jsonb_typeof(_doc#>'{{{path}}}')
    WHEN 'number' THEN (_doc#>>'{{{path}}}')::numeric {test}
    WHEN 'array' THEN EXISTS (
        SELECT FROM jsonb_array_elements(_doc#>'{{{path}}}') AS e
        WHERE CASE jsonb_typeof(e) WHEN 'number' THEN (e#>>'{{}}')::numeric {test} END)
    END"""
_TEXT = """
    CASE jsonb_typeof(_doc#>'{{{path}}}')
    WHEN 'array' THEN _doc#>'{{{path}}}' @> '"{value}"' ELSE _doc#>'{{{path}}}' = '"{value}"' END"""

_NAIVE = {
    "simple": "(_doc->>'a')::numeric >= 10 AND _doc->>'b' = 'x'",
    "medium": """((_doc#>>'{c,d,e}')::numeric IN (1, 2, 3, 5, 8) OR _doc#>>'{c,d,f}' = 'k7')
        AND (_doc->>'a')::numeric < 15 AND _doc->'tags' @> '"red"'""",
    "array": """EXISTS (SELECT FROM jsonb_array_elements(_doc->'items') AS item
        WHERE item->>'sku' = 's3' AND (item->>'qty')::numeric >= 5)""",
}
_CAREFUL = {
    "simple": f"{_NUMBER.format(path='a', test='>= 10')} AND {_TEXT.format(path='b', value='x')}",
    "medium": (
        f"({_NUMBER.format(path='c,d,e', test='IN (1, 2, 3, 5, 8)')} OR {_TEXT.format(path='c,d,f', value='k7')}) "
        f"AND {_NUMBER.format(path='a', test='< 15')} AND {_TEXT.format(path='tags', value='red')}"
    ),
    "array": """CASE jsonb_typeof(_doc->'items') WHEN 'array' THEN EXISTS (
        SELECT FROM jsonb_array_elements(_doc->'items') AS item WHERE item->'sku' = '"s3"'
        AND CASE jsonb_typeof(item->'qty') WHEN 'number' THEN (item->>'qty')::numeric >= 5 END) END""",
}


def main(url: str) -> None:
    """Print the table."""
    schema = f"bench_{uuid.uuid4().hex[:8]}"
    with mongoglot.connect(url, schema=schema) as store, psycopg.connect(url, autocommit=True) as connection:
        collection = store["documents"]
        collection.insert_many(documents())
        table = f'"{schema}"."documents"'
        connection.execute("SET jit = off")
        connection.execute("SET max_parallel_workers_per_gather = 0")
        connection.execute(f"ANALYZE {table}")
        raw = psycopg.RawCursor(connection)

        def rows(where: str, parameters: Any = ()) -> list[Any]:
            statement = f"SELECT _row FROM {table} WHERE {where}"  # noqa: S608 - texts of ours
            return raw.execute(statement, parameters).fetchall()

        print(f"{COUNT:,} documents\n| filter | mongoglot | naive | careful | to naive | to careful |")
        for name, query in FILTERS.items():
            explained = collection.explain(query)
            where = explained["sql"].partition(" WHERE ")[2].rpartition(" ORDER BY ")[0]
            runs = [partial(rows, where, list(explained["parameters"].values()))]
            runs += [partial(rows, text[name]) for text in (_NAIVE, _CAREFUL)]
            agreed([run() for run in runs])
            ours, naive, careful = best(*runs, repeats=15)
            compared = [ratio(ours, naive), ratio(ours, careful)]
            print(f"| {' | '.join([name, *map(millis, (ours, naive, careful)), *compared])} |")
        connection.execute(f'DROP SCHEMA "{schema}" CASCADE')


if __name__ == "__main__":
    main(sys.argv[1])
