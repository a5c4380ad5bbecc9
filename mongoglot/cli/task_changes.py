"""`tasks purge` and `tasks import`."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import click

from mongoglot.cli.task_source import TaskSource, count_of, opened_tasks
from mongoglot.cli.terminal import say, show
from mongoglot.grammar.shell_dates import duration
from mongoglot.grammar.shell_values import UnfitError
from mongoglot.taskdb.history import import_history, progress_bar
from mongoglot.taskdb.old_records import COLLECTION


@click.command("purge")
@click.option("--older-than", required=True, help="By when they were completed: '30d', '12h'.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def purge(tasks: TaskSource, older_than: str, yes: bool) -> None:
    """Forget tasks that were completed long ago; those that have not ended stay.

    \b
    mongoglot tasks purge --older-than 30d
    mongoglot tasks --db cluster.db purge --older-than 12h --yes
    """
    try:
        before = datetime.now(UTC) - duration(older_than)
    except (UnfitError, OverflowError) as error:
        raise click.BadParameter(str(getattr(error, "reason", error)), param_hint="--older-than") from None
    check = {"completed": {"$lt": before}}
    with opened_tasks(tasks) as database:
        count = count_of(database, check)
        question = f"Forget {count:,} tasks completed before {before:%Y-%m-%d %H:%M} UTC?"
        if count and (yes or click.confirm(question, err=True)):
            database.drop_matching_records(check)
        else:
            count = 0
    say(f"{count:,} tasks forgotten")


@click.command("import")
@click.argument("old")
@click.option("--zone", help="Time zone of dates that have none, as Asia/Tokyo; local without it.")
@click.option("--from-collection", default=COLLECTION, show_default=True, help="Of an old server.")
@click.pass_obj
def import_tasks(tasks: TaskSource, old: str, zone: str | None, from_collection: str) -> None:
    """Import the records of ipyparallel's own database: OLD is its tasks.db, or mongodb://host/database.

    OLD is read, never changed, and no pickle in it is run. A second import keeps nothing twice, so an import that
    was interrupted is run again.

    \b
    mongoglot tasks import ~/.ipython/profile_default/security/tasks.db
    mongoglot tasks --db mongodb://localhost/cluster import old/tasks.db --zone Asia/Tokyo
    """
    try:
        local = ZoneInfo(zone) if zone else None
    except (OSError, ValueError, KeyError):
        raise click.BadParameter(f"there is no time zone {zone!r}", param_hint="--zone") from None
    with opened_tasks(tasks, create=True) as database:
        report = import_history(
            old, database, progress=progress_bar(), zone=local, collection=from_collection
        )
    show(str(report))
