"""Filters that ask for one of several values, which passes gather into lists."""

from __future__ import annotations

import random
from typing import Any

from mongoglot.testing import generate
from mongoglot.testing.alphabet import EVERY_SCALAR
from mongoglot.testing.choices import RandomChoices


def random_alternatives(rng: random.Random, near: list[dict[str, Any]]) -> dict[str, Any]:
    """An `$or` of equalities with values of all classes, on few paths."""
    choices = RandomChoices(rng)
    paths = [generate.path_and_operand(choices, near)[0] for _ in range(rng.randint(1, 2))]
    parts: list[dict[str, Any]] = []
    for _ in range(rng.randint(2, 5)):
        operand = generate.path_and_operand(choices, near)[1]
        members = [
            member for member in (operand, rng.choice(EVERY_SCALAR)) if generate.is_plain_literal(member)
        ]
        parts.append({rng.choice(paths): rng.choice(({"$eq": operand}, {"$in": members}, {"$gt": 1}))})
    return rng.choice(({"$or": parts}, {"$nor": parts}, {"$or": [parts[0], {"$or": parts[1:]}]}))
