"""A query as an HTML card with tabs, for notebooks, and its tree as a picture. There is no script in it."""

from __future__ import annotations

import html
from collections.abc import Iterator
from itertools import count
from typing import Final

from mongoglot.debug import SqlStage, Stages
from mongoglot.grammar.text import to_text
from mongoglot.sql_stages import DIALECTS, assignments
from mongoglot.tree import Tree
from mongoglot.xml_text import xml_text

_CARDS: Final = count(1)
"""Numbers of the cards of this process: tabs of two cards must not be taken for each other."""

_BOX, _ROW, _GAP, _LETTER = 26, 58, 16, 6.6

_STYLE: Final = """
.mongoglot{border:1px solid #d0d7de;border-radius:8px;font-family:system-ui,sans-serif}
.mongoglot{color:#1f2328;background:#fff}
.mongoglot>input{display:none}.mongoglot>label{display:inline-block;padding:6px 12px;cursor:pointer;color:#57606a}
.mongoglot>input:checked+label{color:#0969da;border-bottom:2px solid #0969da}
.mongoglot>div{display:none;border-top:1px solid #d0d7de;padding:8px 12px;overflow:auto;max-height:480px}
.mongoglot pre{margin:4px 0;font-size:12px;background:none;color:inherit}
.mongoglot .beside{display:flex;gap:24px;align-items:flex-start;flex-wrap:wrap}
.mongoglot del{color:#c8442d}.mongoglot ins{color:#1a7f37}
"""


def card(stages: Stages) -> str:
    """The stages of a query as HTML."""
    number = next(_CARDS)
    tabs, panes, rules = [], [], []
    for index, (title, body) in enumerate(_tabs(stages)):
        name = f"mongoglot-{number}-{index}"
        checked = " checked" if not index else ""
        tabs.append(
            f'<input type="radio" name="mongoglot-{number}" id="{name}"{checked}>'
            f'<label for="{name}">{html.escape(title)}</label>'
        )
        panes.append(f'<div class="{name}">{body}</div>')
        rules.append(f"#{name}:checked~.{name}{{display:block}}")
    style = f"<style>{_STYLE}{''.join(rules)}</style>"
    return f'{style}<div class="mongoglot">{"".join(tabs)}{"".join(panes)}</div>'


def _tabs(stages: Stages) -> Iterator[tuple[str, str]]:
    """Title and HTML of each tab."""
    yield "Tree", svg(stages.tree)
    if stages.text is not None:
        yield "Text", _pre(stages.text)
    values = "\n".join(f"[{slot}] {value!r}" for slot, value in enumerate(stages.values))
    yield "Tokens", _pre("\n".join(stages.tokens)) + _pre(values)
    yield "Passes", "".join(_pass(step.name, step.changes, step.tree) for step in stages.passes)
    if stages.python is not None:
        yield "Python", _highlighted(stages.python, "python", numbered=True)
    for stage in stages.sql:
        yield DIALECTS.get(stage.dialect, stage.dialect), _sql(stage)
    if stages.notes:
        notes = "".join(f"<li>{html.escape(str(note))}</li>" for note in stages.notes)
        yield "Notes", f"<ul>{notes}</ul>"
    if stages.mongodb is not None:
        yield "MongoDB", _highlighted(to_text(dict(stages.mongodb), indent=2), "javascript")


def _pass(name: str, changes: tuple[str, ...], tree: Tree) -> str:
    lines = [
        f"<{'del' if line[0] == '-' else 'ins'}>{html.escape(line)}</{'del' if line[0] == '-' else 'ins'}>"
        for line in changes
    ]
    shown = "\n".join(lines) or html.escape(str(tree))
    return f"<details open><summary>{html.escape(name)}</summary><pre>{shown}</pre></details>"


def _sql(stage: SqlStage) -> str:
    if stage.text is None:
        return f"<p>{html.escape(f'cannot be said: {stage.refused}')}</p>"
    left = "".join(f"<li>{html.escape(reason)}</li>" for reason in stage.reasons)
    rows = "".join(
        f"<tr><td><code>{html.escape(label)}</code></td><td><code>{html.escape(repr(value))}</code></td></tr>"
        for label, value in assignments(stage)
    )
    rest = f"<p>The rest:</p><ul>{left}</ul>" if left else "<p>The SQL says all of it.</p>"
    return f'<div class="beside">{_highlighted(stage.text, "sql")}<table>{rows}</table></div>{rest}'


def _pre(text: str) -> str:
    return f"<pre>{html.escape(text)}</pre>"


def _highlighted(code: str, language: str, *, numbered: bool = False) -> str:
    """Code in colours; all of it is escaped by the highlighter."""
    from pygments import highlight  # loads much, and only notebooks need it
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import get_lexer_by_name

    formatter = HtmlFormatter(noclasses=True, nobackground=True, linenos="inline" if numbered else False)
    shown: str = highlight(code, get_lexer_by_name(language), formatter)
    return shown


def svg(tree: Tree) -> str:
    """A tree as a picture: a box a node, children below their parent."""
    boxes: list[str] = []
    edges: list[str] = []

    def draw(node: Tree, left: float, depth: int) -> tuple[float, float]:
        """Draw a node and what is below it from `left` on; where its middle is, and where the next may begin."""
        label = node.label if len(node.label) <= 60 else f"{node.label[:59]}…"
        width, y = len(label) * _LETTER + 16, depth * _ROW + 8
        right, middles = left, []
        for child in node.children:
            middle, right = draw(child, right, depth + 1)
            middles.append(middle)
        right = max(right, left + width + _GAP)
        middle = (middles[0] + middles[-1]) / 2 if middles else left + width / 2
        middle = max(middle, left + width / 2)
        edges.extend(
            f'<line x1="{middle:.0f}" y1="{y + _BOX}" x2="{below:.0f}" y2="{y + _ROW}" stroke="#8c959f"/>'
            for below in middles
        )
        fill = "#ddf4ff" if node.children else "#f6f8fa"
        text = xml_text(label)
        boxes.append(
            f'<rect x="{middle - width / 2:.0f}" y="{y}" width="{width:.0f}" height="{_BOX}" rx="6" fill="{fill}" '
            f'stroke="#8c959f"/><text x="{middle:.0f}" y="{y + 17}" text-anchor="middle">{text}</text>'
        )
        return middle, max(right, middle + width / 2 + _GAP)

    _, width = draw(tree, 8, 0)
    height = _depth(tree) * _ROW + 8
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height}" font-size="11" '
        f'font-family="ui-monospace,monospace">{"".join(edges)}{"".join(boxes)}</svg>'
    )


def _depth(tree: Tree) -> int:
    return 1 + max(map(_depth, tree.children), default=0)
