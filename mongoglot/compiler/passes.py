"""The passes: named pure functions from tree to tree, run in order until nothing changes.

Each keeps the meaning on every document. Two rewrites that look right are wrong in this language and
must never be added: `not (a > 5)` is not `a <= 5`, and `a > 5 and a < 3` can match (`[1, 6]`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, assert_never

from mongoglot.compiler.ast import (
    Always,
    And,
    Bits,
    Compare,
    ElemMatch,
    Exists,
    Glob,
    HasType,
    In,
    Mod,
    Node,
    Not,
    Or,
    Size,
    conjunction,
    disjunction,
)

Pass: TypeAlias = Callable[[Node], Node]


def decide_operands(node: Node) -> Node:
    """Comparisons that the class of their operand decides (semantics 1.2).

    `a > null` → never; `a >= null` → `a = null`; `a < NaN` → never; `a <= MinKey` → `a = MinKey`;
    `a in []` → never.
    """
    match node:
        case Compare(path, op, operand):
            match op, operand.kind:
                case ("$gt" | "$lt", "null" | "nan") | ("$lt", "minkey") | ("$gt", "maxkey"):
                    return Always(False)
                case ("$gte" | "$lte", "null" | "nan") | ("$lte", "minkey") | ("$gte", "maxkey"):
                    return Compare(path, "$eq", operand)
                case _:
                    return node
        case In(_, operand) if not operand.kinds:
            return Always(False)
        case _:
            return _with_children(node, decide_operands)


def remove_double_negation(node: Node) -> Node:
    """`not not x` → `x`, at any depth."""
    match node:
        case Not(Not(child)):
            return remove_double_negation(child)
        case _:
            return _with_children(node, remove_double_negation)


def fold_constants(node: Node) -> Node:
    """`x and never` → never; `x or never` → `x`; `not always` → never."""
    match _with_children(node, fold_constants):
        case And(children):
            if Always(False) in children:
                return Always(False)
            return conjunction(tuple(child for child in children if child != Always(True)))
        case Or(children):
            if Always(True) in children:
                return Always(True)
            return disjunction(tuple(child for child in children if child != Always(False)))
        case Not(Always(value)):
            return Always(not value)
        case ElemMatch(_, Always(False), _):
            return Always(False)
        case folded:
            return folded


def flatten(node: Node) -> Node:
    """`(x and y) and z` → `x and y and z`; `or` likewise."""
    match _with_children(node, flatten):
        case And(children):
            parts = (child.children if isinstance(child, And) else (child,) for child in children)
            return And(tuple(part for group in parts for part in group))
        case Or(children):
            parts = (child.children if isinstance(child, Or) else (child,) for child in children)
            return Or(tuple(part for group in parts for part in group))
        case flat:
            return flat


PASSES: tuple[Pass, ...] = (decide_operands, remove_double_negation, fold_constants, flatten)


def optimise(node: Node) -> Node:
    """The tree after all passes, at their fixpoint."""
    return optimise_steps(node)[-1][1]


def optimise_steps(node: Node) -> list[tuple[str, Node]]:
    """Each pass that changed the tree, with what it left; the last entry is the result.

    Raises:
        AssertionError: the passes go round in a circle, which is a bug in one of them.
    """
    steps = [("parsed", node)]
    seen = {node}
    while True:
        before = node
        for step in PASSES:
            changed = step(node)
            if changed != node:
                steps.append((step.__name__, changed))
                node = changed
        if node == before:
            return steps
        if node in seen:
            raise AssertionError(f"the passes came back to {node}: {[name for name, _ in steps]}")
        seen.add(node)


def _with_children(node: Node, rewrite: Pass) -> Node:
    """The node with its children rewritten; itself where it has none."""
    match node:
        case And(children):
            return And(tuple(rewrite(child) for child in children))
        case Or(children):
            return Or(tuple(rewrite(child) for child in children))
        case Not(child):
            return Not(rewrite(child))
        case ElemMatch(path, child, by_value):
            return ElemMatch(path, rewrite(child), by_value)
        case Compare() | In() | Exists() | Glob() | HasType() | Mod() | Size() | Bits() | Always():
            return node
        case _:
            assert_never(node)
