"""`explain`: how a store answers a filter, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click

from mongoglot.cli.reading import read_sort
from mongoglot.cli.sources import collection_option, filter_argument, opened_collection, source_argument
from mongoglot.cli.terminal import printable, show
from mongoglot.compiler.ast import Node
from mongoglot.compiler.trees import leaves
from mongoglot.grammar.text import to_text
from mongoglot.notes import notes_of
from mongoglot.query import compile
from mongoglot.sql_stages import reason
from mongoglot.sql_text import pretty_sql_text
from mongoglot.tree import tree_of


@click.command("explain")
@source_argument
@filter_argument
@collection_option
@click.option("-s", "--sort", help="'-age,name', or as in mongosh.")
@click.option("--stages", is_flag=True, help="Also every stage of the compiler.")
def explain_command(source: str, filter: str, collection: str | None, sort: str | None, stages: bool) -> None:
    """Show how SOURCE would answer FILTER: what it runs, its plan, the index, and what is checked in Python.

    \b
    mongoglot explain people.db '{age: {$gte: 18}}'
    mongoglot explain people.db '{age: {$gte: 18}, tags: {$gt: ["a"]}}' --stages
    """
    with opened_collection(source, collection) as documents:
        plan = documents.explain(filter, sort=read_sort(sort))
    query = compile(filter)
    if stages:
        show(str(query.explain()))
    for title, text in plan_in_words(plan):
        head = click.style(printable(title), bold=True)
        body = printable(text)
        click.echo(f"{head}: {body}" if "\n" not in body else f"{head}:\n{_indented(body)}")
    for note in notes_of(query) if not stages else ():
        show(f"note: {note}")


def _indented(text: str) -> str:
    return "\n".join(f"  {line}".rstrip() for line in text.splitlines())


def plan_in_words(plan: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Title and text of each part of what a store says that it would do."""
    for name, value in plan.items():
        match name:
            case "engine" | "reason" | "python":
                yield name, str(value)
            case "sql":
                yield name, "none" if value is None else pretty_sql_text(str(value))
            case "parameters":
                yield (
                    name,
                    "\n".join(f"{_label(label)} = {item!r}" for label, item in value.items()) or "none",
                )
            case "plan":
                yield name, _plan(value)
            case "indexes" | "candidates" | "documents" | "residual" | "undecided":
                pass  # told below
            case _:
                if value is not None:
                    yield name, _text(value)
    if "reason" not in plan:
        yield "index", _indexes(plan)
        yield "pushed down", _pushed(plan)
        yield "checked in Python", _left(plan)


def _label(label: str) -> str:
    return label if label.startswith("$") else f":{label}"


def _plan(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return "\n".join(map(str, value)) or "none"
    return to_text(value, indent=2)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else to_text(value)


def _indexes(plan: Mapping[str, Any]) -> str:
    """Which indexes are used, and how many documents they leave."""
    names = list(plan.get("indexes") or _scanned(plan.get("plan")))
    told = ", ".join(map(str, names)) or "none: every document is read"
    if not names and "indexes" not in plan and not isinstance(plan.get("plan"), Mapping):
        told = "see the plan"
    if "candidates" in plan:
        told += f"; {plan['candidates']:,} of {plan['documents']:,} documents are looked at"
    return told


def _scanned(plan: Any) -> Iterator[str]:
    """The indexes in a plan of a MongoDB server."""
    if isinstance(plan, Mapping):
        if "indexName" in plan:
            yield str(plan["indexName"])
        elif plan.get("stage") == "IDHACK":
            yield "_id_"
        for value in plan.values():
            yield from _scanned(value)
    elif isinstance(plan, list) and not all(isinstance(item, str) for item in plan):
        for value in plan:
            yield from _scanned(value)


def _pushed(plan: Mapping[str, Any]) -> str:
    if "python" in plan:
        return "nothing: documents are matched in Python"
    left: Node | None = plan.get("residual")
    if left is None:
        return "all of the filter"
    return "all but what follows; what comes back is at least every match"


def _left(plan: Mapping[str, Any]) -> str:
    if "python" in plan:
        return "all of the filter"
    left: Node | None = plan.get("residual")
    if left is None:
        return "nothing"
    why = dict.fromkeys(reason(leaf, list(plan.get("undecided") or ())) for leaf in leaves(left))
    return "\n".join([str(tree_of(left)), "", *why])
