"""What the server says of a token that stands where it does not belong."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, cast

from lark.exceptions import UnexpectedToken

from mongoglot.errors import FilterError, NotYetError, joined
from mongoglot.grammar import token_kinds as tk
from mongoglot.grammar.habits import usual_hint
from mongoglot.grammar.operators import DIALECT_HINTS, OPERATORS, TOP_LEVEL, Dialect

_FIELD_NAME_ADVICE: Final = (
    ". If you have a field name that starts with a '$' symbol, consider using $getField or $setField."
)


def misplaced(shape: tk.Shape, error: UnexpectedToken, dialect: Dialect) -> FilterError:
    """What the server says of a token that the grammar does not expect where it stands."""
    position = cast("int", error.token.start_pos)
    kind, name = shape[position][:2]
    in_operators = "COMPARE" in error.expected
    path = locate(shape, position)
    match ("operator" if in_operators else "filter", kind):
        case ("operator", "LATER") | ("filter", "LATER_TOP"):
            return NotYetError(2, f"{name} is not compiled by this version of mongoglot", path=path)
        case ("filter", "NESTED"):
            hint = f"write {name} beside the field, outside of $elemMatch"
            return FilterError(
                2, f"{name} can only be applied to the top-level document", path=path, hint=hint
            )
        case ("operator", "SERVER") if name == "$where":
            hint = "$where stands beside fields, not under one"
            return FilterError(2, "$where cannot be applied to a field", path=path, hint=hint)
        case ("operator", _):
            return FilterError(2, f"unknown operator: {name}", path=path, hint=_operator_hint(name, dialect))
        case ("filter", "NOT"):
            negate = ". If you are trying to negate an entire expression, use $nor."
            hint = "write {$nor: [{…}]}"
            return FilterError(2, f"unknown top level operator: {name}{negate}", path=path, hint=hint)
        case _:
            reason = f"unknown top level operator: {name}{_FIELD_NAME_ADVICE}"
            return FilterError(2, reason, path=path, hint=_top_hint(name, kind))


def _operator_hint(name: str, dialect: Dialect) -> str | None:
    if name in DIALECT_HINTS:
        return DIALECT_HINTS[name]
    if name in TOP_LEVEL:
        return f"{name} stands beside fields, not under one"
    if (usual := usual_hint(name)) is not None:
        return usual
    if not name.startswith("$"):
        return f"a document of operators holds nothing else; a field below is written 'field.{name}'"
    return _nearest(name, OPERATORS[dialect].keys() - TOP_LEVEL)


def _top_hint(name: str, kind: str) -> str | None:
    if name in DIALECT_HINTS and kind == "OTHER":
        return DIALECT_HINTS[name]
    if kind == "OTHER":
        return usual_hint(name) or _nearest(name, TOP_LEVEL) or _field_hint(name)
    return f"{name} stands under a field: {{field: {{{name}: …}}}}"


def _field_hint(name: str) -> str | None:
    """A `$` in front of what may be a field."""
    return f"a field has no $ in front: write {name[1:]!r}" if name[1:].isidentifier() else None


def _nearest(name: str, operators: Collection[str]) -> str | None:
    """The operator that may stand in this place and is spelled most like the one that was written."""
    close = difflib.get_close_matches(name.lower(), sorted(operators), n=1, cutoff=0.6)
    return f"did you mean '{close[0]}'?" if close else None


@dataclass(slots=True)
class _Frame:
    """What an unclosed token opened: its name, and where it has members how many there were."""

    label: str
    members: int | None = None

    def next(self) -> str:
        """The place of the next member."""
        if self.members is None:
            return ""
        self.members += 1
        return f"[{self.members - 1}]"


def locate(shape: tk.Shape, position: int) -> str:
    """Where in the query the token at a position stands: `'$or[1].price.$gte'`."""
    frames = [_Frame("")]
    for previous, token in pairwise((tk.CLOSE, *shape[:position])):
        match token[0]:
            case "FIELD" | "NOT":
                frames.append(_Frame(token[1]))
            case "LOGICAL" | "ALL" | "LIST_REGEX":
                frames.append(_Frame(token[1], 0))
            case "LITERAL" | "REGEX":
                frames[-1].next()
            case "MATCH" | "MATCH_VALUE":
                place = frames[-1].next()
                frames.append(_Frame(joined(place, token[1]) if place else token[1]))
            case "OPEN" if previous[0] != "MATCH":
                frames.append(_Frame(frames[-1].next()))
            case "CLOSE":
                frames.pop()
            case _:
                pass
    path = shape[position][1]
    for frame in reversed(frames):
        path = joined(frame.label, path) if frame.label else path
    return str(path)
