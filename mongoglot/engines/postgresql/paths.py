"""Paths in the language of SQL/JSON paths, in lax mode: what `compiler/walk.py` does with arrays on the way.

In lax mode `."b"` on an array looks at each of its elements, as a server does, and a filter `? (…)` on an array is
asked of each of its elements. Neither looks into an array inside an array, as a server does not. But operands of a
comparison are opened too, so every comparison here stands behind a test of the type.

A component that is a number has two readings, a name and an index. Each reading is a path of its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Final, final

from mongoglot.compiler.ast import Path
from mongoglot.compiler.walk import array_index
from mongoglot.engines.postgresql.encoding import field_name

MAX_READINGS: Final = 8
"""A path with more is left to the residual."""

MAX_COMPONENTS: Final = 60
"""A longer path is left to the residual: a path in jsonb nests as deep as it is long."""

_MAX_INDEX: Final = 2**31 - 2

IS_OBJECT: Final = '@.type() == "object"'


@final
@dataclass(frozen=True, slots=True)
class Step:
    """A name, and the indexes behind it, each of an element of an array."""

    name: str
    indexes: tuple[int, ...] = ()

    @property
    def key(self) -> str:
        """`."name"`, whatever characters the name has."""
        return f".{json.dumps(field_name(self.name))}"

    @property
    def value(self) -> str:
        """The accessor of the value, `."name"[0]`."""
        return self.key + "".join(f"[{index}]" for index in self.indexes)

    @property
    def guards(self) -> str:
        """That the indexes are of arrays, as a condition on the object: in lax mode `5[0]` is 5."""
        arrays = [Step(self.name, self.indexes[:end]).value for end in range(len(self.indexes))]
        return " && ".join(f'@{array}.type() == "array"' for array in arrays)


@final
@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of a path: steps from an object, which is `@`."""

    steps: tuple[Step, ...]

    def base(self, end: int = -1) -> str:
        """What the step `end` is looked up in."""
        text = "@"
        for step in self.steps[:end] if end else ():
            guarded = f" ? ({IS_OBJECT} && {step.guards})" if step.indexes else ""
            text += guarded + step.value
        return text

    @property
    def last(self) -> Step:
        """The step to the value."""
        return self.steps[-1]

    def holds_of_parent(self, condition: str, end: int = -1) -> str:
        """Some object that the step `end` is looked up in, `@` of the condition, is as the condition says."""
        base = self.base(end)
        return f"({condition})" if base == "@" else f"exists({base} ? ({IS_OBJECT} && ({condition})))"

    def some_element(self, condition: Callable[[str], str], filtered: str | None = None) -> str:
        """Some element of the path, other than an array that is expanded, is as the condition says.

        Args:
            condition: on what an accessor gives; false for an array, unless it is about arrays.
            filtered: the same for the `@` of a filter, where there is such a form.
        """
        if self.last.indexes:  # such an element is not expanded
            return self.whole(condition)
        return f"exists({self.base()}{self.last.value} ? ({filtered or condition('@')}))"

    def whole(self, condition: Callable[[str], str]) -> str:
        """The value at the end, unexpanded, is as the condition says."""
        of_value = condition(f"@{self.last.value}")
        guards = self.last.guards
        return self.holds_of_parent(f"{guards} && ({of_value})" if guards else of_value)

    def is_there(self) -> str:
        """There is a value at the end."""
        if self.last.indexes:
            return self.holds_of_parent(f"{self.last.guards} && exists(@{self.last.value})")
        return f"exists({self.base()}{self.last.value})"

    def missing(self) -> Iterator[str]:
        """Conditions of which one holds where the path yields a missing field."""
        for end, step in enumerate(self.steps):
            at_end = end == len(self.steps) - 1 and not step.indexes
            absent = f"!exists(@{step.key})"
            if not at_end:  # a scalar on the way has no fields
                kind = f"@{step.key}.type()"
                absent += f' || ({kind} != "object" && {kind} != "array")'
            yield self.holds_of_parent(absent, end)

    def elements(self) -> str:
        """The path of the elements, an array expanded, from the document `$`."""
        if self.last.indexes:
            return self.values()
        return self.values() + "[*]"

    def values(self, condition: str = "") -> str:
        """The path of the values at the end, none expanded, from the document `$`.

        Args:
            condition: on the object that holds the value, if there is one.
        """
        conditions = " && ".join(filter(None, [self.last.guards, condition]))
        guarded = f" ? ({IS_OBJECT} && {conditions})" if conditions else ""
        return "$" + (self.base() + guarded + self.last.value)[1:]

    def numbers(self) -> str:
        """The path of the elements that are numbers, from the document `$`."""
        if self.last.indexes:
            return self.values(f'@{self.last.value}.type() == "number"')
        return self.values() + ' ? (@.type() == "number")'


def readings(path: Path) -> list[Reading] | None:
    """The readings of a path that starts at an object; None where there are too many, or it cannot be said.

    A server reads an empty last component behind an array as if it were not there.
    """
    if len(path) > MAX_COMPONENTS or (len(path) > 1 and path[-1] == ""):
        return None
    choices = [[None]] + [_choices(part) for part in path[1:]]
    count = 1
    for choice in choices:
        count *= len(choice)
    if count > MAX_READINGS:
        return None
    return [_reading(path, indexes) for indexes in product(*choices)]


def _choices(part: str) -> list[int | None]:
    index = array_index(part)
    return [None] if index is None or index > _MAX_INDEX else [None, index]


def _reading(path: Path, indexes: tuple[int | None, ...]) -> Reading:
    steps: list[Step] = []
    for name, index in zip(path, indexes, strict=True):
        if index is None:
            steps.append(Step(name))
        else:
            steps[-1] = Step(steps[-1].name, (*steps[-1].indexes, index))
    return Reading(tuple(steps))
