"""The picture of the README: one filter, and what it becomes, in the words of the compiler.

`python -m tests.picture` writes docs/images/one-query.svg. The tests fail where it is not what is printed.
"""

from __future__ import annotations

import inspect
import textwrap
from pathlib import Path
from xml.sax.saxutils import escape

import mongoglot
from mongoglot import Column, Table

PATH = Path(__file__).parent.parent / "docs" / "images" / "one-query.svg"

FILTER = {"year": {"$gte": 1970}, "tags": "sf"}
BOOKS = Table("books", (Column("year", "number"),), document="doc")

WIDTH, MARGIN, LABEL, LINE, PADDING = 860, 10, 96, 16, 12
COLUMNS = 94
"""Characters in a line; a longer one is broken."""

COLOURS = {
    "filter": "#fff7e0",
    "tree": "#eef1f5",
    "Python": "#e6f0fb",
    "SQL": "#e5f5ea",
    "MongoDB": "#f3eafa",
}


def parts() -> dict[str, str]:
    """What stands in each box, as the compiler prints it."""
    query = mongoglot.compile(FILTER)
    sql = query.to_sql(table=BOOKS)
    return {
        "filter": repr(FILTER),
        "tree": str(query.explain().passes[-1][1]),
        "Python": textwrap.dedent(inspect.getsource(query.to_python())).strip(),
        "SQL": f"{sql.text}\n\n{sql.parameters}",
        "MongoDB": repr(query.to_mongodb()),
    }


def broken(text: str) -> list[str]:
    """Lines that fit, the rest of a long one set in further."""
    wrapper = textwrap.TextWrapper(COLUMNS, break_long_words=False, break_on_hyphens=False)
    lines: list[str] = []
    for line in text.splitlines():
        wrapper.subsequent_indent = " " * (len(line) - len(line.lstrip()) + 4)
        lines += wrapper.wrap(line) or [""]
    return lines


def drawing() -> str:
    """The picture, as SVG."""
    shapes, top = [], MARGIN
    for name, text in parts().items():
        lines = broken(text)
        height = len(lines) * LINE + 2 * PADDING
        middle = top + height / 2
        shapes.append(
            f'<rect x="{LABEL}" y="{top}" width="{WIDTH - LABEL - MARGIN}" height="{height}" rx="6" '
            f'fill="{COLOURS[name]}" stroke="#c5cbd3"/>'
            f'<text class="label" x="{LABEL - 14}" y="{middle + 5:g}">{name}</text>'
        )
        for number, line in enumerate(lines):
            y = top + PADDING + LINE * number + 12
            shapes.append(f'<text x="{LABEL + PADDING}" y="{y}">{escape(line)}</text>')
        top += height + MARGIN
    size = f'viewBox="0 0 {WIDTH} {top}" width="{WIDTH}" height="{top}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xml:space="preserve" {size}>\n'
        "<title>One filter becomes a tree, and the tree becomes Python, SQL and a filter for MongoDB</title>\n"
        "<style>text { font: 12.5px ui-monospace, Menlo, Consolas, monospace; fill: #1d2430; white-space: pre }\n"
        ".label { font: bold 14px system-ui, sans-serif; text-anchor: end; fill: #57606a }</style>\n"
        f'<rect width="{WIDTH}" height="{top}" rx="8" fill="#ffffff"/>\n' + "\n".join(shapes) + "\n</svg>\n"
    )


if __name__ == "__main__":
    PATH.write_text(drawing(), encoding="utf-8")
