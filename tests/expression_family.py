"""What a kind of operators brings to the generator of random expressions."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, NamedTuple


class Family(NamedTuple):
    """A kind of operators.

    Attributes:
        values: what its operands may be, well typed and nearly so.
        makers: makes an expression from chance and from what makes an operand, which takes the names of variables.
    """

    values: tuple[Any, ...]
    makers: tuple[Callable[[random.Random, Callable[..., Any]], Any], ...]
