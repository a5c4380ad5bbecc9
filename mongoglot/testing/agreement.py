"""Whether two ways to answer a filter agree, and where not, the smallest example of it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from mongoglot.compiler.values import sort_key
from mongoglot.errors import FilterError
from mongoglot.testing.generate import random_documents, random_filter

if TYPE_CHECKING:
    from mongoglot.store import Collection

Document: TypeAlias = Mapping[str, Any]

Outcome: TypeAlias = frozenset[int] | str
"""The positions of the documents that match, or the error: `'error 2'`."""

Answer: TypeAlias = Callable[[Sequence[Document], Document], Outcome]
"""Answers a filter over documents of its own; used with few documents, to name the ones that differ."""


class Difference(NamedTuple):
    """A filter that is answered differently over the same document.

    Attributes:
        filter: the filter.
        document: the only document asked.
        expected: what the reference says.
        actual: what the tested one says.
    """

    filter: Document
    document: Document
    expected: Outcome
    actual: Outcome


def outcome(
    find: Callable[[Document], Iterable[Document]], documents: Sequence[Document], query: Document
) -> Outcome:
    """The outcome of one query over a collection that holds these documents.

    Args:
        find: what finds them, as `Collection.find`.
        documents: what the collection holds, in order.
        query: a filter.

    Returns:
        the positions of the matches, or `"error CODE"`.

    Raises:
        AssertionError: a document was found twice.
    """
    try:
        found = list(find(query))
    except FilterError as error:
        return f"error {error.code}"
    positions = {sort_key(document["_id"]): position for position, document in enumerate(documents)}
    result = [positions[sort_key(document["_id"])] for document in found]
    if len(set(result)) != len(result):
        raise AssertionError(f"a document was found twice by {query!r}")
    return frozenset(result)


def differing(expected: Outcome, actual: Outcome, documents: Sequence[Document]) -> list[Document]:
    """The documents on which two outcomes differ; all of them where one is an error.

    Args:
        expected: an outcome.
        actual: another one.
        documents: that they are about, in order.
    """
    if isinstance(expected, str) or isinstance(actual, str):
        return [] if expected == actual else list(documents)
    return [documents[position] for position in sorted(expected ^ actual)]


def minimal_differences(
    query: Document, suspects: Iterable[Document], reference: Answer, tested: Answer, limit: int = 3
) -> list[Difference]:
    """Up to `limit` single documents on which the two still differ.

    Args:
        query: on which they differ.
        suspects: the documents to try, each alone.
        reference: what is right, given documents and a query.
        tested: what is tested.
        limit: how many are enough.
    """
    found = []
    for document in suspects:
        expected, actual = reference([document], query), tested([document], query)
        if expected != actual:
            found.append(Difference(query, document, expected, actual))
        if len(found) == limit:
            break
    return found


def assert_agreement(
    tested: Collection, reference: Collection, *, documents: int = 100, filters: int = 500, seed: int = 1
) -> int:
    """Ask two empty collections random filters over the same random documents; how many matches there were.

    Args:
        tested: of the engine that is tested.
        reference: of one that is right: `memory:`, or a server.
        documents: how many.
        filters: how many.
        seed: of what is random; the same one asks the same again.

    Raises:
        AssertionError: they differ, or nothing matched; it shows the first filter, and up to three documents.
    """
    rng = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
    inserted = random_documents(rng, documents)
    for collection in (tested, reference):
        collection.insert_many(inserted)
    matches = 0
    for _ in range(filters):
        query = random_filter(rng, near=inserted)
        expected, actual = (outcome(each.find, inserted, query) for each in (reference, tested))
        if expected != actual:
            shown = differing(expected, actual, inserted)[:3]
            raise AssertionError(f"seed {seed}: {query!r} expected {expected}, answered {actual}: {shown}")
        matches += len(expected)
    if not matches:
        raise AssertionError(f"seed {seed}: nothing matched, which shows nothing")
    return matches
