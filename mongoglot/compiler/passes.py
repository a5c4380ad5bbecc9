"""The passes: named pure functions from tree to tree, run in order until nothing changes.

Each keeps the meaning on every document. Two rewrites that look right are wrong in this language and
must never be added: `not (a > 5)` is not `a <= 5`, and `a > 5 and a < 3` can match (`[1, 6]`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Final, TypeAlias, assert_never

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
    Path,
    RegexMatch,
    Sample,
    ServerOnly,
    Size,
    Slot,
)
from mongoglot.compiler.trees import conjunction, disjunction
from mongoglot.compiler.values import ValueClass

Pass: TypeAlias = Callable[[Node], Node]

MAX_ROUNDS: Final = 50
"""More rounds than any tree needs; passes that still change it go round in a circle."""


def everywhere(rule: Pass) -> Pass:
    """The pass that applies a rule to every node of a tree, children first; an unchanged tree is returned itself.

    It keeps its own stack: a filter may nest deeper than Python likes to call.
    """

    @wraps(rule)
    def applied(node: Node) -> Node:
        pending = [(node, False)]
        done: list[Node] = []
        while pending:
            current, ready = pending.pop()
            children = _children(current)
            if children and not ready:
                pending.append((current, True))
                pending.extend((child, False) for child in reversed(children))
                continue
            if children:
                rewritten = tuple(done[-len(children) :])
                del done[-len(children) :]
                if any(new is not old for new, old in zip(rewritten, children, strict=True)):
                    current = _with_children(current, rewritten)
            done.append(rule(current))
        return done[0]

    return applied


@everywhere
def spread_patterns(node: Node) -> Node:
    """`a in [1, /b/]` → `a in [1] or a =~ /b/`."""
    match node:
        case In(path, operand, patterns) if patterns:
            return Or((In(path, operand), *(RegexMatch(path, pattern) for pattern in patterns)))
        case _:
            return node


@everywhere
def decide_operands(node: Node) -> Node:
    """Comparisons that the class of their operand decides (semantics 1.2), and samples of all and nothing.

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
        case In(_, operand, ()) if not operand.kinds:
            return Always(False)
        case Sample(_, bool() as value):
            return Always(value)
        case _:
            return node


@everywhere
def remove_double_negation(node: Node) -> Node:
    """`not not x` → `x`."""
    match node:
        case Not(Not(child)):
            return child
        case _:
            return node


@everywhere
def fold_constants(node: Node) -> Node:
    """`x and never` → never; `x or never` → `x`; `not always` → never."""
    match node:
        case And(children):
            if Always(False) in children:
                return Always(False)
            kept = tuple(child for child in children if child != Always(True))
            return node if len(kept) == len(children) > 1 else conjunction(kept)
        case Or(children):
            if Always(True) in children:
                return Always(True)
            kept = tuple(child for child in children if child != Always(False))
            return node if len(kept) == len(children) > 1 else disjunction(kept)
        case Not(Always(value)):
            return Always(not value)
        case ElemMatch(_, Always(False), _):
            return Always(False)
        case _:
            return node


@everywhere
def flatten(node: Node) -> Node:
    """`(x and y) and z` → `x and y and z`; `or` likewise."""
    match node:
        case And(children) if any(isinstance(child, And) for child in children):
            groups = (child.children if isinstance(child, And) else (child,) for child in children)
            return And(tuple(part for group in groups for part in group))
        case Or(children) if any(isinstance(child, Or) for child in children):
            groups = (child.children if isinstance(child, Or) else (child,) for child in children)
            return Or(tuple(part for group in groups for part in group))
        case _:
            return node


@everywhere
def gather_equalities(node: Node) -> Node:
    """`a = 1 or b = 2 or a = 3 or a in l` → `a in [1, 3, *l] or b = 2`.

    Not where the operand is a regular expression: one in a list also matches strings (semantics 3.1).
    """
    if not isinstance(node, Or):
        return node
    operands: dict[Path, list[Slot | ListSlot]] = {}
    for child in node.children:
        if (found := _equality(child)) is not None:
            operands.setdefault(found[0], []).append(found[1])
    if all(len(parts) == 1 for parts in operands.values()):
        return node
    children: list[Node] = []
    for child in node.children:
        found = _equality(child)
        if found is None:
            children.append(child)
            continue
        parts = operands.pop(found[0], [])  # the first that is met stands for all
        if parts:
            children.append(child if len(parts) == 1 else In(found[0], _joined(parts)))
    return disjunction(tuple(children))


def _equality(node: Node) -> tuple[Path, Slot | ListSlot] | None:
    """The path of an equality with one value or several, and its operand."""
    match node:
        case Compare(path, "$eq", operand) if operand.kind != "regex":
            return path, operand
        case In(path, operand, ()):
            return path, operand
        case _:
            return None


def _joined(operands: list[Slot | ListSlot]) -> ListSlot:
    """The list of all that the operands hold."""
    parts: list[Slot | ListSlot] = []
    kinds = set[ValueClass]()
    for operand in operands:
        if isinstance(operand, Slot):
            parts.append(operand)
            kinds.add(operand.kind)
        else:
            parts.extend(operand.parts or (operand,))
            kinds |= operand.kinds
    return ListSlot(parts[0].index, frozenset(kinds), tuple(parts))


@everywhere
def ask_expressions_last(node: Node) -> Node:
    """`expr and a = 1` → `a = 1 and expr`: as on a server, a plain predicate may spare one that can fail."""
    match node:
        case And(children) | Or(children):
            last = tuple(child for child in children if isinstance(child, Expr))
            ordered = (*(child for child in children if not isinstance(child, Expr)), *last)
            if not last or ordered == children:
                return node
            return And(ordered) if isinstance(node, And) else Or(ordered)
        case _:
            return node


PASSES: tuple[Pass, ...] = (
    spread_patterns,
    decide_operands,
    remove_double_negation,
    fold_constants,
    flatten,
    gather_equalities,
    ask_expressions_last,
)


def optimise(node: Node) -> Node:
    """The tree after all passes, at their fixpoint."""
    return optimise_steps(node)[-1][1]


def optimise_steps(node: Node) -> list[tuple[str, Node]]:
    """Each pass that changed the tree, with what it left; the last entry is the result.

    Raises:
        AssertionError: the passes go round in a circle, which is a bug in one of them.
    """
    steps = [("parsed", node)]
    for _ in range(MAX_ROUNDS):
        before = node
        for step in PASSES:
            changed = step(node)
            if changed is not node:
                steps.append((step.__name__, changed))
                node = changed
        if node is before:
            return steps
    raise AssertionError(f"the passes go round in a circle: {[name for name, _ in steps[-8:]]}")


def _children(node: Node) -> tuple[Node, ...]:
    match node:
        case And(children) | Or(children):
            return children
        case Not(child) | ElemMatch(_, child, _):
            return (child,)
        case Compare() | In() | Exists() | Glob() | RegexMatch() | HasType() | Mod() | Size() | Bits():
            return ()
        case Always() | Sample() | ServerOnly() | JsonSchema() | Expr():
            return ()
        case _:
            assert_never(node)


def _with_children(node: Node, children: tuple[Node, ...]) -> Node:
    """The node with other children."""
    match node:
        case And():
            return And(children)
        case Or():
            return Or(children)
        case Not():
            return Not(children[0])
        case ElemMatch(path, _, by_value):
            return ElemMatch(path, children[0], by_value)
        case _:
            raise AssertionError(f"{node} has no children")
