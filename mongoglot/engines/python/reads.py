"""Reading the paths of a function's predicates through plain dicts, each step of each path once.

A variable holds the value at the end of a path: `OTHER` where the way there meets what is neither a dict nor a
scalar, and where it ends early `MISSING`, or None if no predicate tells a missing field from null.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeAlias

from mongoglot.compiler.ast import Compare, ElemMatch, Exists, In, Leaf, Node, Path, RegexMatch
from mongoglot.compiler.trees import leaves
from mongoglot.engines.python.source import SourceWriter

MAX_LENGTH: Final = 12
"""A longer path is left to the general test."""

_MAX_READ_AHEAD: Final = 8

_TYPED: Final = frozenset({"int", "double", "string", "objectid", "date", "bool"})

Steps: TypeAlias = dict[str, "Steps"]
"""What is read below a path: name → what is read below that."""


def telling_missing(node: Node) -> frozenset[Path]:
    """The paths of the predicates to which a missing field is something else than null."""
    return frozenset(leaf.path for leaf in leaves(node) if not _ignores_missing(leaf))


def _ignores_missing(leaf: Leaf) -> bool:
    match leaf:
        case Compare(_, _, operand):
            return operand.kind in _TYPED
        case In(_, operand, ()):
            return operand.kinds <= _TYPED
        case RegexMatch() | ElemMatch():
            return True
        case _:
            return False


def read_ahead(node: Node, out: SourceWriter) -> None:
    """Write statements that read the paths of a part which has few, so that they are read once."""
    kinds = (Compare, In, Exists, RegexMatch, ElemMatch)
    paths = [leaf.path for leaf in leaves(node) if isinstance(leaf, kinds)]
    if len(paths) > _MAX_READ_AHEAD:
        return
    steps: Steps = {}
    for path in paths:
        below = steps
        for name in path[:MAX_LENGTH]:
            below = below.setdefault(name, {})
    _write_steps((), steps, out)


def _write_steps(above: Path, steps: Steps, out: SourceWriter) -> None:
    """Read what lies directly below a path, then what lies below that, where it is a dict."""
    parent = out.reads[above] if above else "document"
    for name in steps:
        path = (*above, name)
        if path not in out.reads:
            out.reads[path] = out.local()
            out.line(f"{out.reads[path]} = {_get(parent, path, out)}")
    for name, below in steps.items():
        path = (*above, name)
        unread = [end for end in _ends(path, below) if end not in out.reads]
        if not unread:
            continue
        variable = out.reads[path]
        out.line(f"if {variable}.__class__ is dict:")
        out.indent += 1
        _write_steps(path, below, out)
        out.indent -= 1
        targets = " = ".join(out.reads[end] for end in unread)
        out.line(f"else:\n    {targets} = MISSING if {variable}.__class__ in SCALARS else OTHER")


def _ends(above: Path, steps: Steps) -> Iterable[Path]:
    """All paths that are read below one."""
    for name, below in steps.items():
        yield (*above, name)
        yield from _ends((*above, name), below)


def read(path: Path, out: SourceWriter) -> tuple[str, str]:
    """The variable that holds the value of a path, and an expression that reads it where it is not read yet."""
    if path in out.reads:
        return out.reads[path], out.reads[path]
    variable = out.local()
    return variable, f"({variable} := {_step(path, out)})"


def _step(path: Path, out: SourceWriter) -> str:
    """Read the last component of a path from the value of what comes before it."""
    if len(path) == 1:
        return _get("document", path, out)
    parent, reading = read(path[:-1], out)
    return (
        f"{_get(parent, path, out)} if {reading}.__class__ is dict"
        f" else MISSING if {parent}.__class__ in SCALARS else OTHER"
    )


def _get(parent: str, path: Path, out: SourceWriter) -> str:
    default = ", MISSING" if path in out.telling_missing else ""
    return f"{parent}.get({out.key(path[-1])}{default})"
