"""The messages of mongoglot as data: for each error an example that raises it, its text, its cause and its cure.

A file of this folder is a stage, `filters.toml`; `docs/messages.md` is made of all of them.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

FOLDER: Final = Path(__file__).parent

STAGES: Final = (
    "filters", "allowed", "text", "regexes", "expressions", "schemas", "find", "writes", "indexes", "stores",
    "tables", "taskdb", "cli",
)  # fmt: skip
"""In the order in which people meet them."""


class Entry(NamedTuple):
    """A message.

    Attributes:
        example: what raises it; the names in it are those of `scene`.
        error: the class, and the code where it has one.
        text: all of it; `⟨…⟩` stands for words of another library, or of the machine.
        cause: in a sentence.
        cure: in a sentence.
        right: the example as it should be; empty where there is none.
    """

    example: str
    error: str
    text: str
    cause: str
    cure: str
    right: str = ""

    def is_text(self, text: str) -> bool:
        """Whether this is the text of the message."""
        lines = "\n".join(line.rstrip() for line in text.splitlines())
        parts = [re.escape(part) for part in re.split("⟨.*?⟩", self.text)]
        return re.fullmatch(".+".join(parts), lines, re.DOTALL) is not None


class Stage(NamedTuple):
    """The messages of one stage.

    Attributes:
        title: a heading.
        intro: what raises them.
        cause, cure: of all of them, where they have none of their own.
        entries: the messages.
    """

    title: str
    intro: str
    cause: str
    cure: str
    entries: tuple[Entry, ...]


class Unshown(NamedTuple):
    """A place in the sources whose error no example shows.

    Attributes:
        module: its file in the package.
        source: the call that makes it, or how that begins.
        test: the test that shows it, `tests/x.py::test_y`; or empty.
        reason: why no test does; or empty.
    """

    module: str
    source: str
    test: str = ""
    reason: str = ""


@cache
def stages() -> tuple[Stage, ...]:
    """All stages."""
    return tuple(_stage(name) for name in STAGES)


def _stage(name: str) -> Stage:
    data = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    cause, cure = data.get("cause", ""), data.get("cure", "")
    entries = [Entry(**{"cause": cause, "cure": cure, **entry}) for entry in data["entry"]]
    return Stage(data["title"], data["intro"], cause, cure, tuple(entries))


def unshown() -> list[Unshown]:
    """The places that no example shows."""
    data = tomllib.loads((FOLDER / "unshown.toml").read_text(encoding="utf-8"))
    return [Unshown(**entry) for entry in data["unshown"]]
