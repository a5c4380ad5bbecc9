"""`tasks`: the task database of a cluster."""

from __future__ import annotations

import sys
from typing import Any, Final

import click

from mongoglot.cli.cells import cell
from mongoglot.cli.extended_json import json_line
from mongoglot.cli.main import NOTHING_FOUND, Suggesting
from mongoglot.cli.output import FORMATS, Format, default_format, write
from mongoglot.cli.reading import read_keys
from mongoglot.cli.sources import SourceType
from mongoglot.cli.task_changes import import_tasks, purge
from mongoglot.cli.task_source import (
    FAILED,
    FILE,
    RUNNING,
    WAITING,
    TaskSource,
    checked_filter,
    count_of,
    newest,
    note_none,
    opened_tasks,
    usual_database,
)
from mongoglot.cli.task_timeline import timeline
from mongoglot.cli.terminal import printable_in_colour, say
from mongoglot.errors import UnsupportedError
from mongoglot.taskdb import TaskDatabase, UnknownTaskError
from mongoglot.taskdb.schema import TABLE

_OF_ERRORS: Final = ("msg_id", "label", "completed", "error", "result_content")

LISTED: Final = ("msg_id", "label", "engine_uuid", "submitted", "started", "completed")


@click.group("tasks", cls=Suggesting)
@click.option(
    "--db", "source", type=SourceType(), default=usual_database, envvar="MONGOGLOT_TASKS", show_envvar=True,
    help=f"The task database: a file or a URL. Without it, {FILE} here, or in IPython's default profile.",
)  # fmt: skip
@click.option(
    "-c", "--collection", default=TABLE.name, show_default=True, help="Where in the store the records are."
)
@click.pass_context
def tasks_command(ctx: click.Context, source: str, collection: str) -> None:
    """Look at the tasks that an ipyparallel cluster ran, or those of `mongoglot.taskdb.record`.

    \b
    mongoglot tasks list --running
    mongoglot tasks --db mongodb://localhost/cluster errors
    """
    ctx.obj = TaskSource(source, collection)


@tasks_command.command("list")
@click.argument("filter", default="{}")
@click.option("--running", is_flag=True, help="Those that have started and not ended.")
@click.option("--waiting", is_flag=True, help="Those that have not started.")
@click.option("-k", "--keys", help="Other keys than the usual ones.")
@click.option("-n", "--limit", type=click.IntRange(1), default=50, show_default=True)
@click.option(
    "-f", "--format", "form", type=click.Choice(FORMATS), help="table at a terminal, ndjson in a pipe."
)
@click.option("-q", "--quiet", is_flag=True, help="Print nothing; exit with 1 where there is none.")
@click.pass_obj
def list_tasks(
    tasks: TaskSource,
    filter: str,
    running: bool,
    waiting: bool,
    keys: str | None,
    limit: int,
    form: Format | None,
    quiet: bool,
) -> None:
    """List tasks, the newest first; FILTER is a query of the task database.

    \b
    mongoglot tasks list '{started: {$gte: ago("1h")}}'
    mongoglot tasks list --running --keys msg_id,label
    """
    wanted = read_keys(keys) or list(LISTED)
    others = [*([RUNNING] if running else []), *([WAITING] if waiting else [])]
    query = checked_filter(filter, *others)
    with opened_tasks(tasks) as database:
        if quiet:
            sys.exit(0 if newest(database, query, ["msg_id"], "submitted", 1) else NOTHING_FOUND)
        found = newest(database, query, wanted, "submitted", limit + 1)
        if not found:
            note_none(database, "task matches")
    write(found[:limit], form or default_format(), wanted, sys.stdout)
    if len(found) > limit:
        say(f"there are more: --limit {2 * limit}")


@tasks_command.command("show")
@click.argument("msg_id")
@click.option("--json", "as_json", is_flag=True, help="As Extended JSON.")
@click.pass_obj
def show_task(tasks: TaskSource, msg_id: str, as_json: bool) -> None:
    """Show all that is known of a task; the beginning of its id is enough.

    \b
    mongoglot tasks show 3f2a
    """
    with opened_tasks(tasks) as database:
        record = _record(database, msg_id)
    if as_json:
        click.echo(json_line(record))
        return
    for name, value in record.items():
        if name in ("buffers", "result_buffers"):
            click.echo(f"{name}: {len(value or ())} with {sum(map(len, value or ())):,} bytes")
        elif name == "error" and isinstance(value, dict) and isinstance(value.get("traceback"), list):
            click.echo(f"error: {cell(_what_failed(record))}")
            click.echo(printable_in_colour("\n".join(map(str, value["traceback"]))))
        elif name in ("stdout", "stderr") and value:
            click.echo(printable_in_colour(f"{name}:\n{str(value).rstrip()}"))
        elif value is not None and value != "" and value != {}:
            click.echo(f"{cell(name)}: {cell(value)}")


def _record(database: TaskDatabase, msg_id: str) -> dict[str, Any]:
    try:
        return database.get_record(msg_id)
    except UnknownTaskError:
        beginning = {"msg_id": {"$gte": msg_id, "$lt": msg_id + "\U0010ffff"}}
        found = database.db_query(beginning, ["msg_id"])
        if len(found) == 1:
            return database.get_record(found[0]["msg_id"])
        if found:
            names = ", ".join(str(record["msg_id"]) for record in found[:5])
            raise UnsupportedError(f"{len(found)} tasks begin with {msg_id!r}: {names}") from None
        raise


@tasks_command.command("errors")
@click.option("-n", "--limit", type=click.IntRange(1), default=20, show_default=True)
@click.option("-q", "--quiet", is_flag=True, help="Print nothing; exit with 1 where there is none.")
@click.pass_obj
def errors(tasks: TaskSource, limit: int, quiet: bool) -> None:
    """Show the tasks that failed, the newest first, each with its error.

    \b
    mongoglot tasks errors
    """
    with opened_tasks(tasks) as database:
        found = newest(database, FAILED, _OF_ERRORS, "completed", 1 if quiet else limit)
        count = len(found) if quiet else count_of(database, FAILED)
        if not found and not quiet:
            note_none(database, "task failed")
    if quiet:
        sys.exit(0 if found else NOTHING_FOUND)
    for record in found:
        name = f"{record['msg_id']}" + (f" ({record['label']})" if record.get("label") else "")
        click.echo(
            f"{click.style(cell(name), bold=True)} {click.style(cell(_what_failed(record)), fg='red')}"
        )
    say(f"{count:,} failed")


def _what_failed(record: dict[str, Any]) -> str:
    error = record.get("error") or record.get("result_content")
    if not isinstance(error, dict):
        return str(error)
    return f"{error.get('ename', 'error')}: {error.get('evalue', '')}"


for command in (purge, import_tasks, timeline):
    tasks_command.add_command(command)
