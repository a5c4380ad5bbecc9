"""The pages of the documentation: their sections, the examples in them, and how these are run."""

from __future__ import annotations

import doctest
import re
import shlex
import tomllib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from click.testing import CliRunner

from mongoglot.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).parent.parent

SERVER_URL = "mongodb://localhost:27017/shop"
"""Where an example finds its server; a section that has it is run on the tests' server."""

POSTGRESQL_URL = "postgresql://localhost/shop"
"""Where an example finds PostgreSQL, which runs in an empty database of the tests' server."""

OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.REPORT_ONLY_FIRST_FAILURE


class Section(NamedTuple):
    """What stands under one heading.

    Attributes:
        title: the heading.
        line: its number in the page, from 0.
        text: all of it, the heading included.
    """

    title: str
    line: int
    text: str

    @property
    def needs_server(self) -> bool:
        """Whether an example connects to a server of MongoDB."""
        return any(SERVER_URL in example.source for example in examples(self))

    @property
    def needs_postgresql(self) -> bool:
        """Whether an example connects to PostgreSQL."""
        return any(POSTGRESQL_URL in example.source for example in examples(self))

    @property
    def blocks(self) -> Iterator[tuple[str, int, str]]:
        """Language, line in the page and text of each fenced block."""
        for found in re.finditer(r"^```(\S*)\n(.*?)^```$", self.text, re.M | re.S):
            yield found[1], self.line + self.text.count("\n", 0, found.start()) + 1, found[2]


def sections(name: str) -> list[Section]:
    """The sections of a page, the part in front of the first heading among them."""
    text = (ROOT / name).read_text(encoding="utf-8")
    fences = [found.span() for found in re.finditer(r"^```.*?^```$", text, re.M | re.S)]
    starts = [
        found.start()
        for found in re.finditer(r"^##? .*$", text, re.M)
        if not any(low < found.start() < high for low, high in fences)
    ]
    edges = [0, *(start for start in starts if start), len(text)]
    return [
        Section(text[low:high].split("\n", 1)[0].lstrip("# "), text.count("\n", 0, low), text[low:high])
        for low, high in pairwise(edges)
    ]


COMMAND = re.compile(r"^\$ (mongoglot .*)\n((?:(?!\$ ).*\n)*)", re.M)
"""A command as one types it, and what it prints."""


def examples(section: Section) -> list[doctest.Example]:
    """The `>>>` examples of a section, and its commands, where a block shows what they print.

    Text in blocks of examples that is part of none is an error of the page.
    """
    found = []
    for language, line, block in section.blocks:
        if language == "console" and any(printed for _, printed in COMMAND.findall(block)):
            found += [
                doctest.Example(
                    f"_command({command[1]!r})\n",
                    command[2],
                    lineno=line + block.count("\n", 0, command.start()),
                )
                for command in COMMAND.finditer(block)
            ]
        if ">>>" not in block:
            continue
        for part in doctest.DocTestParser().parse(block):
            if isinstance(part, doctest.Example):
                part.lineno += line
                found.append(part)
            elif part.strip():
                raise AssertionError(f"after line {line + 1}: {part.strip()!r} is output of no example")
    return found


def type_command(line: str) -> None:
    """Run a command as a shell would, and print what it prints, errors included."""
    done = CliRunner().invoke(main, shlex.split(line)[1:], prog_name="mongoglot")
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    print(done.output, end="")


def run(
    name: str, parts: Iterable[Section], server: str = SERVER_URL, postgresql: str = POSTGRESQL_URL
) -> None:
    """Run the examples of some sections of a page in one namespace."""
    found = [example for section in parts for example in examples(section)]
    for example in found:
        example.source = example.source.replace(SERVER_URL, server).replace(POSTGRESQL_URL, postgresql)
    report: list[str] = []
    test = doctest.DocTest(found, {"__name__": "__main__", "_command": type_command}, name, name, 0, None)
    doctest.DocTestRunner(optionflags=OPTIONS).run(test, out=report.append)
    assert not report, "".join(report)


def install(name: str, folder: Path) -> None:
    """Put the files that a page shows (`# shelf.py`) into a folder, a pyproject.toml as an installed package."""
    for section in sections(name):
        for _, _, block in section.blocks:
            if found := re.match(r"# (\w+\.(?:py|toml))\n", block):
                (folder / found[1]).write_text(block, encoding="utf-8")
    project = folder / "pyproject.toml"
    if project.exists():
        groups = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["entry-points"]
        lines = [
            f"[{group}]\n" + "".join(f"{scheme} = {target}\n" for scheme, target in points.items())
            for group, points in groups.items()
        ]
        metadata = folder / "shown-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: shown\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text("".join(lines))
