"""Trees of filters in words: what `explain()` prints, and a notebook draws."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import ndiff
from typing import assert_never, final

from mongoglot.compiler.ast import (
    Always,
    And,
    Bits,
    Compare,
    ElemMatch,
    Exists,
    Expr,
    Glob,
    HasType,
    In,
    JsonSchema,
    ListSlot,
    Mod,
    Node,
    Not,
    Or,
    RegexMatch,
    Sample,
    ServerOnly,
    Size,
    Slot,
)
from mongoglot.compiler.expression_text import expression_text
from mongoglot.compiler.schema_ast import lines_of
from mongoglot.compiler.trees import dotted


@final
@dataclass(frozen=True, slots=True)
class Tree:
    """A node of a tree, said in words; `int[0]` is a literal of class int, the first of the query's values.

    Attributes:
        label: the node.
        children: what is below it.
    """

    label: str
    children: tuple[Tree, ...] = ()

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self, indent: str = "") -> Iterator[str]:
        """The tree over lines, a node each.

        Args:
            indent: in front of each line.
        """
        yield from (indent + line for line in self.label.splitlines())
        for child in self.children:
            yield from child.lines(indent + "  ")


def changes(before: Tree, after: Tree) -> tuple[str, ...]:
    """The lines of a tree that are not in another one, `- …`, and those that are new there, `+ …`."""
    found = ndiff(list(before.lines()), list(after.lines()))
    return tuple(line for line in found if line[:2] in ("- ", "+ "))


def tree_of(node: Node) -> Tree:
    """A tree of the compiler in words."""
    match node:
        case And(children) | Or(children):
            return Tree(type(node).__name__.lower(), tuple(map(tree_of, children)))
        case Not(child):
            return Tree("not", (tree_of(child),))
        case Compare(path, op, operand):
            return Tree(f"{dotted(path)} {op} {_slot(operand)}")
        case In(path, operand, patterns):
            return Tree(f"{dotted(path)} $in {' and '.join([_slot(operand), *map(_slot, patterns)])}")
        case Glob(path, operand):
            return Tree(f"{dotted(path)} $glob {_slot(operand)}")
        case RegexMatch(path, operand):
            return Tree(f"{dotted(path)} $regex {_slot(operand)}")
        case ServerOnly(path, name, operand):
            return Tree(f"{' '.join(filter(None, (dotted(path), name)))} {_slot(operand)}, for a server")
        case JsonSchema(schema, operand):
            return _nested(f"$jsonSchema {_slot(operand)}", list(lines_of(schema)))
        case Sample(operand, _):
            return Tree(f"$sampleRate {_slot(operand)}")
        case Expr(expression, _):
            lines = expression_text(expression, "").splitlines()
            return _nested(
                "$expr", [((len(line) - len(line.lstrip())) // 2, line.lstrip()) for line in lines]
            )
        case Exists(path):
            return Tree(f"{dotted(path)} exists")
        case HasType(path, types):
            return Tree(f"{dotted(path)} $type {sorted(types)}")
        case Mod(path, divisor, remainder):
            return Tree(f"{dotted(path)} $mod [{divisor}, {remainder}]")
        case Size(path, length):
            return Tree(f"{dotted(path)} $size {length}")
        case Bits(path, op, positions):
            return Tree(f"{dotted(path)} {op} {list(positions)}")
        case ElemMatch(path, child, by_value):
            of = "an element" if by_value else "a document"
            return Tree(f"{dotted(path)} has {of} with", (tree_of(child),))
        case Always(value):
            return Tree("always" if value else "never")
        case _:
            assert_never(node)


def _nested(label: str, lines: list[tuple[int, str]]) -> Tree:
    """A tree of lines that say how deep they are, from 0."""
    children, position = [], 0
    while position < len(lines):
        end = position + 1
        while end < len(lines) and lines[end][0] > lines[position][0]:
            end += 1
        children.append(_nested(lines[position][1], lines[position + 1 : end]))
        position = end
    return Tree(label, tuple(children))


def _slot(slot: Slot | ListSlot) -> str:
    kinds = slot.kind if isinstance(slot, Slot) else f"list of {'|'.join(sorted(slot.kinds))}"
    parts = slot.parts if isinstance(slot, ListSlot) else ()
    return f"{kinds}[{', '.join(str(part.index) for part in parts or (slot,))}]"
