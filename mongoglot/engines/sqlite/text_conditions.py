"""Patterns as conditions on strings: `$glob` and `$regex`."""

from __future__ import annotations

from functools import partial

from mongoglot.compiler.ast import (
    Slot,
)
from mongoglot.compiler.regex import Pattern
from mongoglot.engines.sql import nodes as sql
from mongoglot.engines.sql.condition import Parameters
from mongoglot.engines.sql.nodes import Expression
from mongoglot.engines.sql.tags import ESCAPED, ESCAPED_END, TAG
from mongoglot.engines.sqlite import operands
from mongoglot.engines.sqlite.element import Conditions, Element, bound
from mongoglot.engines.sqlite.functions import REGEX_FUNCTION
from mongoglot.engines.sqlite.glob import matches_glob, to_sqlite_glob, without_nul


def glob(operand: Slot, plain: bool) -> Conditions:
    """`$glob`; a pattern that is not plain lets strings through that are tested again."""
    index = operand.index
    found = Conditions(superset=not plain)
    found.parameters[f"p{index}"] = (index, partial(to_sqlite_glob, plain=plain))

    def matches(element: Element) -> Expression:
        text = element.value
        own = sql.compare("$lt", text, sql.characters(TAG))
        escaped = sql.compare("$lt", text, sql.characters(ESCAPED_END))
        # what a tag stands for is no string, but for one that begins like a tag itself
        behind = sql.call("substr", without_nul(text), sql.integer(len(ESCAPED) + 1))
        return sql.case(
            [(own, matches_glob(text, bound(index))), (escaped, sql.glob(behind, bound(index)))], sql.FALSE
        )

    found.by_type["text"] = matches
    return found


def regex(operand: Slot) -> Conditions:
    """`$regex`: strings are searched by the function that the store registers, a stored regex has one encoding."""
    index = operand.index
    found = Conditions()
    found.parameters.update(regex_parameters(operand))
    found.parameters[f"p{index}_stored"] = (index, _stored_regex)

    def matches(element: Element) -> Expression:
        text = element.value
        own = sql.compare("$lt", text, sql.characters(TAG))
        escaped = sql.compare("$lt", text, sql.characters(ESCAPED_END))
        # cut off as bytes: of a text, substr sees nothing behind a NUL
        behind = sql.call("substr", sql.cast(text, "BLOB"), sql.integer(len(ESCAPED.encode()) + 1))
        return sql.case(
            [(own, regex_call(text, operand)), (escaped, regex_call(sql.cast(behind, "TEXT"), operand))],
            sql.equals(text, sql.parameter(f"p{index}_stored")),
        )

    found.by_type["text"] = matches
    return found


def regex_call(text: Expression, operand: Slot) -> Expression:
    """The search in a text, by the registered function."""
    pattern, options = (sql.parameter(f"p{operand.index}_{part}") for part in ("pattern", "options"))
    return sql.call(REGEX_FUNCTION, text, pattern, options)


def regex_parameters(operand: Slot) -> Parameters:
    """What `regex_call` binds."""
    index = operand.index
    return {
        f"p{index}_pattern": (index, lambda pattern: pattern.text),
        f"p{index}_options": (index, lambda pattern: pattern.options),
    }


def _stored_regex(pattern: Pattern) -> str:
    """The encoding of the stored regex that equals a pattern; where there is none, what no tag equals."""
    return "" if pattern.stored is None else operands.stored_string(pattern.stored)
