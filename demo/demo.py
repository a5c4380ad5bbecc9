"""Ask the recorded history of a real cluster the five questions of IPython's documentation.

    python demo/demo.py [--store URL]

The records of `history.jsonl` go into a task database: an SQLite file in a temporary folder, or any store that
mongoglot opens. For each question: the query, what the store makes of it, and the answer. "Now" is the end of
the recording, "me" is ada; `cluster.json` knows both.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import pprint
import re
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bson import json_util

from mongoglot.errors import MongoglotError
from mongoglot.taskdb import TaskDatabase

Record = dict[str, Any]

FOLDER = Path(__file__).resolve().parent
WIDTH = 98
ROWS = 5
COLLECTION = "demo_history"
DATABASES = {"sqlite": "SQLite", "duckdb": "DuckDB", "postgresql": "PostgreSQL"}
JSON_OPTIONS = json_util.CANONICAL_JSON_OPTIONS.with_options(tz_aware=True, tzinfo=UTC)

SQL_TOKEN = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|\w+|\s+|.""")
SQL_BREAKS = ({"FROM", "WHERE", "ORDER", "LIMIT"}, {"OR"}, {"AND"}, {"WHEN", "ELSE"})
"""Where a long piece of SQL is broken, the weakest bond first."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Ask a recorded task history five questions.")
    parser.add_argument("--store", metavar="URL", help="default: a new SQLite file")
    url: str | None = parser.parse_args().store
    with tempfile.TemporaryDirectory(prefix="mongoglot-") as folder:
        try:
            with TaskDatabase(url or f"sqlite:{folder}/tasks.db", collection=COLLECTION) as database:
                load(database, url or f"sqlite:{folder}/tasks.db")
                ask_all(database)
            if url:
                print(
                    f"\n\nMore of them: mongoglot tasks --db {shown_url(url)} --collection {COLLECTION} list"
                )
            sys.stdout.flush()
        except BrokenPipeError:  # the reader has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except MongoglotError as error:
            sys.exit(f"{type(error).__name__}: {error}")


def load(database: TaskDatabase, url: str) -> None:
    """Put the history into the database, or what of it is not there yet."""
    lines = (FOLDER / "history.jsonl").read_text(encoding="utf-8").splitlines()
    records = [json_util.loads(line, json_options=JSON_OPTIONS) for line in lines]
    known = set(database.get_history())
    start = time.perf_counter()
    for record in records:
        if record["msg_id"] not in known:
            database.add_record(record["msg_id"], record)
    seconds = time.perf_counter() - start
    print(f"{len(records)} records of a real cluster, loaded in {seconds:.2f} s into\n{shown_url(url)}")
    if url.startswith("sqlite:"):
        print("(In the SQL: x'' marks a value that its column cannot hold; then the document decides.)")


def shown_url(url: str) -> str:
    """A URL without its password."""
    return re.sub("//[^/]*@", "//", url)


def ask_all(database: TaskDatabase) -> None:
    cluster = json.loads((FOLDER / "cluster.json").read_text(encoding="utf-8"))
    hour_ago = datetime.fromisoformat(cluster["end"]) - timedelta(hours=1)
    me, msg_id = cluster["clients"]["ada"], f"{cluster['clients']['ada']}_6244_79"
    uuids = [cluster["engines"][number] for number in "34"]
    names = {hour_ago: "hour_ago", me: "me", msg_id: "msg_id", tuple(uuids): "uuids"}
    for value, name in names.items():
        text = repr(list(value)) if isinstance(value, tuple) else str(value)
        print(*textwrap.wrap(f"{name} = {text}", WIDTH, subsequent_indent=" " * 8), sep="\n")

    def ask(title: str, query: Record, keys: Any, columns: str) -> None:
        print(f"\n\n{title}\n{'=' * len(title)}\n")
        print(f"db_query({shown(query, names)}{f', keys={keys!r}' if keys else ''})\n")
        explain(database, query, keys)
        start = time.perf_counter()
        found = database.db_query(query, keys)
        milliseconds = 1000 * (time.perf_counter() - start)
        print(f"\n{len(found)} records in {milliseconds:.1f} ms\n")
        print(*table(found, columns.split()), sep="\n")

    ask("1. What is not completed?", {"completed": None}, ["msg_id", "started"], "msg_id started")
    columns = "msg_id label started completed engine_uuid"
    recent = {"started": {"$gte": hour_ago}, "client_uuid": me}
    ask("2. What did I start in the last hour?", recent, None, columns)
    older = {"started": {"$le": hour_ago}, "client_uuid": {"$ne": me}}
    title = "3. What did others start more than an hour ago? ($le is < here)"
    ask(title, older, None, columns)
    headers = {"engine_uuid": {"$in": uuids}}
    title = "4. The result headers of the tasks on engines 3 and 4"
    ask(title, headers, "result_header", "msg_id result_header")

    title = "5. The result of one task, whoever submitted it"
    print(f"\n\n{title}\n{'=' * len(title)}\n\nget_result(msg_id)\n")
    explain(database, {"_id": msg_id, "msg_id": msg_id}, None)
    print()
    for key, content in database.get_result(msg_id).items():
        print(cut(f"{key:16} {content!r}", WIDTH))


def shown(value: Any, names: dict[Any, str]) -> str:
    """A query as one would type it, with the names of its values."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name!r}: {shown(item, names)}" for name, item in value.items()) + "}"
    return names.get(tuple(value) if isinstance(value, list) else value) or repr(value)


def explain(database: TaskDatabase, query: Record, keys: Any) -> None:
    """Print what the store makes of a query, whatever the store."""
    stages = database.explain(query, keys)
    if "sql" in stages:
        print(*laid_out(stages["sql"]), sep="\n")
        mark = "" if stages["engine"] == "postgresql" else ":"
        values = [f"  {mark}{label} = {value!a}" for label, value in stages["parameters"].items()]
        plan = [f"  {line}" for line in stages["plan"]]
        print("\nwith", *(cut(line, WIDTH) for line in values or ["  no parameters"]), sep="\n")
        print(f"\n{DATABASES[stages['engine']]}'s plan:", *(cut(line, WIDTH) for line in plan), sep="\n")
    elif "python" in stages:
        print(*wrapped_code(stages["python"]), sep="\n")
    else:
        pretty = pprint.PrettyPrinter(width=WIDTH, sort_dicts=False)
        for stage in ("filter", "plan", "reason"):
            if stage in stages:
                print(f"{stage}:", textwrap.indent(pretty.pformat(stages[stage]), "  "), sep="\n")
    if stages["residual"] is not None:
        print(f"and in Python: {stages['residual']}")


def laid_out(sql: str, indent: str = "") -> list[str]:
    """SQL over lines, broken where its parts meet."""
    if len(indent) + len(sql) <= WIDTH:
        return [indent + sql]
    for words in SQL_BREAKS:
        parts = split(sql, words)
        if len(parts) > 1:
            return [line for part in parts for line in laid_out(part, indent)]
    low, high = longest_bracket(sql)
    if sql[:low].endswith("CASE"):  # its operand stays with it
        low += len(split(sql[low:high], {"WHEN"})[0]) + 1
    inner = laid_out(sql[low:high].strip(), indent + "  ")
    return [indent + sql[:low].rstrip(), *inner, indent + sql[high:].lstrip()]


def nesting(sql: str) -> Iterator[tuple[int, str, int]]:
    """Position, token, and how many brackets and CASEs enclose it, itself excluded."""
    depth = 0
    for found in SQL_TOKEN.finditer(sql):
        closes = found[0] in (")", "END")
        depth -= closes
        yield found.start(), found[0], depth
        depth += found[0] in ("(", "CASE")


def split(sql: str, words: set[str]) -> list[str]:
    """The parts that begin with one of the words and are in no bracket."""
    starts = [start for start, token, depth in nesting(sql) if depth == 0 and token in words and start]
    edges = [0, *starts, len(sql)]
    return [sql[low:high].strip() for low, high in itertools.pairwise(edges)]


def longest_bracket(sql: str) -> tuple[int, int]:
    """Where the longest bracket or CASE begins and ends inside."""
    edges = [(start, token) for start, token, depth in nesting(sql) if depth == 0]
    opened = [
        (start + len(token), edges[index + 1][0])
        for index, (start, token) in enumerate(edges)
        if token in ("(", "CASE")
    ]
    return max(opened, key=lambda edge: edge[1] - edge[0])


def wrapped_code(source: str) -> Iterator[str]:
    for line in source.rstrip().splitlines():
        indent = line[: len(line) - len(line.lstrip())]
        yield from textwrap.wrap(line, WIDTH, subsequent_indent=indent + " " * 8, drop_whitespace=True) or [
            ""
        ]


def table(records: list[Record], columns: list[str]) -> Iterator[str]:
    """The first records, aligned."""
    rows = [columns, *([cell(record.get(column)) for column in columns] for record in records[:ROWS])]
    widths = [max(len(row[index]) for row in rows) for index in range(len(columns))]
    for number, row in enumerate(rows):
        yield cut(
            "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)), WIDTH
        ).rstrip()
        if number == 0:
            yield cut("  ".join("-" * width for width in widths), WIDTH)
    if len(records) > ROWS:
        yield f"… and {len(records) - ROWS} more"


def cell(value: Any) -> str:
    match value:
        case datetime():
            return f"{value:%H:%M:%S}.{value.microsecond // 1000:03}"
        case str() if (
            len(value) > 30 and value[8] == "-"
        ):  # a uuid of jupyter's, perhaps with a number behind
            return f"{value[:8]}…{''.join(value.partition('_')[1:])}"
        case None:
            return "-"
        case dict():
            return ", ".join(f"{name}: {cell(item)}" for name, item in value.items())
        case _:
            return str(value)


def cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


if __name__ == "__main__":
    main()
