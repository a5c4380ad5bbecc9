"""One collection in every engine and on the real server, asked the same questions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from pymongo.errors import OperationFailure

import mongoglot
from mongoglot.errors import FilterError
from mongoglot.testing import Difference, Outcome, differing, minimal_differences, outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pymongo.database import Database

Document: TypeAlias = dict[str, Any]

MATCHES = "Query.matches"


class Arena:
    """The same documents in every engine, in plain Python and on the server.

    Attributes:
        documents: what the collections hold at the moment.
        contestants: whatever is compared with the server.
    """

    def __init__(
        self, server: Database[Document], stores: Mapping[str, mongoglot.Store], name: str = "documents"
    ) -> None:
        self.documents: list[Document] = []
        self.contestants = (*stores, MATCHES)
        self._server = server
        self._stores = stores
        self._name = name

    def fill(self, documents: list[Document]) -> None:
        """Put these documents in the place of those that were there."""
        self.documents = documents
        self._server[self._name].delete_many({})
        for store in self._stores.values():
            store[self._name].delete_many({})
        if documents:
            self._server[self._name].insert_many(documents)
            for store in self._stores.values():
                store[self._name].insert_many(documents)

    def server_find(self, query: Mapping[str, Any], **options: Any) -> list[Document]:
        """What the server answers to the bare command; its errors come as FilterErrors."""
        command = {"find": self._name, "filter": query, "singleBatch": True, "batchSize": 10_000, **options}
        try:
            reply = self._server.command(command, codec_options=self._server.codec_options)
        except OperationFailure as error:
            raise FilterError(error.code or 0, str(error)) from None
        found: list[Document] = reply["cursor"]["firstBatch"]
        return found

    def find(self, contestant: str, query: Mapping[str, Any], **options: Any) -> list[Document]:
        """What one of the contestants answers."""
        if contestant == MATCHES:
            return list(mongoglot.compile(query).filter(self.documents))
        return list(self._stores[contestant][self._name].find(query, **options))

    def expected(self, query: Document) -> Outcome:
        """What the server says of a filter."""
        return outcome(lambda query: self.server_find(query, projection={"_id": 1}), self.documents, query)

    def actual(self, contestant: str, query: Document) -> Outcome:
        """What one of the contestants says of a filter."""
        return outcome(lambda query: self.find(contestant, query), self.documents, query)


def disagreements(
    arena: Arena, single: Arena, query: Document, expected: Outcome
) -> list[tuple[str, list[Difference]]]:
    """Who answers a filter otherwise than the server, with the documents that show it.

    Args:
        arena: what was asked.
        single: another one, to ask about single documents.
        query: the filter.
        expected: what the server said of it.
    """
    result = []
    for contestant in arena.contestants:
        actual = arena.actual(contestant, query)
        if actual != expected:
            suspects = differing(expected, actual, arena.documents)
            result.append((contestant, shown_singly(single, contestant, query, suspects)))
    return result


def shown_singly(
    single: Arena, contestant: str, query: Document, suspects: Sequence[Mapping[str, Any]]
) -> list[Difference]:
    """The documents on which a contestant differs from the server even when asked about one alone."""

    def fill(documents: Sequence[Mapping[str, Any]]) -> None:
        single.fill([dict(document) for document in documents])

    def reference(documents: Sequence[Mapping[str, Any]], query: Mapping[str, Any]) -> Outcome:
        fill(documents)
        return single.expected(dict(query))

    def tested(_: Sequence[Mapping[str, Any]], query: Mapping[str, Any]) -> Outcome:
        return single.actual(contestant, dict(query))

    return minimal_differences(query, suspects, reference, tested)


def shrunk(arena: Arena, differs: Callable[[], bool]) -> list[Document]:
    """The documents that are needed to see a difference, one after the other left out where it stays."""
    needed = arena.documents
    for document in list(needed):
        fewer = [other for other in needed if other is not document]
        arena.fill(fewer)
        if differs():
            needed = fewer
    arena.fill(needed)
    return needed
