"""Which function computes which operator on dates."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from mongoglot.engines.python.expressions.dates.arithmetic import added, difference, subtracted, truncated
from mongoglot.engines.python.expressions.dates.formatting import to_string
from mongoglot.engines.python.expressions.dates.parsing import from_string
from mongoglot.engines.python.expressions.dates.parts import PARTS, date_of_parts, parts_of

DATE_PARTS: Final[dict[str, Callable[[Iterator[Any]], Any]]] = PARTS

DATES: Final[dict[str, Callable[..., Any]]] = {
    "$dateAdd": added,
    "$dateSubtract": subtracted,
    "$dateDiff": difference,
    "$dateTrunc": truncated,
    "$dateToString": to_string,
    "$dateFromString": from_string,
    "$dateToParts": parts_of,
    "$dateFromParts": date_of_parts,
}
