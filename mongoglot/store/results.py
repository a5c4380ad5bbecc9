"""What writes give back, with pymongo's names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final


@final
@dataclass(frozen=True, slots=True)
class InsertOneResult:
    """The `_id` of the document that was inserted."""

    inserted_id: Any


@final
@dataclass(frozen=True, slots=True)
class InsertManyResult:
    """The `_id`s of the documents that were inserted, in order."""

    inserted_ids: list[Any]


@final
@dataclass(frozen=True, slots=True)
class UpdateResult:
    """How many documents an update matched, and how many of them it changed."""

    matched_count: int
    modified_count: int


@final
@dataclass(frozen=True, slots=True)
class DeleteResult:
    """How many documents were deleted."""

    deleted_count: int
