"""Pictures of what a cluster did when: in letters, as SVG, as PNG."""

from __future__ import annotations

from itertools import groupby

from mongoglot.cli.timeline import COLOURS, Bar, Timeline, title
from mongoglot.errors import UnsupportedError
from mongoglot.xml_text import xml_text

_ROW, _LEFT, _WIDTH, _TOP = 22, 150, 1000, 34


def to_text(picture: Timeline, width: int) -> list[list[tuple[str, str]]]:
    """The picture in letters: lines of pieces, each a text and its state, an empty one for none.

    Of several tasks in one place, a failed one is seen first, then a running one. The last line has the times.
    """
    room, order = max(width - 16, 10), ("", "ok", "running", "error")
    rows = {engine: [""] * room for engine in picture.engines}
    for bar in picture.bars:
        cells = rows[bar.engine]
        first = min(int(picture.share(bar.start) * room), room - 1)
        last = min(max(int(picture.share(bar.end) * room), first + 1), room)
        for place in range(first, last):
            cells[place] = max(cells[place], bar.state, key=order.index)
    lines: list[list[tuple[str, str]]] = []
    for engine, cells in rows.items():
        name = engine if len(engine) <= 14 else f"{engine[:13]}…"
        pieces = [(f"{name:<15}", "")]
        pieces += [(("█" if state else "·") * len(list(run)), state) for state, run in groupby(cells)]
        lines.append(pieces)
    if rows:
        start, end = f"{picture.start:%Y-%m-%d %H:%M:%S}", f"{picture.seconds:,.1f} s"
        lines.append([(f"{'':<15}{start}{end:>{max(room - len(start), 0)}}", "")])
    return lines


def to_svg(picture: Timeline) -> str:
    """The picture as SVG; every bar tells its name and time where one points at it."""
    height = _TOP + _ROW * max(len(picture.engines), 1) + 30
    rows = {engine: number for number, engine in enumerate(picture.engines)}
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{_LEFT + _WIDTH + 20}" height="{height}" '
            'font-family="sans-serif" font-size="12">'
        ),
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="10" y="20">{xml_text(title(picture))}</text>',
    ]
    for engine, number in rows.items():
        y = _TOP + _ROW * number
        parts.append(f'<text x="10" y="{y + 15}">{xml_text(engine[:20])}</text>')
        parts.append(f'<line x1="{_LEFT}" x2="{_LEFT + _WIDTH}" y1="{y + 20}" y2="{y + 20}" stroke="#ddd"/>')
    for bar in picture.bars:
        x, width = _place(picture, bar)
        seconds = (bar.end - bar.start).total_seconds()
        about = f"{bar.name}: {bar.state}, {seconds:.3f} s from {bar.start.isoformat()}"
        parts.append(
            f'<rect x="{x:.1f}" y="{_TOP + _ROW * rows[bar.engine] + 3}" width="{width:.1f}" height="15" '
            f'fill="{COLOURS[bar.state]}"><title>{xml_text(about)}</title></rect>'
        )
    y = height - 10
    parts.append(f'<text x="{_LEFT}" y="{y}">{picture.start.isoformat(timespec="seconds")}</text>')
    parts.append(f'<text x="{_LEFT + _WIDTH}" y="{y}" text-anchor="end">{picture.seconds:,.1f} s</text>')
    return "\n".join([*parts, "</svg>\n"])


def write_png(picture: Timeline, path: str) -> None:
    """The picture as PNG.

    Raises:
        UnsupportedError: Pillow is not installed.
    """
    try:
        from PIL import Image, ImageDraw
    except ImportError:
        raise UnsupportedError(
            "a PNG needs the package pillow: pip install pillow; an .svg needs nothing"
        ) from None
    rows = {engine: number for number, engine in enumerate(picture.engines)}
    height = _TOP + _ROW * max(len(rows), 1) + 30
    image = Image.new("RGB", (_LEFT + _WIDTH + 20, height), "white")
    draw = ImageDraw.Draw(image)
    draw.text((10, 8), title(picture), fill="black")
    for engine, number in rows.items():
        draw.text(
            (10, _TOP + _ROW * number + 4), engine[:20].encode("ascii", "replace").decode(), fill="black"
        )
    for bar in picture.bars:
        x, width = _place(picture, bar)
        y = _TOP + _ROW * rows[bar.engine] + 3
        draw.rectangle((x, y, x + width, y + 15), fill=COLOURS[bar.state])
    draw.text(
        (_LEFT, height - 22),
        f"{picture.start.isoformat(timespec='seconds')}, {picture.seconds:,.1f} s",
        fill="black",
    )
    image.save(path, "PNG")


def _place(picture: Timeline, bar: Bar) -> tuple[float, float]:
    """Where a bar begins and how wide it is, in pixels; the shortest can still be seen."""
    x = _LEFT + picture.share(bar.start) * _WIDTH
    return x, max((picture.share(bar.end) - picture.share(bar.start)) * _WIDTH, 1.0)
