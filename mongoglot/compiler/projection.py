"""Projections: which fields of a document a find returns (semantics 6.1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any, TypeAlias, final

from bson import Decimal128

from mongoglot.compiler.normalise import normalise_document
from mongoglot.errors import FilterError, NotYetError

Spec: TypeAlias = Mapping[str, Any] | Iterable[str] | None

Tree: TypeAlias = dict[str, "Tree | None"]
"""Field → what of it is meant; None where the whole field is."""


@final
@dataclass(frozen=True, slots=True)
class Projection:
    """An inclusion or exclusion.

    Attributes:
        fields: the fields that are included or excluded, `_id` apart.
        include: which of the two.
        with_id: whether `_id` is returned.
        spec: the same as a server takes it.
    """

    fields: Tree
    include: bool
    with_id: bool
    spec: dict[str, Any]

    def apply(self, document: dict[str, Any]) -> dict[str, Any]:
        """The fields of a document that are asked for, in the document's order."""
        result = _included(document, self.fields) if self.include else _excluded(document, self.fields)
        if not self.with_id:
            result.pop("_id", None)
            return result
        if self.include and "_id" in document and "_id" not in self.fields:
            return {"_id": document["_id"], **result}
        return result


def read_projection(spec: Spec) -> Projection | None:
    """Read a projection; None where all fields are meant.

    Args:
        spec: a document as a server takes it, or a list of names to include; empty or None for everything.

    Raises:
        FilterError: with the server's code; NotYetError for `$slice`, `$elemMatch`, `a.$` and computed fields.
    """
    if spec is None:
        return None
    if not isinstance(spec, Mapping):
        names = list(spec) if isinstance(spec, (list, tuple, Set)) else [None]
        if not all(isinstance(name, str) for name in names):
            raise FilterError(14, "a projection is a document or a list of names", path="projection")
        spec = {str(name): 1 for name in names}
    if not spec:
        return None
    document = normalise_document(spec)
    tree: Tree = {}
    include: bool | None = None
    with_id: bool | None = None
    for path, flag in _flattened(document, "", tree):
        if path == "_id":  # may be left out of an inclusion, or named in an exclusion
            with_id = flag
        elif include is None:
            include = flag
        elif flag != include:
            verb, mode = ("exclusion", "inclusion") if include else ("inclusion", "exclusion")
            raise FilterError(
                31254 if include else 31253, f"Cannot do {verb} on field {path} in {mode} projection"
            )
    if with_id is not None:
        del tree["_id"]
    return Projection(tree, include if include is not None else bool(with_id), with_id is not False, document)


def _flattened(spec: Mapping[str, Any], prefix: str, tree: Tree) -> Iterator[tuple[str, bool]]:
    """Every path of the projection with its flag, as it is added to the tree; `{c: {d: 1}}` is `c.d`."""
    for name, value in spec.items():
        path = f"{prefix}{name}"
        _check_path(path, name)
        if isinstance(value, Mapping) and not value:
            raise FilterError(
                51270, "An empty sub-projection is not a valid value. Found empty object at path", path=path
            )
        if isinstance(value, Mapping) and not next(iter(value)).startswith("$"):
            _below(tree, path.split("."), path)
            yield from _flattened(value, path + ".", tree)
            continue
        flag = _flag(value, path)
        _add(tree, path)
        yield path, flag


def _flag(value: Any, path: str) -> bool:
    if isinstance(value, Decimal128):
        return bool(value.to_decimal())
    if isinstance(value, (bool, int, float)):
        return bool(value)
    if isinstance(value, Mapping):
        operator = next(iter(value))
        raise NotYetError(31325, f"the projection {operator} is not compiled by this version", path=path)
    raise NotYetError(31325, "computed fields are not compiled by this version of mongoglot", path=path)


def _check_path(path: str, name: str) -> None:
    if not name:
        raise FilterError(40352, "FieldPath cannot be constructed with empty string", path=path)
    if path.endswith("."):
        raise FilterError(40353, "FieldPath must not end with a '.'.", path=path)
    for part in path.split("."):
        if not part:
            raise FilterError(15998, "FieldPath field names may not be empty strings.", path=path)
        if part == "$":
            raise NotYetError(31325, "the positional projection is not compiled by this version", path=path)
        if part.startswith("$"):
            reason = "FieldPath field names may not start with '$'. Consider using $getField or $setField."
            raise FilterError(16410, reason, path=path)


def _add(tree: Tree, path: str) -> None:
    """Add a path to the tree.

    Raises:
        FilterError: it is the prefix of another one, or has another one as its prefix.
    """
    parts = path.split(".")
    tree = _below(tree, parts[:-1], path)
    if parts[-1] in tree:
        raise FilterError(31250, f"Path collision at {path}")
    tree[parts[-1]] = None


def _below(tree: Tree, parts: list[str], path: str) -> Tree:
    """The part of the tree below a prefix of a path."""
    for index, part in enumerate(parts):
        below = tree.setdefault(part, {})
        if below is None:
            remaining = ".".join(path.split(".")[index + 1 :])
            raise FilterError(31249, f"Path collision at {path} remaining portion {remaining}")
        tree = below
    return tree


def _included(document: dict[str, Any], fields: Tree) -> dict[str, Any]:
    result = {}
    for name, value in document.items():
        if name not in fields:
            continue
        below = fields[name]
        if below is None:
            result[name] = value
        elif isinstance(value, dict):
            result[name] = _included(value, below)
        elif isinstance(value, list):
            result[name] = _included_items(value, below)
    return result


def _included_items(items: list[Any], fields: Tree) -> list[Any]:
    """Of an array, what is no object at any depth is dropped."""
    return [
        _included(item, fields) if isinstance(item, dict) else _included_items(item, fields)
        for item in items
        if isinstance(item, (dict, list))
    ]


def _excluded(value: dict[str, Any], fields: Tree) -> dict[str, Any]:
    result = {}
    for name, item in value.items():
        below = fields.get(name, ...)
        if below is None:
            continue
        result[name] = item if below is ... else _excluded_value(item, below)
    return result


def _excluded_value(value: Any, fields: Tree) -> Any:
    if isinstance(value, dict):
        return _excluded(value, fields)
    if isinstance(value, list):
        return [_excluded_value(item, fields) for item in value]
    return value
