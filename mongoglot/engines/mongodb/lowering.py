"""The native lowering: to a filter as a server takes it.

It is not made of the optimised tree but says what was written: a server has passes of its own, and for
positional projections the order of the conditions decides (semantics 6.3).
"""

from __future__ import annotations

from typing import Any

from mongoglot.compiler.plan import BoundPlan
from mongoglot.engines.mongodb.glob import to_pattern


def to_filter(query: BoundPlan) -> dict[str, Any]:
    """The filter for a server, its values bound; equal in meaning to the one that was compiled."""
    return query.plan.native(query.values, to_pattern)
