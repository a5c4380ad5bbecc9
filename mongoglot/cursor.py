"""What a find gives: an iterator, and the same as a list or as a table of other libraries."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, final

from bson import Binary, Code, DBRef, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS

from mongoglot.engines.base import Record
from mongoglot.errors import UnsupportedError
from mongoglot.pymongo_names import CursorNames

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

__all__ = ["Cursor"]

_AS_TEXT = (Binary, Code, DatetimeMS, DBRef, Decimal128, MaxKey, MinKey, ObjectId, Regex, Timestamp)
"""Types of BSON that no column of such a table has; a column gets their text."""


@final
class Cursor(CursorNames, Iterator[Record]):
    """The documents of a find, read as they are asked for, once; also a context manager that closes it.

    In tables a column is a field of the documents at their top, in the order in which fields first come, and what
    a document lacks is null. What only BSON has becomes text there: ObjectIds, decimals, regular expressions.
    """

    __slots__ = ("_found",)

    def __init__(self, found: Iterator[Record]) -> None:
        self._found = found

    def __iter__(self) -> Cursor:
        return self

    def __next__(self) -> Record:
        return next(self._found)

    def close(self) -> None:
        """Let go of the documents that were not read, and of what the store holds for them."""
        self._found = iter(())

    def __enter__(self) -> Cursor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return "<mongoglot cursor: read its documents by a loop, or by to_list(), to_pandas() or to_polars()>"

    def to_list(self, length: int | None = None) -> list[Record]:
        """The documents that are left, or the next few of them.

        Args:
            length: how many at most; None for all.
        """
        return list(self._found if length is None else islice(self._found, length))

    def to_pandas(self) -> pandas.DataFrame:
        """The documents as a DataFrame.

        Raises:
            UnsupportedError: pandas is not installed.
        """
        try:
            import pandas
        except ModuleNotFoundError:
            raise _missing("pandas") from None
        return pandas.DataFrame(self._columns())

    def to_arrow(self) -> pyarrow.Table:
        """The documents as a table of Arrow.

        Raises:
            UnsupportedError: pyarrow is not installed, or no column can hold the values of a field.
        """
        try:
            import pyarrow
        except ModuleNotFoundError:
            raise _missing("pyarrow") from None
        columns = {}
        for name, values in self._columns().items():
            try:
                columns[name] = pyarrow.array(values)
            except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError, OverflowError) as error:
                reason = str(error).splitlines()[0]
                raise UnsupportedError(
                    f"the field {name!r} has values of types that one column cannot hold: {reason}; leave it out "
                    "with a projection, or use to_pandas()"
                ) from None
        return pyarrow.table(columns)

    def to_polars(self) -> polars.DataFrame:
        """The documents as a DataFrame of Polars.

        Raises:
            UnsupportedError: as `to_arrow`; or polars is not installed.
            TypeError: polars made no DataFrame of a table, which it always does.
        """
        try:
            import polars
        except ModuleNotFoundError:
            raise _missing("polars") from None
        frame = polars.from_arrow(self.to_arrow())
        if not isinstance(frame, polars.DataFrame):
            raise TypeError(f"polars made a {type(frame).__name__} of a table")
        return frame

    def _columns(self) -> dict[str, list[Any]]:
        """The values of each field, one for each document."""
        documents = list(self._found)
        names = dict.fromkeys(name for document in documents for name in document)
        return {name: [_plain(document.get(name)) for document in documents] for name in names}


def _plain(value: Any) -> Any:
    """A value as other libraries know it."""
    if isinstance(value, _AS_TEXT):
        if isinstance(value, Binary):
            return bytes(value)
        return value.pattern if isinstance(value, Regex) else str(value)
    if isinstance(value, Int64):
        return int(value)
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _missing(library: str) -> UnsupportedError:
    return UnsupportedError(f"{library} is not installed: pip install {library}")
