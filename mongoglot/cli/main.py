"""The group of commands, and what they share: exit codes and how errors are told.

0 is success, 1 is nothing found where `--quiet` asks for just that, 2 is a wrong use or a wrong filter, 3 is a
store that cannot be read or written, 130 is Ctrl-C.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from importlib.metadata import version
from typing import Any, Final, final

import click

from mongoglot.errors import EncodingError, FilterError, MongoglotError, UnsupportedError

NOTHING_FOUND: Final = 1
WRONG_USE: Final = 2
STORE_TROUBLE: Final = 3
INTERRUPTED: Final = 130

COMMANDS: Final = {
    "compile": ("show what a filter becomes", "compiling"),
    "find": ("print the documents that match", "reading"),
    "count": ("count the documents that match", "reading"),
    "explain": ("show how a store would answer", "reading"),
    "load": ("put documents from files into a store", "transfer"),
    "dump": ("write a collection to a file", "transfer"),
    "index": ("make, drop and list indexes", "indexes"),
    "check": ("look for mistakes in filters in files", "checking"),
    "tasks": ("look at the tasks of a cluster", "tasks"),
}
"""Each command with what it does and the module that has it, which is loaded when it is called."""


@final
class Commands(click.Group):
    """The commands; an error of mongoglot becomes a message and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click passes it
        """The names, in the order in which one meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        """The command of a name, or None."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"mongoglot.cli.{COMMANDS[cmd_name][1]}")
        command: click.Command = getattr(module, f"{cmd_name}_command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as above
        """Write the list of commands, without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (about, _) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except MongoglotError as error:
            tell(error)
            ctx.exit(
                WRONG_USE
                if isinstance(error, (FilterError, EncodingError, UnsupportedError))
                else STORE_TROUBLE
            )
        except BrokenPipeError:  # the reader has seen enough; what is still buffered must not fail at exit
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(0)
        except KeyboardInterrupt:
            click.echo("interrupted; what was written before is whole", err=True)
            ctx.exit(INTERRUPTED)


def tell(error: MongoglotError) -> None:
    """Say what is wrong, on standard error, with the place in the text where there is one."""
    click.echo(f"{click.style('error:', fg='red', bold=True)} {error}", err=True)


@click.command(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="A SOURCE is the URL of a store (sqlite:tasks.db, mongodb://host/db) or the name of a file. "
    "A FILTER is what one types in mongosh. Exit codes: 0, 1 nothing found (with --quiet), 2 wrong use or "
    "filter, 3 a store that cannot be read or written.",
)
@click.version_option(version("mongoglot"), prog_name="mongoglot")
def main() -> None:
    """Ask MongoDB filters of any store, and see what they become.

    \b
    mongoglot compile '{age: {$gte: 18}}' --to all
    mongoglot find people.db '{age: {$gte: 18}}'
    mongoglot tasks list --running
    """
