"""What writes give back, with pymongo's names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final


@final
@dataclass(frozen=True, slots=True)
class InsertOneResult:
    """What an insert gives.

    Attributes:
        inserted_id: the `_id` of the document.
    """

    inserted_id: Any


@final
@dataclass(frozen=True, slots=True)
class InsertManyResult:
    """What an insert of many gives.

    Attributes:
        inserted_ids: the `_id`s of the documents, in order.
    """

    inserted_ids: list[Any]


@final
@dataclass(frozen=True, slots=True)
class UpdateResult:
    """What an update gives.

    Attributes:
        matched_count: how many documents matched.
        modified_count: how many of them it changed.
    """

    matched_count: int
    modified_count: int


@final
@dataclass(frozen=True, slots=True)
class DeleteResult:
    """What a delete gives.

    Attributes:
        deleted_count: how many documents were deleted.
    """

    deleted_count: int
