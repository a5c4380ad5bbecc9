"""The one function that the SQL of filters calls and SQLite does not have: the search for a regular expression."""

from __future__ import annotations

from typing import Any, Final

from mongoglot.compiler.regex import Pattern, searcher

REGEX_FUNCTION: Final = "mongoglot_regex"


def regex(text: object, pattern: str, options: str) -> bool | None:
    """Whether a text has a match of the pattern; NULL for what is no text."""
    return searcher(Pattern(pattern, options))(text) if isinstance(text, str) else None


def register_functions(connection: Any) -> None:
    """Give a connection the function that the SQL of `$regex` calls: `mongoglot_regex(text, pattern, options)`.

    A store of mongoglot does so itself; this is for the connections on which an application runs `to_sql`.

    Args:
        connection: of `sqlite3`, or of `apsw`.
    """
    if hasattr(connection, "create_scalar_function"):
        connection.create_scalar_function(REGEX_FUNCTION, regex, 3, deterministic=True)
    else:
        connection.create_function(REGEX_FUNCTION, 3, regex, deterministic=True)


__all__ = ["REGEX_FUNCTION", "register_functions"]
