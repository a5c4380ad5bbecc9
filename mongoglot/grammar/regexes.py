"""Regular expressions where filters have them: as values, and as `$regex` with `$options`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bson import Regex

from mongoglot.compiler.regex import Pattern, check
from mongoglot.compiler.values import regex_options, value_class
from mongoglot.errors import FilterError
from mongoglot.grammar.literals import literal

_ONCE: Final = "write {$regex: 'pattern', $options: 'i'}"


def pattern_of(regex: Regex[str]) -> Pattern:
    """A regex value as the pattern to search with.

    Raises:
        FilterError: as `regex.check`.
    """
    pattern = Pattern(regex.pattern, regex_options(regex))
    check(pattern)
    return pattern


def read_pair(operators: Mapping[str, Any]) -> Pattern:
    """`$regex` and `$options`, in whichever order they stand (semantics 3.6).

    Raises:
        FilterError: codes 2, 51074 and 51075 (options in both), and those of `regex.check`.
    """
    text: str | None = None
    options = ""
    for name, operand in operators.items():
        kind = value_class(operand) if name in ("$regex", "$options") else None
        match name, kind:
            case "$regex", "string":
                text = literal(operand, 0)
            case "$regex", "regex":
                regex = literal(operand, 0)
                text, own = regex.pattern, regex_options(regex)
                if own and options:
                    raise FilterError(51074, "options set in both $regex and $options", hint=_ONCE)
                options = own or options
            case "$regex", _:
                raise FilterError(2, "$regex has to be a string", hint="write {$regex: 'pattern'}")
            case "$options", "string":
                if options:
                    raise FilterError(51075, "options set in both $regex and $options", hint=_ONCE)
                options = literal(operand, 0)
            case "$options", _:
                raise FilterError(2, "$options has to be a string", hint="write {$options: 'i'}")
            case _:
                pass
    if text is None:
        raise FilterError(2, "$options needs a $regex", hint="write {$regex: 'pattern', $options: 'i'}")
    pattern = Pattern(text, options)
    check(pattern)
    return pattern
