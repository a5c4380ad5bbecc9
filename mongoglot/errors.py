"""Every error that a user of mongoglot can meet.

All derive from `MongoglotError`. Errors of the libraries below (lark, sqlglot, apsw, pymongo) stop at
the module that calls them and come out as one of these.
"""

from __future__ import annotations

from typing import Any

CODE_NAMES = {
    2: "BadValue",
    4: "NoSuchKey",
    9: "FailedToParse",
    13: "Unauthorized",
    14: "TypeMismatch",
    15: "Overflow",
    26: "NamespaceNotFound",
    27: "IndexNotFound",
    50: "MaxTimeMSExpired",
    52: "DollarPrefixedFieldName",
    53: "InvalidIdField",
    66: "ImmutableField",
    67: "CannotCreateIndex",
    72: "InvalidOptions",
    85: "IndexOptionsConflict",
    86: "IndexKeySpecsConflict",
    139: "JSInterpreterFailure",
    168: "InvalidPipelineOperator",
    171: "CannotIndexParallelArrays",
    197: "InvalidIndexSpecificationOption",
    224: "QueryFeatureNotAllowed",
    241: "ConversionFailure",
    291: "NoQueryExecutionPlans",
    11000: "DuplicateKey",
}
"""Names of the server's error codes; a code that is not here is called `LocationN`, as the server does."""


def code_name(code: int) -> str:
    """The server's name of an error code: `'BadValue'` for 2, `'Location51091'` for 51091."""
    return CODE_NAMES.get(code, f"Location{code}")


def joined(place: str, path: str) -> str:
    """A path with a place in front: `'a'` and `'[1].b'` are `'a[1].b'`."""
    separator = "." if path and not path.startswith("[") else ""
    return f"{place}{separator}{path}"


def _advice(hint: str | None) -> str:
    """A hint, as it stands behind what is wrong."""
    return f"; {hint}" if hint else ""


class MongoglotError(Exception):
    """Any error of this package; it survives a journey to another process."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (type(self), self.args, self.__dict__)


def _restored(kind: type[MongoglotError], args: tuple[Any, ...], state: dict[str, Any]) -> MongoglotError:
    """An error as it was before it was pickled; constructors take other arguments than they keep."""
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class FilterError(MongoglotError, ValueError):
    """A filter, or another part of a query, that a server refuses too.

    Attributes:
        code: the server's error code, `2`.
        code_name: the server's name of that code, `'BadValue'`.
        reason: what is wrong, in the server's words where it has some.
        path: where in the query, `'$or[1].price.$gte'`; empty for the query as a whole.
        hint: what was probably meant, or None.
        line, column: where in the text, both from 1 and columns in code points; None where the query is no text.
        excerpt: that line of the text, with a caret below the place; None where the query is no text.
    """

    line: int | None = None
    column: int | None = None
    excerpt: str | None = None

    def __init__(self, code: int, reason: str, *, path: str = "", hint: str | None = None) -> None:
        self.code = code
        self.code_name = code_name(code)
        self.reason = reason
        self.path = path
        self.hint = hint
        super().__init__(reason)

    def place_in_text(self, line: int, column: int, excerpt: str) -> None:
        """Say where in a text it is."""
        self.line, self.column, self.excerpt = line, column, excerpt

    def __str__(self) -> str:
        places = [f"at {self.path}"] if self.path else []
        places += [f"line {self.line}, column {self.column}"] if self.line else []
        place = f" ({', '.join(places)})" if places else ""
        shown = f"\n{self.excerpt}" if self.excerpt else ""
        return f"{self.reason}{place}{_advice(self.hint)}{shown}"


class NotAllowedError(FilterError):
    """A filter that the compiler understands and that `allow` forbids (code 13, `Unauthorized`)."""

    def __init__(self, reason: str, *, path: str = "", hint: str | None = None) -> None:
        super().__init__(13, reason, path=path, hint=hint)


class NotYetError(FilterError):
    """A part of the query language that this version does not compile; it is refused, never ignored."""


class EncodingError(MongoglotError):
    """A value that BSON cannot hold.

    Attributes:
        reason: what is wrong.
        path: where in the document or query the value stands, `'a.b[2]'`.
        hint: what to write instead, or None.
    """

    def __init__(self, reason: str, *, path: str = "", hint: str | None = None) -> None:
        self.reason = reason
        self.path = path
        self.hint = hint
        super().__init__(reason)

    def below(self, place: str) -> None:
        """Put a place in front of the path: paths are built on the way out."""
        self.path = joined(place, self.path)

    def __str__(self) -> str:
        place = f" (at {self.path})" if self.path else ""
        return f"{self.reason}{place}{_advice(self.hint)}"


class EncodingTypeError(EncodingError, TypeError):
    """A value of a type that BSON does not have, such as `set` or `Decimal`."""


class EncodingDepthError(EncodingTypeError):
    """Documents and arrays that nest deeper than BSON allows."""


class EncodingRangeError(EncodingError, OverflowError):
    """A value outside what its BSON type can hold, such as an int beyond 64 bits."""


class FilterValueTypeError(EncodingTypeError, FilterError):
    """A value in a filter that is of a type BSON does not have."""

    def __init__(self, reason: str, *, path: str = "", hint: str | None = None) -> None:
        FilterError.__init__(self, 2, reason, path=path, hint=hint)

    __str__ = FilterError.__str__


class FilterValueRangeError(EncodingRangeError, FilterError):
    """A value in a filter that is outside what its BSON type can hold."""

    def __init__(self, reason: str, *, path: str = "", hint: str | None = None) -> None:
        FilterError.__init__(self, 2, reason, path=path, hint=hint)

    __str__ = FilterError.__str__


class UnsupportedError(MongoglotError):
    """Something that this engine cannot do, with the name of one that can."""


class WriteError(MongoglotError):
    """A write that a server refuses too; nothing of the refused document was written.

    Attributes:
        code: the server's error code.
        code_name: the server's name of that code.
        hint: what to write instead, or None.
    """

    hint: str | None = None

    def __init__(self, code: int, reason: str, *, hint: str | None = None) -> None:
        self.code = code
        self.code_name = code_name(code)
        self.hint = hint
        super().__init__(reason)

    def __str__(self) -> str:
        return f"{super().__str__()}{_advice(self.hint)}"


_OTHER_ID = "take another _id or none, or update what is there"
_OTHER_KEY = "change or delete one of the two"


class DuplicateKeyError(WriteError):
    """A key that the collection has already: an `_id`, or what a unique index holds of another document.

    Attributes:
        key: the `_id` that was refused; of another index the key, path → value.
        index: the name of the index, `'_id_'` for that of `_id`.
    """

    def __init__(self, collection: str, key: object, index: str = "_id_") -> None:
        self.key = key
        self.index = index
        what = f"_id {key!r}" if index == "_id_" else f"{key!r} in its unique index {index!r}"
        super().__init__(
            11000,
            f"duplicate key: {collection!r} already has a document with {what}",
            hint=_OTHER_ID if index == "_id_" else _OTHER_KEY,
        )


class StoreError(MongoglotError):
    """The store could not be opened, read or written: file, network or server trouble."""


class TimeLimitError(StoreError):
    """A read that took longer than it was given.

    Attributes:
        code: the server's, 50.
        code_name: `MaxTimeMSExpired`.
    """

    code = 50
    code_name = "MaxTimeMSExpired"

    def __init__(self) -> None:
        super().__init__("the read took longer than max_time_ms; an index, a limit or more time helps")


class NoDataError(MongoglotError, KeyError):
    """A read from the null store, which keeps nothing."""

    def __str__(self) -> str:
        return str(self.args[0])


class UnknownTaskError(MongoglotError, KeyError):
    """A task of which there is no record.

    Attributes:
        msg_id: the id that was asked for.
    """

    def __init__(self, msg_id: object) -> None:
        self.msg_id = msg_id
        super().__init__(msg_id)

    def __str__(self) -> str:
        return f"there is no record of task {self.msg_id!r}"
