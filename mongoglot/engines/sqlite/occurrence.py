"""A look at the bytes of a document before its arrays are taken apart.

Where an element of an array has to equal a string, the string's bytes stand in the document. To look for them
costs a fraction of `jsonb_each`, and most documents do not have them. It is a necessary condition, so "they are
there, and the whole condition holds" says the same as the whole condition, also under a negation.
"""

from __future__ import annotations

from json.encoder import encode_basestring as _quote
from typing import Final

from mongoglot.compiler.ast import And, Compare, ElemMatch
from mongoglot.compiler.lowering import Superset
from mongoglot.engines.sql import nodes as sql
from mongoglot.engines.sql.condition import Condition

MAX_BYTES: Final = 4000
"""Of a longer document, JSON's way to the array may be the shorter one."""


def behind_occurrence(
    match: ElemMatch, code: Condition | Superset[Condition], document: str
) -> Condition | Superset[Condition]:
    """The condition of a `$elemMatch`, behind the look for a string that an element has to have, if there is one.

    Args:
        match: the predicate.
        code: its whole condition.
        document: the column of documents, as a store writes them.
    """
    slot = _needed_string(match)
    if slot is None:
        return code
    whole = code.code if isinstance(code, Superset) else code
    label, column = f"p{slot}_bytes", sql.name(document)
    found = sql.call("instr", column, sql.parameter(label))
    is_short = sql.compare("$lt", sql.call("length", column), sql.integer(MAX_BYTES))
    tree = sql.all_of([sql.case([(is_short, found)], sql.TRUE), whole.tree])
    parameters = {**whole.parameters, label: (slot, _stored_bytes)}
    joined = Condition(tree, parameters, whole.nullable, whole.height)
    return Superset(joined) if isinstance(code, Superset) else joined


def _needed_string(match: ElemMatch) -> int | None:
    """The slot of a string that some value in the array has to equal."""
    for part in match.child.children if isinstance(match.child, And) else (match.child,):
        match part:
            case Compare(_, "$eq", operand) if operand.kind == "string":
                return operand.index
            case ElemMatch() if (slot := _needed_string(part)) is not None:
                return slot
            case _:
                pass
    return None


def _stored_bytes(text: str) -> bytes:
    """The bytes that a string is stored with; none, which are found everywhere, where JSON escapes a character."""
    return text.encode() if len(_quote(text)) == len(text) + 2 else b""
