"""Ask a copy of the package questions whose answers are known; run as a program, once for each mutant.

    python examination.py QUESTIONS FOLDER

Exit code 0: all answers are right. 10: one is wrong, and printed. 11: the copy cannot even be imported.
"""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import Any, NamedTuple

RIGHT, WRONG, BROKEN = 0, 10, 11

Expected = tuple[int, ...] | str
"""The positions of the documents that match, or the error: `'error 2'`."""


class Questions(NamedTuple):
    """Filters about the same documents, with what each is answered by."""

    documents: list[dict[str, Any]]
    filters: list[tuple[dict[str, Any], Expected]]


def answer_matches(documents: list[dict[str, Any]], query: dict[str, Any]) -> Expected:
    """By the compiled callable."""
    import mongoglot

    try:
        compiled = mongoglot.compile(query)
        return tuple(position for position, document in enumerate(documents) if compiled.matches(document))
    except mongoglot.FilterError as error:
        return f"error {error.code}"


def first_wrong_answer(questions: list[Questions]) -> str | None:
    """The first question that is answered wrongly."""
    for documents, filters in questions:
        for query, expected in filters:
            try:
                given: object = answer_matches(documents, query)
            except Exception as error:
                given = repr(error)
            if given != expected:
                return f"{query!r}: {given} instead of {expected}"
    return None


def main(questions: str, folder: str) -> int:
    """Examine the package in a folder."""
    sys.path.insert(0, folder)
    try:
        import mongoglot
    except Exception as error:
        return verdict(BROKEN, f"it does not import: {error!r}")
    if not Path(mongoglot.__file__).is_relative_to(folder):
        return verdict(BROKEN, f"another package was imported: {mongoglot.__file__}")
    wrong = first_wrong_answer(pickle.loads(Path(questions).read_bytes()))  # noqa: S301 - written by the test
    return verdict(WRONG, wrong) if wrong else verdict(RIGHT, "all answers are right")


def verdict(code: int, text: str) -> int:
    """The exit code, after printing what led to it."""
    sys.stdout.write(f"{text}\n")
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
