"""The page of all messages: `python -m tests.messages.page` writes `docs/messages.md`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tests.messages.catalogue import Entry, Stage, stages

PAGE: Final = Path(__file__).parent.parent.parent / "docs" / "messages.md"

_INTRO: Final = """# Every message

What mongoglot says when something is wrong, by stage: the text, what raises it, the cause and the cure. The
class of the error and the server's code stand in front of the text. [Errors](errors.md) tells how errors are
made, and what they carry.

The words are a server's wherever it has some; what stands behind the semicolon is mongoglot's advice. `⟨…⟩`
stands for words of a library or of a machine. In the examples `compile` is `mongoglot.compile` and `connect` is
`mongoglot.connect`; `items` is a collection with a pen, `{"_id": 1, "name": "pen", "price": 5, "sizes": [1, 2]}`;
`cli(…)` is the command line, and `without(library, …)` a machine where a library is not installed.

This page is made of the tests that raise each of these errors and compare all of its text:
`python -m tests.messages.page`. Another test looks for errors in the sources that no example here raises.
"""


def code(text: str) -> str:
    """Text as code in a cell of a table; only the first line of what shows a place with a caret."""
    lines = text.split("\n")
    shown = lines[0] if len(lines) < 2 or lines[-1].strip() == "^" else " ".join(lines)
    shown = shown.replace("|", "\\|")
    fence = "``" if "`" in shown else "`"
    return f"{fence} {shown} {fence}" if fence == "``" else f"{fence}{shown}{fence}"


def row(entry: Entry, *, alone: bool) -> str:
    """A message as a row; `alone` where it has a cause of its own."""
    said = f"**{entry.error}** {code(entry.text)}"
    if not alone:
        return f"| {said} | {code(entry.example)} |"
    cure = entry.cure + (f" {code(entry.right)}" if entry.right else "")
    return f"| {said} | {code(entry.example)} | {entry.cause} | {cure} |"


def section(stage: Stage) -> str:
    """A stage as a section."""
    head = f"## {stage.title}\n\n{stage.intro}"
    if stage.cause:
        head += f" {stage.cause} {stage.cure}"
    columns = ("message", "example") if stage.cause else ("message", "example", "cause", "cure")
    lines = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    lines += [row(entry, alone=not stage.cause) for entry in stage.entries]
    return f"{head}\n\n" + "\n".join(lines) + "\n"


def page() -> str:
    """All of it."""
    return "\n".join([_INTRO, *map(section, stages())])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
