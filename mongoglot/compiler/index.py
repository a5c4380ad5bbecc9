"""Indexes as data: what one is, how its definition is read, and which keys a document has in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeAlias, final

from mongoglot.compiler.ast import Path
from mongoglot.compiler.candidates import (
    UNDEFINED,
    AmbiguousNameError,
    ParallelArraysError,
    candidates,
    without_arrays,
)
from mongoglot.compiler.field_path import DBREF_NAMES
from mongoglot.compiler.rendering import rendered
from mongoglot.compiler.values import MISSING, is_sayable
from mongoglot.compiler.written_keys import check_name
from mongoglot.errors import UnsupportedError, WriteError

Spec: TypeAlias = str | Mapping[str, Any] | Sequence[str | tuple[str, Any]]
"""The fields of an index as pymongo takes them: `'a'`, `['a', ('b', -1)]`, `{'a': 1, 'b': -1}`."""

MAX_FIELDS: Final = 32
MAX_INDEXES: Final = 64
"""As many a server allows, that of `_id` among them."""

_SERVER_KINDS: Final = frozenset({"text", "hashed", "2d", "2dsphere", "2dsphere_bucket", "columnstore"})


@final
@dataclass(frozen=True, slots=True)
class Index:
    """The definition of an index.

    Attributes:
        name: unique in its collection.
        keys: path and direction (or kind, on a server), the most significant first.
        unique: whether no two documents may share a key.
        sparse: whether documents that have none of the fields are left out.
        paths: the paths of the keys, split.
    """

    name: str
    keys: tuple[tuple[str, int | str], ...]
    unique: bool = False
    sparse: bool = False
    paths: tuple[Path, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "paths", tuple(tuple(name.split(".")) for name, _ in self.keys))

    @property
    def document(self) -> dict[str, Any]:
        """The index as a server lists it."""
        options = {name: True for name in ("unique", "sparse") if getattr(self, name)}
        return {"v": 2, "key": dict(self.keys), "name": self.name, **options}


ID_INDEX: Final = Index("_id_", (("_id", 1),))
"""Every collection has it; it is unique without saying so."""


def key_pairs(spec: Any) -> list[tuple[str, Any]]:
    """Paths and directions, in any of the forms that pymongo takes.

    Raises:
        WriteError: code 14, it is none of them.
        FilterError: code 14, it is a text that says more than a name.
    """
    if isinstance(spec, str):
        check_name(spec, "keys")
        return [(spec, 1)]
    items = spec.items() if isinstance(spec, Mapping) else spec if isinstance(spec, (list, tuple)) else [None]
    pairs: list[Any] = [(item, 1) if isinstance(item, str) else item for item in items]
    for pair in pairs:
        if not (isinstance(pair, (tuple, list)) and len(pair) == 2 and isinstance(pair[0], str)):
            reason = (
                "the keys of an index are a name, a document, or a list of names and of pairs (name, 1 or -1)"
            )
            raise WriteError(14, reason)
    return [(name, direction) for name, direction in pairs]


def default_name(pairs: Sequence[tuple[str, Any]]) -> str:
    """The name that pymongo gives: `a_1_b_-1`."""
    return "_".join(f"{name}_{direction}" for name, direction in pairs)


def read_index(spec: Any, name: str | None, *, unique: bool, sparse: bool, on_server: bool) -> Index:
    """Read the definition of an index.

    Args:
        spec: its keys.
        name: None for the one that pymongo gives.
        unique, sparse: see `Index`.
        on_server: whether it is for a server, which has other kinds of indexes too.

    Raises:
        WriteError: with the server's code.
        UnsupportedError: only a server has such an index.
    """
    pairs = key_pairs(spec)
    name = default_name(pairs) if name is None else name
    if not pairs:
        raise WriteError(67, "Index keys cannot be empty.")
    for option, value in (("unique", unique), ("sparse", sparse)):
        if not isinstance(value, (bool, int, float)):
            raise WriteError(14, f"the option {option!r} of an index is a bool, not {type(value).__name__}")
    if len(pairs) > MAX_FIELDS:
        raise WriteError(13103, "too many compound keys")
    keys: dict[str, Any] = {}
    for path, direction in pairs:
        _check_direction(path, direction, on_server=on_server)
        _check_path(path, on_server=on_server)
        keys[path] = direction  # a later one replaces an earlier one, as in the document that pymongo sends
    index = Index(name, tuple(keys.items()), bool(unique), bool(sparse))
    _check_name(index)
    return index


def _check_direction(path: str, direction: Any, *, on_server: bool) -> None:
    if isinstance(direction, str):
        if direction == "":
            raise WriteError(67, "Values in the index key pattern cannot be empty strings")
        if direction not in _SERVER_KINDS:
            hint = f"write ({path!r}, 1), or -1 for descending"
            raise WriteError(67, f"Unknown index plugin '{direction}'", hint=hint)
        if not on_server:
            raise UnsupportedError(f"an index of kind {direction!r} on {path!r} is for a MongoDB server only")
    elif isinstance(direction, bool) or not isinstance(direction, int):
        shown = rendered(direction)
        raise WriteError(67, f"The direction of {path!r} in an index is a whole number, 1 or -1, not {shown}")
    elif direction == 0:
        raise WriteError(67, "Values in the index key pattern cannot be 0.")


def _check_path(path: str, *, on_server: bool) -> None:
    if not path:
        raise WriteError(67, "Index keys cannot be an empty field.")
    parts = path.split(".")
    if "" in parts:
        raise WriteError(67, "Index keys cannot contain an empty field.")
    if parts[-1] == "$**":
        if not on_server:
            raise UnsupportedError(f"a wildcard index, {path!r}, is for a MongoDB server only")
        return
    for position, part in enumerate(parts):
        if part.startswith("$") and not (position and part in DBREF_NAMES):
            raise WriteError(67, "Index key contains an illegal field name: field name starts with '$'.")
        if not is_sayable(part):
            raise WriteError(
                67, f"{path!r} cannot be the path of an index: it holds a NUL or a lone surrogate"
            )


def _check_name(index: Index) -> None:
    """The rules of names, and those of the index of `_id`."""
    if index.paths == (("_id",),):
        if index.keys != ID_INDEX.keys:
            raise WriteError(2, "The field 'key' for an _id index must be {_id: 1}")
        for option in ("unique", "sparse"):
            if getattr(index, option):
                raise WriteError(197, f"The field '{option}' is not valid for an _id index specification.")
    elif index.name == "":
        raise WriteError(67, "index name cannot be empty")
    elif index.name == "_id_":
        raise WriteError(2, "The index name '_id_' is reserved for the _id index")
    elif index.name == "*" or not is_sayable(index.name):
        raise WriteError(2, f"The index name {index.name!r} is not valid.")


def is_there(wanted: Index, existing: Sequence[Index]) -> bool:
    """Whether a collection that has some indexes has the wanted one too.

    Raises:
        WriteError: code 86, another one has its name; 85, it is there under another name; 67, there are too many.
    """
    if wanted.keys == ID_INDEX.keys:
        return True
    for index in existing:
        same = (index.keys, index.unique, index.sparse) == (wanted.keys, wanted.unique, wanted.sparse)
        if same and index.name == wanted.name:
            return True
        if index.name == wanted.name:
            reason = f"An existing index has the same name as the requested index: {index.document}"
            raise WriteError(86, reason)
        if same:
            raise WriteError(85, f"Index already exists with a different name: {index.name}")
    if len(existing) + 1 >= MAX_INDEXES:
        raise WriteError(
            67, f"add index fails, too many indexes: {MAX_INDEXES} are allowed, that of _id included"
        )
    return False


def named(name: str, existing: Sequence[Index]) -> Index:
    """The index of that name, which is to be dropped.

    Raises:
        WriteError: code 27, there is none; 72, it is that of `_id`.
    """
    if name == ID_INDEX.name:
        raise WriteError(72, "cannot drop _id index")
    for index in existing:
        if index.name == name:
            return index
    raise WriteError(27, f"index not found with name [{name}]")


class Keys(NamedTuple):
    """The keys of a document in an index.

    Attributes:
        tuples: one value for each field of the index, UNDEFINED for an empty array.
        multikey: whether one of the fields has an array on its path: then a document is known by several keys,
            and each says something of some of its values only.
    """

    tuples: list[list[Any]]
    multikey: bool


def keys_of(document: Mapping[str, Any], index: Index) -> Keys:
    """The keys of a document; null for a missing field.

    Raises:
        WriteError: code 171, two fields have arrays of their own; 16746, a name of the path is both an index of an
            array and a field of an element.
    """
    single = without_arrays(document, index.paths)
    try:
        tuples = list(candidates(document, index.paths)) if single is None else [single]
    except ParallelArraysError as error:
        reason = f"cannot index parallel arrays [{error.first}] [{error.second}]"
        raise WriteError(171, reason) from None
    except AmbiguousNameError as error:
        reason = f"Ambiguous field name found in array, field: '{error.name}'"
        raise WriteError(16746, reason) from None
    if index.sparse:
        tuples = [candidate for candidate in tuples if any(value is not MISSING for value in candidate)]
    filled = [[None if value is MISSING else value for value in candidate] for candidate in tuples]
    return Keys(filled, single is None)


def shown_key(index: Index, values: Sequence[Any]) -> dict[str, Any]:
    """A key as a server shows it in an error: path → value."""
    return {
        path: None if value is UNDEFINED else value
        for (path, _), value in zip(index.keys, values, strict=True)
    }
