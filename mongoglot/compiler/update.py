"""Updates: `$set` and `$unset` of top-level fields, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, final

import bson

from mongoglot.compiler.normalise import normalise_document
from mongoglot.compiler.values import sort_key
from mongoglot.errors import FilterError, NotYetError, WriteError


@final
@dataclass(frozen=True, slots=True)
class Update:
    """What an update does to a document.

    Attributes:
        assigned: field → its new value.
        removed: the fields that are taken out.
    """

    assigned: dict[str, Any]
    removed: frozenset[str]

    @property
    def spec(self) -> dict[str, Any]:
        """The same as a server takes it."""
        spec: dict[str, Any] = {}
        if self.assigned:
            spec["$set"] = self.assigned
        if self.removed:
            spec["$unset"] = dict.fromkeys(sorted(self.removed), "")
        return spec or {"$set": {}}

    def apply(self, document: dict[str, Any]) -> dict[str, Any] | None:
        """The document after the update, or None where nothing changes.

        Fields that are there keep their place; new ones follow in the order of their names, as on a server.

        Raises:
            WriteError: code 66, the update would change `_id`.
        """
        if "_id" in self.removed or (
            "_id" in self.assigned and sort_key(self.assigned["_id"]) != sort_key(document.get("_id"))
        ):
            reason = "Performing an update on the path '_id' would modify the immutable field '_id'"
            raise WriteError(66, reason)
        changed = {
            name: self.assigned.get(name, value) if name != "_id" else value
            for name, value in document.items()
            if name not in self.removed
        }
        for name in sorted(self.assigned.keys() - document.keys(), key=_new_field_order):
            changed[name] = self.assigned[name]
        return None if bson.encode(changed) == bson.encode(document) else changed


def _new_field_order(name: str) -> tuple[int, int, str]:
    """Numeric names by number, before all others by name."""
    return (0, int(name), name) if name.isascii() and name.isdigit() else (1, 0, name)


def read_update(spec: Any) -> Update:
    """Read an update document.

    Raises:
        FilterError: with the server's code; NotYetError for other operators, pipelines and dotted paths.
    """
    if isinstance(spec, (list, tuple)):
        raise NotYetError(9, "an update by a pipeline is not compiled by this version of mongoglot")
    if not isinstance(spec, Mapping):
        raise FilterError(9, f"an update is a mapping, not {type(spec).__name__}")
    if not spec or not all(str(name).startswith("$") for name in spec):
        raise FilterError(
            9,
            "an update holds update operators only",
            hint="write {'$set': {field: value}}",
        )
    assigned: dict[str, Any] = {}
    removed: dict[str, Any] = {}
    for operator, fields in normalise_document(spec).items():
        if operator not in ("$set", "$unset"):
            raise _unknown(operator)
        if not isinstance(fields, dict):
            reason = f"Modifiers operate on fields but we found type {type(fields).__name__} instead"
            raise FilterError(9, reason, path=operator)
        for name in fields:
            _check_field(name, operator)
        (assigned if operator == "$set" else removed).update(fields)
    for name in assigned.keys() & removed.keys():
        raise FilterError(40, f"Updating the path '{name}' would create a conflict at '{name}'", path=name)
    return Update(assigned, frozenset(removed))


def _check_field(name: str, operator: str) -> None:
    path = f"{operator}.{name}"
    if not name:
        raise FilterError(56, "An empty update path is not valid.", path=operator)
    if "." in name:
        raise NotYetError(9, "updates of fields below the top are not compiled by this version", path=path)
    if name.startswith("$"):
        raise FilterError(
            52, f"The dollar ($) prefixed field '{name}' is not allowed in an update", path=path
        )


_LATER: Final = frozenset({
    "$addToSet", "$bit", "$currentDate", "$inc", "$max", "$min", "$mul", "$pop", "$pull", "$pullAll", "$push",
    "$rename", "$setOnInsert",
})  # fmt: skip


def _unknown(operator: str) -> FilterError:
    if operator in _LATER:
        return NotYetError(9, f"{operator} is not compiled by this version of mongoglot", path=operator)
    return FilterError(9, f"Unknown modifier: {operator}", path=operator)
