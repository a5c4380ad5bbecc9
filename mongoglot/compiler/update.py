"""Updates: `$set` and `$unset` of top-level fields, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, final

import bson

from mongoglot.compiler.normalise import normalise, normalise_document
from mongoglot.compiler.values import MAX_STORED_DEPTH
from mongoglot.errors import EncodingTypeError, FilterError, NotYetError, WriteError


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
            WriteError: the update would change `_id`, its type included (code 66), set a field with a `$` (52), or
                nest too deep (15).
        """
        self._check(document)
        changed = {
            name: self.assigned.get(name, value)
            for name, value in document.items()
            if name not in self.removed
        }
        for name in sorted(self.assigned.keys() - document.keys(), key=_new_field_key):
            changed[name] = self.assigned[name]
        return None if bson.encode(changed) == bson.encode(document) else changed

    def _check(self, document: dict[str, Any]) -> None:
        """Refuse what a server refuses when it comes to a document that matches."""
        key = document["_id"]
        if "_id" in self.removed or bson.encode({"": self.assigned.get("_id", key)}) != bson.encode(
            {"": key}
        ):
            reason = "Performing an update on the path '_id' would modify the immutable field '_id'"
            raise WriteError(66, reason)
        for name, value in self.assigned.items():
            if name.startswith("$"):
                raise WriteError(52, f"The dollar ($) prefixed field '{name}' is not valid for storage.")
            try:
                normalise(value, MAX_STORED_DEPTH - 1)
            except EncodingTypeError:
                reason = f"Document exceeds maximum nesting depth of {MAX_STORED_DEPTH}"
                raise WriteError(15, reason) from None


def _new_field_key(name: str) -> tuple[int, int, str]:
    """New fields stand in the order of their names, those that begin with 1 to 9 by length first (measured)."""
    if "1" <= name[:1] <= "9":
        return (1, len(name.encode()), name)
    return (0 if name < "1" else 2, 0, name)


def read_update(spec: Any) -> Update:
    """Read an update document.

    Raises:
        FilterError: with the server's code; NotYetError for other operators, pipelines and dotted paths.
    """
    if isinstance(spec, (list, tuple)):
        raise NotYetError(9, "an update by a pipeline is not compiled by this version of mongoglot")
    document = normalise_document(spec) if hasattr(spec, "items") else {}
    if not document or not all(name.startswith("$") for name in document):
        raise FilterError(9, "an update holds update operators only", hint="write {'$set': {field: value}}")
    assigned: dict[str, Any] = {}
    removed: dict[str, Any] = {}
    for operator, fields in document.items():
        if operator not in ("$set", "$unset"):
            raise _unknown(operator)
        if not isinstance(fields, dict):
            reason = f"Modifiers operate on fields but we found type {type(fields).__name__} instead"
            raise FilterError(9, reason, path=operator, hint=f"write {{{operator}: {{field: value}}}}")
        for name, value in fields.items():
            _check_field(name, operator)
            if name in assigned or name in removed:
                reason = f"Updating the path '{name}' would create a conflict at '{name}'"
                raise FilterError(40, reason, path=f"{operator}.{name}", hint="name each field once")
            (assigned if operator == "$set" else removed)[name] = value
    return Update(assigned, frozenset(removed))


def _check_field(name: str, operator: str) -> None:
    if not name:
        raise FilterError(56, "An empty update path is not valid.", path=operator, hint="name a field")
    if "." in name:
        reason = "updates of fields below the top are not compiled by this version"
        hint = f"set the whole field {name.partition('.')[0]!r}"
        raise NotYetError(9, reason, path=f"{operator}.{name}", hint=hint)


_LATER: Final = frozenset({
    "$addToSet", "$bit", "$currentDate", "$inc", "$max", "$min", "$mul", "$pop", "$pull", "$pullAll", "$push",
    "$rename", "$setOnInsert",
})  # fmt: skip


def _unknown(operator: str) -> FilterError:
    if operator in _LATER:
        hint = "read the documents, and write the new values with $set"
        return NotYetError(
            9, f"{operator} is not compiled by this version of mongoglot", path=operator, hint=hint
        )
    hint = "the operators of this version are $set and $unset"
    return FilterError(9, f"Unknown modifier: {operator}", path=operator, hint=hint)
