"""Text for a terminal: what would command it, or turn the direction of writing, is shown and not sent."""

from __future__ import annotations

import io
import json
import re
import sys
from typing import Final

import click

_COMMANDS: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e007f]"
)
"""Control characters but newlines and tabs, those without a picture that change how others look, and halves of
characters, which no encoding has."""


def printable(text: str) -> str:
    """Text with all that would command a terminal as an escape of Python, `\\x1b`."""
    return _COMMANDS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


_COLOUR: Final = re.compile("(\x1b\\[[0-9;]*m)")


def printable_in_colour(text: str) -> str:
    """As `printable`, but text may be coloured, as are tracebacks of IPython; the colour ends with it."""
    parts = _COLOUR.split(text)
    shown = "".join(part if number % 2 else printable(part) for number, part in enumerate(parts))
    return f"{shown}\x1b[0m" if len(parts) > 1 else shown


def printable_json(text: str) -> str:
    """JSON that says the same, in which no character commands a terminal."""
    return _COMMANDS.sub(lambda found: json.dumps(found[0])[1:-1], text)


def show(text: str) -> None:
    """Print a text: for a terminal without what commands it, into a pipe as it is."""
    click.echo(printable(text) if sys.stdout.isatty() else text)


def say(text: str) -> None:
    """Print a message to standard error."""
    click.echo(printable(text), err=True)


def remark(text: str) -> None:
    """Say to a person at a terminal what a program has no need to be told."""
    if sys.stdout.isatty():
        say(text)


def use_utf8() -> None:
    """Write UTF-8 into pipes and files, whatever the locale; to a terminal, what it does not have as escapes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            if stream.isatty():
                stream.reconfigure(errors="backslashreplace")
            else:
                stream.reconfigure(encoding="utf-8", errors="backslashreplace")
