"""A file of documents, or standard input, as a collection that can be read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, NoReturn, final

from mongoglot.cli.files import documents
from mongoglot.compiler.index import Index
from mongoglot.compiler.plan import BoundPlan
from mongoglot.engines import python
from mongoglot.engines.base import FindRequest, Record, ScanningBackend, residual_check
from mongoglot.errors import UnsupportedError


@final
class FileBackend(ScanningBackend[int]):
    """One file, read from its beginning by each find: what `load` would put into a store, and nothing else."""

    name = "file"

    def __init__(self, file: str) -> None:
        self._file = file

    def matching(self, collection: str, query: BoundPlan) -> Iterator[tuple[int, Record]]:  # noqa: ARG002 - a file is one collection
        """The documents that match, in the order of the file."""
        check = residual_check(query, query.optimised)
        return (
            (number, document)
            for number, document in enumerate(documents(self._file))
            if check is None or check(document)
        )

    def explain(self, collection: str, request: FindRequest) -> dict[str, Any]:  # noqa: ARG002 - as above
        """The Python function that each document is checked with."""
        code = request.query.plan.lowered("python", python.lower)
        return {"engine": self.name, "python": code.source, "indexes": [], "residual": None}

    def collection_names(self) -> list[str]:
        """The name of the file."""
        return [self._file]

    def insert(self, collection: str, documents: Any) -> NoReturn:  # noqa: ARG002 - it is refused, whatever it is
        """Refuse."""
        raise self._read_only()

    def replace(self, collection: str, key: int, document: Record) -> NoReturn:  # noqa: ARG002 - as above
        """Refuse."""
        raise self._read_only()

    def remove(self, collection: str, keys: list[int]) -> NoReturn:  # noqa: ARG002 - as above
        """Refuse."""
        raise self._read_only()

    def drop(self, collection: str) -> NoReturn:  # noqa: ARG002 - as above
        """Refuse."""
        raise self._read_only()

    def create_index(self, collection: str, index: Index) -> NoReturn:  # noqa: ARG002 - as above
        """Refuse."""
        raise self._read_only()

    def transaction(self) -> AbstractContextManager[None]:
        """Refuse: only what writes asks for one."""
        raise self._read_only()

    def close(self) -> None:
        """Do nothing: what was opened is closed already."""

    def _read_only(self) -> UnsupportedError:
        return UnsupportedError(
            f"{self._file!r} is a file of documents, which is read and not written: load it into a store"
        )
