"""Ask a copy of the package questions whose answers are known; run as a program, once for each mutant.

    python examination.py QUESTIONS FOLDER STORE

STORE is the URL of the store that is asked; without one, the compiled callable is.

Exit code 0: all answers are right. 10: one is wrong, and printed. 11: the copy cannot even be imported.
"""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import Any, NamedTuple

import bson

RIGHT, WRONG, BROKEN = 0, 10, 11

Answer = tuple[int, ...] | tuple[bytes, ...] | str
"""The positions of the documents that match; with options, the documents found; or the error: `'error 2'`."""


class Question(NamedTuple):
    """A filter with the options of a find, none for the compiled callable."""

    query: dict[str, Any]
    options: dict[str, Any]
    answer: Answer


class Group(NamedTuple):
    """Questions about the same documents."""

    documents: list[dict[str, Any]]
    questions: list[Question]


def answer_matches(documents: list[dict[str, Any]], query: dict[str, Any]) -> Answer:
    """By the compiled callable."""
    import mongoglot

    try:
        compiled = mongoglot.compile(query)
        return tuple(position for position, document in enumerate(documents) if compiled.matches(document))
    except mongoglot.FilterError as error:
        return f"error {error.code}"


def answer_find(
    collection: Any, documents: list[dict[str, Any]], query: dict[str, Any], options: dict[str, Any]
) -> Answer:
    """By a store."""
    import mongoglot

    try:
        found = list(collection.find(query, **options))
    except mongoglot.FilterError as error:
        return f"error {error.code}"
    if options:
        return tuple(bson.encode(document) for document in found)
    positions = {bson.encode({"": document["_id"]}): place for place, document in enumerate(documents)}
    return tuple(positions[bson.encode({"": document["_id"]})] for document in found)


def first_wrong_answer(groups: list[Group], store: str) -> str | None:
    """The first question that is answered wrongly."""
    import mongoglot

    opened = mongoglot.connect(store) if store else None
    for number, (documents, questions) in enumerate(groups):
        collection = opened and opened[f"documents{number}"]
        if collection and documents:
            collection.insert_many(documents)
        for query, options, expected in questions:
            try:
                if collection:
                    given: object = answer_find(collection, documents, query, options)
                else:
                    given = answer_matches(documents, query)
            except Exception as error:
                given = repr(error)
            if given != expected:
                return f"{query!r}, {options!r}: {given} instead of {expected}"
    return None


def main(questions: str, folder: str, store: str) -> int:
    """Examine the package in a folder."""
    sys.path.insert(0, folder)
    try:
        import mongoglot
    except Exception as error:
        return verdict(BROKEN, f"it does not import: {error!r}")
    if not Path(mongoglot.__file__).is_relative_to(folder):
        return verdict(BROKEN, f"another package was imported: {mongoglot.__file__}")
    groups = pickle.loads(Path(questions).read_bytes())  # noqa: S301 - written by the test
    wrong = first_wrong_answer(groups, store)
    return verdict(WRONG, wrong) if wrong else verdict(RIGHT, "all answers are right")


def verdict(code: int, text: str) -> int:
    """The exit code, after printing what led to it."""
    sys.stdout.write(f"{text}\n")
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
