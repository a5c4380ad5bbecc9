"""`tasks`: the task database of a cluster."""

from __future__ import annotations

import os
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import click

from mongoglot.cli import timeline as pictures
from mongoglot.cli.main import NOTHING_FOUND
from mongoglot.cli.output import FORMATS, Format, cell, default_format, json_line, write
from mongoglot.cli.sources import url_of
from mongoglot.errors import UnsupportedError
from mongoglot.grammar.shell_dates import duration
from mongoglot.grammar.shell_values import UnfitError
from mongoglot.grammar.text import from_text
from mongoglot.taskdb import TaskDatabase, UnknownTaskError
from mongoglot.taskdb.history import import_history, progress_bar
from mongoglot.taskdb.old_records import COLLECTION

FILE: Final = "mongoglot-tasks.db"
"""What `mongoglot.taskdb.ipyparallel.SQLiteDB` calls its file."""

LISTED: Final = ("msg_id", "label", "engine_uuid", "submitted", "started", "completed")

RUNNING: Final[dict[str, Any]] = {"started": {"$ne": None}, "completed": None}
FAILED: Final[dict[str, Any]] = {"$or": [{"error": {"$ne": None}}, {"result_content.status": "error"}]}


def usual_database() -> str:
    """The file that a cluster of the default profile writes, or one of its name in the working directory."""
    folder = Path(os.environ.get("IPYTHONDIR") or Path.home() / ".ipython") / "profile_default"
    return next((str(path) for path in (Path(FILE), folder / FILE) if path.exists()), FILE)


@click.group("tasks")
@click.option(
    "--db", "source", default=usual_database, envvar="MONGOGLOT_TASKS", show_envvar=True,
    help=f"The task database: a file or a URL. Without it, {FILE} here, or in IPython's default profile.",
)  # fmt: skip
@click.pass_context
def tasks_command(ctx: click.Context, source: str) -> None:
    """Look at the tasks that an ipyparallel cluster ran, or those of `mongoglot.taskdb.record`.

    \b
    mongoglot tasks list --running
    mongoglot tasks --db mongodb://localhost/cluster errors
    """
    ctx.obj = source


def _opened(source: str, *, create: bool = False) -> TaskDatabase:
    url = url_of(source)
    scheme, _, path = url.partition(":")
    if scheme == "sqlite" and not create and not Path(path).exists():
        raise UnsupportedError(f"there is no task database {path!r}: say which with --db or MONGOGLOT_TASKS")
    return TaskDatabase(url)


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
    source: str,
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
    wanted = [name.strip() for name in keys.split(",")] if keys else list(LISTED)
    chosen = [from_text(filter), *([RUNNING] if running else []), *([{"started": None}] if waiting else [])]
    with _opened(source) as database:
        found = database.db_query({"$and": chosen}, [*wanted, "submitted"])
    if quiet:
        sys.exit(0 if found else NOTHING_FOUND)
    found.sort(key=lambda record: _instant(record.get("submitted")), reverse=True)
    write(found[:limit], form or default_format(), wanted, sys.stdout)
    if len(found) > limit:
        click.echo(f"{len(found) - limit:,} more: --limit {len(found)}", err=True)


def _instant(value: Any) -> datetime:
    return value if isinstance(value, datetime) else datetime.max.replace(tzinfo=UTC)


@tasks_command.command("show")
@click.argument("msg_id")
@click.option("--json", "as_json", is_flag=True, help="As Extended JSON.")
@click.pass_obj
def show_task(source: str, msg_id: str, as_json: bool) -> None:
    """Show all that is known of a task; the beginning of its id is enough.

    \b
    mongoglot tasks show 3f2a
    """
    with _opened(source) as database:
        record = _record(database, msg_id)
    if as_json:
        click.echo(json_line(record))
        return
    for name, value in record.items():
        if name in ("buffers", "result_buffers"):
            click.echo(f"{name}: {len(value or ())} with {sum(map(len, value or ())):,} bytes")
        elif name == "error" and isinstance(value, dict) and isinstance(value.get("traceback"), list):
            click.echo(f"error: {value.get('ename')}: {value.get('evalue')}")
            click.echo("\n".join(map(str, value["traceback"])))
        elif name in ("stdout", "stderr") and value:
            click.echo(f"{name}:\n{value.rstrip()}")
        elif value is not None and value != "" and value != {}:
            click.echo(f"{name}: {cell(value)}")


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
def errors(source: str, limit: int, quiet: bool) -> None:
    """Show the tasks that failed, the newest first, each with its error.

    \b
    mongoglot tasks errors
    """
    with _opened(source) as database:
        found = database.db_query(FAILED, ["msg_id", "label", "completed", "error", "result_content"])
    if quiet:
        sys.exit(0 if found else NOTHING_FOUND)
    found.sort(key=lambda record: _instant(record.get("completed")), reverse=True)
    for record in found[:limit]:
        error = record.get("error") or record.get("result_content") or {}
        what = f"{error.get('ename', 'error')}: {error.get('evalue', '')}"
        name = f"{record['msg_id']}" + (f" ({record['label']})" if record.get("label") else "")
        click.echo(f"{click.style(name, bold=True)} {click.style(cell(what), fg='red')}")
    click.echo(f"{len(found):,} failed", err=True)


@tasks_command.command("purge")
@click.option("--older-than", required=True, help="By when they were completed: '30d', '12h'.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def purge(source: str, older_than: str, yes: bool) -> None:
    """Forget tasks that were completed long ago; those that have not ended stay.

    \b
    mongoglot tasks purge --older-than 30d
    """
    try:
        before = datetime.now(UTC) - duration(older_than)
    except (UnfitError, OverflowError) as error:
        raise click.BadParameter(str(getattr(error, "reason", error)), param_hint="--older-than") from None
    check = {"completed": {"$lt": before}}
    with _opened(source) as database:
        count = len(database.db_query(check, ["msg_id"]))
        if count and not yes:
            click.confirm(
                f"Forget {count:,} tasks completed before {before:%Y-%m-%d %H:%M} UTC?", abort=True, err=True
            )
        if count:
            database.drop_matching_records(check)
    click.echo(f"{count:,} tasks forgotten", err=True)


@tasks_command.command("import")
@click.argument("old")
@click.option("--zone", help="Time zone of dates that have none, as Asia/Tokyo; local without it.")
@click.option("--from-collection", default=COLLECTION, show_default=True, help="Of an old server.")
@click.pass_obj
def import_tasks(source: str, old: str, zone: str | None, from_collection: str) -> None:
    """Import the records of ipyparallel's own database: OLD is its tasks.db, or mongodb://host/database.

    OLD is read, never changed, and no pickle in it is run. A second import keeps nothing twice.

    \b
    mongoglot tasks import ~/.ipython/profile_default/security/tasks.db
    """
    try:
        local = ZoneInfo(zone) if zone else None
    except (OSError, ValueError, KeyError):
        raise click.BadParameter(f"there is no time zone {zone!r}", param_hint="--zone") from None
    with _opened(source, create=True) as database:
        report = import_history(
            old, database, progress=progress_bar(), zone=local, collection=from_collection
        )
    click.echo(report)


@tasks_command.command("timeline")
@click.argument("filter", default="{}")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False), help="An .svg or .png file, in place of the terminal."
)
@click.option("--width", type=click.IntRange(30), help="Of the picture in the terminal.")
@click.pass_obj
def timeline(source: str, filter: str, output: str | None, width: int | None) -> None:
    """Draw what ran when: engines as rows, tasks as bars, failures in red.

    \b
    mongoglot tasks timeline '{started: {$gte: ago("1h")}}'
    mongoglot tasks timeline -o today.svg
    """
    with _opened(source) as database:
        picture = pictures.timeline(database.db_query(filter, pictures.KEYS))
    if output is None:
        _print(picture, width or shutil.get_terminal_size((100, 20)).columns)
    elif output.lower().endswith(".png"):
        pictures.write_png(picture, output)
    elif output.lower().endswith(".svg"):
        Path(output).write_text(pictures.to_svg(picture), encoding="utf-8")
    else:
        raise click.BadParameter("the file's name ends in .svg or .png", param_hint="--output")


def _print(picture: pictures.Timeline, width: int) -> None:
    colours = {"ok": "green", "error": "red", "running": "yellow"}
    for line in pictures.to_text(picture, width):
        click.echo("".join(click.style(text, fg=colours.get(state)) for text, state in line))
    click.echo(pictures.title(picture))
