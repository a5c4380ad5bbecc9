"""The group of commands, and what they share: exit codes and how errors are told.

0 is success, 1 is nothing found where `--quiet` asks for just that, 2 is a mistake of the user in an option, a
filter or a file, 3 is a store or a file that cannot be read or written, 130 is Ctrl-C.
"""

from __future__ import annotations

import os
import sys
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import version
from typing import Any, Final, final

import click

from mongoglot.cli.terminal import printable, say, use_utf8
from mongoglot.errors import (
    EncodingError,
    FilterError,
    MongoglotError,
    UnknownTaskError,
    UnsupportedError,
    WriteError,
)

NOTHING_FOUND: Final = 1
WRONG_USE: Final = 2
STORE_TROUBLE: Final = 3
INTERRUPTED: Final = 130

_MISTAKES: Final = (FilterError, EncodingError, UnsupportedError, WriteError, UnknownTaskError)

COMMANDS: Final = {
    "compile": ("show what a filter becomes", "compiling"),
    "find": ("print the documents that match", "reading"),
    "count": ("count the documents that match", "reading"),
    "explain": ("show how a store would answer", "explaining"),
    "load": ("put documents from files into a store", "load"),
    "dump": ("write a collection to a file", "dump"),
    "index": ("make, drop and list indexes", "indexes"),
    "check": ("look for mistakes in filters in files", "checking"),
    "tasks": ("look at the tasks of a cluster", "tasks"),
    "completion": ("print what makes a shell complete commands", "completion"),
}
"""Each command with what it does and the module that has it, which is loaded when it is called."""


@final
class BadInputError(click.ClickException):
    """A file that holds what cannot be read: a mistake of the user, with its place."""

    exit_code = WRONG_USE

    def show(self, file: Any = None) -> None:  # noqa: ARG002 - click passes it
        """Tell it as all errors are told."""
        tell(self.message)


class Suggesting(click.Group):
    """Commands; a misspelt one is answered with what was probably meant."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command of the first argument."""
        known = self.list_commands(ctx)
        if args and args[0] not in known and not args[0].startswith("-"):
            likely = get_close_matches(args[0], known, 1)
            advice = f"did you mean {likely[0]!r}?" if likely else f"there are {', '.join(known)}"
            ctx.fail(f"No such command {args[0]!r}; {advice}")
        return super().resolve_command(ctx, args)


@final
class Commands(Suggesting):
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
        use_utf8()
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()  # an error of the last write is one of the command
        except MongoglotError as error:
            _flushed()
            tell(str(error))
            ctx.exit(exit_code(error))
        except BrokenPipeError:  # the reader has seen enough
            _give_up_output()
            ctx.exit(0)
        except OSError as error:
            _give_up_output()
            tell(f"{error.strerror or error}" + (f": {error.filename}" if error.filename else ""))
            ctx.exit(STORE_TROUBLE)
        except (KeyboardInterrupt, click.Abort):
            say("interrupted; what was written before is whole")
            ctx.exit(INTERRUPTED)
        return result


def exit_code(error: MongoglotError) -> int:
    """Whose mistake an error is: the user's, or trouble with a store."""
    return WRONG_USE if isinstance(error, _MISTAKES) else STORE_TROUBLE


def tell(message: str) -> None:
    """Say what is wrong, on standard error, with the place in the text where there is one."""
    click.echo(f"{click.style('error:', fg='red', bold=True)} {printable(message)}", err=True)


def _flushed() -> None:
    """Write what was found before an error, ahead of it."""
    try:
        sys.stdout.flush()
    except OSError:
        _give_up_output()


def _give_up_output() -> None:
    """Send what is still buffered for standard output nowhere, so that it does not fail once more at exit."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError:  # it is no file
        return


@click.command(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="A SOURCE is the URL of a store (sqlite:tasks.db, mongodb://host/db), a table of a database "
    "(postgresql://host/db#users), the name of a file, or '-' for standard input. A FILTER is what one types in "
    "mongosh. Exit codes: 0, 1 nothing found (with --quiet), 2 a mistake in what was asked, 3 a store or file "
    "that cannot be read or written, 130 Ctrl-C.",
)
@click.version_option(version("mongoglot"), prog_name="mongoglot")
def main() -> None:
    """Ask MongoDB filters of any store, and see what they become.

    \b
    mongoglot compile '{age: {$gte: 18}}' --to all
    mongoglot find people.db '{age: {$gte: 18}}'
    mongoglot tasks list --running
    """
