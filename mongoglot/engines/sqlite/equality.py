"""Equality of a stored container with a literal, in SQL whose text is the same for every literal.

Both are walked by `json_tree`, which lists their nodes in order: they are equal when the lists are equally
long, the nodes have the same keys in the same places, and the leaves are equal (semantics 1.3).
"""

from __future__ import annotations

from typing import Final

from mongoglot.engines.sql import nodes as sql
from mongoglot.engines.sql.nodes import Expression
from mongoglot.engines.sql.number_keys import KEY_LENGTH
from mongoglot.engines.sqlite import operands

_FIELDS: Final = ("fullkey", "type", "atom")


def equals_pattern(container: Expression, pattern: Expression) -> Expression:
    """Whether a JSONB container equals a literal.

    Args:
        container: SQL of the stored value.
        pattern: SQL of the literal's `operands.equality_pattern`.
    """
    same_size = sql.equals(_size(container), _size(pattern))
    stored, literal = sql.derived(_numbered(container), "stored"), sql.derived(_numbered(pattern), "literal")
    same_place = sql.equals(sql.name("place", "stored"), sql.name("place", "literal"))
    differs = sql.exists([stored, literal], sql.all_of([same_place, sql.negated(_same_node())]))
    return sql.all_of([same_size, sql.negated(differs)])


def _size(json: Expression) -> Expression:
    return sql.scalar(sql.select([sql.call("count", sql.integer(1))], [_tree(json)]))


def _tree(json: Expression) -> Expression:
    return sql.source(sql.call("json_tree", json), "tree")


def _numbered(json: Expression) -> sql.Expression:
    columns = [sql.name(field, "tree") for field in _FIELDS]
    return sql.select([sql.aliased(sql.row_number(), "place"), *columns], [_tree(json)])


def _same_node() -> Expression:
    """The nodes have one key and one value; a number's pattern has its key and the native number equal to it."""
    stored_type, atom = sql.name("type", "stored"), sql.name("atom", "stored")
    literal_type, wanted = sql.name("type", "literal"), sql.name("atom", "literal")
    is_number = sql.equals(_part(wanted, 1, 2), sql.characters(operands.PATTERN))
    native = sql.cast(sql.call("nullif", _part(wanted, KEY_LENGTH + 4, None), sql.string("")), "NUMERIC")
    tag = sql.concat(sql.characters(operands.NUMBER_TAG), _part(wanted, 3, KEY_LENGTH))
    number = sql.case(
        [
            (sql.string("integer"), sql.not_null_else(sql.equals(atom, native), sql.FALSE)),
            (sql.string("real"), sql.not_null_else(sql.equals(atom, native), sql.FALSE)),
            (sql.string("text"), sql.equals(_part(atom, 1, KEY_LENGTH + 2), tag)),
        ],
        sql.FALSE,
        stored_type,
    )
    other = sql.all_of([sql.equals(stored_type, literal_type), sql.is_same(atom, wanted)])
    is_prefix = sql.equals(_part(wanted, 1, 2), sql.characters(operands.PATTERN_PREFIX))
    prefix = _part(wanted, 3, None)
    begins = sql.equals(sql.call("substr", atom, sql.integer(1), sql.call("length", prefix)), prefix)
    same_key = sql.equals(sql.name("fullkey", "stored"), sql.name("fullkey", "literal"))
    return sql.all_of(
        [
            same_key,
            sql.case([(is_number, number), (is_prefix, sql.not_null_else(begins, sql.FALSE))], other),
        ]
    )


def _part(text: Expression, start: int, length: int | None) -> Expression:
    bounds = [sql.integer(start)] if length is None else [sql.integer(start), sql.integer(length)]
    return sql.call("substr", text, *bounds)
